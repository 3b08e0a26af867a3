"""Estimators in scikit-learn's own tools."""

import numpy as np
import pytest
import sklearn
from numpy.testing import assert_array_equal
from sklearn.calibration import CalibratedClassifierCV
from sklearn.model_selection import GridSearchCV, cross_val_score, cross_validate
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from fastcnn.sklearn import CNNClassifier, CNNRegressor


def test_a_pipeline(rows):
    X, y = rows
    model = make_pipeline(StandardScaler(), CNNClassifier(learning_rate_init=0.01, random_state=0))
    assert model.fit(100 + 1e3 * X, y).score(100 + 1e3 * X, y) > 0.9


@pytest.mark.parametrize("backend", ["loky", "threading"])
def test_a_search_in_several_jobs_finds_what_one_does(backend, rows):
    import joblib

    X, y = rows
    grid = {"learning_rate_init": [1e-4, 1e-2], "hidden_layer_sizes": [(4,), (16, 8)]}
    search = GridSearchCV(CNNClassifier(max_iter=10, random_state=0), grid, cv=2)
    alone = search.fit(X, y).cv_results_["mean_test_score"]
    with joblib.parallel_config(backend=backend):
        several = search.set_params(n_jobs=2).fit(X, y).cv_results_["mean_test_score"]
    assert_array_equal(alone, several)
    assert search.best_params_["learning_rate_init"] == 1e-2
    assert search.predict(X).shape == (150,)


def test_cross_validation_of_images(digits):
    X, y = digits[0][:600], digits[1][:600]
    model = CNNClassifier("spec-lenet", learning_rate_init=0.003, batch_size=20, max_iter=5, random_state=0)
    assert cross_val_score(model, X, y, cv=3).min() > 0.7


def test_weights_are_routed(rows):
    X, y = rows
    weights = np.where(y == 2, 1.0, 1e-3)
    with sklearn.config_context(enable_metadata_routing=True):
        model = CNNClassifier(max_iter=5, random_state=0)
        model.set_fit_request(sample_weight=True).set_score_request(sample_weight=True)
        params = {"sample_weight": weights}
        routed = cross_validate(model, X, y, cv=2, params=params, return_estimator=True)
        for (train, _), one in zip(_halves(X, y), routed["estimator"], strict=True):
            alone = CNNClassifier(max_iter=5, random_state=0).fit(X[train], y[train], weights[train])
            assert_array_equal(one.predict_proba(X), alone.predict_proba(X))


def _halves(X, y):
    from sklearn.model_selection import StratifiedKFold

    return StratifiedKFold(2).split(X, y)


def test_calibration(rows):
    X, y = rows
    model = CalibratedClassifierCV(CNNClassifier(max_iter=20, random_state=0), cv=2).fit(X, y)
    assert model.predict_proba(X).shape == (150, 3)


def test_representations():
    model = CNNClassifier("compact-mnist", max_iter=3)
    assert repr(model) == "CNNClassifier(max_iter=3, network='compact-mnist')"
    assert "compact-mnist" in model._repr_html_()
    assert "CNNRegressor" in make_pipeline(StandardScaler(), CNNRegressor())._repr_html_()


def test_sparse_rows_are_refused(rows):
    from scipy import sparse

    with pytest.raises(TypeError, match="dense"):
        CNNClassifier().fit(sparse.csr_array(rows[0]), rows[1])


def test_values_beyond_float32_are_refused(rows):
    X, y = rows
    with pytest.raises(ValueError, match=r"infinity|too large"), np.errstate(over="ignore"):
        CNNClassifier().fit(np.where(X > 2, 1e39, X), y)
