"""Packed weights: kept while nobody can have written into what they were made of, never longer."""

import copy

import numpy as np
import pytest

import fastcnn
from fastcnn import nn, optim
from fastcnn.engine.cache import plans_of

SHAPE = (2, 6, 5)
LAYOUT_OF_BATCH = {2: "channels", 200: "images"}


def network():
    model = nn.Sequential(
        *(nn.Conv2d(2, 17, 3, padding=1), nn.BatchNorm2d(17), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Conv2d(17, 4, 1, bias=False), nn.PositionBias((4, 3, 2)), nn.ReLU()),
        *(nn.BatchNorm2d(4), nn.Flatten(), nn.Linear(24, 3)),
    )
    return model.initialize(seed=1).eval()


def images(batch):
    return np.random.default_rng(batch).standard_normal((batch, *SHAPE)).astype(np.float32)


def fresh(model, batch):
    """Return what a copy predicts, which has packed nothing yet."""
    return copy.deepcopy(model).predict(images(batch))


def spoil_packed(model):
    """Put zeros in place of packed weights; return the number of arrays."""
    found = 0
    for plan in plans_of(model)._plans.values():
        for op in plan.executable.writer.ops:
            if op.kernel == "pack_weights":
                op.buffers["packed"][...] = 0
                found += 1
    return found


def train_a_step(model):
    """In one program, or with forward and backward pass: both update the running statistics in place."""
    compiled, loss = fastcnn.compile(model.train()), nn.CrossEntropyLoss()
    compiled.gradients(images(5), np.arange(5) % 3, loss)
    model.eval()


def optimize(make):
    def change(model):
        for parameter in model.parameters():
            parameter.grad = np.ones_like(parameter.data)
        make(model.parameters()).step()

    return change


def forward_in_training(model):
    fastcnn.compile(model.train())(images(5))
    model.eval()


def eager_forward_in_training(model):
    model.train()(images(5))
    model.eval()


def add_to(get):
    def change(model):
        get(model)[...] += 0.25

    return change


def load(model):
    other = network().initialize(seed=2)
    model.load_state_dict(other.state_dict())


CHANGES = {
    "weight of a convolution": add_to(lambda m: m[0].weight.data),
    "bias of a convolution": add_to(lambda m: m[0].bias.data),
    "scale of a folded normalisation": add_to(lambda m: m[1].weight.data),
    "shift of a folded normalisation": add_to(lambda m: m[1].bias.data),
    "scale of a normalisation": add_to(lambda m: m[7].weight.data),
    "bias by position": add_to(lambda m: m[5].bias.data),
    "weight of a linear layer": add_to(lambda m: m[9].weight.data),
    "bias of a linear layer": add_to(lambda m: m[9].bias.data),
    "one element": lambda m: m[9].bias.data.__setitem__(2, 3),
    "by a flat view": add_to(lambda m: m[0].weight.data.ravel()),
    "by a memoryview": lambda m: memoryview(m[9].bias.data).cast("B").cast("f").__setitem__(0, 3.0),
    "by out=": lambda m: np.negative(m[0].weight.data, out=m[0].weight.data),
    "by an initialiser": lambda m: nn.init.constant_(m[9].weight, 0.1),
    "running mean": add_to(lambda m: m[1].running_mean),
    "running variance": add_to(lambda m: m[7].running_var),
    "one running mean": lambda m: m[1].running_mean.__setitem__(16, 3),
    "another running mean": lambda m: setattr(m[1], "running_mean", np.ones(17, np.float32)),
    "eps": lambda m: setattr(m[1], "eps", 0.5),
    "eps of a normalisation": lambda m: setattr(m[7], "eps", 0.5),
    "another array": lambda m: setattr(m[0].weight, "data", m[0].weight.data * 2),
    "another parameter": lambda m: setattr(m[9], "bias", nn.Parameter(np.ones(3, np.float32))),
    "no bias": lambda m: setattr(m[0], "bias", None),
    "initialize": lambda m: m.initialize(seed=3),
    "reset_parameters": lambda m: m[9].reset_parameters(),
    "load_state_dict": load,
    "SGD": optimize(lambda p: optim.SGD(p, lr=0.1)),
    "SGD with momentum": optimize(lambda p: optim.SGD(p, lr=0.1, momentum=0.9)),
    "Adam": optimize(lambda p: optim.Adam(p, lr=0.1)),
    "AdamW": optimize(lambda p: optim.AdamW(p, lr=0.1)),
    "a step of training": train_a_step,
    "a forward pass in training": forward_in_training,
    "an eager forward pass in training": eager_forward_in_training,
    "to double precision and back": lambda m: (add_to(lambda m: m.double()[0].weight.data)(m), m.float()),
}


@pytest.mark.parametrize("batch", LAYOUT_OF_BATCH)
@pytest.mark.parametrize("change", CHANGES)
def test_no_prediction_is_stale(change, batch):
    model = network()
    before = [model.predict(images(batch)) for _ in range(3)][2]
    CHANGES[change](model)
    after = model.predict(images(batch))
    assert not np.array_equal(after, before)
    np.testing.assert_array_equal(after, fresh(model, batch))
    np.testing.assert_array_equal(model.predict(images(batch)), after)


HOLDS = {
    "array": lambda p: p.data,
    "row": lambda p: p.data[:1],
    "every other": lambda p: p.data.reshape(-1)[::2],
    "transposed": lambda p: p.data.T,
    "memoryview": lambda p: np.asarray(memoryview(p.data)),
    "strides": lambda p: np.lib.stride_tricks.as_strided(p.data, p.shape),
}
holds = pytest.mark.parametrize("hold", HOLDS.values(), ids=list(HOLDS))


@pytest.mark.parametrize("batch", LAYOUT_OF_BATCH)
@holds
def test_an_array_that_was_got_before_may_be_written_later(hold, batch):
    model = network()
    for parameter in (model[0].weight, model[9].weight, model[1].bias):
        view = hold(parameter)
        for _ in range(3):
            before = model.predict(images(batch))
            view += 0.25
            after = model.predict(images(batch))
            assert not np.array_equal(after, before)
            np.testing.assert_array_equal(after, fresh(model, batch))
        view += 0.25
        del view  # written and let go before the next prediction
        np.testing.assert_array_equal(model.predict(images(batch)), fresh(model, batch))


@holds
def test_so_may_a_large_array(hold):
    """Which is itself a view, from a cache line on: views of it refer to the whole memory."""
    model = nn.Sequential(nn.Conv2d(SHAPE[0], 100, 3), nn.Flatten()).initialize(seed=0).eval()
    view = hold(model[0].weight)
    for _ in range(3):
        before = model.predict(images(2))
        view += 0.25
        after = model.predict(images(2))
        assert not np.array_equal(after, before)
        np.testing.assert_array_equal(after, fresh(model, 2))


def test_large_untouched_weights_are_packed_once():
    model = nn.Sequential(nn.Conv2d(SHAPE[0], 100, 3), nn.Flatten()).initialize(seed=0).eval()
    assert model[0].weight.data.base is not None
    want = model.predict(images(2))
    model.predict(images(2))
    assert spoil_packed(model) == 1
    assert not np.array_equal(model.predict(images(2)), want)


@pytest.mark.parametrize("batch", LAYOUT_OF_BATCH)
def test_an_array_of_the_callers_own_may_be_written(batch):
    """A parameter does not copy what it is given."""
    model, mine, whole = network(), np.zeros((4, 17, 1, 1), np.float32), np.zeros((5, 3), np.float32)
    model[4].weight.data, model[9].bias.data = mine, whole[1]
    assert np.shares_memory(model[4].weight.data, mine)
    for array in (mine, whole):
        model.predict(images(batch))
        before = model.predict(images(batch))
        array += 1
        after = model.predict(images(batch))
        assert not np.array_equal(after, before)
        np.testing.assert_array_equal(after, fresh(model, batch))


@pytest.mark.parametrize(("batch", "layout"), LAYOUT_OF_BATCH.items())
def test_untouched_weights_are_packed_once(batch, layout):
    model = network()
    want = model.predict(images(batch))
    (plan,) = plans_of(model)._plans.values()
    assert plan.layout.name == layout
    model.predict(images(batch))
    assert spoil_packed(model) >= 3
    assert not np.array_equal(model.predict(images(batch)), want)  # the zeros were used: nothing was packed
    model[2].training = True  # changes nothing of a prediction
    assert not np.array_equal(model.predict(images(batch)), want)
    assert model[0].weight.data.any()  # may have been written into
    np.testing.assert_array_equal(model.predict(images(batch)), want)


def test_layouts_see_each_others_changes():
    """Each plan packs for itself; what one has seen, the other has not."""
    model = network()
    for step in range(3):
        for batch in LAYOUT_OF_BATCH:
            model.predict(images(batch))
        model[0].weight.data[...] *= 1.5
        for batch in LAYOUT_OF_BATCH:
            np.testing.assert_array_equal(
                model.predict(images(batch)), fresh(model, batch), err_msg=str(step)
            )


def test_training_packs_at_every_step():
    """Optimizers write into parameters that nobody reads in between."""
    model = network().train()
    compiled, loss, target = fastcnn.compile(model), nn.CrossEntropyLoss(), np.zeros(200, np.int64)
    optimizer = optim.SGD(model.parameters(), lr=0.1)
    values = []
    for _ in range(4):
        values.append(compiled.gradients(images(200), target, loss)[0])
        optimizer.step()
    assert values == sorted(values, reverse=True)
    assert len(set(values)) == 4
