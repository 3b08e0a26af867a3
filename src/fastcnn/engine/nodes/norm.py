"""Batch normalisation: its state, its statistics, and the gradients of scale and shift."""

from __future__ import annotations

from collections.abc import Container

from ..._kernels.program import SUM_BLOCK
from ...nn import Parameter
from ..graph import Graph, Node, Value
from ..memory import Blob
from ..parts import Backward, Forward, NormState

_STATE_ROWS = 8  # STATE_ROWS of csrc/engine/batch_norm.h


def find_folded(graph: Graph, wanted: Container[Value]) -> dict[Node, Node]:
    """Return the normalisations right after a convolution that become part of it.

    They must have fixed statistics and no dropout, and nothing before their output be trained: what they read
    is never made. Behind an activation they must have none of their own.
    """
    folded: dict[Node, Node] = {}
    for node in graph.nodes:
        before = node.x.producer
        if (
            node.normalization is not None
            and node.normalization.fixed
            and not node.drops
            and node.y not in wanted
            and before is not None
            and (before.folds_normalization or (before.normalizes_output and node.ends_with is None))
            and node.x.only_reader is node
        ):
            folded[before] = node
    return folded


def is_folded(f: Forward, node: Node) -> bool:
    """Tell whether the convolution before a node has normalised (and activated) what it wrote."""
    return node.x.producer is not None and f.folded.get(node.x.producer) is node


def prepare(f: Forward, node: Node) -> None:
    """Make the state of a normalisation; with fixed statistics, fill it from them."""
    w = f.writer
    assert node.normalization is not None
    norm, channels = node.normalization, node.x.channels
    fixed, vectors = norm.fixed, w.vectors(channels)
    # It sums over the batch for its statistics, or for its gradients alone.
    sums = None
    if not fixed or (node.y in f.wanted and node.trained):
        sums = w.scratch(3 * vectors * -(-node.x.pixels // SUM_BLOCK))
    rows, tasks = w.constant(_STATE_ROWS * w.layout.row(channels)), -(-channels // w.layout.lanes)
    state = f.norms[node] = NormState(norm, rows, sums, tasks)
    if fixed:
        before, folded = node.x.producer, is_folded(f, node)
        bias = before.channel_bias if folded and before is not None and before.folds_normalization else None
        w.before.bn_fixed(
            state=rows,
            gamma=norm.weight,
            beta=norm.bias,
            running_mean=norm.running_mean,
            running_var=norm.running_var,
            conv_bias=bias,
            vectors=vectors,
            channels=channels,
            folded=folded,
            eps=norm.eps,
            tasks=state.tasks,
        )


def batch_statistics(f: Forward, node: Node, y: Blob) -> None:
    """Sum y over each group, then, with all groups, find mean and variance and update the running ones."""
    w, state = f.writer, f.norms[node]
    norm, vectors = state.norm, w.vectors(node.x.channels)
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
        channels=node.x.channels,
        eps=norm.eps,
        tracked=norm.num_batches_tracked if norm.momentum is None else None,
        momentum=norm.momentum or 0.0,
        tasks=state.tasks,
    )


def write_gradients(
    b: Backward, node: Node, *, summed_pixels: int, slopes: tuple[Parameter, ...] = ()
) -> None:
    """Find the gradients of scale, shift and slopes, and the factors of dy, from sums over so many pixels."""
    w, state, channels = b.writer, b.forward.norms[node], node.x.channels
    fixed = not node.takes_statistics
    dslope = whole = b.parameter(slopes[0]) if slopes else None
    if dslope is not None and dslope.size < channels:
        dslope = w.constant(w.layout.row(channels))
    # Where the statistics are fixed, the factors are known, and nobody waits.
    queue = w.after if fixed else w
    queue.bn_grad_finish(
        state=state.rows,
        sums=state.sums,
        gamma=state.norm.weight,
        dgamma=b.parameter(state.norm.weight),
        dbeta=b.parameter(state.norm.bias),
        dslope=dslope,
        summed_pixels=summed_pixels,
        pixels=node.x.pixels,
        vectors=w.vectors(channels),
        channels=channels,
        fixed=fixed,
        sloped=bool(slopes),
        tasks=state.tasks,
    )
    if dslope is not whole:
        w.after.row_sum(out=whole, row=dslope, channels=channels, tasks=1, stage=int(fixed))
