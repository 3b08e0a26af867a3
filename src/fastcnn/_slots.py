"""What a lower layer asks of a higher one, which it must not import.

The lower layer calls a slot. ``fastcnn/__init__.py``, which stands above all and runs whatever part of the
package is imported first, fills it with what loads the answer when it is first asked for.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Generic, ParamSpec, TypeVar

if TYPE_CHECKING:
    from ._samples import Samples

P = ParamSpec("P")
R = TypeVar("R")


class Slot(Generic[P, R]):
    """A function that is loaded when it is first called."""

    _function: Callable[P, R] | None = None

    def fill(self, load: Callable[[], Callable[P, R]]) -> None:
        """Say what loads the function."""
        self._load = load

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """Call the function."""
        if self._function is None:
            self._function = self._load()
        return self._function(*args, **kwargs)


# The outputs of a model for x, a batch at a time, as `Module.predict` returns them: the engine's work.
predict: Slot[[Any, Samples, int, str | None], Any] = Slot()
