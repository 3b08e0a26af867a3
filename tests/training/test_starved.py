"""Each call that writes a checkpoint fails once, one after the other: nothing that was saved is lost."""

import contextlib
import errno
import io
import logging
import os
import resource
import signal

import numpy as np
import pytest

from fastcnn import _files, data, nn, optim
from fastcnn.errors import CheckpointError
from fastcnn.training import CSVLogger, LambdaCallback, Trainer
from fastcnn.training.checkpoint import read_checkpoint

from .networks import assert_same_state, states

BATCHES, EPOCHS = 3, 2


def train(folder, *callbacks):
    """Train a little network, with a checkpoint after each step; return the Trainer."""
    rng = np.random.default_rng(0)
    digits = data.Dataset(rng.integers(0, 256, (24, 1, 4, 4), np.uint8), rng.integers(0, 4, 24))
    model = nn.Sequential(nn.Flatten(), nn.Dropout(0.2), nn.Linear(16, 4)).initialize(seed=0)
    trainer = Trainer(model, optim.Adam(model.parameters()), nn.CrossEntropyLoss(), callbacks=callbacks)
    keep = {"checkpoint": folder / "training.safetensors", "checkpoint_every": 1, "resume": True}
    trainer.fit(digits, epochs=EPOCHS, batch_size=8, progress=False, **keep)
    return trainer


class ShortWrites(io.FileIO):
    """A file that takes a few bytes at a time."""

    def write(self, content):
        return super().write(memoryview(content)[:100])


class Faults:
    """Let the n-th call that writes, flushes, syncs, opens or renames fail, or all from it on."""

    def __init__(self, patch, number, error, for_good=False):
        self.calls, self.names = 0, []
        self._number, self._error, self._for_good = number, error, for_good
        for name in ("open", "fdopen", "fsync", "replace", "fchmod"):
            patch.setattr(_files.os, name, self._failing(name, getattr(os, name)))

    def _failing(self, name, call):
        def called(*arguments, **options):
            self.fail(name)
            result = call(*arguments, **options)
            return Stream(result, self) if name == "fdopen" else result

        return called

    def fail(self, name):
        self.calls += 1
        self.names.append(name)
        if self.calls == self._number or (self._for_good and self.calls > self._number):
            raise OSError(self._error, os.strerror(self._error))


class Stream:
    """A file whose write and flush may fail."""

    def __init__(self, file, faults):
        self._file, self._faults = file, faults

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._file.close()

    def __getattr__(self, name):
        if name in ("write", "flush"):
            self._faults.fail(name)
        return getattr(self._file, name)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    folder = tmp_path_factory.mktemp("whole")
    trainer = train(folder)
    return trainer, read_checkpoint(folder / "training.safetensors")["state"]


def calls_of_a_training(folder):
    with pytest.MonkeyPatch.context() as patch:
        faults = Faults(patch, 0, 0)
        train(folder)
    return faults.names


@pytest.mark.parametrize("error", [errno.ENOSPC, errno.EIO, errno.EDQUOT], ids=errno.errorcode.get)
def test_each_call_fails_once(whole, tmp_path, error, caplog):
    (tmp_path / "count").mkdir()
    names = calls_of_a_training(tmp_path / "count")
    assert {"open", "fdopen", "write", "flush", "fsync", "replace", "fchmod"} <= set(names)
    for number in range(1, len(names) + 1):
        folder = tmp_path / str(number)
        folder.mkdir()
        caplog.clear()
        with pytest.MonkeyPatch.context() as patch, caplog.at_level(logging.WARNING):
            faults = Faults(patch, number, error)
            try:
                trained = train(folder)
            except CheckpointError as raised:
                trained, refused = None, raised
        if trained is None:  # the very first one: nothing is begun that cannot be kept
            assert os.strerror(error) in str(refused)
            assert len(faults.names) <= len(names) // (BATCHES * EPOCHS)
        else:
            assert_same_state(trained.model, whole[0].model)
        assert [name for name in os.listdir(folder) if name != "training.safetensors"] == []
        # What is there is a state of the training, and goes on to the same bits.
        assert_same_state(train(folder).model, whole[0].model)


@pytest.mark.parametrize("step", range(1, BATCHES * EPOCHS + 1))
def test_a_disk_that_is_full_for_good(whole, tmp_path, step):
    """The last checkpoint before it stays, whatever comes after."""
    path, count = tmp_path / "training.safetensors", iter(range(1, 100))
    with pytest.MonkeyPatch.context() as patch:

        def fill(*_):
            if next(count) == step:
                Faults(patch, 1, errno.ENOSPC, for_good=True)

        trained = train(tmp_path, LambdaCallback(on_batch_end=fill))
    assert_same_state(trained.model, whole[0].model)
    state = read_checkpoint(path)["state"]
    position = state["position"]["batch"] + BATCHES * len(state["history"]["epochs"])
    assert position == step - 1
    assert os.listdir(tmp_path) == ["training.safetensors"]
    assert_same_state(train(tmp_path).model, whole[0].model)


def test_short_writes_are_finished(whole, tmp_path, monkeypatch):
    monkeypatch.setattr(
        _files.os, "fdopen", lambda number, mode: io.BufferedWriter(ShortWrites(number, "w"), 64)
    )
    train(tmp_path)
    monkeypatch.undo()
    assert_same_state(train(tmp_path).model, whole[0].model)


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="needs interval timers")
def test_calls_that_signals_interrupt(whole, tmp_path):
    """EINTR: a timer goes off all the time, and calls are begun again."""
    rings = []
    before = signal.signal(signal.SIGALRM, lambda *_: rings.append(1))
    signal.setitimer(signal.ITIMER_REAL, 1e-4, 1e-4)
    try:
        trained = train(tmp_path)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert rings
    assert_same_state(trained.model, whole[0].model)
    assert_same_state(train(tmp_path).model, whole[0].model)


@contextlib.contextmanager
def largest_file(size):
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.skipif(not hasattr(resource, "RLIMIT_FSIZE"), reason="needs a limit on the size of files")
def test_files_that_the_system_cuts_off(whole, tmp_path):
    """The kernel refuses what lies beyond a limit: for each part of the file."""
    train(tmp_path)
    size = (tmp_path / "training.safetensors").stat().st_size
    for limit in range(0, size * 9 // 10, size // 7):
        with pytest.raises(CheckpointError, match="File too large"), largest_file(limit):
            train(tmp_path)
        assert os.listdir(tmp_path) == ["training.safetensors"]
        assert_same_state(train(tmp_path).model, whole[0].model)


def test_a_table_that_cannot_be_written_ends_fit_with_a_checkpoint(whole, tmp_path):
    """What a callback raises leaves fit; all of the training is on the disk by then."""
    tables = tmp_path / "tables"
    tables.mkdir()
    away = LambdaCallback(on_epoch_end=lambda *_: tables.rmdir())
    with pytest.raises(OSError, match=r"No such file"):
        train(tmp_path, away, CSVLogger(tables / "history.csv"))
    tables.mkdir()
    trained = train(tmp_path, CSVLogger(tables / "history.csv"))
    assert states(trained.model) == states(whole[0].model)
    assert len((tables / "history.csv").read_text().splitlines()) == 1 + EPOCHS
