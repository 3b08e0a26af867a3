"""Implementations of the products: an ordered list for each pass of each kind of product, and which is taken.

Which one is a function of the geometry, the mode, the layout and what the user wants, by what each says that
it costs; never of a timing or the number of threads, and in predictions never of the batch. So a row's result
is the same to the bit in every batch. A step of training over a few images has implementations of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, NamedTuple, TypeVar

from .layout import Layout

N = TypeVar("N")

_FEW = 4


class Wanted(NamedTuple):
    """What the user asks of products.

    Attributes
    ----------
    precision : {"highest", "high", "medium"}
        Of float32: "highest" is sums of products alone; "high" lets an implementation have the larger error
        whose bounds `fastcnn.set_float32_matmul_precision` tells; "medium" stores values as bfloat16.
    algorithm : str, optional
        The name of the implementation of convolutions that is to be taken wherever it fits.
    factors : bool
        Whether a step of a few images may leave gradients of large linear layers as the products that they
        are, see nn/factored.py.
    """

    precision: str = "highest"
    algorithm: str | None = None
    factors: bool = False


class Setting(NamedTuple):
    """What an implementation is chosen for, beside the node.

    Attributes
    ----------
    layout : Layout
        Of the buffers.
    training : bool
        Whether weights change with every run.
    single : bool
        Whether the program is made for one image; it may only choose between what gives the same bits.
    few : bool
        Whether the program trains on a few images, see `trains_few`.
    wanted : Wanted
    narrow : bool
        Whether values are stored as bfloat16 where it is.
    tiles : bool
        Whether direct products are taken by tiles there.
    wide : bool
        Whether the node's result is stored as it is summed where all else is narrow.
    """

    layout: Layout
    training: bool = False
    single: bool = False
    few: bool = False
    wanted: Wanted = Wanted()
    narrow: bool = False
    tiles: bool = False
    wide: bool = False


def trains_few(training: bool, batch: int) -> bool:
    """Tell whether what a step does once counts as much as what it does for each image."""
    return training and batch <= _FEW


@dataclass(frozen=True)
class Algorithm(Generic[N]):
    """One implementation of one pass of a product.

    Attributes
    ----------
    name : str
    fits : callable
        ``fits(node, setting)``: whether it can make this product.
    cost : callable
        ``cost(node, setting)``: how long an image takes, in vector operations at the machine's peak.
    write : callable
        Writes the pass into a program.
    exact : bool
        Whether it sums the products that the equation has, in one order in all layouts: results of those that
        do are the same to the bit.
    """

    name: str
    fits: Callable[[N, Setting], bool]
    cost: Callable[[N, Setting], float]
    write: Callable[..., Any]
    exact: bool = True


def always(node: object, setting: Setting) -> bool:
    """Fit every product."""
    return True


def pick(algorithms: Sequence[Algorithm[N]], node: N, setting: Setting) -> Algorithm[N]:
    """Return the pinned implementation if it fits, else the cheapest that does, the first of equals.

    The last one in the list fits always.
    """
    fitting = [each for each in algorithms if each.fits(node, setting)]
    pinned = [each for each in fitting if each.name == setting.wanted.algorithm]
    return min(pinned or fitting, key=lambda each: each.cost(node, setting))
