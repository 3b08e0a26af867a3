"""When a learning-rate schedule is stepped during fit."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..data.targets import CLASSIFICATION
from ..errors import ArgumentError
from ..optim.lr_scheduler import CyclicLR, LRScheduler, OneCycleLR, ReduceLROnPlateau
from .tasks import TASKS

Scheduler = LRScheduler | ReduceLROnPlateau
# Those that are stepped after each batch unless somebody says otherwise.
PER_BATCH = CyclicLR, OneCycleLR


class Schedule:
    """A scheduler, or none, with what Trainer was told about it; see there for the parameters."""

    def __init__(self, scheduler: Scheduler | None, when: str | None, monitor: str | None) -> None:
        waits = isinstance(scheduler, ReduceLROnPlateau)
        if waits and when == "batch":
            raise ArgumentError("Trainer: ReduceLROnPlateau is stepped after each epoch, not batch")
        if monitor is not None and not waits:
            raise ArgumentError("Trainer: monitor is for ReduceLROnPlateau")
        self.scheduler = scheduler
        self.per_batch = when == "batch" or (when is None and isinstance(scheduler, PER_BATCH))
        self.monitor = monitor
        self._highest = TASKS[CLASSIFICATION].highest  # unless fit says another task

    def check(self, epochs: int, batches: int, validating: bool, task: str = CLASSIFICATION) -> None:
        """Raise ArgumentError if a fit with so much to come cannot follow the schedule."""
        scheduler = self.scheduler
        if isinstance(scheduler, ReduceLROnPlateau):
            self._highest = TASKS[task].highest
            metric = self._metric(scheduler, validating)
            if scheduler.mode == "max" and self.monitor is None and not validating and task != CLASSIFICATION:
                raise ArgumentError(
                    f"Trainer: mode 'max' follows val_{self._highest}, which needs validation data: "
                    "fit(..., validation=...)"
                )
            if metric.startswith("val_") and not validating:
                raise ArgumentError(
                    f"Trainer: monitor {metric!r} needs validation data: fit(..., validation=...)"
                )
        if isinstance(scheduler, OneCycleLR):
            needed = batches if self.per_batch else epochs
            left = scheduler.total_steps - scheduler.last_epoch
            if needed > left:
                unit = "batches" if self.per_batch else "epochs"
                raise ArgumentError(
                    f"fit: {needed} {unit} to come, but OneCycleLR has {left} of total_steps="
                    f"{scheduler.total_steps} left"
                )

    def _metric(self, scheduler: ReduceLROnPlateau, validating: bool) -> str:
        """Return the column that the scheduler is given."""
        prefix, name = "val_" if validating else "", self._highest if scheduler.mode == "max" else "loss"
        return self.monitor or prefix + name

    def after_batch(self) -> None:
        """Step a schedule that counts batches."""
        if self.per_batch and isinstance(self.scheduler, LRScheduler):
            self.scheduler.step()

    def after_epoch(self, row: Mapping[str, Any]) -> None:
        """Step a schedule that counts epochs."""
        if isinstance(self.scheduler, ReduceLROnPlateau):
            metric = self._metric(self.scheduler, "val_loss" in row)
            if metric not in row:
                raise ArgumentError(f"Trainer: no metric {metric!r} (there are: {', '.join(row)})")
            self.scheduler.step(row[metric])
        elif self.scheduler is not None and not self.per_batch:
            self.scheduler.step()
