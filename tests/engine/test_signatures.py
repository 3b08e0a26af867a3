"""Operations that are written wrongly are refused in Python, each argument of each of them, by its name."""

import re

import numpy as np
import pytest

from fastcnn import nn
from fastcnn._kernels import program as kernels
from fastcnn.engine.memory import External
from fastcnn.engine.signatures import SIGNATURES

from .operations import element_of, example, lengths, write, writer, writer_of

ARGUMENTS = [
    pytest.param(signature, argument, id=f"{signature.name}-{argument.name}")
    for signature in SIGNATURES.values()
    for argument in signature.arguments.values()
]


def of_kind(*kinds):
    """Return the (operation, argument) of these kinds."""
    return [each for each in ARGUMENTS if each.values[1].kind in kinds]


BUFFERS, TABLES = of_kind(*kernels.BUFFERS), of_kind(*kernels.TABLES)


def refused(signature, argument, value, error, message, layout=None):
    """Check that an operation with this argument is refused, with a message that begins with both names."""
    w = writer_of(signature, layout)
    given = {**example(w, signature), argument.name: value}
    with pytest.raises(error, match=rf"^{signature.name}: {argument.name} {message}$"):
        write(w, signature.name, given)
    assert not w.ops


@pytest.mark.parametrize("layout", ["images", "channels"])
@pytest.mark.parametrize("name", SIGNATURES)
def test_every_operation_as_it_is_declared(name, layout):
    signature = SIGNATURES[name]
    w = writer_of(signature, layout)
    given = example(w, signature)
    if layout not in signature.layouts:
        with pytest.raises(ValueError, match=f"^{name}: the layout '{layout}' has no such operation$"):
            write(w, name, given)
        return
    op = write(w, name, given)
    assert w.ops == [op]
    assert op.kernel == name
    assert list(op.arguments) == list(signature.arguments)
    for argument, value in given.items():
        assert op.arguments[argument] is value or op.arguments[argument] == value
    declared = {each.name for each in signature.arguments.values() if each.kind == "LENGTH"}
    expected = lengths(signature)
    assert {each: op.arguments[each] for each in declared} == {each: expected[each] for each in declared}
    assert op.buffers == {each.name: given[each.name] for each in signature.buffers}


@pytest.mark.parametrize("name", [name for name, each in SIGNATURES.items() if each.types])
def test_an_operation_of_other_element_types(name):
    signature = SIGNATURES[name]
    other = element_of("" if signature.types == "_IN_PAIRS" else "_IN_PAIRS")
    w = writer("channels", other)
    with pytest.raises(ValueError, match=f"^{name}: the element type {other.name} has no such operation$"):
        write(w, name, example(w, signature))


@pytest.mark.parametrize("name", SIGNATURES)
def test_what_may_be_left_out_is_none_or_0(name):
    signature = SIGNATURES[name]
    w = writer_of(signature)
    given = {k: v for k, v in example(w, signature).items() if not signature.arguments[k].optional}
    for each in signature.tables:  # those of buffers that are not there
        if each.details[1:] and each.details[1] not in given and each.kind != "SEGMENTS":
            given.pop(each.name)
    op = write(w, name, given)
    for each in signature.arguments.values():
        if each.optional:
            assert op.arguments[each.name] == (None if each.kind in kernels.BUFFERS else 0)


def test_a_table_of_all_pixels_may_be_left_out():
    w = writer()
    blobs = {"dx": w.blob(3, 2, 5), "g": w.blob(3, 2, 5, (1, 1, 1, 1)), "kept": w.blob(3, 2, 5)}
    op = w.activation_grad(**blobs, vectors=1, factor=1.0)
    assert op.arguments["pixels"] == 10
    for name, blob in blobs.items():
        np.testing.assert_array_equal(op.arguments[f"{name}_at"], blob.pixels())


def test_an_unknown_operation():
    with pytest.raises(AttributeError, match=r"^there is no operation 'convolve'$"):
        writer().convolve(tasks=1)


@pytest.mark.parametrize("name", SIGNATURES)
def test_an_unknown_argument(name):
    signature = SIGNATURES[name]
    w = writer_of(signature)
    takes = [each.name for each in signature.arguments.values() if each.kind != "LENGTH"]
    message = re.escape(f"{name}: there is no argument 'kernel'; it takes {', '.join(takes)}")
    with pytest.raises(TypeError, match=f"^{message}$"):
        write(w, name, {**example(w, signature), "kernel": 3})


@pytest.mark.parametrize(("signature", "argument"), of_kind("LENGTH"))
def test_lengths_are_found_out_and_not_given(signature, argument):
    w = writer_of(signature)
    with pytest.raises(
        TypeError, match=f"^{signature.name}: there is no argument '{argument.name}'; it takes"
    ):
        write(w, signature.name, {**example(w, signature), argument.name: 3})


@pytest.mark.parametrize(("signature", "argument"), of_kind("OUT", "INOUT", "IN"))
def test_a_missing_buffer(signature, argument):
    refused(signature, argument, None, TypeError, "is missing")


@pytest.mark.parametrize(("signature", "argument"), of_kind("SIZE", "INTEGER", "SCALAR"))
def test_a_missing_number(signature, argument):
    w = writer_of(signature)
    given = example(w, signature)
    del given[argument.name]
    with pytest.raises(TypeError, match=f"^{signature.name}: {argument.name} is missing$"):
        write(w, signature.name, given)


@pytest.mark.parametrize(("signature", "argument"), of_kind("STARTS", "SEGMENTS", "OFFSETS", "COUNTERS"))
def test_a_missing_table(signature, argument):
    refused(signature, argument, None, TypeError, "must be a row of int32, got NoneType")


@pytest.mark.parametrize(("signature", "argument"), BUFFERS)
def test_a_buffer_of_the_wrong_copies(signature, argument):
    w = writer_of(signature)
    told = {
        "GROUP": "one for each group",
        "SLOT": "one for each slot",
        "THREAD": "one for each thread",
        "ONE": "one for all groups",
    }
    wanted = told.pop(argument.details[0])
    others = {
        "GROUP": w.scratch(4),
        "SLOT": w.sums(4, 4),
        "THREAD": w.thread_scratch(4),
        "ONE": np.zeros(64, np.float32),
    }
    for copies, got in told.items():
        refused(signature, argument, others[copies], TypeError, f"must be {wanted}, got {got}")
    for value in ("x", 3, [1.0]):
        refused(signature, argument, value, TypeError, f"must be {wanted}, got no buffer")


@pytest.mark.parametrize(("signature", "argument"), BUFFERS)
def test_a_buffer_of_the_wrong_type(signature, argument):
    w = writer_of(signature)
    copies, element = argument.details
    dtype = w.element.dtype(element)
    if copies == "ONE":
        refused(signature, argument, np.zeros(64), TypeError, f"must be {dtype}, got float64")
        parameter = nn.Parameter(np.zeros(64, np.float64))
        refused(signature, argument, parameter, TypeError, f"must be {dtype}, got float64")
    elif copies in ("SLOT", "THREAD"):
        sums = w.sums(4, 4) if copies == "SLOT" else w.thread_scratch(4)
        sums.element = "INDEX"
        refused(signature, argument, sums, TypeError, f"must be {dtype}, got int32")
    else:
        for other in {"VALUE", "INDEX", "INT64", "FLOAT64"} - {element}:
            got = w.element.dtype(other)
            if got != dtype:
                value = External("images", 4, other)
                refused(signature, argument, value, TypeError, f"must be {dtype}, got {got}")


@pytest.mark.parametrize(
    ("signature", "argument"), [each for each in BUFFERS if each.values[1].details[0] == "ONE"]
)
def test_a_buffer_that_is_not_contiguous(signature, argument):
    array = np.zeros(128, writer_of(signature).element.dtype(argument.details[1]))[::2]
    refused(signature, argument, array, ValueError, "must be contiguous")


@pytest.mark.parametrize(
    ("signature", "argument"), [each for each in BUFFERS if each.values[1].details == ["GROUP", "VALUE"]]
)
def test_a_blob_of_the_other_layout(signature, argument):
    layout = signature.layouts[-1]
    other = {"images": "channels", "channels": "images"}[layout]
    blob = writer_of(signature, other).blob(3, 2, 2)
    message = f"must be of the layout '{layout}', got '{other}'"
    refused(signature, argument, blob, ValueError, message)


@pytest.mark.parametrize(("signature", "argument"), TABLES)
def test_a_table_that_is_no_row_of_int32(signature, argument):
    for value, got in (
        (np.zeros(4, np.int64), r"int64 of the shape \(4,\)"),
        (np.zeros((1, 4), np.int32), r"int32 of the shape \(1, 4\)"),
        ([0, 0, 0, 0], "list"),
        (3, "int"),
    ):
        refused(signature, argument, value, TypeError, f"must be a row of int32, got {got}")
    refused(signature, argument, np.zeros(16, np.int32)[::2], ValueError, "must be contiguous")


@pytest.mark.parametrize(("signature", "argument"), TABLES)
def test_a_table_of_another_length_than_its_sisters(signature, argument):
    length = argument.details[0]
    sisters = [each for each in signature.tables if each.details[0] == length]
    if len(sisters) == 1:
        return  # it says itself how long it is
    size = 12
    value = np.zeros({"STARTS": size + 1, "SEGMENTS": 4 * size}.get(argument.kind, size), np.int32)
    first = argument is sisters[0]
    blamed = sisters[1] if first else argument  # the first to differ from those before it
    expected = lengths(signature)[length]
    has, others = (expected, size) if first else (size, expected)
    message = f"^{signature.name}: {blamed.name} has {has} {length}, other tables {others}$"
    w = writer_of(signature)
    with pytest.raises(ValueError, match=message):
        write(w, signature.name, {**example(w, signature), argument.name: value})


@pytest.mark.parametrize(("signature", "argument"), of_kind("SEGMENTS"))
def test_segments_that_are_no_rows_of_four(signature, argument):
    refused(
        signature, argument, np.zeros(7, np.int32), ValueError, "must have rows of 4 numbers, got 7 numbers"
    )


def test_a_table_for_a_buffer_that_is_not_given():
    found = 0
    for name, signature in SIGNATURES.items():
        for table in signature.tables:
            if table.kind in ("STARTS", "SEGMENTS", "COUNTERS"):
                continue
            buffer = signature.arguments[table.details[1]]
            if not buffer.optional:
                continue
            w = writer_of(signature)
            given = {**example(w, signature), buffer.name: None}
            message = f"^{name}: {table.name} is given, but not {buffer.name}$"
            with pytest.raises(TypeError, match=message):
                write(w, name, given)
            del given[table.name]
            for other in signature.tables:  # of places that are relative to those
                if other.kind == "OFFSETS" and other.details[1] == table.name:
                    del given[other.name]
            assert write(w, name, given).arguments[table.name] is None
            found += 1
    assert found >= 4


@pytest.mark.parametrize(("signature", "argument"), of_kind("SIZE", "SIZE_IF", "INTEGER", "FLAG"))
def test_a_number_that_is_no_integer(signature, argument):
    for value, got in ((1.0, "float"), ("1", "str"), (np.ones(1, np.int64), r"int64 of the shape \(1,\)")):
        refused(signature, argument, value, TypeError, f"must be an integer, got {got}")


@pytest.mark.parametrize(("signature", "argument"), of_kind("SIZE", "SIZE_IF", "INTEGER", "FLAG"))
def test_an_integer_that_is_out_of_range(signature, argument):
    least, most = {"INTEGER": (-(2**63), 2**63 - 1), "FLAG": (0, 1)}.get(argument.kind, (0, 2**63 - 1))
    for value in (least - 1, most + 1):
        refused(signature, argument, value, ValueError, f"must be from {least} to {most}, got {value}")
    for value in (least, most, np.int64(1), np.bool_(True)):
        w = writer_of(signature)
        op = write(w, signature.name, {**example(w, signature), argument.name: value})
        assert type(op.arguments[argument.name]) is int
        assert op.arguments[argument.name] == value


@pytest.mark.parametrize(("signature", "argument"), of_kind("SCALAR", "SCALAR_IF"))
def test_a_scalar_that_is_no_number(signature, argument):
    for value, got in (("1", "str"), (None, "NoneType"), (np.ones(1), r"float64 of the shape \(1,\)")):
        message = f"must be a number or a function that returns one, got {got}"
        refused(signature, argument, value, TypeError, message)
    for value in (1, 0.5, np.float32(0.5), lambda: 0.5):
        w = writer_of(signature)
        op = write(w, signature.name, {**example(w, signature), argument.name: value})
        assert op.arguments[argument.name] is value


@pytest.mark.parametrize("name", SIGNATURES)
def test_tasks(name):
    """An operation is over groups or over tasks; which, it says itself."""
    signature = SIGNATURES[name]
    w = writer_of(signature)
    given = example(w, signature)
    message = "needs a number of tasks" if signature.over_tasks else "is over groups and has no tasks"
    for tasks in (0, -1) if signature.over_tasks else (1, -1):
        with pytest.raises(TypeError, match=f"^{name} {message}, got {tasks}$"):
            write(w, name, given, tasks=tasks)
    assert not w.ops
