import math
import signal
import threading

import numpy as np
import pytest

import fastcnn
from fastcnn import data, nn, optim
from fastcnn.data import transforms
from fastcnn.errors import ArgumentError, DTypeError, ShapeError
from fastcnn.training import BestWeights, Callback, LambdaCallback, Trainer

from .networks import linear, network, trainer


def same(a, b):
    a, b = a.state_dict(), b.state_dict()
    return a.keys() == b.keys() and all(np.array_equal(a[key], b[key]) for key in a)


def test_a_small_network_learns_mnist(mnist):
    train, validation = mnist
    t = trainer()
    history = t.fit(train, epochs=4, batch_size=32, validation=validation, progress=False)
    assert history is t.history
    assert history["epoch"] == [1, 2, 3, 4]
    assert history["loss"] == sorted(history["loss"], reverse=True)
    assert history[-1]["accuracy"] > 0.95
    assert history[-1]["val_accuracy"] > 0.85
    assert t.evaluate(train)["accuracy"] > 0.95


@pytest.mark.parametrize("compiled", [True, False])
def test_fit_is_a_hand_written_loop(small, compiled):
    train, _ = small
    augment = transforms.RandomCrop(28, 2)
    t = trainer(network(dropout=0.3), seed=5, engine=compiled)
    t.fit(train, epochs=2, batch_size=64, augment=augment, progress=False)

    model, loss = network(dropout=0.3).reseed(5), nn.CrossEntropyLoss()
    runner = fastcnn.compile(model) if compiled else model
    optimizer = optim.Adam(model.parameters(), lr=1e-2)
    loader = data.Loader(train, 64, seed=5, augment=augment)
    for epoch in range(2):
        total = correct = 0
        for images, labels in loader.epoch(epoch):
            optimizer.zero_grad()
            logits = runner(np.divide(images, np.float32(255), dtype=np.float32))
            total += loss(logits, labels) * len(labels)
            correct += (logits.argmax(1) == labels).sum()
            runner.backward(loss.backward())
            optimizer.step()
        # The last batch has 44 images: each image counts the same.
        assert t.history[epoch]["loss"] == pytest.approx(total / 300, rel=1e-5 if compiled else 1e-12)
        assert t.history[epoch]["accuracy"] == correct / 300
    if not compiled:
        assert same(t.model, model)
        return
    # Trainer's program has the loss in it, with another rounding than the loss between two programs.
    for one, other in zip(t.model.parameters(), model.parameters(), strict=True):
        np.testing.assert_allclose(one.data, other.data, rtol=0, atol=1e-3 * np.abs(other.data).max())


def test_the_number_of_threads_changes_no_bit(small):
    train, validation = small

    def run(threads):
        fastcnn.set_num_threads(threads)
        t = trainer(network(dropout=0.2), seed=1)
        t.fit(train, epochs=1, batch_size=100, validation=validation, progress=False)
        return t

    runs = [run(threads) for threads in (1, 2, 3)]
    assert same(runs[0].model, runs[1].model)
    assert same(runs[0].model, runs[2].model)
    assert len({t.history[0]["val_loss"] for t in runs}) == 1


def test_the_seed_decides(small):
    def run(seed):
        t = trainer(network(dropout=0.2), seed=seed)
        t.fit(small[0], epochs=1, batch_size=100, progress=False)
        return t.model

    assert same(run(3), run(3))
    assert not same(run(3), run(4))


def test_fit_goes_on_where_it_stopped(small):
    train, validation = small
    whole, parts = trainer(network(dropout=0.2)), trainer(network(dropout=0.2))
    whole.fit(train, epochs=3, batch_size=64, validation=validation, progress=False)
    parts.fit(train, epochs=1, batch_size=64, validation=validation, progress=False)
    history = parts.fit(train, epochs=2, batch_size=64, validation=validation, progress=False)
    assert history["epoch"] == [1, 2, 3]
    assert history["loss"] == whole.history["loss"]
    assert same(whole.model, parts.model)


def test_train_step_is_a_step_of_fit(small):
    train, _ = small
    t, u = trainer(linear()), trainer(linear())
    losses = [t.train_step(images, labels) for images, labels in data.Loader(train, 50).epoch(0)]
    u.fit(train, epochs=1, batch_size=50, progress=False)
    assert same(t.model, u.model)
    assert u.history[0]["loss"] == pytest.approx(np.mean(losses), rel=1e-12)


def test_evaluate_by_hand(small):
    _, validation = small
    t = trainer(linear())
    result = t.evaluate(validation, batch_size=33)
    logits = t.predict(validation.images, batch_size=100)
    predicted = logits.argmax(1)
    assert result["count"] == 100
    assert result["correct"] == np.trace(result["confusion"]) == (predicted == validation.labels).sum()
    assert result["accuracy"] == result["correct"] / 100
    assert result["confusion"][3, 7] == ((validation.labels == 3) & (predicted == 7)).sum()
    assert result["confusion"].dtype == np.int64
    shifted = logits.astype(np.float64) - logits.max(1, keepdims=True)
    log_probs = shifted - np.log(np.exp(shifted).sum(1, keepdims=True))
    expected = -log_probs[np.arange(100), validation.labels].mean()
    assert result["loss"] == pytest.approx(expected, rel=1e-5)
    assert 0 < result["macro_f1"] < 1


def test_a_summed_loss_is_summed_over_the_epoch(small):
    train, validation = small
    mean = trainer(linear(), lr=0.0)
    total = trainer(linear(), lr=0.0, loss=nn.CrossEntropyLoss(reduction="sum"))
    for t in (mean, total):
        t.fit(train, epochs=1, batch_size=128, validation=validation, progress=False)
    assert total.history[0]["loss"] == pytest.approx(300 * mean.history[0]["loss"], rel=1e-5)
    assert total.history[0]["val_loss"] == pytest.approx(100 * mean.history[0]["val_loss"], rel=1e-5)


def test_the_loss_of_evaluate_weighs_classes_right(small):
    _, validation = small
    weight = np.arange(1.0, 11.0)
    t = trainer(linear(), loss=nn.CrossEntropyLoss(weight=weight))
    each = nn.CrossEntropyLoss(reduction="none")(t.predict(validation.images), validation.labels)
    expected = np.average(each, weights=weight[validation.labels])
    assert t.evaluate(validation, batch_size=7)["loss"] == pytest.approx(expected, rel=1e-5)


def test_drop_last_order_and_replacement_reach_the_loader(small):
    train, _ = small

    class Spy(Callback):
        counts = ()

        def on_batch_end(self, trainer, batch, logs):
            self.counts += (logs["count"],)

    spy = Spy()
    t = trainer(linear(), callbacks=[spy])
    t.fit(train, epochs=1, batch_size=128, drop_last=True, progress=False)
    assert spy.counts == (128, 128)
    ordered, drawn = trainer(linear()), trainer(linear())
    ordered.fit(train, epochs=1, batch_size=300, shuffle=False, progress=False)
    drawn.fit(train, epochs=1, batch_size=300, replacement=True, progress=False)
    by_hand = trainer(linear())
    by_hand.train_step(train.images, train.labels)
    assert same(ordered.model, by_hand.model)
    assert not same(drawn.model, by_hand.model)


def test_preprocess_is_applied_everywhere_and_augmentation_in_training_only(small):
    train, validation = small
    kinds = []

    def preprocess(images):
        kinds.append((images.dtype, images.max() > 0))
        return transforms.Normalize(0.1307, 0.3081)(images)

    def blacken(images, rng):
        return np.zeros_like(images)

    t = trainer(linear(), preprocess=preprocess)
    t.fit(train, epochs=1, batch_size=150, validation=validation, augment=blacken, progress=False)
    # A sample of each set first; then two batches of training, then the validation set.
    assert kinds == [(np.uint8, bright) for bright in (False, True, False, False, True)]
    expected = t.model.predict(transforms.Normalize(0.1307, 0.3081)(validation.images))
    assert np.array_equal(t.predict(validation.images), expected)


def test_the_default_preprocess_and_other_precisions(small):
    images = small[0].images[:4]
    t = trainer(linear().double())
    expected = t.model.predict((images.astype(np.float32) / np.float32(255)).astype(np.float64))
    assert np.array_equal(t.predict(images), expected)
    assert t.predict(images).dtype == np.float64
    floats = images.astype(np.float32) / np.float32(255)
    assert np.array_equal(t.predict(floats), expected)
    assert t.train_step(images, small[0].labels[:4]) > 0


def test_modes_are_put_back(small):
    train, validation = small
    t = trainer()
    t.model.eval()
    t.fit(train, epochs=1, batch_size=100, validation=validation, progress=False)
    assert not any(module.training for module in t.model.modules())
    t.model.train()
    frozen = t.model._modules["1"].eval()
    before = frozen.running_mean.copy()
    t.fit(train, epochs=1, batch_size=100, validation=validation, progress=False)
    assert t.model.training
    assert not frozen.training
    assert np.array_equal(frozen.running_mean, before)


def test_predict_of_one_image():
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 26 * 26, 10))
    t = Trainer(model, optim.SGD(model.parameters(), 0.1), nn.CrossEntropyLoss())
    image = np.zeros((3, 28, 28), np.uint8)
    expected = r"predict: images must have the shape \(N, C, H, W\), got \(3, 28, 28\); .* images\[None\]"
    with pytest.raises(ShapeError, match=expected):
        t.predict(image)
    assert t.predict(image[None]).shape == (1, 10)
    # Of a network that takes any shape this is a batch.
    assert trainer(linear()).predict(np.zeros((2, 28, 28), np.uint8)).shape == (2, 10)


def test_predict_of_nothing():
    assert trainer(linear()).predict(np.zeros((0, 1, 28, 28), np.uint8)).shape == (0, 10)


# NaN and interruption ---------------------------------------------------------------------------------


def test_a_loss_that_is_not_finite_stops_training_and_changes_no_weight(small, caplog):
    train, _ = small
    poisoned = data.Dataset(train.images.astype(np.float32) / 255, train.labels)
    poisoned.images[poisoned.images.shape[0] // 2] = np.nan
    seen = []
    t = trainer(
        linear(), callbacks=[LambdaCallback(on_train_end=lambda trainer, history: seen.append(history))]
    )
    bad = next(
        number
        for number, (images, _) in enumerate(data.Loader(poisoned, 50).epoch(0), 1)
        if np.isnan(images).any()
    )
    history = t.fit(poisoned, epochs=3, batch_size=50, progress=False)
    assert history.diverged
    assert not history.interrupted
    assert history.stop_reason.startswith(f"the loss is nan in epoch 1, batch {bad} (learning rate 0.01)")
    assert history.stop_reason in caplog.text
    assert seen == [history]
    assert len(history) == 0
    assert all(np.isfinite(value).all() for value in t.model.state_dict().values())
    before = t.model.state_dict()
    assert math.isnan(t.train_step(np.full((1, 1, 28, 28), np.nan, np.float32), np.array([1])))
    assert all(np.array_equal(t.model.state_dict()[key], value) for key, value in before.items())


def test_a_rate_that_is_too_high_is_reported(small):
    t = trainer(linear(), optimizer=None, lr=1e38)
    history = t.fit(small[0], epochs=5, batch_size=50, progress=False)
    assert history.diverged
    assert "try a smaller rate" in history.stop_reason


def test_stopping_on_nan_can_be_turned_off(small):
    images = np.full((4, 1, 28, 28), np.nan, np.float32)
    t = trainer(linear(), stop_on_nan=False)
    history = t.fit(data.Dataset(images, [0, 1, 2, 9]), epochs=2, batch_size=4, progress=False)
    assert len(history) == 2
    assert history.stop_reason is None


@pytest.mark.skipif(not hasattr(signal, "SIGINT"), reason="needs signals")
def test_an_interrupt_ends_training_cleanly(small):
    train, validation = small

    def interrupt(trainer, batch, logs):
        if len(trainer.history) == 2 and batch == 2:
            signal.raise_signal(signal.SIGINT)

    best = BestWeights()
    t = trainer(callbacks=[LambdaCallback(on_batch_end=interrupt), best])
    history = t.fit(train, epochs=9, batch_size=50, validation=validation, progress=False)
    assert history.interrupted
    assert not history.diverged
    assert history.stop_reason == "interrupted in epoch 3"
    assert history["epoch"] == [1, 2]
    assert history.restored_epoch == history.best("val_accuracy")["epoch"]
    assert t.evaluate(validation)["accuracy"] == max(history["val_accuracy"])
    assert not [thread for thread in threading.enumerate() if thread.name == "fastcnn-loader"]
    t.callbacks = [best]
    history = t.fit(train, epochs=1, batch_size=50, validation=validation, progress=False)
    assert not history.interrupted
    assert history.stop_reason is None
    assert history["epoch"] == [1, 2, 3]


def test_an_error_in_a_callback_is_not_swallowed(small):
    def fail(trainer, epoch, row):
        raise ZeroDivisionError

    t = trainer(linear(), callbacks=[LambdaCallback(on_epoch_end=fail)])
    t.model.eval()
    with pytest.raises(ZeroDivisionError):
        t.fit(small[0], epochs=1, batch_size=100, progress=False)
    assert not t.model.training


# What does not fit ------------------------------------------------------------------------------------


def make_dataset(shape=(6, 1, 28, 28), labels=None):
    return data.Dataset(np.zeros(shape, np.uint8), np.arange(shape[0]) if labels is None else labels)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (
            lambda t: t.fit(make_dataset((0, 1, 28, 28)), epochs=1, batch_size=2),
            ArgumentError,
            "fit: train is empty",
        ),
        (
            lambda t: t.fit(make_dataset(), epochs=1, batch_size=2, validation=make_dataset((0, 1, 28, 28))),
            ArgumentError,
            "fit: validation is empty",
        ),
        (
            lambda t: t.fit([1], epochs=1, batch_size=2),
            DTypeError,
            "fit: train: item 0 must be a pair of image and label, or a dict with them, got int",
        ),
        (
            lambda t: t.fit(make_dataset(labels=[0, 1, 2, 3, 4, 10]), epochs=1, batch_size=2),
            ArgumentError,
            "fit: train has the label 10, but the model has 10 outputs",
        ),
        (
            lambda t: t.fit(make_dataset((6, 3, 28, 28)), epochs=1, batch_size=2),
            ShapeError,
            r"fit: train does not fit the model: an image is \(3, 28, 28\): linear: ",
        ),
        (
            lambda t: t.fit(make_dataset(), epochs=1, batch_size=2, validation=make_dataset((2, 1, 5, 5))),
            ShapeError,
            r"fit: validation does not fit the model: an image is \(1, 5, 5\): linear: ",
        ),
        (
            lambda t: t.fit(make_dataset(), epochs=1, batch_size=2, augment=lambda x, rng: x[..., :20]),
            ShapeError,
            r"fit: train does not fit the model: an image is \(1, 28, 20\)",
        ),
        (
            lambda t: t.fit(make_dataset(), epochs=1, batch_size=2, augment=3),
            DTypeError,
            "augment must be callable",
        ),
        (
            lambda t: t.fit(make_dataset(), epochs=1, batch_size=0),
            ArgumentError,
            "batch_size must be at least 1",
        ),
        (
            lambda t: t.fit(make_dataset(), epochs=-1, batch_size=1),
            ArgumentError,
            "fit: epochs must be at least 0",
        ),
        (
            lambda t: t.fit(make_dataset(), epochs=1, batch_size=9, drop_last=True),
            ArgumentError,
            "drop_last leaves no batch",
        ),
        (lambda t: t.evaluate(make_dataset((0, 1, 28, 28))), ArgumentError, "evaluate: dataset is empty"),
        (
            lambda t: t.evaluate(make_dataset(labels=[0, 1, 2, 3, 4, 77])),
            ArgumentError,
            "evaluate: dataset has the label 77, but the model has 10 outputs",
        ),
        (lambda t: t.predict(np.zeros((1, 1, 28, 28)), 0), ArgumentError, "predict: batch_size"),
        (
            lambda t: t.train_step(np.zeros((2, 1, 28, 28)), np.zeros(3, int)),
            ShapeError,
            "train_step: 2 images but 3 labels",
        ),
    ],
)
def test_data_that_do_not_fit_are_named_before_training(call, error, message):
    t = trainer(linear())
    before = t.model.state_dict()
    with pytest.raises(error, match=message):
        call(t)
    assert all(np.array_equal(t.model.state_dict()[key], value) for key, value in before.items())
    assert len(t.history) == 0


def test_a_model_without_logits_is_named():
    t = trainer(nn.Sequential(nn.Conv2d(1, 10, 3)))
    with pytest.raises(ShapeError, match=r"expected logits \(N, K\), got \(1, 10, 26, 26\)"):
        t.fit(make_dataset(), epochs=1, batch_size=2)


def parts():
    model = linear()
    return model, optim.SGD(model.parameters()), nn.CrossEntropyLoss()


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda m, o, c: Trainer(o, o, c), DTypeError, "Trainer: model must be a Module, got SGD"),
        (
            lambda m, o, c: Trainer(m, m, c),
            DTypeError,
            "Trainer: optimizer must be an Optimizer, got Sequential",
        ),
        (lambda m, o, c: Trainer(m, o, "ce"), DTypeError, "Trainer: loss must be callable .* got str"),
        (
            lambda m, o, c: Trainer(m, o, nn.CrossEntropyLoss(reduction="none")),
            ArgumentError,
            "reduction 'mean' or 'sum', not 'none'",
        ),
        (
            lambda m, o, c: Trainer(linear(), o, c),
            ArgumentError,
            "the optimizer holds no parameter of the model",
        ),
        (
            lambda m, o, c: Trainer(m, o, c, callbacks=[print]),
            DTypeError,
            "callbacks must be Callbacks, got builtin",
        ),
        (lambda m, o, c: Trainer(m, o, c, seed=-1), ArgumentError, "Trainer: seed must be at least 0"),
        (lambda m, o, c: Trainer(m, o, c, preprocess=3), DTypeError, "Trainer: preprocess must be callable"),
        (
            lambda m, o, c: Trainer(m, o, c, preprocess=list).predict(np.zeros((1, 1, 28, 28))),
            DTypeError,
            "preprocess must return an array, got list",
        ),
    ],
)
def test_parts_that_do_not_fit_are_named(make, error, message):
    with pytest.raises(error, match=message):
        make(*parts())
