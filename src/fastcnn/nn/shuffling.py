"""Channels that become pixels, pixels that become channels, and channels that change places."""

from typing import Any

from .._arguments import count
from .._moved import channel_groups, shuffled, unshuffled
from .._shapes import integer
from . import functional as F
from .declaration import IMAGES, Shape, Values, declare
from .module import Module

__all__ = ["ChannelShuffle", "PixelShuffle", "PixelUnshuffle"]


@declare(
    {"upscale_factor": count},
    output=lambda values, shape: shuffled(shape, values["upscale_factor"], "pixel_shuffle"),
    takes=IMAGES,
)
class PixelShuffle(Module):
    """Make squares of pixels out of channels; see `fastcnn.ops.pixel_shuffle`.

    Parameters
    ----------
    upscale_factor : int
        Rows and columns of a square.
    """

    def __init__(self, upscale_factor: int) -> None:
        super().__init__()
        self.upscale_factor = integer(upscale_factor, "PixelShuffle: upscale_factor", 1)

    def forward(self, x: Any) -> Any:
        """Return the larger images."""
        return F.pixel_shuffle(x, self.upscale_factor)

    def extra_repr(self) -> str:
        """Return the arguments that repr shows."""
        return f"upscale_factor={self.upscale_factor}"


@declare(
    {"downscale_factor": count},
    output=lambda values, shape: unshuffled(shape, values["downscale_factor"], "pixel_unshuffle"),
    takes=IMAGES,
)
class PixelUnshuffle(Module):
    """Make channels out of squares of pixels; see `fastcnn.ops.pixel_unshuffle`.

    Parameters
    ----------
    downscale_factor : int
        Rows and columns of a square.
    """

    def __init__(self, downscale_factor: int) -> None:
        super().__init__()
        self.downscale_factor = integer(downscale_factor, "PixelUnshuffle: downscale_factor", 1)

    def forward(self, x: Any) -> Any:
        """Return the smaller images."""
        return F.pixel_unshuffle(x, self.downscale_factor)

    def extra_repr(self) -> str:
        """Return the arguments that repr shows."""
        return f"downscale_factor={self.downscale_factor}"


def _same(values: Values, shape: Shape) -> Shape:
    channel_groups((1, *shape), values["groups"], "channel_shuffle")
    return shape


@declare({"groups": count}, output=_same)
class ChannelShuffle(Module):
    """Take the channels of groups in turn; see `fastcnn.ops.channel_shuffle`.

    Parameters
    ----------
    groups : int
        Of neighbouring channels; a divisor of their number.
    """

    def __init__(self, groups: int) -> None:
        super().__init__()
        self.groups = integer(groups, "ChannelShuffle: groups", 1)

    def forward(self, x: Any) -> Any:
        """Return x with its channels in another order."""
        return F.channel_shuffle(x, self.groups)

    def extra_repr(self) -> str:
        """Return the arguments that repr shows."""
        return f"groups={self.groups}"
