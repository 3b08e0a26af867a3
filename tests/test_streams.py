"""A stream that can be written to whatever became of it."""

import contextlib
import errno
import io
import os
import sys

import pytest

from fastcnn._streams import Steady, steady, steady_streams


class WriteOnly:
    """What a logger or a window puts in the place of a stream."""

    def __init__(self):
        self.text = ""

    def write(self, text):
        self.text += text


def narrow(encoding, errors="strict"):
    return io.TextIOWrapper(io.BytesIO(), encoding, errors)


@pytest.mark.parametrize("stream", [None, object(), WriteOnly(), io.StringIO()])
def test_none_and_strange_objects(stream):
    screen = steady(stream)
    print("shown", file=screen, flush=True)
    assert not screen.isatty()
    assert screen.encoding == "utf-8"
    if isinstance(stream, WriteOnly):
        assert stream.text == "shown\n"


def test_isatty_that_is_no_method_or_fails():
    for answer in (True, lambda: 1 / 1, lambda: (_ for _ in ()).throw(ValueError)):
        stream = WriteOnly()
        stream.isatty = answer
        assert steady(stream).isatty() is (answer is not True and not _raises(answer))


def _raises(call):
    try:
        call()
    except ValueError:
        return True
    return False


@pytest.mark.parametrize(
    ("encoding", "expected"),
    [
        ("ascii", rb"\xe4 \u2022 \udcff"),
        ("latin-1", b"\xe4 \\u2022 \\udcff"),
        ("utf-8", b"\xc3\xa4 \xe2\x80\xa2 "),
    ],
)
def test_characters_that_the_encoding_lacks(encoding, expected):
    stream = narrow(encoding)
    # The last is what a byte of a file's name becomes that is no text.
    assert steady(stream).write("ä • \udcff") == 5
    stream.flush()
    assert stream.buffer.getvalue().startswith(expected)


def test_a_choice_of_the_user_stays():
    stream = narrow("ascii", "replace")
    print("ä", file=steady(stream), flush=True)
    assert stream.buffer.getvalue() == b"?\n"


def test_closed_streams_are_silent():
    stream = io.StringIO()
    stream.close()
    print("lost", file=steady(stream), flush=True)


@pytest.mark.parametrize("number", [errno.EPIPE, errno.EIO])
def test_broken_streams_are_silent_and_others_are_not(number):
    class Broken(WriteOnly):
        def write(self, text):
            raise OSError(self.number, os.strerror(self.number))

        flush = lambda self: self.write("")  # noqa: E731

    stream = Broken()
    stream.number = number
    print("lost", file=steady(stream), flush=True)
    stream.number = errno.ENOSPC
    with pytest.raises(OSError, match="No space left"):
        print("lost", file=steady(stream), flush=True)


def test_a_broken_pipe_leaves_nothing_to_complain_of():
    reading, writing = os.pipe()
    os.close(reading)
    stream = os.fdopen(writing, "w")
    print("lost", file=steady(stream), flush=True)
    # What is in the buffer goes nowhere: closing raises nothing.
    stream.close()


def test_errors_of_the_stream_itself_are_not_hidden():
    class Wrong(WriteOnly):
        def write(self, text):
            raise ValueError("a mistake in write")

    with pytest.raises(ValueError, match="a mistake in write"):
        steady(Wrong()).write("x")


def test_everything_else_is_the_streams_own():
    stream = narrow("latin-1")
    assert steady(stream).buffer is stream.buffer
    assert steady(steady(stream))._stream is stream


def test_streams_are_put_back(monkeypatch):
    for out, err in ((None, None), (io.StringIO(), WriteOnly())):
        monkeypatch.setattr(sys, "stdout", out)
        monkeypatch.setattr(sys, "stderr", err)
        with contextlib.suppress(KeyError), steady_streams():
            assert isinstance(sys.stdout, Steady)
            assert isinstance(sys.stderr, Steady)
            print("shown")
            raise KeyError
        assert sys.stdout is out
        assert sys.stderr is err
    assert out.getvalue() == "shown\n"
