"""Progress bars: shown where somebody sees them, and no trap for a forked child."""

import io
import os
import subprocess
import sys
import types

import pytest
from tqdm import notebook

from fastcnn._bars import new_bar


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.mark.parametrize(
    ("stream", "shown", "expected"),
    [(Terminal(), True, True), (Terminal(), False, False), (io.StringIO(), True, False), (None, True, False)],
)
def test_where_a_bar_is_drawn(stream, shown, expected, monkeypatch):
    monkeypatch.setattr(sys, "stderr", stream)
    with new_bar(3, "work", shown) as bar:
        assert bar.disable is not expected
        bar.update(3)
    if stream is not None:
        assert ("work: 100%" in stream.getvalue()) is expected


class Widget:
    """What stands for tqdm's bar of notebooks, which tests/test_notebook.py draws in a kernel."""

    def __init__(self, **options):
        self.options = options


def in_a_shell(monkeypatch, config, ipywidgets=True):
    """Make Python look like that of a shell of IPython."""
    shell = types.SimpleNamespace(config=config)
    monkeypatch.setitem(sys.modules, "IPython", types.SimpleNamespace(get_ipython=lambda: shell))
    monkeypatch.setattr("fastcnn._bars.find_spec", lambda name: ipywidgets or None)
    monkeypatch.setattr(notebook, "tqdm", Widget)
    monkeypatch.setattr(notebook, "IProgress", object())


def test_a_notebook_has_a_widget(monkeypatch, capsys):
    in_a_shell(monkeypatch, {"IPKernelApp": {}})
    bar = new_bar(3, "work", bar_format="{desc} {bar:20} {n_fmt}")
    assert isinstance(bar, Widget)
    assert bar.options == {"total": 3, "desc": "work", "bar_format": "{desc} {bar} {n_fmt}"}
    assert not isinstance(new_bar(3, "work", False), Widget)
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(("config", "ipywidgets"), [({}, True), ({"IPKernelApp": {}}, False)])
def test_no_widget_in_a_terminal_or_without_ipywidgets(config, ipywidgets, monkeypatch, capsys):
    in_a_shell(monkeypatch, config, ipywidgets)
    bar = new_bar(3, "work")
    assert not isinstance(bar, Widget)
    assert bar.disable  # pytest's standard error is no terminal
    assert capsys.readouterr() == ("", "")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the system cannot fork")
@pytest.mark.parametrize("holder", ["thread", "own"])
def test_a_child_is_not_kept_out_by_a_lock_of_the_parent(holder):
    code = f"""
import os, threading, warnings
from fastcnn._bars import new_bar
from tqdm import tqdm
from tqdm.std import TqdmDefaultWriteLock
warnings.simplefilter("ignore", DeprecationWarning)
new_bar(1, "first").close()
lock, held, done = TqdmDefaultWriteLock.th_lock, threading.Event(), threading.Event()

def hold():
    with lock:
        held.set()
        done.wait()

if {holder == "thread"}:
    threading.Thread(target=hold).start()
    held.wait()
before = tqdm.get_lock()
child = os.fork()
if child == 0:
    new_bar(1, "second").close()
    # Where nobody holds the lock it stays: it keeps the bars of both processes apart.
    os._exit(0 if (tqdm.get_lock() is before) is {holder == "own"} else 3)
done.set()
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=30)
    assert (done.stdout, done.stderr) == ("0\n", "")
