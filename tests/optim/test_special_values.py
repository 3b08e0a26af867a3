"""Parameters and gradients that are not finite, as in PyTorch; docs/numbers.md has the rest of it."""

import numpy as np
import pytest

from fastcnn import nn, optim

OPTIMIZERS = {
    "SGD": lambda params, **options: optim.SGD(params, lr=0.5, **options),
    "SGD with momentum": lambda params, **options: optim.SGD(params, lr=0.5, momentum=0.9, **options),
    "Nesterov": lambda params, **options: optim.SGD(params, 0.5, 0.9, nesterov=True, **options),
    "Adam": lambda params, **options: optim.Adam(params, lr=0.5, **options),
    "AdamW": lambda params, **options: optim.AdamW(params, lr=0.5, **{"weight_decay": 0.0, **options}),
    "amsgrad": lambda params, **options: optim.Adam(params, lr=0.5, amsgrad=True, **options),
}


def stepped(name, values, grads, dtype, **options):
    """Return the values after a step with each of the gradients."""
    parameter = nn.Parameter(np.array(values, dtype))
    optimizer = OPTIMIZERS[name]([parameter], **options)
    for grad in grads:
        parameter.grad = np.array(grad, dtype)
        optimizer.step()
    return parameter.data


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_an_infinite_parameter_stays_infinite(name, dtype):
    """No weight decay multiplies it by 0. With one, Adam's own makes a gradient of it, and so NaN."""
    values, grads = [1.0, np.inf, -np.inf, np.nan] * 9, [[0.25] * 36] * 3
    found = stepped(name, values, grads, dtype)
    np.testing.assert_array_equal(found[1::4], np.inf)
    np.testing.assert_array_equal(found[2::4], -np.inf)
    assert np.isnan(found[3::4]).all()
    assert np.isfinite(found[::4]).all()
    if "Adam" not in name and name != "amsgrad":
        return
    decayed = stepped(name, values, grads, dtype, weight_decay=0.1)
    assert np.isinf(decayed[1::4]).all() if name == "AdamW" else np.isnan(decayed[1::4]).all()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_a_spoiled_element_touches_no_other(name, dtype):
    clean = [[0.25] * 19, [-0.5] * 19, [1.0] * 19]
    spoiled = [list(grad) for grad in clean]
    spoiled[1][4], spoiled[1][17] = np.nan, np.inf
    want, got = (stepped(name, [0.5] * 19, grads, dtype) for grads in (clean, spoiled))
    np.testing.assert_array_equal(np.flatnonzero(~np.isfinite(got)), [4, 17])
    np.testing.assert_array_equal(np.delete(got, [4, 17]), np.delete(want, [4, 17]))
