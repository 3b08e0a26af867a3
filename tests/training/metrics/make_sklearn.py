"""Write scikit-learn's answers, sklearn.json: ``python -m tests.training.metrics.make_sklearn``.

It needs an environment with scikit-learn; the tests need none.
"""

import json
import warnings
from pathlib import Path

import numpy as np

PATH = Path(__file__).with_name("sklearn.json")
SEEDS = range(8)


def real_case(seed):
    """Return targets, predictions and weights; some columns are constant."""
    rng = np.random.default_rng(seed)
    count, features = int(rng.integers(2, 12)), int(rng.integers(1, 4))
    targets = rng.normal(3, 2, (count, features)).round(3)
    predictions = (targets + rng.normal(0, 1 + seed % 3, targets.shape)).round(3)
    if seed % 3 == 1:
        targets[:, 0] = 1.5
    if seed % 3 == 2:
        targets[:, 0] = predictions[:, 0] = 2.0
    return targets, predictions, rng.integers(0, 4, count) + 0.5


def label_case(seed):
    """Return labels, scores with ties, and weights; a label may be no sample's, or never predicted."""
    rng = np.random.default_rng(100 + seed)
    count, labels = int(rng.integers(1, 15)), int(rng.integers(2, 5))
    targets = rng.random((count, labels)) < 0.4
    if seed % 2:
        targets[:, 0] = False
    scores = rng.integers(-3, 4, targets.shape) / 2
    if seed % 3 == 0:
        scores[:, -1] = -1
    weights = rng.integers(0, 3, count).astype(float)
    weights[0] = 1
    return targets, scores, weights


def pixel_case(seed):
    """Return masks, predictions and weights of images; the last class may not occur."""
    rng = np.random.default_rng(200 + seed)
    masks = rng.integers(0, 3 + seed % 2, (4, 3, 5))
    predictions = np.where(rng.random(masks.shape) < 0.6, masks, rng.integers(0, 3, masks.shape))
    return masks, predictions, rng.integers(1, 4, 4) / 2


def main():
    """Ask scikit-learn and write the file."""
    from sklearn import metrics

    found = {"real": [], "labels": [], "pixels": []}
    warnings.simplefilter("ignore")
    for seed in SEEDS:
        targets, predictions, weights = real_case(seed)
        found["real"].append(
            [
                [
                    float(each(targets, predictions, sample_weight=given))
                    for each in (metrics.mean_absolute_error, metrics.mean_squared_error, metrics.r2_score)
                ]
                for given in (None, weights)
            ]
        )
        targets, scores, weights = label_case(seed)
        rows = []
        for given in (None, weights):
            row = [float(metrics.accuracy_score(targets, scores > 0, sample_weight=given))]
            for average in ("macro", "micro", None):
                options = {"average": average, "sample_weight": given}
                row.append(
                    np.asarray(metrics.f1_score(targets, scores > 0, zero_division=0, **options)).tolist()
                )
                row.append(np.asarray(metrics.average_precision_score(targets, scores, **options)).tolist())
            rows.append(row)
        found["labels"].append(rows)
        masks, predictions, weights = pixel_case(seed)
        rows = []
        for given in (None, np.repeat(weights, masks[0].size)):
            pair = masks.ravel(), predictions.ravel()
            rows.append(
                [
                    metrics.jaccard_score(*pair, average=None, sample_weight=given, labels=range(4)).tolist(),
                    float(metrics.jaccard_score(*pair, average="macro", sample_weight=given)),
                    metrics.f1_score(*pair, average=None, sample_weight=given, labels=range(4)).tolist(),
                    float(metrics.f1_score(*pair, average="macro", sample_weight=given)),
                    float(metrics.accuracy_score(*pair, sample_weight=given)),
                    metrics.confusion_matrix(*pair, sample_weight=given, labels=range(4)).tolist(),
                ]
            )
        found["pixels"].append(rows)
    PATH.write_text(json.dumps(found, separators=(",", ":")) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
