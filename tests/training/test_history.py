import csv
import math
import os
import re
import sys

import numpy as np
import pytest

from fastcnn.errors import ArgumentError, DataError
from fastcnn.training import History


def history():
    made = History()
    made.epochs += [
        {"epoch": 1, "loss": 2.0, "val_loss": 1.5, "val_accuracy": 0.5},
        {"epoch": 2, "loss": 1.0, "val_loss": math.nan, "val_accuracy": 0.75},
        {"epoch": 3, "loss": 0.5, "val_loss": 0.25, "val_accuracy": 0.75, "extra": 7},
    ]
    return made


def test_rows_and_columns():
    made = history()
    assert len(made) == 3
    assert made["loss"] == [2.0, 1.0, 0.5]
    assert made[-1]["epoch"] == 3
    assert [row["epoch"] for row in made] == [1, 2, 3]
    assert made.columns == ["epoch", "loss", "val_loss", "val_accuracy", "extra"]
    assert math.isnan(made["extra"][0])
    assert made["extra"][2] == 7
    assert repr(made).startswith("History(3 epochs: epoch=3, loss=0.5")
    assert repr(History()) == "History(0 epochs)"


def test_best_is_the_first_of_equals_and_never_nan():
    made = history()
    assert made.best("val_accuracy")["epoch"] == 2
    assert made.best("val_loss")["epoch"] == 3
    assert made.best("loss", mode="max")["epoch"] == 1
    assert made.best("extra", mode="min")["epoch"] == 3


def test_csv_keeps_every_digit(tmp_path):
    made = history()
    made.epochs[0]["loss"] = 1 / 3
    made.to_csv(tmp_path / "history.csv")
    with open(tmp_path / "history.csv", newline="") as file:
        rows = list(csv.reader(file))
    assert rows[0] == made.columns
    assert float(rows[1][1]) == 1 / 3
    assert rows[2] == ["2", "1.0", "nan", "0.75", "nan"]
    assert os.listdir(tmp_path) == ["history.csv"]


def test_csv_with_chosen_columns_and_headings(tmp_path):
    history().to_csv(tmp_path / "a.csv", {"epoch": "Epoch", "val_loss": "CE Loss"})
    assert (tmp_path / "a.csv").read_text() == "Epoch,CE Loss\n1,1.5\n2,nan\n3,0.25\n"
    history().to_csv(tmp_path / "b.csv", ["epoch"])
    assert (tmp_path / "b.csv").read_text() == "epoch\n1\n2\n3\n"


def test_a_csv_file_is_read_again(tmp_path):
    made = history()
    made.to_csv(tmp_path / "history.csv")
    read = History.from_csv(tmp_path / "history.csv")
    assert read.columns == made.columns
    assert all(np.array_equal(read[name], made[name], equal_nan=True) for name in made.columns)
    assert isinstance(read[0]["epoch"], int)
    steps = History.from_csv(tmp_path / "history.csv", tmp_path / "history.csv").steps
    assert [row["epoch"] for row in steps] == [1, 2, 3]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "cannot be read: No such file"),
        ("epoch,loss\n1,high\n", "not a table of numbers"),
        ("epoch,loss\n1\n", "not a table of numbers"),
        ("epoch,loss\n1,2,3\n", "not a table of numbers"),
        ("\xff\x00", "not a table of numbers|no column 'epoch'"),
        ("loss\n1\n", "there is no column 'epoch'"),
    ],
)
def test_a_csv_file_that_is_none(tmp_path, text, message):
    path = tmp_path / "history.csv"
    if text is not None:
        path.write_bytes(text.encode("latin-1"))
    with pytest.raises(DataError, match=message) as caught:
        History.from_csv(path)
    assert str(caught.value).startswith(str(path))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda h: h["acc"], r"no column 'acc' \(there are: epoch, loss"),
        (lambda h: h.best("extra"), "say mode='min' or mode='max' for 'extra'"),
        (lambda h: h.best("loss", "best"), "mode must be 'auto', 'min' or 'max', got 'best'"),
        (lambda h: History()["loss"], r"no column 'loss' \(there are: none\)"),
    ],
)
def test_invalid_arguments_are_named(call, message):
    with pytest.raises(ArgumentError, match=message):
        call(history())


def test_all_nan_has_no_best():
    made = History()
    made.epochs.append({"loss": math.nan})
    with pytest.raises(ArgumentError, match="every 'loss' is NaN"):
        made.best("loss")


def test_a_table_of_pandas():
    pandas = pytest.importorskip("pandas")
    made = history()
    table = made.to_pandas()
    assert table.index.name == "epoch"
    assert table.index.tolist() == made["epoch"]
    assert table.columns.tolist() == [name for name in made.columns if name != "epoch"]
    for name in table.columns:
        np.testing.assert_array_equal(table[name], made[name])
    assert isinstance(table, pandas.DataFrame)
    empty = History().to_pandas()
    assert empty.shape == (0, 0)
    assert empty.index.name == "epoch"


def test_without_pandas(monkeypatch):
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(ImportError, match=re.escape('needs pandas: pip install "fastcnn[pandas]"')):
        history().to_pandas()
