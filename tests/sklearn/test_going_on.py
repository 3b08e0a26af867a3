"""Estimators that are copied, pickled, and trained further."""

import copy
import pickle

import joblib
import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

from fastcnn import nn
from fastcnn.errors import ArgumentError, ShapeError
from fastcnn.sklearn import CNNClassifier, CNNRegressor


def through_pickle(model, tmp_path):
    return pickle.loads(pickle.dumps(model))


def through_joblib(model, tmp_path):
    joblib.dump(model, tmp_path / "model.joblib")
    return joblib.load(tmp_path / "model.joblib")


def through_memory_map(model, tmp_path):
    path = tmp_path / f"{id(model)}.joblib"
    joblib.dump(model, path)
    return joblib.load(path, mmap_mode="r")


COPIES = [through_pickle, through_joblib, through_memory_map, lambda model, tmp_path: copy.deepcopy(model)]


@pytest.mark.parametrize("copied", COPIES)
def test_copies_predict_the_same_to_the_bit(copied, digits, tmp_path):
    X, y = digits[0][:200], digits[1][:200]
    model = CNNClassifier("compact-mnist", normalize="Standardize", max_iter=1, random_state=0).fit(X, y)
    expected = model.predict_proba(X)  # which has compiled a program
    again = copied(model, tmp_path)
    assert_array_equal(again.predict_proba(X), expected)
    assert again.loss_curve_ == model.loss_curve_
    assert_array_equal(model.predict_proba(X), expected)


def test_pickles_are_as_large_as_the_weights(digits):
    X, y = digits[0][:200], digits[1][:200]
    model = CNNClassifier("spec-lenet", max_iter=1).fit(X, y)
    model.predict(X)
    weights = sum(each.data.nbytes for each in model.module_.parameters())
    assert len(pickle.dumps(model)) < weights + 20_000
    model.partial_fit(X, y)  # Adam keeps two numbers for each weight
    assert 3 * weights < len(pickle.dumps(model)) < 3 * weights + 30_000


@pytest.mark.parametrize("kind", [CNNClassifier, CNNRegressor])
def test_partial_fit_goes_on_from_a_copy_as_without(kind, digits):
    layers = [
        {"type": "Dropout", "p": 0.3},
        {"type": "Linear", "out_features": 1 if kind is CNNRegressor else 10},
    ]
    X, y = digits[0][:400], digits[1][:400]
    known = {"classes": range(10)} if kind is CNNClassifier else {}
    one = kind(layers, batch_size=20, random_state=0)
    other = clone(one)
    for start in range(0, 400, 100):
        part = slice(start, start + 100)
        one.partial_fit(X[part], y[part], **known)
        other = pickle.loads(pickle.dumps(other.partial_fit(X[part], y[part], **known)))
        known = {}
    assert_array_equal(one.predict(X), other.predict(X))
    assert one.loss_curve_ == other.loss_curve_
    assert one.n_iter_ == 4
    for a, b in zip(one.module_.parameters(), other.module_.parameters(), strict=True):
        assert_array_equal(a.data, b.data)


def test_partial_fit_is_fit_an_epoch_at_a_time(rows):
    X, y = rows
    whole = CNNClassifier(max_iter=3, random_state=0).fit(X, y)
    parts = CNNClassifier(random_state=0)
    for _ in range(3):
        parts.partial_fit(X, y, classes=[0, 1, 2])
    assert_array_equal(parts.predict_proba(X), whole.predict_proba(X))
    assert parts.loss_curve_ == whole.loss_curve_


def test_partial_fit_knows_classes_that_have_not_come_yet(rows):
    X, y = rows
    model = CNNClassifier(random_state=0)
    with pytest.raises(ArgumentError, match="CNNClassifier: the first call of partial_fit needs classes"):
        model.partial_fit(X, y)
    model.partial_fit(X[y == 1], y[y == 1], classes=[2, 1, 0])
    assert model.predict_proba(X).shape == (150, 3)
    model.partial_fit(X, y)
    with pytest.raises(
        ArgumentError, match=r"y or classes has \[3\], but the network was made for \[0, 1, 2\]"
    ):
        model.partial_fit(X[:1], [3])
    with pytest.raises(ArgumentError, match=r"y or classes has \[0, 3\], but"):
        model.partial_fit(X[:1], [0], classes=[0, 3])
    with pytest.raises(ArgumentError, match="y has 3, which is not among classes"):
        CNNClassifier().partial_fit(X[:2], [0, 3], classes=[0, 1])


def test_what_partial_fit_refuses(rows):
    X, y = rows
    with pytest.raises(ArgumentError, match="partial_fit needs early_stopping=False"):
        CNNClassifier(early_stopping=True).partial_fit(X, y, [0, 1, 2])
    with pytest.raises(ArgumentError, match="class_weight 'balanced' needs all samples"):
        CNNClassifier(class_weight="balanced").partial_fit(X, y, [0, 1, 2])
    with pytest.raises(ValueError, match="X has 2 features"):
        CNNClassifier().partial_fit(X, y, [0, 1, 2]).partial_fit(X[:, :2], y)
    with pytest.raises(ShapeError, match=r"makes 1 outputs, but the samples are \(4,\) and need 2"):
        CNNRegressor().partial_fit(X, y).partial_fit(X, X[:, :2])


def test_a_warm_start_begins_with_the_weights_that_are_there(rows):
    X, y = rows
    model = CNNClassifier(optimizer="SGD", max_iter=2, warm_start=True, random_state=0).fit(X, y)
    first = model.module_.state_dict()
    model.set_params(learning_rate_init=0.0).fit(X, y)
    for key, value in model.module_.state_dict().items():
        assert_array_equal(value, first[key])
    assert model.n_iter_ == 2
    with pytest.raises(ArgumentError, match=r"has \[5\]"):
        model.fit(X, np.full(150, 5))
    with pytest.raises(ValueError, match="X has 3 features"):
        model.fit(X[:, :3], y)
    model.set_params(warm_start=False).fit(X[:, :3], y)


def test_a_fit_that_fails_leaves_nothing_fitted(rows):
    X, y = rows
    model = CNNClassifier(max_iter=1).fit(X, y)
    with pytest.raises(ValueError, match="NaN"):
        model.fit(X * np.nan, y)
    with pytest.raises(NotFittedError):
        model.predict(X)


def test_a_module_in_mapped_memory_is_trained(digits, tmp_path):
    X, y = digits[0][:50], digits[1][:50]
    layers = nn.Sequential(nn.BatchNorm2d(1), nn.Flatten(), nn.Linear(784, 10))
    unfitted = through_memory_map(CNNClassifier(layers, max_iter=1, warm_start=True), tmp_path)
    model = through_memory_map(clone(unfitted).fit(X, y), tmp_path)
    before = model.module_[0].running_mean.copy()
    model.fit(X, y)
    assert (model.module_[0].running_mean != before).all()


def test_clones_have_modules_of_their_own():
    model = CNNClassifier(nn.Linear(3, 2))
    assert clone(model).network is not model.network
    assert model.get_params()["network"] is model.network


def test_partial_fit_after_fit_goes_on_from_its_weights(rows):
    X, y = rows
    model = CNNClassifier(max_iter=3, random_state=0).fit(X, y)
    before = model.module_.state_dict()
    model.set_params(optimizer="SGD", learning_rate_init=0.0).partial_fit(X, y)
    for key, value in model.module_.state_dict().items():
        assert_array_equal(value, before[key])
    assert model.n_iter_ == 1
