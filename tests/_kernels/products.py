"""Products of windows with weights as operations of programs, as the engine writes them."""

import math

import numpy as np

from fastcnn._kernels import program as kernels
from fastcnn.engine.memory import table

HALO = 8  # of an input whose windows are those of any geometry


def tables_of(window, x):
    """Return (places of windows, first taps of spans, all taps): a span is a pixel's channels."""
    i, j = np.arange(window.out_h), np.arange(window.out_w)
    u, v = np.divmod(np.arange(window.kernel_h * window.kernel_w), window.kernel_w)
    corner = x.grid(i * window.stride_h - window.pad_top, j * window.stride_w - window.pad_left)
    spans = x.offset(u * window.dilation_h, v * window.dilation_w)
    taps = spans[:, None] + x.channel(np.arange(x.channels))
    return corner, table(spans), table(taps.ravel())


def weight_places(weight):
    """Return the places of taps, in the order (row, column, channel), and of output channels in a weight."""
    out, inner, *kernel = weight.shape
    size = int(np.prod(kernel))
    taps = (np.arange(inner) * size + np.arange(size)[:, None]).ravel()
    return {"weight_at": table(taps), "channel_at": table(np.arange(out) * inner * size)}


def pack(bench, weight, scale=None):
    """Let weights be packed; return where."""
    places, channels = weight_places(weight), len(weight)
    packed = np.full(weight[0].size * bench.layout.row(channels), np.nan, bench.dtype)
    bench.op.pack_weights(
        packed=packed,
        weight=weight,
        scale=scale,
        span_length=weight.shape[1],
        tasks=bench.op.blocks(channels),
        **places,
    )
    return packed


def multiply(bench, window, y, x, packed, segments=None, **extras):
    """Let y = conv(x); segments are (first pixel, last + 1, first span, last span + 1)."""
    corner, spans, taps = tables_of(window, x)
    segments = np.array(segments or [(0, window.out_h * window.out_w, 0, spans.size)])
    operands = {"y": y, "x": x, "weight": packed, "x_at": corner, **extras}
    if bench.layout.by_channels:
        bench.op.conv_spans(
            span_at=spans,
            k_at=table(np.arange(spans.size) * x.channels),
            depth=spans.size * x.channels,
            segments=table(segments.ravel()),
            span_length=x.channels,
            row_pixels=window.out_w,
            vectors=bench.vectors(y.channels),
            **operands,
        )
        return
    bench.op.conv(
        tap_at=taps,
        segments=table((segments * [1, 1, x.channels, x.channels]).ravel()),
        channels=y.channels,
        all_channels=y.channels,
        first_channel=0,
        **operands,
    )


def weight_sum(bench, dweight, sums):
    """Let partial sums be added up."""
    out, inner, *window = dweight.shape
    by_channels = -(-inner // kernels.task_channels(inner, math.prod(window)))
    bench.op.conv_weight_sum(
        dweight=dweight,
        sums=sums,
        in_channels=inner,
        tasks=by_channels if bench.layout.by_channels else bench.op.blocks(out),
        **weight_places(dweight),
    )


def depthwise(bench, window, y, x, packed, segments=None, **extras):
    """Let y = conv(x), each channel from its own; segments count taps."""
    corner, taps, _ = tables_of(window, x)
    segments = np.array(segments or [(0, window.out_h * window.out_w, 0, taps.size)])
    operands = {"y": y, "x": x, "weight": packed, "x_at": corner, "tap_at": taps, **extras}
    operands["row_pixels"] = window.out_w
    bench.op.depthwise(segments=table(segments.ravel()), vectors=bench.vectors(y.channels), **operands)


def slotted_weight(bench, dweight, kernel, most_slots, vectors, **operands):
    """Let a weight gradient be summed by slots, by conv_weight or depthwise_weight."""
    sums = bench.sums(operands["tap_at"].size * vectors, most_slots)
    getattr(bench.op, kernel)(sums=sums, vectors=vectors, **operands)
    weight_sum(bench, dweight, sums)
