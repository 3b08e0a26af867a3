"""What normalising layers have in common: a scale and a shift, each of which may be left out."""

import numpy as np
import pytest

from fastcnn import nn

LAYERS = {
    "group": lambda **options: nn.GroupNorm(2, 4, **options),
    "instance": lambda **options: nn.InstanceNorm2d(4, affine=True, **options),
    "lines": lambda **options: nn.InstanceNorm1d(4, affine=True, **options),
    "layer": lambda **options: nn.LayerNorm((6,), **options),
}


@pytest.mark.parametrize("name", LAYERS)
def test_a_scale_without_a_shift(name):
    """As with a shift of zeros, which no optimizer then moves."""
    rng = np.random.default_rng(0)
    shape = (3, 4, 6) if name == "lines" else (3, 4, 5, 6)
    x, dy = rng.standard_normal(shape), rng.standard_normal(shape)
    layer, shifted = LAYERS[name](bias=False).double(), LAYERS[name]().double()
    assert layer.bias is None
    assert list(layer.state_dict()) == ["weight"]
    assert "bias=False" in repr(layer)
    assert "bias" not in repr(shifted)
    for model in (layer, shifted):
        model.reset_parameters()
        model.weight.data[...] = np.arange(layer.weight.size) - 1.5
    np.testing.assert_array_equal(layer(x), shifted(x))
    np.testing.assert_array_equal(layer.backward(dy), shifted.backward(dy))
    np.testing.assert_array_equal(layer.weight.grad, shifted.weight.grad)
    np.testing.assert_allclose(layer.eval().predict(x), shifted.eval()(x), rtol=1e-12, atol=1e-12)
