"""The benches of precisions: errors of each algorithm, final accuracy, and speed by turns."""

import json
import math

import pytest

import fastcnn
from bench import accuracy, algorithms, precisions


@pytest.fixture(autouse=True)
def same_threads():
    before = fastcnn.get_num_threads()
    yield
    fastcnn.set_num_threads(before)


def test_errors_of_a_network(tmp_path, capsys):
    path = tmp_path / "errors.md"
    assert algorithms.main(["--networks", "tiny-8", "--batch", "3", "--markdown", str(path)]) == 0
    shown = capsys.readouterr().out
    assert path.read_text() == shown
    head, _, *rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in shown.splitlines()]
    assert head[1:4] == ["forward, direct", "forward, gemm", "forward, winograd"]
    assert [row[0] for row in rows] == [
        "4 to 24, 3x3 on 8x8",
        "24 to 36, 3x3 on 8x8",
        "36 to 50, 2x2, stride 2 on 8x8",
    ]
    for row in rows:
        filtered = [row[i] for i, name in enumerate(head) if name.endswith("winograd")]
        assert all(filtered) == ("3x3" in row[0])
        assert all(0 < float(cell) < 1e-5 for cell in row[1:] if cell)
    assert algorithms.main(["--networks", "nobody"]) == 1
    assert "no network is called 'nobody'" in capsys.readouterr().err


def test_speeds_of_a_network(capsys, monkeypatch):
    monkeypatch.setattr(algorithms, "SECONDS", 0.001)
    assert algorithms.main(["--speed", "--networks", "tiny-8", "--batch", "2"]) == 0
    rows = [line.split("|")[2:-1] for line in capsys.readouterr().out.splitlines()[2:]]
    assert [[bool(cell.strip()) for cell in row] for row in rows] == [
        [True] * 6,
        [True] * 6,
        [True, False] * 3,
    ]
    assert all(0 <= float(cell) < 20 for row in rows for cell in row if cell.strip())


def test_the_interval_of_differences_by_hand():
    """Mean 2, standard deviation 1, 3 pairs: 4.303 / sqrt(3)."""
    mean, reach = accuracy.interval([1.0, 2.0, 3.0])
    assert (mean, reach) == (2.0, pytest.approx(4.303 / math.sqrt(3)))


def test_accuracies_by_seed(tmp_path, capsys):
    path = tmp_path / "found.json"
    options = ["spec-lenet", "--seeds", "2", "--epochs", "1", "--train", "200", "--json", str(path)]
    assert accuracy.main(options) == 0
    lines = capsys.readouterr().out.splitlines()
    found = json.loads(path.read_text())
    assert set(found) == {"high 0", "high 1", "highest 0", "highest 1"}
    assert lines[0] == f"seed  0  high {found['high 0']:.2f}%  highest {found['highest 0']:.2f}%"
    assert lines[2].startswith("high - highest: ")
    path.write_text(
        json.dumps({**found, "high 0": 50.0, "highest 0": 49.0, "high 1": 51.0, "highest 1": 50.0})
    )
    assert accuracy.main(options) == 0  # nothing is trained again
    assert "high - highest: +1.000 points, 95% interval [+1.000, +1.000]" in capsys.readouterr().out
    assert accuracy.main(["spec-lenet", "--seeds", "1"]) == 1
    assert "--seeds must be from 2 to 31, got 1" in capsys.readouterr().err
    assert accuracy.main(["no-recipe"]) == 1
    assert "no-recipe" in capsys.readouterr().err


def test_speeds_of_two_precisions(capsys):
    options = ["--networks", "tiny-8", "--cases", "train-3,predict-2", "--rounds", "2", "--seconds", "0.001"]
    assert precisions.main([*options, "--threads", "1"]) == 0
    _, head, *rows = capsys.readouterr().out.splitlines()
    assert head.split() == ["case", "speed", "of", "medium", "/", "high"]
    assert [row.split()[:2] for row in rows] == [["tiny-8", "train-3"], ["tiny-8", "predict-2"]]
    for row in rows:
        ratio, low, high = (float(text.strip("[],")) for text in row.split()[2:])
        assert 0 < low <= ratio <= high


@pytest.mark.parametrize("text", ["high", "high,low", "high,medium,highest"])
def test_speeds_of_other_than_two_precisions(text, capsys):
    assert precisions.main(["--precisions", text]) == 1
    assert f"--precisions: two of highest, high, medium, got '{text}'" in capsys.readouterr().err


def test_outputs_that_have_nothing_in_common_are_not_timed(monkeypatch, capsys):
    monkeypatch.setattr(precisions, "TOLERANCE", 0.0)
    assert precisions.main(["--networks", "tiny-8", "--cases", "predict-2"]) == 1
    assert "tiny-8: outputs up to" in capsys.readouterr().err
