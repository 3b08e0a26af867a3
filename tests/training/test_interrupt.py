"""Ctrl-C and SIGTERM act at once, or at the end of a block that must be done whole."""

import os
import signal
import subprocess
import sys
import threading

import pytest

from fastcnn.training import LambdaCallback, Terminated
from fastcnn.training.interrupt import Interrupts

from .networks import linear, trainer

BOTH = pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
MEANS = {signal.SIGINT: KeyboardInterrupt, signal.SIGTERM: Terminated}


def send(number):
    os.kill(os.getpid(), number)


@pytest.fixture
def handler():
    """Return a function that sets the handler of a signal; those before come back."""
    before = {number: signal.getsignal(number) for number in MEANS}
    yield lambda number, new: signal.signal(number, new)
    for number, old in before.items():
        signal.signal(number, old)


@BOTH
def test_it_acts_at_the_end_of_a_held_block(number):
    done, before = [], signal.getsignal(number)
    with pytest.raises(MEANS[number]), Interrupts() as interrupts:  # noqa: PT012 - the block goes on
        with interrupts.held:
            with interrupts.held:
                send(number)
            done.append("the rest of the block")
        done.append("more")
    assert done == ["the rest of the block"]
    assert signal.getsignal(number) is before


@BOTH
def test_elsewhere_it_acts_at_once(number):
    done = []
    with pytest.raises(MEANS[number]), Interrupts():  # noqa: PT012 - the block goes on
        send(number)
        done.append("the rest of the block")
    assert done == []


def test_the_second_ctrl_c_does_not_wait():
    done = []
    with pytest.raises(KeyboardInterrupt), Interrupts() as interrupts, interrupts.held:  # noqa: PT012
        send(signal.SIGINT)
        done.append("one")
        send(signal.SIGINT)
        done.append("two")
    assert done == ["one"]


def test_sigterm_says_more_than_ctrl_c():
    with pytest.raises(Terminated), Interrupts() as interrupts, interrupts.held:  # noqa: PT012
        send(signal.SIGTERM)
        send(signal.SIGINT)


def test_nothing_happens_without_signals():
    before = [signal.getsignal(number) for number in MEANS]
    with Interrupts() as interrupts, interrupts.held:
        pass
    assert [signal.getsignal(number) for number in MEANS] == before


def test_an_error_in_the_block_comes_first():
    with pytest.raises(ValueError, match="mine"), Interrupts() as interrupts, interrupts.held:
        raise ValueError("mine")
    with pytest.raises(KeyboardInterrupt) as caught, Interrupts() as interrupts, interrupts.held:  # noqa: PT012
        send(signal.SIGINT)
        raise ValueError("mine")
    assert isinstance(caught.value.__context__, ValueError)


def test_outside_the_main_thread_signals_are_left_alone():
    seen, before = [], [signal.getsignal(number) for number in MEANS]

    def run():
        with Interrupts() as interrupts, interrupts.held:
            seen.extend(signal.getsignal(number) for number in MEANS)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert seen == before


@BOTH
def test_a_handler_of_the_users_own_is_called(handler, number):
    calls = []
    handler(number, lambda number, frame: calls.append(number))
    with Interrupts() as interrupts:
        with interrupts.held:
            send(number)
            assert calls == []
        assert calls == [number]
        send(number)
    assert calls == [number, number]


@BOTH
def test_what_is_ignored_stays_so(handler, number):
    handler(number, signal.SIG_IGN)  # as in a shell's background jobs
    with Interrupts() as interrupts, interrupts.held:
        send(number)
    assert signal.getsignal(number) is signal.SIG_IGN


def test_the_systems_own_ctrl_c_ends_the_process(handler):
    handler(signal.SIGINT, signal.SIG_DFL)
    with pytest.raises(Terminated) as caught, Interrupts() as interrupts, interrupts.held:
        send(signal.SIGINT)
    assert caught.value.code == 128 + signal.SIGINT


def test_a_training_within_another_one_ends_with_it(small):
    """In a callback of the outer one, which holds signals back."""
    options = {"batch_size": 50, "progress": False}
    inner = trainer(linear(), callbacks=[LambdaCallback(on_batch_end=lambda *_: send(signal.SIGINT))])
    outer = trainer(
        linear(), callbacks=[LambdaCallback(on_epoch_end=lambda *_: inner.fit(small[0], epochs=9, **options))]
    )
    history = outer.fit(small[0], epochs=9, **options)
    assert inner.history.stop_reason == "interrupted in epoch 1"
    assert history.stop_reason == "interrupted in epoch 2"


def test_sigterm_ends_fit_cleanly_and_then_the_process(small):
    ended = []
    callbacks = [
        LambdaCallback(on_batch_end=lambda trainer, batch, logs: batch == 2 and send(signal.SIGTERM)),
        LambdaCallback(on_train_end=lambda trainer, history: ended.append(history.stop_reason)),
    ]
    trained = trainer(linear(), callbacks=callbacks)
    with pytest.raises(SystemExit) as caught:
        trained.fit(small[0], epochs=3, batch_size=50, progress=False)
    assert caught.value.code == 143
    assert ended == ["terminated in epoch 1"]
    assert trained.history.interrupted


def run(code):
    code = "import os, signal, sys, warnings\nfrom fastcnn.training.interrupt import Interrupts\n" + code
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)


def test_a_forked_child_has_the_handlers_back():
    done = run(
        "warnings.simplefilter('ignore', DeprecationWarning)\n"
        "before = signal.getsignal(signal.SIGINT)\n"
        "with Interrupts() as interrupts, interrupts.held:\n"
        "    child = os.fork()\n"
        "assert signal.getsignal(signal.SIGINT) is before\n"
        "if child:\n"
        "    sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))\n"
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_a_child_that_is_forked_in_a_held_block_can_be_terminated():
    done = run(
        "import time\n"
        "warnings.simplefilter('ignore', DeprecationWarning)\n"
        "reading, writing = os.pipe()\n"
        "with Interrupts() as interrupts, interrupts.held:\n"
        "    child = os.fork()\n"
        "    if not child:\n"
        "        os.write(writing, b'!')\n"
        "        time.sleep(50)\n"
        "        os._exit(0)\n"
        "    os.read(reading, 1)\n"
        "    os.kill(child, signal.SIGTERM)\n"
        "    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))\n"
    )
    assert (done.stdout, done.returncode) == ("143\n", 0)
