"""When a learning-rate schedule is stepped during fit."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..errors import ArgumentError, DTypeError
from ..optim import Optimizer
from ..optim.lr_scheduler import LRScheduler, OneCycleLR, ReduceLROnPlateau

Scheduler = LRScheduler | ReduceLROnPlateau


class Schedule:
    """A scheduler, or none, with what Trainer was told about it; see there for the parameters."""

    def __init__(
        self, scheduler: Scheduler | None, optimizer: Optimizer, when: str | None, monitor: str | None
    ) -> None:
        if scheduler is not None and not isinstance(scheduler, Scheduler):
            raise DTypeError(
                f"Trainer: scheduler must be one of fastcnn.optim.lr_scheduler, "
                f"got {type(scheduler).__name__}"
            )
        if scheduler is not None and scheduler.optimizer is not optimizer:
            raise ArgumentError("Trainer: the scheduler belongs to another optimizer")
        if when not in (None, "batch", "epoch"):
            raise ArgumentError(f"Trainer: scheduler_step must be 'batch' or 'epoch', got {when!r}")
        waits = isinstance(scheduler, ReduceLROnPlateau)
        if waits and when == "batch":
            raise ArgumentError("Trainer: ReduceLROnPlateau is stepped after each epoch, not batch")
        if monitor is not None and not waits:
            raise ArgumentError("Trainer: monitor is for ReduceLROnPlateau")
        self.scheduler = scheduler
        self.per_batch = when == "batch" or (when is None and isinstance(scheduler, OneCycleLR))
        self.monitor = monitor
        self._metric = ""

    def check(self, epochs: int, steps_per_epoch: int, validating: bool) -> None:
        """Raise ArgumentError if a fit of that length cannot follow the schedule."""
        scheduler = self.scheduler
        if isinstance(scheduler, ReduceLROnPlateau):
            prefix, name = "val_" if validating else "", "accuracy" if scheduler.mode == "max" else "loss"
            self._metric = self.monitor or prefix + name
            if self._metric.startswith("val_") and not validating:
                raise ArgumentError(
                    f"Trainer: monitor {self._metric!r} needs validation data: fit(..., validation=...)"
                )
        if isinstance(scheduler, OneCycleLR):
            needed = epochs * (steps_per_epoch if self.per_batch else 1)
            left = scheduler.total_steps - scheduler.last_epoch
            if needed > left:
                unit = "batches" if self.per_batch else "epochs"
                raise ArgumentError(
                    f"fit: {needed} {unit} to come, but OneCycleLR has {left} of total_steps="
                    f"{scheduler.total_steps} left"
                )

    def after_batch(self) -> None:
        """Step a schedule that counts batches."""
        if self.per_batch and isinstance(self.scheduler, LRScheduler):
            self.scheduler.step()

    def after_epoch(self, row: Mapping[str, Any]) -> None:
        """Step a schedule that counts epochs."""
        if isinstance(self.scheduler, ReduceLROnPlateau):
            if self._metric not in row:
                raise ArgumentError(f"Trainer: no metric {self._metric!r} (there are: {', '.join(row)})")
            self.scheduler.step(row[self._metric])
        elif self.scheduler is not None and not self.per_batch:
            self.scheduler.step()
