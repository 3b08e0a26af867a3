"""Activations and other functions of elements against PyTorch: as functions, as layers, and in programs."""

import numpy as np
import pytest

import fastcnn
from fastcnn import nn

from ..oracle import cases

CASES = cases.load("elementwise")
TOLERANCE = {np.float32: {"rtol": 1e-4, "atol": 1e-5}, np.float64: {"rtol": 1e-10, "atol": 1e-12}}
# Whose gradients PyTorch multiplies by float32 numbers, 1/6 and 1/alpha, in float64 too.
FLOAT32_INSIDE = ("hardsigmoid", "celu")


class Function(nn.Module):
    """Applies a function of fastcnn.nn.functional."""

    def __init__(self, name, options):
        super().__init__()
        self.function, self.options = getattr(nn.functional, name), options

    def forward(self, x):
        return self.function(x, **self.options)


def modules(case):
    """Yield the function, and the layer of the same arguments."""
    yield Function(case.args["name"], case.args["options"])
    if case.args["layer"] is not None:
        yield getattr(nn, case.args["layer"])(**case.args["options"])


def strided(x):
    """Return a view of every other element, and of the axes in another order, with the values of x."""
    room = np.zeros((*x.shape[::-1], 2), x.dtype)
    view = room[..., 0].T
    view[...] = x
    return view


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_values_and_gradients(case, dtype):
    x, dy = case.input("x", dtype), case.input("dy", dtype)
    # What has no number has no certain gradient either; beside it, in a softmax or half of a GLU, none has.
    alone = "dim" not in case.args["options"]
    certain = np.isfinite(x) if alone else np.full(x.shape, np.isfinite(x).all())
    for module in modules(case):
        for given in (x, strided(x)):
            y = module(given)
            assert (y.dtype, y.shape) == (dtype, case["y"].shape)
            np.testing.assert_allclose(y, case["y"], **TOLERANCE[dtype], err_msg=case.describe())
            dx = module.backward(dy)
            assert dx.dtype == dtype
            bound = TOLERANCE[np.float32 if case.args["name"] in FLOAT32_INSIDE else dtype]
            np.testing.assert_allclose(dx[certain], case["dx"][certain], **bound, err_msg=case.describe())


# But for those along the images of a batch, which programs take one by one.
COMPILED = [c for c in CASES if c.id.endswith("images") and c.args["options"].get("dim") != 0]


@pytest.mark.parametrize("case", COMPILED, ids=lambda case: case.id)
def test_compiled(case):
    x, dy = case.input("x", np.float32), case.input("dy", np.float32)
    for module in modules(case):
        # Something that multiplies, or predictions would run eagerly.
        model = nn.Sequential(nn.Conv2d(4, 4, 1, bias=False), module)
        model[0].weight.data[...] = np.eye(4)[:, :, None, None]
        fast = fastcnn.compile(model)
        np.testing.assert_allclose(fast(x), case["y"], rtol=1e-4, atol=1e-5)
        fast.backward(dy)
        grad = np.einsum("nihw,njhw->ij", case["dx"], x.astype(np.float64))
        np.testing.assert_allclose(model[0].weight.grad[:, :, 0, 0], grad, rtol=1e-3, atol=1e-4)
