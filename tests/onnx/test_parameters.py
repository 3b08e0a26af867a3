"""Which arrays of an ONNX file are parameters: those of one element too, where their names tell it."""

import numpy as np
import onnx as library
import pytest

from fastcnn import nn, onnx

from .graphs import save
from .running import samples

SHAPE = (4, 6, 7)


class Scaled(nn.Module):
    """As ConvNeXt scales its blocks, and others their residuals, by single numbers."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(4, 3, 3)
        self.scale = nn.Parameter(np.float32(0.5))
        self.shift = nn.Parameter(np.full(1, 6, np.float32))
        self.gamma = nn.Parameter(np.full((1, 1, 1), 2, np.float32))
        self.pool = nn.AvgPool2d(3, 2, ceil_mode=True)

    def forward(self, x):
        return self.pool((self.conv(x) * self.scale * 0.5 + 1.5) / self.shift) ** 2 * self.gamma


def test_there_and_back(tmp_path):
    model, x = Scaled().initialize(seed=0).eval(), samples(SHAPE, 3)
    onnx.export(model, tmp_path / "model.onnx", SHAPE)
    again = onnx.load(tmp_path / "model.onnx")
    trained = {name: each.shape for name, each in again.named_parameters() if each.requires_grad}
    assert trained == {name: each.shape for name, each in model.named_parameters()}
    assert {name for name, each in again.named_parameters() if not each.requires_grad} == {"constant"}
    np.testing.assert_allclose(again.predict(x), model.predict(x), 1e-5, 1e-6)
    dy = samples((3, 2, 2), 3)
    for each in (model, again):
        each.train()
        each(x)
        each.backward(dy)
    for name, each in model.named_parameters():
        np.testing.assert_allclose(again.get_parameter(name).grad, each.grad, 1e-4, 1e-5, err_msg=name)


PARAMETERS = ["pytorch scale", "pytorch block.0.scale", "fastcnn scale"]
NUMBERS = ["onnx::Mul_20", "val_3", "scalar_tensor_default_2", "lifted_tensor_0", "17"]
NUMBERS = [
    *(f"pytorch {each}" for each in NUMBERS),
    "fastcnn pool/constant",
    "tf2onnx const_fold_opt__5",
    " scale",
]


@pytest.mark.parametrize("maker_and_name", [*PARAMETERS, *NUMBERS])
@pytest.mark.parametrize("shape", [(), (1,)])
def test_whose_names_tell_it(tmp_path, maker_and_name, shape):
    maker, name = maker_and_name.split(" ")
    path = save(tmp_path / "model.onnx", [("Mul", f"x {name}", "y")], arrays={name: np.full(shape, 3, "f4")})
    whole = library.load(path)
    whole.producer_name = maker
    library.save(whole, path)
    model, x = onnx.load(path), samples(SHAPE, 2)
    assert [each.requires_grad for each in model.parameters()] == [True] * (maker_and_name in PARAMETERS)
    np.testing.assert_array_equal(model.predict(x), 3 * x)


def test_a_limit_that_is_a_parameter(tmp_path):
    """A comparison knows numbers alone."""
    nodes = [("Greater", "x limit", "a"), ("Where", "a x limit", "y")]
    path = save(tmp_path / "model.onnx", nodes, arrays={"limit": np.float32(0.5)})
    whole = library.load(path)
    whole.producer_name = "pytorch"
    library.save(whole, path)
    x = samples(SHAPE, 2)
    np.testing.assert_array_equal(onnx.load(path).predict(x), np.where(x > 0.5, x, np.float32(0.5)))
