"""Elementwise nodes: batch normalisation, ReLU and dropout."""

from __future__ import annotations

from typing import Any

from ..._kernels.program import SUM_BLOCK
from ..graph import Apply, Conv, Dense, Node, NormPool, Value
from ..memory import Blob
from ..parts import Backward, Forward, NormState


def find_folded(f: Forward) -> None:
    """Let batch normalisation right after a convolution be part of its weights.

    It must be in evaluation mode, and nothing before its output be trained: what it reads is never made.
    """
    for node in f.graph.nodes:
        before = node.x.producer
        if (
            isinstance(node, Apply | NormPool)
            and node.norm is not None
            and node.fixed
            and node.y not in f.wanted
            and isinstance(before, Conv)
            and not before.relu
            and before.position_bias is None
            and node.x.consumers == [node]
        ):
            f.folded[before] = node


def prepare(f: Forward, node: Apply | NormPool) -> None:
    """Make the state of a batch normalisation; in evaluation mode, fill it from the running statistics."""
    norm, w = node.norm, f.writer
    if norm is None:
        return
    channels, vectors = norm.num_features, w.vectors(norm.num_features)
    sums = w.scratch(3 * vectors * -(-node.x.pixels // SUM_BLOCK)) if _sums(f, node) else None
    rows, sizes = w.constant(8 * w.layout.row(channels)), [node.x.pixels, vectors, channels]
    state = f.norms[node] = NormState(norm, rows, sums, sizes, -(-channels // w.layout.lanes))
    if node.fixed:
        folded = is_folded(f, node)
        conv_bias = node.x.producer.bias if folded else None  # type: ignore[union-attr]
        buffers = [state.rows, None, norm.weight, norm.bias, *state.running, conv_bias]
        w.prepare("bn_fixed", buffers, [], [*sizes, folded], [lambda: norm.eps], tasks=state.tasks)


def _sums(f: Forward, node: Apply | NormPool) -> bool:
    """Tell whether a normalisation sums over the batch: for its statistics, or for its gradients alone."""
    return not node.fixed or (node.y in f.wanted and node.trained)


def is_folded(f: Forward, node: Apply | NormPool) -> bool:
    """Tell whether the convolution before a node has normalised (and clipped) what it wrote."""
    return isinstance(node.x.producer, Conv) and f.folded.get(node.x.producer) is node


def batch_statistics(f: Forward, node: Apply | NormPool, y: Blob) -> None:
    """Sum y over each group, then, with all groups, find mean and variance and update the running ones."""
    w, state = f.writer, f.norms[node]
    norm = state.norm
    w.add("bn_sums", [state.sums, y], [y.pixels], state.sizes[:2])
    scalars = [lambda: norm.eps, lambda: norm.momentum]
    buffers = [state.rows, state.sums, norm.weight, norm.bias, *state.running]
    w.add("bn_finish", buffers, [], state.sizes, scalars, tasks=state.tasks)


def forward(f: Forward, node: Apply) -> None:
    """Write z = dropout(relu(norm(y)))."""
    y = f.blobs[node.x]
    if is_folded(f, node):
        f.blobs[node.y] = y
        return
    if node.norm is not None and not node.fixed:
        batch_statistics(f, node, y)
    z = f.blob(node.y)
    _write_apply(f, node, z, y, *f.dropout(node))


def _write_apply(f: Forward, node: Apply, z: Blob, y: Blob, dropout: int, p: float) -> None:
    state = f.norms[node].rows if node.norm is not None else None
    sizes = [node.y.pixels, f.writer.vectors(node.y.channels), node.relu, dropout]
    f.writer.add("apply", [z, y, state], [z.pixels, y.pixels], sizes, [p])


def operand(b: Backward, value: Value) -> Blob:
    """Return the blob of a value for the gradient of the weights that it was multiplied by.

    A normalised value that one node reads is made anew: that costs less than to write it to memory and to
    read it back a whole batch later.
    """
    f, node = b.forward, value.producer
    if (
        not isinstance(node, Apply)
        or node.norm is None
        or node.dropout is not None
        or len(value.consumers) != 1
        or is_folded(f, node)
    ):
        return f.blobs[value]
    z = f.writer.blob(value.channels, value.height, value.width)
    _write_apply(f, node, z, f.blobs[node.x], 0, 0.0)
    return z


def kept_factor(node: Node | None) -> float:
    """Return what dropout multiplies kept elements by, 1 without dropout."""
    if not isinstance(node, Apply | NormPool) or node.dropout is None:
        return 1.0
    return 1 / (1 - node.dropout.p) if node.dropout.p < 1 else 0.0


def write_gradients(
    b: Backward, node: Apply | NormPool, kernel: str, buffers: list[Any], *args: Any, pixels: int
) -> None:
    """Sum over `pixels` with a kernel; find the gradients of scale and shift, and the factors of dy."""
    f, w, state = b.forward, b.writer, b.forward.norms[node]
    if not _sums(f, node):
        return
    w.add(kernel, [state.sums, *buffers], *args)
    weight = state.norm.weight
    gradients = [b.parameter(parameter) for parameter in (weight, state.norm.bias)]
    sizes = [pixels, *state.sizes[1:], node.x.pixels, node.fixed]
    # Where the statistics are fixed, the factors are known, and nobody waits.
    add = w.defer if node.fixed else w.add
    add("bn_grad_finish", [state.rows, state.sums, weight, *gradients], [], sizes, tasks=state.tasks)


def backward(b: Backward, node: Apply) -> None:
    """Write the gradients of scale and shift and, where it is wanted, x."""
    f, w = b.forward, b.writer
    g, sizes = b.grads[node.y], [node.y.pixels, w.vectors(node.y.channels)]
    z, factor = f.blobs[node.y] if node.relu else None, 1.0
    if node.y in b.masked:
        z = None
    elif node.dropout is not None:
        p = node.dropout.p
        if node.relu:  # z is 0 where an element was dropped
            factor = kept_factor(node)
        else:
            dropped = w.blob(node.y.channels, node.y.height, node.y.width)
            w.add("apply", [dropped, g], [dropped.pixels, g.pixels], [*sizes, 0, f.drops[node]], [p])
            g = dropped
    z_at = [z.pixels] if z is not None else []
    if node.norm is None:
        if z is None:
            b.give(node.x, g)
            return
        dx = w.blob(node.x.channels, node.x.height, node.x.width)
        w.add("relu_grad", [dx, g, z], [dx.pixels, g.pixels, *z_at], sizes, [factor])
        b.give(node.x, dx)
        return
    state, y = f.norms[node], f.blobs[node.x]
    relu = int(node.relu and node.y not in b.masked)
    if node.dropout is None:  # the mask can be had from y, which is read anyway
        z, z_at = None, []
    write_gradients(
        b,
        node,
        "bn_grad_sums",
        [g, y, state.rows, z],
        [g.pixels, y.pixels, *z_at],
        [*sizes, relu],
        [factor],
        pixels=node.x.pixels,
    )
    if not b.wanted(node.x):
        return
    dy = w.blob(node.x.channels, node.x.height, node.x.width)
    tables = [dy.pixels, g.pixels, y.pixels, *z_at]
    product = node.x.producer
    behind_relu = isinstance(product, Conv | Dense) and product.relu and node.x.consumers == [node]
    if behind_relu:
        b.masked.add(node.x)
    w.add("bn_grad", [dy, g, y, state.rows, z], tables, [*sizes, relu, behind_relu], [factor])
    b.give(node.x, dy)
