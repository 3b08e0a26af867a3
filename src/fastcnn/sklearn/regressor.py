"""Regression with the interface of scikit-learn."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..data.targets import REGRESSION
from . import samples
from .base import CNN
from .library import RegressorMixin, validate_data


class CNNRegressor(RegressorMixin, CNN):
    """A network that makes real numbers, one or several for a sample, as an estimator of scikit-learn.

    Parameters and attributes are those of `CNNClassifier` but for classes. The default loss is "MSELoss",
    early stopping watches R2, and a network of the zoo makes as many numbers as `y` has columns.

    Examples
    --------
    >>> import numpy as np
    >>> X = np.random.default_rng(0).normal(size=(400, 3))
    >>> y = np.stack([X[:, 0] - X[:, 1], X[:, 2]], 1)
    >>> CNNRegressor(random_state=0).fit(X, y).score(X, y) > 0.9
    True
    """

    _task = REGRESSION
    _loss = "MSELoss"
    _score = "val_r2"

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> CNNRegressor:
        """Train anew, or with `warm_start` from the present weights on.

        Parameters
        ----------
        X : array (N, C, H, W), (N, H, W) or (N, F), or a table
            See `CNNClassifier.fit`.
        y : array_like (N,) or (N, K)
            Real numbers.
        sample_weight : array_like (N,), optional
            How much each sample counts, at least 0.
        """
        return self._fit(X, y, sample_weight)

    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None) -> CNNRegressor:
        """Train for one epoch on some samples; optimizer and schedule go on in the next call."""
        return self._fit(X, y, sample_weight, True)

    def predict(self, X: Any) -> np.ndarray:
        """Return the numbers for each sample, float64, (N,) or (N, K) as `y` was in fit."""
        made = self._outputs(X)
        return made[:, 0] if self._flat else made

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags

    def _validated(self, X: Any, y: Any, first: bool, classes: Any) -> tuple[np.ndarray, np.ndarray, int]:
        rows, y = validate_data(
            self, X, y, reset=first, dtype=samples.DTYPES, multi_output=True, y_numeric=True
        )
        targets = np.asarray(y, np.float64)
        self._flat = targets.ndim == 1
        return rows, targets, 1 if self._flat else targets.shape[1]
