"""Lowering: from a tree of modules to a graph of nodes, one rule for each type of layer."""

from __future__ import annotations

from operator import attrgetter

import numpy as np

from .. import nn
from . import pool_rules, rules
from .graph import Graph, Value, View
from .rules import Lowering, Rule, UnsupportedError

_WINDOW = ("kernel_size", "stride", "padding")


def _nothing(module: nn.Module) -> object:
    return None


RULES: dict[type[nn.Module], Rule] = {
    nn.AdaptiveAvgPool2d: Rule(pool_rules.adaptive_avg_pool, attrgetter("output_size")),
    nn.AvgPool2d: Rule(
        pool_rules.avg_pool, attrgetter(*_WINDOW, "ceil_mode", "count_include_pad", "divisor_override")
    ),
    nn.BatchNorm2d: Rule(
        rules.batch_norm, lambda m: (m.num_features, m.track_running_stats, rules.norm_is_fixed(m))
    ),
    nn.Conv2d: Rule(rules.conv2d, attrgetter("stride", "padding", "dilation", "groups")),
    nn.DenseResidual: Rule(rules.dense_residual, _nothing),
    nn.Dropout: Rule(rules.dropout, attrgetter("p")),
    nn.Flatten: Rule(rules.flatten, attrgetter("start_dim", "end_dim")),
    nn.Identity: Rule(rules.identity, _nothing),
    nn.Linear: Rule(rules.linear, _nothing),
    nn.LogSoftmax: Rule(rules.softmax, attrgetter("dim")),
    nn.MaxPool2d: Rule(pool_rules.max_pool, attrgetter(*_WINDOW, "dilation", "ceil_mode")),
    nn.PositionBias: Rule(rules.position_bias, _nothing),
    nn.ReLU: Rule(rules.relu, _nothing),
    nn.Residual: Rule(rules.residual, _nothing),
    nn.Sequential: Rule(rules.sequential, _nothing),
    nn.Softmax: Rule(rules.softmax, attrgetter("dim")),
    nn.ZeroPad2d: Rule(rules.zero_pad, attrgetter("padding")),
}
# A layer whose forward was replaced no longer does what its rule says.
_FORWARD = {kind: kind.forward for kind in RULES}


def _has_own_pass(module: nn.Module) -> bool:
    own = "forward" in module.__dict__ or "backward" in module.__dict__
    return own or type(module).forward is not _FORWARD.get(type(module), type(module).forward)


def element_type(model: nn.Module) -> np.dtype | None:
    """Return the element type that all parameters share (float32 if there are none), or None."""
    kinds = {parameter.dtype for parameter in model.parameters()} or {np.dtype(np.float32)}
    return kinds.pop() if len(kinds) == 1 else None


def lower(model: nn.Module, input_shape: tuple[int, ...], training: bool = False) -> Graph:
    """Lower `model` for samples of input_shape: (C, H, W) or (F,).

    All layers are in evaluation mode or, for `training`, each in its own.

    Raises
    ------
    UnsupportedError
        If a module has no rule.
    FastcnnError
        If an attribute of a module or the shape does not fit.
    """
    if len(input_shape) not in (1, 3) or 0 in input_shape:
        raise UnsupportedError(f"samples of the shape {input_shape}")
    for module in model.modules():
        if _has_own_pass(module):
            raise UnsupportedError(f"a {type(module).__name__} has a pass of its own")
    dtype = element_type(model)
    if dtype is None:
        raise UnsupportedError("parameters of different types")
    source = Value(*input_shape) if len(input_shape) == 3 else Value(input_shape[0], 1, 1)
    names = {id(m): f"{name} {type(m).__name__}".lstrip() for name, m in model.named_modules()}
    lowering = Lowering(RULES, dtype, names, training)
    result = lowering.run(model, View(source, flat=len(input_shape) == 1))
    if result.value is source or any(result.margin):
        raise UnsupportedError("a model that only changes shapes")
    return Graph(source, result.value, result.flat, lowering.nodes, dtype)


def structure(model: nn.Module) -> tuple:
    """Return what a model's graph depends on beside the input's shape: two that are equal have equal graphs.

    A module or array is told by its id: those that a plan uses live as long as the plan, so that no other can
    have theirs; of the rest, which may be gone, everything that counts is listed.
    """
    return tuple(_facts(module) for module in model.modules())


def training_mode(model: nn.Module) -> tuple | None:
    """Return what a plan for training depends on beside the structure.

    That is the mode of each layer that does something else in training, and which parameters are trained; or
    None, where all of the model is in evaluation mode.
    """
    modules = list(model.modules())
    if not any(module.training for module in modules):
        return None
    return (
        tuple(module.training for module in modules if isinstance(module, nn.BatchNorm2d | nn.Dropout)),
        tuple(parameter.requires_grad for parameter in model.parameters()),
    )


def _facts(module: nn.Module) -> tuple:
    rule = RULES.get(type(module))
    return (
        type(module),
        id(module),
        _has_own_pass(module),
        None if rule is None else repr(rule.reads(module)),
        [id(child) for child in module.children()],
        [(name, id(p), p.shape, p.dtype) for name, p in module._parameters.items()],
        [(name, id(module._buffers.get(name))) for name in ("running_mean", "running_var")],
    )
