"""What Python's operators and methods do with values and parameters."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from ..errors import DTypeError
from . import arithmetic, reduction, shaping, slicing
from .operation import Operand, apply

# NumPy's names of operations that are recorded.
_BINARY = {kind.function: kind for kind in arithmetic.Binary.__subclasses__()}


class Operators(Operand):
    """``+ - * / **`` with tensors, arrays and numbers; parts, shapes, sums, means and maxima.

    Arguments are those of PyTorch's tensors.
    """

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **options: Any) -> Any:
        # Arrays leave the operators to this class; NumPy shall not take parameters for objects elsewhere.
        if method == "__call__" and not options and ufunc in _BINARY:
            return arithmetic.binary(_BINARY[ufunc](), *inputs)
        return NotImplemented

    def __array__(self, dtype: Any = None, copy: Any = None) -> np.ndarray:
        raise DTypeError(
            f"{type(self).__name__}: NumPy would not know its gradient: use its methods and operators, or "
            "fastcnn.nn.functional; the numbers of a parameter are p.data"
        )

    def __add__(self, other: Any) -> Any:
        return arithmetic.binary(arithmetic.Add(), self, other)

    def __radd__(self, other: Any) -> Any:
        return arithmetic.binary(arithmetic.Add(), other, self)

    def __sub__(self, other: Any) -> Any:
        return arithmetic.binary(arithmetic.Subtract(), self, other)

    def __rsub__(self, other: Any) -> Any:
        return arithmetic.binary(arithmetic.Subtract(), other, self)

    def __mul__(self, other: Any) -> Any:
        return arithmetic.binary(arithmetic.Multiply(), self, other)

    def __rmul__(self, other: Any) -> Any:
        return arithmetic.binary(arithmetic.Multiply(), other, self)

    def __truediv__(self, other: Any) -> Any:
        return arithmetic.binary(arithmetic.Divide(), self, other)

    def __rtruediv__(self, other: Any) -> Any:
        return arithmetic.binary(arithmetic.Divide(), other, self)

    def __pow__(self, other: Any) -> Any:
        return arithmetic.binary(arithmetic.Power(), self, other)

    def __rpow__(self, other: Any) -> Any:
        return arithmetic.binary(arithmetic.Power(), other, self)

    def __neg__(self) -> Any:
        return apply(arithmetic.Negate(), self)

    def __iter__(self) -> Iterator[Any]:
        return (self[i] for i in range(len(self._array)))

    def __getitem__(self, index: Any) -> Any:
        return apply(slicing.Slice(index), self)

    def reshape(self, *shape: Any) -> Any:
        """Return the same elements in another shape, one size of which may be -1."""
        return apply(shaping.Reshape(_sizes(shape)), self)

    def view(self, *shape: Any) -> Any:
        """Do what `reshape` does."""
        return self.reshape(*shape)

    def flatten(self, start_dim: int = 0, end_dim: int = -1) -> Any:
        """Merge axes into one."""
        return apply(shaping.Flatten(start_dim, end_dim), self)

    def permute(self, *dims: Any) -> Any:
        """Return the axes in another order."""
        return apply(shaping.Permute(_sizes(dims)), self)

    def mean(self, dim: Any = None, keepdim: bool = False) -> Any:
        """Return the mean over axes, or over all."""
        return apply(reduction.Mean(dim, keepdim), self)

    def sum(self, dim: Any = None, keepdim: bool = False) -> Any:
        """Return the sum over axes, or over all."""
        return apply(reduction.Sum(dim, keepdim), self)

    def amax(self, dim: Any = None, keepdim: bool = False) -> Any:
        """Return the maximum over axes, or over all."""
        return apply(reduction.Amax(dim, keepdim), self)

    def split(self, split_size: Any, dim: int = 0) -> tuple[Any, ...]:
        """Return parts along an axis: of one size, the last perhaps smaller, or of the sizes in a list."""
        return slicing.split(self, split_size, dim)

    def chunk(self, chunks: int, dim: int = 0) -> tuple[Any, ...]:
        """Return at most so many parts of equal size along an axis; the last may be smaller."""
        return slicing.chunk(self, chunks, dim)

    def detach(self) -> Any:
        """Return the same elements without a gradient."""
        return apply(shaping.Detach(), self)


def _sizes(given: tuple[Any, ...]) -> tuple[Any, ...]:
    """Return integers that came one by one or as one sequence."""
    return tuple(given[0]) if len(given) == 1 and isinstance(given[0], tuple | list) else given
