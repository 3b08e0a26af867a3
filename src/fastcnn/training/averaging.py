"""Averages of the weights beside a training, which are what it is judged by and ends with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ..nn.module import Module
from ..optim._check import flag, share
from ..optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
from .callback import Callback, check_same
from .history import History
from .trainer import Trainer


class EMA(Callback):
    """Keep an exponential moving average of the weights, evaluate with it, and leave it in the model.

    After each step of the optimizer ``average = decay average + (1 - decay) weights``, see
    `fastcnn.optim.swa_utils.AveragedModel`. From an epoch's last step to the beginning of the next epoch, and
    when fit ends, the model has the average in the place of its weights: validation, the best epoch and files
    of weights are those of the average. So it stands before such callbacks in the list. When fit is called
    again, training goes on with the weights, unless the model has been given others since, of which a new
    average begins.

    Parameters
    ----------
    decay : float
        In [0, 1].
    use_buffers : bool
        Whether running statistics are averaged too; else they are the model's latest.

    Attributes
    ----------
    averaged : AveragedModel or None
        The average, from the first fit on.
    """

    def __init__(self, decay: float = 0.999, *, use_buffers: bool = True) -> None:
        self.decay = share(decay, "EMA: decay")
        self.use_buffers = flag(use_buffers, "EMA: use_buffers")
        self.averaged: AveragedModel | None = None
        self._model: Module | None = None  # whose weights are averaged
        self._weights: dict[str, np.ndarray] | None = None  # of the model, while it has the average

    def on_train_begin(self, trainer: Trainer) -> None:
        """Begin an average, or go on with the one that there is."""
        averaged, same = self.averaged, trainer.model is self._model and len(trainer.history)
        if (
            averaged is not None
            and same
            and (self._weights is None or _alike(trainer.model, averaged.module))
        ):
            self._put_back(trainer.model)
            return
        self._weights, self._model = None, trainer.model
        self.averaged = AveragedModel(
            trainer.model,
            multi_avg_fn=get_ema_multi_avg_fn(self.decay),
            use_buffers=self.use_buffers,
        )
        self.averaged.update_parameters(trainer.model)  # what training begins with

    def on_epoch_begin(self, trainer: Trainer, epoch: int) -> None:
        """Give the model its weights back."""
        self._put_back(trainer.model)

    def on_batch_end(self, trainer: Trainer, batch: int, logs: dict[str, Any]) -> None:
        """Take the weights into the average if a step has changed them."""
        if logs["stepped"] and self.averaged is not None:
            self.averaged.update_parameters(trainer.model)

    def on_validation_begin(self, trainer: Trainer, epoch: int) -> None:
        """Give the model the average."""
        self._put_average(trainer.model)

    def on_train_end(self, trainer: Trainer, history: History) -> None:
        """Give the model the average, unless it has it."""
        self._put_average(trainer.model)

    def _put_average(self, model: Module) -> None:
        if self.averaged is not None and self._weights is None and model is self._model:
            self._weights = model.state_dict()
            model.load_state_dict(self.averaged.module.state_dict())

    def _put_back(self, model: Module) -> None:
        if self._weights is not None and model is self._model:
            model.load_state_dict(self._weights)
            self._weights = None

    def state_dict(self) -> dict[str, Any]:
        """Return the average, and the weights while the model does not have them."""
        averaged = None if self.averaged is None else self.averaged.state_dict()
        return {
            "averaged": averaged,
            "weights": self._weights,
            "decay": self.decay,
            "use_buffers": self.use_buffers,
        }

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Take over what `state_dict` returned, if that is such an average."""
        check_same(self, state_dict, "decay", "use_buffers")
        if self.averaged is not None and state_dict["averaged"] is not None:
            self.averaged.load_state_dict(state_dict["averaged"])
            self._weights = state_dict["weights"]


def _alike(one: Module, other: Module) -> bool:
    """Tell whether two models have the same parameters and buffers to the bit."""
    first, second = one.state_dict(), other.state_dict()
    return all(first[name].tobytes() == second[name].tobytes() for name in first)
