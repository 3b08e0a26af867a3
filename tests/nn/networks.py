"""A small network with every kind of member, and what must stay as it is."""

import numpy as np

from fastcnn import nn
from fastcnn.nn import calls


class Scale(nn.Module):
    """y = x * weight, one weight a channel: a layer in ten lines."""

    def __init__(self, channels):
        super().__init__()
        self.weight = nn.Parameter(np.ones((channels, 1, 1), np.float32))

    def forward(self, x):
        self.saved = x
        return x * self.weight.data

    def backward(self, dy):
        self.weight.accumulate((dy * self.saved).sum(axis=(0, 2, 3))[:, None, None])
        return dy * self.weight.data


def network():
    """A small tree with every kind of member: parameters, buffers, a container in a container."""
    block = nn.Sequential(nn.Conv2d(4, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU(), nn.Dropout(0.5))
    return nn.Sequential(
        {
            "stem": nn.Conv2d(2, 4, 3, bias=False),
            "block": nn.Residual(block),
            "scale": Scale(4),
            "flat": nn.Flatten(),
            "head": nn.Linear(4 * 4 * 4, 3),
        }
    ).initialize(seed=1)


def images(count=5, seed=0):
    return np.random.default_rng(seed).standard_normal((count, 2, 6, 6)).astype(np.float32)


def fingerprint(model):
    """Everything that a passive call must leave as it is."""
    state = {name: value.tobytes() for name, value in model.state_dict().items()}
    grads = [None if p.grad is None else p.grad.tobytes() for p in model.parameters()]
    return state, grads, [(module.training, calls.latest(module)) for module in model.modules()]


def assert_untouched(model, before):
    """Check the fingerprint; what the latest calls kept must be the same objects."""
    now = fingerprint(model)
    assert now[:2] == before[:2]
    for (mode, saved), (mode_before, saved_before) in zip(now[2], before[2], strict=True):
        assert mode == mode_before
        assert saved is saved_before
