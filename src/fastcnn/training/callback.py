"""The base of what happens beside the training itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..errors import ArgumentError
from .history import History


class Callback:
    """Base of callbacks: override what is of interest. They are called in the order of the list.

    A callback may call ``trainer.stop(reason)``, and may add columns to the `row` of an epoch, which
    later callbacks, a scheduler that waits for a plateau, and the history then have.
    """

    # The Trainer holds callbacks and stands above them: `Any` lets those above it name its type.

    def on_train_begin(self, trainer: Any) -> None:
        """Called when fit begins, after its arguments were checked."""

    def on_epoch_begin(self, trainer: Any, epoch: int) -> None:
        """Called before an epoch, also when a training goes on within one; the first one is 1."""

    def on_batch_begin(self, trainer: Any, batch: int, images: Any, labels: Any) -> None:
        """Called before each step.

        Parameters
        ----------
        trainer : Trainer
        batch : int
            Number of the batch in its epoch, from 1.
        images : array (N, C, H, W), or tuple of arrays for several inputs
            Augmented, and not yet preprocessed: ``trainer.prepare(images)`` is what the model takes.
        labels : array (N,), or other targets, as a `fastcnn.data.Loader` hands them out
        """

    def on_batch_end(self, trainer: Any, batch: int, logs: dict[str, Any]) -> None:
        """Called after each step.

        Parameters
        ----------
        trainer : Trainer
        batch : int
            Number of the batch in its epoch, from 1.
        logs : dict
            "loss" of the batch, "correct" predictions (0 where images have no class), "count" of images, and
            whether the step has "updated" the weights: it has not if its loss, a gradient or a weight that it
            would make is not finite. With
            `accumulate_grad_batches` that is whether the batch counts, and "stepped" says whether the
            optimizer has taken a step.
        """

    def on_validation_begin(self, trainer: Any, epoch: int) -> None:
        """Called after the last step of an epoch, before its validation, also if there is none."""

    def on_epoch_end(self, trainer: Any, epoch: int, row: dict[str, Any]) -> None:
        """Called after an epoch with its row of the history."""

    def state_dict(self) -> dict[str, Any]:
        """Return what it must know to go on in another process: numbers, text, arrays, lists and dicts.

        A checkpoint has it; see `Trainer.fit`.
        """
        return {}

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Take over what `state_dict` returned; called after on_train_begin."""

    def on_train_end(self, trainer: Any, history: History) -> None:
        """Called when fit ends, also when it was stopped or interrupted, but not after an exception."""

    def on_exception(self, trainer: Any, error: BaseException) -> None:
        """Called in the place of on_train_end when an exception ends the training, which is raised after."""


def check_same(callback: Callback, state_dict: Mapping[str, Any], *names: str) -> None:
    """Raise ArgumentError unless attributes are what they were when a state was taken.

    States that older versions took do not tell them.
    """
    for name in names:
        now = getattr(callback, name)
        if (before := state_dict.get(name, now)) != now:
            raise ArgumentError(
                f"{type(callback).__name__}: {name} is {now!r}, but {before!r} in the training that goes on"
            )
