"""Commands whose output goes nowhere, to a reader that leaves, or to a terminal without most characters."""

import os
import subprocess
import sys

import pytest

COMMANDS = {
    "info": "info",
    "train": "train tiny.toml --out run --curves",
    "summary": "summary tiny.toml",
    "convert": "convert tiny.toml --to python",
    "datasets": "datasets",
    "lr-find": "lr-find tiny.toml --steps 10",
    "profile": "profile tiny.toml --batch-size 2",
    "evaluate": "evaluate {trained}",
    "predict": "predict {trained} ziffer-ä.npy",
    "help": "train --help",
}
EACH = pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS)
SOME = pytest.mark.parametrize("command", [COMMANDS[name] for name in ("train", "predict", "help")])
# Pictures take longer than all else here.
PYTHON = (
    f'{sys.executable} -W error -c \'import sys; sys.modules["matplotlib"] = None; '
    "from fastcnn.cli import main; sys.exit(main())'"
)


@pytest.fixture
def run(recipe, tmp_path, trained):
    import numpy as np

    np.save(tmp_path / "ziffer-ä.npy", np.zeros((28, 28), np.uint8))

    def start(command, shell="{}", **environment):
        line = shell.format(f"{PYTHON} {command.format(trained=trained)}")
        # With the buffer that a process has by default.
        environment = {**os.environ, "FASTCNN_NUM_THREADS": "1", "PYTHONUNBUFFERED": "", **environment}
        return subprocess.run(
            ["bash", "-c", f"set -o pipefail; {line}"],
            capture_output=True,
            cwd=tmp_path,
            env=environment,
            timeout=120,
        )

    return start


@EACH
def test_all_streams_closed(run, command, tmp_path):
    done = run(command, "{} <&- >&- 2>&-")
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
    if "train tiny" in command:
        assert (tmp_path / "run" / "report.html").exists()


@SOME
@pytest.mark.parametrize("closed", [">&-", "2>&-"])
def test_a_closed_stream(run, command, closed, tmp_path):
    done = run(command, f"{{}} {closed}")
    assert (done.returncode, done.stderr) == (0, b"")
    assert bool(done.stdout) == (closed == "2>&-")
    if "train tiny" in command:
        assert (tmp_path / "run" / "report.html").exists()


@SOME
@pytest.mark.parametrize("buffered", ["", "1"])
def test_a_reader_that_leaves(run, command, tmp_path, buffered):
    done = run(command, "{} | head -1", PYTHONUNBUFFERED=buffered)
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout.count(b"\n") <= 1
    if "train tiny" in command:
        # It is trained to its end all the same.
        assert len((tmp_path / "run" / "history.csv").read_text().splitlines()) == 3
        assert (tmp_path / "run" / "metrics.json").exists()


@SOME
@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
def test_terminals_with_few_characters(run, command, encoding):
    done = run(command, PYTHONIOENCODING=encoding)
    assert (done.returncode, done.stderr) == (0, b"")
    text = done.stdout.decode(encoding)
    if "ziffer" in command:
        assert text.startswith("ziffer-\\xe4.npy" if encoding == "ascii" else "ziffer-ä.npy")


def test_the_plain_locale(run):
    plain = {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"}
    done = run(COMMANDS["train"], **plain)
    assert (done.returncode, done.stderr) == (0, b"")
    assert "•".encode() not in done.stdout


@pytest.mark.parametrize("closed", [">&-", "2>&-"])
def test_mistakes_have_their_exit_codes(run, closed):
    wrong, usage = run("evaluate nothing", f"{{}} {closed}"), run("train --fast", f"{{}} {closed}")
    assert (wrong.returncode, usage.returncode) == (1, 2)
    # A message is not output, also where there is no place for it.
    assert wrong.stdout == usage.stdout == b""
    assert bool(wrong.stderr) == bool(usage.stderr) == (closed == ">&-")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="Linux has such a device")
def test_a_full_disk_is_told(run):
    done = run("info", "{} > /dev/full")
    assert done.returncode == 1
    assert done.stderr == b"fastcnn: error: [Errno 28] No space left on device\n"
