"""All of a training as one nested state: taken of it, and put back."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
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
    weight : float
        That of their samples, where samples have weights.
    """

    first: int = 0
    batch: int = 0
    loss: float = 0.0
    correct: int = 0
    count: int = 0
    lr: float = 0.0
    seconds: float = 0.0
    weight: float = 0.0

    def told(self) -> dict[str, Any]:
        """Return it as checkpoints have it: without a weight, as before there were any, if there is none."""
        return {name: value for name, value in asdict(self).items() if name != "weight" or value}


_PARTS = {"model", "optimizer", "scheduler", "generators", "history", "position", "callbacks"}


def state_of(trainer: Training, position: Position) -> dict[str, Any]:
    """Return a copy of the state of a training and of each of its parts."""
    callbacks = [[type(each).__name__, copy.deepcopy(each.state_dict())] for each in trainer.callbacks]
    return {**_core(trainer, position), "callbacks": callbacks}


def _core(trainer: Training, position: Position) -> dict[str, Any]:
    history, scheduler = trainer.history, trainer.scheduler
    return {
        "model": trainer.model.state_dict(),
        "trained": [p.requires_grad for p in trainer.model.parameters()],
        "modes": [module.training for module in trainer.model.modules()],
        "optimizer": trainer.optimizer.state_dict(),
        "scheduler": None if scheduler is None else scheduler.state_dict(),
        "generators": generators.places(trainer.model),
        "history": {
            "epochs": [dict(row) for row in history.epochs],
            "steps": [dict(point) for point in history.steps],
            "stop_reason": history.stop_reason,
            "diverged": history.diverged,
        },
        "position": position.told(),
        "accumulated": trainer.accumulation.state_dict(trainer.trained),
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
    with all_or_nothing(trainer), _damage(what):
        return _put(trainer, state)


@contextmanager
def all_or_nothing(trainer: Training) -> Iterator[None]:
    """Put the state of a training back if an error leaves the block; that of callbacks stays."""
    before = _core(trainer, Position())
    try:
        yield
    except BaseException:
        _put(trainer, before)
        raise


@contextmanager
def _damage(what: str) -> Iterator[None]:
    """Turn whatever a damaged state leads to into an error that says so."""
    try:
        yield
    except FastcnnError as error:
        raise type(error)(f"{what}: {error}") from error
    except Exception as error:
        raise ArgumentError(f"{what}: the state is damaged: {error!r}") from error


def _position(told: Any, epochs: int) -> Position:
    """Return a position of a training with so many epochs."""
    if told.keys() - {"weight"} != Position().told().keys():
        raise ArgumentError(f"no position: {told!r}")
    found = Position(**told)
    counts = found.first, found.batch, found.correct, found.count
    if not all(isinstance(each, int) and each >= 0 for each in counts) or found.first > epochs:
        raise ArgumentError(f"no position in a training of {epochs} epochs: {told!r}")
    if (found.batch == 0) != (found.count == 0) or found.correct > found.count:
        raise ArgumentError(f"no position in an epoch: {told!r}")
    found.loss, found.lr, found.seconds = float(found.loss), float(found.lr), float(found.seconds)
    found.weight = float(found.weight)
    return found


def _with(state: Mapping[str, Any]) -> str:
    return "without" if state["scheduler"] is None else "with"


def _put(trainer: Training, state: Mapping[str, Any]) -> Position:
    saved = state["history"]
    rows, steps = ([dict(each) for each in saved[name]] for name in ("epochs", "steps"))
    if not all({"epoch", "loss"} <= row.keys() for row in rows):
        raise ArgumentError("an epoch of the history lacks its number or its loss")
    if not isinstance(saved["stop_reason"], str | None):
        raise ArgumentError(f"stop_reason must be text or None, got {saved['stop_reason']!r}")
    position = _position(state["position"], len(rows))
    trainer.model.load_state_dict(state["model"])
    trainer.optimizer.load_state_dict(state["optimizer"])
    if trainer.scheduler is not None:
        trainer.scheduler.load_state_dict(state["scheduler"])
    trainer.accumulation.load_state_dict(state.get("accumulated"), trainer.trained)
    generators.put_back(trainer.model, state["generators"])
    # Which layers are trained, and which are in evaluation mode, callbacks may have changed.
    parameters, modules = list(trainer.model.parameters()), list(trainer.model.modules())
    for parameter, trained in zip(parameters, state.get("trained", ()), strict=False):
        parameter.requires_grad_(bool(trained))
    for module, mode in zip(modules, state.get("modes", ()), strict=False):
        module.training = bool(mode)
    history = trainer.history
    history.epochs, history.steps = rows, steps
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
        except FastcnnError:
            raise
        except Exception as error:
            raise ArgumentError(
                f"{what}: the state of {type(callback).__name__} does not fit: {error!r}"
            ) from error


def _counterparts(trainer: Training, state: Mapping[str, Any], what: str) -> list[tuple[Any, Any]]:
    """Return the callbacks with what was saved for them."""
    left, found, kept = list(trainer.callbacks), [], state["callbacks"]
    pairs = isinstance(kept, list) and all(isinstance(each, list | tuple) and len(each) == 2 for each in kept)
    if not pairs or not all(isinstance(saved, Mapping) for _, saved in kept):
        raise ArgumentError(f"{what}: the state is damaged: callbacks must be pairs of a name and a state")
    for name, saved in kept:
        same = next((each for each in left if type(each).__name__ == name), None)
        if same is not None:
            left.remove(same)
            found.append((same, saved))
        elif saved:
            raise ArgumentError(f"{what}: the state is that of a training with the callback {name}; add one")
    return found
