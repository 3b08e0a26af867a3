"""What a call keeps for its backward pass: apart from the module, for each thread, until the next call."""

import copy
import pickle
import threading
import weakref

import numpy as np
import pytest

import fastcnn.nn.functional as F
from fastcnn import nn
from fastcnn.errors import ShapeError, StateError
from fastcnn.nn import calls

from .forwards import Block, SqueezeExcite, normal
from .test_opaque import Square


def test_two_calls_of_a_model_keep_only_the_latest():
    model = nn.Linear(2, 1).double()
    a, b = normal(3, 2), normal(4, 2, seed=1)
    model(a)
    y = model(b)
    model.backward(np.ones_like(y))
    np.testing.assert_allclose(model.weight.grad, b.sum(axis=0)[None])
    with pytest.raises(ShapeError, match=r"Linear: dy must have the shape \(4, 1\), got \(3, 1\)"):
        model.backward(np.ones((3, 1)))


def test_a_call_takes_the_place_of_the_one_before():
    """Its arrays go one by one; a call that fails leaves none."""
    model = nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 1)).double()
    model(normal(4, 2))
    kept = [
        weakref.ref(step.saved) for step in calls.latest(model).tape._steps if type(step.saved) is np.ndarray
    ]
    assert [reference() is None for reference in kept] == [False]
    model(normal(5, 2))
    assert [reference() is None for reference in kept] == [True]
    with pytest.raises(ShapeError, match="linear: x must have 2 features"):
        model(normal(4, 3))
    with pytest.raises(StateError, match="backward was called before forward"):
        model.backward(np.ones((5, 1)))


def test_backward_without_a_call():
    class Net(nn.Module):
        def forward(self, x):
            return F.relu(x)

    model, x = Net(), normal(2, 2)
    message = r"Net: backward was called before forward: call the module itself, model\(x\)"
    with pytest.raises(StateError, match=message):
        model.backward(x)
    np.testing.assert_array_equal(model.forward(x), np.maximum(x, 0))  # only computes
    with pytest.raises(StateError, match=message):
        model.backward(x)
    model(x)
    with pytest.raises(StateError, match=message):
        run_in_thread(lambda: model.backward(x))
    model.backward(x)


def run_in_thread(function):
    """Return what a function returns in a thread of its own, or raise what it raises."""
    results = []

    def run():
        try:
            results.append((function(), None))
        except Exception as error:
            results.append((None, error))

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    value, error = results[0]
    if error is not None:
        raise error
    return value


def test_threads_have_calls_of_their_own():
    model, x, other = nn.Linear(2, 2).double(), normal(3, 2), normal(5, 2, seed=1)
    y = model(x)
    want = model.backward(np.ones_like(y))
    model(x)
    run_in_thread(lambda: model.backward(np.ones_like(model(other))))
    np.testing.assert_array_equal(model.backward(np.ones_like(y)), want)


def test_threads_predict_with_a_model_that_runs_eagerly():
    """Each answer is the serial one, to the bit; modes and statistics stay as they are, as does training."""
    model = nn.Sequential(nn.Conv2d(1, 4, 3), Block(4, 4, 1), SqueezeExcite(4, 2), nn.Flatten())
    model.append(nn.Linear(4 * 36, 3)).initialize(seed=0)
    inputs = [normal(2, 1, 8, 8, seed=i).astype(np.float32) for i in range(40)]
    want = [model.predict(x, engine=False) for x in inputs]
    before = model.state_dict()
    wrong, modes = [], []

    def work(start):
        for i in range(200):
            k = (start + i) % len(inputs)
            if not np.array_equal(model.predict(inputs[k], engine=False), want[k]):
                wrong.append(k)
            modes.append(model.training and model[1].bn1.training)

    threads = [threading.Thread(target=work, args=(i,)) for i in range(8)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert not wrong
    assert all(modes)
    for name, value in model.state_dict().items():
        np.testing.assert_array_equal(value, before[name])


def test_a_prediction_within_training_changes_nothing():
    model, x = Block(2, 2, 1).double(), normal(3, 2, 4, 4)
    y = model(x)
    want = copy.deepcopy(model)
    model.predict(normal(5, 2, 4, 4, seed=2), engine=False)
    want(x)
    np.testing.assert_array_equal(model.backward(np.ones_like(y)), want.backward(np.ones_like(y)))


def test_copies_and_pickles_hold_no_call():
    model, x = nn.Sequential(Block(1, 2, 1), nn.ReLU()), normal(8, 1, 64, 64).astype(np.float32)
    before = len(pickle.dumps(nn.Sequential(nn.Conv2d(1, 8, 3))))
    plain = nn.Sequential(nn.Conv2d(1, 8, 3))
    y = plain(x)
    plain.backward(y)
    plain.zero_grad()
    assert len(pickle.dumps(plain)) < 2 * before
    model(x)
    twin = copy.deepcopy(model)
    assert not any(isinstance(value, np.ndarray) for value in vars(twin[0]).values())
    with pytest.raises(StateError, match="backward was called before forward"):
        twin.backward(x)


def hooked(model):
    model.register_full_backward_hook(lambda module, dxs, dys: None)
    return model


@pytest.mark.parametrize(
    "make",
    [
        lambda: nn.Linear(2, 2).double(),
        lambda: nn.BatchNorm2d(2).double(),
        nn.Dropout,
        lambda: hooked(nn.Sequential(nn.ReLU())),
        lambda: hooked(Square()),
    ],
    ids=["linear", "norm", "dropout", "hook", "own backward and hook"],
)
def test_a_call_ends_with_its_model(make):
    model = make()
    reference = weakref.ref(model)
    y = model(normal(3, 2, 2, 2))
    model.backward(np.ones_like(y))
    del model
    assert reference() is None


def test_values_do_not_outlive_their_call():
    class Net(nn.Module):
        def forward(self, x):
            self.__dict__["kept"] = y = x + 1
            return y * 2

    model, other = Net(), nn.ReLU()
    model(normal(1, 2))
    with pytest.raises(StateError, match="a value is used after the call of the module that it belongs to"):
        other(model.kept)

    class Mixed(nn.Module):
        def forward(self, x):
            inner = Net()
            inner(x.numpy())
            return x + inner.kept

    with pytest.raises(StateError, match="a value is used in another call"):
        Mixed()(normal(1, 2))
