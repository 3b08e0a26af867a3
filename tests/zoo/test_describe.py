import re

import pytest

from fastcnn import nn, zoo
from fastcnn.errors import ArgumentError


class Swish(nn.Module):
    pass


class MyReLU(nn.ReLU):
    pass


class Conv2d(nn.Module):
    """Not ours, though it has the name."""


def nested(levels):
    module = nn.ReLU()
    for _ in range(levels):
        module = nn.Residual(module)
    return nn.Sequential(module)


def shared_weight():
    first, second = nn.Linear(3, 3), nn.Linear(3, 3)
    second.weight = first.weight
    return nn.Sequential(first, nn.Residual(nn.Sequential(second)))


SHARED = nn.ReLU()


@pytest.mark.parametrize("write", [zoo.to_dicts, zoo.to_spec, zoo.to_python])
@pytest.mark.parametrize(
    ("model", "expected"),
    [
        (nn.ReLU(), "the network must be a Sequential, got ReLU"),
        (
            nn.Sequential(nn.ReLU(), Swish()),
            "layer 1 (Swish): only layers of fastcnn.nn can be written: Adap",
        ),
        (nn.Sequential(nn.Residual(nn.Sequential(MyReLU()))), "layer 0.body.0 (MyReLU): only layers of"),
        (nn.Sequential(Conv2d()), "layer 0 (Conv2d): only layers of fastcnn.nn"),
        (nn.Sequential(SHARED, nn.Residual(SHARED)), "layer 1.body (ReLU): shares its weights with layer 0"),
        (shared_weight(), "layer 1.body.0 (Linear): shares its weights with layer 0, which"),
        (nn.Sequential(nn.BatchNorm2d(2, eps=float("nan"))), "layer 0 (BatchNorm2d): eps must be at least 0"),
        (
            nn.Sequential(nn.Residual(nn.ReLU(), nn.Sequential(Swish()))),
            "layer 0.shortcut.0 (Swish): only layers of fastcnn.nn can be written",
        ),
        (nested(40), "more than 32 blocks inside each other"),
    ],
)
def test_what_cannot_be_written(write, model, expected):
    with pytest.raises(
        ArgumentError, match=rf"^{write.__name__}: .*{re.escape(expected)}|{re.escape(expected)}"
    ):
        write(model)
