import json
import math
import subprocess
import sys

import numpy as np
import pytest

from fastcnn import data, nn, zoo
from fastcnn.errors import CheckpointError, DataError
from fastcnn.recipes import Classifier, Experiment, Run, read_recipe, take_folder, write_file
from fastcnn.recipes.classifier import border_level
from fastcnn.recipes.notes import describe
from fastcnn.training import read_metadata, save_weights
from fastcnn.zoo import registry

from .conftest import TINY

FACTS = {
    "dtype": "uint8",
    "smallest": 0.0,
    "largest": 255.0,
    "value_range": [0.0, 255.0],
    "borders": [0.0, 0.0, 0.0],
    "white": None,
}
ROW = {"epoch": 1, "val_accuracy": 0.5}


@pytest.fixture(scope="module")
def experiment():
    normalize = {"type": "Normalize", "mean": 0.1307, "std": 0.3081}
    return Experiment(read_recipe({**TINY, "normalize": normalize}, "my.toml"))


@pytest.fixture
def saved(experiment, tmp_path):
    """Return a file of weights that says everything about itself."""
    path = tmp_path / "weights.safetensors"
    save_weights(experiment.model, path, describe(experiment, ROW))
    return path


def test_the_file_is_enough(saved, experiment):
    classifier = Classifier.load(saved)
    assert classifier.input_shape == (1, 28, 28)
    assert classifier.classes == tuple("0123456789")
    assert (classifier.dataset, classifier.background) == ("mnist", 0.0)
    assert json.loads(json.dumps(classifier.images.to_dict())) == FACTS
    images = experiment.test.images
    np.testing.assert_array_equal(classifier.trainer.predict(images), experiment.trainer.predict(images))


def test_the_folder_of_a_run(saved):
    assert Classifier.load(saved.parent).classes == tuple("0123456789")


def test_a_network_of_the_zoo(tiny, tmp_path):
    tiny["model"] = {"name": "plain-mnist-relu-bn"}
    made = Experiment(read_recipe(tiny, "my.toml"))
    save_weights(made.model, tmp_path / "w.safetensors", describe(made, ROW))
    assert Classifier.load(tmp_path / "w.safetensors").model.num_parameters() == 12_044


SCRIPT = """
import sys
import numpy as np
from fastcnn.recipes import Classifier
from fastcnn.zoo import registry
del registry._NETWORKS["resnet-cifar"]
np.save(sys.argv[2], Classifier.load(sys.argv[1]).trainer.predict(np.load(sys.argv[3])))
"""


def test_the_run_of_a_network_that_is_no_chain(tiny, tmp_path):
    """Another process, which does not know the network, makes the same logits to the bit."""
    tiny["model"], tiny["training"]["epochs"] = {"name": "resnet-cifar"}, 1
    run = Run(Experiment(read_recipe(tiny, "my.toml")), take_folder(tmp_path / "run"))
    run.fit(progress=False)
    run.finish()
    images = run.experiment.test.images
    np.save(tmp_path / "images.npy", images)
    arguments = [tmp_path / "run", tmp_path / "logits.npy", tmp_path / "images.npy"]
    subprocess.run([sys.executable, "-c", SCRIPT, *map(str, arguments)], check=True)
    expected = run.experiment.trainer.predict(images)
    np.testing.assert_array_equal(np.load(tmp_path / "logits.npy"), expected)


class Own(nn.Module):
    """A network whose forward no file can say."""

    def __init__(self, input_shape, num_classes):
        super().__init__()
        self.chain = nn.Sequential(nn.Flatten(), nn.Linear(math.prod(input_shape), num_classes))

    def forward(self, x):
        return self.chain(x)

    def backward(self, dy):
        return self.chain.backward(dy)


def test_a_network_that_no_file_can_say(tiny, tmp_path, monkeypatch):
    """Its run tells the name."""
    monkeypatch.setitem(registry._NETWORKS, "own", registry.Network(Own, (1, 28, 28), "one layer"))
    tiny["model"] = {"name": "own"}
    made = Experiment(read_recipe(tiny, "my.toml"))
    path = tmp_path / "weights.safetensors"
    save_weights(made.model, path, describe(made, ROW))
    assert json.loads(read_metadata(path)["fastcnn"])["model"] == {"name": "own"}
    images = made.test.images
    np.testing.assert_array_equal(Classifier.load(path).trainer.predict(images), made.trainer.predict(images))


@pytest.mark.parametrize("kind", ["Standardize", "SubtractMeanImage"])
def test_statistics_of_the_training_images_are_in_the_file(tiny, tmp_path, kind):
    tiny["normalize"] = {"type": kind}
    made = Experiment(read_recipe(tiny, "my.toml"))
    path = tmp_path / "weights.safetensors"
    save_weights(made.model, path, describe(made, ROW))
    expected = made.trainer.predict(made.test.images)
    np.testing.assert_array_equal(Classifier.load(path).trainer.predict(made.test.images), expected)
    # Without them they are taken of the same training images again.
    save_weights(made.model, path)
    write_file(made.recipe, tmp_path / "config.toml")
    np.testing.assert_array_equal(Classifier.load(path).trainer.predict(made.test.images), expected)


def test_the_config_beside_it(experiment, tmp_path):
    """A file of another program says nothing about itself."""
    path = tmp_path / "weights.safetensors"
    save_weights(experiment.model, path)
    with pytest.raises(CheckpointError, match=r"does not say which network .* no config.toml beside it"):
        Classifier.load(path)
    write_file(experiment.recipe, tmp_path / "config.toml")
    images = experiment.test.images
    np.testing.assert_array_equal(
        Classifier.load(path).trainer.predict(images), experiment.trainer.predict(images)
    )


def test_a_recipe_by_name(tmp_path):
    model = zoo.build("compact-mnist", 0)
    save_weights(model, tmp_path / "w.safetensors")
    classifier = Classifier.load(tmp_path / "w.safetensors", "compact-mnist")
    image = data.load("mnist")[1].images[:1]
    # The recipe's normalisation is applied to the raw image.
    np.testing.assert_allclose(
        classifier.trainer.predict(image),
        model.predict((image / np.float32(255) - np.float32(0.1307)) / np.float32(0.3081)),
        rtol=1e-4,
        atol=1e-5,
    )


def test_weights_of_another_network(saved, tmp_path):
    with pytest.raises(CheckpointError, match="does not fit the model"):
        Classifier.load(saved, "compact-mnist")


def test_files_that_cannot_be_read(tmp_path):
    with pytest.raises(CheckpointError, match=r"none.safetensors: there is no such file"):
        Classifier.load(tmp_path / "none.safetensors")
    with pytest.raises(CheckpointError, match=r"weights.safetensors: there is no such file"):
        Classifier.load(tmp_path)
    (tmp_path / "text.safetensors").write_text("no weights")
    with pytest.raises(CheckpointError, match="not a safetensors file"):
        Classifier.load(tmp_path / "text.safetensors")


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"format": 2}, "written by fastcnn .* in a newer format: 2"),
        ({"model": {"name": "vgg"}}, "no network is called 'vgg'"),
        ({"model": {"spec": "Conv x"}}, "model.spec:1: 'Conv x'"),
        ({"model": {"spec": "FC 3"}}, "makes 3 outputs"),
        ({"model": 3}, "description of the network is damaged"),
        ({"input_shape": [1, 28]}, "description of the network is damaged"),
        ({"input_shape": [1, 0, 28]}, "input_shape must be at least 1, got 0"),
        ({"input_shape": [1, 2, 2]}, "the kernel is larger"),
        ({"classes": None}, "description of the network is damaged"),
        ({"normalize": {"type": "Normalize"}}, "normalize.mean is missing"),
        ({"background": "dark"}, "description of the network is damaged"),
        ({"images": {}}, "description of the network is damaged"),
        ({"images": {**FACTS, "dtype": "int8"}}, "description of the network is damaged"),
        ({"images": {**FACTS, "value_range": [1, 0]}}, "description of the network is damaged"),
        ({"images": {**FACTS, "borders": [0]}}, "description of the network is damaged"),
        ({"reading": 3}, "description of the network is damaged"),
    ],
)
def test_descriptions_that_are_wrong(experiment, tmp_path, changes, expected):
    notes = json.loads(describe(experiment, ROW)["fastcnn"])
    path = tmp_path / "w.safetensors"
    save_weights(experiment.model, path, {"fastcnn": json.dumps({**notes, **changes})})
    with pytest.raises(DataError, match=expected) as caught:
        Classifier.load(path)
    assert str(path) in str(caught.value)


def test_a_description_that_is_no_json(experiment, tmp_path):
    path = tmp_path / "w.safetensors"
    for text in ("{", "3", "null"):
        save_weights(experiment.model, path, {"fastcnn": text})
        with pytest.raises(CheckpointError, match="description of the network is damaged"):
            Classifier.load(path)


def test_border_level():
    images = np.zeros((2, 1, 4, 4), np.uint8)
    images[:, :, 1:3, 1:3] = 255  # not at the border
    assert border_level(images) == 0
    assert border_level(255 - images) == 1
    assert border_level(np.full((1, 3, 2, 2), 0.25, np.float32)) == 0.25
