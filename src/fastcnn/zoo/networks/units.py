"""What networks of several families are made of."""

from __future__ import annotations

from typing import Any

from ... import nn

Shape = tuple[int, int, int]


def make_divisible(channels: float, divisor: int = 8) -> int:
    """Return the multiple of `divisor` that is nearest to a number of channels, but not below 90% of it."""
    nearest = max(divisor, int(channels + divisor / 2) // divisor * divisor)
    return nearest + divisor if nearest < 0.9 * channels else nearest


def conv_unit(
    in_channels: int,
    out_channels: int,
    kernel_size: int = 3,
    stride: int = 1,
    groups: int = 1,
    activation: type[nn.Module] | None = nn.ReLU,
    **norm: Any,
) -> nn.Sequential:
    """Return convolution -> batch norm -> activation; odd windows are padded so that stride 1 keeps the size.

    Parameters
    ----------
    activation : class of modules, optional
        None: none.
    **norm
        Arguments of the batch norm.
    """
    layers: list[nn.Module] = [
        nn.Conv2d(
            in_channels, out_channels, kernel_size, stride, kernel_size // 2, groups=groups, bias=False
        ),
        nn.BatchNorm2d(out_channels, **norm),
    ]
    return nn.Sequential(*layers, *([] if activation is None else [activation()]))
