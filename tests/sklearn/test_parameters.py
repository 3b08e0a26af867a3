"""Parameters that cannot be used are refused in fit, by their names."""

import numpy as np
import pytest

from fastcnn.errors import FastcnnError
from fastcnn.sklearn import CNNClassifier, CNNRegressor

CASES = [
    ({"hidden_layer_sizes": (3, 0)}, "hidden_layer_sizes must be at least 1, got 0"),
    ({"hidden_layer_sizes": "a"}, "hidden_layer_sizes must be an integer, got 'a'"),
    ({"optimizer": "Adamm"}, r"optimizer.type must be one of SGD, .*did you mean 'Adam'\?"),
    ({"optimizer": 3}, "optimizer must be a name or a dict, got int"),
    ({"optimizer": {"type": "SGD", "lr": 0.1}, "learning_rate_init": 0.1}, "optimizer has lr=0.1: leave"),
    ({"learning_rate_init": -1.0}, "optimizer.lr must be a finite number of at least 0, got -1.0"),
    ({"scheduler": "Step"}, "scheduler.type must be one of "),
    ({"scheduler": 3}, "scheduler must be a name or a dict, got int"),
    ({"loss": "Log"}, "loss.type must be one of CrossEntropyLoss"),
    ({"batch_size": 0}, "batch_size must be at least 1, got 0"),
    ({"batch_size": "all"}, "batch_size must be an integer, got 'all'"),
    ({"max_iter": 0}, "max_iter must be at least 1, got 0"),
    ({"normalize": "Half"}, "normalize.type must be one of Normalize"),
    ({"augment": ["Spin"]}, r"augment\[0\].type must be one of RandomAffine"),
    ({"augment": 3}, "augment must be a list, a name, a dict or a function, got int"),
    ({"early_stopping": True, "validation_fraction": 1.0}, "validation_fraction must be between 0 and 1"),
    ({"early_stopping": True, "validation_fraction": "a"}, "validation_fraction must be between 0 and 1"),
    ({"n_iter_no_change": 0}, "n_iter_no_change must be at least 1, got 0"),
    ({"tol": -1}, "tol must be a number of at least 0, got -1"),
    ({"tol": "a"}, "tol must be a number of at least 0, got 'a'"),
    ({"callbacks": 3}, "callbacks must be a sequence of Callbacks, got int"),
    ({"trainer_options": 3}, "trainer_options must be a dict, got int"),
    (
        {"trainer_options": {"clip_norm": 1}},
        "trainer_options must be among clip_grad_norm, .*got 'clip_norm'",
    ),
    (
        {"trainer_options": {"accumulate_grad_batches": 0}},
        "accumulate_grad_batches must be at least 1, got 0",
    ),
    ({"dtype": "int8"}, "dtype must be float32 or float64, got 'int8'"),
    ({"n_threads": 0}, "n_threads must be at least 1, got 0"),
]


@pytest.mark.parametrize("kind", [CNNClassifier, CNNRegressor])
@pytest.mark.parametrize(("settings", "message"), CASES)
def test_refused(kind, settings, message, rows):
    with pytest.raises(FastcnnError, match=f"^{kind.__name__}: {message}"):
        kind(**{"max_iter": 1, **settings}).fit(*rows)


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        (np.zeros(150), "sample_weight must not be zero for all samples"),
        (-np.ones(150), "sample_weight must be finite and at least 0, got -1"),
        (np.ones(3), r"sample_weight must have the shape \(150,\), one for each image, got \(3,\)"),
        (np.full(150, "a"), "sample_weight must be numbers, got <U1"),
    ],
)
def test_weights_that_are_refused(weights, message, rows):
    with pytest.raises(FastcnnError, match=f"CNNClassifier: {message}"):
        CNNClassifier(max_iter=1).fit(*rows, sample_weight=weights)


def test_numbers_of_numpy_are_taken(rows):
    grid = {"max_iter": np.int64(2), "learning_rate_init": np.float64(0.1), "batch_size": np.int32(7)}
    assert CNNClassifier(**grid, tol=np.float32(0), n_iter_no_change=np.int8(1)).fit(*rows).n_iter_ <= 2


def test_more_arguments_of_the_trainer(rows):
    X, y = rows
    eager, compiled = (
        CNNClassifier(max_iter=2, random_state=0, trainer_options={"engine": engine})
        .fit(X, y)
        .predict_proba(X)
        for engine in (False, True)
    )
    np.testing.assert_allclose(eager, compiled, 1e-9)
    metric = {"metrics": {"largest": lambda outputs, targets: float(outputs.max())}}
    model = CNNClassifier(max_iter=1, early_stopping=True, trainer_options=metric).fit(X, y)
    assert "val_largest" in model.history_.columns
