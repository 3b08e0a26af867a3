"""How layers see values: flattened, with a margin of zeros, with their elements in another order."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .graph import Value


@dataclass(eq=False)
class View:
    """A value as a layer sees it.

    Attributes
    ----------
    value : Value
    margin : (left, right, top, bottom)
        Zeros around it.
    flat : bool
        Whether it is flattened.
    line : bool
        Whether it has no axis of rows, (C, L); the value has one row.
    order : int array, optional
        For each element of the view the number of the value's element that it is; None where a view without
        its margin has all of them in their order.
    """

    value: Value
    margin: tuple[int, int, int, int] = (0, 0, 0, 0)
    flat: bool = False
    order: np.ndarray | None = None
    line: bool = False
    laid_out: View | None = None  # with an order: what has its elements in their places, once it is made

    @property
    def height(self) -> int:
        """Height with the margin."""
        return self.value.height + self.margin[2] + self.margin[3]

    @property
    def width(self) -> int:
        """Width with the margin."""
        return self.value.width + self.margin[0] + self.margin[1]

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of a sample."""
        if self.order is not None:
            return self.order.shape
        if self.flat:
            return (self.value.size,)
        rows = () if self.line else (self.height,)
        return (self.value.channels, *rows, self.width)

    def of(self, value: Value) -> View:
        """Return another value of these sizes as this one is seen."""
        return View(value, flat=self.flat, line=self.line)

    def elements(self) -> np.ndarray:
        """Return the order, of a view without a margin."""
        return np.arange(self.value.size).reshape(self.shape) if self.order is None else self.order

    def as_features(self) -> View:
        """Return the view itself, or of a flattened image one in which each element is a channel."""
        return View(self.value, order=self.elements()) if self.flat and self.value.pixels > 1 else self
