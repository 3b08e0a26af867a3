"""The passes of a model, eager and compiled."""

import numpy as np

from fastcnn.engine import Plan


def assert_trains_as_eager(model, x, tolerance=1):
    """Compare a plan of float64 in "channels" with eager mode, all gradients too; return the output."""
    expected = model(x)
    dy = np.random.default_rng(len(x)).standard_normal(expected.shape)
    wanted = [model.backward(dy), *(p.grad for p in model.parameters())]
    model.zero_grad()
    options = {"batch_size": len(x), "layout": "channels"}
    plan = Plan(model, x.shape[1:], training=True, input_gradient=True, **options)
    np.testing.assert_allclose(plan.forward(x), expected, rtol=1e-11 * tolerance, atol=1e-12)
    for got, want in zip([plan.backward(dy), *(p.grad for p in model.parameters())], wanted, strict=True):
        atol = 1e-11 * tolerance * max(1, np.abs(want).max())
        np.testing.assert_allclose(got, want, rtol=1e-10 * tolerance, atol=atol)
    return expected
