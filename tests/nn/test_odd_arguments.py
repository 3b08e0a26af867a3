"""Whatever stands in the place of an argument, functions and layers take it or raise what is documented."""

import inspect

import numpy as np
import pytest

from fastcnn import nn
from fastcnn.errors import FastcnnError
from fastcnn.nn import functional as F

from ..graph.models import Formula
from ..oracle import samples
from ..oracle.cases import load

ODD = [
    *(None, "x", b"a", [], (), {}, [1, [2]], -1, 0, 1.5, 2**70, True, float("nan"), float("inf")),
    *(np.float64(2), np.int64(2), slice(1), object()),
    *(
        np.arange(1),
        np.ones(1, complex),
        np.array(1.0),
        np.ones((1, 1), np.float16),
        np.ones((1, 1, 1, 1, 1)),
    ),
]


def _first(file):
    """Return the first sample of each name."""
    found = {}
    for case in load(file):
        found.setdefault(case.args["name"], case)
    return found


FUNCTIONS = {name: case for name, case in _first("samples_functions").items() if hasattr(F, name)}
MODULES = _first("samples_modules")


def _each_odd(args, options, parameters):
    """Yield arguments of which one is odd, with words for it."""
    for i, _ in enumerate(args):
        for odd in ODD:
            yield f"argument {i}: {odd!r}", [*args[:i], odd, *args[i + 1 :]], options
    for name in list(parameters)[len(args) :]:
        for odd in ODD:
            yield f"{name}: {odd!r}", args, {**options, name: odd}


def _taken_or_refused(what, run, *args, **options):
    try:
        run(*args, **options)
    except FastcnnError:
        return
    except Exception as error:
        raise AssertionError(what) from error


@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions(name):
    case, function = FUNCTIONS[name], getattr(F, name)
    args, options = samples.arguments(case, "call", case.input)
    for what, *given in _each_odd(args, options, inspect.signature(function).parameters):
        _taken_or_refused(what, function, *given[0], **given[1])
        if isinstance(args[0], np.ndarray) and given[0] and given[0][0] is args[0]:  # as a value too
            rest = given[0][1:], given[1]
            model = Formula(lambda x, rest=rest: function(x, *rest[0], **rest[1]))
            _taken_or_refused(f"{what}, of a value", model, args[0])


@pytest.mark.parametrize("name", MODULES)
def test_modules(name):
    case, kind = MODULES[name], getattr(nn, name)
    called, by_name = samples.arguments(case, "call", case.input)
    if name == "GaussianNLLLoss":
        called = (called[0], called[2]), called[1]

    def use(*args, **options):
        module = kind(*args, **options).double()
        module(*called, **by_name)

    args, options = samples.arguments(case, "made", case.input)
    for what, *given in _each_odd(args, options, inspect.signature(kind).parameters):
        _taken_or_refused(what, use, *given[0], **given[1])
    for what, *given in _each_odd(called, by_name, ()):
        _taken_or_refused(what, kind(*args, **options).double(), *given[0], **given[1])
