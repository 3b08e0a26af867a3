"""Classification with the interface of scikit-learn."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..data.targets import CLASSIFICATION
from ..errors import ArgumentError
from ..nn import functional as F
from . import samples
from .base import CNN
from .library import (
    ClassifierMixin,
    check_classification_targets,
    column_or_1d,
    compute_sample_weight,
    validate_data,
)


@dataclass(eq=False, repr=False)
class CNNClassifier(ClassifierMixin, CNN):
    """A network that tells classes apart, as an estimator of scikit-learn.

    Parameters that `sklearn.neural_network.MLPClassifier` has too mean what they mean there and have the same
    defaults; the others are those of recipes and of `fastcnn.Trainer`, which trains.

    Parameters
    ----------
    network : str, dict, list of dict, callable or Module, optional
        A name of `fastcnn.zoo`; what a recipe says under [model]; layers as dicts; a function
        ``network(input_shape, outputs)`` that returns a Module; or a Module, of which a copy is trained, from
        its own weights on. All others begin with weights drawn from `random_state`. Default: linear layers of
        `hidden_layer_sizes` with ReLU between them.
    input_shape : (C, H, W), optional
        What the numbers of a row are: images. Without it rows stay rows, and a network gets them as such.
    hidden_layer_sizes : int or sequence of int
        Of the default network.
    optimizer : str or dict
        A name of `fastcnn.optim`, or its section of a recipe: ``{"type": "SGD", "momentum": 0.9}``.
    learning_rate_init : float, optional
        At the start of the schedule. Default: that of the optimizer; 0.001 of Adam.
    scheduler : str or dict, optional
        A name of `fastcnn.optim.lr_scheduler`, or its section of a recipe; over `max_iter` epochs. Default:
        a constant rate.
    loss : str or dict, optional
        A name of a loss, or its section of a recipe. Default: "CrossEntropyLoss".
    batch_size : int or "auto"
        "auto" is 200, or all samples if they are fewer. Where one sample would be left over for a last batch,
        and a layer cannot be trained on one, each epoch leaves one out.
    max_iter : int
        Epochs at the most; scikit-learn's tools know them by this name.
    shuffle : bool
        Whether each epoch has an order of its own.
    normalize : str, dict or callable, optional
        A section of a recipe, such as "Standardize", fitted to the samples that are trained on, or a function
        of a batch. Default: bytes of images are divided by 255, all else stays as it is.
    augment : list of str, dict or callable, or one of these, optional
        As in recipes, such as ``[{"type": "RandomCrop", "size": 28, "padding": 2}]``, in training only.
    class_weight : dict or "balanced", optional
        Weights of the classes, which `sample_weight` is multiplied by.
    early_stopping : bool
        Keep `validation_fraction` of the samples apart, with the proportions of the classes, watch the
        accuracy on them, and end with the weights of the best epoch. Otherwise the loss is watched.
    validation_fraction : float
    n_iter_no_change : int, optional
        Stop after so many epochs in which what is watched has not improved by `tol`; None: never.
    tol : float
    warm_start : bool
        Whether fit begins with the weights that the last one has left. Optimizer and schedule begin anew.
    callbacks : sequence of `fastcnn.training.Callback`
        Of which each training has copies.
    trainer_options : dict, optional
        More arguments of `fastcnn.Trainer`, such as ``{"clip_grad_norm": 1.0}``.
    random_state : int, RandomState or None
        Of weights, dropout, the order of samples, augmentation, and the samples that are kept apart. An int
        gives the same model to the bit.
    verbose : bool
        Whether a bar, or a line for each epoch, is shown on the standard error.
    dtype : {"float32", "float64"}, optional
        What the network computes in. Default: float32, the default network of rows in the type of `X`.
        Samples are float32, or bytes, in any case.
    n_threads : int, optional
        Threads at the most. Default: those of the process, shared with other estimators at work in it;
        results do not depend on it.

    Attributes
    ----------
    classes_ : ndarray (K,)
    module_ : Module
        The network, in evaluation mode.
    history_ : History
        The epochs of the last fit, or of the calls of partial_fit since.
    n_iter_ : int
        How many those are.
    loss_curve_ : list of float
    validation_scores_ : list of float, or None
        Accuracies of the samples that early stopping has kept apart.
    input_shape_ : (C, H, W) or (F,)
        Of a sample.
    n_outputs_, n_features_in_ : int
        Of the network; n_features_in_ counts all numbers of an image.
    feature_names_in_ : ndarray
        Of a table whose columns have names.

    Raises
    ------
    ArgumentError, DataError, DTypeError, ShapeError
        In fit, if a parameter cannot be used; all but DTypeError are ValueErrors.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> X, y = load_digits(return_X_y=True)
    >>> layers = [
    ...     {"type": "Conv2d", "out_channels": 16, "kernel_size": 3},
    ...     {"type": "ReLU"},
    ...     {"type": "Linear", "out_features": 10},
    ... ]
    >>> model = CNNClassifier(layers, input_shape=(1, 8, 8), batch_size=30, max_iter=20, random_state=0)
    >>> model.fit(X[:1500] / 16, y[:1500]).score(X[1500:] / 16, y[1500:]) > 0.9
    True
    """

    class_weight: Any = None

    _task = CLASSIFICATION
    _loss = "CrossEntropyLoss"
    _score = "val_accuracy"

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> CNNClassifier:
        """Train anew, or with `warm_start` from the present weights on.

        Ctrl-C ends it after the step under way; what was learned stays, and KeyboardInterrupt goes on.

        Parameters
        ----------
        X : array (N, C, H, W), (N, H, W) or (N, F), or a table
            Images, grey images, or rows; float32 is taken without a copy, and so are bytes that are images.
        y : array_like (N,)
            Labels of any kind.
        sample_weight : array_like (N,), optional
            How much each sample counts, at least 0.
        """
        return self._fit(X, y, sample_weight)

    def partial_fit(self, X: Any, y: Any, classes: Any = None, sample_weight: Any = None) -> CNNClassifier:
        """Train for one epoch on some samples; optimizer and schedule go on in the next call.

        Parameters
        ----------
        X, y, sample_weight
            As for fit.
        classes : array_like (K,), optional
            All labels that there will be; the first call needs it.
        """
        if classes is None and not hasattr(self, "module_"):
            raise ArgumentError(f"{self._what}: the first call of partial_fit needs classes")
        return self._fit(X, y, sample_weight, True, classes)

    def predict(self, X: Any) -> np.ndarray:
        """Return the most probable class of each sample (N,)."""
        logits = self._outputs(X)
        return self.classes_[logits.argmax(1)]

    def predict_proba(self, X: Any) -> np.ndarray:
        """Return the probability of each class, the softmax of what the network makes, float64 (N, K)."""
        return F.softmax(self._outputs(X), 1)

    def predict_log_proba(self, X: Any) -> np.ndarray:
        """Return the logarithms of the probabilities, float64 (N, K)."""
        return F.log_softmax(self._outputs(X), 1)

    def decision_function(self, X: Any) -> np.ndarray:
        """Return what the network makes, float64 (N, K); of two classes how far the second is ahead (N,)."""
        logits = self._outputs(X)
        return logits[:, 1] - logits[:, 0] if logits.shape[1] == 2 else logits

    def _validated(self, X: Any, y: Any, first: bool, classes: Any) -> tuple[np.ndarray, np.ndarray, int]:
        rows, y = validate_data(self, X, y, reset=first, dtype=samples.DTYPES)
        y = column_or_1d(y, warn=True)
        check_classification_targets(y)
        known = np.unique(y if classes is None else classes)
        if first:
            self.classes_ = known
        elif not np.isin(known, self.classes_).all():
            raise ArgumentError(
                f"{self._what}: y or classes has {known.tolist()}, but the network was made for "
                f"{self.classes_.tolist()}"
            )
        labels = np.searchsorted(self.classes_, y).clip(max=len(self.classes_) - 1)
        strange = self.classes_[labels] != y
        if strange.any():
            raise ArgumentError(f"{self._what}: y has {y[strange].tolist()[0]!r}, which is not among classes")
        return rows, labels, len(self.classes_)

    def _weights(self, targets: np.ndarray, sample_weight: Any, partial: bool) -> np.ndarray | None:
        weights = super()._weights(targets, sample_weight, partial)
        if self.class_weight is None:
            return weights
        if partial and isinstance(self.class_weight, str):
            raise ArgumentError(
                f"{self._what}: class_weight {self.class_weight!r} needs all samples, which partial_fit does "
                "not see: give a dict"
            )
        of_classes = compute_sample_weight(self.class_weight, self.classes_[targets])
        return of_classes if weights is None else weights * of_classes

    def _names(self) -> list[str]:
        return [str(each) for each in self.classes_]
