"""The plans of one model: made when they are needed, made anew when the model has changed."""

from __future__ import annotations

import logging
from typing import Any

import numpy as np

from .. import nn
from .._kernels import cpu
from .._shapes import INT_MAX
from ..errors import FastcnnError
from ..nn import changes
from ..nn.module import PLANS
from .choose import choose, choose_bands
from .fuse import fuse
from .locking import Locked
from .lower import element_type, lower, structure, training_mode
from .nodes.loss import Loss
from .plan import Plan

_log = logging.getLogger("fastcnn.engine")
# Plans that a cache keeps, the last used: one for each shape of input and mode.
CAPACITY = 8
# Sizes of batches whose layout a cache remembers.
_REMEMBERED_SIZES = 256


class Plans(Locked):
    """The last used plans of a model, which is given with each call: a model may hold its plans, not they it.

    Parameters
    ----------
    input_gradient : bool
        Whether plans for training return the gradient of the input.
    """

    def __init__(self, input_gradient: bool = False) -> None:
        super().__init__()
        self.input_gradient = input_gradient
        self.reported = False  # whether the log says why the model runs eagerly
        self._plans: dict[tuple, Plan | str] = {}
        self._layouts: dict[tuple, tuple[str, int]] = {}
        self._last: tuple[tuple | None, Any] = (None, None)  # what was looked for, and found
        self._seen = -1
        self._structure: tuple = ()
        self._dtype: np.dtype | None = None
        self._mode: tuple | None = None

    def find(
        self, model: nn.Module, x: np.ndarray, evaluation: bool = False, loss: Loss | None = None
    ) -> Plan | str:
        """Return the plan for x, or why there is none ("" where that is no news).

        Parameters
        ----------
        model : Module
            Always the same one.
        x : array
            Input.
        evaluation : bool
            Whether all layers are in evaluation mode, as in a prediction; else each is in its own.
        loss : Loss, optional
            Of a plan that trains in one part.
        """
        with self.lock:
            key = (getattr(x, "shape", ()), getattr(x, "dtype", None), evaluation, loss)
            plan = self._last[1]
            if key == self._last[0] and changes.latest() == self._seen and plan.fits(len(x)):
                return plan
            self._last, plan = (None, None), None
            plan = self._find(model, x, evaluation, loss)
            if isinstance(plan, Plan):
                self._last = (key, plan)
            return plan

    def _find(self, model: nn.Module, x: np.ndarray, evaluation: bool, loss: Loss | None) -> Plan | str:
        with self.lock:
            self._follow(model)
            mode = None if evaluation else self._mode
            if not isinstance(x, np.ndarray) or x.ndim not in (2, 4) or x.dtype != self._dtype:
                return ""  # for eager mode to take, or to refuse
            if mode and len(x) == 0:
                return ""
            shape, size = x.shape[1:], len(x)
            layout, bands = self._layout(model, shape, mode, size)
            key = (shape, mode, loss, layout, bands, bands > 1 and size == 1)
            plan = self._plans.pop(key, None)
            if isinstance(plan, Plan) and not plan.fits(size):
                size = max(size, plan.capacity) if mode and plan.capacity < INT_MAX else size
                plan = None  # its memory is freed before the next one asks for some
            if plan is None:
                plan = self._make(model, shape, mode is not None, size, layout, bands, loss)
            self._plans[key] = plan
            while len(self._plans) > CAPACITY:
                del self._plans[next(iter(self._plans))]
            if isinstance(plan, Plan) and len(x) < plan.min_batch:
                return ""
            return plan

    def _follow(self, model: nn.Module) -> None:
        """Forget all plans if the model is built otherwise than before."""
        latest = changes.latest()
        if latest == self._seen:
            return
        now = structure(model)
        if now != self._structure:
            self._plans.clear()
            self._layouts.clear()
            self._last = (None, None)
            self._structure = now
        self._dtype = element_type(model)
        self._mode = training_mode(model)
        self._seen = latest

    def _layout(
        self, model: nn.Module, shape: tuple[int, ...], mode: tuple | None, size: int
    ) -> tuple[str, int]:
        """Return layout and bands for a batch of a size, ("", 1) if the model cannot be lowered."""
        training, threads = mode is not None, cpu.get_num_threads()
        key = (shape, mode, size, threads)
        if key not in self._layouts:
            if len(self._layouts) >= _REMEMBERED_SIZES:
                self._layouts.clear()
            try:
                graph = fuse(lower(model, shape, training))
                layout = choose(graph, size, training)
                self._layouts[key] = (layout.name, choose_bands(graph, layout, size, training, threads))
            except FastcnnError:
                self._layouts[key] = ("", 1)
        return self._layouts[key]

    def _make(
        self,
        model: nn.Module,
        shape: tuple[int, ...],
        training: bool,
        size: int,
        layout: str,
        bands: int,
        loss: Loss | None,
    ) -> Plan | str:
        try:
            return Plan(
                model,
                shape,
                training=training,
                batch_size=size,
                input_gradient=self.input_gradient and training,
                layout=layout or None,
                bands=bands,
                loss=loss,
            )
        except FastcnnError as error:
            return str(error)


def plans_of(model: nn.Module) -> Plans:
    """Return the plans that a model holds itself, for predict."""
    found = model.__dict__.get(PLANS)
    return model.__dict__.setdefault(PLANS, Plans()) if found is None else found


def report(model: nn.Module, reason: str) -> None:
    """Say once for each model why it runs eagerly; for a call that eager mode has taken."""
    plans = plans_of(model)
    if reason and not plans.reported:
        plans.reported = True
        _log.warning("the model runs eagerly, without the compiled engine: %s", reason)
