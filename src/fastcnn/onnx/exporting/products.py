"""Convolutions and linear layers in ONNX."""

from __future__ import annotations

from typing import Any

from ... import graph
from ..._shapes import conv_padding, pair, single
from .rules import rule
from .writer import Operand, Writer

Shape = tuple[int, ...]


@rule(graph.Conv2d)
def conv2d(w: Writer, operation: Any, x: Operand, weight: Operand, bias: Operand | None, y: Shape) -> str:
    """Write a convolution of images."""
    given = operation.geometry
    stride, dilation = (pair(given[key], f"conv2d: {key}", 1) for key in ("stride", "dilation"))
    kernel = weight.shape[2], weight.shape[3]
    left, right, top, bottom = conv_padding(given["padding"], kernel, stride, dilation, "conv2d: padding")
    return w.node(
        "Conv",
        x,
        weight,
        bias or "",
        kernel_shape=kernel,
        strides=stride,
        pads=(top, left, bottom, right),
        dilations=dilation,
        group=given["groups"],
    )


@rule(graph.Conv1d)
def conv1d(w: Writer, operation: Any, x: Operand, weight: Operand, bias: Operand | None, y: Shape) -> str:
    """Write a convolution along lines."""
    given = operation.geometry
    stride, dilation = (single(given[key], f"conv1d: {key}", 1) for key in ("stride", "dilation"))
    padding = given["padding"]
    if not isinstance(padding, str):
        padding = 0, single(padding, "conv1d: padding")
    kernel = 1, weight.shape[2]
    left, right, _, _ = conv_padding(padding, kernel, (1, stride), (1, dilation), "conv1d: padding")
    return w.node(
        "Conv",
        x,
        weight,
        bias or "",
        kernel_shape=kernel[1:],
        strides=[stride],
        pads=(left, right),
        dilations=[dilation],
        group=given["groups"],
    )


@rule(graph.ConvTranspose2d)
def conv_transpose(
    w: Writer, operation: Any, x: Operand, weight: Operand, bias: Operand | None, y: Shape
) -> str:
    """Write a transposed convolution of images or lines."""
    given, count = operation.geometry, len(x.shape) - 2

    def sizes(key: str, minimum: int = 0) -> tuple[int, ...]:
        name = f"conv_transpose{count}d: {key}"
        return pair(given[key], name, minimum) if count == 2 else (single(given[key], name, minimum),)

    return w.node(
        "ConvTranspose",
        x,
        weight,
        bias or "",
        kernel_shape=weight.shape[2:],
        strides=sizes("stride", 1),
        pads=2 * sizes("padding"),
        output_padding=sizes("output_padding"),
        dilations=sizes("dilation", 1),
        group=given["groups"],
    )


@rule(graph.Linear)
def linear(w: Writer, operation: Any, x: Operand, weight: Operand, bias: Operand | None, y: Shape) -> str:
    """Write y = x weight^T + bias: of flat features a Gemm, over the last axis of more a product.

    Before opset 11 a Gemm has a bias in any case.
    """
    if len(x.shape) == 2 and (bias or w.opset >= 11):
        return w.node("Gemm", x, weight, bias or "", transB=1)
    made = w.node("MatMul", x, w.node("Transpose", weight, perm=(1, 0)))
    return made if bias is None else w.node("Add", made, bias)
