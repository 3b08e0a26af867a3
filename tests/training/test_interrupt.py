"""Ctrl-C is held back while an epoch is booked."""

import os
import signal
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
