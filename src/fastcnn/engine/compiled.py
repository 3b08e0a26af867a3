"""Running a model through plans: the callable of `fastcnn.compile`, and what Trainer and predict use."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import numpy as np

from .. import nn
from .._shapes import allocate, integer
from ..errors import DTypeError, StateError
from .lower import UnsupportedError
from .plan import Plan

_log = logging.getLogger("fastcnn.engine")


class CompiledModule:
    """A model that runs as a compiled program, on the model's own weights.

    ``y = compiled(x)``, ``compiled.backward(dy)``, ``compiled.parameters()``, ``compiled.predict(x)``.
    Training mode, weights, batch size and input shape may change between calls; plans are made when they are
    needed.
    A model with a layer that has no lowering rule runs eagerly, with one warning in the log.

    Parameters
    ----------
    model : Module
        The model.
    input_gradient : bool
        Whether backward returns the gradient of the input; without it, it returns None.
    """

    def __init__(self, model: nn.Module, *, input_gradient: bool = False) -> None:
        if not isinstance(model, nn.Module):
            raise DTypeError(f"compile: model must be a Module, got {type(model).__name__}")
        self.model = model
        self.input_gradient = input_gradient
        self._plans: dict[tuple, Plan | None] = {}
        self._structure: tuple = ()
        self._last: Plan | None = None
        self._ran_eagerly = False

    def _fingerprint(self) -> tuple:
        """What a plan depends on beside weights and input: layers, their order, modes and element type."""
        return tuple(
            (id(m), m.training, m.__dict__.get("p"), *(id(p) for p in m._parameters.values()))
            for m in self.model.modules()
        ) + tuple(id(b) for _, b in self.model.named_buffers())

    def _plan(self, x: np.ndarray, training: bool) -> Plan | None:
        """Return the plan for x, or None if the model has to run eagerly."""
        structure = self._fingerprint()
        if structure != self._structure:
            self._plans.clear()
            self._structure = structure
        key = (x.shape[1:], training, self._dtype())
        plan = self._plans.get(key)
        if key in self._plans and plan is None:
            return None
        if plan is None or not plan.fits(len(x)):
            plan = self._plans[key] = self._make(x, training, plan)
        return plan

    def _dtype(self) -> np.dtype:
        return next((p.dtype for p in self.model.parameters()), np.dtype(np.float32))

    def _make(self, x: np.ndarray, training: bool, before: Plan | None) -> Plan | None:
        modes = {m.training for m in self.model.modules()}
        try:
            if len(modes) > 1:
                raise UnsupportedError("modules in different modes")
            size = max(len(x), before.capacity if before else 0)
            return Plan(
                self.model,
                x.shape[1:],
                training=training,
                batch_size=size,
                input_gradient=self.input_gradient and training,
            )
        except UnsupportedError as error:
            _log.warning("the model runs eagerly, without the compiled engine: %s", error)
            return None

    def __call__(self, x: np.ndarray) -> np.ndarray:
        """Return the model's output for x (N, ...) in the model's mode."""
        self._last, self._ran_eagerly = None, False
        plan = None
        if isinstance(x, np.ndarray) and x.ndim in (2, 4) and x.dtype == self._dtype():
            plan = self._plan(x, self.model.training)
        if plan is None:
            self._ran_eagerly = True
            return self.model(x)
        self._last = plan
        return plan.forward(np.ascontiguousarray(x))

    def backward(self, dy: np.ndarray) -> np.ndarray | None:
        """Add the gradients of the parameters; return that of the input if it was asked for."""
        if self._ran_eagerly:
            return self.model.backward(dy)
        if self._last is None or not self._last.training:
            raise StateError("backward: no forward pass in training mode came before")
        if dy.dtype != self._last.dtype or dy.shape[1:] != self._last.output_shape:
            raise DTypeError(
                f"backward: dy must be {self._last.dtype} of the shape (N, *{self._last.output_shape}), "
                f"got {dy.dtype} {dy.shape}"
            )
        return self._last.backward(np.ascontiguousarray(dy))

    def predict(self, x: np.ndarray, batch_size: int = 256) -> np.ndarray:
        """Return the outputs for x (N, ...) in evaluation mode, a batch at a time."""
        size = integer(batch_size, "predict: batch_size", 1)
        modes = [(m, m.training) for m in self.model.modules()]
        last = (self._last, self._ran_eagerly)
        self.model.eval()
        try:
            if len(x) <= size:
                return self(x)
            first = self(x[:size])
            y = allocate((len(x), *first.shape[1:]), first.dtype, "predict: the output")
            y[:size] = first
            for start in range(size, len(x), size):
                y[start : start + size] = self(x[start : start + size])
            return y
        finally:
            for module, training in modes:
                module.training = training
            self._last, self._ran_eagerly = last

    def parameters(self) -> Iterator[nn.Parameter]:
        """Yield the model's parameters."""
        return self.model.parameters()

    def zero_grad(self) -> None:
        """Forget the gradients of all parameters."""
        self.model.zero_grad()


def compile(model: nn.Module, *, input_gradient: bool = False) -> CompiledModule:
    """Return `model` as a callable that runs a compiled program on the same weights.

    Parameters
    ----------
    model : Module
        The model.
    input_gradient : bool
        Whether backward returns the gradient of the input.

    Returns
    -------
    CompiledModule
    """
    return CompiledModule(model, input_gradient=input_gradient)
