"""The base of every layer: parameters, buffers, children, and the two passes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import numpy as np

from .. import _slots
from .._shapes import allocate, integer
from ..errors import DTypeError, ShapeError, StateError
from . import passive
from .passive import observe as observe  # for those who know it by this name
from .weights import Weights

T = TypeVar("T", bound="Module")

# Where the engine keeps a model's plans, so that they end with it: the one name in a module's __dict__ that
# no copy and no pickle takes along.
PLANS = "_plans"


class Module(Weights["Module"]):
    """Base of layers and networks.

    A layer defines ``forward(x) -> y`` and ``backward(dy) -> dx``; backward adds the gradients of its
    parameters with ``parameter.accumulate(...)``. Assigning a Parameter or a Module to an attribute
    registers it. What backward needs is kept by forward in ``self.saved``.

    Examples
    --------
    >>> class Scale(Module):
    ...     def __init__(self, channels):
    ...         super().__init__()
    ...         self.weight = Parameter(np.ones((channels, 1, 1), np.float32))
    ...
    ...     def forward(self, x):
    ...         self.saved = x
    ...         return x * self.weight.data
    ...
    ...     def backward(self, dy):
    ...         self.weight.accumulate((dy * self.saved).sum(axis=(0, 2, 3))[:, None, None])
    ...         return dy * self.weight.data
    """

    # Whether the output needs no memory of its own: it can overwrite the input, or is another view of it.
    _reuses_input = False

    def __init__(self) -> None:
        super().__init__()
        self.__dict__.update(_saved=None, training=True)

    def __getstate__(self) -> dict[str, Any]:
        # A copy makes its own plans.
        return {name: value for name, value in self.__dict__.items() if name != PLANS}

    # The two passes ---------------------------------------------------------------------------------

    def __call__(self, x: np.ndarray) -> np.ndarray:
        """Run forward."""
        y = self.forward(x)
        if passive.observer is not None:
            passive.observer(self, x, y)
        return y

    def forward(self, x: np.ndarray) -> np.ndarray:
        """Return the output for the input x and keep what backward needs."""
        raise NotImplementedError(f"{type(self).__name__} does not define forward")

    def backward(self, dy: np.ndarray) -> np.ndarray:
        """Return the gradient for the input of the last forward pass; add those of the parameters."""
        raise NotImplementedError(f"{type(self).__name__} does not define backward")

    @property
    def saved(self) -> Any:
        """What the last forward pass kept for backward.

        Raises
        ------
        StateError
            If there was no forward pass.
        """
        if self._saved is None:
            raise StateError(f"{type(self).__name__}: backward was called before forward")
        return self._saved

    @saved.setter
    def saved(self, value: Any) -> None:
        self.__dict__["_saved"] = value

    def predict(self, x: np.ndarray, batch_size: int = 256, *, engine: bool = True) -> np.ndarray:
        """Return the outputs for x (N, ...) in evaluation mode; the module's own modes stay as they are.

        Parameters
        ----------
        x : array (N, ...)
            Inputs.
        batch_size : int
            How many are computed at a time.
        engine : bool
            Whether to run the compiled program: fast, and a row's outputs are the same to the bit whatever
            batch it is in. Threads that predict with one model then take turns. With False, or where the
            engine does not take the module or the input, layer after layer runs.

        Returns
        -------
        array (N, ...)
        """
        size = integer(batch_size, "predict: batch_size", 1)
        if not isinstance(x, np.ndarray) or x.ndim < 1:
            raise DTypeError(f"predict: x must be an array with a batch axis, got {type(x).__name__}")
        if engine:
            return _slots.predict(self, x, size)
        with passive.Passive(self):
            if len(x) <= size:
                return self(x)
            first = self(x[:size])
            y = allocate((len(x), *first.shape[1:]), first.dtype, "predict: the output")
            y[:size] = first
            for start in range(size, len(x), size):
                y[start : start + size] = self(x[start : start + size])
            return y

    # Modes, and a call for each module --------------------------------------------------------------

    def train(self: T, mode: bool = True) -> T:
        """Switch to training mode (batch statistics, dropout), or with False to evaluation."""
        for module in self.modules():
            module.training = mode
        return self

    def eval(self: T) -> T:
        """Switch to evaluation mode."""
        return self.train(False)

    def apply(self: T, fn: Callable[[Module], object]) -> T:
        """Call ``fn(module)`` for every module below this one, children first, and for this one."""
        for module in dict.fromkeys(self.children()):
            module.apply(fn)
        fn(self)
        return self

    # Description ------------------------------------------------------------------------------------

    def output_shape(self, input_shape: tuple[int, ...]) -> tuple[int, ...]:
        """Return the shape of the output for an input of this shape (N, ...).

        One zero sample is run through the module in evaluation mode; nothing changes by it.
        """
        if not isinstance(input_shape, tuple | list) or not input_shape:
            raise ShapeError(f"output_shape: input_shape must be (N, ...), got {input_shape!r}")
        sizes = [integer(size, "output_shape: input_shape") for size in input_shape]
        dtype = next((p.dtype for p in self.parameters()), np.dtype(np.float32))
        sample = allocate((1, *sizes[1:]), dtype, "output_shape: the sample")
        sample[...] = 0
        with passive.Passive(self):
            return (sizes[0], *self(sample).shape[1:])

    def summary(
        self,
        input_shape: tuple[int, ...],
        *,
        optimizer: Any = None,
        loss: Any = None,
        format: str = "text",
        columns: Sequence[str] | None = None,
    ) -> str:
        """Return a table of the layers for an input (C, H, W): shapes, costs, receptive fields, memory.

        Parameters
        ----------
        input_shape : (C, H, W)
        optimizer, loss : optional
            Shown below the table with their settings.
        format : "text", "markdown" or "json"
        columns : sequence of str, optional
            See `fastcnn.nn.summary.Summary.show`.
        """
        from .summary import summarize  # which training and prediction do without

        return summarize(self, input_shape, optimizer=optimizer, loss=loss).show(format, columns)

    def extra_repr(self) -> str:
        """Return the arguments that repr shows."""
        return ""

    def __repr__(self) -> str:
        name = type(self).__name__
        if not self._modules:
            return f"{name}({self.extra_repr()})"
        lines = [f"  ({key}): " + repr(child).replace("\n", "\n  ") for key, child in self._modules.items()]
        return "\n".join([f"{name}(", *lines, ")"])
