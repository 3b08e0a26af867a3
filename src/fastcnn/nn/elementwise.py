"""The base of layers that apply a function to each element."""

from .._arguments import flag
from .module import Module


class Elementwise(Module):
    """A layer that applies a function to each element.

    Parameters
    ----------
    inplace : bool
        Changes nothing.
    """

    _reuses_input = True
    _shown: tuple[str, ...] = ()  # the arguments that repr shows

    def __init__(self, inplace: bool = False) -> None:
        super().__init__()
        self.inplace = flag(inplace, f"{type(self).__name__}: inplace")

    def extra_repr(self) -> str:
        """Return the arguments that repr shows."""
        return ", ".join(f"{name}={getattr(self, name)!r}" for name in self._shown)
