"""scikit-learn's own checks of estimators, none of which may fail."""

import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks

from fastcnn.sklearn import CNNClassifier, CNNRegressor


@pytest.fixture(autouse=True)
def unchecked(monkeypatch):
    """They train the same small networks hundreds of times, whose plans need no further look."""
    monkeypatch.delenv("FASTCNN_CHECK_PLANS")


# Some checks call what they check with what warns.
@pytest.mark.filterwarnings("default")
@parametrize_with_checks([CNNClassifier(), CNNRegressor()])
def test_check(estimator, check):
    check(estimator)
