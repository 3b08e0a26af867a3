"""Linear layers, and convolutions whose window is the whole image: one pixel, whose taps are all elements.

Where channels are in the lanes, the sample is laid out anew in (C, H, W) order first, the order of the
weight's rows. Inference then multiplies as a convolution does, so that both layouts give the same to the bit;
training reads and writes the weight as it is.
"""

from __future__ import annotations

import numpy as np

from ..._kernels.program import CHAINS, TASK_COLUMNS, TOGETHER
from ..graph import Dense
from ..memory import Blob, table
from ..parts import Backward, Forward
from .conv import bias_grad, relu_masked, weight_of_all
from .product import Places, Product, bands_of, multiply, pack
from .softmax import features

# Elements of a sample from which on a layer is deep.
_DEEP = 256
# Weights from which on a layer multiplies all images at once; otherwise threads read them for each slot.
_LARGE = 32768
_LEAST_TASKS = 8


def _origin() -> np.ndarray:
    return table(np.zeros(1))


def _product(node: Dense, x: Blob, y: Blob, first: int, last: int) -> Product:
    """Return the places of channels first .. last - 1 of y = weight x.

    Where channels are in the lanes, several samples are its pixels.
    """
    depth, together = node.x.size, x.step == 1
    samples = np.arange(TOGETHER if together else 1)
    # A sum is a chain of operations that wait for each other: that of a deep layer is made of several.
    chains = CHAINS if depth >= _DEEP and depth % CHAINS == 0 else 1
    part = depth // chains
    runs = 1 if together else part
    return Product(
        pixels=samples.size,
        width=1,
        depth=depth,
        channels=last - first,
        y_at=lambda: table(samples * y.group_size + y.pixels()[0] + y.channel(first)),
        x_at=lambda: table(samples * x.group_size + (x.pixels()[0] if together else 0)),
        runs=(lambda: np.arange(chains) * part) if together else features(x),
        run_length=part if together else 1,
        weight_at=lambda: table(np.arange(depth)),
        channel_at=lambda: table(np.arange(first, last) * depth),
        segments=[(0, samples.size, i * runs, (i + 1) * runs) for i in range(chains)],
        summed=chains > 1,
    )


def _flat(f: Forward, node: Dense) -> Blob:
    """Return x in (C, H, W) order, laid out anew where it is not."""
    x = f.blobs[node.x]
    if not f.writer.layout.by_channels or node.x.pixels == 1 or x.external:
        return x
    flat = f.flat[node] = f.writer.blob(node.x.size, 1, 1)
    f.writer.add("unpack", [flat, x], [x.pixels], [node.x.pixels, node.x.channels])
    return flat


def forward(f: Forward, node: Dense) -> None:
    """Write y = weight x + bias, perhaps clipped."""
    w, x = f.writer, _flat(f, node)
    y = f.blob(node.y)
    out, depth = node.weight.shape[0], node.x.size
    if w.layout.by_channels and f.training:
        buffers, bands = [y, x, node.weight, w.padded(node.bias)], bands_of(w, 2 * depth * out)
        for band in range(bands):
            first, last = (out * i // bands for i in (band, band + 1))
            w.add(
                "dense",
                buffers,
                [y.pixels, x.pixels],
                [depth, last - first, node.relu, first],
                together=True,
                band=band if bands > 1 else None,
                flops=2 * depth * (last - first),
            )
        return
    if w.layout.by_channels and depth * out >= _LARGE and not w.single:
        product = _product(node, x, y, 0, out)
        parts = -(-_LEAST_TASKS // w.blocks(out))
        packed, bias = pack(w, product, node.weight), w.padded(node.bias)
        multiply(w, product, y, x, packed, bias=bias, relu=node.relu, parts=parts, flops=2 * depth * out)
        return
    bands, vectors = bands_of(w, 2 * depth * out), w.vectors(out)
    for band in range(bands):
        ends = [vectors * i // bands * w.layout.lanes for i in (band, band + 1)] if bands > 1 else [0, out]
        first, last = ends[0], min(out, ends[1])
        product = _product(node, x, y, first, last)
        multiply(
            w,
            product,
            y,
            x,
            pack(w, product, node.weight),
            bias=w.padded(node.bias, first, last),
            relu=node.relu,
            all_channels=out,
            together=w.layout.by_channels,
            band=band if bands > 1 else None,
            flops=2 * depth * (last - first),
        )


def backward(b: Backward, node: Dense) -> None:
    """Write the gradients of bias, weight and, where it is wanted, x."""
    f, w = b.forward, b.writer
    dy = relu_masked(b, node)
    bias_grad(b, node.bias, dy)
    out, depth = node.weight.shape[0], node.x.size
    dweight = b.parameter(node.weight)
    if w.layout.by_channels:
        if dweight is not None:
            x, flops = f.flat.get(node, f.blobs[node.x]), 2 * depth * out
            tables, tasks = [x.pixels, dy.pixels], -(-depth // TASK_COLUMNS)
            w.defer("dense_weight", [dweight, x, dy], tables, [depth, out], tasks=tasks, flops=flops)
        if b.wanted(node.x):
            flat = dx = w.blob(depth, 1, 1)
            _flat_input_grad(b, node, flat, dy)
            if node.x.pixels > 1:
                dx = w.blob(node.x.channels, node.x.height, node.x.width)
                w.add("pack", [dx, flat], [dx.pixels], [node.x.pixels, node.x.channels])
            b.give(node.x, dx)
        return
    if dweight is not None:
        x = f.blobs[node.x]
        product = _product(node, x, dy, 0, out)
        read: list[Places] = [dy.pixels, _origin, lambda: product.taps(x)]
        weight_of_all(b, dweight, x, dy, read, [product.weight_at, product.channel_at], product, True)
    if b.wanted(node.x):
        _backward_input(b, node, dy)


def _flat_input_grad(b: Backward, node: Dense, flat: Blob, dy: Blob) -> None:
    """Write dx in (C, H, W) order."""
    w, out, depth = b.writer, node.weight.shape[0], node.x.size
    bands = bands_of(w, 2 * depth * out) if depth >= w.bands * w.layout.lanes else 1
    for band in range(bands):
        first, last = (depth * i // bands for i in (band, band + 1))
        w.add(
            "dense_input",
            [flat, dy, node.weight],
            [flat.pixels, dy.pixels],
            [depth, out, first, last],
            together=True,
            band=band if bands > 1 else None,
            flops=2 * out * (last - first),
        )


def _backward_input(b: Backward, node: Dense, dy: Blob) -> None:
    """Make dx as one pixel with all elements as channels, in its blob's order; spread it over that."""
    w, out, depth = b.writer, node.weight.shape[0], node.x.size
    flat = w.blob(depth, 1, 1)
    order = np.arange(depth).reshape(node.x.channels, -1).T.ravel()
    product = Product(
        pixels=1,
        width=1,
        depth=out,
        channels=depth,
        y_at=flat.pixels,
        x_at=dy.pixels,
        runs=lambda: np.zeros(1, np.int64),
        run_length=out,
        weight_at=lambda: table(np.arange(out) * depth),
        channel_at=lambda: table(order),
        segments=[(0, 1, 0, 1)],
    )
    multiply(w, product, flat, dy, pack(w, product, node.weight), flops=2 * depth * out)
    dx, add = b.target(node.x)
    spread = table(np.arange(node.x.pixels) * flat.channel(node.x.channels))
    sizes = [node.x.pixels, node.x.channels]
    w.add("apply", [dx, flat, None, dx if add else None], [dx.pixels, lambda: spread, dx.pixels], sizes)
