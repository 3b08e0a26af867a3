"""Predictions from weights and a recipe that is a network alone: what the images were like."""

import json

import numpy as np
import pytest

from fastcnn import zoo
from fastcnn.cli import main
from fastcnn.errors import ArgumentError
from fastcnn.recipes import Classifier
from fastcnn.training import save_weights

SHAPE = (1, 28, 28)
KINDS = {
    "float-255": lambda x: x.astype(np.float32),
    "signed": lambda x: (x / 127.5 - 1).astype(np.float32),
    "dark-on-light": lambda x: 255 - x,
}


@pytest.fixture
def pictures():
    """Bytes, dark at the border."""
    images = np.zeros((60, *SHAPE), np.uint8)
    images[..., 4:24, 4:24] = np.random.default_rng(0).integers(0, 256, (60, 1, 20, 20))
    return images


@pytest.fixture
def network(tmp_path, monkeypatch):
    """Return the path of a network in the current folder, a temporary one."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "net.txt").write_text("Conv 2 5 3 0\nReLU\nFC 10\n")
    return "net.txt"


@pytest.mark.parametrize("kind", KINDS)
def test_what_the_weights_tell_counts_more_than_the_defaults(network, pictures, kind, capsys):
    labels = np.arange(60) % 10
    np.savez("own.npz", images=KINDS[kind](pictures), labels=labels)
    argv = ["train", network, "--dataset", "own.npz", "--epochs", "1", "--quiet", "--out", "run"]
    assert main(argv) == 0
    np.save("x.npy", pictures[:5])
    answers = []
    for more in ([], ["--recipe", network], ["--recipe", "run"]):
        capsys.readouterr()
        assert main(["predict", "run/weights.safetensors", "x.npy", "--json", *more]) == 0
        answers.append(json.loads(capsys.readouterr().out))
    assert answers[1] == answers[0]
    assert answers[2] == answers[0]


@pytest.mark.parametrize("black_white", [(0, 255), (-1, 1), (0, 1000)])
def test_a_range_that_is_said_reaches_a_network_that_tells_nothing(network, pictures, black_white, capsys):
    model = zoo.read(network, SHAPE).initialize("default", 0)
    save_weights(model, "w.safetensors")
    black, white = black_white
    expected = model.predict((pictures / 255 * (white - black) + black).astype(np.float32))
    classifier = Classifier.load("w.safetensors", network, value_range=black_white)
    facts = classifier.images
    assert (facts.dtype, facts.value_range, facts.polarity) == ("float32", black_white, "light on dark")
    unit = (pictures / 255).astype(np.float32)
    np.testing.assert_allclose(
        classifier.trainer.predict(classifier.prepare(unit)), expected, rtol=1e-4, atol=1e-4
    )
    # Bytes too.
    np.testing.assert_allclose(classifier.trainer.predict(pictures), expected, rtol=1e-4, atol=1e-4)
    np.save("x.npy", pictures[:1])
    argv = ["predict", "w.safetensors", "x.npy", "--recipe", network, "--json"]
    assert main([*argv, "--value-range", str(black), str(white)]) == 0
    best = json.loads(capsys.readouterr().out)[0]["classes"][0]["class"]
    assert best == str(expected[0].argmax())


def test_a_recipe_with_its_data_set_keeps_bytes_that_fit(tmp_path):
    save_weights(zoo.build("compact-mnist", 0), tmp_path / "w.safetensors")
    path = tmp_path / "w.safetensors"
    assert Classifier.load(path, "compact-mnist", value_range=(0, 255)).images.dtype == "uint8"
    assert Classifier.load(path, "compact-mnist", value_range=(-1, 1)).images.dtype == "float32"


@pytest.mark.parametrize("black_white", [(0, 1000), (-1, 1), (0, 16)])
def test_a_range_that_the_training_images_cannot_have_had(trained, black_white, fails, tmp_path):
    np.save(tmp_path / "x.npy", np.zeros(SHAPE[1:], np.uint8))
    black, white = black_white
    error = fails("predict", trained, tmp_path / "x.npy", "--value-range", black, white)
    assert error == (
        f"value_range (--value-range) says black is {black} and white {white}, but the values of the images "
        f"are uint8 from 0 to 255; give the values that black and white have there"
    )
    with pytest.raises(ArgumentError, match="value_range"):
        Classifier.load(trained, value_range=black_white)
