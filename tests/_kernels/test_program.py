"""Programs: the declarations of their operations, and what is refused before anything runs."""

import numpy as np
import pytest

from fastcnn._kernels import program as kernels

KEYS = np.zeros(1, np.uint64)


def program(*ops, element="float32", layout="images", phases=(), externals=()):
    of_type = [(name, element, *rest) for name, *rest in ops]
    return kernels.Program(element, layout, of_type, phases, externals)


def gather(out, source, place):
    """Return the operation out[i] = source[place[i]] as a program takes it."""
    buffers = {"out": (out, 0, kernels.EACH_GROUP), "source": (source, 0, kernels.EACH_GROUP)}
    return "gather", {**buffers, "place": np.array(place, np.int32), "count": len(place)}, 1, 0, False


def test_keys_must_have_an_element():
    with pytest.raises(ValueError, match="keys must have an element"):
        program().run(1, np.zeros(0, np.uint64), 0, 0, 1, ())
    program().run(1, KEYS, 0, 0, 1, ())


@pytest.mark.parametrize("phases", [(0, 1), (1, 0), (-1, 0)])
def test_phases_must_exist(phases):
    with pytest.raises(IndexError, match="no phases"):
        program().run(1, KEYS, *phases, 1, ())


def test_arrays_must_be_as_many_as_externals():
    with pytest.raises(ValueError, match="1 arrays for 0 externals"):
        program().run(1, KEYS, 0, 0, 1, (np.zeros(1, np.float32),))


@pytest.mark.parametrize("layout", ["images", "channels"])
def test_an_operation_runs_on_what_it_is_given_by_name(dtype, layout):
    out, source = np.full(3, np.nan, dtype), np.array([5, 6, 7], dtype)
    op = gather(out, source, [2, 0, 2])
    made = program(op, element=out.dtype.name, layout=layout, phases=[(kernels.OVER_TASKS, 0, 1)])
    made.run(1, KEYS, 0, 1, 1, ())
    np.testing.assert_array_equal(out, [7, 5, 7])
    made.bind(0, "source", np.array([1, 2, 3], dtype))
    made.run(1, KEYS, 0, 1, 1, ())
    np.testing.assert_array_equal(out, [3, 1, 3])


def test_an_external_array_comes_with_each_run():
    out = np.full(2, np.nan, np.float32)
    op = gather(out, None, [1, 0])
    made = program(op, phases=[(kernels.OVER_TASKS, 0, 1)], externals=[[(0, "source")]])
    for numbers in ([1, 2], [3, 4]):
        made.run(1, KEYS, 0, 1, 1, (np.array(numbers, np.float32),))
        np.testing.assert_array_equal(out, numbers[::-1])


def test_nothing_runs_without_an_external_array_that_it_takes():
    out = np.full(2, np.nan, np.float32)
    ops = [gather(out, np.zeros(2, np.float32), [1, 0]), gather(out, None, [1, 0])]
    phases = [(kernels.OVER_TASKS, 0, 1), (kernels.OVER_TASKS, 1, 2)]
    made = program(*ops, phases=phases, externals=[[(1, "source")]])
    made.run(1, KEYS, 0, 1, 1, (None,))
    np.testing.assert_array_equal(out, [0, 0])
    for first in (0, 1):
        with pytest.raises(ValueError, match="Program: operation 1, gather, lacks an array"):
            made.run(1, KEYS, first, 2, 1, (None,))
        with pytest.raises(ValueError, match="Program: operation 1, gather, lacks an array"):
            made.time_ops(np.zeros(2), 1, KEYS, first, 2, (None,))


OP = gather(None, None, [0])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"element": "int8"}, "there are no kernels for elements of the type 'int8'"),
        ({"layout": "rows"}, "no operation 'gather' of the layout 'rows'"),
        ({"ops": [("collect", *OP[1:])]}, "no operation 'collect' of the layout 'images'"),
        ({"ops": [("dense", {}, 0, 0, False)]}, "the layout 'images' has no operation 'dense'"),
        (
            {"ops": [("dense", {}, 0, 0, False)], "layout": "channels", "element": "bfloat16"},
            "the layout 'channels' has no operation 'dense' of this element type",
        ),
        (
            {"ops": [("apply", {}, 0, 0, False)], "element": "bfloat16"},
            "the layout 'images' has no operation 'apply' of this element type",
        ),
        ({"ops": [("gather", {"out": None}, 1, 0, False)]}, "gather takes out, source, place, count"),
        ({"externals": [[(0, "place")]]}, "operation 0, gather, has no such argument as 'place'"),
        ({"externals": [[(0, "x")]]}, "operation 0, gather, has no such argument as 'x'"),
    ],
)
def test_what_does_not_exist_is_refused(options, message):
    ops = options.pop("ops", [OP])
    with pytest.raises(ValueError, match=message):
        program(*ops, **options)


def test_only_arguments_of_the_right_kind_are_set_later():
    made = program(OP)
    with pytest.raises(ValueError, match="operation 0, gather, has no such argument as 'place'"):
        made.bind(0, "place", np.zeros(1, np.float32))
    with pytest.raises(ValueError, match="operation 0, gather, has no such argument as 'count'"):
        made.set_scalar(0, "count", 1.0)
    for op in (1, -1):
        with pytest.raises(IndexError, match=f"there is no operation {op}"):
            made.point(op, "out", None)
    with pytest.raises(IndexError, match="1 operations, but a place for 2 times"):
        made.time_ops(np.zeros(2), 1, KEYS, 0, 0, ())


def test_operations_are_declared_once_and_whole():
    """A length is that of a table of its operation, and what a table is about is declared before it."""
    operations, names, lengths = set(), {}, set()
    for kind, name, details in kernels.declarations():
        if kind == "OPERATION":
            assert name not in operations
            operations.add(name)
            names, lengths = {}, set()
        elif kind == "END":
            assert name in operations
            assert {each for each, of in names.items() if of == "LENGTH"} <= lengths
        else:
            assert name not in names
            names[name] = kind
        if kind in ("PLACES", "PLACES_OR_NONE"):
            assert names[details[1]] in kernels.BUFFERS
        if kind == "OFFSETS":
            assert names[details[1]] == "PLACES"
        if kind in kernels.TABLES:
            lengths.add(details[0])
    assert operations > {"conv", "conv_spans", "gather"}


@pytest.mark.parametrize("dtype", [np.int64, np.int32, np.uint8, np.float64])
def test_counters_of_every_type_count(dtype):
    counters = [np.full((), n, dtype) for n in range(3)]
    kernels.add_one(counters)
    assert [counter.tolist() for counter in counters] == [1, 2, 3]
    assert all(counter.dtype == dtype for counter in counters)


def test_a_counter_that_nobody_may_write_is_refused():
    counter = np.zeros((), np.int64)
    counter.flags.writeable = False
    with pytest.raises(ValueError, match=r"not writable|read-only|READONLY"):
        kernels.add_one([counter])
