"""scikit-learn's own checks of estimators, none of which may fail."""

import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks

from fastcnn.sklearn import CNNClassifier, CNNRegressor

CHECKS = parametrize_with_checks([CNNClassifier(), CNNRegressor()])


@pytest.fixture(autouse=True)
def unchecked(monkeypatch):
    """They train the same small networks hundreds of times, whose plans need no further look."""
    monkeypatch.delenv("FASTCNN_CHECK_PLANS")


# Some checks call with what warns. Older versions hand out a generator, of which pytest warns.
@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize(CHECKS.args[0], list(CHECKS.args[1]), **CHECKS.kwargs)
def test_check(estimator, check):
    check(estimator)
