"""Element types: what a program's values are stored as, and what is computed and summed in.

A type is a row of ELEMENT_TYPES in setup.py, which compiles the kernels for it; here it is told by its name.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .._kernels import program as kernels


@dataclass(frozen=True)
class ElementType:
    """The types of the numbers in a program's buffers, by the names of csrc/engine/operations.inc.

    Attributes
    ----------
    name : str
        As NumPy says it.
    value, real, index : np.dtype
        Of values as they are stored, of sums and parameters, and of the taps that won in a max-pool.
    lanes : int
        Reals of a vector.
    """

    name: str
    value: np.dtype
    real: np.dtype
    index: np.dtype
    lanes: int

    @classmethod
    def of(cls, dtype: np.dtype) -> ElementType:
        """Return the element type of a model whose parameters are of a type.

        Raises
        ------
        ValueError
            If there are no kernels for it.
        """
        _, size = kernels.element_bytes(dtype.name)
        real, index = np.dtype(f"f{size}"), np.dtype(f"i{size}")
        return cls(dtype.name, np.dtype(dtype.name), real, index, kernels.lanes(dtype.name))

    def dtype(self, element: str) -> np.dtype:
        """Return the type of VALUE, REAL, INDEX, INT64 or FLOAT64."""
        return {"VALUE": self.value, "REAL": self.real, "INDEX": self.index}.get(element) or np.dtype(
            element.lower()
        )
