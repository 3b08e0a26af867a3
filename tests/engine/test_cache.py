"""Plans of a model: few are kept, all end with the model, and threads and forked children may use them."""

import copy
import gc
import io
import pickle
import threading
import weakref

import numpy as np
import pytest

import fastcnn
from fastcnn import nn
from fastcnn._kernels import cpu
from fastcnn.engine import Plan, cache
from fastcnn.engine.cache import Plans, Unsupported, plans_of
from fastcnn.nn import changes
from fastcnn.nn.module import PLANS

from ..emulation import forks
from ..parallel import child_exits_with, in_threads, with_threads


def network():
    return nn.Sequential(
        *(nn.Conv2d(2, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU()),
        *(nn.Dropout(0.3), nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(16, 3)),
    )


def images(batch, size=6, seed=0):
    return np.random.default_rng(seed).standard_normal((batch, 2, size, size)).astype(np.float32)


@pytest.mark.skipif(cpu.vector_bytes() < 32, reason="short vectors leave no lanes empty")
def test_a_plan_serves_every_batch_that_fits():
    model, plans = network(), Plans()
    plan = plans.find(model, images(100))
    assert isinstance(plan, Plan)
    assert plan.layout.name == "images"  # for so many images; few have a plan of the other layout
    for batch in (plan.capacity, 99):
        assert plans.find(model, images(batch)) is plan
    larger = plans.find(model, images(plan.capacity + 1))
    assert larger.capacity > plan.capacity
    assert plans.find(model, images(100)) is larger


def test_prediction_has_a_plan_for_few_images_and_one_for_many():
    model, plans = network(), Plans()
    few, many = (plans.find(model, images(batch), evaluation=True) for batch in (2, 1000))
    assert (few.layout.name, many.layout.name) == ("channels", "images")
    assert plans.find(model, images(3), evaluation=True) is few
    assert plans.find(model, images(500), evaluation=True) is many
    assert few is not plans.find(model, images(2))


def test_weights_keep_the_plan_structure_does_not():
    model, plans = network().eval(), Plans()
    plan = plans.find(model, images(2))
    model[0].weight.data = model[0].weight.data * 2
    model.load_state_dict(network().state_dict())
    network().train()  # a change elsewhere
    model.reseed(0)
    assert plans.find(model, images(2)) is plan
    model[0].padding = (0, 1)
    assert plans.find(model, images(2)) is not plan


def test_the_last_used_plans_are_kept():
    model, plans = network().eval(), Plans()
    first = plans.find(model, images(1, 4))
    ghosts = [weakref.ref(first)]
    for size in range(5, 5 + cache.CAPACITY - 1):
        ghosts.append(weakref.ref(plans.find(model, images(1, size))))
    assert plans.find(model, images(1, 4)) is first  # used again: the second is the oldest now
    ghosts.append(weakref.ref(plans.find(model, images(1, 30))))
    del first
    gc.collect()
    assert [ghost() is None for ghost in ghosts] == [False, True, *[False] * (cache.CAPACITY - 1)]


def test_another_array_of_a_parameter_costs_no_new_trace():
    model, plans, x = network(), Plans(), images(4)
    plan = plans.find(model, x)
    (picture,) = plans._pictures.values()
    model[0].weight.data = 2 * model[0].weight.data
    assert plans.find(model, x) is plan
    assert list(plans._pictures.values()) == [picture]
    model[0].stride = (2, 2)
    assert plans.find(model, x) is not plan
    assert list(plans._pictures.values()) != [picture]


def test_reasons_are_kept_like_plans_and_few():
    plans, model = Plans(), nn.Sequential(nn.Conv2d(3, 4, 1))
    for size in range(4, 40):
        found = plans.find(model, images(1, size))
        assert isinstance(found, Unsupported)
        assert found.reason.startswith("conv2d: x has 2 channels but weight expects 3")
    assert len(plans._pictures) == cache.CAPACITY
    assert not plans._plans


def test_memory_of_a_smaller_plan_is_freed_before_a_larger_one_is_made(monkeypatch):
    model, plans = network(), Plans()
    ghost, make = weakref.ref(plans.find(model, images(100))), plans._make
    alive = []

    def watched(*args):
        alive.append(ghost() is not None)
        return make(*args)

    monkeypatch.setattr(plans, "_make", watched)
    plans.find(model, images(300))
    assert alive == [False]


def test_plans_end_with_the_model():
    model = network()
    model.predict(images(3))
    compiled = fastcnn.compile(model)
    compiled(images(3))
    plans = [*plans_of(model)._plans.values(), *compiled._plans._plans.values()]
    ghosts = [weakref.ref(plan) for plan in plans]
    assert len(ghosts) == 2
    gc.disable()
    try:
        del model, compiled, plans
        assert all(ghost() is None for ghost in ghosts)  # at once, without the collector of cycles
    finally:
        gc.enable()


def test_plans_end_with_a_model_that_is_one_layer():
    model = nn.BatchNorm2d(2)
    model.predict(images(3))
    ghost = weakref.ref(model)
    del model
    gc.collect()
    assert ghost() is None


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m))])
def test_copies_of_a_model_have_no_plans(copied):
    model = network()
    y = model.predict(images(3))
    twin = copied(model)
    assert PLANS in model.__dict__
    assert PLANS not in twin.__dict__
    np.testing.assert_array_equal(twin.predict(images(3)), y)
    assert plans_of(twin) is not plans_of(model)


def test_plans_are_no_part_of_what_is_saved():
    model = network()
    model.predict(images(3))
    buffer = io.BytesIO()
    pickle.dump(model, buffer)
    assert len(buffer.getvalue()) < 20_000
    assert not any(PLANS in name for name in model.state_dict())
    assert PLANS not in repr(model)


def test_changes_are_counted():
    model, seen = network(), []

    def note(change):
        before = changes.latest()
        change()
        seen.append(changes.latest() != before)

    note(lambda: setattr(model[3], "p", 0.1))
    note(lambda: setattr(model[1], "running_mean", np.zeros(4, np.float32)))
    note(lambda: model[1].register_buffer("other", np.zeros(4)))
    note(lambda: setattr(model[0].weight, "data", model[0].weight.data))
    note(lambda: model.append(nn.ReLU()))
    note(lambda: model.float())
    note(lambda: model.eval())
    assert seen == [True] * 7
    seen.clear()
    note(lambda: model.load_state_dict(model.state_dict()))
    note(lambda: model[2](images(1)))
    note(lambda: model.predict(images(2)))
    note(lambda: setattr(model[0].weight, "grad", None))
    assert seen == [False] * 4


def test_a_step_of_training_changes_no_structure():
    model = network()
    compiled = fastcnn.compile(model)
    compiled.backward(compiled(images(4)))
    before = changes.latest()
    compiled.zero_grad()
    compiled.backward(compiled(images(4)))
    assert changes.latest() == before


# Threads --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("threads", [1, 2, 4])
def test_threads_predict_with_one_model(threads):
    fastcnn.set_num_threads(threads)
    model = network()
    batches = [images(n, seed=n) for n in (3, 50, 17, 130)]
    want = [model.predict(x) for x in batches]
    fresh = copy.deepcopy(model)  # whose plan the threads make

    def work(x, y):
        for _ in range(25):
            np.testing.assert_array_equal(fresh.predict(x, 16), y)

    assert not in_threads(*(lambda x=x, y=y: work(x, y) for x, y in zip(batches, want, strict=True)))
    assert fresh.training


def test_one_thread_trains_one_model_while_another_predicts_with_another():
    models = [network(), network()]
    want = models[1].predict(images(40))
    compiled = fastcnn.compile(models[0].reseed(0))
    alone = copy.deepcopy(models[0]).reseed(0)
    results = []

    def train(compiled, count=30):
        for step in range(count):
            compiled.zero_grad()
            y = compiled(images(40, seed=step))
            compiled.backward(y)
            results.append(y)

    def predict():
        for _ in range(30):
            np.testing.assert_array_equal(models[1].predict(images(40)), want)

    fastcnn.set_num_threads(2)
    assert not in_threads(lambda: train(compiled), predict)
    train(fastcnn.compile(alone))
    for one, other in zip(results[:30], results[30:], strict=True):
        np.testing.assert_array_equal(one, other)


def test_the_number_of_threads_changes_while_threads_predict():
    model = network()
    x = images(130)
    want = model.predict(x)

    def predict():
        for _ in range(40):
            np.testing.assert_array_equal(model.predict(x), want)

    def change():
        for i in range(200):
            fastcnn.set_num_threads(1 + i % 8)

    assert not in_threads(predict, predict, change)


# Forked children ------------------------------------------------------------------------------------------


def step(model, compiled):
    """Return the loss and the largest gradient of one step."""
    loss = nn.CrossEntropyLoss()
    model.zero_grad()
    value = loss(compiled(images(40)), np.arange(40) % 3)
    compiled.backward(loss.backward())
    return value, max(float(np.abs(p.grad).max()) for p in model.parameters())


@forks
@with_threads
def test_a_forked_child_trains_and_predicts():
    fastcnn.set_num_threads(4)
    model = network().reseed(0)
    model[3].p = 0
    compiled = fastcnn.compile(model)
    want, predicted = step(model, compiled), model.predict(images(40))
    model[1].reset_parameters()
    before = model.predict(images(40))

    def child():
        again = np.array_equal(model.predict(images(40)), before)
        return again and step(model, compiled) == want

    assert child_exits_with(child) == 0
    assert step(model, compiled) == want
    np.testing.assert_array_equal(model.predict(images(40)), predicted)


@forks
@with_threads
def test_a_child_forked_while_another_thread_runs_is_not_locked_out():
    fastcnn.set_num_threads(2)
    model = network()
    want, stop = model.predict(images(40)), threading.Event()

    def busy():
        while not stop.is_set():
            model.predict(images(200))

    thread = threading.Thread(target=busy)
    thread.start()
    try:
        codes = [child_exits_with(lambda: np.array_equal(model.predict(images(40)), want)) for _ in range(10)]
    finally:
        stop.set()
        thread.join()
    assert codes == [0] * 10
