"""Fusions: where each pattern is found, and that what it makes is what the single nodes make."""

import copy

import numpy as np
import pytest

from fastcnn import nn
from fastcnn.engine import fuse as fusions
from fastcnn.engine import plan as plans
from fastcnn.engine.fuse import fuse, fuse_elementwise, fuse_norm_pool, fuse_relu
from fastcnn.engine.graph import Add, Apply, Conv, Dense, NormPool, Pool
from fastcnn.engine.lower import lower

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


# For each pattern: layers, and the nodes that they become when it is applied.
PATTERNS = [
    (fuse_relu, [conv(), nn.ReLU()], [Conv]),
    (fuse_relu, [conv(bias=False), nn.PositionBias((3, 7, 6)), nn.ReLU()], [Conv]),
    (fuse_relu, [nn.Flatten(), nn.Linear(84, 5), nn.ReLU(), nn.Linear(5, 2)], [Dense, Dense]),
    (fuse_relu, [nn.Conv2d(2, 3, (7, 6)), nn.ReLU()], [Dense]),
    (fuse_relu, [conv(), norm(), nn.ReLU()], [Conv, Apply, Apply]),
    (fuse_relu, [conv(), nn.ReLU(), nn.Residual(nn.Conv2d(3, 3, 1))], [Conv, Conv, Add]),
    (fuse_relu, [conv(), nn.Residual(nn.ReLU())], [Conv, Apply, Add]),
    (fuse_relu, [conv()], [Conv]),
    (fuse_relu, [conv(), nn.Residual(nn.Conv2d(3, 3, 1)), nn.ReLU()], [Conv, Conv, Add]),
    (fuse_relu, [conv(), nn.Residual(nn.Conv2d(3, 3, 1)), nn.ReLU(), norm()], [Conv, Conv, Add, Apply]),
    (fuse_elementwise, [conv(), norm(), nn.ReLU()], [Conv, Apply]),
    (fuse_elementwise, [conv(), norm(), nn.ReLU(), nn.Dropout(0.4)], [Conv, Apply]),
    (fuse_elementwise, [conv(), norm(), nn.Dropout(0.4)], [Conv, Apply]),
    (fuse_elementwise, [conv(), norm(), nn.Dropout(0.4), nn.ReLU()], [Conv, Apply, Apply]),
    (fuse_elementwise, [conv(), nn.ReLU(), norm()], [Conv, Apply, Apply]),
    (fuse_elementwise, [conv(), nn.ReLU(), nn.Dropout(0.4)], [Conv, Apply]),
    (fuse_elementwise, [conv(), nn.Dropout(0.4), nn.Dropout(0.2)], [Conv, Apply, Apply]),
    (fuse_elementwise, [conv(), nn.ReLU(), nn.ReLU()], [Conv, Apply, Apply]),
    (fuse_elementwise, [conv(), norm(), nn.Residual(nn.ReLU())], [Conv, Apply, Apply, Add]),
    (fuse_norm_pool, [conv(), norm(), nn.MaxPool2d(2)], [Conv, NormPool]),
    (fuse_norm_pool, [conv(), norm(), nn.MaxPool2d(3, 3, 1)], [Conv, NormPool]),
    (fuse_norm_pool, [conv(), norm(), nn.MaxPool2d(2, (2, 3))], [Conv, NormPool]),
    (fuse_norm_pool, [conv(), norm(), nn.MaxPool2d(2, ceil_mode=True)], [Conv, NormPool]),
    (fuse_norm_pool, [conv(), norm(), nn.MaxPool2d(3, 2)], [Conv, Apply, Pool]),
    (fuse_norm_pool, [conv(), norm(), nn.AvgPool2d(2)], [Conv, Apply, Pool]),
    (fuse_norm_pool, [conv(), norm(), nn.ZeroPad2d((0, 1, 0, 1)), nn.MaxPool2d(2)], [Conv, Apply, Pool]),
    (fuse_norm_pool, [conv(), nn.Residual(norm()), nn.MaxPool2d(2)], [Conv, Apply, Add, Pool]),
    (fuse, [conv(), norm(), nn.ReLU(), nn.MaxPool2d(2)], [Conv, NormPool]),
    (fuse, [conv(), norm(), nn.ReLU(), nn.Dropout(0.4), nn.MaxPool2d(2)], [Conv, NormPool]),
    (fuse, [conv(), norm(), nn.Dropout(0.4), nn.MaxPool2d(2)], [Conv, Apply, Pool]),
    (fuse, [conv(), nn.ReLU(), norm(), nn.MaxPool2d(2)], [Conv, NormPool]),
    (fuse, [conv(), nn.ReLU(), nn.Dropout(0.4), nn.MaxPool2d(3, 2, 1)], [Conv, Apply, Pool]),
    (fuse, [norm(2), nn.ReLU(), nn.MaxPool2d(2), conv(), nn.ReLU()], [NormPool, Conv]),
]


def names(pattern):
    function, layers, _ = pattern
    return f"{function.__name__}: {', '.join(type(layer).__name__ for layer in layers)}"


@pytest.mark.parametrize("pattern", PATTERNS, ids=names)
def test_nodes(pattern):
    function, layers, kinds = pattern
    graph = lower(nn.Sequential(*layers), SHAPE, training=True)
    function(graph)
    assert [type(node) for node in graph.nodes] == kinds
    values = {graph.input, *(node.y for node in graph.nodes)}
    for node in graph.nodes:
        assert node.y.producer is node
        assert node.x in values
        assert node in node.x.consumers
    for value in values:
        assert all(consumer in graph.nodes for consumer in value.consumers)
    assert graph.output in values


def run(model, monkeypatch, function, training, batch):
    """Return output, dx, gradients and statistics of a copy of a model whose graph `function` has changed."""
    twin = copy.deepcopy(model)

    def only(graph):
        if function is not None:
            function(graph)
        return graph

    monkeypatch.setattr(plans, "fuse", only)
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
    function, layers, _ = pattern
    model = nn.Sequential(*layers).double().reseed(1)
    for batch in (1, 9):
        single = run(model, monkeypatch, None, training, batch)
        fused = run(model, monkeypatch, function, training, batch)
        scale = max(np.abs(array).max() for array in single)
        for one, other in zip(single, fused, strict=True):
            np.testing.assert_allclose(other, one, rtol=1e-12, atol=1e-13 * scale)


def test_every_fusion_is_applied_and_tested():
    patterns = {f for name, f in vars(fusions).items() if name.startswith("fuse_")}
    assert patterns | {fuse} == {function for function, _, _ in PATTERNS}
