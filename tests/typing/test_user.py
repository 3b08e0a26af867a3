"""The script that type checkers read does what it says; `make lint` runs the checker."""

import numpy as np
import pytest

from fastcnn import data
from tests.typing import user


@pytest.fixture(scope="module")
def digits():
    return data.load("mnist")[1].subset(np.arange(128))


def test_the_parts_of_the_script_run(digits, tmp_path, capsys):
    model = user.network()
    assert user.logits_of(model, user.normalized(digits.images[:2])).shape == (2, 10)
    assert "Conv2d" in user.describe(model, user.normalized(digits.images[:2]))
    metrics = user.train(model, digits, tmp_path)
    assert metrics["count"] == 64
    assert (tmp_path / "history.csv").exists()
    assert user.loop(model, digits) > 0
    user.files(model, tmp_path)
    pooled = user.functions(user.normalized(digits.images[:2]), np.zeros(2, np.int64))
    assert pooled.shape == (2, 4, 14, 14)
    assert user.estimators(digits.images[:20], digits.labels[:20]).n_iter_ == 1
    assert user.recipe().training.epochs == 5
    user.settings()
    assert "instruction set" in capsys.readouterr().out
