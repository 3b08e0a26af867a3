"""Max unpooling: what max pooling found, back in its place."""

from typing import Any

from .._shapes import padding4, pair, single
from . import functional as F
from .module import Module

__all__ = ["MaxUnpool1d", "MaxUnpool2d"]


class _Unpool(Module):
    """A layer of maxima and where they stood."""

    kernel_size: Any
    stride: Any
    padding: Any

    def extra_repr(self) -> str:
        """Return the arguments that repr shows."""
        return f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding!r}"


class MaxUnpool1d(_Unpool):
    """Put maxima of lines back in their places, among zeros; see `fastcnn.ops.max_unpool2d`.

    Parameters
    ----------
    kernel_size, stride, padding
        The window of the `MaxPool1d` with return_indices that has found them.
    """

    def __init__(
        self,
        kernel_size: int | tuple[int],
        stride: int | tuple[int] | None = None,
        padding: int | tuple[int] = 0,
    ) -> None:
        super().__init__()
        self.kernel_size = single(kernel_size, "MaxUnpool1d: kernel_size", 1)
        self.stride = self.kernel_size if stride is None else single(stride, "MaxUnpool1d: stride", 1)
        self.padding = single(padding, "MaxUnpool1d: padding")

    def forward(self, x: Any, indices: Any, output_size: tuple[int, ...] | None = None) -> Any:
        """Return the lines (N, C, out).

        Parameters
        ----------
        x, indices : array (N, C, L) or (C, L)
            Maxima, and where they stand in a line of the output.
        output_size : (out,), or three sizes of which that is the last, optional
            Less than a stride away from ``(L - 1) stride + kernel_size - 2 padding``, which it is without.
        """
        return F.max_unpool1d(x, indices, self.kernel_size, self.stride, self.padding, output_size)


class MaxUnpool2d(_Unpool):
    """Put maxima back in their places, among zeros; see `fastcnn.ops.max_unpool2d`.

    Parameters
    ----------
    kernel_size, stride, padding
        The window of the `MaxPool2d` with return_indices that has found them.
    """

    def __init__(
        self,
        kernel_size: int | tuple[int, int],
        stride: int | tuple[int, int] | None = None,
        padding: int | tuple[int, ...] = 0,
    ) -> None:
        super().__init__()
        self.kernel_size = pair(kernel_size, "MaxUnpool2d: kernel_size", 1)
        self.stride = self.kernel_size if stride is None else pair(stride, "MaxUnpool2d: stride", 1)
        padding4(padding, "MaxUnpool2d: padding")
        self.padding = padding

    def forward(self, x: Any, indices: Any, output_size: tuple[int, ...] | None = None) -> Any:
        """Return the images (N, C, out_h, out_w).

        Parameters
        ----------
        x, indices : array (N, C, H, W) or (C, H, W)
            Maxima, and where they stand in a plane of the output, ``row * out_w + column``.
        output_size : (out_h, out_w), or four sizes of which these are the last, optional
            Which of the sizes that pooling makes x of; see `fastcnn.ops.max_unpool2d`.
        """
        return F.max_unpool2d(x, indices, self.kernel_size, self.stride, self.padding, output_size)
