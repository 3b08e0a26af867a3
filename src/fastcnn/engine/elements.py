"""Element types: what a program's values are stored as, and what is computed and summed in.

A type is a row of ELEMENT_TYPES in setup.py, which compiles the kernels for it; here it is told by its name.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

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
        Of values as they are stored, of sums and parameters, and of the taps that won in a max-pool. NumPy
        knows no bfloat16: where values are such, uint16 are their bits.
    lanes : int
        Reals of a vector.
    terms : int
        Values that a multiply-add takes of each factor.
    tiles : bool
        Whether direct products are taken by tiles.
    """

    name: str
    value: np.dtype
    real: np.dtype
    index: np.dtype
    lanes: int
    terms: int
    tiles: bool = False

    @classmethod
    def of(cls, name: str) -> ElementType:
        """Return an element type by its name.

        Raises
        ------
        ValueError
            If there are no kernels for it.
        """
        stored, size = kernels.element_bytes(name)
        real, index = np.dtype(f"f{size}"), np.dtype(f"i{size}")
        value = real if stored == size else np.dtype(f"u{stored}")
        return cls(name, value, real, index, kernels.lanes(name), *kernels.products(name))

    @property
    def narrow(self) -> bool:
        """Whether values are stored in fewer bits than they are summed in."""
        return self.value != self.real

    @property
    def wide(self) -> ElementType:
        """The type whose values are stored as those of this one are summed, with vectors as long."""
        return replace(self, name=self.real.name, value=self.real, terms=1, tiles=False)

    def dtype(self, element: str) -> np.dtype:
        """Return the type of VALUE, REAL, INDEX, INT64 or FLOAT64."""
        return {"VALUE": self.value, "REAL": self.real, "INDEX": self.index}.get(element) or np.dtype(
            element.lower()
        )
