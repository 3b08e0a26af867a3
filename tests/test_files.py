"""What is written gets its name when it is whole, and leaves modes, links, devices and pipes alone."""

import os
import stat
import subprocess
import sys
import threading

import numpy as np
import pytest

import fastcnn
from fastcnn import _files, nn, optim, recipes
from fastcnn.errors import CheckpointError
from fastcnn.training import CSVLogger, History, JSONLines, ModelCheckpoint, Trainer, report, save_weights
from fastcnn.training.files import write_table


def history():
    found = History()
    found.epochs = [
        {"epoch": each, "loss": 1 / each, "accuracy": 0.5, "val_loss": 1.0, "val_accuracy": 0.25}
        for each in (1, 2)
    ]
    return found


def fit(callback):
    model = nn.Sequential(nn.Flatten(), nn.Linear(4, 2)).initialize(seed=0)
    images = np.zeros((4, 1, 2, 2), np.uint8)
    trainer = Trainer(model, optim.SGD(model.parameters()), nn.CrossEntropyLoss(), callbacks=[callback])
    trainer.fit(fastcnn.data.Dataset(images, np.array([0, 1, 0, 1])), epochs=2, batch_size=2, progress=False)


# Everything in the package that writes a file whose name is given to it.
WRITERS = {
    "bytes": lambda path: _files.write_atomic(path, b"new\n"),
    "table": lambda path: write_table(path, ["a"], [[1]]),
    "weights": lambda path: save_weights(nn.Linear(2, 2).initialize(seed=0), path),
    "history": lambda path: history().to_csv(path),
    "picture": lambda path: report.plot_curves(history(), path),
    "recipe": lambda path: recipes.files.write_file(recipes.load("compact-mnist"), path),
    "log": lambda path: fit(CSVLogger(path)),
    "lines": lambda path: fit(JSONLines(path, ["epoch", "loss"])),
    "checkpoint": lambda path: fit(ModelCheckpoint(path, "loss")),
}
EACH = pytest.mark.parametrize("write", WRITERS.values(), ids=WRITERS)


@pytest.fixture
def umask():
    before = os.umask(0o027)
    yield
    os.umask(before)


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


@EACH
def test_a_new_file_has_the_mode_of_new_files(write, tmp_path, umask):
    write(tmp_path / "file")
    assert mode(tmp_path / "file") == 0o640
    assert os.listdir(tmp_path) == ["file"]


@EACH
@pytest.mark.parametrize("before", [0o600, 0o664, 0o444])
def test_an_older_file_keeps_its_mode(write, tmp_path, before, umask):
    path = tmp_path / "file"
    path.write_bytes(b"old")
    path.chmod(before)
    write(path)
    assert mode(path) == before
    assert path.read_bytes() != b"old"


@pytest.mark.skipif(os.getuid() != 0, reason="only root gives files away")
def test_an_older_file_keeps_its_owner_and_group(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"old")
    os.chown(path, 12345, 54321)
    path.chmod(0o4750)
    _files.write_atomic(path, b"new")
    found = path.stat()
    assert (found.st_uid, found.st_gid, stat.S_IMODE(found.st_mode)) == (12345, 54321, 0o4750)


@EACH
def test_symbolic_links_stay(write, tmp_path):
    (tmp_path / "there").mkdir()
    target, link, again = tmp_path / "there" / "file", tmp_path / "link", tmp_path / "again"
    link.symlink_to("there/file")
    again.symlink_to("link")
    write(again)  # which leads to nothing yet
    target.chmod(0o600)
    write(again)
    assert link.is_symlink()
    assert again.is_symlink()
    assert mode(target) == 0o600
    assert os.listdir(target.parent) == ["file"]


@EACH
def test_a_pipe_gets_what_a_file_would(write, tmp_path):
    path, pipe, got = tmp_path / "file", tmp_path / "pipe", []
    os.mkfifo(pipe, 0o600)
    # A checkpoint comes once an improvement: somebody must be there for each.
    held = os.open(pipe, os.O_RDWR)

    def read():
        with open(pipe, "rb") as file:
            opened.set()
            got.append(file.read())

    opened = threading.Event()
    reader = threading.Thread(target=read)
    reader.start()
    opened.wait(10)
    write(path)
    writer = threading.Thread(target=write, args=(pipe,))
    writer.start()
    writer.join(20)
    os.close(held)
    reader.join(20)
    assert stat.S_ISFIFO(pipe.stat().st_mode)
    assert sorted(os.listdir(tmp_path)) == ["file", "pipe"]
    if write is WRITERS["log"]:
        # The times differ.
        assert [line.split(b",")[0] for line in got[0].splitlines()] == [b"epoch", b"1", b"2"]
    elif write is WRITERS["checkpoint"]:
        # The entries of a file's metadata come in any order.
        assert [got[0].count(b'"epoch":"%d"' % epoch) for epoch in (1, 2)] == [1, 1]
        assert got[0].endswith(path.read_bytes()[-40:])  # the weights of the second epoch
    else:
        assert path.read_bytes() in got[0]


def test_a_log_in_a_pipe_is_one_stream(tmp_path):
    """A reader that reads to the end gets every epoch, and the training does not wait for a second reader."""
    pipe, got = tmp_path / "pipe", []
    os.mkfifo(pipe)
    reader = threading.Thread(target=lambda: got.append(pipe.read_text()))
    reader.start()
    logger = CSVLogger(pipe, ["epoch"])
    fit(logger)
    reader.join(20)
    assert got == ["epoch\n1\n2\n"]


@EACH
def test_devices_stay(write):
    before = os.stat("/dev/null")
    write("/dev/null")
    assert os.stat("/dev/null").st_rdev == before.st_rdev
    assert stat.S_ISCHR(os.stat("/dev/null").st_mode)


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="Linux has such a device")
@EACH
def test_a_device_that_is_full_says_so(write):
    with pytest.raises((OSError, CheckpointError), match="No space left on device"):
        write("/dev/full")


@pytest.mark.parametrize("name", ["/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"])
@pytest.mark.parametrize("to", ["file", "pipe"])
def test_the_standard_output_is_gone_on_with(name, to, tmp_path):
    if not os.path.exists(name):
        pytest.skip("the system has no such name")
    link = tmp_path / "link"
    link.symlink_to(name)
    code = (
        "from fastcnn import _files\n"
        "print('before')\n"
        f"_files.write_atomic({name!r}, b'written\\n')\n"
        f"_files.write_atomic({str(link)!r}, b'by a link\\n')\n"
        "print('after')\n"
    )
    path = tmp_path / "out"
    path.write_text("there already\n")
    with open(path, "a") as file:
        done = subprocess.run(
            [sys.executable, "-c", code], stdout=file if to == "file" else subprocess.PIPE, check=True
        )
    expected = "before\nwritten\nby a link\nafter\n"
    if to == "file":
        assert path.read_text() == f"there already\n{expected}"
    else:
        assert done.stdout.decode() == expected
    assert sorted(os.listdir(tmp_path)) == ["link", "out"]


@EACH
@pytest.mark.parametrize("call", ["fsync", "replace", "fchmod"])
def test_a_write_that_fails_leaves_the_old_file(write, call, tmp_path, monkeypatch):
    path = tmp_path / "file"
    path.write_bytes(b"old")

    def fail(*args):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, call, fail)
    with pytest.raises((OSError, CheckpointError), match="No space left"):
        write(path)
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["file"]


def test_ctrl_c_leaves_no_temporary_file(tmp_path, monkeypatch):
    def interrupt(*args):
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", interrupt)
    with pytest.raises(KeyboardInterrupt):
        _files.write_atomic(tmp_path / "file", b"new")
    assert os.listdir(tmp_path) == []


def test_what_was_abandoned_is_swept(tmp_path):
    """After an hour; what others have named otherwise stays."""
    old, new = f".fastcnn-{'0' * 16}.tmp", f".fastcnn-{'1' * 16}.tmp"
    others = [".fastcnn-notes.tmp", f".fastcnn-{'2' * 16}.tmp.old", "data.npz"]
    for name in (old, new, *others):
        (tmp_path / name).write_bytes(b"")
        if name != new:
            os.utime(tmp_path / name, (0, 0))
    _files.sweep(tmp_path)
    assert sorted(os.listdir(tmp_path)) == sorted([new, *others])
    _files.sweep(tmp_path / "missing")


def test_data_then_name_then_folder(tmp_path, monkeypatch):
    """A power cut at any moment leaves the old file or the new one."""
    events, fsync, replace = [], os.fsync, os.replace

    def note_sync(descriptor):
        events.append("folder" if stat.S_ISDIR(os.fstat(descriptor).st_mode) else "data")
        fsync(descriptor)

    def note_name(*names):
        events.append("name")
        replace(*names)

    monkeypatch.setattr(os, "fsync", note_sync)
    monkeypatch.setattr(os, "replace", note_name)
    _files.write_atomic(tmp_path / "file", b"new")
    assert events == ["data", "name", "folder"]


def test_a_secret_is_never_readable_by_others(tmp_path, monkeypatch):
    path, modes = tmp_path / "file", []
    path.touch(0o600)
    write = os.fchmod
    monkeypatch.setattr(
        os, "fchmod", lambda fd, bits: (modes.append(stat.S_IMODE(os.fstat(fd).st_mode)), write(fd, bits))
    )
    _files.write_atomic(path, b"new")
    assert modes == [0o600]


def test_long_names(tmp_path):
    path = tmp_path / ("ä" * 127)  # 254 bytes; 255 is what a name may have
    for content in (b"old", b"new"):
        _files.write_atomic(path, content)
    assert path.read_bytes() == b"new"


def test_folders_are_refused(tmp_path):
    with pytest.raises(IsADirectoryError):
        _files.write_atomic(tmp_path, b"new")
    with pytest.raises(FileNotFoundError):
        _files.write_atomic(tmp_path / "no" / "file", b"new")


def test_names_in_the_current_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("file", b"file", "./file"):
        _files.write_atomic(name, b"new")
    assert os.listdir() == ["file"]
