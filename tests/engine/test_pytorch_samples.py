"""What PyTorch's own tests try of layers, functions and losses, compiled with each layout: its answers."""

import itertools
import math
from collections import defaultdict

import numpy as np
import pytest

from fastcnn import nn
from fastcnn.engine import Plan
from fastcnn.engine.choose import takes_channels
from fastcnn.engine.lower import lower
from fastcnn.errors import FastcnnError
from fastcnn.nn import functional as F

from ..graph.models import Formula
from ..oracle import samples
from ..oracle.cases import load
from ..oracle.compare import DTYPES, LAYOUTS, assert_close
from .test_losses import step

# No sample of these is what a program has: arguments that are left out, maxima along axes, a batch reshaped.
NOT_COMPILED = {"amax", "reshape", "view", "__getitem__"}
# Whose samples are rows alone, or have variances of another shape.
NO_STEPS = {"HingeEmbeddingLoss", "GaussianNLLLoss"}
# What is in another order of bytes runs eagerly.
ORDERS = [name for name in LAYOUTS if name != "byte-swapped"]


def _of_one_input(file):
    """Return the samples of each name that have a batch of one value, and no indices among the results."""
    found = defaultdict(list)
    for case in load(file):
        shape = case.specs["x0"]["shape"] if list(samples.names(case.args["call"])) == ["x0"] else ()
        floats = all(y.dtype.kind == "f" for name, y in case.answers.items() if name[0] == "y")
        if 2 <= len(shape) <= 4 and math.prod(shape) and "dx0" in case and floats:
            found[case.args["name"]].append(case)
    return found


MODULES, FUNCTIONS = _of_one_input("samples_modules"), _of_one_input("samples_functions")


LOSSES = defaultdict(list)
for each in load("samples_modules"):
    if each.args["name"].endswith("Loss") and each["y0"].ndim == 0:
        LOSSES[each.args["name"]].append(each)


def _identity(shape, dtype):
    """Return a product that changes nothing: networks without one predict eagerly, and have no type."""
    channels, rank = shape[1], len(shape)
    kind = {2: nn.Linear, 3: nn.Conv1d, 4: nn.Conv2d}[rank]
    layer = kind(channels, channels, *[1] * (rank > 2), bias=False).astype(dtype)
    layer.weight.data[...] = np.eye(channels).reshape(layer.weight.shape)
    return layer


def _model(case, dtype):
    def called(x):
        args, options = samples.arguments(case, "call", lambda name: x)
        return samples.function_of(F, case.args["name"])(*args, **options)

    inner = samples.module_of(nn, case, dtype) if "made" in case.args else Formula(called)
    first = _identity(case.specs["x0"]["shape"], dtype).requires_grad_(False)
    return nn.Sequential(first, inner).train(inner.training)


def _check(case, model, dtype, layout, order):
    """Compare a program with PyTorch's answers, of arrays in some order in memory."""
    x, what, inner = LAYOUTS[order](case.input("x0", dtype)), f"{case.describe()} {layout} {order}", model[1]
    options = {"training": True, "input_gradient": True} if model.training else {}
    plan = Plan(model, x.shape[1:], batch_size=len(x), layout=layout, **options)
    y = plan.forward(x)
    made = y if isinstance(y, tuple | list) else (y,)
    for i, each in enumerate(made):
        assert_close(each, case[f"y{i}"], dtype, f"y{i} of {what}", floor=1.0)
    if not model.training:
        return
    dx = plan.backward(tuple(LAYOUTS[order](case.input(f"dy{i}", dtype)) for i in range(len(made))))
    assert_close(dx, case["dx0"], dtype, f"dx of {what}", floor=1.0)
    for name, parameter in inner.named_parameters():
        assert_close(parameter.grad, case[f"grad:{name}"], dtype, f"gradient of {name} of {what}", floor=1.0)
    for name, value in inner.state_dict().items():
        assert_close(value, case[f"state:{name}"], dtype, f"{name} of {what}", floor=1.0)


def _check_all(name, cases):
    """Check the samples that programs take: not, for one, those that have no batch."""
    compiled, orders = 0, itertools.cycle(ORDERS)
    for case in cases:
        for dtype in DTYPES:
            shape = tuple(case.specs["x0"]["shape"][1:])
            try:
                model = _model(case, dtype)
                graph = lower(model, shape, model.training)
            except (FastcnnError, TypeError):
                continue
            compiled += 1
            for layout in ("images", "channels") if takes_channels(graph) else ("images",):
                _check(case, _model(case, dtype), dtype, layout, next(orders))
    assert compiled or name in NOT_COMPILED


@pytest.mark.parametrize("name", MODULES)
def test_module(name):
    _check_all(name, MODULES[name])


@pytest.mark.parametrize("name", FUNCTIONS)
def test_function(name):
    _check_all(name, FUNCTIONS[name][:: 3 if "max_pool" in name else 1])  # of which there are a thousand


class _Side(nn.Module):
    """Layers side by side, each for an input."""

    def __init__(self, *layers):
        super().__init__()
        self.layers = nn.ModuleList(layers)

    def forward(self, *inputs):
        made = tuple(layer(x) for layer, x in zip(self.layers, inputs, strict=True))
        return made if len(made) > 1 else made[0]


@pytest.mark.parametrize("name", LOSSES)
def test_loss(name):
    """A step whose network changes nothing: the gradient of its weights says that of the loss."""
    steps = 0
    for case, dtype in itertools.product(LOSSES[name], DTYPES):
        called = list(samples.names(case.args["call"]))
        trained = [each for each in called if f"d{each}" in case]
        inputs = tuple(case.input(each, dtype) for each in trained)
        shapes = {x.shape for x in inputs}
        if len(shapes) > 1 or not 2 <= inputs[0].ndim <= 4:
            continue  # variances that are shared, and single samples, are for eager mode
        target, of_sample = case.input(called[1], dtype), inputs[0].shape[1:]
        given = (inputs, (of_sample,) * len(inputs)) if len(inputs) > 1 else (inputs[0], of_sample)
        for layout in ("images", "channels"):
            model = _Side(*(_identity(x.shape, dtype) for x in inputs)).train()
            loss = samples.module_of(nn, case, dtype)
            what = f"{case.describe()} {layout}"
            found, _ = step(model, given[1], loss, given[0], target, None, layout)
            assert_close(found, case["y0"], dtype, f"loss of {what}", floor=1.0)
            steps += 1
            for layer, x, each in zip(model.layers, inputs, trained, strict=True):
                dx = case[f"d{each}"] / case.input("dy0")
                rows = (len(x), x.shape[1], -1)
                wanted = np.einsum("nop,nip->oi", dx.reshape(rows), x.astype(np.float64).reshape(rows))
                assert_close(layer.weight.grad.reshape(wanted.shape), wanted, dtype, what, floor=1.0)
    assert steps or name in NO_STEPS
