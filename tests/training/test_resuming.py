"""A training that was interrupted goes on, in other objects, to the bits of one that never was."""

import csv
import datetime
import logging
import math
import random
import re
import shutil
import signal

import numpy as np
import pytest

import fastcnn
from fastcnn import data, nn, optim
from fastcnn._kernels import cpu
from fastcnn.data import transforms
from fastcnn.errors import ArgumentError, CheckpointError, DTypeError
from fastcnn.optim import lr_scheduler
from fastcnn.training import (
    EMA,
    BestWeights,
    Callback,
    CSVLogger,
    EarlyStopping,
    LambdaCallback,
    ModelCheckpoint,
    SampledAccuracy,
    load_weights,
    read_metadata,
)
from fastcnn.training.checkpoint import read_checkpoint, write_checkpoint

from .networks import assert_same_state, linear, network, trainer

TIMES = ("seconds", "images_per_second")
BATCH = 64  # five batches an epoch, of which the last is not full


class Averages(Callback):
    """An average of the first weight over the steps: a state of one's own."""

    def on_train_begin(self, trainer):
        self.mean, self.steps = np.zeros_like(next(trainer.model.parameters()).data), 0

    def on_batch_end(self, trainer, batch, logs):
        self.steps += 1
        self.mean += (next(trainer.model.parameters()).data - self.mean) / self.steps

    def state_dict(self):
        return {"mean": self.mean, "steps": self.steps}

    def load_state_dict(self, state):
        self.mean, self.steps = np.array(state["mean"]), state["steps"]


def at_step(step, act):
    """Call `act` behind a step, counted over all epochs of this process."""
    count = iter(range(1, 10**6))
    return LambdaCallback(on_batch_end=lambda *_: act() if next(count) == step else None)


def interrupt():
    signal.raise_signal(signal.SIGINT)


def make(kind, folder, small, *more, **options):
    """Return a Trainer with everything that has a state, and its callbacks by name."""
    model = network(dropout=0.3)
    if kind == "adam":
        optimizer = optim.AdamW(
            optim.parameter_groups(model, [{"parameters": "*.bias", "weight_decay": 0.0}])
        )
        scheduler = lr_scheduler.OneCycleLR(optimizer, 1e-2, total_steps=20)
    elif kind == "plateau":
        optimizer = optim.SGD(model.parameters(), lr=0.05, momentum=0.9, nesterov=True)
        scheduler = lr_scheduler.ReduceLROnPlateau(optimizer, patience=0, threshold=0.2)
    else:
        optimizer = optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
        parts = [lr_scheduler.LinearLR(optimizer, 0.1), lr_scheduler.StepLR(optimizer, 1, 0.5)]
        scheduler = lr_scheduler.SequentialLR(optimizer, parts, [2])
    callbacks = {
        "sampled": SampledAccuracy(small[0], 3, 50),
        "best": BestWeights(),
        "stopping": EarlyStopping("val_loss", 3),
        "file": ModelCheckpoint(folder / "best.safetensors"),
        "table": CSVLogger(folder / "history.csv"),
        "averages": Averages(),
    }
    options = {"seed": 3, "scheduler": scheduler, **options}
    return trainer(model, optimizer=optimizer, callbacks=[*more, *callbacks.values()], **options), callbacks


def fit(trained, small, **options):
    """Train for four epochs of augmented images."""
    augment = transforms.Compose([transforms.RandomCrop(28, padding=2), transforms.RandomErasing(0.5)])
    arguments = {"epochs": 4, "batch_size": BATCH, "validation": small[1], "augment": augment, **options}
    return trained.fit(small[0], progress=False, **arguments)


def table(path):
    """Return the lines of a CSV file without times."""
    with open(path, newline="") as file:
        return [{k: v for k, v in row.items() if k not in TIMES} for row in csv.DictReader(file)]


def rows(history):
    return [{name: value for name, value in row.items() if name not in TIMES} for row in history]


def load_into(model, path):
    load_weights(model, path)
    return model


@pytest.fixture(scope="module", params=["adam", "plateau", "sequential"])
def uninterrupted(request, tmp_path_factory, small):
    folder = tmp_path_factory.mktemp(request.param)
    trained, callbacks = make(request.param, folder, small)
    fit(trained, small)
    return request.param, folder, trained, callbacks


def assert_as_uninterrupted(uninterrupted, folder, trained, callbacks):
    _, whole_folder, whole, its_callbacks = uninterrupted
    assert_same_state(trained.model, whole.model)
    assert rows(trained.history) == rows(whole.history)
    assert trained.history.steps == whole.history.steps
    assert trained.history.stop_reason == whole.history.stop_reason
    assert trained.history.restored_epoch == whole.history.restored_epoch
    assert table(folder / "history.csv") == table(whole_folder / "history.csv")
    files = [each / "best.safetensors" for each in (folder, whole_folder)]
    assert read_metadata(files[0]) == read_metadata(files[1])
    assert_same_state(*(load_into(network(), each) for each in files))
    np.testing.assert_array_equal(callbacks["averages"].mean, its_callbacks["averages"].mean)
    state, wanted = trained.optimizer.state_dict(), whole.optimizer.state_dict()
    assert state["param_groups"] == wanted["param_groups"]
    for index, held in wanted["state"].items():
        for name, value in held.items():
            np.testing.assert_array_equal(state["state"][index][name], value)


def test_another_version_may_use_other_words(checkpoint, small, caplog, monkeypatch):
    monkeypatch.setattr("fastcnn.training.conditions.__version__", "9.9")
    with caplog.at_level(logging.WARNING):
        assert (
            len(resume(checkpoint, small[0], preprocess=lambda images: images / np.float32(255)).history) == 2
        )
    assert "preprocess was called 'fastcnn.training.checks.to_unit_range' and is now called" in caplog.text


def test_layer_after_layer(small, tmp_path):
    path = tmp_path / "training.safetensors"
    whole, its_callbacks = make("adam", tmp_path, small, engine=False)
    fit(whole, small)
    fit(make("adam", tmp_path, small, at_step(8, interrupt), engine=False)[0], small, checkpoint=path)
    trained, callbacks = make("adam", tmp_path, small, engine=False)
    fit(trained, small, resume=path)
    assert_same_state(trained.model, whole.model)
    assert rows(trained.history) == rows(whole.history)
    np.testing.assert_array_equal(callbacks["averages"].mean, its_callbacks["averages"].mean)


@pytest.mark.parametrize("step", [1, 4, 5, 6, 13, 19, 20])
def test_from_any_step(uninterrupted, small, tmp_path, step):
    kind, path = uninterrupted[0], tmp_path / "training.safetensors"
    broken, _ = make(kind, tmp_path, small, at_step(step, interrupt))
    assert fit(broken, small, checkpoint=path).interrupted
    fastcnn.set_num_threads(2)
    trained, callbacks = make(kind, tmp_path, small)
    assert not fit(trained, small, checkpoint=path, resume=True).interrupted
    assert_as_uninterrupted(uninterrupted, tmp_path, trained, callbacks)


def test_again_and_again(uninterrupted, small, tmp_path):
    kind, path, pauses = uninterrupted[0], tmp_path / "training.safetensors", 0
    while True:
        trained, callbacks = make(kind, tmp_path, small, at_step(3, interrupt))
        if not fit(trained, small, checkpoint=path, resume=True).interrupted:
            break
        pauses += 1
    assert pauses == 6
    assert_as_uninterrupted(uninterrupted, tmp_path, trained, callbacks)


def test_in_validation(uninterrupted, small, tmp_path):
    """All batches of the epoch are done then, and no row is in the history."""
    kind, path = uninterrupted[0], tmp_path / "training.safetensors"
    broken, _ = make(kind, tmp_path, small)
    evaluate = broken.evaluate

    def pressed(dataset):
        if len(broken.history) == 1:
            interrupt()
        return evaluate(dataset)

    broken.evaluate = pressed
    assert fit(broken, small, checkpoint=path).stop_reason == "interrupted in epoch 2"
    trained, callbacks = make(kind, tmp_path, small)
    fit(trained, small, resume=path)
    assert_as_uninterrupted(uninterrupted, tmp_path, trained, callbacks)


def test_after_an_error(uninterrupted, small, tmp_path):
    def fail():
        raise OSError("no more paper")

    kind, path = uninterrupted[0], tmp_path / "training.safetensors"
    broken, _ = make(kind, tmp_path, small, at_step(8, fail))
    with pytest.raises(OSError, match="no more paper"):
        fit(broken, small, checkpoint=path)
    assert len(broken.history) == 1
    trained, callbacks = make(kind, tmp_path, small)
    fit(trained, small, resume=path)
    assert_as_uninterrupted(uninterrupted, tmp_path, trained, callbacks)


@pytest.mark.parametrize("every", [1, "3", datetime.timedelta(microseconds=1), None], ids=str)
def test_from_what_a_kill_would_leave(uninterrupted, small, tmp_path, every):
    kind, path, left = uninterrupted[0], tmp_path / "training.safetensors", tmp_path / "left.safetensors"
    (tmp_path / "killed").mkdir()
    copied, _ = make(kind, tmp_path / "killed", small, at_step(9, lambda: shutil.copy(path, left)))
    fit(copied, small, checkpoint=path, checkpoint_every=every)
    trained, callbacks = make(kind, tmp_path, small)
    fit(trained, small, resume=left)
    assert_as_uninterrupted(uninterrupted, tmp_path, trained, callbacks)


def test_a_finished_training_has_nothing_left_to_do(uninterrupted, small, tmp_path):
    kind, path = uninterrupted[0], tmp_path / "training.safetensors"
    whole, _ = make(kind, tmp_path, small)
    fit(whole, small, checkpoint=path)
    trained, callbacks = make(kind, tmp_path, small, at_step(1, lambda: pytest.fail("a step")))
    fit(trained, small, checkpoint=path, resume=True)
    assert_as_uninterrupted(uninterrupted, tmp_path, trained, callbacks)


def test_more_epochs_than_before(small, tmp_path):
    """Epochs count from where the fit began that goes on."""
    path, whole, part = tmp_path / "training.safetensors", trainer(network()), trainer(network())
    whole.fit(small[0], epochs=5, batch_size=BATCH, progress=False)
    part.fit(small[0], epochs=2, batch_size=BATCH, progress=False)
    part.fit(small[0], epochs=1, batch_size=BATCH, progress=False, checkpoint=path)
    trained = trainer(network())
    trained.fit(small[0], epochs=3, batch_size=BATCH, progress=False, resume=path)
    assert len(trained.history) == 5
    assert_same_state(trained.model, whole.model)


def test_a_folder_has_one_checkpoint(small, tmp_path):
    options = {"batch_size": BATCH, "progress": False, "epochs": 2}
    whole, trained = trainer(linear()), trainer(linear())
    whole.fit(small[0], **options)
    trainer(linear(), callbacks=[at_step(3, interrupt)]).fit(small[0], checkpoint=tmp_path, **options)
    assert [each.name for each in tmp_path.iterdir()] == ["checkpoint.safetensors"]
    trained.fit(small[0], resume=tmp_path, **options)
    assert_same_state(trained.model, whole.model)


def test_states_in_memory(small):
    options = {"batch_size": BATCH, "progress": False}
    whole = trainer(network(dropout=0.3))
    whole.fit(small[0], epochs=4, **options)
    broken = trainer(network(dropout=0.3), callbacks=[at_step(7, interrupt)])
    broken.fit(small[0], epochs=4, **options)
    trained = trainer(network(seed=9, dropout=0.3), lr=5.0)
    trained.load_state_dict(broken.state_dict())
    assert len(trained.history) == 1
    trained.fit(small[0], epochs=3, **options)
    assert rows(trained.history) == rows(whole.history)
    assert_same_state(trained.model, whole.model)


def test_generators_of_the_process_go_on(small, tmp_path):
    """Layers may draw from the default generator, or from NumPy's and Python's."""

    class Noise(nn.Module):
        def forward(self, x):
            return x + np.float32(np.random.rand() + random.random()) * 0.1

        def backward(self, dy):
            return dy

    def made(*callbacks):
        np.random.seed(4)
        random.seed(5)
        model = nn.Sequential(Noise(), *linear()).reseed(0)
        return trainer(model, callbacks=callbacks, engine=False)

    path, options = tmp_path / "training.safetensors", {"epochs": 2, "batch_size": BATCH, "progress": False}
    whole = made()
    whole.fit(small[0], **options)
    made(at_step(7, interrupt)).fit(small[0], checkpoint=path, **options)
    trained = made()
    trained.fit(small[0], resume=path, **options)
    assert_same_state(trained.model, whole.model)


def test_what_callbacks_have_unfrozen_stays_so(small, tmp_path):
    def made(*callbacks):
        model = network()
        model[0].requires_grad_(False)
        model[1].eval()

        def unfreeze(trainer, epoch):
            if epoch == 2:
                model[0].requires_grad_(True)
                model[1].train()

        return trainer(model, callbacks=[LambdaCallback(on_epoch_begin=unfreeze), *callbacks])

    path, options = tmp_path / "training.safetensors", {"epochs": 4, "batch_size": BATCH, "progress": False}
    whole, trained = made(), made()
    whole.fit(small[0], **options)
    made(at_step(12, interrupt)).fit(small[0], checkpoint=path, **options)
    trained.fit(small[0], resume=path, **options)
    assert_same_state(trained.model, whole.model)


def test_the_loss_of_the_start_outlives_resumes_without_a_step(small, tmp_path):
    """A checkpoint is written before the first step of a training that goes on."""
    path, options = tmp_path / "training.safetensors", {"epochs": 2, "batch_size": BATCH, "progress": False}
    trainer(linear(), callbacks=[at_step(3, interrupt)]).fit(small[0], checkpoint=path, **options)
    first = read_checkpoint(path)["state"]["callbacks"][0]
    resumed = trainer(linear())
    resumed.optimizer.step = interrupt  # behind the gradients of the first step
    resumed.fit(small[0], checkpoint=path, resume=True, **options)
    assert first[0] == "StopOnNaN"
    assert first[1]["start"] is not None
    assert read_checkpoint(path)["state"]["callbacks"][0][1]["start"] == first[1]["start"]


def test_a_state_that_no_file_can_hold_is_told_and_training_goes_on(small, tmp_path, caplog):
    path, options = tmp_path / "training.safetensors", {"epochs": 2, "batch_size": BATCH, "progress": False}
    odd = LambdaCallback(on_epoch_end=lambda trainer, epoch, row: row.update(when=datetime.date(2026, 1, 1)))
    with caplog.at_level(logging.WARNING):
        assert len(trainer(linear(), callbacks=[odd]).fit(small[0], checkpoint=path, **options)) == 2
    assert "is of the kind date, which a file cannot hold" in caplog.text
    assert read_checkpoint(path)["state"]["position"]["batch"] == 0


# What does not fit -------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def checkpoint(small, tmp_path_factory):
    """A checkpoint of a plain training."""
    path = tmp_path_factory.mktemp("plain") / "training.safetensors"
    trainer(linear()).fit(small[0], epochs=1, batch_size=BATCH, progress=False, checkpoint=path)
    return path


def resume(path, train, model=None, **options):
    fitting = {"epochs": 2, "batch_size": BATCH, "progress": False}
    fitting |= {name: options.pop(name) for name in ("batch_size", "shuffle", "augment") if name in options}
    trained = trainer(model or linear(), **options)
    before = trained.model.state_dict()
    try:
        trained.fit(train, resume=path, **fitting)
    except Exception:
        assert all(np.array_equal(before[name], value) for name, value in trained.model.state_dict().items())
        assert not trained.history.epochs
        raise
    return trained


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"batch_size": 32}, "batch_size is 32, but 64 in the training that goes on"),
        ({"shuffle": False}, "shuffle is False, but True"),
        ({"seed": 1}, "seed is 1, but 0"),
        (
            {"augment": transforms.RandomHorizontalFlip()},
            "augment is 'RandomHorizontalFlip(p=0.5)', but None",
        ),
        ({"preprocess": transforms.Normalize(0.5, 0.5)}, "preprocess is 'Normalize"),
        ({"clip_grad_norm": 1.0}, "clip_grad_norm is 1.0, but None"),
        ({"loss": nn.NLLLoss()}, "the loss is"),
        ({"loss": nn.CrossEntropyLoss(label_smoothing=0.5)}, "label_smoothing=0.5, reduction='mean'"),
        ({"loss": nn.CrossEntropyLoss(weight=np.ones(10, np.float32))}, "the options of the loss is"),
        ({"model": network()}, "missing names"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_another_training_is_refused(checkpoint, small, options, message):
    with pytest.raises(ArgumentError, match=re.escape(message)):
        resume(checkpoint, small[0], **options)


def test_other_parts_are_refused(checkpoint, small):
    model = linear()
    optimizer = optim.SGD(model.parameters())
    with pytest.raises(ArgumentError, match=r"the optimizer is 'SGD', but 'Adam'"):
        resume(checkpoint, small[0], model, optimizer=optimizer)
    optimizer = optim.Adam(model.parameters())
    with pytest.raises(ArgumentError, match=r"the scheduler is 'StepLR', but None"):
        resume(checkpoint, small[0], model, optimizer=optimizer, scheduler=lr_scheduler.StepLR(optimizer, 1))


def test_other_images_are_refused(checkpoint, small):
    images = small[0].images.copy()
    images[150, 0, 14, 14] ^= 1
    with pytest.raises(ArgumentError, match=r"train: the images are not those of the training that goes on"):
        resume(checkpoint, data.Dataset(images, small[0].labels))


def test_a_callback_that_kept_something_must_be_there(small, tmp_path):
    path, options = tmp_path / "training.safetensors", {"batch_size": BATCH, "progress": False}
    trainer(linear(), callbacks=[Averages()]).fit(small[0], epochs=1, checkpoint=path, **options)
    with pytest.raises(ArgumentError, match=r"that of a training with the callback Averages; add one"):
        resume(path, small[0])


@pytest.mark.parametrize(
    ("before", "now", "message"),
    [
        (BestWeights("loss"), BestWeights("accuracy"), "BestWeights: monitor is 'accuracy', but 'loss' in"),
        (BestWeights("loss"), BestWeights("loss", "max"), "BestWeights: mode is 'max', but 'min' in"),
        (EMA(0.9), EMA(0.5), "EMA: decay is 0.5, but 0.9 in the training that goes on"),
        (EMA(0.9), EMA(0.9, use_buffers=False), "EMA: use_buffers is False, but True in"),
    ],
)
def test_a_callback_must_keep_the_same(small, tmp_path, before, now, message):
    path, options = tmp_path / "training.safetensors", {"batch_size": BATCH, "progress": False}
    trainer(linear(), callbacks=[before]).fit(small[0], epochs=1, checkpoint=path, **options)
    with pytest.raises(ArgumentError, match=re.escape(message)):
        resume(path, small[0], callbacks=[now])


def test_a_checkpoint_that_tells_less_goes_on(small, tmp_path):
    """Older versions did not tell the options of losses, nor what callbacks watch."""
    path, options = tmp_path / "training.safetensors", {"batch_size": BATCH, "progress": False}
    trainer(linear(), callbacks=[BestWeights("loss")]).fit(small[0], epochs=1, checkpoint=path, **options)
    content = read_checkpoint(path)
    del content["conditions"]["must"]["the options of the loss"]
    for _, kept in content["state"]["callbacks"]:
        for name in ("monitor", "mode"):
            kept.pop(name, None)
    write_checkpoint(path, content["conditions"], content["state"])
    assert len(resume(path, small[0], callbacks=[BestWeights("loss")]).history) == 2


def test_an_earlier_training_is_kept(small, tmp_path, caplog):
    path, fitting = tmp_path / "training.safetensors", {"batch_size": BATCH, "progress": False}
    older = tmp_path / "training.safetensors.before"
    fitting["checkpoint"] = path
    t = trainer(linear())
    t.fit(small[0], epochs=0, **fitting)
    t.fit(small[0], epochs=1, **fitting)
    t.fit(small[0], epochs=1, **fitting)
    assert not older.exists()
    with caplog.at_level(logging.WARNING):
        trainer(linear()).fit(small[0], epochs=1, **fitting)
    assert "held a training of 2 epochs, which is now in" in caplog.text
    assert [len(read_checkpoint(each)["state"]["history"]["epochs"]) for each in (older, path)] == [2, 1]
    link = tmp_path / "link"
    link.symlink_to(path)
    trainer(linear()).fit(small[0], **fitting | {"epochs": 0, "checkpoint": link})
    assert link.is_symlink()
    assert [len(read_checkpoint(each)["state"]["history"]["epochs"]) for each in (older, path)] == [1, 0]


def test_another_file_is_not_overwritten(small, tmp_path):
    path = tmp_path / "notes.txt"
    path.write_text("mine")
    with pytest.raises(CheckpointError, match=r"another file, which is not overwritten: .*notes.txt"):
        trainer(linear()).fit(small[0], epochs=1, batch_size=BATCH, progress=False, checkpoint=path)
    assert path.read_text() == "mine"


def test_another_instruction_set_is_told(checkpoint, small, caplog):
    isas = cpu.available_isas("float32")
    before, own = cpu.get_isa(), cpu.get_isa("float32")
    with caplog.at_level(logging.WARNING):
        resume(checkpoint, small[0])
        assert "to the bit" not in caplog.text
        other = next(each for each in isas if each != own)
        cpu.set_isa(other)
        try:
            assert len(resume(checkpoint, small[0]).history) == 2
        finally:
            cpu.set_isa(before)
        assert f"instruction set was '{own}' and is now '{other}'" in caplog.text
        resume(checkpoint, small[0], precision="highest")
    assert "precision was 'high' and is now 'highest'" in caplog.text


def test_another_version_is_told(checkpoint, small, caplog, monkeypatch):
    monkeypatch.setattr("fastcnn.training.conditions.__version__", "9.9")
    with caplog.at_level(logging.WARNING):
        assert len(resume(checkpoint, small[0]).history) == 2
    assert (
        f"version was '{fastcnn.__version__}' and is now '9.9': from here on results are not" in caplog.text
    )


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"checkpoint_every": 5}, ArgumentError, "checkpoint_every needs checkpoint"),
        ({"resume": True}, ArgumentError, "resume=True needs checkpoint"),
        ({"resume": 1}, DTypeError, "resume must be True, False or a file, got int"),
        ({"resume": "missing.safetensors"}, CheckpointError, "there is no such file"),
        ({"checkpoint": "missing/training.safetensors"}, CheckpointError, "cannot be written"),
        ({"checkpoint": "a", "checkpoint_every": 0}, ArgumentError, "must be at least 1, got 0"),
        ({"checkpoint": "a", "checkpoint_every": "5 weeks"}, ArgumentError, "such as 500, '10min' or '30s'"),
        ({"checkpoint": "a", "checkpoint_every": "0s"}, ArgumentError, "must be above 0"),
    ],
    ids=str,
)
def test_arguments_of_fit(small, tmp_path, monkeypatch, arguments, error, message):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(error, match=re.escape(message)):
        trainer(linear()).fit(small[0], epochs=1, batch_size=BATCH, progress=False, **arguments)


def test_states_that_do_not_fit(small):
    trained = trainer(linear())
    state = trained.state_dict()
    before = trained.model.state_dict()
    with pytest.raises(DTypeError, match=r"load_state_dict: expected the state of a Trainer"):
        trained.load_state_dict({"model": {}})
    for part, damaged in {
        "model": {},
        "optimizer": {"state": {}, "param_groups": []},
        "generators": state["generators"][:1],
        "history": {},
        "position": {"batch": 1, "mood": 2},
    }.items():
        with pytest.raises((ArgumentError, DTypeError), match=r"Trainer.load_state_dict: "):
            trained.load_state_dict({**state, part: damaged})
        assert all(np.array_equal(before[name], value) for name, value in trained.model.state_dict().items())


def damaged(state, path, value):
    """Return a state with another value at a dotted path."""
    first, _, rest = path.partition(".")
    key = int(first) if first.isdecimal() else first
    new = damaged(state[key], rest, value) if rest else value
    if isinstance(state, list):
        return [new if i == key else each for i, each in enumerate(state)]
    return {**state, key: new}


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("callbacks", 5),
        ("callbacks", [[1]]),
        ("callbacks", [["StopOnNaN", 5]]),
        ("callbacks.0", ["StopOnNaN", {}]),
        ("callbacks.0", ["StopOnNaN", {"start": 10**400, "images": 1, "losses": [], "told": False}]),
        ("position.batch", "x"),
        ("position.batch", -1),
        ("position.batch", 3),
        ("position.first", 9),
        ("position.lr", 10**400),
        ("position", {}),
        ("history.epochs", [{}]),
        ("history.epochs", 3),
        ("history.stop_reason", 5),
        ("generators.0.state.state", -1),
        ("generators.1.2", 10**30),
        ("optimizer.param_groups.0.lr", 10**400),
        ("optimizer.state.0.step", math.inf),
        ("model", {}),
    ],
    ids=str,
)
def test_a_damaged_state_changes_nothing(checkpoint, small, tmp_path, path, value):
    """Its file is whole: the sum is right."""
    content = read_checkpoint(checkpoint)
    file = tmp_path / "training.safetensors"
    write_checkpoint(file, content["conditions"], damaged(content["state"], path, value))
    with pytest.raises((ArgumentError, DTypeError), match=re.escape(str(file))):
        resume(file, small[0])


def test_a_schedule_that_is_too_short_changes_nothing(small, tmp_path):
    def made():
        model = linear()
        optimizer = optim.SGD(model.parameters())
        return trainer(
            model, optimizer=optimizer, scheduler=lr_scheduler.OneCycleLR(optimizer, 0.1, total_steps=10)
        )

    path, options = tmp_path / "training.safetensors", {"batch_size": BATCH, "progress": False}
    made().fit(small[0], epochs=2, checkpoint=path, **options)
    trained = made()
    before = trained.model.state_dict()
    with pytest.raises(ArgumentError, match="batches to come"):
        trained.fit(small[0], epochs=5, resume=path, **options)
    assert len(trained.history) == 0
    assert all(np.array_equal(before[name], value) for name, value in trained.model.state_dict().items())


def test_a_checkpoint_that_cannot_be_written_later_is_told_and_training_goes_on(small, tmp_path, caplog):
    folder = tmp_path / "here"
    folder.mkdir()
    path = folder / "training.safetensors"
    trained = trainer(linear(), callbacks=[at_step(2, lambda: folder.rename(tmp_path / "there"))])
    with caplog.at_level(logging.WARNING):
        history = trained.fit(small[0], epochs=2, batch_size=BATCH, progress=False, checkpoint=path)
    assert len(history) == 2
    assert "the checkpoint is not written, the one before stays: " in caplog.text
    assert (tmp_path / "there" / "training.safetensors").exists()


def test_an_error_before_a_step_loses_nothing(small, tmp_path):
    """Images that cannot be prepared: all steps before are in the checkpoint."""
    path, options = tmp_path / "training.safetensors", {"batch_size": BATCH, "progress": False, "epochs": 1}
    prepared = []

    def spoiled(images):
        prepared.append(len(images))
        if len(prepared) == 5:  # two are looked at before training begins
            raise OSError("no such picture")
        return images.astype(np.float32) / 255

    trained, whole = trainer(linear(), preprocess=spoiled), trainer(linear())
    with pytest.raises(OSError, match="no such picture"):
        trained.fit(small[0], checkpoint=path, **options)
    assert read_checkpoint(path)["state"]["position"]["batch"] == trained._position.batch > 0
    trained = trainer(linear(), preprocess=spoiled)
    trained.fit(small[0], resume=path, **options)
    whole.fit(small[0], **options)
    assert_same_state(trained.model, whole.model)


def test_half_a_step_is_not_written(small, tmp_path, caplog):
    """An error between the weights of two groups: the checkpoint of the step before stays."""
    path = tmp_path / "training.safetensors"
    model = linear()
    broken = trainer(model)
    step = broken.optimizer.step

    def torn(*arguments):
        if broken._position.batch == 3:
            model[1].weight.data[...] = 0
            raise MemoryError
        return step(*arguments)

    broken.optimizer.step = torn
    options = {"epochs": 1, "batch_size": BATCH, "progress": False, "checkpoint_every": 2}
    with pytest.raises(MemoryError), caplog.at_level(logging.WARNING):
        broken.fit(small[0], checkpoint=path, **options)
    assert "the step under way was not finished: the checkpoint before it stays" in caplog.text
    whole, trained = trainer(linear()), trainer(linear())
    whole.fit(small[0], epochs=1, batch_size=BATCH, progress=False)
    trained.fit(small[0], epochs=1, batch_size=BATCH, progress=False, resume=path)
    assert_same_state(trained.model, whole.model)
