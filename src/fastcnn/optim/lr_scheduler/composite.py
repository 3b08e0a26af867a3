"""What schedules that are made of others have in common."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ...errors import ArgumentError, DTypeError
from ..optimizer import Optimizer
from .base import LRScheduler, check_optimizer


class Composite(LRScheduler):
    """Base of schedules made of others, whose states are in the state under "_schedulers"."""

    _kept_out = ("optimizer", "_schedulers")

    def _take_parts(self, schedulers: Sequence[LRScheduler], optimizer: Optimizer | None) -> Optimizer:
        """Check the parts and keep them; return the optimizer, that of the first if none is given."""
        what = type(self).__name__
        if optimizer is not None:
            check_optimizer(optimizer, what)
        if not isinstance(schedulers, Sequence):
            raise DTypeError(f"{what}: schedulers must be a list, got {type(schedulers).__name__}")
        if not schedulers:
            raise ArgumentError(f"{what}: schedulers is empty")
        for index, each in enumerate(schedulers):
            if not isinstance(each, LRScheduler):
                raise DTypeError(
                    f"{what}: schedulers[{index}] must follow the step alone, "
                    f"which {type(each).__name__} does not"
                )
            optimizer = each.optimizer if optimizer is None else optimizer
            if each.optimizer is not optimizer:
                raise ArgumentError(f"{what}: schedulers[{index}] has another optimizer")
        for each in schedulers:
            each._bases()  # raises if a group has been added since
        self._schedulers = list(schedulers)
        return self._schedulers[0].optimizer

    def state_dict(self) -> dict[str, Any]:
        """Return the state, with those of the schedules under "_schedulers"."""
        return {**super().state_dict(), "_schedulers": [each.state_dict() for each in self._schedulers]}

    def _check_state(self, state_dict: Mapping[str, Any]) -> None:
        if isinstance(state_dict, Mapping):
            parts = state_dict.get("_schedulers")
            count = len(parts) if isinstance(parts, list | tuple) else 0
            if count != len(self._schedulers):
                raise ArgumentError(
                    f"{type(self).__name__}.load_state_dict: expected {len(self._schedulers)} schedules, "
                    f"got {count}"
                )
            for scheduler, part in zip(self._schedulers, parts or [], strict=True):
                scheduler._check_state(part)
            state_dict = {key: value for key, value in state_dict.items() if key != "_schedulers"}
        super()._check_state(state_dict)

    def _take(self, state_dict: Mapping[str, Any]) -> None:
        own = dict(state_dict)
        for scheduler, part in zip(self._schedulers, own.pop("_schedulers"), strict=True):
            scheduler._take(part)
        super()._take(own)
