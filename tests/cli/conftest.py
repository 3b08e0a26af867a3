import pytest

import fastcnn
from fastcnn.cli import main

TINY = """\
[model]
spec = "Conv 4 5 3 0\\nReLU\\nFC 10"

[data]
validation = 200
train = 500
test = 100

[optimizer]
type = "Adam"
lr = 0.01

[training]
epochs = 2
batch_size = 50
"""


@pytest.fixture(autouse=True)
def one_thread():
    """Small work is fastest on one thread; results do not depend on it."""
    before = fastcnn.get_num_threads()
    fastcnn.set_num_threads(1)
    yield
    fastcnn.set_num_threads(before)


@pytest.fixture
def recipe(tmp_path, monkeypatch):
    """Return the name of a small recipe in the current folder, which is a temporary one."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "tiny.toml").write_text(TINY)
    return "tiny.toml"


@pytest.fixture(scope="session")
def trained(tmp_path_factory):
    """Return the folder of a finished training."""
    folder = tmp_path_factory.mktemp("trained")
    (folder / "tiny.toml").write_text(TINY)
    assert main(["train", str(folder / "tiny.toml"), "--threads", "1", "--out", str(folder / "run")]) == 0
    return folder / "run"


@pytest.fixture
def fails(capsys):
    """Return a function that runs a command that must fail in one line or so many, and returns them."""

    def run(*argv, code=1, lines=1):
        assert main([str(each) for each in argv]) == code
        error = capsys.readouterr().err
        assert error.startswith("fastcnn: error: ")
        assert error.count("\n") == lines
        return error.removeprefix("fastcnn: error: ").rstrip("\n")

    return run
