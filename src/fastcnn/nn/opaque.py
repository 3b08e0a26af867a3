"""A module with a backward of its own as one operation: its passes see arrays."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from .. import graph
from ..errors import DTypeError, FastcnnError, ShapeError
from . import calls, changes
from .parameter_pass import has_trained, takes_part


class Opaque(graph.Operation):
    """Run a module's own passes.

    Parameters
    ----------
    module : Module
    given : tuple
        Its arguments, (args, kwargs); operations take the tensors in it one by one.
    """

    runs_code = True

    def __init__(self, module: Any, given: tuple[tuple, dict]) -> None:
        self._module = calls.reference(module)
        self.output: Any = None  # as forward returned it
        self._given = given

    @property
    def module(self) -> Any:
        """The module."""
        return self._module()

    def trained(self) -> bool:
        """Tell whether a parameter of the module is trained."""
        return has_trained(self.module)

    def forward(self, *inputs: Any) -> tuple[Any, Any]:
        """Return the module's output, and its call."""
        args, kwargs = graph.filled(self._given, iter(inputs))
        call = calls.new_call()
        with calls.entered(self.module, call):
            self.output = self.module.forward(*args, **kwargs)
        made = tuple(graph.leaves(self.output))
        for y in made:
            if not isinstance(y, np.ndarray):
                raise DTypeError(f"{self.name}.forward must return arrays, got {type(y).__name__}")
        kinds = [(x.shape, x.dtype) if isinstance(x, np.ndarray) else None for x in inputs]
        return made if len(made) != 1 else made[0], (call, kinds)

    def trace(self, *inputs: Any) -> Any:
        """Run the module's forward on arrays of no image; it will run again for each batch."""
        with changes.private():
            try:
                return self.forward(*inputs)[0]
            except FastcnnError:
                raise
            except Exception as error:
                told = f"{type(error).__name__}: {error}"
                raise graph.TraceError(
                    f"{self.name} has a backward of its own, and for no images its forward raised {told}"
                ) from error

    def settings(self) -> tuple[Any, ...]:
        """Return the module, and how its arguments are built."""
        return self.module, graph.replaced(self._given, lambda each: type(each).__name__)

    @property
    def takes(self) -> tuple[bool, ...]:
        """Whether each of the inputs is a value of a call that is being recorded; others are constants."""
        return tuple(isinstance(each, graph.Value) for each in graph.leaves(self._given))

    def inputs(self, arrays: Iterable[np.ndarray]) -> list[Any]:
        """Return all inputs: arrays in the places of the values, constants as they were given."""
        following = iter(arrays)
        given = zip(self.takes, graph.leaves(self._given), strict=True)
        return [next(following) if is_value else each for is_value, each in given]

    @property
    def makes_one(self) -> bool:
        """Whether forward returned one array, and not several in a tuple, list or dict."""
        return isinstance(self.output, np.ndarray)

    def check_output(self, y: Any, shape: tuple[int, ...], dtype: np.dtype) -> None:
        """Refuse an output that is unlike the one that the trace has seen."""
        expected = f"{self.name}.forward must return a {dtype} array of the shape {shape} as for no images"
        if not isinstance(y, np.ndarray) or y.dtype != dtype:
            raise DTypeError(f"{expected}; got {getattr(y, 'dtype', type(y).__name__)}")
        if y.shape != shape:
            raise ShapeError(f"{expected}; got the shape {y.shape}")

    def backward(self, dy: Any, saved: Any, wanted: tuple[bool, ...]) -> tuple[Any, ...]:
        """Return what the module's backward returns, after a look at it."""
        call, kinds = saved
        # Its own arrays, since it may write into them: a gradient can be that of other values too.
        dys = graph.filled(self.output, (each.copy() for each in graph.as_tuple(dy)))
        with calls.entered(self.module, call):
            if not any(wanted) and takes_part(self.module):
                self.module.backward(dys, input_gradient=False)
                return (None,) * len(wanted)
            made = self.module.backward(dys)
        tensors = [i for i, kind in enumerate(kinds) if kind is not None]
        given = made if isinstance(made, tuple | list) else (made,)
        if len(given) != len(tensors):
            raise ShapeError(
                f"{self.name}.backward must return a gradient for each of {len(tensors)} inputs, "
                f"got {len(given)}"
            )
        dxs: list[Any] = [None] * len(wanted)
        for i, dx in zip(tensors, given, strict=True):
            if wanted[i]:
                self._check(dx, *kinds[i])
                dxs[i] = dx
        return tuple(dxs)

    @property
    def name(self) -> str:
        """The module's class."""
        return type(self.module).__name__

    def _check(self, dx: Any, shape: tuple[int, ...], dtype: np.dtype) -> None:
        what = f"{self.name}.backward must return the gradient of its input"
        expected = f"{what}, a {dtype} array of the shape {shape}"
        if not isinstance(dx, np.ndarray):
            raise DTypeError(f"{expected}; got {'None' if dx is None else type(dx).__name__}")
        if dx.dtype != dtype:
            raise DTypeError(f"{expected}; got {dx.dtype}")
        if dx.shape != shape:
            raise ShapeError(f"{expected}; got the shape {dx.shape}")
