"""Margins and interpolation, from ONNX.

What Resize does is asked of the reference implementation of the onnx package.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ..._shapes import check_size
from ...ops._lines import resized
from ..library import library
from .folding import computed
from .network import Network
from .nodes import Source, rule
from .values import Known, Made

# The version in which Resize is computed, and the attributes that say how.
_OPSET = 19
_SETTINGS: dict[str, Callable[[Source, str], Any]] = {
    **dict.fromkeys(("antialias", "exclude_outside"), lambda source, key: source.integer(key, 0)),
    **dict.fromkeys(
        ("cubic_coeff_a", "extrapolation_value"), lambda source, key: source.number(key, 0.0, False)
    ),
    **dict.fromkeys(
        ("coordinate_transformation_mode", "mode", "nearest_mode"), lambda source, key: source.text(key, "")
    ),
}
_PADS = {"constant": "constant", "reflect": "reflect", "edge": "replicate", "wrap": "circular"}


@rule("Pad")
def pad(net: Network, source: Source, x: Any, pads: Any = None, value: Any = None, axes: Any = None) -> Made:
    """Read margins around images; those of channels are more channels of one value, negative ones cut off."""
    x = source.made(x)
    ndim = len(x.shape) + 1
    given = source.integers("pads", ()) if pads is None else source.listed(pads, "pads")
    along = tuple(range(ndim)) if axes is None else source.listed(axes, "axes")
    if len(given) != 2 * len(along) or any(not -ndim <= axis < ndim for axis in along):
        source.refuse(f"pads must be two numbers for each axis, got {given} for {along}")
    filled = value is not None and source.array(value, "constant_value").size
    constant = (
        float(source.array(value, "constant_value").ravel()[0])
        if filled
        else source.number("value", 0.0, finite=False)
    )
    mode = _PADS.get(source.text("mode", "constant"))
    if mode is None:
        source.refuse(f"mode must be one of {', '.join(_PADS)}, got {source.text('mode', '')!r}")
    ends = [(0, 0)] * ndim
    for i, axis in enumerate(along):
        ends[axis] = given[i], given[i + len(along)]
    if ends[0] != (0, 0):
        source.refuse("pads must leave the batch as it is")
    if any(min(each) < 0 for each in ends):
        left = [slice(max(-a, 0), size - max(-b, 0)) for (a, b), size in zip(ends[1:], x.shape, strict=True)]
        x = net.part(source, x, slice(None), *left)
        ends = [(max(a, 0), max(b, 0)) for a, b in ends]
    return _margins(net, source, x, ends, mode, constant)


def _margins(
    net: Network, source: Source, x: Made, ends: list[tuple[int, int]], mode: str, value: float
) -> Made:
    """Return x with margins of at least 0 before and after each axis."""
    images = x
    if len(x.shape) < 3:  # lines and features are images of one row
        whole = (1, 1, *x.shape)[-3:] if len(x.shape) == 1 else (x.shape[0], 1, x.shape[1])
        more = [(0, 0)] * (3 - len(x.shape))
        images, ends = net.reshaped(source, x, whole), [*ends[:-1], *more, ends[-1]]
    elif len(x.shape) > 3 and any(each != (0, 0) for each in ends):
        source.refuse(f"must be of images, lines or features, got samples {x.shape}")
    before, after = ends[1]
    if before or after:
        if mode != "constant":
            source.refuse(f"pads of channels must be constant, got {mode}")
        images = _more_channels(net, source, images, before, after, value)
    (top, bottom), (left, right) = ends[2:]
    if top or bottom or left or right:
        images = net.call(source, "pad", images, padding=(left, right, top, bottom), mode=mode, value=value)
    return net.reshaped(source, images, (*images.shape[: len(x.shape) - 1], images.shape[-1]))


def _more_channels(net: Network, source: Source, x: Made, before: int, after: int, value: float) -> Made:
    """Return images with channels of one value around theirs: a convolution of 1x1 with weights 0 and 1."""
    count = x.shape[0]
    weight = np.zeros((before + count + after, count, 1, 1), np.float32)
    weight[np.arange(count) + before, np.arange(count)] = 1
    bias = np.full(len(weight), value, np.float32)
    bias[before : before + count] = 0
    arguments = {"in_channels": count, "out_channels": len(weight), "kernel_size": 1, "bias": True}
    return net.layer(source, "Conv2d", x, arguments, {"weight": weight, "bias": bias}, frozen=True)


@rule("Resize", "Upsample")
def resize(net: Network, source: Source, x: Any, *inputs: Any) -> Made:
    """Read images of another size: an interpolation where there is one that gives the same, else products."""
    x = source.made(x)
    if len(x.shape) not in (2, 3):
        source.refuse(f"must be of images (N, C, H, W) or lines (N, C, L), got samples {x.shape}")
    given = dict(zip(("roi", "scales", "sizes"), inputs, strict=False))
    if source.kind == "Upsample" or source.opset < 11:
        given = dict(zip(("scales",), inputs, strict=False))
    axes = source.integers("axes", tuple(range(len(x.shape) + 1)))
    if len({axis % (len(x.shape) + 1) for axis in axes}) != len(axes) or not all(
        -len(x.shape) - 1 <= axis <= len(x.shape) for axis in axes
    ):
        source.refuse(f"axes must be of the input's, each once, got {axes}")
    scales, outs = _sizes(source, x, axes, given)
    if source.text("coordinate_transformation_mode", "") == "tf_crop_and_resize":
        source.refuse("coordinate_transformation_mode tf_crop_and_resize is not known here")
    if outs[:2] != [None, x.shape[0]]:
        source.refuse("channels must stay as many as they are")
    images = net.reshaped(source, x, (x.shape[0], 1, x.shape[1])) if len(x.shape) == 2 else x
    if len(x.shape) == 2:
        outs, scales = [*outs[:2], 1, *outs[2:]], [*scales[:2], None, *scales[2:]]
    sizes, wanted = images.shape[1:], tuple(outs[2:])
    weights = [_weights(source, *each) for each in zip(sizes, wanted, scales[2:], strict=True)]
    mode = next((each for each in _CANDIDATES if _are(each, weights)), None)
    if sizes == wanted and mode is not None:
        y = images
    elif mode is not None:
        corners = {"align_corners": True} if mode.endswith("-corners") else {}
        name = {"linear": "bilinear", "cubic": "bicubic"}.get(mode.removesuffix("-corners"), mode)
        y = net.call(source, "interpolate", images, size=wanted, mode=name, **corners)
    else:
        y = _across(net, source, images, weights)
    return net.reshaped(source, y, (y.shape[0], y.shape[2])) if len(x.shape) == 2 else y


_CANDIDATES = ("nearest", "nearest-exact", "linear", "linear-corners", "cubic", "cubic-corners")


def _sizes(source: Source, x: Made, axes: tuple[int, ...], given: dict[str, Any]) -> tuple[list, list]:
    """Return the scale of each axis, None if its size is given, and its size; that of the batch is None."""
    ndim = len(x.shape) + 1
    whole: list[int | None] = [None, *x.shape]
    scales: list[float | None] = [None] * ndim
    outs = list(whole)
    attribute = source.get("scales")
    factors, sizes = given.get("scales"), given.get("sizes")
    if isinstance(sizes, Known) and sizes.first.size:
        numbers: list[Any] = [int(each) for each in source.whole(sizes, "sizes").first.ravel()]
        others = [int(each) for each in sizes.second.ravel()]
        if any(a != b for a, b, axis in zip(numbers, others, axes, strict=False) if axis % ndim):
            source.refuse("sizes must not depend on the size of the batch")
    elif isinstance(factors, Known) and factors.first.size:
        numbers = [float(each) for each in source.array(factors, "scales").ravel()]
    elif isinstance(attribute, list) and all(isinstance(each, float) for each in attribute):
        numbers = attribute
    else:
        source.refuse("scales or sizes must be known when the file is read")
    if len(numbers) != len(axes):
        source.refuse(f"must have a number for each of the axes {axes}, got {numbers}")
    numbers = _in_proportion(source, numbers, [whole[axis % ndim] for axis in axes])
    for axis, number in zip(axes, numbers, strict=True):
        place, old = axis % ndim, whole[axis % ndim]
        if old is None:
            if isinstance(number, float) and number != 1:
                source.refuse("scales must leave the batch as it is")
            continue
        if not math.isfinite(number):
            source.refuse(f"scales must be finite, got {number}")
        made = number if isinstance(number, int) else math.floor(old * number)
        if made < 1:
            source.refuse(f"scale {number} makes no size of {old}")
        scales[place] = None if isinstance(number, int) else number
        outs[place] = made
    return scales, outs


def _in_proportion(source: Source, numbers: list[Any], sizes: list[int | None]) -> list[Any]:
    """Return sizes of an output that keep the ratio of the image's, if that is wanted."""
    policy = source.text("keep_aspect_ratio_policy", "stretch")
    if policy == "stretch" or not all(isinstance(each, int) for each in numbers):
        return numbers
    choose = {"not_larger": min, "not_smaller": max}.get(policy)
    if choose is None:
        source.refuse(f"keep_aspect_ratio_policy must be stretch, not_larger or not_smaller, got {policy!r}")
    ratios = [1.0 if size is None else n / size for n, size in zip(numbers, sizes, strict=True)]
    scale = choose(ratios)
    made: list[Any] = []
    for size in sizes:
        exact = scale * (1 if size is None else size)
        whole = math.floor(exact + 0.5)
        if size is None or abs(exact - whole) > 1e-9 * exact:  # pixels lie as far apart as the ratio says
            if size is not None and math.floor(exact) != whole:
                source.refuse(f"the ratio {scale:g} makes {exact:g} lines of {size}, a part of one too few")
            made.append(scale)
        else:
            made.append(whole)
    return made


def _weights(source: Source, size: int, out: int, scale: float | None) -> np.ndarray:
    """Return the weight (out, size) of each line of the input in each of the output, along one axis.

    Interpolation goes along one axis after the other, and is linear: the reference implementation says what
    becomes of each line by itself.
    """
    onnx = library()
    settings = {key: read(source, key) for key, read in _SETTINGS.items() if source.get(key) is not None}
    mode = source.text("mode", "nearest")
    settings["mode"] = {"bilinear": "linear", "bicubic": "cubic"}.get(mode, mode)
    if source.kind == "Upsample" or source.opset < 11:
        settings |= {"coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"}
    check_size((size, size), 8, f"{source.where}: the weights of an axis")
    given = ("", "scales", "") if scale is not None else ("", "", "sizes")
    node = onnx.helper.make_node("Resize", ["x", *given], ["y"], **settings)
    numbers = np.array([scale, 1], np.float32) if scale is not None else np.array([out, size], np.int64)
    name = "sizes" if scale is None else "scales"
    try:
        made = computed(node, {"x": np.eye(size), name: numbers}, _OPSET)[0]
    except Exception as error:  # of any class
        source.refuse(f"cannot be computed: {error}")
    if made.shape != (out, size):
        source.refuse(f"makes {made.shape[0]} lines of {size}, where {out} were expected")
    return made


def _are(mode: str, weights: list[np.ndarray]) -> bool:
    """Tell whether an interpolation has these weights along both axes."""
    return all(
        np.allclose(resized(each.shape[1], each.shape[0], None, mode, "resize").matrix(), each, 0, 1e-6)
        for each in weights
    )


def _across(net: Network, source: Source, x: Made, weights: list[np.ndarray]) -> Made:
    """Return images whose rows and columns are sums of others, by products with their weights."""
    for each in reversed(weights):  # columns lie along the last axis; then rows do
        out, size = each.shape
        arguments = {"in_features": size, "out_features": out, "bias": False}
        x = net.layer(source, "Linear", x, arguments, {"weight": each.astype(np.float32)}, frozen=True)
        x = net.permuted(source, x, (0, 1, 3, 2))
    return x
