"""Where the windows of a node lie: kernels, steps and margins."""

from __future__ import annotations

from typing import NamedTuple

from ..._shapes import extent
from .nodes import Source


class Windows(NamedTuple):
    """Along each of the last axes.

    Attributes
    ----------
    kernel, stride, dilation, before, after : tuple of int
    """

    kernel: tuple[int, ...]
    stride: tuple[int, ...]
    dilation: tuple[int, ...]
    before: tuple[int, ...]
    after: tuple[int, ...]

    @property
    def margins(self) -> tuple[int, int, int, int]:
        """(left, right, top, bottom) of images; lines have one row."""
        if len(self.kernel) == 1:
            return self.before[0], self.after[0], 0, 0
        return self.before[1], self.after[1], self.before[0], self.after[0]

    def of_images(self) -> Windows:
        """Return the windows of lines as those of images of one row."""
        if len(self.kernel) == 2:
            return self
        starts = (1,), (1,), (1,), (0,), (0,)
        return Windows(*(first + each for first, each in zip(starts, self, strict=True)))


def windows_of(source: Source, sizes: tuple[int, ...], kernel: tuple[int, ...] | None = None) -> Windows:
    """Read the attributes of a node.

    Parameters
    ----------
    source : Source
    sizes : tuple of int
        Of the input, along the axes that windows move along.
    kernel : tuple of int, optional
        Sizes of the weight; default: the attribute.
    """
    count = len(sizes)
    if count not in (1, 2):
        source.refuse(f"windows must be of images (N, C, H, W) or lines (N, C, L), got {count + 2} axes")
    given = source.integers("kernel_shape", kernel or ())
    if len(given) != count or (kernel is not None and given != kernel):
        source.refuse(f"kernel_shape must be {kernel or f'{count} integers'}, got {given}")
    stride = source.integers("strides", (1,) * count)
    dilation = source.integers("dilations", (1,) * count)
    pads = source.integers("pads", (0,) * (2 * count))
    if len(stride) != count or len(dilation) != count or len(pads) != 2 * count:
        source.refuse(f"strides, dilations and pads must fit {count} axes")
    if min(given) < 1 or min(stride) < 1 or min(dilation) < 1:
        source.refuse("kernel_shape, strides and dilations must be at least 1")
    before, after = pads[:count], pads[count:]
    auto = source.text("auto_pad", "NOTSET")
    if auto == "VALID":
        before = after = (0,) * count
    elif auto in ("SAME_UPPER", "SAME_LOWER"):
        totals = [
            max((-(-size // s) - 1) * s + extent(k, d) - size, 0)
            for size, s, k, d in zip(sizes, stride, given, dilation, strict=True)
        ]
        less, more = tuple(each // 2 for each in totals), tuple(each - each // 2 for each in totals)
        before, after = (less, more) if auto == "SAME_UPPER" else (more, less)
    elif auto != "NOTSET":
        source.refuse(f"auto_pad must be NOTSET, SAME_UPPER, SAME_LOWER or VALID, got {auto!r}")
    if min(before) < 0 or min(after) < 0:
        source.refuse(f"pads must be at least 0, got {pads}")
    return Windows(given, stride, dilation, before, after)
