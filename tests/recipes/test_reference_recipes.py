"""The recipes of the package: each can be followed, and those of the reference systems are as published."""

import dataclasses

import numpy as np
import pytest

from fastcnn import data, recipes
from fastcnn.data import Dataset
from fastcnn.data.datasets import of_images
from fastcnn.recipes import Experiment

NAMES = recipes.names()
PARAMETERS = {
    "compact-mnist": 16_146,
    "conv-autoencoder": 9_957,
    "densenet-bc-cifar": 176_122,
    "list-cifar": 84_362,
    "mobilenet-v2-cifar": 2_236_682,
    "plain-mnist-bn-relu": 12_126,
    "plain-mnist-relu-bn": 12_044,
    "position-bias-mnist": 359_846,
    "residual-cifar": 927_010,
    "residual-mnist": 41_132,
    "resnet-cifar": 272_474,
    "resnet20-cifar": 269_722,
    "spec-lenet": 33_078,
    "spec-lenet-cifar": 36_378,
    "squeezenet-cifar": 343_306,
    "unet-scenes": 121_123,
    "vgg11-bn-cifar": 9_231_114,
}


# Networks that take long for an image: they get 50.
LARGE = ("densenet-bc-cifar", "mobilenet-v2-cifar", "squeezenet-cifar", "unet-scenes", "vgg11-bn-cifar")


def noise(shape, seed):
    """Return 400 images, 40 of each class."""
    images = np.random.default_rng(seed).integers(0, 256, (400, *shape), np.uint8)
    return Dataset(images, np.arange(400) % 10)


@pytest.fixture
def small(monkeypatch):
    """Data sets of the right shape that fit a test; the download and the files have tests of their own."""

    def load(name, root=None, targets=None):
        if name == "mnist-scenes":
            return tuple(data.compose_scenes(noise((1, 28, 28), seed), 200, seed=seed) for seed in (0, 1))
        shape = (3, 32, 32) if name == "cifar10" else (1, 28, 28)
        parts = noise(shape, 0), noise(shape, 1)
        return parts if targets is None else tuple(map(of_images, parts))

    monkeypatch.setattr(data, "load", load)


def shortened(name, **training):
    """Return a recipe that takes a blink, with everything else as it is."""
    recipe = recipes.load(name)
    section = recipe.data
    parts = dataclasses.replace(
        section,
        validation=60 if section.validation else 0,
        train=50 if section.train or name in LARGE else None,
        test=50 if section.test or name in LARGE else None,
    )
    batch_size = min(recipe.training.batch_size, 25 if name in LARGE else 64)
    steps = dataclasses.replace(recipe.training, **{"epochs": 1, "batch_size": batch_size, **training})
    recipe = dataclasses.replace(recipe, data=parts, training=steps)
    if "warmup_steps" in (recipe.scheduler.options if recipe.scheduler else {}):
        recipe = recipe.replace("scheduler.warmup_steps", 0, "test")
    return recipe


@pytest.mark.parametrize("name", NAMES)
def test_one_epoch(name, small):
    made = Experiment(shortened(name))
    history = made.fit(progress=False)
    assert len(history) == 1
    assert np.isfinite(history[0]["loss"])
    assert made.evaluate()["count"] in (50, 400)


@pytest.mark.parametrize("name", NAMES)
def test_sizes(name, small):
    known = [key for key in PARAMETERS if name == key or name.startswith(f"{key}-")]
    assert Experiment(shortened(name)).model.num_parameters() == PARAMETERS[max(known, key=len)]


@pytest.mark.parametrize("name", NAMES)
def test_a_better_recipe_stands_beside_the_published_one(name):
    if name.endswith("-best"):
        published = recipes.load(name.removesuffix("-best"))
        best = recipes.load(name)
        assert (best.model.name, best.data.dataset) == (published.model.name, published.data.dataset)


def rates(experiment):
    experiment.fit(progress=False)
    return experiment.trainer.history["lr"]


def test_position_bias_mnist_is_as_published(small):
    recipe = shortened("position-bias-mnist", epochs=9, batch_size=400)
    recipe = recipe.replace("scheduler.warmup_steps", 3, "test")
    published = [1e-5, 3.4e-4, 6.7e-4, 1e-3, 9.516e-4, 8.109e-4, 5.919e-4, 3.159e-4, 1e-5]
    assert rates(Experiment(recipe)) == pytest.approx(published, abs=5.5e-8)
    training = recipes.load("position-bias-mnist").training
    assert (training.epochs, training.batch_size, training.shuffle) == (9, 1, False)
    optimizer = recipes.load("position-bias-mnist").optimizer
    assert (optimizer.type, optimizer.options["momentum"], optimizer.options["weight_decay"]) == ("SGD", 0, 0)


def test_residual_mnist_is_as_published(small):
    recipe = recipes.load("residual-mnist")
    assert (recipe.training.epochs, recipe.training.batch_size, recipe.training.drop_last) == (12, 128, True)
    made = Experiment(shortened("residual-mnist"))
    group = made.trainer.optimizer.param_groups[0]
    assert group["lr"] == pytest.approx(0.05 / 25)
    assert group["max_lr"] == pytest.approx(0.05)
    assert group["min_lr"] == pytest.approx(0.05 / 250_000)
    assert group["betas"] == (0.95, 0.99)
    assert group["weight_decay"] == 0.01
    assert len(made.trainer.optimizer.param_groups) == 1  # batch norm decays too
    mean, std = made.normalize.options["mean"], made.normalize.options["std"]
    assert (mean, std) == ([made.train.images.mean() / 255], [pytest.approx(made.train.images.std() / 255)])


@pytest.mark.parametrize("name", ["spec-lenet", "spec-lenet-cifar"])
def test_spec_lenet_is_as_published(name):
    recipe = recipes.load(name)
    section, training = recipe.data, recipe.training
    assert (section.train, section.validation, section.test, section.balanced) == (5000, 500, 500, True)
    assert (training.epochs, training.batch_size, training.monitor) == (10, 32, "val_macro_f1")
    assert (recipe.optimizer.options["lr"], recipe.model.init) == (0.001, "kaiming_normal")
    assert recipe.scheduler is None


def test_list_cifar_is_as_published(small):
    recipe = recipes.load("list-cifar")
    assert (recipe.data.validation, recipe.data.test, recipe.model.init) == (1000, 1000, "small_normal")
    assert (recipe.training.batch_size, recipe.training.replacement) == (10, True)
    made = Experiment(shortened("list-cifar"))
    biases, weights = made.trainer.optimizer.param_groups
    assert [parameter.data.ndim for parameter in weights["params"]] == [4, 2]
    assert (weights["weight_decay"], weights["momentum"], biases["weight_decay"]) == (1e-3, 0.9, 0.0)
    np.testing.assert_allclose(
        made.trainer.preprocess(made.validation.images),
        made.validation.images - made.train.images.mean(0),  # of the training images alone
        atol=2e-4,
    )


def test_list_cifar_learns_50_images_by_heart(small):
    made = Experiment(recipes.load("list-cifar-overfit").replace("data.test", 400, "test"))
    assert len(made.train) == 50
    made.fit(progress=False)
    assert made.trainer.evaluate(made.train)["accuracy"] >= 0.98
