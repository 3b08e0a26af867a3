"""Training and evaluation for each task: columns, metrics, weights, what follows a metric."""

import tracemalloc

import numpy as np
import pytest

import fastcnn
from fastcnn import nn, optim
from fastcnn.data import Dataset, Loader
from fastcnn.data.transforms import Compose, CutMix, MixUp, RandomCrop, RandomHorizontalFlip
from fastcnn.errors import ArgumentError, DTypeError, ShapeError
from fastcnn.optim.lr_scheduler import ReduceLROnPlateau
from fastcnn.training import (
    BestWeights,
    Diagnostics,
    EarlyStopping,
    SampledAccuracy,
    lr_find,
    metrics,
)
from fastcnn.training.history import better_is
from fastcnn.training.progress import describe
from fastcnn.training.tasks import TASKS as TABLE
from fastcnn.training.tasks import threshold_of

from .kinds import TASKS, OwnLoss, data_of, images, trainer_of

WEIGHTS = np.random.default_rng(3).integers(0, 3, 24) + 0.0
engines = pytest.mark.parametrize("engine", [False, True], ids=["eager", "compiled"])


@pytest.mark.parametrize("task", TASKS)
@engines
def test_a_fit_learns_and_has_the_columns_of_its_task(task, engine):
    trainer = trainer_of(task, engine=engine)
    history = trainer.fit(
        data_of(task), epochs=12, batch_size=8, validation=data_of(task, 16, 1), progress=False
    )
    training = ["loss", "accuracy"] if task == "classification" else ["loss"]
    validation = [f"val_{name}" for name in ("loss", *TABLE[task].columns)]
    assert history.columns == ["epoch", "lr", *training, *validation, "seconds", "images_per_second"]
    assert history[-1]["loss"] < 0.8 * history[0]["loss"]
    main = f"val_{TABLE[task].main}"
    assert history.best(main)["epoch"] > 1
    assert describe(history[-1]).count("val_") == 2
    assert main in describe(history[-1])


def test_regression_is_measured_as_the_functions_do():
    data, trainer = data_of("regression", weights=WEIGHTS), trainer_of("regression")
    result, outputs = trainer.evaluate(data), trainer.predict(data.images)[:, 0]
    assert list(result) == ["loss", "mae", "mse", "r2", "count"]
    for name, function in (
        ("mae", metrics.mean_absolute_error),
        ("mse", metrics.mean_squared_error),
        ("r2", metrics.r2_score),
    ):
        assert result[name] == pytest.approx(function(data.targets, outputs, WEIGHTS))
    assert result["loss"] == pytest.approx(result["mse"], rel=1e-5)


def test_several_labels_are_measured_as_the_functions_do():
    data, trainer = data_of("multilabel", weights=WEIGHTS), trainer_of("multilabel")
    result, logits = trainer.evaluate(data), trainer.predict(data.images)
    assert result["macro_f1"] == metrics.multilabel_f1(data.labels, logits > 0, sample_weight=WEIGHTS)
    assert result["micro_f1"] == metrics.multilabel_f1(data.labels, logits > 0, "micro", WEIGHTS)
    assert result["average_precision"] == metrics.average_precision(
        data.labels, logits, sample_weight=WEIGHTS
    )
    assert result["subset_accuracy"] == metrics.subset_accuracy(data.labels, logits > 0, WEIGHTS)
    assert len(result["f1"]) == 3


@pytest.mark.parametrize(
    ("loss", "threshold"),
    [(nn.BCEWithLogitsLoss(), 0.0), (nn.BCELoss(), 0.5), (nn.MSELoss(), 0.5), (OwnLoss(), 0.0)],
)
def test_the_threshold_of_a_label(loss, threshold):
    """Half a probability where a loss compares outputs with 0 and 1, else a logit of 0."""
    assert threshold_of(loss) == threshold


@pytest.mark.parametrize("batch_size", [1, 7, 24, 100])
@pytest.mark.parametrize("reduction", ["mean", "sum"])
def test_masks_are_measured_a_batch_at_a_time(batch_size, reduction):
    data, trainer = data_of("segmentation", weights=WEIGHTS), trainer_of("segmentation")
    data.labels[::5, 0] = data.ignore_index
    trainer.loss = nn.CrossEntropyLoss(reduction=reduction)
    result, logits = trainer.evaluate(data, batch_size), trainer.predict(data.images)
    counted = metrics.pixel_confusion(data.labels, logits.argmax(1), 3)
    weighted = metrics.pixel_confusion(data.labels, logits.argmax(1), 3, sample_weight=WEIGHTS)
    assert result["confusion"].tolist() == counted.tolist()
    assert result["correct"] == np.trace(counted)
    assert result["pixel_accuracy"] == pytest.approx(metrics.accuracy(weighted))
    assert result["mean_iou"] == pytest.approx(metrics.mean_iou(weighted))
    assert result["dice"] == pytest.approx(metrics.mean_dice(weighted))
    whole = trainer.loss(logits, data.labels.astype(np.int64), sample_weight=WEIGHTS)
    assert result["loss"] == pytest.approx(whole, rel=1e-6)


@pytest.mark.parametrize("task", ["segmentation", "regression"])
def test_outputs_as_large_as_images_are_not_all_in_memory(task):
    x = np.zeros((64, 1, 64, 64), np.uint8)
    targets = (
        np.zeros((64, 64, 64), np.uint8) if task == "segmentation" else np.zeros((64, 8, 64, 64), np.float32)
    )
    model = nn.Conv2d(1, 8, 1).initialize(seed=0)
    loss = nn.CrossEntropyLoss() if task == "segmentation" else nn.MSELoss()
    trainer = fastcnn.Trainer(model, optim.SGD(model.parameters(), lr=0.1), loss)
    data = Dataset(x, targets, task=task)
    trainer.evaluate(data[:4], 4)
    tracemalloc.start()
    trainer.evaluate(data, 4)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    # Those of four images, and sums for each place of a target that is an image.
    assert peak < 64 * 8 * 64 * 64 * 4


def test_targets_that_are_images():
    x = images(12)
    model = nn.Conv2d(1, 1, 3, padding=1).initialize(seed=0)
    trainer = fastcnn.Trainer(model, optim.Adam(model.parameters(), lr=0.05), nn.MSELoss())
    history = trainer.fit(Dataset(x, x, task="regression"), epochs=20, batch_size=4, progress=False)
    assert history[-1]["loss"] < history[0]["loss"] / 2
    result = trainer.evaluate(Dataset(x, x, task="regression"), 5)
    outputs = trainer.predict(x)
    assert result["r2"] == pytest.approx(metrics.r2_score(x, outputs), rel=1e-6)
    assert result["mae"] == pytest.approx(metrics.mean_absolute_error(x, outputs), rel=1e-6)


# --- weights ---


@pytest.mark.parametrize("task", TASKS)
@engines
def test_a_weight_of_two_is_a_sample_twice(task, engine):
    weights = np.array([2.0, 0, 1, 1, 0, 2, 1, 0])
    data = data_of(task, 8, weights=weights)
    plain = data_of(task, 8)
    repeated = plain.subset(np.repeat(np.arange(8), weights.astype(int)))
    trained = []
    for each in (data, repeated):
        trainer = trainer_of(task, engine=engine, make=lambda parameters: optim.SGD(parameters, lr=0.5))
        history = trainer.fit(each, epochs=3, batch_size=8, shuffle=False, validation=each, progress=False)
        trained.append((trainer.model.state_dict(), history))
    for name, value in trained[0][0].items():
        np.testing.assert_allclose(value, trained[1][0][name], rtol=1e-4, atol=1e-5)
    for name in ["loss", *(f"val_{column}" for column in ("loss", *TABLE[task].columns))]:
        np.testing.assert_allclose(trained[0][1][name], trained[1][1][name], rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(("task", "loss"), [*((task, None) for task in TASKS), ("multilabel", OwnLoss())])
def test_weighted_batches_add_up_to_a_large_one(task, loss):
    """Without a divisor batches count by the sum of the weights."""
    data = data_of(task, weights=WEIGHTS)
    states = []
    for size, several in ((24, 1), (8, 3)):
        make = lambda parameters: optim.SGD(parameters, lr=0.3)  # noqa: E731
        trainer = trainer_of(task, loss=loss, make=make, accumulate_grad_batches=several)
        history = trainer.fit(data, epochs=2, batch_size=size, shuffle=False, progress=False)
        states.append([*trainer.model.state_dict().values(), history["loss"][0]])
    for one, other in zip(*states, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-5)


def test_a_batch_in_which_nothing_counts_changes_nothing():
    weights = np.array([0.0] * 4 + [1, 1, 1, 0])
    data = data_of("regression", 8, weights=weights)
    trainer = trainer_of("regression")
    before = trainer.model.state_dict()
    assert trainer.train_step(data.images[:4], data.targets[:4], weights[:4]) == 0
    for name, value in trainer.model.state_dict().items():
        np.testing.assert_array_equal(value, before[name])
    history = trainer.fit(data, epochs=2, batch_size=4, shuffle=False, progress=False)
    assert np.isfinite(history["loss"]).all()
    assert history.stop_reason is None


@pytest.mark.parametrize("several", [1, 2])
@engines
def test_masks_in_which_no_pixel_counts_change_nothing(several, engine):
    data = data_of("segmentation", 8)
    data.labels[:4] = data.ignore_index
    trainer = trainer_of("segmentation", engine=engine, accumulate_grad_batches=several)
    before = trainer.model.state_dict()
    assert trainer.train_step(data.images[:4], data.labels[:4]) == 0
    for name, value in trainer.model.state_dict().items():
        np.testing.assert_array_equal(value, before[name])
    history = trainer.fit(data, epochs=3, batch_size=4, validation=data[:4] + data, progress=False)
    assert np.isfinite(history["loss"] + history["val_loss"]).all()
    assert history[-1]["loss"] < history[0]["loss"]
    assert not history.diverged
    assert history.stop_reason is None


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("several", [1, 2])
def test_a_resumed_training_is_the_same_to_the_bit(tmp_path, task, weighted, several):
    data = data_of(task, weights=WEIGHTS if weighted else None)
    augment = {"classification": MixUp(), "segmentation": CutMix()}.get(task, MixUp())
    options = {"batch_size": 5, "augment": augment, "validation": data_of(task, 9, 4), "progress": False}

    class Stop(fastcnn.training.Callback):
        def on_batch_end(self, trainer, batch, logs):
            if len(trainer.history) == 1 and batch == 3:
                raise KeyboardInterrupt

    whole = trainer_of(task, accumulate_grad_batches=several)
    whole.fit(data, epochs=3, **options)
    trainer_of(task, accumulate_grad_batches=several, callbacks=[Stop()]).fit(
        data, epochs=3, checkpoint=tmp_path, **options
    )
    resumed = trainer_of(task, accumulate_grad_batches=several)
    resumed.fit(data, epochs=3, checkpoint=tmp_path, resume=True, **options)
    for name, value in whole.model.state_dict().items():
        np.testing.assert_array_equal(value, resumed.model.state_dict()[name])
    told = [name for name in whole.history.columns if name not in ("seconds", "images_per_second")]
    for name in told:
        assert whole.history[name] == resumed.history[name], name


def test_a_training_with_other_weights_does_not_go_on(tmp_path):
    options = {"batch_size": 8, "progress": False, "checkpoint": tmp_path}
    trainer_of("regression").fit(data_of("regression", weights=WEIGHTS), epochs=1, **options)
    with pytest.raises(ArgumentError, match="train: the images are not those of the training"):
        trainer_of("regression").fit(
            data_of("regression", weights=WEIGHTS + 1), epochs=2, resume=True, **options
        )


# --- metrics of one's own ---


def largest(outputs, targets):
    return float(np.abs(outputs[:, 0] - targets[:, 0]).max())


def mean_error(outputs, targets, sample_weight=None):
    return metrics.mean_absolute_error(targets, outputs, sample_weight)


@pytest.mark.parametrize("weights", [None, WEIGHTS])
def test_own_metrics(weights):
    data = data_of("regression", weights=weights)
    trainer = trainer_of("regression", metrics={"largest": largest, "again_mae": mean_error})
    history = trainer.fit(data, epochs=2, batch_size=8, validation=data, progress=False)
    result = trainer.evaluate(data)
    assert result["again_mae"] == pytest.approx(result["mae"], rel=1e-6)
    assert result["largest"] == history[-1]["val_largest"] > result["mae"]
    trainer.metrics = {}
    assert "largest" not in trainer.evaluate(data)


def test_own_metrics_of_masks_are_means_over_batches():
    data = data_of("segmentation")
    trainer = trainer_of("segmentation", metrics={"right": lambda y, t: (y.argmax(1) == t).mean()})
    result = trainer.evaluate(data, 7)
    assert result["right"] == pytest.approx(result["pixel_accuracy"])


@pytest.mark.parametrize(
    ("given", "error", "message"),
    [
        ([largest], DTypeError, "metrics must be a mapping of names to functions"),
        ({"mae": largest}, ArgumentError, "the name 'mae' is taken"),
        ({"val_own": largest}, ArgumentError, "the name 'val_own' is taken"),
        ({"my metric": largest}, ArgumentError, "a name must be an identifier, got 'my metric'"),
        ({"own": 3}, DTypeError, "own must be callable, got int"),
    ],
)
def test_names_of_own_metrics(given, error, message):
    with pytest.raises(error, match=f"Trainer: .*{message}"):
        trainer_of("regression", metrics=given)


def test_an_own_metric_returns_one_number():
    trainer = trainer_of("regression", metrics={"own": lambda outputs, targets: outputs})
    with pytest.raises(DTypeError, match="evaluate: the metric 'own' must return one number"):
        trainer.evaluate(data_of("regression"))


# --- what follows a metric ---


@pytest.mark.parametrize("task", TASKS)
def test_directions_are_known(task):
    low = {"mae", "mse"}
    for name in TABLE[task].columns:
        assert better_is(f"val_{name}") == ("min" if name in low else "max")


@pytest.mark.parametrize("task", TASKS)
def test_callbacks_follow_the_metric_of_the_task(task):
    main = f"val_{TABLE[task].main}"
    best, early = BestWeights(main), EarlyStopping(main, patience=2)
    data = data_of(task)
    sampled = SampledAccuracy(data, every=2, samples=10)
    diagnostics = Diagnostics(every=2)
    trainer = trainer_of(task, callbacks=[best, early, sampled, diagnostics])
    history = trainer.fit(data, epochs=3, batch_size=8, validation=data, progress=False)
    assert history.best(main)["epoch"] == best.best_epoch == history.restored_epoch
    result = trainer.evaluate(data)
    assert result[TABLE[task].main] == pytest.approx(best.best_value)
    assert {TABLE[task].main, "loss"} <= set(history.steps[0])
    assert history[0][f"sample_{TABLE[task].main}"] == history.steps[0][TABLE[task].main]
    assert diagnostics.rows


def test_a_monitor_of_another_task():
    trainer = trainer_of("regression", callbacks=[BestWeights()])
    data = data_of("regression")
    message = (
        "BestWeights: 'val_accuracy' is a metric of classification, but the data set is for regression: "
        "monitor one of val_loss, val_mae, val_mse, val_r2"
    )
    with pytest.raises(ArgumentError, match=message):
        trainer.fit(data, epochs=1, batch_size=8, validation=data, progress=False)


def test_a_plateau_of_what_shall_be_high():
    data, trainer = data_of("regression"), trainer_of("regression")
    trainer.scheduler = ReduceLROnPlateau(trainer.optimizer, mode="max")
    trainer.fit(data, epochs=1, batch_size=8, validation=data, progress=False)
    assert trainer.scheduler.best == trainer.history[-1]["val_r2"]
    with pytest.raises(ArgumentError, match="mode 'max' follows val_r2, which needs validation data"):
        trainer.fit(data, epochs=1, batch_size=8, progress=False)


@pytest.mark.parametrize("task", TASKS)
def test_lr_find(task):
    found = lr_find(trainer_of(task), data_of(task, weights=WEIGHTS), batch_size=8, steps=10, end_lr=0.1)
    assert len(found.losses) == 10


def test_masks_are_augmented_with_their_images():
    augment = Compose([RandomCrop(3, padding=1), RandomHorizontalFlip()])
    trainer = trainer_of("segmentation")
    history = trainer.fit(data_of("segmentation"), epochs=12, batch_size=8, augment=augment, progress=False)
    assert history[-1]["loss"] < 0.8 * history[0]["loss"]


# --- what does not fit ---


def fit(trainer, data, **options):
    trainer.fit(data, epochs=1, batch_size=4, progress=False, **options)


def test_data_that_do_not_fit_the_model():
    with pytest.raises(ShapeError, match=r"expected outputs \(N, 2\), as the targets are, got \(1, 1\)"):
        fit(trainer_of("regression"), Dataset(images(4), np.ones((4, 2)), task="regression"))
    with pytest.raises(ShapeError, match=r"expected logits \(N, 2\), got \(1, 3\)"):
        fit(trainer_of("multilabel"), Dataset(images(4), np.ones((4, 2), bool)))
    with pytest.raises(
        ShapeError, match=r"expected logits \(N, K, 2, 2\), as the masks are, got \(1, 3, 4, 4\)"
    ):
        fit(trainer_of("segmentation"), Dataset(images(4), np.ones((4, 2, 2), int)))
    with pytest.raises(ArgumentError, match="has the label 3, but the model has 3 outputs"):
        fit(trainer_of("segmentation"), Dataset(images(4), np.full((4, 4, 4), 3)))
    trainer = trainer_of("regression")
    trainer.loss = lambda_loss()
    validation = Dataset(images(4), [0] * 4)
    with pytest.raises(ArgumentError, match="train is for regression, but validation for classification"):
        fit(trainer, data_of("regression"), validation=validation)


def lambda_loss():
    class Any:
        def __call__(self, outputs, targets):
            return 0.0

        def backward(self):
            return np.zeros((4, 1), np.float32)

    return Any()


def test_losses_that_do_not_fit():
    trainer = trainer_of("multilabel")
    for trainer.loss in (nn.CrossEntropyLoss(), nn.NLLLoss(), nn.MultiMarginLoss()):
        name = type(trainer.loss).__name__
        with pytest.raises(ArgumentError, match=f"several labels an image, but {name} takes one class"):
            fit(trainer, data_of("multilabel"))
    trainer = trainer_of("segmentation")
    marked = Dataset(images(4), np.zeros((4, 4, 4), int), ignore_index=255)
    with pytest.raises(ArgumentError, match="has ignore_index=255, but CrossEntropyLoss -100"):
        fit(trainer, marked)
    trainer = trainer_of("regression")
    trainer.loss = lambda_loss()
    with pytest.raises(ArgumentError, match="has weights, but Any does not take sample_weight"):
        fit(trainer, data_of("regression", weights=WEIGHTS))
    trainer.loss = nn.CrossEntropyLoss()
    with pytest.raises(ArgumentError, match="has real targets, but CrossEntropyLoss takes classes"):
        fit(trainer, data_of("regression"))


def test_train_step_takes_what_a_loader_hands_out():
    for task in TASKS:
        trainer = trainer_of(task)
        for weights in (None, WEIGHTS):
            for batch in Loader(data_of(task, weights=weights), 8, seed=0).epoch(0):
                assert np.isfinite(trainer.train_step(*batch))
    with pytest.raises(ShapeError, match="train_step: sample_weight must have the shape"):
        trainer.train_step(images(4), np.zeros(4), [1, 2])
