"""Networks as estimators of scikit-learn; it needs the ``sklearn`` extra.

`CNNClassifier` and `CNNRegressor` train with `fastcnn.Trainer`, and have the methods, parameters and
attributes that scikit-learn's own tools expect: pipelines, searches, cross-validation, metadata routing,
pickles.
"""

from .classifier import CNNClassifier
from .regressor import CNNRegressor

__all__ = ["CNNClassifier", "CNNRegressor"]
