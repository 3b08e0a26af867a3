"""What a Trainer is made of: parts that can be replaced at any time, and the check that they fit."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

from .. import _precision
from .._shapes import integer
from ..engine.wanted import checked_algorithm
from ..errors import ArgumentError, DTypeError
from ..nn.module import Module
from ..nn.utils.clip_grad import check_limit
from ..optim import Optimizer
from .callback import Callback
from .checks import to_unit_range
from .divergence import StopOnNaN
from .executor import Compiled, Eager
from .own_metrics import check_metrics
from .schedule import Schedule, Scheduler
from .state import Training


class Parts(Training):
    """The parts of a Trainer; see there.

    They stand here and nowhere else: what is made of them is made anew when one of them is replaced. Each is
    checked by itself when it is set, and with the others before the next step, so that several can be
    replaced one after the other.
    """

    _kept_executor: Eager | None
    _kept_schedule: Schedule | None
    _checked: bool
    _output_shape: tuple[int, ...] | None  # of the output for one sample, None while it is not known

    def __init__(self, **parts: Any) -> None:
        super().__init__()
        self.__dict__.update({name: check(parts[name]) for name, check in _CHECKS.items()})
        self._forget()
        self._watch_loss()
        self._check()
        self.model.reseed(self.seed)

    def __setattr__(self, name: str, value: Any) -> None:
        check = _CHECKS.get(name)
        if check is None:
            object.__setattr__(self, name, value)
            return
        self.__dict__[name] = check(value)
        self._forget()
        if name in ("model", "optimizer", "loss"):
            self.accumulation.clear()  # those of others
        if name in ("model", "seed"):
            self.model.reseed(self.seed)
        if name == "stop_on_nan" and not self.stop_on_nan:
            self.callbacks[:] = [each for each in self.callbacks if not isinstance(each, StopOnNaN)]
        self._watch_loss()

    def _check(self) -> None:
        """Raise ArgumentError unless the parts fit each other, as they are now."""
        for each in self.callbacks:
            _callback(each)
        _loss(self.loss)
        trained = {id(parameter) for parameter in self.trained}
        if trained.isdisjoint(id(p) for p in self.model.parameters()):
            raise ArgumentError(
                "Trainer: the optimizer holds no parameter of the model: make one over model.parameters()"
            )
        if self.scheduler is not None and self.scheduler.optimizer is not self.optimizer:
            raise ArgumentError(
                "Trainer: the scheduler belongs to another optimizer: make one on this optimizer, or set None"
            )
        _ = self._schedule  # checked when it is made
        self._checked = True

    @property
    def _executor(self) -> Eager:
        """What runs the model."""
        if self._kept_executor is None:
            compiled = partial(Compiled, conv_algorithm=self.conv_algorithm)
            kind = compiled if self.engine else Eager
            self._kept_executor = kind(
                self.model,
                self.optimizer,
                self.loss,
                clip_norm=self.clip_grad_norm,
                clip_value=self.clip_grad_value,
                accumulation=self.accumulation,
                precision=self.precision,
            )
        return self._kept_executor

    @property
    def _schedule(self) -> Schedule:
        """What steps the scheduler."""
        if self._kept_schedule is None:
            self._kept_schedule = Schedule(self.scheduler, self.scheduler_step, self.monitor)
        return self._kept_schedule

    def _forget(self) -> None:
        """Forget what was made of the parts."""
        self._kept_executor = self._kept_schedule = self._output_shape = None
        self._checked = False

    def _watch_loss(self) -> None:
        """Put a StopOnNaN before the callbacks if there shall be one and none is among them."""
        if self.stop_on_nan and not any(isinstance(each, StopOnNaN) for each in self.callbacks):
            self.callbacks.insert(0, StopOnNaN())


def _model(value: object) -> Module:
    if not isinstance(value, Module):
        raise DTypeError(f"Trainer: model must be a Module, got {type(value).__name__}")
    return value


def _optimizer(value: object) -> Optimizer:
    if not isinstance(value, Optimizer):
        raise DTypeError(f"Trainer: optimizer must be an Optimizer, got {type(value).__name__}")
    return value


def _loss(value: Any) -> Any:
    if isinstance(value, type):
        raise DTypeError(f"Trainer: loss must be an object, got the class: {value.__name__}() makes one")
    if not callable(value) or not callable(getattr(value, "backward", None)):
        raise DTypeError(f"Trainer: loss must be callable and have backward, got {type(value).__name__}")
    if getattr(value, "reduction", "mean") == "none":
        raise ArgumentError("Trainer: the loss must be one number: reduction 'mean' or 'sum', not 'none'")
    return value


def _scheduler(value: object) -> Scheduler | None:
    if value is not None and not isinstance(value, Scheduler):
        raise DTypeError(
            f"Trainer: scheduler must be one of fastcnn.optim.lr_scheduler, got {type(value).__name__}"
        )
    return value


def _callback(value: object) -> Callback:
    if not isinstance(value, Callback):
        raise DTypeError(f"Trainer: callbacks must be Callbacks, got {type(value).__name__}")
    return value


def _callbacks(value: object) -> list[Callback]:
    if not isinstance(value, Iterable):
        raise DTypeError(f"Trainer: callbacks must be an iterable of Callbacks, got {type(value).__name__}")
    return [_callback(each) for each in value]


def _preprocess(value: Any) -> Callable[[Any], Any]:
    if value is not None and not callable(value):
        raise DTypeError(f"Trainer: preprocess must be callable, got {type(value).__name__}")
    return to_unit_range if value is None else value


def _when(value: object) -> str | None:
    if value not in (None, "batch", "epoch"):
        raise ArgumentError(f"Trainer: scheduler_step must be 'batch' or 'epoch', got {value!r}")
    return value


def _limit(name: str) -> Callable[[object], float | None]:
    return lambda value: None if value is None else check_limit(value, f"Trainer: {name}")


# The parts, and what each may be.
_CHECKS: dict[str, Callable[[Any], Any]] = {
    "model": _model,
    "optimizer": _optimizer,
    "loss": _loss,
    "scheduler": _scheduler,
    "callbacks": _callbacks,
    "seed": lambda value: integer(value, "Trainer: seed"),
    "preprocess": _preprocess,
    "scheduler_step": _when,
    "monitor": lambda value: value,
    "stop_on_nan": bool,
    "engine": bool,
    "clip_grad_norm": _limit("clip_grad_norm"),
    "clip_grad_value": _limit("clip_grad_value"),
    "precision": lambda value: _precision.checked(value, "Trainer: precision"),
    "conv_algorithm": lambda value: checked_algorithm(value, "Trainer: conv_algorithm"),
    "metrics": check_metrics,
    "accumulate_grad_batches": lambda value: integer(value, "Trainer: accumulate_grad_batches", 1),
}
