"""What a picture says that a network does."""

import numpy as np
import pytest

import fastcnn.nn.functional as F
from fastcnn import nn
from fastcnn.errors import ArgumentError, DTypeError, ShapeError, StateError
from fastcnn.nn.drawing.picture import Box
from fastcnn.nn.drawing.recording import record

from .networks import Block, Own, TwoInputs


def outline(frame):
    """Return what is in a frame: the words of each box, and for each frame a dict."""
    return [
        " | ".join(part for part in (m.name, m.type, m.settings, m.shape, m.parameters) if part)
        if isinstance(m, Box)
        else {f"{m.name} | {m.type}": outline(m)}
        for m in frame.members
    ]


def edges(picture):
    """Return (box, box) of each edge by their types."""
    return [(net.source.type, target.type) for net in picture.nets for target in net.targets]


def test_a_block():
    picture = record(nn.Sequential(Block(2, 4, 2)), (2, 6, 6), "")
    assert picture.title == "Sequential"
    assert outline(picture.root) == [
        "input | 2×6×6",
        {
            "0 | Block": [
                "conv1 | Conv2d | 3×3, stride 2, padding 1 | 4×3×3 | 72 params",
                "bn1 | BatchNorm2d | 4×3×3 | 8 params",
                {"shortcut | Sequential": ["0 | Conv2d | 1×1, stride 2 | 4×3×3 | 8 params"]},
                "Add | 4×3×3",
                "ReLU | 4×3×3",
            ]
        },
        "output | 4×3×3",
    ]
    assert edges(picture) == [
        ("input", "Conv2d"),
        ("input", "Conv2d"),
        ("Conv2d", "BatchNorm2d"),
        ("BatchNorm2d", "Add"),
        ("Conv2d", "Add"),
        ("Add", "ReLU"),
        ("ReLU", "output"),
    ]
    kinds = [box.kind for box in picture.root.boxes()]
    assert kinds == ["end", "conv", "norm", "conv", "join", "activation", "end"]
    paths = [box.path for box in picture.root.boxes()]
    assert paths == ["", "0.conv1", "0.bn1", "0.shortcut.0", "", "", ""]


def test_inputs_outputs_and_shared_layers():
    picture = record(TwoInputs(), ((1, 4, 4), (5,)), "two")
    assert outline(picture.root) == [
        "image | input | 1×4×4",
        "facts | input | 5",
        "facts | Linear | 5 → 5 | 5 | 30 params",
        "facts | Linear | 5 → 5 | 5 | 30 shared params",
        {"image | Sequential": ["0 | Conv2d | 3×3 | 2×2×2 | 20 params", "1 | Flatten | 8"]},
        "Concat | axis 1 | 13",
        "both | output | 13",
        "facts | output | 5",
    ]


def test_a_module_with_a_backward_of_its_own_is_one_box():
    picture = record(nn.Sequential(nn.ReLU(), Own()), (2, 3, 3), "")
    assert outline(picture.root) == [
        "input | 2×3×3",
        "0 | ReLU | 2×3×3",
        "1 | Own | 2×3×3 | 2 params",
        "output | 2×3×3",
    ]
    assert [box.kind for box in picture.root.boxes()][2] == "own"
    assert outline(record(Own(), (2, 3, 3), "").root)[1] == "Own | 2×3×3 | 2 params"


def test_a_single_layer_and_a_model_that_does_nothing():
    conv = nn.Conv2d(1, 2, 3)
    conv.requires_grad_(False)
    assert outline(record(conv, (1, 3, 3), "").root) == [
        "input | 1×3×3",
        "Conv2d | 3×3 | 2×1×1 | 20 frozen params",
        "output | 2×1×1",
    ]
    assert edges(record(nn.Identity(), (1, 3, 3), "")) == [("input", "output")]


def test_a_layer_of_ones_own_tells_its_operation():
    class Shift(nn.Module):
        def forward(self, x):
            return x + 0.5

    assert outline(record(nn.Sequential(Shift()), (2,), "").root)[1] == "0 | Shift | Add with 0.5 | 2"


def test_weights_that_are_computed():
    class Normed(nn.Module):
        def __init__(self):
            super().__init__()
            self.weight = nn.Parameter(np.ones((3, 4)))

        def forward(self, x):
            return F.linear(x, self.weight * 2)

    picture = record(Normed(), (4,), "")
    assert outline(picture.root)[1:3] == ["Multiply | with 2 | 3×4 | 12 params", "Linear | 4 → 3 | 3"]
    assert edges(picture) == [("input", "Linear"), ("Multiply", "Linear"), ("Linear", "output")]


def test_what_ran_for_a_sample_of_zeros_is_drawn():
    class Branch(nn.Module):
        def forward(self, x):
            return F.relu(x) if x.sum() > 0 else F.sigmoid(x)

    # The sum is looked at, and nothing else comes of it.
    assert outline(record(Branch(), (2,), "").root)[1:-1] == ["Sum | 1", "Sigmoid | 2"]


def test_hooks_run_and_are_not_drawn():
    model, met = nn.Sequential(nn.ReLU(), nn.Flatten()), []
    model[0].register_full_backward_hook(lambda *_: None)
    model[1].register_forward_hook(lambda module, args, y: met.append(y.shape))
    picture = record(model, (2, 3), "")
    assert edges(picture) == [("input", "ReLU"), ("ReLU", "Flatten"), ("Flatten", "output")]
    assert met == [(1, 6)]


def test_nothing_changes():
    model = nn.Sequential(nn.BatchNorm2d(2), nn.Dropout())
    y = model(np.ones((2, 2, 3, 3), np.float32))
    before = {name: each.copy() for name, each in model.state_dict().items()}
    record(model, (2, 4, 4), "")
    assert model.training
    for name, each in model.state_dict().items():
        np.testing.assert_array_equal(each, before[name])
    model.backward(np.ones_like(y))  # of the call before


def test_numpy_makes_a_gap():
    class Sorted(nn.Module):
        def forward(self, x):
            return F.relu(np.sort(x))

    with pytest.raises(
        StateError, match=r"draw_graph: Sorted: numpy\.sort was called on a value \(.*\.py:\d+"
    ):
        record(Sorted(), (3,), "")


def test_an_output_that_depends_on_nothing():
    class Constant(nn.Module):
        def forward(self, x):
            return np.ones(3)

    with pytest.raises(ArgumentError, match=r"Constant: no output depends on an input .* returned ndarray"):
        record(Constant(), (3,), "")


@pytest.mark.parametrize("shape", ["1,2", (), 3, ((),), ((1, 2), 3)])
def test_shapes_that_are_none(shape):
    with pytest.raises(ShapeError, match=r"draw_graph: input_shape(\[\d\])? must be a tuple such as"):
        record(nn.ReLU(), shape, "")


def test_shapes_that_do_not_fit():
    with pytest.raises(DTypeError, match="draw_graph: input_shape must be an integer"):
        record(nn.ReLU(), (1.5, 2), "")
    with pytest.raises(DTypeError, match=r"ReLU: forward takes \(x\), got 2 arrays"):
        record(nn.ReLU(), ((1, 2), (3,)), "")
    with pytest.raises(ShapeError, match="x has 3 channels but weight expects 1"):
        record(nn.Conv2d(1, 2, 3), (3, 8, 8), "")
