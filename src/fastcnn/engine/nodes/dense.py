"""Linear layers, and convolutions whose window is the whole image: one pixel, whose taps are all elements.

Training reads and writes the weight as it is, with rows in (C, H, W) order; where channels are in the lanes,
the sample is laid out anew in that order first. Inference packs the weight, in the order of the sample, pixel
by pixel, and multiplies as a convolution does: both layouts give the same to the bit.
"""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass

import numpy as np

from ..._kernels.program import CHAINS, TASK_COLUMNS
from ...nn import Parameter
from ...nn.parameter import is_trained
from ..algorithms import Algorithm, Setting, always
from ..graph import Value
from ..memory import NO_HALO, Blob, table
from ..parts import Backward, Forward
from ..writer import Writer
from . import costs
from .activation import Activated, activates
from .bias import bias_grad, bias_of_group
from .conv_weight import weight_of_all
from .multiply import bands_of, multiply, multiply_some, pack
from .product import Extras, Product, spans_of
from .rearrange import copy_elements
from .slopes import slope_row
from .softmax import features

_DEEP = 256  # elements of a sample from which on a layer is deep
# Weights from which on a layer multiplies all images at once; otherwise threads read them for each slot.
_LARGE = 32768
_LEAST_TASKS = 8


@dataclass(eq=False)
class Dense(Activated):
    """A linear layer over all elements of x in (C, H, W) order, perhaps with an activation."""

    weight: Parameter
    bias: Parameter | None

    multiplies = reads_gradient_late = reads_rows = True

    @property
    def parameters(self) -> tuple[Parameter | None, ...]:
        """Weight, bias and slopes."""
        return self.weight, self.bias, *super().parameters

    def computes_wide(self, training: bool) -> bool:
        """Tell whether it multiplies by the weight as it is, or may add up parts of sums in y."""
        return training or self.x.size >= _DEEP

    def cost(self, setting: Setting, wanted: Container[Value]) -> float:
        """Return the cost of its products, which all implementations have in common."""
        out, depth, layout = self.weight.shape[0], self.x.size, setting.layout
        total = costs.product(layout, depth, out)
        if self.x in wanted:
            total += costs.product(layout, out, depth)
        if self.y in wanted and is_trained(self.weight):
            total += costs.weight_gradient(layout, depth, out)
        return total

    def forward(self, f: Forward) -> None:
        """Write y = f(weight x + bias)."""
        x = _planes(f, self) if f.setting.training else _pixels(f, self)
        f.pick("forward", FORWARD, self).write(f.writer, self, x, f.blob(self.y))

    def backward(self, b: Backward) -> None:
        """Write the gradients of bias, weight and, where it is wanted, x."""
        f, w = b.forward, b.writer
        dy = self.inner_gradient(b)
        bias_grad(b, self.bias, dy)
        x = f.flat.get(self, f.blobs[self.x])
        if self._leaves_factors(b):
            b.leave_factors(self.weight, dy, x)
        elif (dweight := b.parameter(self.weight)) is not None and w.layout.by_channels:
            w.after.dense_weight(
                dweight=dweight,
                x=x,
                dy=dy,
                depth=self.x.size,
                outputs=self.y.size,
                tasks=-(-self.x.size // TASK_COLUMNS),
                flops=2 * self.weight.size,
            )
        elif dweight is not None:
            p = _product(self, x, dy, 0, self.y.size, np.arange(self.x.size))
            weight_of_all(w, dweight, x, dy, p, dense=True)
        if b.wanted(self.x):
            if w.layout.by_channels:
                _input_grad(b, self, dy)
            else:
                _input_grad_of_images(b, self, dy)

    def _leaves_factors(self, b: Backward) -> bool:
        """Tell whether the weight's gradient is left as a product of two matrices, see nn/factored.py."""
        large = self.weight.size >= _LARGE and self.x.size >= _DEEP
        return large and b.forward.setting.layout.by_channels and b.may_leave_factors(self.weight)


def _product(node: Dense, x: Blob, y: Blob, first: int, last: int, order: np.ndarray) -> Product:
    """Return the places of channels first .. last - 1 of y = weight x, whose taps have an order.

    Where channels are in the lanes, x has that order.
    """
    depth, ordered = node.x.size, x.layout.by_channels
    # A sum is a chain of operations that wait for each other: that of a deep layer is made of several.
    chains = CHAINS if depth >= _DEEP and depth % CHAINS == 0 else 1
    part = depth // chains
    spans = 1 if ordered else part
    return Product(
        pixels=1,
        row_pixels=1,
        channels=last - first,
        y_at=table(y.pixels(first)[:1]),
        x_at=table(x.pixels()[:1] if ordered else np.zeros(1)),
        span_at=np.arange(chains) * part if ordered else features(x)[order],
        span_length=part if ordered else 1,
        weight_at=table(order),
        channel_at=table(np.arange(first, last) * depth),
        segments=[(0, 1, i * spans, (i + 1) * spans) for i in range(chains)],
        summed=chains > 1,
    )


def _by_pixels(node: Dense) -> np.ndarray:
    """Return the numbers, in (C, H, W) order, of the elements of x, pixel by pixel."""
    planes = np.arange(node.x.size).reshape(node.x.channels, -1)
    # The caller's own array is read as it is.
    return (planes if node.x.producer is None else planes.T).ravel()


def _planes(f: Forward, node: Dense) -> Blob:
    """Return x in (C, H, W) order, laid out anew where it is not."""
    x = f.blobs[node.x]
    if not f.writer.layout.by_channels or node.x.pixels == 1 or x.channels == node.x.size:
        return x
    flat = f.flat[node] = f.writer.blob(node.x.size, 1, 1)
    f.writer.to_nchw(images=flat, x=x, channels=node.x.channels)
    return flat


def _pixels(f: Forward, node: Dense) -> Blob:
    """Return x in the order of `_by_pixels`, laid out anew where something stands between its elements."""
    x = f.blobs[node.x]
    if node.x.producer is None:
        return _planes(f, node)
    places = features(x)[_by_pixels(node)]
    if not x.layout.by_channels or places[-1] - places[0] + 1 == places.size:
        return x
    flat = f.writer.blob(node.x.size, 1, 1)
    copy_elements(f.writer, flat, np.arange(places.size), x, places, most=places.size)
    return flat


def _of_images(w: Writer, node: Dense, x: Blob, y: Blob) -> None:
    """Multiply the images in the lanes at once."""
    p = _product(node, x, y, 0, node.weight.shape[0], _by_pixels(node))
    slopes = slope_row(w, node.activation, p.channels)
    extras = Extras(node.bias, activation=node.activation, slopes=slopes, all_channels=p.channels)
    multiply(w, p, x, y, pack(w, p, node.weight), extras, flops=2 * node.weight.size)


def _on_own_weight(w: Writer, node: Dense, x: Blob, y: Blob) -> None:
    """Multiply by the weight as it is, perhaps in bands of outputs."""
    out, depth = node.weight.shape[0], node.x.size
    bands, bias = bands_of(w, 2 * depth * out), w.padded(node.bias)
    for band in range(bands):
        first, last = (out * i // bands for i in (band, band + 1))
        w.dense(
            y=y,
            x=x,
            weight=w.rounded(node.weight),
            bias=bias,
            depth=depth,
            outputs=last - first,
            first_output=first,
            **activates(node.activation),
            whole_chunk=True,
            band=band if bands > 1 else None,
            flops=2 * depth * (last - first),
        )


def _of_all(w: Writer, node: Dense, x: Blob, y: Blob) -> None:
    """Multiply all images at once."""
    out = node.weight.shape[0]
    product = _product(node, x, y, 0, out, _by_pixels(node))
    shares = -(-_LEAST_TASKS // w.blocks(out))
    w.dense_of_all(
        y=y,
        x=x,
        weight=pack(w, product, node.weight),
        bias=w.padded(node.bias),
        y_at=product.y_at,
        x_at=product.x_at,
        **spans_of(w, product),
        vectors=w.vectors(out),
        shares=shares,
        **activates(node.activation),
        slope=w.padded(slope_row(w, node.activation, out)),
        tasks=w.blocks(out) * shares,
        flops=2 * node.weight.size,
    )


def _of_chunk(w: Writer, node: Dense, x: Blob, y: Blob) -> None:
    """Multiply the images of a chunk at once, perhaps in bands of outputs."""
    out, depth, lanes = node.weight.shape[0], node.x.size, w.layout.lanes
    bands, vectors = bands_of(w, 2 * depth * out), w.vectors(out)
    slopes = slope_row(w, node.activation, out)
    for band in range(bands):
        first, last = (min(out, vectors * i // bands * lanes) for i in (band, band + 1))
        product = _product(node, x, y, first, last, _by_pixels(node))
        multiply_some(
            w,
            product,
            x,
            y,
            pack(w, product, node.weight),
            Extras(
                w.padded(node.bias, first, last),
                activation=node.activation,
                slopes=bias_of_group(w, slopes, first, last - first),
            ),
            product.segments,
            whole_chunk=True,
            band=band if bands > 1 else None,
            flops=2 * depth * (last - first),
        )


def _input_grad(b: Backward, node: Dense, dy: Blob) -> None:
    """Make dx in (C, H, W) order, perhaps in bands of columns, then lay it out."""
    w, out, depth = b.writer, node.y.size, node.x.size
    flat = w.blob(depth, 1, 1, b.halos.of_gradient(node.x) if node.x.pixels == 1 else NO_HALO)
    bands = bands_of(w, 2 * depth * out) if depth >= w.bands * w.layout.lanes else 1
    for band in range(bands):
        first, last = (depth * i // bands for i in (band, band + 1))
        w.dense_input(
            dx=flat,
            dy=dy,
            weight=w.rounded(node.weight),
            depth=depth,
            outputs=out,
            first_column=first,
            last_column=last,
            whole_chunk=True,
            band=band if bands > 1 else None,
            flops=2 * out * (last - first),
        )
    dx = flat
    if node.x.pixels > 1:
        dx = b.blob(node.x)
        w.from_nchw(x=dx, images=flat, channels=node.x.channels)
    b.give(node.x, dx)


def _input_grad_of_images(b: Backward, node: Dense, dy: Blob) -> None:
    """Make dx as one pixel with all elements as channels, in its blob's order; spread it over that."""
    w, out, depth = b.writer, node.y.size, node.x.size
    flat = w.blob(depth, 1, 1)
    product = Product(
        pixels=1,
        row_pixels=1,
        channels=depth,
        y_at=flat.pixels(),
        x_at=dy.pixels(),
        span_at=np.zeros(1, np.int64),
        span_length=out,
        weight_at=table(np.arange(out) * depth),
        channel_at=table(np.arange(depth).reshape(node.x.channels, -1).T.ravel()),
        segments=[(0, 1, 0, 1)],
    )
    multiply(w, product, dy, flat, pack(w, product, node.weight), Extras(), flops=2 * depth * out)
    (dx, add), channels = b.target(node.x), node.x.channels
    spread = table(np.arange(node.x.pixels) * flat.channel(channels))
    w.apply(z=dx, y=flat, y_at=spread, r=dx if add else None, vectors=channels)


def _cost(node: Dense, setting: Setting) -> float:
    return costs.product(setting.layout, node.x.size, node.weight.shape[0])


# Ordered: the first that fits. All give a row the same bits in every batch, with and without training apart.
FORWARD = [
    Algorithm("images", lambda node, setting: not setting.layout.by_channels, _cost, _of_images),
    Algorithm("own weight", lambda node, setting: setting.training, _cost, _on_own_weight),
    Algorithm(
        "all images",
        lambda node, setting: node.weight.size >= _LARGE and not setting.single,
        _cost,
        _of_all,
    ),
    Algorithm("chunk", always, _cost, _of_chunk),
]
