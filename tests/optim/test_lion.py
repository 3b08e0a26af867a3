"""Lion against the paper's algorithm in NumPy, in float64."""

import numpy as np
import pytest

from . import cases
from .helpers import optimize


def lion(values, grads, lr=1e-4, betas=(0.9, 0.99), weight_decay=0.0, maximize=False):
    """Return the values after the steps; None is a step without a gradient."""
    m = np.zeros_like(values)
    for grad in grads:
        if grad is None:
            continue
        g = -grad if maximize else grad
        c = betas[0] * m + (1 - betas[0]) * g
        values = values - lr * (np.sign(c) + weight_decay * values)
        m = betas[1] * m + (1 - betas[1]) * g
    return values


OPTIONS = {
    "default": {},
    "fast": {"lr": 0.1, "betas": (0.5, 0.8)},
    "decay": {"lr": 0.05, "weight_decay": 0.3},
    "maximize": {"lr": 0.05, "weight_decay": 0.3, "maximize": True},
    "without memory": {"lr": 0.05, "betas": (0.0, 0.0)},
}


@pytest.mark.parametrize("scale", [1.0, 0.0, 1e-15, 1e12])
@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS)
@pytest.mark.parametrize(("dtype", "tolerance"), [(np.float64, 1e-12), (np.float32, 1e-5)])
def test_steps_are_those_of_the_paper(options, dtype, tolerance, scale):
    params, optimizer = optimize("Lion", None, options, dtype, scale=scale)
    for i, (param, values) in enumerate(zip(params, cases.start(), strict=True)):
        grads = [cases.gradients(step, scale=scale)[i] for step in range(cases.STEPS)]
        np.testing.assert_allclose(param.data, lion(values, grads, **options), rtol=tolerance, atol=tolerance)
        assert param.dtype == dtype
    assert optimizer.state_dict()["state"][0].keys() == {"exp_avg"}


def test_by_hand():
    """A step is lr, whatever the gradient, and none where there is no direction."""
    found, _ = optimize("Lion", None, {"lr": 0.5, "betas": (0.5, 0.5)}, steps=())
    before = [param.data.copy() for param in found]
    stepped, _ = optimize("Lion", None, {"lr": 0.5, "betas": (0.5, 0.5)}, steps=[1])
    for param, start in zip(stepped, before, strict=True):
        np.testing.assert_allclose(np.abs(param.data - start), 0.5)
