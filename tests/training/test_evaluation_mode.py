"""Modes of layers while a model trains, and what its steps and predictions take."""

import numpy as np
import pytest

from fastcnn import data, nn, optim
from fastcnn.errors import DTypeError, ShapeError
from fastcnn.training import Trainer


def network():
    layers = nn.Conv2d(1, 3, 3), nn.BatchNorm2d(3), nn.ReLU(), nn.Dropout(0.5), nn.Flatten(), nn.Linear(48, 2)
    return nn.Sequential(*layers).initialize(seed=0)


def images():
    rng = np.random.default_rng(0)
    return data.Dataset(rng.integers(0, 256, (12, 1, 6, 6)).astype(np.uint8), np.arange(12) % 2)


def statistics(model):
    return {name: value.copy() for name, value in model.named_buffers()}


def trainer(model, engine):
    return Trainer(model, optim.SGD(model[-1].parameters(), lr=0.1), nn.CrossEntropyLoss(), engine=engine)


@pytest.mark.parametrize("engine", [True, False])
@pytest.mark.parametrize("looked_at", [True, False], ids=["evaluation mode", "training mode"])
def test_frozen_layers_stay_in_evaluation_mode(engine, looked_at):
    """Also where all of the model was in evaluation mode, as after a look at what it predicts."""
    model = network()
    if looked_at:
        model.eval()
    for layer in model[:-1]:
        layer.requires_grad_(False).eval()
    before = statistics(model)
    trainer(model, engine).fit(images(), epochs=2, batch_size=4, progress=False)
    for name, value in model.named_buffers():
        np.testing.assert_array_equal(value, before[name], err_msg=name)
    assert model.training == (not looked_at)


@pytest.mark.parametrize("engine", [True, False])
def test_a_model_in_evaluation_mode_is_trained_as_in_training_mode(engine):
    one, other = network(), network().eval()
    for model in (one, other):
        trainer(model, engine).fit(images(), epochs=1, batch_size=4, progress=False)
    for (name, value), (_, wanted) in zip(other.named_buffers(), one.named_buffers(), strict=True):
        np.testing.assert_array_equal(value, wanted, err_msg=name)
    assert other[1].num_batches_tracked == 3


def test_a_step_leaves_the_layers_that_train_in_training_mode():
    model = network().eval()
    model[1].requires_grad_(False)
    trainer(model, True).train_step(images().images, images().labels)
    assert [layer.training for layer in model] == [True, False, True, True, True, True]


@pytest.mark.parametrize("engine", [True, False])
@pytest.mark.parametrize(
    ("x", "y", "message"),
    [
        (None, np.zeros(2, np.int64), "train_step: x must be an array, got NoneType"),
        (np.zeros((2, 1, 6, 6), np.uint8), None, "train_step: y must be an array, got an array without axes"),
        (
            np.zeros((2, 1, 6, 6), np.uint8),
            np.zeros(2),
            "cross_entropy: target must be integers to name classes",
        ),
    ],
)
def test_what_a_step_cannot_take(engine, x, y, message):
    with pytest.raises(DTypeError, match=message):
        trainer(network(), engine).train_step(x, y)


@pytest.mark.parametrize("engine", [True, False])
def test_the_loss_is_a_float(engine):
    given = images()
    assert type(trainer(network(), engine).train_step(given.images, given.labels)) is float


@pytest.mark.parametrize("engine", [True, False])
def test_what_cannot_be_predicted(engine):
    predict = trainer(network(), engine).predict
    for wrong in (None, [[1.0]], "a"):
        with pytest.raises(
            DTypeError, match=rf"images must be an array \(N, C, H, W\), got {type(wrong).__name__}"
        ):
            predict(wrong)
    with pytest.raises(ShapeError, match=r"got \(6, 6\); for one image give images\[None, None\]"):
        predict(np.zeros((6, 6), np.float32))
