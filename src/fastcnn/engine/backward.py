"""Writing the backward part of a program: the nodes in reverse, one function for each kind.

Gradients of values are blobs like the values. The first reader of a value (in reverse) to be visited makes its
gradient, others add to it; Add hands its own gradient on to both of its inputs, since by the time that one of
them is added to, the other has been used up. A gradient that is made only for a convolution's output is written
with the halo that the convolution's own backward pass reads.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

import numpy as np

from ..nn import Parameter
from .emit import Writer
from .forward import Forward, conv_tables, dense_taps, pool_tables, segments, shifted, whole
from .graph import Add, Apply, Concat, Conv, Dense, Node, NormPool, Pool, Value
from .memory import Blob, External, table


# A layer with at most so many output pixels has its weight gradient made over all images at once: the partial sums
# of each slot would cost more than the products.
_FEW_PIXELS = 16


@dataclass
class Backward:
    """The backward part as it is written."""

    forward: Forward
    input_gradient: bool
    grads: dict[Value, Blob] = field(default_factory=dict)
    masked: set[Value] = field(default_factory=set)  # whose gradients are behind their ReLU already
    parameter_grads: list[tuple[Parameter, np.ndarray]] = field(default_factory=list)

    @property
    def writer(self) -> Writer:
        """The program's writer."""
        return self.forward.writer

    def write(self) -> None:
        """Write the whole part: the output's gradient in, every node in reverse, the input's gradient out."""
        graph, w = self.forward.graph, self.writer
        dy, _ = self.target(graph.output)
        sizes = [graph.output.pixels, graph.output.channels]
        w.add("pack", [dy, External("output_grad", graph.output.size)], [dy.pixels], sizes)
        for node in reversed(graph.nodes):
            _WRITERS[type(node)](self, node)
        if self.input_gradient:
            dx = self.grads[graph.input]
            sizes = [graph.input.pixels, graph.input.channels]
            w.add("unpack", [External("input_grad", graph.input.size), dx], [dx.pixels], sizes)

    def wanted(self, value: Value) -> bool:
        """Tell whether the gradient of a value is needed."""
        return self.input_gradient or value is not self.forward.graph.input

    def target(self, value: Value) -> tuple[Blob, int]:
        """Return (the blob of a value's gradient, 1 if it holds a part already, which is to be added to)."""
        if value in self.grads:
            return self.grads[value], 1
        blob = self.grads[value] = self.writer.blob(value.channels, value.height, value.width)
        return blob, 0

    def give(self, value: Value, grad: Blob) -> None:
        """Let `grad` be a part of a value's gradient: all of it, or added to what there is."""
        if value not in self.grads:
            self.grads[value] = grad
            return
        whole = self.grads[value]
        tables = [whole.pixels, grad.pixels, whole.pixels]
        self.writer.add("apply", [whole, grad, None, whole], tables, [value.pixels, value.channels])

    def parameter(self, parameter: Parameter) -> np.ndarray:
        """Return the array that a parameter's gradient is written to."""
        grad = self.writer.constant(parameter.size)
        self.parameter_grads.append((parameter, grad))
        return grad


def _relu_masked(b: Backward, node: Conv | Dense, factor: float = 1.0) -> Blob:
    """Return the gradient of a node's product: that of y where y > 0 if it has a ReLU."""
    g = b.grads[node.y]
    if not node.relu or node.y in b.masked:
        return g
    y = b.forward.blobs[node.y]
    dy = b.writer.blob(node.y.channels, node.y.height, node.y.width)
    tables = [dy.pixels, g.pixels, y.pixels]
    b.writer.add("relu_grad", [dy, g, y], tables, [node.y.pixels, node.y.channels], [factor])
    return dy


def _bias_grad(b: Backward, bias: Parameter, dy: Blob, zero: bool) -> None:
    grad = b.parameter(bias)
    if zero:  # batch normalisation takes the mean out again: the gradient is exactly 0
        return
    w = b.writer
    sums = w.scratch(dy.channels, per_slot=True)
    w.add("grad_sums", [sums, dy], [dy.pixels], [dy.height * dy.width, dy.channels, 0])
    w.defer(
        "total",
        [grad, sums],
        [lambda: table(np.arange(dy.channels))],
        [dy.channels],
        tasks=-(-dy.channels // w.task_totals),
    )


def _before_norm(node: Node) -> bool:
    readers = node.y.consumers
    return len(readers) == 1 and isinstance(readers[0], Apply | NormPool) and readers[0].norm is not None


def _conv(b: Backward, node: Conv) -> None:
    f, w = b.forward, b.writer
    x, dy = f.blobs[node.x], _relu_masked(b, node)
    if node.bias is not None:
        _bias_grad(b, node.bias, dy, _before_norm(node) and not node.relu)
    if node.position_bias is not None:
        shape = node.position_bias.shape
        sums = w.scratch(node.position_bias.size, per_slot=True)
        w.add("grad_sums", [sums, dy], [dy.pixels], [node.y.pixels, node.y.channels, 1])
        place = np.arange(node.position_bias.size).reshape(shape).transpose(1, 2, 0).ravel()
        grad = b.parameter(node.position_bias)
        w.defer(
            "total", [grad, sums], [lambda: table(place)], [place.size], tasks=-(-place.size // w.task_totals)
        )
    out, depth = node.weight.shape[0] // node.groups, int(np.prod(node.weight.shape[1:]))
    dweight = b.parameter(node.weight)
    for group in range(node.groups):
        places = partial(_forward_place, node, group, x, dy)
        tables = [places("y"), places("x"), places("tap")]
        sizes = [node.y.pixels, depth, out]
        flops = 2 * node.y.pixels * depth * out
        if node.y.pixels <= _FEW_PIXELS:
            _weight_of_all(b, dweight, x, dy, tables, [places("weight"), places("channel")], sizes)
            continue
        sums = w.scratch(out * depth, per_slot=True)
        w.add("conv_weight", [sums, x, dy], tables, [*sizes, node.weight.shape[1]], flops=flops)
        w.defer(
            "conv_weight_sum",
            [dweight, sums],
            [places("weight"), places("channel")],
            [depth, out],
            tasks=w.blocks(out),
        )
    if b.wanted(node.x):
        _conv_input(b, node, dy)


def _weight_of_all(
    b: Backward,
    dweight: np.ndarray,
    x: Blob,
    dy: Blob,
    tables: list,
    places: list,
    sizes: list[int],
    dense: bool = False,
) -> None:
    """The weight gradient of a layer of few pixels, over all groups at once."""
    pixels, depth, out = sizes
    b.writer.defer(
        "weight_of_all",
        [dweight, x, dy],
        [*tables, lambda: np.concatenate([place() for place in places])],
        [*sizes, dense],
        tasks=-(-depth // b.writer.task_taps),
        flops=2 * pixels * depth * out,
    )


def _forward_place(node: Conv, group: int, x: Blob, dy: Blob, name: str) -> Callable[[], np.ndarray]:
    return lambda: conv_tables(node.window, node.groups, group, node.weight, x, dy)[name]


@dataclass
class _Phase:
    """The input pixels (row0 + i stride, column0 + j stride) read the same taps of dy."""

    rows: np.ndarray
    columns: np.ndarray
    taps_h: list[tuple[int, int]]  # (tap of the kernel, row of dy relative to i)
    taps_w: list[tuple[int, int]]


def _phases(node: Conv) -> list[_Phase]:
    """Cut the input pixels by their remainder by the stride."""
    win = node.window

    def axis(size: int, stride: int, kernel: int, dilation: int, pad: int, first: int):
        pixels = np.arange(first, size, stride)
        taps = [
            (u, (first + pad - u * dilation) // stride)
            for u in range(kernel)
            if (first + pad - u * dilation) % stride == 0
        ]
        return pixels, taps

    phases = []
    for a in range(min(win.stride_h, win.in_h)):
        rows, taps_h = axis(win.in_h, win.stride_h, win.kernel_h, win.dilation_h, win.pad_top, a)
        for c in range(min(win.stride_w, win.in_w)):
            columns, taps_w = axis(win.in_w, win.stride_w, win.kernel_w, win.dilation_w, win.pad_left, c)
            phases.append(_Phase(rows, columns, taps_h, taps_w))
    return phases


def _conv_input(b: Backward, node: Conv, dy: Blob) -> None:
    """The gradient of x: for each phase of the stride a convolution of dy with that phase's weights."""
    w = b.writer
    dx, add = b.target(node.x)
    for phase in _phases(node):
        if phase.taps_h and phase.taps_w:
            low_h, high_h = min(q for _, q in phase.taps_h), max(q for _, q in phase.taps_h)
            low_w, high_w = min(q for _, q in phase.taps_w), max(q for _, q in phase.taps_w)
            right = len(phase.columns) - 1 + high_w - (dy.width - 1)
            bottom = len(phase.rows) - 1 + high_h - (dy.height - 1)
            dy.require(-low_w, right, -low_h, bottom)
        for group in range(node.groups):
            _conv_input_phase(b, node, dy, dx, add, phase, group)


def _conv_input_phase(
    b: Backward, node: Conv, dy: Blob, dx: Blob, add: int, phase: _Phase, group: int
) -> None:
    w, win = b.writer, node.window
    out, inner = node.weight.shape[0] // node.groups, node.weight.shape[1]
    kernel_size = win.kernel_h * win.kernel_w
    kernel_taps = [(u, v, q, r) for u, q in phase.taps_h for v, r in phase.taps_w]
    depth = len(kernel_taps) * out
    u, v, q, r = (np.repeat(a, out) for a in np.array(kernel_taps, np.int64).reshape(-1, 4).T)
    o = np.tile(np.arange(out), len(kernel_taps)) + group * out
    i, j = (a.ravel() for a in np.mgrid[: len(phase.rows), : len(phase.columns)])
    channel = group * inner
    weights = table(o * inner * kernel_size + u * win.kernel_w + v)
    packed = w.constant(max(1, depth * inner))
    last_row = node.y.height
    ranges = []
    for row in range(len(phase.rows)):
        inside = [t for t, (_, q) in enumerate(phase.taps_h) if 0 <= row + q < last_row]
        ranges.append((inside[0], inside[-1] + 1) if inside else (0, 0))
    runs = segments(ranges, len(phase.columns), len(phase.taps_w) * out)
    w.prepare(
        "conv_pack",
        [packed, node.weight, None],
        [lambda: weights, lambda: table(np.arange(inner) * kernel_size)],
        [depth, inner],
        tasks=w.blocks(inner),
    )
    w.add(
        "conv",
        [dx, dy, packed],
        [
            lambda: dx.at(phase.rows[i], phase.columns[j]) + np.int32(channel * dx.lanes),
            lambda: dy.at(i, j),
            lambda: table(dy.offset(q, r) + o * dy.lanes),
            lambda: runs,
        ],
        [i.size, depth, inner, 0, add, 0, 0, runs.size // 4],
        flops=2 * i.size * depth * inner,
    )


def _dense(b: Backward, node: Dense) -> None:
    f, w = b.forward, b.writer
    x, dy = f.blobs[node.x], _relu_masked(b, node)
    if node.bias is not None:
        _bias_grad(b, node.bias, dy, False)
    out, depth = node.weight.shape[0], node.x.size
    dweight = b.parameter(node.weight)
    zero = lambda: table(np.zeros(1))  # noqa: E731
    places = [lambda: table(np.arange(depth)), lambda: table(np.arange(out) * depth)]
    _weight_of_all(b, dweight, x, dy, [dy.pixels, zero, lambda: dense_taps(x)], places, [1, depth, out], True)
    if not b.wanted(node.x):
        return
    # dx as one pixel with all elements as channels, in the order of its blob; then spread over the true one.
    flat = w.blob(depth, 1, 1)
    order = np.arange(depth).reshape(node.x.channels, -1).T.ravel()
    packed = w.constant(out * depth)
    w.prepare(
        "conv_pack",
        [packed, node.weight, None],
        [lambda: table(np.arange(out) * depth), lambda: table(order)],
        [out, depth],
        tasks=w.blocks(depth),
    )
    tables = [flat.pixels, dy.pixels, lambda: table(np.arange(out) * w.lanes), lambda: whole(out)]
    w.add("conv", [flat, dy, packed], tables, [1, out, depth, 0, 0, 0, 0, 1], flops=2 * depth * out)
    dx, add = b.target(node.x)
    places = lambda: table(np.arange(node.x.pixels) * node.x.channels * w.lanes)  # noqa: E731
    sizes = [node.x.pixels, node.x.channels]
    w.add("apply", [dx, flat, None, dx if add else None], [dx.pixels, places, dx.pixels], sizes)


def _kept_factor(node: Node | None) -> float:
    """Return what dropout multiplies kept elements by, 1 without dropout."""
    if not isinstance(node, Apply | NormPool) or node.dropout is None:
        return 1.0
    return 1 / (1 - node.dropout.p) if node.dropout.p < 1 else 0.0


def _apply(b: Backward, node: Apply) -> None:
    f, w = b.forward, b.writer
    g, sizes = b.grads[node.y], [node.y.pixels, node.y.channels]
    z, factor = f.blobs[node.y] if node.relu else None, 1.0
    if node.y in b.masked:
        z = None
    elif node.dropout is not None:
        p = node.dropout.p
        if node.relu:  # z is 0 where an element was dropped
            factor = _kept_factor(node)
        else:
            number = f.dropouts.index(node.dropout) + 1
            dropped = w.blob(node.y.channels, node.y.height, node.y.width)
            w.add("apply", [dropped, g], [dropped.pixels, g.pixels], [*sizes, 0, number], [p])
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
    norm, state, y = node.norm, f.norms[node], f.blobs[node.x]
    dgamma = b.parameter(norm.weight) if norm.weight is not None else None
    dbeta = b.parameter(norm.bias) if norm.bias is not None else None
    relu = int(node.relu and node.y not in b.masked)
    if node.dropout is None:  # the mask can be had from y, which is read anyway
        z, z_at = None, []
    sums_sizes = [*sizes, relu]
    w.add(
        "bn_grad_sums", [state.sums, g, y, state.rows, z], [g.pixels, y.pixels, *z_at], sums_sizes, [factor]
    )
    w.add("bn_grad_finish", [state.rows, state.sums, norm.weight, dgamma, dbeta], [], sizes, tasks=1)
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


def _norm_pool(b: Backward, node: NormPool) -> None:
    f, w = b.forward, b.writer
    norm, state, y, z, dz = node.norm, f.norms[node], f.blobs[node.x], f.blobs[node.y], b.grads[node.y]
    dgamma = b.parameter(norm.weight) if norm.weight is not None else None
    dbeta = b.parameter(norm.bias) if norm.bias is not None else None
    factor = _kept_factor(node)
    first = lambda: pool_tables(node, y, False)[0]  # noqa: E731
    taps_of = lambda blob: lambda: pool_tables(node, blob, False)[1]  # noqa: E731
    sizes = [node.y.pixels, node.y.channels, node.relu]
    tables = [dz.pixels, z.pixels, first, taps_of(y)]
    w.add("bn_pool_grad_sums", [state.sums, dz, y, state.rows, z, f.argmax[node]], tables, sizes, [factor])
    finish_sizes = [node.x.pixels, node.x.channels]
    w.add("bn_grad_finish", [state.rows, state.sums, norm.weight, dgamma, dbeta], [], finish_sizes, tasks=1)
    if not b.wanted(node.x):
        return
    dy = w.blob(node.x.channels, node.x.height, node.x.width)
    covered = [u * node.x.width + v for window in node.taps for u, v in window]
    rest = np.setdiff1d(np.arange(node.x.pixels), covered)
    tables = [*tables, taps_of(dy), lambda: np.concatenate([y.pixels()[rest], dy.pixels()[rest]])]
    buffers = [dy, dz, y, state.rows, z, f.argmax[node]]
    w.add("bn_pool_grad", buffers, tables, [*sizes, rest.size], [factor])
    b.give(node.x, dy)


def _behind_relu(b: Backward, value: Value, reader: Node) -> bool:
    """Tell whether a value comes out of a ReLU (and dropout) and has one reader."""
    producer = value.producer
    if value is b.forward.graph.output or value.consumers != [reader]:
        return False
    return isinstance(producer, Conv | Dense | Apply) and producer.relu


def _pool(b: Backward, node: Pool) -> None:
    if not b.wanted(node.x):
        return
    f, w, dz = b.forward, b.writer, b.grads[node.y]
    dx, add = b.target(node.x)
    drop = lambda index: lambda: pool_tables(node, dx, True)[index]  # noqa: E731
    tables = [dz.pixels, drop(0), drop(1)]
    sizes = [node.y.pixels, node.y.channels]
    inside = [
        u * node.x.width + v
        for window in node.taps
        for u, v in window
        if 0 <= u < node.x.height and 0 <= v < node.x.width
    ]
    exclusive = len(set(inside)) == len(inside) and not add
    cleared = np.setdiff1d(np.arange(node.x.pixels), inside if exclusive else [])
    if add:
        cleared = cleared[:0]
    if node.factors is not None:
        tables.append(lambda: dx.pixels()[cleared])
        w.add(
            "avg_pool_grad",
            [dx, dz, np.array(node.factors, w.dtype)],
            tables,
            [*sizes, cleared.size, exclusive],
        )
        return
    z, factor = None, 1.0
    if _behind_relu(b, node.x, node):
        z, factor = f.blobs[node.y], _kept_factor(node.x.producer)
        b.masked.add(node.x)
    places = lambda: np.concatenate([dx.pixels()[cleared], z.pixels() if z else dz.pixels()])  # noqa: E731
    buffers = [dx, dz, f.argmax[node], z]
    w.add("max_pool_grad", buffers, [*tables, places], [*sizes, cleared.size, exclusive], [factor])


def _add(b: Backward, node: Add) -> None:
    grad = b.grads[node.y]
    b.give(node.other, grad)
    if b.wanted(node.x):
        b.give(node.x, grad)


def _concat(b: Backward, node: Concat) -> None:
    grad, first = b.grads[node.y], 0
    for value in (node.x, node.other):
        if b.wanted(value):
            part = b.writer.blob(value.channels, value.height, value.width)
            tables = [part.pixels, shifted(grad, first)]
            b.writer.add("apply", [part, grad], tables, [value.pixels, value.channels])
            b.give(value, part)
        first += value.channels


_WRITERS = {
    Add: _add,
    Apply: _apply,
    Concat: _concat,
    Conv: _conv,
    Dense: _dense,
    NormPool: _norm_pool,
    Pool: _pool,
}
