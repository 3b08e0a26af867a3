"""Models of several inputs, for which there are no programs: they run eagerly, and the log says so once."""

import copy
import logging

import numpy as np
import pytest

import fastcnn
from fastcnn import nn
from fastcnn.engine import Plan
from fastcnn.engine.cache import Plans, Unsupported
from fastcnn.errors import DTypeError

from ..nn.forwards import Hinted, TwoInputs, normal

REASON = "the model runs eagerly, without the compiled engine: 2 inputs, where a program has one"


def model():
    return Hinted(size=6, hints=3, classes=4).double().initialize(seed=1)


def samples(count=5):
    return normal(count, 1, 6, 6), normal(count, 3, seed=1)


def test_passes_are_those_of_the_model(caplog):
    own, reference = model(), model()
    fast = fastcnn.compile(own, input_gradient=True)
    dy = normal(5, 4, seed=2)
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            np.testing.assert_array_equal(fast(*samples()), reference(*samples()))
            got, want = fast.backward(dy), reference.backward(dy)
            assert isinstance(got, tuple)
            for one, other in zip(got, want, strict=True):
                np.testing.assert_array_equal(one, other)
            for mode in (list, tuple):
                np.testing.assert_array_equal(
                    fast.predict(mode(samples()), 2), reference.predict(samples(), 2)
                )
            np.testing.assert_array_equal(own.predict(samples()), reference.eval()(*samples()))
            reference.train()
    for one, other in zip(own.parameters(), reference.parameters(), strict=True):
        np.testing.assert_array_equal(one.grad, other.grad)
    assert [record.getMessage() for record in caplog.records].count(REASON) == 2  # once for each model
    assert len(caplog.records) == 2


def test_without_the_gradient_of_the_inputs():
    own, reference = model(), model()
    fast = fastcnn.compile(own)
    fast(*samples())
    assert fast.backward(normal(5, 4, seed=2)) is None
    reference(*samples())
    reference.backward(normal(5, 4, seed=2))
    for one, other in zip(own.parameters(), reference.parameters(), strict=True):
        np.testing.assert_array_equal(one.grad, other.grad)


def test_several_outputs():
    own = TwoInputs().double().initialize(seed=1)
    fast = fastcnn.compile(own, input_gradient=True)
    given = normal(2, 1, 4, 4), normal(2, 3, seed=1)
    scores, maps = fast(*given)
    dys = np.ones_like(scores), 2 * maps
    got = fast.backward(dys)
    own(*given)
    for one, other in zip(got, own.backward(dys), strict=True):
        np.testing.assert_array_equal(one, other)


def test_arguments_by_name(caplog):
    image, hint = samples()
    own = model()
    with caplog.at_level(logging.WARNING):
        y = fastcnn.compile(own)(hint=hint, image=image)
    np.testing.assert_array_equal(y, own(image, hint))
    assert [record.getMessage() for record in caplog.records] == [
        "the model runs eagerly, without the compiled engine: arguments by name"
    ]


def test_one_input_by_its_name_runs_compiled():
    network = nn.Sequential(nn.Linear(3, 4), nn.ReLU()).double()
    fast, x = fastcnn.compile(network), normal(5, 3)
    np.testing.assert_allclose(fast(x=x), network(x))
    assert isinstance(fast._last, Plan)


def test_a_tuple_of_one_array_is_predicted_by_a_program():
    network = nn.Sequential(nn.Linear(3, 4), nn.ReLU()).double()
    fast, x = fastcnn.compile(network), normal(5, 3)
    np.testing.assert_array_equal(fast.predict((x,)), fast.predict(x))
    assert len(fast._plans._plans) == 1


def test_there_is_no_step_in_one_part():
    fast, classes = fastcnn.compile(model()), np.zeros(5, np.int64)
    assert fast.gradients(samples(), classes, nn.CrossEntropyLoss()) is None
    found = Plans().find(fast.model, samples())
    assert found == Unsupported("2 inputs, where a program has one")


def test_plans_for_one_input_are_not_disturbed():
    class Either(nn.Module):
        def __init__(self):
            super().__init__()
            self.linear = nn.Linear(3, 2)

        def forward(self, x, more=None):
            return self.linear(x) if more is None else self.linear(x) + more

    own = Either().double()
    fast, x = fastcnn.compile(own), normal(4, 3)
    for _ in range(2):
        np.testing.assert_allclose(fast(x), own(x))
        assert isinstance(fast._last, Plan)
        np.testing.assert_allclose(fast(x, np.ones((4, 2))), own(x) + 1)
        assert fast._last is own


def test_a_wrong_call_is_no_reason_to_run_eagerly(caplog):
    with pytest.raises(TypeError, match="hint"):
        fastcnn.compile(model())(samples()[0])
    with pytest.raises(DTypeError, match=r"Hinted: forward takes \(image, hint\), got 1 array"):
        fastcnn.compile(model()).predict(samples()[0])
    assert not caplog.records


def test_a_copy_starts_anew(caplog):
    own = model()
    own.predict(samples())
    twin = copy.deepcopy(own)
    caplog.clear()
    twin.predict(samples())
    assert [record.getMessage() for record in caplog.records] == [REASON]
