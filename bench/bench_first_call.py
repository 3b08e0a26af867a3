"""The first call for a new size of images, which makes a plan, against the same call layer by layer.

Each round begins without a plan. The answer is compared with that of the layers before the clock starts. The
first prediction should take at most twice as long as the layers and 20 ms.
"""

import numpy as np
import pytest

import fastcnn
from fastcnn import nn, optim
from fastcnn.nn.module import PLANS
from fastcnn.testing import assert_close

from .compare import clock, random

SIDES = ["fastcnn", "layers"]


def _max_pool():
    first = nn.Conv2d(3, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)
    return *first, nn.Conv2d(16, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)


def _norm_pool():
    return nn.Conv2d(3, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(), nn.MaxPool2d(2)


def _avg_pool():
    return nn.Conv2d(3, 8, 3, padding=1), nn.ReLU(), nn.AvgPool2d(3, 2, 1, True, False)


def _depthwise():
    return nn.Conv2d(3, 16, 3, 2, 1), nn.ReLU(), nn.Conv2d(16, 16, 3, groups=16)


def _deep():
    blocks = (nn.Residual(nn.Sequential(nn.Conv2d(8, 8, 3, padding=1), nn.ReLU())) for _ in range(16))
    return nn.Conv2d(3, 8, 3, 2, 1), *blocks


NETWORKS = {each.__name__[1:]: each for each in (_max_pool, _norm_pool, _avg_pool, _depthwise, _deep)}
CASES = [(name, size, batch) for name in NETWORKS for size, batch in ((32, 32), (512, 1))]


def _model(name):
    layers = NETWORKS[name]()
    model = nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten())
    return model.append(nn.Linear(model.output_shape((1, 3, 32, 32))[1], 10)).initialize(seed=0)


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize(("name", "size", "batch"), [*CASES, ("max_pool", 1500, 1)])
def test_first_predict(benchmark, name, size, batch, side):
    model, x = _model(name).eval(), random(batch, 3, size, size)
    assert_close(model.predict(x, batch), model(x), 1e-4)

    def first():
        del model.__dict__[PLANS]
        return model.predict(x, batch)

    group = f"first predict {name} {batch}x{size}x{size}"
    clock(benchmark, first if side == "fastcnn" else lambda: model(x), group, images=batch)


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize(("name", "size", "batch"), CASES)
def test_first_train_step(benchmark, name, size, batch, side):
    x = random(batch, 3, size, size)
    labels = np.random.default_rng(0).integers(0, 10, batch)

    def step(compiled):
        model = _model(name)
        optimizer = optim.SGD(model.parameters(), lr=1e-3)
        return fastcnn.Trainer(model, optimizer, nn.CrossEntropyLoss(), engine=compiled).train_step(x, labels)

    np.testing.assert_allclose(step(True), step(False), rtol=1e-4)
    group = f"first train step {name} {batch}x{size}x{size}"
    clock(benchmark, lambda: step(side == "fastcnn"), group, images=batch)
