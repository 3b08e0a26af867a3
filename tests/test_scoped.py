"""Values of a thread within a with block."""

import threading

import pytest

from fastcnn._scoped import Scoped


def test_a_value_holds_within_the_block():
    scoped = Scoped()
    assert scoped.value is None
    with scoped.set(1):
        with scoped.set(2):
            assert scoped.value == 2
        assert scoped.value == 1
    assert scoped.value is None


def test_it_ends_with_an_error():
    scoped = Scoped()
    with pytest.raises(KeyError), scoped.set(1):
        raise KeyError
    assert scoped.value is None


def test_another_thread_has_its_own():
    scoped, found = Scoped(), []
    with scoped.set(1):
        thread = threading.Thread(target=lambda: found.append(scoped.value))
        thread.start()
        thread.join()
    assert found == [None]
