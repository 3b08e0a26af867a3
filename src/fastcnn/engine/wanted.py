"""What the user wants of products: their precision, and which implementation of convolutions."""

from __future__ import annotations

from .. import _precision
from ..nn import changes
from .algorithms import Wanted
from .nodes.conv import FORWARD

CONV_ALGORITHMS = tuple(sorted(each.name for each in FORWARD))
_algorithm: str | None = None


def set_float32_matmul_precision(precision: str) -> None:
    """Choose how precise the products of float32 networks are.

    Programs that were made before are made anew. float64 always has the highest precision, and so has eager
    mode unless this is "medium". PyTorch's setting of this name is "highest" unless it is set; this one is
    "high". "medium" departs from PyTorch's: values are stored as bfloat16 too, as under its autocast. As in
    PyTorch it is "high" on processors without instructions for it.

    Parameters
    ----------
    precision : {"highest", "high", "medium"}
        "highest": each output is a sum of float32 products. "high": for each pass of a convolution the
        cheaper of that and Winograd's minimal filtering. Its outputs and input gradients are within 1e-5 of
        the largest in their image and channel; its weight gradients have at most four times the error (root
        mean square) of direct sums. A number of the input that is not finite makes the tiles of 4x4 outputs
        so that read it, where direct sums have the 3x3 outputs around it; and numbers above some 1e36, which
        direct sums might still add up, overflow.
        "medium": values between layers, their gradients, and the weights that they are multiplied by have the
        8 significant bits of a bfloat16; filtering by tiles of 2x2 rounds once more. Sums, statistics,
        parameters, their gradients, optimizers, what the model returns and the loss stay float32. Outputs
        are within some 1% of the largest; errors of gradients add up over layers, as with autocast in
        PyTorch: to some 10% of their size in a new ResNet of 7 convolutions, and 30% in one of 19. It needs
        AVX512-BF16 (Zen 4 and later, Cooper Lake, Sapphire Rapids): `fastcnn.show_config` says whether it is
        in use. Networks of so few channels that it would make them slower, such as LeNet, are compiled as
        with "high"; eager mode rounds them all the same.

    Raises
    ------
    ArgumentError
        If there is no such precision.
    """
    _precision.put(precision)
    changes.note()  # a plan that was found for a model is looked for again


def get_float32_matmul_precision() -> str:
    """Return the precision that `set_float32_matmul_precision` has chosen."""
    return _precision.get()


def set_conv_algorithm(name: str | None) -> None:
    """Choose how compiled programs convolve, wherever the implementation fits.

    Results of different implementations may differ in their last digits. Programs that were made before are
    made anew. Eager mode always lays out windows as rows (im2col) and multiplies matrices.

    Parameters
    ----------
    name : {"direct", "gemm", "winograd", "winograd_pairs"} or None
        "direct" multiplies images where they stand; "gemm" lays out windows as rows first; "winograd" has
        fewer products for windows of 3x3, unless the precision is "highest"; "winograd_pairs" has a few more
        of bfloat16, where the precision is "medium". None, the default, takes the
        cheapest for each convolution by a stated table of costs.

    Raises
    ------
    ArgumentError
        If there is no such implementation.
    """
    global _algorithm
    _algorithm = checked_algorithm(name, "set_conv_algorithm: name")
    changes.note()


def get_conv_algorithm() -> str | None:
    """Return the implementation that `set_conv_algorithm` has chosen, None if each is to be the cheapest."""
    return _algorithm


def checked_algorithm(name: object, what: str) -> str | None:
    """Return the name of an implementation, or None."""
    return _precision.checked(name, what, CONV_ALGORITHMS)


def wanted(precision: str | None, algorithm: str | None) -> Wanted:
    """Return what these ask for, or where they are None the settings."""
    return Wanted(precision or _precision.get(), algorithm or _algorithm)
