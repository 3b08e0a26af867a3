"""A training that goes on where another one was: its state, out and in."""

from __future__ import annotations

import os
from collections.abc import Mapping
from os import PathLike
from typing import Any

from ..errors import ArgumentError, DTypeError
from .checkpoint import file_of, read_checkpoint
from .conditions import compare
from .epochs import Epochs
from .states import put_back, state_of


class Resumable(Epochs):
    """What of a Trainer takes its state, and puts one back."""

    def __init__(self, **parts: Any) -> None:
        super().__init__(**parts)
        # A state that the next fit goes on from: its callbacks get theirs when they have begun.
        self._loaded: Mapping[str, Any] | None = None

    def state_dict(self) -> dict[str, Any]:
        """Return a copy of all that a training is: what `fit` writes to a checkpoint.

        Returns
        -------
        dict
            Nested, of arrays, numbers and text: "model", "optimizer", "scheduler", "generators", "history",
            "position" (within an epoch) and "callbacks".
        """
        state = state_of(self, self._position)
        # Callbacks get theirs when the next fit begins.
        return state if self._loaded is None else {**state, "callbacks": self._loaded["callbacks"]}

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Take over what `state_dict` returned; the next `fit` goes on there, within an epoch too.

        Parameters
        ----------
        state_dict : mapping
            Of a Trainer of the same parts. An epoch that was under way is the first that fit then counts.

        Raises
        ------
        ArgumentError, DTypeError, ShapeError
            If it does not fit; nothing is changed then.
        """
        self._position = put_back(self, state_dict, "Trainer.load_state_dict")
        self._position.first = len(self.history)
        self._loaded = state_dict

    def _go_on(self, source: str, told: Mapping[str, Any]) -> None:
        """Take over what a checkpoint has, if it was written under these conditions."""
        content = read_checkpoint(source)
        compare(content["conditions"], told, what := f"fit: resume: {source}")
        self.history.begin()
        self._position = put_back(self, content["state"], what)
        self._loaded = content["state"]


def checkpoint_of(checkpoint: str | PathLike[str] | None, resume: object) -> str | None:
    """Return the file that fit is to go on from, None to begin; see there for the arguments."""
    if isinstance(resume, str | PathLike):
        return file_of(resume)
    if not isinstance(resume, bool):
        raise DTypeError(f"fit: resume must be True, False or a file, got {type(resume).__name__}")
    if not resume:
        return None
    if checkpoint is None:
        raise ArgumentError("fit: resume=True needs checkpoint, the file to go on from")
    file = file_of(checkpoint)
    return file if os.path.exists(file) else None
