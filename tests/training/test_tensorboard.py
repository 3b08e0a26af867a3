"""The files are read with TensorBoard's own format: records of events."""

import struct
import sys

import numpy as np
import pytest

from fastcnn.training import LambdaCallback, TensorBoard

from .networks import StopAt, StopError, linear, trainer

pytest.importorskip("tensorboardX")


def events(folder):
    """Yield the events of a folder's files, in the order in which TensorBoard reads them."""
    from tensorboardX.proto.event_pb2 import Event

    for path in sorted(folder.glob("events.out.tfevents.*")):
        content, at = path.read_bytes(), 0
        while at < len(content):
            (size,) = struct.unpack_from("<Q", content, at)
            event = Event()
            event.ParseFromString(content[at + 12 : at + 12 + size])
            yield event
            at += 12 + size + 4


def shown(folder):
    """Return {tag: {step: value}} and the steps of histograms, as TensorBoard shows them."""
    scalars, histograms = {}, {}
    for event in events(folder):
        if event.session_log.status == 1:  # START: what there is of later steps is void
            for kept in (*scalars.values(), *histograms.values()):
                for step in [each for each in kept if each >= event.step]:
                    del kept[step]
        for value in event.summary.value:
            histogram = value.HasField("histo")
            kept = (histograms if histogram else scalars).setdefault(value.tag, {})
            assert event.step not in kept, f"{value.tag} has step {event.step} twice"
            kept[event.step] = value.histo.num if histogram else value.simple_value
    return scalars, histograms


def fit(small, callbacks, epochs=2, t=None, **options):
    t = trainer(linear(), callbacks=callbacks) if t is None else t
    t.fit(small[0], epochs=epochs, batch_size=100, validation=small[1], progress=False, **options)
    return t


def assert_has_history(folder, history):
    scalars, _ = shown(folder)
    assert scalars.keys() == set(history.columns) - {"epoch"}
    for name, values in scalars.items():
        assert list(values) == history["epoch"]
        np.testing.assert_allclose(list(values.values()), history[name], rtol=1e-6)


def test_scalars_of_each_epoch(small, tmp_path):
    counts = []

    def count(trainer, epoch, row):
        counts.append(len(shown(tmp_path)[0]["val_loss"]))

    t = fit(small, [TensorBoard(tmp_path), LambdaCallback(on_epoch_end=count)])
    assert counts == [1, 2]  # on the disk when the epoch ends
    assert_has_history(tmp_path, t.history)
    assert not (tmp_path / "steps").exists()
    fit(small, [], 1, t)
    assert len(t.history) == 3
    assert_has_history(tmp_path, t.history)


def test_steps_and_histograms(small, tmp_path):
    losses = []
    watch = LambdaCallback(on_batch_end=lambda trainer, batch, logs: losses.append(logs["loss"]))
    t = fit(small, [TensorBoard(tmp_path, steps=2, histograms=2), watch], 3)
    scalars, _ = shown(tmp_path / "steps")
    assert list(scalars["loss"]) == list(scalars["lr"]) == [2, 4, 6, 8]
    np.testing.assert_allclose(list(scalars["loss"].values()), losses[1::2], rtol=1e-6)
    _, histograms = shown(tmp_path)
    assert histograms == {"1.weight": {2: 7840}, "1.bias": {2: 10}}
    assert_has_history(tmp_path, t.history)


def test_a_training_that_goes_on_shows_nothing_twice(small, tmp_path):
    folder, checkpoint = tmp_path / "board", tmp_path / "checkpoint.safetensors"
    arguments = {"checkpoint": checkpoint, "checkpoint_every": 2}
    first = TensorBoard(folder, steps=1)
    with pytest.raises(StopError):
        fit(small, [first, StopAt(2, 2)], 3, **arguments)
    assert not first._files
    assert list(shown(folder / "steps")[0]["loss"]) == [1, 2, 3, 4, 5]
    t = fit(small, [TensorBoard(folder, steps=1)], 3, resume=True, **arguments)
    assert list(shown(folder / "steps")[0]["loss"]) == list(range(1, 10))
    assert_has_history(folder, t.history)


def test_a_new_training_takes_the_place_of_an_older_one(small, tmp_path):
    fit(small, [TensorBoard(tmp_path, steps=1)], 3)
    t = fit(small, [TensorBoard(tmp_path, steps=1)], 1)
    assert list(shown(tmp_path / "steps")[0]["loss"]) == [1, 2, 3]
    assert_has_history(tmp_path, t.history)


def test_weights_that_are_not_finite_have_no_histogram(small, tmp_path):
    board, model = TensorBoard(tmp_path, histograms=1), linear()
    t = trainer(model, callbacks=[board])
    model[1].bias.data[:] = np.nan
    board.on_epoch_end(t, 1, {"epoch": 1, "loss": np.nan})
    board.on_train_end(t, t.history)
    scalars, histograms = shown(tmp_path)
    assert np.isnan(scalars["loss"][1])
    assert histograms == {"1.weight": {1: 7840}}


def test_without_tensorboardx(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "tensorboardX", None)
    with pytest.raises(ImportError, match=r'needs tensorboardX: pip install "fastcnn\[tensorboard\]"'):
        TensorBoard(tmp_path)


def test_what_is_no_number_of_steps(tmp_path):
    with pytest.raises(ValueError, match="TensorBoard: steps must be"):
        TensorBoard(tmp_path, steps=-1)
