"""The bench that compares two versions of the package."""

import json
import subprocess
import sys
from math import comb
from pathlib import Path

import numpy as np
import pytest

from bench import versions
from bench.peers.answers import AnswerError

ROOT = Path(__file__).parent.parent


@pytest.mark.parametrize(
    ("count", "places"), [(1, (0, 0)), (5, (0, 4)), (6, (0, 5)), (9, (1, 7)), (15, (3, 11)), (20, (5, 14))]
)
def test_the_interval_holds_the_median_with_95_percent(count, places):
    ratios = np.random.default_rng(count).permutation(count).tolist()
    assert versions.interval(ratios) == places
    outside = 2 * sum(comb(count, i) for i in range(places[0] + 1)) / 2**count
    assert outside <= 0.05 or count <= 5
    one_narrower = outside + 2 * comb(count, places[0] + 1) / 2**count
    assert one_narrower > 0.05


def test_two_versions_take_turns(tmp_path, capsys):
    """A version is as fast as itself, within what such short turns can tell."""
    path = tmp_path / "versions.json"
    options = ["--networks", "tiny-8", "--cases", "train-4,predict-1", "--rounds", "2", "--seconds", "0.01"]
    assert versions.main([sys.executable, sys.executable, *options, "--json", str(path)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[:2] for line in lines[1:-1]] == [["tiny-8", "train-4"], ["tiny-8", "predict-1"]]
    found = json.loads(path.read_text())
    assert {name: len(ratios) for name, ratios in found.items()} == {
        "tiny-8 train-4": 2,
        "tiny-8 predict-1": 2,
    }
    assert all(0.05 < ratio < 20 for ratios in found.values() for ratio in ratios)
    mean = float(lines[-1].split()[-1])
    medians = [np.median(ratios) for ratios in found.values()]
    assert mean == pytest.approx(np.exp(np.mean(np.log(medians))), abs=1e-3)


@pytest.mark.parametrize(
    ("old", "options", "message"),
    [
        (sys.executable, ["--networks", "nobody"], "no network is called 'nobody'"),
        (
            sys.executable,
            ["--cases", "train-0"],
            "'train-0' is not train or predict, a dash and a batch size",
        ),
        ("no/such/python", [], "no/such/python"),
    ],
)
def test_what_cannot_be_compared_is_said(old, options, message, capsys):
    assert versions.main([old, sys.executable, *options]) == 1
    assert message in capsys.readouterr().err


def test_versions_that_answer_otherwise_are_not_compared(monkeypatch, capsys):
    def differ(workers, configurations, training):
        assert list(workers) == list(configurations) == ["old", "new"]
        raise AnswerError("new: differs by 0.1 of the largest number")

    monkeypatch.setattr(versions, "compare_answers", differ)
    options = ["--networks", "tiny-8", "--cases", "predict-1", "--rounds", "1", "--seconds", "0.01"]
    assert versions.main([sys.executable, sys.executable, *options]) == 1
    assert "new: differs by 0.1" in capsys.readouterr().err


def test_it_explains_itself():
    found = subprocess.run(
        [sys.executable, ROOT / "bench" / "versions.py", "--help"], capture_output=True, text=True, check=True
    )
    assert "95%" in found.stdout
