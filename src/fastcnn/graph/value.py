"""Values: the tensors inside a call that is being recorded."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import DTypeError
from .operation import Array, Recorder, as_array
from .operators import Operators
from .structure import replaced

# Whose results have no gradient, or one of 0.
_COMPARISONS = {
    np.less,
    np.less_equal,
    np.greater,
    np.greater_equal,
    np.equal,
    np.not_equal,
    np.isnan,
    np.isinf,
    np.isfinite,
    np.logical_and,
    np.logical_or,
    np.logical_not,
    np.sign,
}
# Functions of arrays that have none either.
_WITHOUT_GRADIENT = {
    np.shape,
    np.ndim,
    np.size,
    np.argmax,
    np.argmin,
    np.argsort,
    np.zeros_like,
    np.ones_like,
    np.empty_like,
    np.full_like,
}
_IN_PLACE = "a value cannot be changed in place: make a new one, e.g. with cat or with + and *"


class Value(Operators):
    """A tensor that a layer was called with or made, inside the call of a module.

    Operators, methods and `fastcnn.nn.functional` are recorded with what their gradients need. What NumPy
    makes of a value is an array, and constant: a backward pass over it raises.

    Parameters
    ----------
    array : array
        What it holds.
    recorder : Tape
        The call that it belongs to.
    index : int
        Its number in the call.
    """

    recorder: Recorder

    def __init__(self, array: Array, recorder: Recorder, index: int) -> None:
        self._array = array
        self.recorder = recorder
        self.index = index

    # What it is -------------------------------------------------------------------------------------

    def size(self, dim: int | None = None) -> Any:
        """Return the sizes, or that of one axis."""
        return self.shape if dim is None else self.shape[dim]

    def numel(self) -> int:
        """Return the number of elements."""
        return self._array.size

    def __len__(self) -> int:
        return len(self._array)

    def __repr__(self) -> str:
        return f"Value(shape={self.shape}, dtype={self.dtype})"

    # What it holds, outside of the record -----------------------------------------------------------

    def numpy(self) -> Array:
        """Return the elements as an array, which has no gradient."""
        return self.recorder.look(self, "numpy()")

    def item(self) -> float:
        """Return the one element."""
        return self.recorder.look(self, "item()").item()

    def __bool__(self) -> bool:
        return bool(self.recorder.look(self, "bool()"))

    def __int__(self) -> int:
        return int(self.recorder.look(self, "int()"))

    def __float__(self) -> float:
        return float(self.recorder.look(self, "float()"))

    def __lt__(self, other: Any) -> Any:
        return np.less(self, other)

    def __le__(self, other: Any) -> Any:
        return np.less_equal(self, other)

    def __gt__(self, other: Any) -> Any:
        return np.greater(self, other)

    def __ge__(self, other: Any) -> Any:
        return np.greater_equal(self, other)

    def __eq__(self, other: Any) -> Any:
        return np.equal(self, other)

    def __ne__(self, other: Any) -> Any:
        return np.not_equal(self, other)

    __hash__ = object.__hash__

    def __setitem__(self, index: Any, new: Any) -> None:
        raise DTypeError(_IN_PLACE)

    # NumPy ------------------------------------------------------------------------------------------

    def __array__(self, dtype: Any = None, copy: Any = None) -> Array:
        array = self.recorder.leave(self, "an array was made of a value")
        wanted = array.dtype if dtype is None else np.dtype(dtype)
        if copy is False and wanted != array.dtype:
            raise ValueError(
                f"an array of {wanted} cannot be made of a value of {array.dtype} without a copy"
            )
        return array.astype(wanted, copy=bool(copy))

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **options: Any) -> Any:
        made = super().__array_ufunc__(ufunc, method, *inputs, **options)
        if made is not NotImplemented:
            return made
        if any(isinstance(each, Value) for each in options.get("out", ())):
            raise DTypeError(_IN_PLACE)
        if method == "__call__" and not options and ufunc in _COMPARISONS:
            return ufunc(*_arrays(ufunc, inputs, look=True))
        return getattr(ufunc, method)(*_arrays(ufunc, inputs), **_arrays(ufunc, options))

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        look = function in _WITHOUT_GRADIENT
        return function(*_arrays(function, args, look), **_arrays(function, kwargs, look))


def _arrays(function: Any, given: Any, look: bool = False) -> Any:
    """Return the arguments of a function of NumPy with arrays in the place of values and parameters.

    Parameters
    ----------
    look : bool
        Whether its result has no gradient; else the values leave the record.
    """

    def array(each: Any) -> Any:
        if not isinstance(each, Value):
            return as_array(each)
        if look:
            return each.recorder.look(each, function.__name__)
        return each.recorder.leave(each, f"numpy.{function.__name__} was called on a value")

    return replaced(given, array)
