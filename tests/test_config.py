"""What an installation says of itself, where Python can do without its lock."""

import os
import subprocess
import sys
import sysconfig

import pytest

import fastcnn
from fastcnn._kernels import cpu

FREE_THREADED = "free-threaded Python"


@pytest.fixture
def shown(monkeypatch, capsys):
    """What show_config prints on a Python whose build and lock are these, as a dict."""

    def show(build, lock):
        monkeypatch.setattr(sysconfig, "get_config_var", {"Py_GIL_DISABLED": build}.get)
        monkeypatch.setattr(sys, "_is_gil_enabled", lambda: lock, raising=False)
        fastcnn.show_config()
        lines = capsys.readouterr().out.splitlines()
        return dict(line.split("  ", 1) for line in lines)

    return show


@pytest.mark.parametrize(
    ("why", "isa", "told"),
    [
        (None, "amx", 'used with the precision "medium"'),
        (None, "avx2", "not used: the instruction set is avx2"),
        ("the system has refused them (arch_prctl)", "avx512", "not used: the system has refused them"),
    ],
)
def test_it_says_why_there_are_no_tiles(shown, monkeypatch, why, isa, told):
    monkeypatch.setattr(cpu, "without_tiles", lambda: why)
    monkeypatch.setattr(cpu, "get_isa", lambda element=None: isa)
    assert shown(None, True)["tiles (AMX)"].strip().startswith(told)


@pytest.mark.parametrize("build", [None, 0])
def test_a_python_with_a_lock_says_nothing_of_it(shown, build):
    assert FREE_THREADED not in shown(build, True)


def test_a_free_threaded_python_has_its_lock_enabled(shown):
    text = shown(1, True)[FREE_THREADED]
    assert text.strip() == "the lock (GIL) is enabled; fastcnn has not been tested without it"


def test_a_lock_that_the_user_keeps_off_is_told(shown):
    assert (
        shown(1, False)[FREE_THREADED].strip().startswith("PYTHON_GIL=0 or -X gil=0 keeps the lock (GIL) off")
    )


@pytest.mark.skipif(not sysconfig.get_config_var("Py_GIL_DISABLED"), reason="Python is not free-threaded")
def test_importing_fastcnn_enables_the_lock_and_python_warns():
    code = "import sys, fastcnn.ops; print(sys._is_gil_enabled())"
    environment = {name: value for name, value in os.environ.items() if name != "PYTHON_GIL"}
    done = subprocess.run(
        [sys.executable, "-W", "always", "-c", code], capture_output=True, text=True, env=environment
    )
    assert done.stdout == "True\n"
    assert "global interpreter lock (GIL) has been enabled" in done.stderr
