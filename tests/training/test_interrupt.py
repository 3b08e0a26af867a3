"""Ctrl-C is held back while an epoch is booked."""

import os
import signal
import subprocess
import sys
import threading

import pytest

from fastcnn.training.interrupt import DeferredInterrupt


def test_ctrl_c_acts_at_the_end_of_the_block():
    done = []
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt), DeferredInterrupt():  # noqa: PT012 - the block goes on
        os.kill(os.getpid(), signal.SIGINT)
        done.append("the rest of the block")
    assert done == ["the rest of the block"]
    assert signal.getsignal(signal.SIGINT) is before


def test_without_ctrl_c_nothing_happens():
    before = signal.getsignal(signal.SIGINT)
    with DeferredInterrupt():
        pass
    assert signal.getsignal(signal.SIGINT) is before


def test_an_error_in_the_block_comes_through():
    with pytest.raises(ValueError, match="mine"), DeferredInterrupt():
        raise ValueError("mine")


def test_outside_the_main_thread_signals_are_left_alone():
    seen = []

    def run():
        with DeferredInterrupt():
            seen.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert seen == [signal.getsignal(signal.SIGINT)]


@pytest.fixture
def handler():
    """Return a function that sets the handler of Ctrl-C; the one before comes back."""
    before = signal.getsignal(signal.SIGINT)
    yield lambda new: signal.signal(signal.SIGINT, new)
    signal.signal(signal.SIGINT, before)


def test_a_handler_of_the_users_own_is_called(handler):
    calls = []
    handler(lambda number, frame: calls.append(number))
    with DeferredInterrupt():
        os.kill(os.getpid(), signal.SIGINT)
        assert calls == []
    assert calls == [signal.SIGINT]


def test_ctrl_c_that_is_ignored_stays_so(handler):
    # As in a shell's background jobs.
    handler(signal.SIG_IGN)
    with DeferredInterrupt():
        os.kill(os.getpid(), signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN


def test_the_systems_own_handler_ends_the_process():
    code = (
        "import os, signal\n"
        "from fastcnn.training.interrupt import DeferredInterrupt\n"
        "signal.signal(signal.SIGINT, signal.SIG_DFL)\n"
        "with DeferredInterrupt():\n"
        "    os.kill(os.getpid(), signal.SIGINT)\n"
        "    print('the rest of the block', flush=True)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (-signal.SIGINT, "the rest of the block\n")


def test_a_forked_child_has_the_handler_back():
    code = (
        "import os, signal, sys, warnings\n"
        "from fastcnn.training.interrupt import DeferredInterrupt\n"
        "warnings.simplefilter('ignore', DeprecationWarning)\n"
        "before = signal.getsignal(signal.SIGINT)\n"
        "with DeferredInterrupt():\n"
        "    child = os.fork()\n"
        "assert signal.getsignal(signal.SIGINT) is before\n"
        "if child:\n"
        "    sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
