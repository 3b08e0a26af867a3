"""Who holds a lock; tests/engine/test_runners.py has what threads take in turn."""

import threading

import pytest

from fastcnn._kernels.turns import Hold


def is_free(lock):
    """Tell whether another thread could take the lock."""
    found = []
    thread = threading.Thread(target=lambda: found.append(lock.acquire(timeout=0.05)))
    thread.start()
    thread.join()
    return found[0]


def test_a_lock_is_held_within_the_block():
    lock = threading.RLock()
    with Hold(lock), Hold(lock):  # a thread may hold it twice
        assert not is_free(lock)
    assert is_free(lock)


def test_it_is_let_go_where_the_block_never_began():
    """As after an interrupt between ``__enter__`` and the block."""
    lock = threading.RLock()
    hold = Hold(lock)
    hold.__enter__()
    assert not is_free(lock)
    del hold
    assert is_free(lock)


def test_it_is_let_go_once():
    lock = threading.Lock()
    hold = Hold(lock)
    with pytest.raises(KeyError), hold:
        raise KeyError
    assert lock.acquire(blocking=False)  # now it is somebody else's
    hold.__exit__()
    del hold
    assert lock.locked()


def test_a_hold_that_was_never_entered_lets_nothing_go():
    lock = threading.Lock()
    lock.acquire()
    Hold(lock)
    assert lock.locked()
