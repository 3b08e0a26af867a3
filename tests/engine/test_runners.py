"""Runners of one program: threads predict at the same time, on buffers of their own and weights in common."""

import copy
import os
import pickle
import signal
import threading
import time
import timeit
import types
import weakref

import numpy as np
import pytest

import fastcnn
from fastcnn import nn
from fastcnn._kernels.turns import SWEEP
from fastcnn.engine import Plan
from fastcnn.engine.assemble import Executable
from fastcnn.engine.cache import plans_of
from fastcnn.engine.runners import Runners
from fastcnn.errors import SizeError

from ..emulation import forks
from ..parallel import child_exits_with, in_threads, with_threads
from .networks import layouts_of, random_network

SHAPE = (2, 6, 5)


def network():
    return nn.Sequential(
        *(nn.Conv2d(2, 17, 3, padding=1), nn.BatchNorm2d(17), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Conv2d(17, 4, 3, padding=1), nn.ReLU(), nn.Flatten(), nn.Linear(24, 3)),
    ).initialize(seed=1)


def plan(model, layout="channels"):
    return Plan(model, SHAPE, batch_size=8, layout=layout)


def images(batch=8, seed=0):
    return np.random.default_rng(seed).standard_normal((batch, *SHAPE)).astype(np.float32)


def fresh(model, x):
    """Return what a copy predicts, which has packed nothing yet."""
    return copy.deepcopy(model).predict(x)


class Waiting(threading.Thread):
    """A prediction in another thread."""

    def __init__(self, made, x):
        super().__init__(daemon=True)
        self.made, self.x, self.y = made, x, None
        self.start()

    def run(self):
        self.y = self.made.forward(self.x)

    def waits(self, seconds=0.2):
        """Tell whether it is still not done."""
        self.join(seconds)
        return self.is_alive()

    def result(self):
        self.join(20)
        assert not self.is_alive()
        return self.y


@pytest.mark.parametrize("layout", ["images", "channels"])
def test_each_turn_has_a_runner_of_its_own(layout):
    model = network()
    made, x = plan(model, layout), images(40)
    want = made.forward(x)
    assert len(made.runners) == 1
    with made.runners.turn() as one, made.runners.turn() as two:
        assert one is made.runner
        assert two is not one
        for runner in (two, one):
            y = np.full_like(want, np.nan)
            runner.run(0, 40, (x, y), prepared=True)
            np.testing.assert_array_equal(y, want)
    assert len(made.runners) == 2
    with made.runners.turn() as runner:
        assert runner is made.runner  # the one that is profiled
    with made.runners.turn(), made.runners.turn() as runner:
        assert runner is two
    assert len(made.runners) == 2


def test_a_prediction_does_not_wait_for_another():
    made, x = plan(network()), images()
    want = made.forward(x)
    with made.runners.turn():  # as long as a prediction of another thread takes
        np.testing.assert_array_equal(Waiting(made, x).result(), want)


def test_threads_are_shared_by_those_that_run():
    fastcnn.set_num_threads(6)
    made = plan(network())
    with made.runners.turn() as one:
        assert one.share == 1
        with made.runners.turn() as two:
            assert two.share == 2
    with made.runners.turn() as one:
        assert one.share == 1


def test_weights_that_have_changed_are_packed_when_all_are_idle():
    model = network()
    made, x = plan(model), images()
    before = made.forward(x)
    with made.runners.turn() as runner:
        model[0].weight.data[...] *= -1
        waiting = [Waiting(made, x), Waiting(made, x)]
        assert all(each.waits() for each in waiting)
        y = np.full_like(before, np.nan)
        runner.run(0, len(x), (x, y), prepared=True)
        np.testing.assert_array_equal(y, before)  # one that had begun is not disturbed
    for each in waiting:
        np.testing.assert_array_equal(each.result(), fresh(model, x))
    assert not np.array_equal(before, fresh(model, x))


@pytest.mark.parametrize("change", ["assign", "write", "setting", "statistics"])
def test_every_runner_follows_a_change(change):
    model, x = network(), images()
    made = plan(model)
    with made.runners.turn(), made.runners.turn():
        pass
    if change == "assign":
        model[0].bias.data = np.full(17, 0.5, np.float32)
        model[7].bias.data = np.full(3, 0.5, np.float32)
    elif change == "write":
        model[7].weight.data[...] += 1
    elif change == "setting":
        model[1].eps = 0.5
    else:
        model[1].running_mean[...] = 0.25
    want = fresh(model, x)
    with made.runners.turn() as one, made.runners.turn() as two:
        assert one is not two
        for runner in (one, two):
            y = np.full_like(want, np.nan)
            runner.run(0, len(x), (x, y), prepared=True)
            np.testing.assert_array_equal(y, want)


def test_what_is_none_of_its_settings_does_not_make_a_prediction_wait():
    """Such as another model that is trained, or an array that somebody reads."""
    model, x = network(), images()
    made, want = plan(model), fresh(model, x)
    with made.runners.turn():
        network()[1].eps = 0.25
        model[3].training = False
        np.testing.assert_array_equal(Waiting(made, x).result(), want)


def test_plans_of_one_model_do_not_make_each_other_pack(monkeypatch):
    """Each holds the arrays of the parameters, and knows that the other does."""
    model, packings = network(), []
    monkeypatch.setattr(Runners, "_pack", lambda self, pack=Runners._pack: (packings.append(1), pack(self)))
    plans = plan(model, "images"), plan(model, "channels")
    for _ in range(3):
        for each in plans:
            with each.runners.turn():
                pass
    assert len(packings) == 2
    for parameter in model.parameters():
        parameter.data = parameter.data + 1
    for _ in range(3):
        with plans[0].runners.turn():
            pass
    assert len(packings) == 3


def test_an_array_that_was_assigned_may_be_written_by_whoever_made_it():
    """Whatever other plans hold: the array before that one."""
    model, rng = network(), np.random.default_rng(0)
    plans = plan(model, "images"), plan(model, "channels")
    x = images()
    for each in plans:
        each.forward(x)
    mine = rng.standard_normal(model[0].weight.shape).astype(np.float32)
    model[0].weight.data = mine
    for _ in range(3):
        plans[1].forward(x)
        mine *= -3
        np.testing.assert_array_equal(plans[1].forward(x), fresh(model, x))


def test_a_copied_or_pickled_parameter_is_followed_on_its_own():
    model, x = network(), images()
    model.predict(x)
    for other in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        before = other.predict(x)
        np.testing.assert_array_equal(before, model.predict(x))
        other[7].bias.data[...] += 1
        np.testing.assert_array_equal(other.predict(x), fresh(other, x))
        np.testing.assert_array_equal(model.predict(x), before)


def test_an_array_that_somebody_holds_is_packed_for_each_prediction():
    model, x = network(), images()
    mine, made = model[0].weight.data, plan(model)
    for _ in range(3):
        mine += 0.25
        np.testing.assert_array_equal(made.forward(x), fresh(model, x))
        np.testing.assert_array_equal(Waiting(made, x).result(), fresh(model, x))


def test_no_more_runners_than_the_limit():
    made, x = plan(network()), images()
    assert made.runners.most >= 8
    made.runners.most = 2
    want = made.forward(x)
    with made.runners.turn():
        with made.runners.turn():
            waiting = Waiting(made, x)
            assert waiting.waits()
        np.testing.assert_array_equal(waiting.result(), want)
    assert len(made.runners) == 2


def test_without_memory_for_another_runner_threads_take_turns(monkeypatch):
    def refuse(executable):
        raise SizeError("engine: the buffers of a program would have the shape (1,)")

    made, x = plan(network()), images()
    want = made.forward(x)
    monkeypatch.setattr(Executable, "again", refuse)
    with made.runners.turn():
        waiting = Waiting(made, x)
        assert waiting.waits()
    np.testing.assert_array_equal(waiting.result(), want)


def test_a_refused_parameter_is_told_to_every_thread():
    model, x = network(), images()
    made, bias = plan(model), model[7].bias.data
    want = made.forward(x)
    model[7].bias.data = np.zeros(4, np.float32)
    errors = in_threads(*[lambda: made.forward(x)] * 4)
    assert [type(error).__name__ for error in errors] == ["StateError"] * 4
    model[7].bias.data = bias
    np.testing.assert_array_equal(made.forward(x), want)


def test_runners_that_nobody_uses_any_more_are_freed():
    model, x = network(), images()
    made = plan(model)
    with made.runners.turn(), made.runners.turn(), made.runners.turn():
        pass
    assert len(made.runners) == 3
    kept = [weakref.ref(made.runners.turns.next())]
    for _ in range(2 * SWEEP):
        made.forward(x)
    assert len(made.runners) == 1
    assert kept[0]() is made.runner


def interrupted(made, x, seconds):
    """Predict, and press Ctrl-C after so many seconds; return whether that came before the end."""
    try:
        signal.setitimer(signal.ITIMER_REAL, seconds)
        made.forward(x)
        signal.setitimer(signal.ITIMER_REAL, 0)
    except KeyboardInterrupt:
        return True
    return False


@pytest.fixture
def alarm():
    """SIGALRM is a Ctrl-C."""
    before = signal.signal(signal.SIGALRM, signal.default_int_handler)
    yield
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, before)


def test_an_interrupt_at_any_moment_leaves_the_model_usable(alarm):
    """Nobody waits for a runner that nobody has, and no prediction reads what was half packed."""
    model, x, rng, interrupts = network(), images(), np.random.default_rng(0), 0
    made = plan(model)
    least = min(timeit.repeat(lambda: made.forward(x), number=1, repeat=20))
    for number in range(1500):
        model[7].bias.data[...] += 0.25
        if number % 3:
            model[0].weight.data = model[0].weight.data * -1
        else:
            made.forward(x)
        interrupts += interrupted(made, x, max(1e-6, 2 * least * rng.random()))
        assert len(made.runners) == 1
        if number % 10 == 0:  # in another thread, which waits until all are idle
            np.testing.assert_array_equal(Waiting(made, x).result(), fresh(model, x))
    assert interrupts > 20


def test_threads_that_must_wait_have_their_turn():
    """With an array that somebody holds, each prediction packs: they come one after the other."""
    model, x = network(), images()
    mine, made, counts = model[0].weight.data, plan(model), [0, 0, 0]
    assert mine.any()
    stop = time.perf_counter() + 1

    def predict(number):
        while time.perf_counter() < stop:
            made.forward(x)
            counts[number] += 1

    assert not in_threads(*[lambda i=i: predict(i) for i in range(3)])
    assert min(counts) > max(counts) / 4


class Again(nn.Module):
    """Predicts with the model that it is in, once, after its weights were written."""

    def __init__(self):
        super().__init__()
        self.model = [None]

    def forward(self, x):
        if self.model[0] is not None:
            model, self.model[0] = self.model[0], None
            model[1].bias.data[...] += 1
            self.inner = model.predict(np.asarray(x))
        return np.asarray(x)

    def backward(self, dy):
        return dy


def test_a_prediction_within_a_prediction_does_not_wait_for_itself():
    model = nn.Sequential(Again(), nn.Conv2d(2, 4, 3)).initialize(seed=0)
    x = images()
    model.predict(x)
    model[0].model[0] = model
    result = Waiting(types.SimpleNamespace(forward=model.predict), x)
    want = fresh(model, x)
    np.testing.assert_array_equal(result.result(), want)
    np.testing.assert_array_equal(model[0].inner, want)


def test_weights_change_while_threads_predict():
    """What a prediction returns then is undefined, but not what comes after, and nothing breaks."""
    model, x = network(), images(40)
    stop = time.perf_counter() + 1

    def predict():
        while time.perf_counter() < stop:
            assert np.isfinite(model.predict(x)).all()

    def change():
        rng = np.random.default_rng(0)
        while time.perf_counter() < stop:
            for parameter in model.parameters():
                values = rng.standard_normal(parameter.shape).astype(np.float32)
                if rng.random() < 0.5:
                    parameter.data = values
                else:
                    parameter.data[...] = values

    assert not in_threads(predict, predict, predict, change)
    np.testing.assert_array_equal(model.predict(x), fresh(model, x))


@forks
@with_threads
def test_a_forked_child_has_all_runners():
    """Also those of threads that it does not have, and whatever they were about to pack."""
    model, x = network(), images(40)
    want = model.predict(x)
    (made,) = plans_of(model)._plans.values()
    with made.runners.turn(), made.runners.turn():
        assert child_exits_with(lambda: np.array_equal(model.predict(x), want)) == 0

        def changed():
            model[7].bias.data[...] = 1
            return np.array_equal(model.predict(x), fresh(model, x))

        assert child_exits_with(changed) == 0
        # A child goes on in the midst of a turn that it has itself.
        with made.runners.turn():
            assert child_exits_with(lambda: True) == 0
        with made.runners.turn() as runner:
            pid = os.fork()
            if pid:
                assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
        if not pid:
            right = len(made.runners) == 1 and made.runners.turns.next() is made.runner and changed()
            os._exit(0 if right and runner is not None else 1)
    np.testing.assert_array_equal(model.predict(x), want)


@pytest.mark.parametrize("layout", ["images", "channels"])
def test_what_runners_share_is_written_while_weights_are_packed_and_then_only_read(layout):
    operations = 0
    for seed in range(40):
        model, shape, _ = random_network(seed)
        if layout not in layouts_of(model, shape):
            continue
        executable = Plan(model, shape, batch_size=8, layout=layout).executable
        for part, start in zip(executable.writer.parts, [0, *executable.phase_ends], strict=False):
            first = executable.phases[start][1] if start < len(executable.phases) else 0
            for i in range(first, part.end):
                op = executable.writer.ops[i]
                outs = [each for each in op.signature.buffers if each.kind in ("OUT", "INOUT", "OUT_IF")]
                shared = [isinstance(op.arguments[each.name], np.ndarray) for each in outs]
                prepares = i < part.prepared
                assert all(shared) if prepares else not any(shared), op.kernel
                operations += 1
    assert operations > 200


class Slow(nn.Module):
    """Twice its input, in Python; it tells whether two threads were in it at the same time."""

    def __init__(self):
        super().__init__()
        self.inside, self.together = [], []

    def forward(self, x):
        self.inside.append(1)
        self.together.append(len(self.inside))
        time.sleep(0.005)
        self.inside.pop()
        return 2 * np.asarray(x)

    def backward(self, dy):
        return 2 * dy


def test_a_module_that_runs_in_python_is_run_by_one_thread_at_a_time():
    model = nn.Sequential(Slow(), nn.Conv2d(2, 4, 3), nn.ReLU()).initialize(seed=0)
    batches = [images(seed=seed) for seed in range(4)]
    want = [model(x) for x in batches]
    model[0].together.clear()

    def work(x, y):
        for _ in range(3):
            np.testing.assert_allclose(model.predict(x), y, rtol=1e-4, atol=1e-5)

    assert not in_threads(*[lambda x=x, y=y: work(x, y) for x, y in zip(batches, want, strict=True)])
    assert set(model[0].together) == {1}
