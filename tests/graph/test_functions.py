"""Operations that are declared can be functions in files."""

from functools import partial

import numpy as np
import pytest

import fastcnn.nn.functional as F
from fastcnn import graph, ops
from fastcnn._arguments import checked
from fastcnn.errors import ArgumentError

from .activations import CASES

X = np.random.default_rng(0).standard_normal((2, 4, 5, 6)) + 2


def test_each_function_has_one_operation():
    for name, function in graph.FUNCTIONS.items():
        assert function.name == name
        assert graph.function_of(function.operation.__new__(function.operation)) is function
    assert len({each.operation for each in graph.FUNCTIONS.values()}) == len(graph.FUNCTIONS)


def test_what_needs_weights_or_a_mode_is_none():
    for operation in (graph.Linear(), graph.Conv2d(), graph.Dropout(None, True)):
        assert graph.function_of(operation) is None


class Exp2(graph.Exp):
    """An operation of somebody's own."""


def test_an_operation_that_is_derived_is_another_one():
    assert graph.function_of(Exp2()) is None
    assert graph.function_of(graph.Exp()) is graph.FUNCTIONS["exp"]


def power_of_itself(x):
    with np.errstate(invalid="ignore"):  # of negative numbers
        return x**x


# Settings, and what the same call makes under the names that users know.
CALLS = {
    "add": ({}, lambda x: x + x),
    "sub": ({}, lambda x: x - x),
    "mul": ({}, lambda x: x * x),
    "div": ({}, lambda x: x / x),
    "pow": ({}, power_of_itself),
    "neg": ({}, lambda x: -x),
    "exp": ({}, F.exp),
    "sqrt": ({}, F.sqrt),
    "tanh": ({}, F.tanh),
    "clamp": ({"min": 1, "max": 2.5}, lambda x: F.clamp(x, 1, 2.5)),
    "local_response_norm": (
        {"size": 3, "alpha": 0.5, "k": 2.0},
        lambda x: F.local_response_norm(x, 3, 0.5, k=2.0),
    ),
    "softmax": ({"dim": 1}, lambda x: F.softmax(x, 1)),
    "log_softmax": ({}, lambda x: F.log_softmax(x)),
    "mean": ({"dim": [2, 3]}, lambda x: x.mean((2, 3))),
    "sum": ({"dim": -1, "keepdim": True}, lambda x: x.sum(-1, keepdims=True)),
    "amax": ({"dim": 2}, lambda x: x.max(2)),
    "max_pool2d": ({"kernel_size": 3, "stride": 2, "padding": 1}, lambda x: F.max_pool2d(x, 3, 2, 1)),
    "avg_pool2d": (
        {"kernel_size": [2, 3], "ceil_mode": True},
        lambda x: F.avg_pool2d(x, (2, 3), None, 0, True),
    ),
    "adaptive_avg_pool2d": ({"output_size": [1, None]}, lambda x: F.adaptive_avg_pool2d(x, (1, None))),
    "flatten": ({"start_dim": 1}, lambda x: F.flatten(x, 1)),
    "reshape": ({"shape": [-1, 8, 15]}, lambda x: x.reshape(-1, 8, 15)),
    "permute": ({"dims": [0, 2, 3, 1]}, lambda x: x.transpose(0, 2, 3, 1)),
    "slice": ({"index": ":, 1:3, ..., ::2"}, lambda x: x[:, 1:3, ..., ::2]),
    "cat": ({"dim": 1}, lambda x: F.cat((x, x), 1)),
    "adaptive_max_pool2d": ({"output_size": [1, None]}, lambda x: F.adaptive_max_pool2d(x, (1, None))),
    "pad": (
        {"padding": [1, 0, 2, 0], "mode": "reflect"},
        lambda x: F.pad(x, (1, 0, 2, 0), "reflect"),
    ),
    "interpolate": (
        {"scale_factor": [1.5, 2], "mode": "bilinear", "align_corners": True},
        lambda x: F.interpolate(x, None, (1.5, 2), "bilinear", True),
    ),
    "pixel_shuffle": ({"upscale_factor": 2}, lambda x: F.pixel_shuffle(x, 2)),
    "pixel_unshuffle": ({"downscale_factor": 1}, lambda x: F.pixel_unshuffle(x, 1)),
    "channel_shuffle": ({"groups": 2}, lambda x: F.channel_shuffle(x, 2)),
    "unflatten": ({"dim": 1, "sizes": [2, -1]}, lambda x: ops.unflatten(x, 1, (2, -1))),
    "detach": ({}, lambda x: x),
}


CALLS["erf"] = {}, F.erf
CALLS["log"] = {}, F.log

for _name, _case in CASES.items():
    CALLS[_name] = _case.given, partial(_case.function, **_case.given)


def test_every_function_is_tested():
    assert graph.FUNCTIONS.keys() == CALLS.keys()


@pytest.mark.parametrize("name", CALLS)
def test_a_function_there_and_back(name):
    """Made of settings as a file has them, it computes what is expected, and gives the settings again."""
    function, (given, expected) = graph.FUNCTIONS[name], CALLS[name]
    settings = {key: checked(function.settings[key], value, key) for key, value in given.items()}
    operation = function.make(**{**function.defaults, **settings})
    inputs = [X] * max(function.least, 2 if function.most is None else 1)
    made = function.apply(operation, *inputs)
    np.testing.assert_array_equal(made, expected(X))
    again = function.read(operation, made.shape[1:])
    assert again.keys() == function.settings.keys()
    assert {**function.defaults, **settings} == {
        key: checked(function.settings[key], value, key) for key, value in again.items()
    }


def test_a_name_that_is_taken():
    with pytest.raises(ArgumentError, match=r"function: exp is fastcnn\.graph\.smooth\.Exp already: take an"):
        graph.function("exp")(Exp2)
    assert graph.function_of(Exp2()) is None


def test_numbers_take_the_type_of_the_tensor():
    function = graph.FUNCTIONS["mul"]
    made = function.apply(function.make(), 0.1, X.astype(np.float32))
    assert made.dtype == np.float32
    np.testing.assert_array_equal(made, np.float32(0.1) * X.astype(np.float32))
