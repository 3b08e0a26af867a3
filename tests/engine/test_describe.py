"""What Plan.describe prints, and the labels of operations."""

import re

import pytest

from fastcnn import nn, zoo
from fastcnn.engine import Plan
from fastcnn.engine.describe import aligned, work
from fastcnn.engine.nodes.loss import Loss
from fastcnn.nn.summary import summarize

from ..zoo.networks import make, shape_of


def plan_of(name, training, batch_size=16):
    return Plan(make(name, 0), shape_of(name), training=training, batch_size=batch_size)


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("name", zoo.names())
def test_every_operation_and_buffer_is_there(name, training):
    plan = plan_of(name, training)
    text = plan.describe()
    program, buffers = text.split("\nbuffers;")
    writer = plan.executable.writer
    rows = re.findall(r"^ +(\d+)  (\w+) +(\S+) <- ", program, re.MULTILINE)
    assert [(int(i), kernel) for i, kernel, _ in rows] == [(i, op.kernel) for i, op in enumerate(writer.ops)]
    assert program.count("phase ") == len(plan.executable.phases)
    names = [f"b{i}" for i in range(len(writer.blobs))] + [f"s{i}" for i in range(len(writer.scratches))]
    assert re.findall(r"^  ([bs]\d+) ", buffers, re.MULTILINE) == names
    assert ("\nbackward\n" in program) == training


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("name", zoo.names())
def test_every_operation_says_what_it_is_for(name, training):
    model = make(name, 0)
    plan = Plan(model, shape_of(name), training=training, batch_size=16)
    # An operation that a forward applies itself is that of its module; the network has no path.
    layers = {f"{path} {type(module).__name__}".lstrip() for path, module in model.named_modules()}
    used = set()
    for op in plan.executable.writer.ops:
        parts = {"input", "output"} if op.label in ("input", "output") else set(op.label.split(" + "))
        assert parts <= layers | {"input", "output"}, op.kernel
        used |= parts
    kinds = {layer.split()[-1] for layer in used - {"input", "output"}}
    computing = {type(module).__name__ for module in model.modules()}
    # What moves nothing has no operation, and what only holds others; dropout has none in evaluation.
    without = {"Sequential", "ModuleList", "Flatten", "ZeroPad2d", "Permute", "Dropout", "StochasticDepth"}
    assert kinds >= computing - without - {type(model).__name__}


@pytest.mark.parametrize("name", zoo.names())
def test_the_work_is_that_of_the_summary(name):
    table = summarize(make(name, 0), shape_of(name))
    flops = {}
    for training in (False, True):
        flops[training] = sum(op.flops for op in plan_of(name, training).executable.writer.ops)
    assert flops[False] == 2 * table.macs
    assert flops[True] == 2 * (3 * table.macs - table.layers[0].macs)  # the input's gradient is not made


@pytest.mark.parametrize(("layout", "conv"), [("images", "conv"), ("channels", "conv_spans")])
def test_a_small_program_in_full(layout, conv):
    model = nn.Sequential(nn.Conv2d(2, 3, 3, padding=1), nn.ReLU(), nn.Flatten(), nn.Linear(48, 5))
    text = Plan(model, (2, 4, 4), training=False, batch_size=1, layout=layout).describe()
    assert text.startswith("inference program for any number of images of 2x4x4, float32, ")
    assert re.search(rf": {layout} in the \d+ lanes of a vector\n", text)
    assert "operations in 2 phases; 2.21 kFLOP an image" in text
    for row in (
        r"phase 0, \d tasks\n",
        r"pack_weights +\[\d+\] <- 3x2x3x3 +0 Conv2d \+ 1 ReLU",
        r"phase 1, (1 image|\d+ images) at a time\n",
        rf"{conv} +b1 <- b0, \[\d+\], \S+ +1.73 kFLOP +0 Conv2d \+ 1 ReLU",
        rf"{conv} +b\d <- b\d, \[\d+\], \S+ +480 FLOP +3 Linear",
        r"b0  2x4x4 +1 1 1 1 .* threads .* from_nchw",
        rf"b1  3x4x4 +0 0 0 0 .* {conv}",
    ):
        assert re.search(row, text), row


def test_batch_norm_in_the_weights_is_named():
    model = nn.Sequential(nn.Conv2d(2, 3, 3, padding=1), nn.BatchNorm2d(3), nn.ReLU())
    text = Plan(model, (2, 4, 4), training=False, batch_size=1, layout="channels").describe()
    assert re.search(r" conv_spans .* 0 Conv2d \+ 1 BatchNorm2d \+ 2 ReLU", text)


def test_a_step_is_one_part_with_the_loss_in_it():
    model = nn.Sequential(nn.Conv2d(2, 3, 3, padding=1), nn.ReLU(), nn.Flatten(), nn.Linear(48, 5))
    options = {"training": True, "batch_size": 6, "layout": "channels"}
    step, parts = (Plan(model, (2, 4, 4), loss=loss, **options) for loss in (Loss(), None))
    text = step.describe()
    assert text.startswith("training program for up to 6 images of 2x4x4, float32, ")
    assert text.count("\nstep\n") == 1
    assert not re.search("\n(forward|backward)\n", text)
    assert len(re.findall(r" cross_entropy +b\d <- b\d, target, results +loss\n", text)) == 1
    kernels, others = ([op.kernel for op in plan.executable.writer.ops] for plan in (step, parts))
    # The parts hand logits out, and take their gradient in.
    assert sorted([*kernels, "to_nchw", "from_nchw"]) == sorted([*others, "cross_entropy"])
    flops, expected = (sum(op.flops for op in plan.executable.writer.ops) for plan in (step, parts))
    assert flops == expected


def test_bands_are_told():
    model, options = (
        nn.Conv2d(16, 32, 3, padding=1),
        {"training": False, "batch_size": 1, "layout": "channels"},
    )
    whole, cut = (Plan(model, (16, 14, 14), bands=bands, **options) for bands in (1, 3))
    assert re.search(r"phase \d, 3 bands of each image\n( +\d+  conv_spans .*\n){3}", cut.describe())
    assert "bands" not in whole.describe()
    flops, expected = (sum(op.flops for op in plan.executable.writer.ops) for plan in (whole, cut))
    assert flops == expected == 2 * 196 * 32 * 144


def test_a_model_of_one_layer():
    ops = Plan(nn.Linear(4, 2), (4,), training=True, batch_size=3).executable.writer.ops
    assert {op.label for op in ops} == {"Linear", "input", "output"}


@pytest.mark.parametrize(
    ("value", "expected"),
    [(0, "0 B"), (999, "999 B"), (1000, "1 kB"), (1536, "1.54 kB"), (123456, "123 kB"), (7e12, "7000 GB")],
)
def test_sizes(value, expected):
    assert work(value, "B") == expected


def test_columns():
    assert aligned([("a", "1"), ("bbb", "22")], right={1}) == ["a     1", "bbb  22"]
