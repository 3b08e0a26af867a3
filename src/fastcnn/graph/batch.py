"""The size of a batch in a trace, and what a trace cannot hold."""

from __future__ import annotations

from typing import Any

from ..errors import FastcnnError
from .operation import caller


class TraceError(FastcnnError):
    """A forward does something that a trace cannot hold.

    Parameters
    ----------
    what : str
        What it does.
    place : str, optional
        The file and the line that do it.
    """

    def __init__(self, what: str, place: str | None = None) -> None:
        super().__init__(what if place is None else f"{what} ({place})")
        self.what = what


class Batch:
    """The size of a batch, in the shape of a value of a trace: any number."""

    def _refuse(self, *_: Any) -> Any:
        raise TraceError("the size of the batch was looked at", caller())

    __index__ = __int__ = __float__ = __bool__ = __eq__ = __ne__ = __lt__ = __le__ = __gt__ = __ge__ = _refuse
    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = __truediv__ = __rtruediv__ = _refuse
    __floordiv__ = __rfloordiv__ = __mod__ = __neg__ = _refuse
    __hash__ = object.__hash__

    def __repr__(self) -> str:
        return "N"


BATCH = Batch()


def refuse(what: str) -> None:
    """Raise: an operation mixes the images of a batch, so that no trace holds it."""
    raise TraceError(what, caller())
