"""Calls of modules: what each keeps for its backward pass, apart from the module and for each thread.

A call of a module on arrays is recorded. Its record is found again by `backward` in the same thread, in the
frame that the call was made in: that of the thread, or that of the call of a module with a backward of its
own, which calls its members on arrays too. So a module can be called twice, and by several threads.
"""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from ..errors import StateError
from ..graph import Tape, Watch, WatchedTape, recording

_NOTHING = object()


class Frame:
    """The latest call of each module that was called in one place; a record ends with its module."""

    def __init__(self, outer: Frame | None = None) -> None:
        self._outer = outer
        self._calls: dict[int, tuple[weakref.ref, Call]] = {}

    def put(self, module: Any, call: Call) -> None:
        """Remember a call, the latest of the module."""
        key, calls = id(module), self._calls
        calls[key] = weakref.ref(module, lambda _: calls.pop(key, None)), call

    def take(self, module: Any) -> Call | None:
        """Forget the latest call of a module, and return it."""
        found = self._calls.pop(id(module), None)
        return None if found is None else found[1]

    def find(self, module: Any) -> Call | None:
        """Return the latest call of a module, here or further out."""
        found = self._calls.get(id(module))
        if found is not None:
            return found[1]
        return None if self._outer is None else self._outer.find(module)


class Call:
    """What one call of a module keeps.

    Attributes
    ----------
    saved : object
        What the module's own forward assigned to ``self.saved``.
    frame : Frame
        Of the calls that its forward made on arrays.
    tape : Tape or None
        The operations of a forward that has no backward of its own.
    derived : bool
        Whether the backward pass is that of the tape; else it is the module's own.
    output : object
        What forward returned, with the number of each value in the place of it.
    """

    def __init__(self, outer: Frame) -> None:
        self.saved: Any = _NOTHING
        self.frame = Frame(outer)
        self.tape: Tape | None = None
        self.output: Any = _NOTHING
        self.derived = False

    def recorded(self) -> bool:
        """Tell whether there is a whole record, whose backward pass can be derived."""
        return self.tape is not None and self.output is not _NOTHING


class _Thread(threading.local):
    def __init__(self) -> None:
        self.frame = Frame()
        self.active: list[tuple[Any, Call]] = []
        self.mode: bool | None = None
        self.keep = True
        self.watch: Watch | None = None


_thread = _Thread()


@contextmanager
def entered(module: Any, call: Call, recorder: Tape | None = None) -> Iterator[None]:
    """Let `call` be the one that `module` is in, and its frame the one that calls are put into."""
    thread = _thread
    before = thread.frame
    thread.frame = call.frame
    thread.active.append((module, call))
    try:
        with recording(recorder):
            yield
    finally:
        thread.active.pop()
        thread.frame = before


def new_call() -> Call:
    """Return a call in the present frame."""
    return Call(_thread.frame)


def new_tape(module: Any, before: Tape | None = None) -> Tape:
    """Return the tape of a module's call, which keeps nothing if there will be no backward pass.

    The one of the call before, `before`, is no longer needed.
    """
    watch = _thread.watch
    return Tape(_thread.keep, before) if watch is None else WatchedTape(_thread.keep, before, module, watch)


def put(module: Any, call: Call) -> None:
    """Remember the latest call of a module, if there may be a backward pass."""
    if _thread.keep:
        _thread.frame.put(module, call)


def take(module: Any) -> Call | None:
    """Forget the latest call of a module in the present frame, and return it."""
    return _thread.frame.take(module)


def find(module: Any) -> Call:
    """Return the call of a module that it is in, or its latest one.

    Raises
    ------
    StateError
        If there is none.
    """
    found = _present(module) or latest(module)
    if found is None:
        name = type(module).__name__
        raise StateError(
            f"{name}: backward was called before forward: call the module itself, model(x), in the same "
            "thread (model.forward(x) only computes)"
        )
    return found


def _present(module: Any) -> Call | None:
    """Return the call of a module that has not ended, the innermost of several."""
    return next((call for active, call in reversed(_thread.active) if active is module), None)


def latest(module: Any) -> Call | None:
    """Return the latest call of a module that has ended."""
    return _thread.frame.find(module)


def innermost(module: Any) -> Call | None:
    """Return the innermost call of all if it is one of this module."""
    active = _thread.active
    return active[-1][1] if active and active[-1][0] is module else None


def reference(module: Any) -> Callable[[], Any]:
    """Return what gives a module, for its record: a weak reference if the innermost call is of the module.

    The record of a call lives as long as the module, and must not keep it.
    """
    return weakref.ref(module) if innermost(module) is not None else lambda: module


def saved(module: Any) -> Any:
    """Return what the module's forward saved in the present call, or the latest one."""
    call = find(module)
    if call.saved is _NOTHING:
        raise StateError(f"{type(module).__name__}: forward saved nothing")
    return call.saved


def save(module: Any, value: Any) -> None:
    """Keep something for the backward pass of the present call of a module."""
    call = _present(module)
    if call is None:
        call = new_call()
        put(module, call)
    call.saved = value


# Predictions ------------------------------------------------------------------------------------------


def mode() -> bool | None:
    """Return whether all modules are in training mode in this thread; None: each is in its own."""
    return _thread.mode


@contextmanager
def passive(evaluating: bool = True, *, training: bool = False) -> Iterator[None]:
    """Let calls in this thread leave no record; modules stay as they are.

    Parameters
    ----------
    evaluating : bool
        Whether they are in evaluation mode; else each module is in its own.
    training : bool
        Whether they are all in training mode instead.
    """
    thread = _thread
    before = thread.frame, thread.mode, thread.keep
    forced = True if training else False if evaluating else None
    thread.frame, thread.mode, thread.keep = Frame(), forced, False
    try:
        yield
    finally:
        thread.frame, thread.mode, thread.keep = before


@contextmanager
def watched(watch: Watch) -> Iterator[None]:
    """Tell of each operation that calls of modules in this thread apply; see `graph.WatchedTape`."""
    thread = _thread
    before, thread.watch = thread.watch, watch
    try:
        yield
    finally:
        thread.watch = before
