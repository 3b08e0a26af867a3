"""Lines of JSON; what CSV files share with them is in test_callbacks.py and test_files.py."""

import json
import math
import os
import threading

import numpy as np
import pytest

from fastcnn.training import JSONLines, LambdaCallback

from .networks import StopAt, StopError, linear, trainer


def read(path):
    def refuse(name):
        raise AssertionError(f"{name} is no JSON")

    return [json.loads(line, parse_constant=refuse) for line in path.read_text().splitlines()]


def fit(callbacks, small, epochs=2, t=None, **options):
    t = trainer(linear(), callbacks=callbacks) if t is None else t
    t.fit(small[0], epochs=epochs, batch_size=100, progress=False, **options)
    return t


def test_an_object_for_each_epoch_is_there_when_it_ends(small, tmp_path):
    path, lines = tmp_path / "history.jsonl", []
    t = fit(
        [JSONLines(path), LambdaCallback(on_epoch_end=lambda *_: lines.append(len(read(path))))],
        small,
        validation=small[1],
    )
    assert lines == [1, 2]
    assert read(path) == t.history.epochs
    fit([], small, 1, t)
    assert read(path) == t.history.epochs
    assert len(t.history) == 3


def test_what_json_lacks_is_null(small, tmp_path):
    def add(trainer, epoch, row):
        row.update(nan=math.nan, high=np.float32(np.inf), count=np.int64(3), low=-math.inf)

    path = tmp_path / "history.jsonl"
    fit(
        [LambdaCallback(on_epoch_end=add), JSONLines(path, ["epoch", "nan", "high", "count", "low"])],
        small,
        1,
    )
    assert path.read_text() == '{"epoch": 1, "nan": null, "high": null, "count": 3, "low": null}\n'


def test_columns_and_their_names(small, tmp_path):
    path = tmp_path / "history.jsonl"
    t = fit([JSONLines(path, {"epoch": "number", "loss": "Loss", "val_loss": "none"})], small)
    assert read(path) == [
        {"number": row["epoch"], "Loss": row["loss"], "none": None} for row in t.history.epochs
    ]


def test_a_training_that_goes_on_has_each_epoch_once(small, tmp_path):
    path, checkpoint = tmp_path / "history.jsonl", tmp_path / "checkpoint.safetensors"
    columns = ["epoch", "loss", "accuracy"]
    with pytest.raises(StopError):
        fit([JSONLines(path, columns), StopAt(2, 2)], small, 3, checkpoint=checkpoint)
    assert len(read(path)) == 1
    t = fit([JSONLines(path, columns)], small, 3, checkpoint=checkpoint, resume=True)
    assert [row["epoch"] for row in read(path)] == [1, 2, 3]
    assert read(path) == [{name: row[name] for name in columns} for row in t.history.epochs]


def test_a_pipe_is_closed_when_an_exception_ends_the_training(small, tmp_path):
    pipe, got = tmp_path / "pipe", []
    os.mkfifo(pipe)
    reader = threading.Thread(target=lambda: got.append(pipe.read_text()))
    reader.start()

    def fail(trainer, epoch):
        if epoch == 2:
            raise KeyError("mine")

    log = JSONLines(pipe, ["epoch"])
    with pytest.raises(KeyError, match="mine"):
        fit([log, LambdaCallback(on_epoch_begin=fail)], small)
    reader.join(20)
    assert got == ['{"epoch": 1}\n']
