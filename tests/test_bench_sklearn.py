"""The comparison with scikit-learn's own network prints a row with both accuracies."""

import re

import pytest

import fastcnn


@pytest.fixture(autouse=True)
def threads():
    before = fastcnn.get_num_threads()
    yield
    fastcnn.set_num_threads(before)


@pytest.mark.filterwarnings("ignore:Stochastic Optimizer")
def test_a_row(capsys):
    pytest.importorskip("sklearn")
    from bench import against_sklearn

    options = ["--samples", "1000", "--epochs", "3", "--batch-size", "20", "--rounds", "1", "--threads", "1"]
    against_sklearn._compare("mlp", against_sklearn.parse(options))
    row = capsys.readouterr().out
    assert row.startswith("mlp ")
    assert len(re.findall(r"\d+\.\d+ \[\d+\.\d+, \d+\.\d+\]", row)) == 2
    ours, theirs = map(float, re.findall(r"([\d.]+)%", row))
    assert min(ours, theirs) > 80
    assert abs(ours - theirs) < 5
