"""Lowering: from what a model does with a sample to a graph of nodes, one rule for each type of operation."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from .. import graph as graphs
from .. import nn
from .._samples import Sizes, each_of
from ..nn.opaque import Opaque
from . import arithmetic_rules, axes_rules, norm_rules, pool_rules, product_rules, rules, shape_rules
from .graph import Graph, Node, Value
from .nodes.rearrange import Rearrange
from .rules import Lowering
from .tracing import Picture, UnsupportedError, picture
from .view import View

RULES: dict[type[graphs.Operation], Callable[..., View]] = {
    graphs.AdaptiveAvgPool2d: pool_rules.adaptive_avg_pool,
    graphs.AdaptiveMaxPool2d: pool_rules.adaptive_max_pool,
    graphs.Activation: rules.activation,
    graphs.Add: arithmetic_rules.add,
    graphs.Amax: axes_rules.maximum,
    graphs.AvgPool2d: pool_rules.avg_pool,
    graphs.BatchNorm: norm_rules.batch_norm,
    graphs.ChannelShuffle: shape_rules.moved,
    graphs.Concat: shape_rules.concat,
    graphs.Conv1d: product_rules.conv1d,
    graphs.Conv2d: product_rules.conv2d,
    graphs.ConvTranspose1d: product_rules.conv_transpose1d,
    graphs.ConvTranspose2d: product_rules.conv_transpose2d,
    graphs.Divide: arithmetic_rules.divide,
    graphs.Dropout: rules.dropout,
    graphs.Flatten: shape_rules.reshape,
    graphs.GroupNorm: norm_rules.group_norm,
    graphs.InstanceNorm: norm_rules.instance_norm,
    graphs.Interpolate: shape_rules.interpolate,
    graphs.LayerNorm: norm_rules.layer_norm,
    graphs.Linear: product_rules.linear,
    graphs.LocalResponseNorm: norm_rules.local_response_norm,
    graphs.LogSoftmax: axes_rules.softmax,
    graphs.MaxPool2d: pool_rules.max_pool,
    graphs.Mean: axes_rules.mean,
    graphs.Multiply: arithmetic_rules.multiply,
    graphs.Negate: arithmetic_rules.negate,
    graphs.PReLU: rules.prelu,
    graphs.Pad: shape_rules.pad,
    graphs.Permute: shape_rules.moved,
    graphs.PixelShuffle: shape_rules.moved,
    graphs.PixelUnshuffle: shape_rules.moved,
    graphs.Power: arithmetic_rules.power,
    graphs.Reshape: shape_rules.reshape,
    graphs.Slice: shape_rules.moved,
    graphs.Softmax: axes_rules.softmax,
    Opaque: rules.opaque,
    graphs.Subtract: arithmetic_rules.subtract,
    graphs.Sum: axes_rules.total,
    graphs.Unflatten: shape_rules.reshape,
}


def element_type(model: nn.Module) -> np.dtype | None:
    """Return the element type that all parameters share (float32 if there are none), or None."""
    kinds = {parameter.dtype for parameter in model.parameters()} or {np.dtype(np.float32)}
    return kinds.pop() if len(kinds) == 1 else None


def trace(model: nn.Module, input_shape: Sizes, training: bool) -> Picture:
    """Return what `model` does with samples of input_shape, or of a tuple of shapes.

    A shape is (C, H, W), (C, L) or (F,). All layers are in evaluation mode; for `training`, in their own.

    Raises
    ------
    UnsupportedError
        If there is no trace of it.
    FastcnnError
        If an attribute of a module or the shape does not fit.
    """
    shapes = tuple(each_of(input_shape))
    for shape in shapes:
        if not 1 <= len(shape) <= 3 or 0 in shape:
            raise UnsupportedError(f"samples of the shape {shape}")
    dtype = element_type(model)
    if dtype is None:
        raise UnsupportedError("parameters of different types")
    return picture(model, shapes, dtype, training)


def lower_picture(model: nn.Module, traced: Picture) -> Graph:
    """Lower a trace of `model`.

    Raises
    ------
    UnsupportedError
        If an operation has no rule.
    """
    views = {i: rules.sample(shape) for i, shape in enumerate(traced.input_shapes)}
    inputs = tuple(view.value for view in views.values())
    names = {id(m): f"{name} {type(m).__name__}".lstrip() for name, m in model.named_modules()}
    lowering = Lowering(traced.dtype, traced.training)
    for step in traced.steps:
        kind = type(step.operation)
        rule = next((RULES[each] for each in kind.__mro__ if each in RULES), None)
        if rule is None:
            raise UnsupportedError(f"{kind.__name__} has no lowering rule")
        lowering.label = names.get(id(step.scope), type(step.scope).__name__)
        lowering.shape = step.shapes[0]
        sources = [views[each] if isinstance(each, int) else each for each in step.sources]
        made = views[step.outputs[0]] = rule(lowering, step.operation, *sources)
        if made.shape != lowering.shape:
            raise UnsupportedError(f"{kind.__name__} of a part of a sample")
    numbers = {each: i for i, each in enumerate(dict.fromkeys(traced.outputs))}
    given = [lowering.output(views[number]) for number in numbers]
    outputs, shapes = tuple(view.value for view in given), [view.shape for view in given]
    if not lowering.nodes or all(isinstance(node, Rearrange) for node in lowering.nodes):
        raise UnsupportedError("a model that only changes shapes")
    form = graphs.replaced(traced.form, lambda number: None if number is None else numbers[number])
    own = next((step.operation for step in traced.steps if isinstance(step.operation, Opaque)), None)
    if own is not None and not any(node.multiplies for node in lowering.nodes):
        raise UnsupportedError(f"{own.name} has a backward of its own")
    return Graph(
        inputs, outputs, shapes, form, _needed(lowering.nodes, inputs, outputs), traced.dtype, traced.training
    )


def _needed(nodes: list[Node], inputs: tuple[Value, ...], outputs: tuple[Value, ...]) -> list[Node]:
    """Return the nodes that the outputs depend on, and let values forget the others."""
    needed, kept = set(outputs), []
    for node in reversed(nodes):
        if node.y in needed:
            needed.update(node.inputs)
            kept.append(node)
        elif node.takes_statistics:
            raise UnsupportedError("batch normalisation whose output nobody reads")
    kept.reverse()
    left = set(kept)
    for value in {*inputs, *(value for node in kept for value in (*node.inputs, node.y))}:
        value.consumers = [each for each in value.consumers if each in left]
    return kept


def lower(model: nn.Module, input_shape: Sizes, training: bool = False) -> Graph:
    """Trace and lower `model` for samples of input_shape; see `trace` and `lower_picture`."""
    return lower_picture(model, trace(model, input_shape, training))
