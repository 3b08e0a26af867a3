"""Fusions: where each pattern is found, and that what it makes is what the single nodes make."""

import copy

import numpy as np
import pytest

from fastcnn import nn
from fastcnn.engine import plan as plans
from fastcnn.engine.fuse import fuse
from fastcnn.engine.lower import lower
from fastcnn.engine.nodes.apply import Apply
from fastcnn.engine.nodes.conv import Conv
from fastcnn.engine.nodes.dense import Dense
from fastcnn.engine.nodes.dropout import DropNode
from fastcnn.engine.nodes.merge import Add, Concat
from fastcnn.engine.nodes.norm_pool import NormPool
from fastcnn.engine.nodes.pool import Pool

SHAPE = (2, 7, 6)


def norm(channels=3):
    layer = nn.BatchNorm2d(channels)
    rng = np.random.default_rng(channels)
    layer.weight.data[...] = rng.standard_normal(channels)  # negative scales turn the order of values around
    layer.bias.data[...] = rng.standard_normal(channels)
    layer.running_mean[...] = rng.standard_normal(channels)
    layer.running_var[...] = rng.uniform(0.5, 2, channels)
    return layer


def conv(out=3, **options):
    return nn.Conv2d(2, out, 3, padding=1, **options)


# Layers, and the nodes that they become.
PATTERNS = [
    ([conv(), nn.ReLU()], [Conv]),
    ([conv(bias=False), nn.PositionBias((3, 7, 6)), nn.ReLU()], [Conv]),
    ([nn.Flatten(), nn.Linear(84, 5), nn.ReLU(), nn.Linear(5, 2)], [Dense, Dense]),
    ([nn.Conv2d(2, 3, (7, 6)), nn.ReLU()], [Dense]),
    ([conv(), nn.ReLU(), nn.Residual(nn.Conv2d(3, 3, 1))], [Conv, Conv, Add]),
    ([conv(), nn.Residual(nn.ReLU())], [Conv, Apply, Add]),
    ([conv()], [Conv]),
    ([conv(), nn.Residual(nn.Conv2d(3, 3, 1)), nn.ReLU()], [Conv, Conv, Add]),
    ([conv(), nn.Residual(nn.Conv2d(3, 3, 1)), nn.ReLU(), norm()], [Conv, Conv, Add, Apply]),
    ([conv(), nn.Residual(nn.Conv2d(3, 3, 1)), nn.ReLU(), nn.MaxPool2d(2)], [Conv, Conv, Add, Pool]),
    ([conv(), nn.Residual(nn.Residual(nn.Conv2d(3, 3, 1))), nn.ReLU()], [Conv, Conv, Add]),
    (
        [conv(), nn.Residual(nn.Sequential(nn.Residual(nn.Conv2d(3, 3, 1)), nn.ReLU()))],
        [Conv, Conv, Add, Add],
    ),
    ([conv(), nn.DenseResidual(nn.Conv2d(3, 3, 1)), nn.ReLU()], [Conv, Conv, Concat, Apply]),
    ([conv(), norm(), nn.ReLU()], [Conv, Apply]),
    ([conv(), norm(), nn.ReLU(), nn.Dropout(0.4)], [Conv, Apply]),
    ([conv(), norm(), nn.Dropout(0.4)], [Conv, Apply]),
    ([conv(), norm(), nn.Dropout2d(0.4)], [Conv, Apply]),
    ([conv(), norm(), nn.ReLU(), nn.Dropout2d(0.4)], [Conv, Apply]),
    ([conv(), nn.ReLU(), nn.Dropout2d(0.4)], [Conv, Apply]),
    ([conv(), nn.SiLU(), nn.Dropout2d(0.4)], [Conv, Apply, Apply]),
    ([conv(), norm(), nn.ReLU(), nn.Dropout2d(0.4), nn.MaxPool2d(2)], [Conv, NormPool]),
    ([conv(), norm(), nn.ReLU(), nn.Dropout2d(0.4), nn.MaxPool2d(3, 2)], [Conv, Apply, Pool]),
    ([conv(), nn.Dropout2d(0.4), norm()], [Conv, Apply, Apply]),
    ([conv(), norm(), nn.ReLU(), nn.AlphaDropout(0.4)], [Conv, Apply, DropNode]),
    ([conv(), norm(), nn.Dropout(0.4), nn.ReLU()], [Conv, Apply, Apply]),
    ([conv(), nn.ReLU(), norm()], [Conv, Apply]),
    ([conv(), nn.ReLU(), nn.Dropout(0.4)], [Conv, Apply]),
    ([conv(), nn.Dropout(0.4), nn.Dropout(0.2)], [Conv, Apply, Apply]),
    ([conv(), nn.ReLU(), nn.ReLU()], [Conv, Apply]),
    ([conv(), norm(), nn.Residual(nn.ReLU())], [Conv, Apply, Apply, Add]),
    ([conv(), norm(), nn.MaxPool2d(2)], [Conv, NormPool]),
    ([conv(), norm(), nn.MaxPool2d(3, 3, 1)], [Conv, NormPool]),
    ([conv(), norm(), nn.MaxPool2d(2, (2, 3))], [Conv, NormPool]),
    ([conv(), norm(), nn.MaxPool2d(2, ceil_mode=True)], [Conv, NormPool]),
    ([conv(), norm(), nn.MaxPool2d(3, 2)], [Conv, Apply, Pool]),
    ([conv(), norm(), nn.AvgPool2d(2)], [Conv, Apply, Pool]),
    ([conv(), norm(), nn.ZeroPad2d((0, 1, 0, 1)), nn.MaxPool2d(2)], [Conv, Apply, Pool]),
    ([conv(), nn.Residual(norm()), nn.MaxPool2d(2)], [Conv, Apply, Add, Pool]),
    ([conv(), norm(), nn.ReLU(), nn.MaxPool2d(2)], [Conv, NormPool]),
    ([conv(), norm(), nn.ReLU(), nn.MaxPool2d(2), nn.MaxPool2d(2)], [Conv, NormPool, Pool]),
    ([conv(), norm(), nn.ReLU(), nn.MaxPool2d(2), norm()], [Conv, NormPool, Apply]),
    ([conv(), norm(), nn.ReLU(), nn.Dropout(0.4), nn.MaxPool2d(2)], [Conv, NormPool]),
    ([conv(), norm(), nn.ReLU(), nn.Dropout(0.4), nn.MaxPool2d(2), nn.MaxPool2d(2)], [Conv, NormPool, Pool]),
    ([conv(), norm(), nn.Dropout(0.4), nn.MaxPool2d(2)], [Conv, Apply, Pool]),
    ([conv(), nn.ReLU(), norm(), nn.MaxPool2d(2)], [Conv, NormPool]),
    ([conv(), nn.ReLU(), nn.Dropout(0.4), nn.MaxPool2d(3, 2, 1)], [Conv, Apply, Pool]),
    ([norm(2), nn.ReLU(), nn.MaxPool2d(2), conv(), nn.ReLU()], [NormPool, Conv]),
]


def names(pattern):
    return ", ".join(type(layer).__name__ for layer in pattern[0])


@pytest.mark.parametrize("pattern", PATTERNS, ids=names)
def test_nodes(pattern):
    layers, kinds = pattern
    graph = fuse(lower(nn.Sequential(*layers), SHAPE, training=True))
    assert [type(node) for node in graph.nodes] == kinds
    values = {*graph.inputs, *(node.y for node in graph.nodes)}
    for node in graph.nodes:
        assert node.y.producer is node
        assert node.x in values
        assert node in node.x.consumers
    for value in values:
        assert all(consumer in graph.nodes for consumer in value.consumers)
    assert values.issuperset(graph.outputs)


def run(model, monkeypatch, fused, training, batch):
    """Return output, dx, gradients and statistics of a copy of a model, with fusions or without."""
    twin = copy.deepcopy(model)
    monkeypatch.setattr(plans, "fuse", fuse if fused else lambda graph: graph)
    plan = plans.Plan(twin, SHAPE, training=training, batch_size=batch, input_gradient=training)
    rng = np.random.default_rng(batch)
    y = plan.forward(rng.standard_normal((batch, *SHAPE)))
    if not training:
        return [y]
    dx = plan.backward(rng.standard_normal(y.shape))
    return [y, dx, *(p.grad for p in twin.parameters()), *(b for _, b in twin.named_buffers())]


@pytest.mark.parametrize("training", [True, False], ids=["training", "evaluation"])
@pytest.mark.parametrize("pattern", PATTERNS, ids=names)
def test_results(pattern, training, isa, monkeypatch):
    model = nn.Sequential(*pattern[0]).double().reseed(1)
    for batch in (1, 9):
        single = run(model, monkeypatch, False, training, batch)
        fused = run(model, monkeypatch, True, training, batch)
        scale = max(np.abs(array).max() for array in single)
        for one, other in zip(single, fused, strict=True):
            np.testing.assert_allclose(other, one, rtol=1e-12, atol=1e-13 * scale)
