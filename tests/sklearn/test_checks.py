"""scikit-learn's own checks of estimators, none of which may fail."""

import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks

import fastcnn
from fastcnn.sklearn import CNNClassifier, CNNRegressor

CHECKS = parametrize_with_checks([CNNClassifier(), CNNRegressor()])


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    """They train the same small networks hundreds of times: plans need no further look, nor two threads."""
    monkeypatch.delenv("FASTCNN_CHECK_PLANS")
    before = fastcnn.get_num_threads()
    fastcnn.set_num_threads(1)
    yield
    fastcnn.set_num_threads(before)


# Some checks call with what warns. Older versions hand out a generator, of which pytest warns.
@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize(CHECKS.args[0], list(CHECKS.args[1]), **CHECKS.kwargs)
def test_check(estimator, check):
    check(estimator)
