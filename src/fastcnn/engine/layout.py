"""The two layouts of a program's buffers, see csrc/program.h."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Layout:
    """What stands in the lanes of a vector: one element of several images, or several channels of a pixel.

    Attributes
    ----------
    name : {"images", "channels"}
        As in the names of kernels.
    lanes : int
        Elements of a vector.
    spare : int
        Reals at the end of each pixel that nobody reads, where channels are in the lanes: an operation on a
        part of the channels writes whole vectors.
    """

    name: str
    lanes: int
    spare: int = 0

    @property
    def by_channels(self) -> bool:
        """Whether lanes are channels."""
        return self.name == "channels"

    @property
    def images(self) -> int:
        """Images of a group."""
        return 1 if self.by_channels else self.lanes

    @property
    def step(self) -> int:
        """Reals from one channel of a pixel to the next."""
        return 1 if self.by_channels else self.lanes

    def vectors(self, channels: int) -> int:
        """Return the number of vectors that hold a pixel's channels."""
        return -(-channels // self.lanes) if self.by_channels else channels

    def row(self, channels: int) -> int:
        """Return the size of an array with a number for each channel, as kernels read it."""
        return self.vectors(channels) * self.lanes if self.by_channels else channels
