"""Elementwise nodes: batch normalisation, ReLU and dropout."""

from __future__ import annotations

from ..._kernels.program import SUM_BLOCK
from ..graph import Apply, Conv, Dense, Graph, Node, NormPool, Value
from ..memory import Blob
from ..parts import Backward, Forward, NormState

_STATE_ROWS = 8  # STATE_ROWS of csrc/engine/batch_norm.h


def find_folded(graph: Graph, wanted: set[Value]) -> dict[Node, Apply | NormPool]:
    """Return the batch normalisations right after a convolution that become part of its weights.

    It must be in evaluation mode, and nothing before its output be trained: what it reads is never made.
    """
    folded: dict[Node, Apply | NormPool] = {}
    for node in graph.nodes:
        before = node.x.producer
        if (
            isinstance(node, Apply | NormPool)
            and node.norm is not None
            and node.fixed
            and node.y not in wanted
            and isinstance(before, Conv)
            and not before.relu
            and before.position_bias is None
            and node.x.consumers == [node]
        ):
            folded[before] = node
    return folded


def prepare(f: Forward, node: Apply | NormPool) -> None:
    """Make the state of a batch normalisation; in evaluation mode, fill it from the running statistics."""
    norm, w = node.norm, f.writer
    if norm is None:
        return
    channels, vectors = norm.num_features, w.vectors(norm.num_features)
    # It sums over the batch for its statistics, or for its gradients alone.
    sums = None
    if not node.fixed or (node.y in f.wanted and node.trained):
        sums = w.scratch(3 * vectors * -(-node.x.pixels // SUM_BLOCK))
    rows, tasks = w.constant(_STATE_ROWS * w.layout.row(channels)), -(-channels // w.layout.lanes)
    state = f.norms[node] = NormState(norm, rows, sums, tasks)
    if node.fixed:
        folded = is_folded(f, node)
        w.before.bn_fixed(
            state=rows,
            gamma=norm.weight,
            beta=norm.bias,
            running_mean=norm.running_mean,
            running_var=norm.running_var,
            conv_bias=node.x.producer.bias if folded else None,  # type: ignore[union-attr]
            vectors=vectors,
            channels=channels,
            folded=folded,
            eps=lambda: norm.eps,
            tasks=state.tasks,
        )


def is_folded(f: Forward, node: Apply | NormPool) -> bool:
    """Tell whether the convolution before a node has normalised (and clipped) what it wrote."""
    return node.x.producer is not None and f.folded.get(node.x.producer) is node


def batch_statistics(f: Forward, node: Apply | NormPool, y: Blob) -> None:
    """Sum y over each group, then, with all groups, find mean and variance and update the running ones."""
    w, state = f.writer, f.norms[node]
    norm, vectors = state.norm, w.vectors(state.norm.num_features)
    w.bn_sums(sums=state.sums, y=y, vectors=vectors)
    w.bn_finish(
        state=state.rows,
        sums=state.sums,
        gamma=norm.weight,
        beta=norm.bias,
        running_mean=norm.running_mean,
        running_var=norm.running_var,
        pixels=node.x.pixels,
        vectors=vectors,
        channels=norm.num_features,
        eps=lambda: norm.eps,
        momentum=lambda: norm.momentum,
        tasks=state.tasks,
    )


def forward(f: Forward, node: Apply) -> None:
    """Write z = dropout(relu(norm(y)))."""
    y = f.blobs[node.x]
    if is_folded(f, node):
        f.blobs[node.y] = y
        return
    if node.norm is not None and not node.fixed:
        batch_statistics(f, node, y)
    _write_apply(f, node, f.blob(node.y), y, f.dropout(node))


def _write_apply(f: Forward, node: Apply, z: Blob, y: Blob, dropout: dict[str, float]) -> None:
    state = f.norms[node].rows if node.norm is not None else None
    vectors = f.writer.vectors(node.y.channels)
    f.writer.apply(z=z, y=y, state=state, vectors=vectors, relu=node.relu, **dropout)


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
    z = f.writer.blob(value.channels, value.height, value.width, f.blobs[value].halo)
    _write_apply(f, node, z, f.blobs[node.x], {})
    return z


def kept_factor(node: Node | None) -> float:
    """Return what dropout multiplies kept elements by, 1 without dropout."""
    if not isinstance(node, Apply | NormPool) or node.dropout is None:
        return 1.0
    return 1 / (1 - node.dropout.p) if node.dropout.p < 1 else 0.0


def write_gradients(b: Backward, node: Apply | NormPool, *, summed_pixels: int) -> None:
    """Find the gradients of scale and shift, and the factors of dy, from sums over so many pixels."""
    w, state = b.writer, b.forward.norms[node]
    # Where the statistics are fixed, the factors are known, and nobody waits.
    queue = w.after if node.fixed else w
    queue.bn_grad_finish(
        state=state.rows,
        sums=state.sums,
        gamma=state.norm.weight,
        dgamma=b.parameter(state.norm.weight),
        dbeta=b.parameter(state.norm.bias),
        summed_pixels=summed_pixels,
        pixels=node.x.pixels,
        vectors=w.vectors(state.norm.num_features),
        channels=state.norm.num_features,
        fixed=node.fixed,
        tasks=state.tasks,
    )


def masks_gradient(node: Apply) -> bool:
    """Tell whether the gradient of x is written behind the mask of the ReLU that made x."""
    product = node.x.producer
    return (
        node.norm is not None
        and node.x.consumers == [node]
        and isinstance(product, Conv | Dense)
        and product.relu
    )


def hands_on(node: Node, *, masked: bool) -> bool:
    """Tell whether a node's gradient is its input's as it is; `masked`: it is behind the node's ReLU."""
    return isinstance(node, Apply) and node.norm is None and (masked or not (node.relu or node.dropout))


def backward(b: Backward, node: Apply) -> None:
    """Write the gradients of scale and shift and, where it is wanted, x."""
    masked = node.y in b.masked
    if hands_on(node, masked=masked):
        b.give(node.x, b.grads[node.y])
        return
    g, factor = b.grads[node.y], 1.0
    if node.dropout is not None and not masked:
        if node.relu:  # z is 0 where an element was dropped
            factor = kept_factor(node)
        else:
            g = _dropped(b, node, g)
    if node.norm is not None:
        _norm_backward(b, node, g, factor)
    elif node.relu:
        dx, z = b.blob(node.x), b.forward.blobs[node.y]
        b.writer.relu_grad(dx=dx, g=g, z=z, vectors=b.writer.vectors(node.y.channels), factor=factor)
        b.give(node.x, dx)
    else:
        b.give(node.x, g)


def _dropped(b: Backward, node: Apply, g: Blob) -> Blob:
    """Return a gradient where elements were kept, as often as they were."""
    dropped = b.blob(node.x)
    vectors = b.writer.vectors(node.y.channels)
    b.writer.apply(z=dropped, y=g, vectors=vectors, **b.forward.dropout_again(node))
    return dropped


def _norm_backward(b: Backward, node: Apply, g: Blob, factor: float) -> None:
    w, state = b.writer, b.forward.norms[node]
    relu = node.relu and node.y not in b.masked
    source = {
        "g": g,
        "y": b.forward.blobs[node.x],
        "state": state.rows,
        # Without dropout the mask can be had from y, which is read anyway.
        "z": b.forward.blobs[node.y] if relu and node.dropout is not None else None,
        "vectors": w.vectors(node.y.channels),
        "relu": relu,
        "factor": factor,
    }
    if state.sums is not None:
        w.bn_grad_sums(sums=state.sums, **source)
        write_gradients(b, node, summed_pixels=node.x.pixels)
    if b.wanted(node.x):
        dy = b.blob(node.x)
        w.bn_grad(dy=dy, **source, mask_by_y=node.x in b.masked)
        b.give(node.x, dy)
