"""Predictions for several inputs and of several outputs."""

from collections import OrderedDict, namedtuple

import numpy as np
import pytest

import fastcnn.nn.functional as F
from fastcnn import nn
from fastcnn.errors import DTypeError, ShapeError

from .forwards import Hinted, Pair, TwoInputs, normal

Scores = namedtuple("Scores", "classes maps")


def of(function):
    """Return a module with a layer that is a function of its inputs."""

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.linear = nn.Linear(3, 2)

        def forward(self, *inputs):
            return function(self, *inputs)

    return Net().double().initialize(seed=1)


@pytest.mark.parametrize("engine", [True, False])
@pytest.mark.parametrize("batch_size", [1, 3, 7, 100])
@pytest.mark.parametrize("kind", [tuple, list])
def test_several_inputs_are_the_arguments_of_forward(kind, batch_size, engine):
    model = Hinted(size=6, hints=3, classes=4).double().initialize(seed=2)
    image, hint = normal(7, 1, 6, 6), normal(7, 3, seed=1)
    wanted = model.eval()(image, hint)
    model.train()
    y = model.predict(kind([image, hint]), batch_size, engine=engine)
    assert y.shape == (7, 4)
    np.testing.assert_allclose(y, wanted, rtol=1e-12)
    assert all(module.training for module in model.modules())


def test_a_tuple_of_one_is_its_array():
    model, x = nn.Linear(3, 2), normal(5, 3).astype(np.float32)
    np.testing.assert_array_equal(model.predict((x,)), model.predict(x))
    np.testing.assert_array_equal(model.predict([x]), model.predict(x))


def test_layers_that_see_two_images():
    model = Pair(size=4, classes=3).double().initialize(seed=0)
    left, right = normal(5, 1, 4, 4), normal(5, 1, 4, 4, seed=1)
    np.testing.assert_allclose(model.predict((left, right), 2), model(left, right), rtol=1e-12)


def test_integers_reach_forward_as_they_are():
    table = normal(4, 3)
    model = of(lambda self, x, index: self.linear(x) + self.linear(table[index.numpy()]))
    x, index = normal(5, 3, seed=1), np.array([3, 0, 1, 1, 2])
    np.testing.assert_allclose(model.predict((x, index), 2), model(x, index), rtol=1e-12)


OUTPUTS = {
    "tuple": lambda self, x: (self.linear(x), x * 2),
    "list": lambda self, x: [self.linear(x), x * 2],
    "dict": lambda self, x: OrderedDict(classes=self.linear(x), maps=x * 2),
    "named": lambda self, x: Scores(self.linear(x), x * 2),
    "nested": lambda self, x: {"a": (self.linear(x), [x.sum(1)])},
    "constant": lambda self, x: (self.linear(x), None),
}


@pytest.mark.parametrize("engine", [True, False])
@pytest.mark.parametrize("batch_size", [2, 5])
@pytest.mark.parametrize("name", OUTPUTS)
def test_several_outputs_are_put_together_one_by_one(name, batch_size, engine):
    model, x = of(OUTPUTS[name]), normal(5, 3)
    wanted, y = model(x), model.predict(x, batch_size, engine=engine)
    assert type(y) is type(wanted)

    def compare(a, b):
        if isinstance(b, dict):
            assert list(a) == list(b)
            a, b = list(a.values()), list(b.values())
        if isinstance(b, tuple | list):
            for one, other in zip(a, b, strict=True):
                compare(one, other)
        elif b is None:
            assert a is None
        else:
            assert a.dtype == b.dtype
            np.testing.assert_allclose(a, b, rtol=1e-12)

    compare(y, wanted)


def test_two_inputs_and_two_outputs():
    model = TwoInputs().double().initialize(seed=1)
    image, features = normal(5, 1, 4, 4), normal(5, 3, seed=1)
    scores, maps = model.predict((image, features), 2)
    for got, wanted in zip((scores, maps), model(image, features), strict=True):
        np.testing.assert_allclose(got, wanted, rtol=1e-12)


@pytest.mark.parametrize("engine", [True, False])
@pytest.mark.parametrize(
    ("x", "error", "message"),
    [
        (
            (normal(4, 1, 6, 6), normal(5, 3)),
            ShapeError,
            r"predict: x\[1\] has 5 rows, but the first array has 4",
        ),
        (
            (normal(4, 1, 6, 6), "a"),
            DTypeError,
            r"predict: x\[1\] must be an array with a batch axis, got str",
        ),
        (
            normal(4, 1, 6, 6),
            DTypeError,
            r"Hinted: forward takes \(image, hint\), got 1 array: missing a required argument: 'hint'; "
            "several inputs are a tuple of arrays",
        ),
        (
            [normal(1, 6, 6)] * 3,
            DTypeError,
            r"Hinted: forward takes \(image, hint\), got 3 arrays: too many positional arguments; .* "
            r"samples in a list are one: np.stack\(x\)",
        ),
        ((normal(4, 1, 6, 6), normal(4, 2)), ShapeError, r"linear: x must have 3 features .* \(4, 2\)"),
    ],
)
def test_inputs_that_are_refused(x, error, message, engine):
    model = Hinted(size=6, hints=3, classes=4).double()
    with pytest.raises(error, match=message):
        model.predict(x, engine=engine)


def test_a_type_error_within_forward_is_its_own():
    def fails(self, x):
        raise TypeError("inside")

    with pytest.raises(TypeError, match=r"^inside$"):
        of(fails).predict(normal(2, 3))


def alternating(first, then):
    """Return a module whose second output is another from the second batch on."""
    met = []

    def forward(self, x):
        met.append(1)
        return first(x) if len(met) == 1 else then(x)

    return of(forward)


@pytest.mark.parametrize(
    ("model", "error", "message"),
    [
        (
            of(lambda self, x: (x, 1.5)),
            DTypeError,
            "outputs of several batches must be arrays, or tuples, lists or dicts of them, got float",
        ),
        (
            of(lambda self, x: x.sum(0)),
            ShapeError,
            r"predict: an output of a batch of 2 samples must have the shape \(2,\), .*, got \(3,\)",
        ),
        (
            of(lambda self, x: x.sum()),
            ShapeError,
            r"an output of a batch of 2 samples must have the shape \(2,\), a row for each, got \(\)",
        ),
        (
            alternating(lambda x: (x, x), lambda x: (x,)),
            ShapeError,
            "predict: the output of a batch must have 2 arrays, as the output, got 1",
        ),
        (
            alternating(lambda x: F.relu(x), lambda x: None),
            ShapeError,
            r"an output of a batch of 2 samples must have the shape \(2, 3\), a row for each, got NoneType",
        ),
    ],
    ids=["number", "sum over the batch", "no axes", "another number", "none"],
)
def test_outputs_that_cannot_be_put_together(model, error, message):
    with pytest.raises(error, match=message):
        model.predict(normal(5, 3), 2, engine=False)


def test_outputs_of_one_batch_are_as_they_are():
    y, number = of(lambda self, x: (x, 1.5)).predict(normal(5, 3))
    assert (y.shape, number) == ((5, 3), 1.5)
