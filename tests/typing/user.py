"""A user's script, which `mypy --strict` reads: what it uses has the types that are asserted here.

tests/typing/test_user.py runs its functions.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

import fastcnn
import fastcnn.nn.functional as F
from fastcnn import data, engine, nn, onnx, ops, optim, recipes, sklearn, testing, training, zoo
from fastcnn.data import Dataset, transforms

if TYPE_CHECKING:
    from typing_extensions import assert_type

    from fastcnn.training.evaluation import Metrics
else:

    def assert_type(value, kind):
        return value


class Block(nn.Module):
    """Made of layers, functions and operators: backward is derived."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(channels)
        self.scale = nn.Parameter(np.ones((channels, 1, 1), np.float32))
        self.drop = nn.StochasticDepth(0.1, "row")
        self.pixels = nn.LayerNorm2d(channels)

    def forward(self, x: Any) -> Any:
        gate = x.mean((2, 3), keepdim=True) * self.scale
        y = F.dropout(self.norm(self.conv(x)), 0.1, self.training)
        y = self.drop(F.stochastic_depth(y, 0.1, "row", self.training))
        return F.relu(fastcnn.cat([y * F.sigmoid(gate), self.pixels(x)], dim=1))


class Swish(nn.Module):
    """With a backward of its own, which sees arrays."""

    def __init__(self, beta: float) -> None:
        super().__init__()
        self.beta = beta

    def forward(self, x: np.ndarray) -> np.ndarray:
        s = 1 / (1 + np.exp(-self.beta * x))
        self.saved = x, s
        return np.asarray(x * s)

    def backward(self, dy: np.ndarray) -> np.ndarray:
        x, s = self.saved
        return np.asarray(dy * (s + self.beta * x * s * (1 - s)))


class Stop(training.Callback):
    """Stops after an epoch, and adds a column."""

    def on_epoch_end(self, trainer: fastcnn.Trainer, epoch: int, row: dict[str, float]) -> None:
        row["seen"] = len(trainer.history)
        trainer.stop("one epoch is enough")


def network() -> nn.Sequential:
    """Return a small network."""
    return nn.Sequential(
        nn.Conv2d(1, 4, 3, stride=2), nn.BatchNorm2d(4), nn.ReLU(), Block(4), Swish(1.0),
        nn.Residual(nn.Conv2d(8, 8, 1)), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(8 * 6 * 6, 10),
    ).initialize(seed=0)  # fmt: skip


def line_network(lines: np.ndarray) -> nn.Sequential:
    """Return a small network for samples of two axes, and look at one back to images."""
    assert_type(F.prelu(lines, np.ones(3)), np.ndarray)
    assert_type(F.max_pool1d(lines, 2), np.ndarray)
    assert_type(F.interpolate(lines, (9,), mode="linear"), np.ndarray)
    assert_type(F.dropout1d(lines, 0.1), np.ndarray)
    assert_type(ops.dropout1d(lines, 0.1), tuple[np.ndarray, np.ndarray | None])
    assert_type(F.lp_pool1d(lines, 2, 3), np.ndarray)
    assert_type(F.conv_transpose1d(lines, np.ones((2, 4, 3)), stride=2), np.ndarray)
    assert_type(ops.conv_transpose1d(lines, np.ones((2, 4, 3))), np.ndarray)
    assert_type(F.pad(lines, (1, -1)), np.ndarray)
    assert_type(F.adaptive_max_pool1d(lines, 2), np.ndarray)
    assert_type(F.max_pool1d(lines, 2, return_indices=True), Any)  # a pair
    assert_type(F.max_unpool1d(lines, np.zeros((1, 3, 4), int), 2, output_size=(9,)), np.ndarray)
    assert_type(ops.max_unpool2d(lines, np.zeros((1, 3, 4), int), 2), np.ndarray)
    assert_type(F.local_response_norm(lines, 3, k=2.0), np.ndarray)
    assert_type(ops.conv1d(lines, np.ones((4, 2, 3))), np.ndarray)
    images = nn.Sequential(nn.ConvTranspose2d(8, 4, (2, 3), stride=2, output_padding=1), nn.PReLU(4))
    assert_type(images.eval(), nn.Sequential)
    return nn.Sequential(
        nn.Conv1d(2, 4, 3, padding="same"), nn.BatchNorm1d(4), nn.MaxPool1d(2), nn.AvgPool1d((2,), 1),
        nn.ConvTranspose1d(4, 4, 2, 2), nn.AdaptiveMaxPool1d(6), nn.ZeroPad1d(1), nn.CircularPad1d((-1, 2)),
        nn.LPPool1d(2, 2, 1), nn.AdaptiveAvgPool1d(3), nn.Flatten(), nn.Linear(12, 3),
    )  # fmt: skip


def logits_of(model: nn.Module, images: np.ndarray) -> np.ndarray:
    """Return logits; strict checkers refuse `Any` in the place of the array."""
    return model.predict(images, batch_size=64, tta="flip,shift=1")


def normalized(images: np.ndarray) -> np.ndarray:
    """Return float32 images of bytes."""
    return transforms.Normalize(mean=0.13, std=0.31)(images)


def describe(model: nn.Sequential, images: np.ndarray) -> str:
    """Look at a model from all sides."""
    assert_type(model[0], nn.Module)
    assert_type(model[:-1], nn.Sequential)
    assert_type(model(images), Any)  # as in PyTorch: within a forward it is no array
    assert_type(model.predict(images), np.ndarray | Any)
    assert_type(model.eval().train(), nn.Sequential)
    assert_type(dict(model.named_parameters()), dict[str, nn.Parameter])
    assert_type(next(model.parameters()).grad, np.ndarray | None)
    assert_type(model.state_dict(), dict[str, np.ndarray])
    assert_type(model.load_state_dict(model.state_dict()).missing_keys, list[str])
    assert_type(model.output_shape((1, 1, 28, 28)), tuple[int, ...] | Any)
    model.draw_graph((1, 28, 28)).show("svg")
    return assert_type(model.summary((1, 28, 28)), str)


def scenes(folder: str) -> tuple[Dataset, Dataset]:
    """Read pictures with masks."""
    read = data.load(folder, resize=64, masks="labels", classes=("sky", "sea"), ignore_index=255)
    return assert_type(read, tuple[Dataset, Dataset])


def train(model: nn.Module, full: Dataset, folder: Path) -> Metrics:
    """Fit with everything that Trainer has."""
    part, validation = data.split(full, 64, seed=0)
    assert_type(full.task, str)
    data.save(folder / "full.npz", full)
    pairs = [pair for pair in data.k_fold(data.concatenate([full, full]), 3, stratified=True, seed=0)]
    assert_type(pairs, list[tuple[Dataset, Dataset]])
    assert_type(data.compose_scenes(full, 3, size=(64, 48), per_scene=2, seed=1).classes, tuple[str, ...])
    assert_type(part, Dataset)
    optimizer = optim.AdamW(model.parameters(), lr=1e-3, weight_decay=0.01)
    trainer = fastcnn.Trainer(
        model,
        optimizer,
        nn.CrossEntropyLoss(label_smoothing=0.1),
        scheduler=optim.lr_scheduler.CosineAnnealingLR(optimizer, 2),
        accumulate_grad_batches=2,
        callbacks=[training.EMA(0.99), training.BestWeights(), training.EarlyStopping("val_loss"), Stop()],
        preprocess=transforms.Normalize(mean=0.13, std=0.31),
        clip_grad_norm=1.0,
    )
    history = trainer.fit(
        part, epochs=2, batch_size=32, validation=validation, augment=transforms.RandomCrop(28, 2),
        progress=False, checkpoint=folder / "checkpoint.safetensors",
    )  # fmt: skip
    assert_type(history, fastcnn.History)
    assert_type(history["val_loss"], list[float])
    assert_type(history[-1], dict[str, float])
    assert_type(history.best("val_accuracy")["epoch"], float)
    history.to_csv(folder / "history.csv")
    assert_type(len(history.to_pandas()), int)
    trainer.callbacks += [
        training.JSONLines(folder / "history.jsonl", ["epoch"]),
        training.TensorBoard(folder / "board", steps=10, histograms=1),
    ]
    assert_type(trainer.predict(validation.images), np.ndarray | Any)
    trainer.metrics = {"largest": lambda outputs, targets: float(outputs.max())}
    metrics = trainer.evaluate(validation)
    assert_type(metrics["accuracy"], float)
    assert_type(metrics["confusion"], np.ndarray)
    assert_type(fastcnn.training.metrics.r2_score([1.0, 2], [1.0, 3]), float)
    np.save(folder / "images.npy", part.images)
    mapped = data.load_npy(folder / "images.npy", part.labels, layout="NCHW")
    assert_type(mapped, Dataset)
    lazy = data.LazyDataset([(part.images[0], 1)], classes=["a", "b"])
    assert_type(lazy.read(progress=False), Dataset)
    streamed = data.Batches(lambda: iter([(part.images, part.labels)]), columns=(0, 1))
    trainer.fit(streamed, epochs=1, validation=lazy)
    trainer.fit([(part.images, part.labels)], epochs=1, validation=streamed)
    assert_type(trainer.evaluate(streamed)["loss"], float)
    return metrics


def optimizers(model: nn.Module) -> list[optim.Optimizer]:
    """Return one of each kind, with schedules."""
    matrices = [each for each in model.parameters() if each.data.ndim > 1]
    others = [each for each in model.parameters() if each.data.ndim == 1]
    made: list[optim.Optimizer] = [
        optim.RMSprop(model.parameters(), centered=True, momentum=0.9),
        optim.Adagrad(model.parameters(), lr_decay=0.1),
        optim.Adadelta(model.parameters(), rho=0.8),
        optim.NAdam(model.parameters(), decoupled_weight_decay=True),
        optim.RAdam(model.parameters(), betas=(0.9, 0.99)),
        optim.Adamax([{"params": others, "lr": 0.1}], maximize=True),
        optim.Combined([optim.Muon(matrices, flatten=True), optim.Lion(others)]),
    ]
    made.append(optim.Lookahead(made[0], k=5, alpha=0.5))
    rates = optim.lr_scheduler
    first = rates.ConstantLR(made[1]), rates.MultiplicativeLR(made[1], lambda step: 0.9)
    assert_type(rates.ChainedScheduler(first).get_last_lr(), list[float])
    rates.CyclicLR(made[0], base_lr=0.1, max_lr=[0.2], mode="exp_range", gamma=0.9)
    rates.CosineAnnealingWarmRestarts(made[2], T_0=2, T_mult=2).step(0.5)
    rates.PolynomialLR(made[2], total_iters=3, power=2, last_epoch=-1)
    optim.swa_utils.SWALR(made[3], swa_lr=0.05)
    return made


def loop(model: nn.Module, dataset: Dataset) -> float:
    """Train with a loop of one's own; return the mean loss."""
    fast = fastcnn.compile(model, precision="highest")
    assert_type(fast, engine.CompiledModule)
    cross_entropy, normalize = nn.CrossEntropyLoss(), transforms.Normalize(mean=0.13, std=0.31)
    optimizer = optim.SGD(model.parameters(), lr=0.01, momentum=0.9)
    schedule = optim.lr_scheduler.OneCycleLR(optimizer, max_lr=0.1, total_steps=100)
    average = optim.swa_utils.AveragedModel(model, multi_avg_fn=optim.swa_utils.get_ema_multi_avg_fn(0.99))
    total, steps = 0.0, 0
    for images, labels in data.Loader(dataset, batch_size=32, seed=0).epoch(0):
        assert isinstance(images, np.ndarray)  # of one input
        optimizer.zero_grad()
        total += cross_entropy(fast(normalize(images)), labels)
        fast.backward(cross_entropy.backward())
        assert_type(nn.utils.clip_grad_norm_(model.parameters(), 1.0), float)
        optimizer.step()
        schedule.step()
        average.update_parameters(model)
        steps += 1
    optim.swa_utils.update_bn([np.zeros((4, 1, 28, 28), np.float32)], average)
    return total / steps


def files(model: nn.Module, folder: Path) -> None:
    """Write weights and networks, and read them."""
    fastcnn.save_weights(model, folder / "weights.safetensors", {"note": "mine"})
    missing, unexpected = fastcnn.load_weights(model, folder / "weights.safetensors")
    assert_type((missing, unexpected), tuple[list[str], list[str]])
    assert_type(training.read_metadata(folder / "weights.safetensors"), dict[str, str])
    small = zoo.from_spec("Conv 6 5 1 2\nReLU\nFC 10", (1, 28, 28))
    assert_type(zoo.to_python(small), str)
    assert_type(zoo.from_dicts(zoo.to_dicts(small), (1, 28, 28)), nn.Module)
    assert_type(zoo.build("spec-lenet", seed=0), nn.Module)


def exchanged(model: nn.Module, path: Path) -> nn.Module:
    """Write a network as an ONNX file, and read it."""
    onnx.export(model, path, (1, 28, 28), opset=18, dynamic_batch=True, metadata={"note": "text"})
    assert_type(onnx.operators(), list[str])
    return onnx.load(path, (1, 28, 28))


def estimators(images: np.ndarray, labels: np.ndarray) -> sklearn.CNNRegressor:
    """Fit estimators for scikit-learn."""
    model = sklearn.CNNClassifier(
        "spec-lenet", max_iter=1, optimizer={"type": "SGD", "lr": 0.1}, random_state=0
    )
    assert_type(model.fit(images, labels), sklearn.CNNClassifier)
    assert_type(model.partial_fit(images, labels, sample_weight=np.ones(len(labels))), sklearn.CNNClassifier)
    assert_type(model.predict(images), np.ndarray)
    assert_type(model.predict_proba(images), np.ndarray)
    assert_type(model.predict_log_proba(images), np.ndarray)
    assert_type(model.decision_function(images), np.ndarray)
    assert_type(model.module_, nn.Module)
    assert_type(model.history_, fastcnn.History)
    assert_type(model.loss_curve_, list[float])
    return sklearn.CNNRegressor(hidden_layer_sizes=(4,), max_iter=1).fit(images, images.mean((1, 2, 3)))


def functions(x: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Compute without layers."""
    weight = np.zeros((4, 1, 3, 3), x.dtype)
    y = ops.conv2d(x, weight, None, 1, 1)
    _, dweight, _ = ops.conv2d_backward(y, x, weight, 1, 1)
    assert dweight.shape == weight.shape
    loss, gradient = ops.cross_entropy(F.flatten(y, 1), labels)
    for criterion in (
        nn.BCEWithLogitsLoss(pos_weight=y[0]),
        nn.HuberLoss(delta=0.5),
        nn.KLDivLoss("batchmean"),
    ):
        gradient = criterion.compute(y, y, np.ones(len(y)))[1]
    print(F.smooth_l1_loss(y, y, "sum", 0.5), nn.GaussianNLLLoss(full=True)((y, y), y), gradient.shape)
    assert_type(gradient, np.ndarray)
    print(f"{loss:.3f}", fastcnn.softmax(y, 1).shape, F.split(y, 2, 1)[0].shape)
    larger = F.interpolate(F.pad(y, (1, 1, 1, 1), "reflect"), scale_factor=2, mode="bilinear")
    assert_type(F.adaptive_max_pool2d(F.pixel_unshuffle(larger, 2), (3, None)), np.ndarray)
    assert_type(F.dropout2d(F.channel_shuffle(larger, 1), 0.1), np.ndarray)
    testing.assert_close(F.relu(y), np.maximum(y, 0))
    return assert_type(F.max_pool2d(F.relu(y), 2), np.ndarray)


def recipe() -> recipes.Recipe:
    """Return a changed recipe; Run and Classifier take it from there."""
    changed = recipes.load("compact-mnist").replace("training.epochs", 5, "example")
    assert_type(changed.name, str)
    return changed


def use(folder: Path, images: np.ndarray) -> tuple[str, ...]:
    """Predict with what a run left."""
    run = recipes.Run(recipes.Experiment(recipe()), folder)
    assert_type(run.fit(), fastcnn.History)
    matrix = training.report.ConfusionMatrix([[8, 2], [0, 9]], ["cat", "dog"])
    assert_type(matrix.classes, list[str])
    assert_type(matrix.confusion, np.ndarray)
    classifier = recipes.Classifier.load(folder)
    assert_type(classifier.trainer.predict(classifier.prepare(images)), np.ndarray | Any)
    return classifier.classes


def settings() -> None:
    """Set what holds for all."""
    fastcnn.set_num_threads(fastcnn.get_num_threads())
    fastcnn.set_flush_denormal(fastcnn.get_flush_denormal())
    fastcnn.set_float32_matmul_precision(assert_type(fastcnn.get_float32_matmul_precision(), str))
    fastcnn.manual_seed(0)
    fastcnn.show_config()
