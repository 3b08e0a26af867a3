"""What fit leaves: a network that predicts, and is copied and pickled without what is compiled of it."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any

import numpy as np

from .. import nn
from .._kernels import cpu
from .._shapes import integer
from ..errors import ShapeError
from ..nn.prediction import in_batches
from ..training import History, Trainer
from . import samples
from .library import BaseEstimator, check_is_fitted, validate_data
from .networks import own_arrays
from .threads import shared_threads

# Images that a prediction brings into the network's type at a time.
_CHUNK = 1024


class Fitted(BaseEstimator):
    """What of an estimator uses a network that is trained."""

    n_threads: int | None
    module_: nn.Module
    history_: History
    n_iter_: int
    loss_curve_: list[float]
    validation_scores_: list[float] | None
    input_shape_: samples.Shape
    n_outputs_: int
    # What makes samples of rows, the Trainer that the next partial_fit goes on with, and what is known of it
    # in a copy.
    _prepare: samples.Prepare
    _trainer: Trainer | None
    _progress: dict[str, Any] | None

    @property
    def _what(self) -> str:
        """What opens messages."""
        return type(self).__name__

    def _threads(self) -> AbstractContextManager[None]:
        limit = self.n_threads
        return shared_threads(
            None if limit is None else min(integer(limit, f"{self._what}: n_threads", 1), cpu.MAX_THREADS)
        )

    def _outputs(self, X: Any) -> np.ndarray:
        """Return what the network makes of samples, float64 (N, K)."""
        check_is_fitted(self, "module_")
        rows, found = samples.as_rows(X)
        rows = validate_data(self, rows, reset=False, dtype=samples.DTYPES)
        if found is not None and found != self.input_shape_:
            raise ShapeError(f"{self._what}: X has images of {found}, but fit had {self.input_shape_}")
        dtype = next(self.module_.parameters()).dtype

        def forward(part: Any) -> Any:
            images = self._prepare(self._prepare.images(part))
            return self.module_.predict(images.astype(dtype, copy=False))

        with self._threads():
            return in_batches(forward, rows, _CHUNK, self._what).astype(np.float64)

    def __getstate__(self) -> dict[str, Any]:
        """Return what pickles and copies have: of a Trainer what goes on from it, and nothing compiled."""
        state = super().__getstate__().copy()
        trainer = state.get("_trainer")
        if trainer is not None:
            progress = {key: value for key, value in trainer.state_dict().items() if key != "model"}
            state.update(_trainer=None, _progress=progress)
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Take over what a pickle has; arrays of a file that is mapped become the network's own."""
        super().__setstate__(state)
        if hasattr(self, "module_"):
            own_arrays(self.module_)
