"""Networks read from ONNX files: shapes, names, constants, older versions, and training."""

import copy
import time

import numpy as np
import pytest

import fastcnn
from fastcnn import nn, onnx, optim, zoo
from fastcnn.errors import DataError, ShapeError

from .graphs import save
from .running import runtime, samples

SHAPE = (4, 6, 7)


def loaded(tmp_path, nodes, shape=("N", *SHAPE), **given):
    """Return the network of nodes, after a look at whether it gives ONNX Runtime's values for two batches."""
    path = save(tmp_path / "model.onnx", nodes, shape, **given)
    model = onnx.load(path)
    for count in (1, 3):
        x = samples(shape[1:], count)
        np.testing.assert_allclose(model.predict(x), runtime(path, x), 1e-5, 1e-5)
    return model


def integers(*values):
    return np.array(values, np.int64)


def test_shapes_that_are_computed(tmp_path):
    arrays = {"zero": np.int64(0), "one": integers(1), "rest": integers(-1), "axis": integers(0)}
    nodes = [
        ("Shape", "x", "s"),
        ("Gather", "s zero", "n"),
        ("Unsqueeze", "n axis", "m"),
        ("Concat", "m rest", "t", {"axis": 0}),
        ("Reshape", "x t", "y"),
    ]
    model = loaded(tmp_path, nodes, arrays=arrays)
    assert model.output_shape((5, *SHAPE)) == (5, 168)


def test_halves_of_channels_that_are_computed(tmp_path):
    """As exporters write the channels in turn: sizes divided, multiplied and put together."""
    arrays = {
        **{"zero": integers(0), "first": integers(1), "second": integers(2), "end": integers(4)},
        "two": integers(2),
    }  # fmt: skip
    nodes = [
        ("Shape", "x", "s"),
        ("Slice", "s zero first", "n"),
        ("Slice", "s first second", "c"),
        ("Slice", "s second end", "hw"),
        ("Div", "c two", "h"),
        ("Concat", "n two h hw", "t", {"axis": 0}),
        ("Reshape", "x t", "a"),
        ("Transpose", "a", "b", {"perm": [0, 2, 1, 3, 4]}),
        ("Mul", "h two", "c2"),
        ("Concat", "n c2 hw", "u", {"axis": 0}),
        ("Reshape", "b u", "y"),
    ]
    loaded(tmp_path, nodes, arrays=arrays)


def test_a_batch_of_one_size_may_be_of_any(tmp_path):
    arrays = {"shape": integers(1, 168)}
    path = save(tmp_path / "model.onnx", [("Reshape", "x shape", "y")], (1, *SHAPE), arrays=arrays)
    assert onnx.load(path).predict(samples(SHAPE, 5)).shape == (5, 168)


@pytest.mark.parametrize(
    "name", ["resnet20-cifar", "mobilenet-v2-cifar", "unet-scenes", "position-bias-mnist"]
)
def test_layers_have_their_names_again(tmp_path, name):
    """A file of fastcnn's own gives the same network: names, weights, predictions to the bit, its dicts."""
    network = zoo.find(name)
    model = zoo.build(name).eval()
    onnx.export(model, tmp_path / "model.onnx", network.input_shape)
    again = onnx.load(tmp_path / "model.onnx")
    own, read = model.state_dict(), again.state_dict()
    assert own.keys() == read.keys()
    for key, value in own.items():
        np.testing.assert_array_equal(read[key], value, key)
    x = samples(network.input_shape, 2)
    np.testing.assert_array_equal(again.predict(x), model.predict(x))
    written = zoo.to_dicts(again, network.input_shape)
    assert zoo.from_dicts(written, network.input_shape).state_dict().keys() == own.keys()


def test_a_step_of_training_is_the_same(tmp_path):
    """Batch normalisation normalises by the batch, and dropout drops nothing where its probability is 0."""
    model = nn.Sequential(
        nn.Conv2d(4, 6, 3, padding=1),
        nn.BatchNorm2d(6),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(54, 3),
    ).initialize(seed=0)
    onnx.export(model.eval(), tmp_path / "model.onnx", SHAPE)
    again = onnx.load(tmp_path / "model.onnx")
    rng = np.random.default_rng(0)
    x, target = samples(SHAPE, 8), rng.integers(0, 3, 8)
    for each in (model, again):
        sgd = optim.SGD(each.parameters(), lr=0.1, momentum=0.9)
        trainer = fastcnn.Trainer(each.train(), sgd, nn.CrossEntropyLoss())
        for _ in range(3):
            trainer.train_step(x, target)
    for (name, value), other in zip(model.state_dict().items(), again.state_dict().values(), strict=True):
        if not name.endswith("num_batches_tracked"):  # which no file says
            np.testing.assert_array_equal(other, value, name)


def test_constants_are_not_trained(tmp_path):
    import onnx as library

    table = library.numpy_helper.from_array(np.ones((4, 1, 1), np.float32))
    nodes = [("Constant", "", "c", {"value": table}), ("Mul", "x c", "a"), ("Mul", "a p", "y")]
    model = onnx.load(
        save(tmp_path / "model.onnx", nodes, ("N", *SHAPE), arrays={"p": np.ones((6, 7), np.float32)})
    )
    assert {name: each.requires_grad for name, each in model.named_parameters()} == {
        "constant": False,
        "p": True,
    }


@pytest.mark.parametrize("kind", ["Identity", "Transpose"])
def test_an_array_that_is_only_moved_is_trained(tmp_path, kind):
    arrays = {"scale": np.ones((7, 7), np.float32)}
    model = loaded(tmp_path, [(kind, "scale", "s"), ("Mul", "x s", "y")], ("N", 7, 7), arrays=arrays)
    assert {name: each.requires_grad for name, each in model.named_parameters()} == {"scale": True}


def test_many_layers_without_names_of_their_own(tmp_path):
    """Each gets the next number, not the first free one of all."""
    count = 2000
    nodes = [("PRelu", f"t{i} s{i}", f"t{i + 1}") for i in range(count - 1)]
    nodes = [("Identity", "x", "t0"), *nodes, ("PRelu", f"t{count - 1} s0", "y")]
    arrays = {f"s{i}": np.full(1, 0.5, np.float32) for i in range(count - 1)}
    path = save(tmp_path / "model.onnx", nodes, arrays=arrays)
    start = time.perf_counter()
    model = onnx.load(path)
    assert time.perf_counter() - start < 5
    assert len(model.state_dict()) == count - 1


def test_a_layer_that_stands_in_two_places(tmp_path):
    weight = np.random.default_rng(0).standard_normal((4, 4, 1, 1)).astype(np.float32)
    nodes = [("Conv", "x conv.weight", "a"), ("Relu", "a", "b"), ("Conv", "b conv.weight", "y")]
    model = loaded(tmp_path, nodes, arrays={"conv.weight": weight})
    assert [name for name, _ in model.named_parameters()] == ["conv.weight"]


@pytest.mark.parametrize(
    "nodes",
    [
        [("Gemm", "x fc.weight", "a"), ("Gemm", "a fc.weight", "y", {"alpha": 2.0})],
        [("Gemm", "x fc.weight", "a", {"transB": 1}), ("Gemm", "a fc.weight", "y")],
        [("MatMul", "x fc.weight", "a"), ("Gemm", "a fc.weight", "y", {"transB": 1})],
    ],
)
def test_an_array_that_is_used_in_two_ways(tmp_path, nodes):
    weight = np.random.default_rng(0).standard_normal((4, 4)).astype(np.float32)
    model = loaded(tmp_path, nodes, ("N", 4), arrays={"fc.weight": weight})
    assert [name for name, _ in model.named_parameters()] == ["fc.weight", "gemm.weight"]


def test_a_matrix_on_both_sides(tmp_path):
    weight = np.random.default_rng(0).standard_normal((4, 4)).astype(np.float32)
    loaded(tmp_path, [("MatMul", "x w", "a"), ("MatMul", "w a", "y")], ("N", 4, 4), arrays={"w": weight})


def test_a_layer_whose_first_use_is_left_out(tmp_path):
    """The layer stands there, so what it was applied to stays too."""
    weight = np.random.default_rng(0).standard_normal((4, 4, 1, 1)).astype(np.float32)
    nodes = [("Relu", "x", "a"), ("Conv", "a conv.weight", "b"), ("Conv", "x conv.weight", "y")]
    loaded(tmp_path, nodes, arrays={"conv.weight": weight})


def test_slopes_of_channels_and_of_columns(tmp_path):
    slopes = np.random.default_rng(0).uniform(0, 1, 4).astype(np.float32)
    for shape in ((4, 1, 1), (1, 4, 1, 1)):
        loaded(tmp_path, [("PRelu", "x s", "y")], ("N", 4, 3, 4), arrays={"s": slopes.reshape(shape)})
    for shape in ((4,), (1, 1, 4), (1, 4, 1)):
        with pytest.raises(DataError, match="slope must be one number or one for each channel"):
            loaded(tmp_path, [("PRelu", "x s", "y")], ("N", 4, 4, 4), arrays={"s": slopes.reshape(shape)})


def test_several_inputs_and_outputs(tmp_path):
    path = save(
        tmp_path / "model.onnx",
        [("Concat", "left right", "both", {"axis": 1}), ("Relu", "right", "positive")],
        inputs={"left": ("N", 3, 5), "right": ("N", 2, 5)},
        outputs=("both", "positive"),
    )
    model = onnx.load(path)
    left, right = samples((3, 5), 4), samples((2, 5), 4, seed=1)
    made = model.predict((left, right))
    np.testing.assert_array_equal(made["both"], np.concatenate([left, right], 1))
    np.testing.assert_array_equal(made["positive"], np.maximum(right, 0))


@pytest.mark.parametrize(
    ("sizes", "position", "wanted"),
    [
        (np.array(2), 0, slice(0, 2)),
        (np.array(3), -1, slice(3, 4)),
        (integers(1, 3), 1, slice(1, 4)),
        (None, 2, slice(2, 3)),
    ],
)
def test_parts_in_a_sequence(tmp_path, sizes, position, wanted):
    """As PyTorch's exporter writes chunk and split; the parts lie along the channels."""
    arrays = {"position": np.array(position)} | ({} if sizes is None else {"sizes": sizes})
    split = ("SplitToSequence", "x" if sizes is None else "x sizes", "s", {"axis": 1})
    path = save(tmp_path / "model.onnx", [split, ("SequenceAt", "s position", "y")], arrays=arrays)
    x = samples(SHAPE, 2)
    np.testing.assert_array_equal(onnx.load(path).predict(x), x[:, wanted])


def test_a_bias_of_zeros_that_is_computed_is_none(tmp_path):
    weight = np.random.default_rng(0).standard_normal((2, 4, 1, 1)).astype(np.float32)
    nodes = [("Expand", "zero size", "b"), ("Conv", "x conv.weight b", "y")]
    arrays = {"zero": np.zeros(1, np.float32), "size": integers(2), "conv.weight": weight}
    model = loaded(tmp_path, nodes, arrays=arrays)
    assert [name for name, _ in model.named_parameters()] == ["conv.weight"]


def test_sizes_that_the_file_leaves_open(tmp_path):
    path = save(tmp_path / "model.onnx", [("Relu", "x", "y")], ("N", 3, "H", "W"))
    with pytest.raises(
        ShapeError, match=r"input 'x': the file leaves sizes open, \(3, \?, \?\): give input_shape"
    ):
        onnx.load(path)
    assert onnx.load(path, (3, 5, 6)).predict(samples((3, 5, 6), 2)).shape == (2, 3, 5, 6)
    with pytest.raises(ShapeError, match=r"input_shape \(4, 5, 6\) does not fit"):
        onnx.load(path, (4, 5, 6))


def test_float64(tmp_path):
    model = nn.Sequential(nn.Linear(5, 3), nn.Tanh()).initialize(seed=0).double()
    onnx.export(model, tmp_path / "model.onnx", (5,))
    again, x = onnx.load(tmp_path / "model.onnx"), samples((5,), 3, np.float64)
    assert {each.dtype for each in again.parameters()} == {np.dtype(np.float64)}
    np.testing.assert_array_equal(again.predict(x), model.predict(x))


def test_it_can_be_copied_and_is_in_evaluation_mode(tmp_path):
    nodes = [("Dropout", "x ratio", "y")]
    path = save(tmp_path / "model.onnx", nodes, arrays={"ratio": np.float32(0.25)})
    model = copy.deepcopy(onnx.load(path))
    assert not model.training
    assert [each.p for each in model.modules() if isinstance(each, nn.Dropout)] == [0.25]


@pytest.mark.parametrize(
    ("nodes", "message"),
    [
        (
            [("LSTM", "x", "y")],
            r"node 'LSTM_0' \(LSTM\): is no operator that is known here; those are Abs, Add",
        ),
        ([("QuantizeLinear", "x scale", "y")], r"node 'QuantizeLinear_0' \(QuantizeLinear\): is no operator"),
        ([("Relu", "z", "y")], r"node 'Relu_0' \(Relu\): 'z' is made by no node before it"),
        ([("Relu", "b", "a"), ("Relu", "a", "b"), ("Relu", "b", "y")], "'b' is made by no node before it"),
        ([("Conv", "x x", "y")], "W, the weight, must be known when the file is read"),
        ([("Concat", "x x", "y", {"axis": 0})], "axis 0 would mix the samples of a batch"),
        ([("Transpose", "x", "y", {"perm": [1, 0, 2, 3]})], "perm must leave the batch where it is"),
        ([("Flatten", "x", "y", {"axis": 2})], "axis must be 1, got 2"),
        ([("Softmax", "x", "y", {"axis": 7})], "axis 7 is out of range"),
        ([("MaxPool", "x", "y", {"kernel_shape": [2]})], "kernel_shape must be 2 integers"),
        ([("MaxPool", "x", "y", {"kernel_shape": [2, 2], "strides": [0, 1]})], "must be at least 1"),
        (
            [("MaxPool", "x", "y i", {"kernel_shape": [2, 2]}), ("Relu", "i", "z")],
            "not known here of .*MaxPool_0",
        ),
        ([("Relu", "x x", "y")], "has 2 inputs, which do not fit"),
        ([("Dropout", "x scale yes", "y")], "training_mode must be false"),
        ([("Shape", "x", "y")], "output 'y' does not depend on the input"),
        ([("Relu", "x", "z")], "output 'y' does not depend on the input"),
        (
            [("SplitToSequence", "x", "s", {"axis": 1}), ("SequenceAt", "s seven", "y")],
            "position 7 is none of the parts of a value",
        ),
        ([("SequenceAt", "x seven", "y")], "position 7 is none of the parts of a value"),
    ],
)
def test_what_has_no_form(tmp_path, nodes, message):
    arrays = {"scale": np.float32(0.5), "yes": np.array(True), "seven": np.array(7)}
    used = {each for node in nodes for each in node[1].split()}
    path = save(tmp_path / "model.onnx", nodes, arrays={key: arrays[key] for key in arrays.keys() & used})
    with pytest.raises(DataError, match=message):
        onnx.load(path)
