"""How often a checkpoint is written."""

from datetime import timedelta

import pytest

from fastcnn.errors import ArgumentError
from fastcnn.training import saving
from fastcnn.training.saving import Saver, interval


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        (500, 500),
        ("500", 500),
        ("30s", timedelta(seconds=30)),
        ("10min", timedelta(minutes=10)),
        ("2 h", timedelta(hours=2)),
        (timedelta(days=1), timedelta(days=1)),
    ],
)
def test_intervals(value, wanted):
    assert interval(value, "every") == wanted


@pytest.mark.parametrize(
    "value", [0, -1, "0", "0min", "-3", "soon", "1.5h", "", timedelta(0), timedelta(days=-1)]
)
def test_what_is_no_interval(value):
    with pytest.raises(ArgumentError, match=r"^every must be "):
        interval(value, "every")


@pytest.fixture
def written(monkeypatch):
    """Return the list of what is written, with a clock that shows what is put into it."""
    files, clock = [], [0.0]
    monkeypatch.setattr(saving, "write_checkpoint", lambda path, conditions, state: files.append(state))
    monkeypatch.setattr(saving.time, "monotonic", lambda: clock[0])
    return files, clock


def test_every_so_many_steps(written):
    files, _ = written
    steps = iter(range(100))
    saver = Saver("file", 3, {}, lambda: next(steps))
    for _ in range(7):
        saver.after_step()
    assert files == [0, 1]
    saver.write()
    for _ in range(3):
        saver.after_step()
    assert files == [0, 1, 2, 3]


def test_after_so_long(written):
    files, clock = written
    saver = Saver("file", "1min", {}, lambda: clock[0])
    for clock[0] in (10, 59, 60, 61, 119, 120, 200):
        saver.after_step()
    assert files == [60, 120, 200]


def test_without_a_file_nothing_is_written(written):
    saver = Saver(None, None, {}, lambda: 0)
    saver.begin()
    saver.after_step()
    saver.write()
    assert written[0] == []
