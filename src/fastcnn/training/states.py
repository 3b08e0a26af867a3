"""All of a training as one nested state: taken of it, and put back."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from ..errors import ArgumentError, DTypeError, FastcnnError
from . import generators
from .state import Training


@dataclass
class Position:
    """Where fit is.

    Attributes
    ----------
    first : int
        Epochs that there were when it began.
    batch : int
        Batches that the epoch under way has done.
    loss, correct, count : float, int, int
        Of them: the sum of the losses, the images predicted right, and all images.
    lr : float
        The learning rate of the last one.
    seconds : float
        How long they took.
    """

    first: int = 0
    batch: int = 0
    loss: float = 0.0
    correct: int = 0
    count: int = 0
    lr: float = 0.0
    seconds: float = 0.0


_PARTS = {"model", "optimizer", "scheduler", "generators", "history", "position", "callbacks"}


def state_of(trainer: Training, position: Position) -> dict[str, Any]:
    """Return a copy of the state of a training and of each of its parts."""
    callbacks = [[type(each).__name__, copy.deepcopy(each.state_dict())] for each in trainer.callbacks]
    return {**_core(trainer, position), "callbacks": callbacks}


def _core(trainer: Training, position: Position) -> dict[str, Any]:
    history, scheduler = trainer.history, trainer.scheduler
    return {
        "model": trainer.model.state_dict(),
        "optimizer": trainer.optimizer.state_dict(),
        "scheduler": None if scheduler is None else scheduler.state_dict(),
        "generators": generators.places(trainer.model),
        "history": {
            "epochs": [dict(row) for row in history.epochs],
            "steps": [dict(point) for point in history.steps],
            "stop_reason": history.stop_reason,
            "diverged": history.diverged,
        },
        "position": asdict(position),
    }


def put_back(trainer: Training, state: Any, what: str) -> Position:
    """Give a training a state, all of it or nothing; that of the callbacks is for `put_back_callbacks`.

    Parameters
    ----------
    trainer : Training
    state : dict
        Of `state_of`.
    what : str
        Opens the message of an error.

    Returns
    -------
    Position
        Where it was.

    Raises
    ------
    ArgumentError, DTypeError, ShapeError
        If it is the state of another kind of training.
    """
    if not isinstance(state, Mapping) or not state.keys() >= _PARTS:
        raise DTypeError(f"{what}: expected the state of a Trainer, with {', '.join(sorted(_PARTS))}")
    if (state["scheduler"] is None) != (trainer.scheduler is None):
        raise ArgumentError(f"{what}: the state is that of a training {_with(state)} a scheduler")
    _counterparts(trainer, state, what)
    before = _core(trainer, Position())
    try:
        return _put(trainer, state)
    except (KeyError, TypeError, ValueError) as error:
        _put(trainer, before)
        if isinstance(error, FastcnnError):
            raise type(error)(f"{what}: {error}") from error
        raise ArgumentError(f"{what}: the state is damaged: {error!r}") from error


def _with(state: Mapping[str, Any]) -> str:
    return "without" if state["scheduler"] is None else "with"


def _put(trainer: Training, state: Mapping[str, Any]) -> Position:
    position = Position(**state["position"])
    trainer.model.load_state_dict(state["model"])
    trainer.optimizer.load_state_dict(state["optimizer"])
    if trainer.scheduler is not None:
        trainer.scheduler.load_state_dict(state["scheduler"])
    generators.put_back(trainer.model, state["generators"])
    history, saved = trainer.history, state["history"]
    history.epochs = [dict(row) for row in saved["epochs"]]
    history.steps = [dict(point) for point in saved["steps"]]
    history.stop_reason, history.diverged = saved["stop_reason"], bool(saved["diverged"])
    return position


def put_back_callbacks(trainer: Training, state: Mapping[str, Any], what: str) -> None:
    """Give the callbacks of a training theirs: each the one that the next of its name had.

    Raises
    ------
    ArgumentError
        If one that kept something is not there, or something does not fit.
    """
    for callback, saved in _counterparts(trainer, state, what):
        try:
            callback.load_state_dict(saved)
        except (KeyError, TypeError, ValueError) as error:
            if isinstance(error, FastcnnError):
                raise
            raise ArgumentError(
                f"{what}: the state of {type(callback).__name__} does not fit: {error!r}"
            ) from error


def _counterparts(trainer: Training, state: Mapping[str, Any], what: str) -> list[tuple[Any, Any]]:
    """Return the callbacks with what was saved for them."""
    left, found = list(trainer.callbacks), []
    for name, saved in state["callbacks"]:
        same = next((each for each in left if type(each).__name__ == name), None)
        if same is not None:
            left.remove(same)
            found.append((same, saved))
        elif saved:
            raise ArgumentError(f"{what}: the state is that of a training with the callback {name}; add one")
    return found
