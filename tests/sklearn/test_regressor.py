"""What CNNRegressor learns, for targets of one number and of several."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from fastcnn import nn
from fastcnn.sklearn import CNNRegressor

X = np.random.default_rng(0).normal(size=(200, 3))
Y = np.stack([X[:, 0] + 2 * X[:, 1], 1 - X[:, 2]], 1)


@pytest.mark.parametrize(("y", "outputs"), [(Y[:, 0], 1), (Y[:, :1], 1), (Y, 2)])
def test_predictions_have_the_shape_of_the_targets(y, outputs):
    model = CNNRegressor(learning_rate_init=0.01, max_iter=60, random_state=0).fit(X, y)
    assert model.predict(X).shape == y.shape
    assert model.predict(X).dtype == np.float64
    assert model.n_outputs_ == outputs
    assert model.score(X, y) > 0.95
    assert model.score(X, y, np.arange(200.0)) > 0.95


def test_the_first_step_by_hand():
    zeros = nn.Sequential(nn.Linear(1, 1)).double()
    for each in zeros.parameters():
        each.data[...] = 0
    model = CNNRegressor(zeros, optimizer="SGD", learning_rate_init=0.25, max_iter=1)
    model.fit([[1.0], [2.0]], [4.0, 8.0], sample_weight=[3, 1])
    # The mean of -2 y is -(3 * 8 + 16) / 4, that of -2 y x is -(3 * 8 + 32) / 4.
    assert_allclose(model.module_[0].bias.data, [2.5], 1e-12)
    assert_allclose(model.module_[0].weight.data, [[3.5]], 1e-12)
    assert_allclose(model.loss_curve_, [(3 * 16 + 64) / 4])


def test_early_stopping_watches_r2():
    model = CNNRegressor(early_stopping=True, n_iter_no_change=3, max_iter=30, random_state=0).fit(X, Y)
    assert len(model.validation_scores_) == model.n_iter_
    assert model.history_.restored_epoch == int(np.argmax(model.validation_scores_)) + 1


def test_a_loss_by_name():
    model = CNNRegressor(loss={"type": "HuberLoss", "delta": 2.0}, max_iter=2).fit(X, Y[:, 0])
    assert model.n_iter_ == 2


def test_whole_numbers_are_targets_too():
    model = CNNRegressor(learning_rate_init=0.05, random_state=0).fit(X, (X[:, 0] > 0).astype(int))
    assert model.score(X, X[:, 0] > 0) > 0.5
    assert_array_equal(model.predict(X[:1]), model.predict(X)[:1])
