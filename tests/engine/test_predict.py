"""Prediction: the engine's by default, eager mode's on demand and where the engine takes nothing."""

import logging

import numpy as np
import pytest

import fastcnn
from fastcnn import graph, nn
from fastcnn.engine.cache import Unsupported, plans_of
from fastcnn.errors import FastcnnError
from fastcnn.nn import calls

from .networks import random_network


def network():
    return nn.Sequential(
        *(nn.Conv2d(1, 6, 3, padding=1), nn.BatchNorm2d(6), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Dropout(0.5), nn.Flatten(), nn.Linear(54, 4)),
    )


def images(batch, dtype=np.float32):
    return np.random.default_rng(0).standard_normal((batch, 1, 6, 6)).astype(dtype)


@pytest.mark.parametrize("batch_size", [1, 7, 16, 256])
def test_the_engine_predicts_what_eager_mode_predicts(batch_size, isa):
    model = network()
    y = model.predict(images(40), batch_size)
    np.testing.assert_allclose(y, model.predict(images(40), batch_size, engine=False), rtol=1e-4, atol=1e-5)
    np.testing.assert_array_equal(y, fastcnn.compile(model).predict(images(40), batch_size))
    np.testing.assert_array_equal(y, model.predict(images(40)))
    assert len(plans_of(model)._plans) == 1


def test_nothing_is_changed_by_prediction():
    model = network()
    model[1].eval()
    x = images(5)
    y = model(x)
    kept = calls.latest(model)
    state = model.state_dict()
    model.predict(images(9))
    assert [module.training for module in model.modules()] == [True, True, False, *[True] * 5]
    assert calls.latest(model) is kept is not None
    for name, value in model.state_dict().items():
        np.testing.assert_array_equal(value, state[name])
    model.backward(np.ones_like(y))


def test_the_engine_is_not_asked_if_not_wanted():
    model = network()
    model.predict(images(3), engine=False)
    assert "_plans" not in model.__dict__


def test_a_row_is_the_same_to_the_bit_in_every_batch(isa):
    """With folded normalisation, partial vectors, one thread and several."""
    for seed in range(10):
        model, shape, _ = random_network(seed)
        x = np.random.default_rng(seed).standard_normal((67, *shape)).astype(np.float32)
        want = model.predict(x, 67)
        for threads, size in ((1, 1), (2, 2), (4, 5), (3, 16), (8, 33)):
            fastcnn.set_num_threads(threads)
            np.testing.assert_array_equal(model.predict(x, size), want)
        order = np.random.default_rng(seed).permutation(67)[:31]
        np.testing.assert_array_equal(model.predict(x[order]), want[order])


@pytest.mark.parametrize(
    "x",
    [
        images(3, np.float64),
        images(3).astype(">f4"),
        images(3)[:, 0],
        images(3)[0],
        images(3).ravel(),
        images(3)[:, :, :, 4:],
        images(0),
    ],
    ids=["float64", "big-endian", "3-D", "unbatched", "1-D", "too small", "no images"],
)
@pytest.mark.parametrize("model", [network(), nn.Conv2d(1, 2, 3)], ids=["network", "layer"])
def test_inputs_that_the_engine_does_not_take_go_as_before(model, x, caplog):
    """The result, or the error, is eager mode's."""

    def outcome(engine):
        try:
            return model.predict(x, engine=engine).tobytes()
        except FastcnnError as error:
            return type(error), str(error)

    assert outcome(True) == outcome(False)
    assert not caplog.records


def test_a_layer_of_the_users_own_is_reported_once(caplog):
    class Doubled(graph.Operation):
        def forward(self, x):
            return 2 * x, None

    class Own(nn.Module):
        def forward(self, x):
            return graph.apply(Doubled(), x)

    model = nn.Sequential(nn.Conv2d(1, 2, 3), Own())
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            model.predict(images(2))
    assert [r.getMessage() for r in caplog.records] == [
        "the model runs eagerly, without the compiled engine: Doubled has no lowering rule"
    ]


def test_a_network_without_products_runs_eagerly_and_says_nothing(caplog):
    """To lay images out and back would take longer than all else; each row is the same in any batch."""
    model = nn.Sequential(
        nn.BatchNorm2d(1), nn.ReLU(), nn.MaxPool2d(2), nn.AdaptiveAvgPool2d(2), nn.Flatten()
    )
    model[0].running_mean[...], model[0].running_var[...] = 0.3, 2.0
    x = images(9)
    found = plans_of(model).find(model, x, evaluation=True)
    assert isinstance(found, Unsupported)
    assert found == Unsupported("nothing is multiplied", news=False)
    whole = model.predict(x)
    np.testing.assert_array_equal(model.predict(x, 2), whole)
    np.testing.assert_array_equal(model.predict(x[4:5]), whole[4:5])
    assert not caplog.records


def test_a_class_with_a_predict_of_its_own_can_call_the_one_it_overrides():
    class Named(nn.Sequential):
        def predict(self, x, batch_size=256):
            return super().predict(x, batch_size).argmax(1)

    model = Named(*network())
    assert model.predict(images(5)).shape == (5,)


@pytest.mark.parametrize("layer", [nn.ReLU(), nn.MaxPool2d(2), nn.BatchNorm2d(1), nn.Conv2d(1, 2, 3)])
def test_single_layers(layer):
    np.testing.assert_allclose(
        layer.predict(images(5)), layer.predict(images(5), engine=False), rtol=1e-5, atol=1e-6
    )
