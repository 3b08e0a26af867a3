import re

import numpy as np
import pytest

from fastcnn import nn, optim
from fastcnn.errors import DataError, ShapeError
from fastcnn.recipes import Experiment, read_recipe
from fastcnn.training import EarlyStopping, LambdaCallback


def experiment(table):
    return Experiment(read_recipe(table, "my.toml"))


def test_parts_share_no_image_and_are_balanced(tiny):
    made = experiment(tiny)
    assert (len(made.train), len(made.validation), len(made.test)) == (300, 200, 100)
    assert made.train.class_counts().tolist() == [30] * 10
    seen = {image.tobytes() for image in made.train.images}
    assert not seen & {image.tobytes() for image in made.validation.images}


def test_a_fraction_for_validation(tiny):
    tiny["data"]["validation"] = 0.01
    assert len(experiment(tiny).validation) == 600


def test_same_recipe_same_result_to_the_bit(tiny):
    states = []
    for seed in (0, 0, 1):
        tiny["seed"] = seed
        made = experiment(tiny)
        made.fit(progress=False)
        states.append(made.model.state_dict())
    assert all(np.array_equal(states[0][key], states[1][key]) for key in states[0])
    assert not np.array_equal(states[0]["0.weight"], states[2]["0.weight"])


def test_the_model_ends_with_the_best_epoch(tiny):
    tiny["training"]["epochs"] = 5
    tiny["optimizer"]["lr"] = 0.1  # noisy: the last epoch is seldom the best
    made = experiment(tiny)
    history = made.fit(progress=False)
    best = history.best("val_accuracy")
    assert made.best.best_epoch == best["epoch"] == history.restored_epoch
    assert best["val_accuracy"] == max(history["val_accuracy"])
    assert made.trainer.evaluate(made.validation)["accuracy"] == best["val_accuracy"]


def test_every_kind_of_part(tiny):
    tiny["model"]["init"] = "kaiming_normal"
    tiny["augment"] = [
        {"type": "RandomCrop", "size": 28, "padding": 2},
        {"type": "RandomErasing", "p": 1.0, "value": 33},
    ]
    tiny["normalize"] = {"type": "Normalize", "mean": [0.1307], "std": [0.3081]}
    tiny["optimizer"] = {"type": "SGD", "lr": 0.05, "momentum": 0.9, "nesterov": True}
    tiny["scheduler"] = {"type": "CosineAnnealingLR"}
    tiny["loss"] = {"type": "CrossEntropyLoss", "label_smoothing": 0.1}
    tiny["training"].update(drop_last=True, batch_size=64, patience=4)
    made = experiment(tiny)
    assert isinstance(made.trainer.optimizer, optim.SGD)
    assert isinstance(made.best, EarlyStopping)
    assert made.images_per_epoch == 256
    assert not made.model[0].bias.data.any()  # the scheme of initialisation sets biases to 0
    history = made.fit(progress=False)
    # Half of the cosine's way after one of two epochs.
    np.testing.assert_allclose(history["lr"], [0.05, 0.025])
    assert history[-1]["loss"] < history[0]["loss"]


def test_one_cycle_has_the_length_of_the_training_and_the_rate_of_the_optimizer(tiny):
    tiny["scheduler"] = {"type": "OneCycleLR", "div_factor": 10.0}
    made = experiment(tiny)
    rates = []

    def note(trainer, batch, logs):
        rates.append(trainer.optimizer.param_groups[0]["lr"])

    made.trainer.callbacks.append(LambdaCallback(on_batch_end=note))
    made.fit(progress=False)
    assert len(rates) == 12
    assert max(rates) <= 0.01
    assert rates[0] == pytest.approx(0.001)
    assert rates[-1] == pytest.approx(0.001 / 1e4)


def test_a_schedule_may_count_batches(tiny):
    tiny["scheduler"] = {"type": "ExponentialLR", "gamma": 0.5, "step": "batch"}
    made = experiment(tiny)
    made.fit(progress=False)
    assert made.trainer.history["lr"] == pytest.approx([0.01 * 0.5**5, 0.01 * 0.5**11])


def test_a_last_image_that_batch_norm_cannot_be_trained_on(tiny):
    """The key that leaves it out counts for the search for a rate, too."""
    conv = {"type": "Conv2d", "out_channels": 4, "kernel_size": 28}
    head = [{"type": "BatchNorm2d"}, {"type": "Flatten"}, {"type": "Linear", "out_features": 10}]
    tiny["model"] = {"layers": [conv, *head]}
    tiny["training"].update(batch_size=299, epochs=1)
    for run in (lambda made: made.fit(progress=False), lambda made: made.lr_find(steps=2)):
        with pytest.raises(ShapeError, match="batch_size=299 leaves 1 of 300 images for the last one"):
            run(experiment(tiny))
    tiny["training"]["drop_last"] = True
    assert len(experiment(tiny).lr_find(steps=2).lrs) == 2
    assert len(experiment(tiny).fit(progress=False)) == 1


def test_limits_of_gradients(tiny):
    assert experiment(tiny).trainer.clip_grad_norm is None
    tiny["training"].update(clip_grad_norm=0.5, clip_grad_value=1)
    trainer = experiment(tiny).trainer
    assert (trainer.clip_grad_norm, trainer.clip_grad_value) == (0.5, 1.0)


def test_without_validation(tiny):
    tiny["data"]["validation"] = 0
    tiny["training"]["monitor"] = "accuracy"
    made = experiment(tiny)
    assert made.validation is None
    assert "val_loss" not in made.fit(progress=False).columns


def test_a_network_of_the_zoo(tiny):
    tiny["model"] = {"name": "plain-mnist-relu-bn"}
    made = experiment(tiny)
    assert isinstance(made.model, nn.Sequential)
    assert made.model.num_parameters() == 12_044


@pytest.mark.parametrize(
    ("section", "values", "expected"),
    [
        (
            "data",
            {"validation": 60_000},
            "my.toml: data.validation: split: validation=60000 leaves none of the 60000 images for training",
        ),
        ("data", {"validation": 1.5}, "my.toml: data.validation: split: a fraction"),
        (
            "data",
            {"train": 59_000},
            "my.toml: data.train: stratified_subset: n=59000 needs 5900 images of class",
        ),
        ("data", {"test": 10_000}, "my.toml: data.test: stratified_subset: n=10000 needs"),
        ("data", {"root": "/nowhere"}, "/nowhere/train-images-idx3-ubyte: there is no such file"),
        ("training", {"batch_size": 301, "drop_last": True}, "my.toml: training.drop_last leaves no batch"),
        (
            "model",
            {"spec": "FC 12"},
            "my.toml: the network makes 12 outputs of an image of (1, 28, 28); 10 cl",
        ),
        ("model", {"spec": "Conv 9 40 1 0\nFC 10"}, "my.toml: model.spec:1: 'Conv 9 40 1 0': conv2d"),
        (
            "normalize",
            {"type": "Normalize", "mean": [0, 0, 0], "std": 1},
            "my.toml: normalize: Normalize: mean",
        ),
    ],
)
def test_parts_that_do_not_fit(tiny, section, values, expected):
    tiny.setdefault(section, {}).update(values)
    with pytest.raises(DataError) as caught:
        experiment(tiny)
    assert str(caught.value).startswith(expected)


def test_options_for_some_parameters(tiny):
    tiny["optimizer"] = {
        "type": "SGD",
        "lr": 0.1,
        "momentum": 0.9,
        "weight_decay": 0.01,
        "groups": [{"parameters": "others", "weight_decay": 0.0}, {"parameters": "3.*", "lr": 0.05}],
    }
    tiny["scheduler"] = {"type": "OneCycleLR"}
    recipe = read_recipe(tiny, "my.toml")
    assert read_recipe(recipe.to_dict(), "my.toml").to_dict() == recipe.to_dict()
    groups = Experiment(recipe).trainer.optimizer.param_groups
    assert [group["weight_decay"] for group in groups] == [0, 0.01, 0.01]
    # Each group has a cycle of its own height.
    assert [group["max_lr"] for group in groups] == [0.1, 0.05, 0.1]
    tiny["optimizer"]["groups"] = [{"parameters": "9.*"}]
    with pytest.raises(DataError, match=r"^my.toml: optimizer.groups: .* takes no parameter: '9\.\*'"):
        experiment(tiny)


def test_statistics_are_those_of_the_training_images_alone(tiny):
    tiny["normalize"] = {"type": "Standardize"}
    made = experiment(tiny)
    prepared = made.trainer.preprocess(made.train.images)
    assert prepared.mean(dtype=np.float64) == pytest.approx(0, abs=1e-6)
    assert prepared.std(dtype=np.float64) == pytest.approx(1, abs=1e-6)
    assert made.normalize.type == "Normalize"
    assert made.recipe.normalize.type == "Standardize"


def test_a_balanced_validation_part(tiny):
    tiny["data"]["balanced"] = True
    assert experiment(tiny).validation.class_counts().tolist() == [20] * 10


def test_the_sum_of_the_losses(tiny):
    """A summed loss with a rate that is smaller by the batch size trains the same."""
    tiny["optimizer"] = {"type": "SGD", "lr": 0.05}
    mean = experiment(tiny)
    tiny["optimizer"]["lr"] = 0.05 / 50
    tiny["loss"] = {"type": "CrossEntropyLoss", "reduction": "sum"}
    total = experiment(tiny)
    histories = [made.fit(progress=False) for made in (mean, total)]
    np.testing.assert_allclose(total.model[0].weight.data, mean.model[0].weight.data, atol=1e-5)
    assert histories[1][-1]["loss"] == pytest.approx(300 * histories[0][-1]["loss"], rel=1e-4)


def test_one_image_at_a_time_and_all_at_once(tiny):
    tiny["data"]["train"] = 20
    tiny["training"].update(batch_size=1, shuffle=False)
    one = experiment(tiny)
    steps = []
    one.trainer.callbacks.append(
        LambdaCallback(on_batch_end=lambda t, batch, logs: steps.append(logs["count"]))
    )
    one.fit(progress=False)
    assert steps == [1] * 40
    tiny["training"]["batch_size"] = 20
    full = experiment(tiny)
    assert full.images_per_epoch == 20
    full.fit(progress=False)


def test_augmentation_keeps_the_shape(tiny):
    tiny["augment"] = [{"type": "RandomHorizontalFlip"}, {"type": "RandomCrop", "size": 24}]
    with pytest.raises(DataError, match=r"augment\[1\]: turns images of \(1, 28, 28\) into \(1, 24, 24\)"):
        experiment(tiny)


def test_augmentation_may_change_the_shape_in_between_and_mix_labels(tiny):
    tiny["augment"] = [
        {"type": "Resize", "size": 32},
        {"type": "RandomCrop", "size": 28},
        {"type": "ColorJitter", "brightness": 0.2},
        {"type": "AlternatingFlip"},
        {"type": "CutMix", "p": 0.5},
    ]
    recipe = read_recipe(tiny, "my.toml")
    assert read_recipe(recipe.to_dict(), "my.toml").to_dict() == recipe.to_dict()
    assert np.isfinite(Experiment(recipe).fit(progress=False).epochs[-1]["loss"])
    tiny["augment"] = tiny["augment"][:1]
    with pytest.raises(DataError, match=r"augment\[0\]: turns images of \(1, 28, 28\) into \(1, 32, 32\)"):
        Experiment(read_recipe(tiny, "my.toml"))


@pytest.mark.parametrize(
    ("name", "message"),
    [
        (
            "unet",
            "unet does not fit images of (1, 28, 28): 5 levels need heights and widths that are",
        ),
        (
            "conv-autoencoder",
            "my.toml: the network makes 1x28x28 outputs of an image of (1, 28, 28)",
        ),
    ],
)
def test_a_network_that_does_not_tell_classes(tiny, name, message):
    tiny["model"] = {"name": name}
    with pytest.raises(DataError, match=re.escape(message)):
        experiment(tiny)
