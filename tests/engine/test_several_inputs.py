"""Programs of several inputs and outputs do what the model does by itself."""

import copy
import logging

import numpy as np
import pytest

import fastcnn
import fastcnn.nn.functional as F
from fastcnn import nn
from fastcnn.engine import Plan
from fastcnn.engine.plans import StepPlan
from fastcnn.errors import DTypeError, ShapeError, StateError

from ..nn.forwards import Hinted, Pair, TwoInputs, Written, normal


def model():
    return Hinted(size=6, hints=3, classes=4).double().initialize(seed=1)


def samples(count=5):
    return normal(count, 1, 6, 6), normal(count, 3, seed=1)


def is_compiled(fast):
    return isinstance(fast._last, Plan)


def assert_alike(got, want):
    """Check that two outputs, or what stands in their places, are built alike and close."""
    assert type(got) is type(want)
    if isinstance(want, tuple | list | dict):
        assert len(got) == len(want)
        places = want if isinstance(want, dict) else range(len(want))
        for place in places:
            assert_alike(got[place], want[place])
    elif want is not None:
        np.testing.assert_allclose(got, want, rtol=1e-9, atol=1e-11)


def assert_same_passes(own, given, dy):
    """Check both passes, in both modes, against those of a copy that runs eagerly; dy of no array is made."""
    reference = copy.deepcopy(own)
    fast = fastcnn.compile(own, input_gradient=True)
    for training in (True, True, False):
        want = reference.train(training)(*given)
        own.train(training)
        assert_alike(fast(*given), want)
        assert is_compiled(fast)
        if training:
            dys = dy(want)
            assert_alike(fast.backward(dys), reference.backward(dys))
    for one, other in zip(own.parameters(), reference.parameters(), strict=True):
        assert_alike(one.grad, other.grad)
    assert_alike(dict(own.named_buffers()), dict(reference.named_buffers()))
    assert_alike(own.predict(given, 2), reference.predict(given, engine=False))


def of_all(outputs):
    """Return a gradient for each output."""
    rng = np.random.default_rng(7)
    return fastcnn.graph.replaced(outputs, lambda y: None if y is None else rng.standard_normal(y.shape))


@pytest.mark.parametrize("batch", [1, 5, 32])
@pytest.mark.parametrize(
    ("make", "shapes"),
    [
        (model, [(1, 6, 6), (3,)]),
        (lambda: Pair(size=6, classes=3), [(1, 6, 6), (1, 6, 6)]),
        (TwoInputs, [(1, 4, 4), (3,)]),
    ],
)
def test_passes_are_those_of_the_model(make, shapes, batch, caplog):
    given = [normal(batch, *shape, seed=i) for i, shape in enumerate(shapes)]
    with caplog.at_level(logging.WARNING):
        assert_same_passes(make().double().initialize(seed=1), given, of_all)
    assert not caplog.records


def features(layers, x):
    return F.relu(layers[0](x))


@pytest.mark.parametrize(
    "forward",
    [
        pytest.param(lambda m, x: (y := features(m, x), m[2](y.mean((2, 3)))), id="read inside too"),
        pytest.param(lambda m, x: (y := m[0](x), F.relu(y)), id="before its activation"),
        pytest.param(lambda m, x: (y := m[0](x), m[1](y)), id="before its normalisation"),
        pytest.param(lambda m, x: (y := features(m, x), F.max_pool2d(y, 2)), id="before its pooling"),
        pytest.param(lambda m, x: [(y := m[1](m[0](x))), {"a": y, "b": F.relu(y)}], id="nested"),
        pytest.param(lambda m, x: (y := m[0](x), y), id="twice"),
        pytest.param(lambda m, x: (y := m[0](x), y.flatten(1)), id="in two shapes"),
        pytest.param(lambda m, x: {"y": m[0](x), "none": None}, id="none beside it"),
        pytest.param(lambda m, x: (m[0](x),), id="tuple of one"),
        pytest.param(lambda m, x: (x, m[0](x), x.flatten(1)), id="the input beside it"),
        pytest.param(lambda m, x: (y := features(m, x), F.relu(y + m[0](y[:, :2]))), id="in a sum"),
    ],
)
def test_several_outputs(forward):
    layers = nn.ModuleList([nn.Conv2d(2, 4, 3, padding=1), nn.BatchNorm2d(4), nn.Linear(4, 3)])
    own = Written(layers, forward).double().initialize(seed=1)
    assert_same_passes(own, [normal(5, 2, 6, 6)], of_all)


def test_outputs_without_a_gradient():
    own = TwoInputs().double().initialize(seed=1)
    given = normal(2, 1, 4, 4), normal(2, 3, seed=1)
    assert_same_passes(own, given, lambda y: (np.ones_like(y[0]), None))
    assert_same_passes(own, given, lambda y: (None, np.ones_like(y[1])))


def test_an_input_that_nothing_depends_on():
    own = Written(nn.Linear(3, 2), lambda m, x, unused: m(x)).double().initialize(seed=1)
    assert_same_passes(own, [normal(4, 3), normal(4, 2, 5, 5)], of_all)


def test_without_the_gradient_of_the_inputs():
    own, reference = model(), model()
    fast = fastcnn.compile(own)
    fast(*samples())
    assert fast.backward(normal(5, 4, seed=2)) is None
    reference(*samples())
    reference.backward(normal(5, 4, seed=2))
    for one, other in zip(own.parameters(), reference.parameters(), strict=True):
        assert_alike(one.grad, other.grad)


@pytest.mark.parametrize("kind", [list, tuple])
def test_predictions_are_the_same_to_the_bit_in_any_batch(kind):
    own = Pair(size=12, classes=3).initialize(seed=1)
    given = kind(normal(19, 1, 12, 12, seed=i).astype(np.float32) for i in range(2))
    whole = own.predict(given)
    for batch_size in (1, 2, 7, 19):
        np.testing.assert_array_equal(own.predict(given, batch_size), whole)
    for row in range(3):
        one = own.predict(kind(each[row : row + 1] for each in given))
        np.testing.assert_array_equal(one[0], whole[row])


def test_a_step_in_one_part():
    own, reference = model(), model()
    fast, classes, loss = fastcnn.compile(own), np.arange(5) % 4, nn.CrossEntropyLoss()
    value, correct = fast.gradients(samples(), classes, loss)
    logits = reference(*samples())
    assert value == pytest.approx(loss(logits, classes), rel=1e-12)
    assert correct == (logits.argmax(1) == classes).sum()
    reference.backward(loss.backward())
    for one, other in zip(own.parameters(), reference.parameters(), strict=True):
        assert_alike(one.grad, other.grad)
    assert isinstance(fast._plans._last[1], StepPlan)


def test_there_is_no_step_of_several_outputs():
    own = TwoInputs().double()
    given, classes = (normal(2, 1, 4, 4), normal(2, 3)), np.zeros(2, np.int64)
    assert fastcnn.compile(own).gradients(given, classes, nn.CrossEntropyLoss()) is None


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
    assert is_compiled(fast)
    np.testing.assert_allclose(fast(input=x), network(x))
    assert is_compiled(fast)


def test_a_tuple_of_one_array_is_predicted_by_the_same_program():
    network = nn.Sequential(nn.Linear(3, 4), nn.ReLU()).double()
    fast, x = fastcnn.compile(network), normal(5, 3)
    np.testing.assert_array_equal(fast.predict((x,)), fast.predict(x))
    assert len(fast._plans._plans) == 1


def test_plans_for_other_numbers_of_inputs_are_kept():
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
        assert is_compiled(fast)
        np.testing.assert_allclose(fast(x, np.ones((4, 2))), own(x) + 1)
        assert is_compiled(fast)
    assert len(fast._plans._plans) == 2


@pytest.mark.parametrize("second", [np.arange(5), normal(5, 3).astype(np.float32), normal(5, 3, 1, 1, 1)])
def test_an_input_of_another_kind_is_no_news(second, caplog):
    """What is no batch of the parameters' type runs eagerly."""
    own = Written(nn.Linear(3, 2), lambda m, x, more: m(x)).double()
    fast, x = fastcnn.compile(own), normal(5, 3)
    with caplog.at_level(logging.WARNING):
        np.testing.assert_array_equal(fast(x, second), own(x, second))
    assert fast._last is own
    assert not caplog.records


def test_inputs_that_differ_in_length():
    own = model()
    image, hint = samples()
    with pytest.raises(ShapeError, match="must have the same sizes"):
        fastcnn.compile(own)(image, hint[:3])
    with pytest.raises(ShapeError, match=r"predict: x\[1\] has 3 rows, but the first array has 5"):
        own.predict((image, hint[:3]))


def test_a_wrong_call_is_no_reason_to_run_eagerly(caplog):
    with pytest.raises(TypeError, match="hint"):
        fastcnn.compile(model())(samples()[0])
    with pytest.raises(DTypeError, match=r"Hinted: forward takes \(image, hint\), got 1 array"):
        fastcnn.compile(model()).predict(samples()[0])
    assert not caplog.records


@pytest.mark.parametrize(
    ("dy", "error", "message"),
    [
        (np.ones((2, 2)), ShapeError, "TwoInputs: dy must have 2 arrays, as the output, got one ndarray"),
        ((np.ones((2, 2)),), ShapeError, "TwoInputs: dy must have 2 arrays, as the output, got 1"),
        ((np.ones((2, 3)), None), ShapeError, r"TwoInputs: dy must have the shape \(2, 2\), got \(2, 3\)"),
        ((None, [1.0]), DTypeError, "TwoInputs: dy must be an array, got list"),
    ],
)
def test_gradients_that_are_not_like_the_outputs(dy, error, message):
    fast = fastcnn.compile(TwoInputs().double())
    fast(normal(2, 1, 4, 4), normal(2, 3))
    with pytest.raises(error, match=message):
        fast.backward(dy)


@pytest.mark.parametrize(
    "call",
    [
        lambda plan: plan.forward(samples()[0]),
        lambda plan: plan.forward(samples()[::-1]),
        lambda plan: plan.forward((samples()[0], samples(4)[1])),
        lambda plan: plan.forward(samples(), (np.empty((5, 4)), np.empty((5, 4)))),
    ],
)
def test_what_a_program_would_read_past_the_end_of_is_refused(call):
    with pytest.raises(StateError, match=r"the plan needs|y must be"):
        call(Plan(model(), ((1, 6, 6), (3,)), batch_size=5))


def test_a_description_names_all_inputs():
    plan = Plan(model(), ((1, 6, 6), (3,)), batch_size=5)
    assert "of 1x6x6 and 3, float64" in plan.describe()
