"""Samples of two axes from data set to weights file: a small network of 1-D layers, trained compiled."""

import numpy as np
import pytest

from fastcnn import data, engine, nn, optim, training, zoo
from fastcnn.errors import DataError, ShapeError

LAYERS = [
    {"type": "Conv1d", "out_channels": 6, "kernel_size": 5, "padding": 2},
    {"type": "BatchNorm1d"},
    {"type": "PReLU", "num_parameters": 6},
    {"type": "MaxPool1d", "kernel_size": 2},
    {"type": "Flatten"},
    {"type": "Linear", "out_features": 2},
]


def waves(count, seed=0):
    """Return slow and fast waves of two channels, with noise."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 2, count)
    phase = rng.uniform(0, 6, (count, 2, 1)) + np.arange(16) * (0.4 + 1.2 * labels[:, None, None])
    lines = np.sin(phase) + 0.1 * rng.standard_normal((count, 2, 16))
    return data.Dataset(lines.astype(np.float32), labels, ["slow", "fast"], layout="NCL")


def trained(epochs=6):
    nn.init.manual_seed(1)
    model = zoo.from_dicts(LAYERS, (2, 16))
    trainer = training.Trainer(model, optim.Adam(model.parameters(), lr=0.01), nn.CrossEntropyLoss(), seed=2)
    trainer.fit(waves(256), epochs=epochs, batch_size=32, validation=waves(64, 1))
    return trainer


def test_a_network_of_lines_learns_and_is_saved(tmp_path):
    trainer = trained()
    model, test = trainer.model, waves(128, 2)
    assert trainer.evaluate(test)["accuracy"] > 0.95
    assert isinstance(engine.compile(model)._plans.find(model, test.images), engine.Plan)
    path = tmp_path / "weights.safetensors"
    training.save_weights(model, path)
    other = zoo.from_dicts(zoo.to_dicts(model), (2, 16))
    training.load_weights(other, path)
    np.testing.assert_array_equal(other.predict(test.images), model.predict(test.images))


def test_it_is_summarized_and_drawn():
    model = zoo.from_dicts(LAYERS, (2, 16))
    text = model.summary((2, 16))
    for words in ("Conv1d-1", "6x16", "1x5"):
        assert words in text
    assert "Multiply-accumulates per sample: 1,056" in text  # 6 x 16 x 10 + 48 x 2
    assert "6×16" in model.draw_graph((2, 16)).show()


def test_subsets_keep_their_layout():
    some = waves(8).subset([1, 3])
    assert some.images.shape == (2, 2, 16)
    assert some.input_shape == (2, 16)
    with pytest.raises(ShapeError, match=r"Dataset: images must have the shape \(N, C, L\), and no lines"):
        data.Dataset(np.ones((2, 2), np.float32), [0, 1], layout="NCL")


def test_layers_of_other_samples_are_refused():
    with pytest.raises(DataError, match=r"Conv2d needs images \(C, H, W\), but samples \(2, 16\) come in"):
        zoo.from_dicts([{"type": "Conv2d", "out_channels": 1, "kernel_size": 1}], (2, 16))
    with pytest.raises(DataError, match=r"Conv1d needs lines \(C, L\), but 16 flat features come in"):
        zoo.from_dicts([{"type": "Conv1d", "out_channels": 1, "kernel_size": 1}], (16,))
    with pytest.raises(DataError, match=r"BatchNorm1d needs features \(C,\) or lines \(C, L\), but samples"):
        zoo.from_dicts([{"type": "BatchNorm1d"}], (2, 4, 4))
