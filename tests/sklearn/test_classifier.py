"""What CNNClassifier learns from rows, and what it makes of labels and weights."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.exceptions import ConvergenceWarning, DataConversionWarning

from fastcnn import nn
from fastcnn.sklearn import CNNClassifier
from fastcnn.training import Callback

# One sample of each class, far from each other.
CORNERS = np.array([[1.0, 0, 0], [0, 1, 0], [0, 0, 1]]) * 4


class Reads(Callback):
    """Writes down what a Trainer has."""

    def __init__(self, told):
        self.told = told

    def __deepcopy__(self, memo):
        return self

    def on_train_begin(self, trainer):
        self.told["optimizer"] = type(trainer.optimizer).__name__
        self.told["first"] = trainer.optimizer.param_groups[0]["lr"]
        self.told["loss"] = type(trainer.loss).__name__

    def on_train_end(self, trainer, history):
        self.told["last"] = trainer.optimizer.param_groups[0]["lr"]


@pytest.mark.parametrize(
    "labels", [["b", "c", "a"], [7, -2, 3], [0.0, 2.0, 1.0], [True, False, True], ["x", "y", "x"]]
)
def test_labels_of_any_kind(labels):
    y = np.array(labels)
    model = CNNClassifier(learning_rate_init=0.01, max_iter=60, random_state=0).fit(CORNERS, y)
    assert_array_equal(model.classes_, np.unique(y))
    assert_array_equal(model.predict(CORNERS), y)
    assert model.predict(CORNERS).dtype == y.dtype
    assert model.n_outputs_ == len(np.unique(y))
    assert model.input_shape_ == (3,)


def test_probabilities_are_the_softmax_of_the_decision(rows):
    X, y = rows
    model = CNNClassifier(random_state=0, max_iter=5).fit(X.astype(np.float32), y)
    logits, p = model.decision_function(X), model.predict_proba(X)
    assert logits.dtype == p.dtype == np.float64
    assert model.module_[0].weight.dtype == np.float32
    assert_allclose(p, np.exp(logits) / np.exp(logits).sum(1, keepdims=True), 1e-12)
    assert_allclose(p.sum(1), 1, 1e-15)
    assert_allclose(model.predict_log_proba(X), np.log(p), 1e-12)
    assert_array_equal(model.predict(X), p.argmax(1))


def test_two_classes_have_one_decision(rows):
    X, y = rows
    model = CNNClassifier(random_state=0, max_iter=5).fit(X, y > 0)
    ahead, p = model.decision_function(X), model.predict_proba(X)
    assert ahead.shape == (150,)
    assert_allclose(p[:, 1], 1 / (1 + np.exp(-ahead)), 1e-12)
    assert_array_equal(model.predict(X), ahead > 0)


def test_probabilities_far_from_each_other_have_logarithms():
    model = CNNClassifier(random_state=0).fit(CORNERS, [0, 1, 2])
    told = model.predict_log_proba(1e4 * CORNERS)
    assert np.isfinite(told).all()
    assert told.min() < -1000


def test_no_hidden_layer_is_a_linear_model():
    model = CNNClassifier(hidden_layer_sizes=(), random_state=0, max_iter=3).fit(CORNERS, [0, 1, 2])
    weight, bias = (each.data for each in model.module_.parameters())
    assert_allclose(model.decision_function(CORNERS), CORNERS @ weight.T + bias, 1e-12)
    assert len(list(CNNClassifier(hidden_layer_sizes=5, max_iter=1).fit(CORNERS, [0, 1, 2]).module_)) == 3


def test_the_first_step_by_hand():
    zeros = nn.Sequential(nn.Linear(3, 3)).double()
    for each in zeros.parameters():
        each.data[...] = 0
    model = CNNClassifier(zeros, optimizer="SGD", learning_rate_init=0.5, max_iter=1)
    model.fit(CORNERS, [0, 1, 2], sample_weight=[2, 1, 1])
    # All classes have 1/3, and their shares are 1/2, 1/4, 1/4.
    assert_allclose(model.module_[0].bias.data, [0.5 / 6, -0.5 / 12, -0.5 / 12], 1e-12)
    assert_allclose(model.loss_curve_, [np.log(3)])
    assert not zeros[0].bias.data.any()


def test_weights_of_samples_and_of_classes_are_the_same(rows):
    X, y = rows
    settings = {"max_iter": 10, "random_state": 0}
    weighted = CNNClassifier(**settings).fit(X, y, np.array([1.0, 2.0, 5.0])[y])
    by_class = CNNClassifier(class_weight={0: 1, 1: 2, 2: 5}, **settings).fit(X, y)
    both = CNNClassifier(class_weight={1: 2}, **settings).fit(X, y, np.array([1.0, 1.0, 5.0])[y])
    assert_array_equal(weighted.predict_proba(X), by_class.predict_proba(X))
    assert_array_equal(weighted.predict_proba(X), both.predict_proba(X))
    balanced = CNNClassifier(class_weight="balanced", **settings).fit(X, y)
    counted = CNNClassifier(**settings).fit(X, y, (len(y) / np.bincount(y))[y] / 3)
    assert_allclose(balanced.predict_proba(X), counted.predict_proba(X), 1e-9)


def test_score_takes_weights(rows):
    X, y = rows
    model = CNNClassifier(random_state=0, max_iter=3).fit(X, y)
    right = model.predict(X) == y
    assert model.score(X, y, right) == 1
    assert_allclose(model.score(X, y), right.mean())


def test_optimizers_schedules_and_losses_by_name(rows):
    told = {}
    settings = {"callbacks": [Reads(told)], "max_iter": 4, "n_iter_no_change": None}
    CNNClassifier(
        optimizer={"type": "SGD", "momentum": 0.9},
        learning_rate_init=0.5,
        scheduler={"type": "StepLR", "step_size": 2, "gamma": 0.1},
        loss={"type": "CrossEntropyLoss", "label_smoothing": 0.1},
        **settings,
    ).fit(*rows)
    assert told == {
        "optimizer": "SGD",
        "first": 0.5,
        "last": pytest.approx(0.005),
        "loss": "CrossEntropyLoss",
    }
    # Its length is that of the training: 3 batches in each of 4 epochs.
    CNNClassifier(
        optimizer="RMSprop", scheduler="OneCycleLR", loss="MultiMarginLoss", batch_size=64, **settings
    ).fit(*rows)
    assert told["optimizer"] == "RMSprop"
    assert told["loss"] == "MultiMarginLoss"
    assert told["last"] < told["first"] < 0.01
    CNNClassifier(scheduler="CosineAnnealingLR", **settings).fit(*rows)
    assert told["first"] == 0.001
    assert told["last"] == pytest.approx(0, abs=1e-9)


def test_stops_when_the_loss_does_not_fall(rows):
    model = CNNClassifier(n_iter_no_change=2, tol=10.0, random_state=0).fit(*rows)
    assert model.n_iter_ == len(model.loss_curve_) == 3
    assert "loss has not improved" in model.history_.stop_reason
    assert model.validation_scores_ is None
    assert CNNClassifier(n_iter_no_change=None, tol=10.0, max_iter=7).fit(*rows).n_iter_ == 7


def test_early_stopping_keeps_the_best_of_its_own_samples(rows):
    X, y = rows
    model = CNNClassifier(early_stopping=True, validation_fraction=0.2, n_iter_no_change=3, random_state=0)
    model.fit(X, y)
    best = int(np.argmax(model.validation_scores_))
    assert model.n_iter_ == len(model.validation_scores_) == best + 4
    assert model.history_.restored_epoch == best + 1
    # Stratified: the largest remainders of a fifth of each class.
    assert {round(score * 30, 6) % 1 for score in model.validation_scores_} == {0}


def test_early_stopping_with_weights_of_few_samples(rows):
    X, y = rows
    settings = {"early_stopping": True, "max_iter": 4, "random_state": 0}
    few = CNNClassifier(**settings).fit(X, y, np.arange(150) < 3)
    assert few.n_iter_ <= 4
    assert few.predict(X).shape == (150,)


@pytest.mark.parametrize(
    ("dtype", "message"), [(np.float32, r"the loss is .*learning rate 1e\+30"), (float, "has blown up")]
)
def test_weights_that_blow_up_are_told(dtype, message, rows):
    X, y = (100 * rows[0]).astype(dtype), rows[1]
    model = CNNClassifier(optimizer="SGD", learning_rate_init=1e30, max_iter=5)
    with pytest.warns(ConvergenceWarning, match=f"CNNClassifier: .*{message}"):
        model.fit(X, y)
    assert all(np.isfinite(each.data).all() for each in model.module_.parameters())


def test_a_column_of_labels_is_taken_with_a_warning(rows):
    with pytest.warns(DataConversionWarning, match="column-vector"):
        CNNClassifier(max_iter=1).fit(rows[0], rows[1][:, None])


def test_verbose_shows_epochs(rows, capsys):
    CNNClassifier(max_iter=2).fit(*rows)
    assert capsys.readouterr() == ("", "")
    CNNClassifier(max_iter=2, verbose=True).fit(*rows)
    out, err = capsys.readouterr()
    assert not out
    assert "epoch 2/2: loss" in err
