"""One valid call of every operation, made from its declaration."""

from dataclasses import replace

import numpy as np

from fastcnn._kernels import program as kernels
from fastcnn.engine.elements import ElementType
from fastcnn.engine.layout import Layout
from fastcnn.engine.memory import External
from fastcnn.engine.signatures import SIGNATURES
from fastcnn.engine.writer import Writer

ELEMENT = ElementType.of("float32")


def writer(layout="channels", element=ELEMENT, **options):
    """Return an empty program."""
    return Writer(element, Layout(layout, element.lanes), **options)


def bytes_of_copy(sizes):
    """Return the bytes of a copy of buffers of so many, which all hold something at one time.

    What may share memory takes whole cache lines; a large copy is an odd number of them.
    """
    lines = sum(-(-size // 64) for size in sizes)
    return 64 * (lines + 1 if lines >= 16 and lines % 2 == 0 else lines)


def writer_of(signature, layout=None):
    """Return an empty program of an element type that has an operation."""
    return writer(layout or signature.layouts[-1], element_of(signature.types))


def element_of(types):
    """Return an element type that has operations of these types."""
    if types not in ("_IN_PAIRS", "_IN_TILES"):
        return ELEMENT
    return replace(ElementType.of("bfloat16"), tiles=types == "_IN_TILES")


def lengths(signature):
    """Return a length for each kind of entries of an operation's tables, no two alike."""
    names = [each.name for each in signature.arguments.values() if each.kind == "LENGTH"]
    names += [each.details[0] for each in signature.tables if each.details[0] not in names]
    return {name: 3 + i for i, name in enumerate(names)}


def buffer(w, argument):
    """Return a buffer of the wanted copies and type."""
    copies, element = argument.details
    if copies == "ONE":
        return np.zeros(64, w.element.dtype(element))
    if copies == "THREAD":
        return w.thread_scratch(4)
    if copies == "SLOT":
        return w.sums(4, 4)
    if element == "VALUE":
        return w.blob(3, 2, 2)
    return External(argument.name, 2, element) if element in ("INT64", "FLOAT64") else w.scratch(4, element)


def table(argument, length):
    """Return a table of zeros."""
    size = {"STARTS": length + 1, "SEGMENTS": 4 * length}.get(argument.kind, length)
    return np.zeros(size, np.int32)


def example(w, signature):
    """Return all arguments that an operation is given, numbers other than what they are by default."""
    of_length = lengths(signature)
    given = {each.name: buffer(w, each) for each in signature.buffers}
    given |= {each.name: table(each, of_length[each.details[0]]) for each in signature.tables}
    for each in signature.arguments.values():
        if each.name not in given and each.kind != "LENGTH":
            given[each.name] = 0.5 if each.kind in kernels.SCALARS else 1
    return given


def write(w, name, given, **options):
    """Append an operation."""
    tasks = {"tasks": 2} if SIGNATURES[name].over_tasks else {}
    return getattr(w, name)(**given, **{**tasks, **options})
