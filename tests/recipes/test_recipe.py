import re

import pytest

from fastcnn.errors import DataError
from fastcnn.recipes import read_recipe


def change(table, path, value):
    *sections, key = path.split(".")
    for section in sections:
        table = table.setdefault(section, {})
    table[key] = value


def message(table):
    with pytest.raises(DataError) as caught:
        read_recipe(table, "my.toml")
    text = str(caught.value)
    assert text.startswith("my.toml: ")
    return text.removeprefix("my.toml: ")


def test_defaults_are_filled_in(tiny):
    recipe = read_recipe(tiny, "my.toml")
    assert recipe.optimizer.options == {
        "lr": 0.01,
        "betas": [0.9, 0.999],
        "eps": 1e-8,
        "weight_decay": 0,
        "amsgrad": False,
        "decoupled_weight_decay": False,
    }
    assert (recipe.seed, recipe.scheduler, recipe.augment) == (0, None, ())
    assert recipe.normalize.to_dict() == {"type": "Normalize", "mean": 0.0, "std": 1.0}
    assert recipe.training.monitor == "val_accuracy"
    assert recipe.data.dataset == "mnist"


def test_tables_give_the_same_recipe_again(tiny):
    tiny["augment"] = [{"type": "RandomCrop", "size": 28, "padding": 3}]
    tiny["scheduler"] = {"type": "StepLR", "step_size": 3, "step": "batch"}
    recipe = read_recipe(tiny, "my.toml")
    assert read_recipe(recipe.to_dict(), "my.toml").to_dict() == recipe.to_dict()
    crop = {"type": "RandomCrop", "size": 28, "padding": 3, "fill": 0, "padding_mode": "constant"}
    assert recipe.to_dict()["augment"][0] == crop


def test_whole_numbers_where_a_number_is_asked_for(tiny):
    tiny["optimizer"] = {"type": "SGD", "lr": 1}
    assert read_recipe(tiny, "my.toml").optimizer.options["lr"] == 1


@pytest.mark.parametrize(
    ("path", "value", "expected"),
    [
        ("trainign", {}, "unknown key trainign (did you mean 'training'?); allowed are name, seed, model"),
        (
            "training.epoch",
            3,
            "unknown key training.epoch (did you mean 'epochs'?); allowed are epochs, batch",
        ),
        ("training.epochs", 0, "training.epochs must be an integer of at least 1, got 0"),
        ("training.epochs", 2.5, "training.epochs must be an integer of at least 1, got 2.5"),
        ("training.epochs", True, "training.epochs must be an integer of at least 1, got True"),
        ("training.batch_size", "64", "training.batch_size must be an integer of at least 1, got '64'"),
        ("training.clip_grad_norm", -1, "training.clip_grad_norm must be a number of at least 0, got -1"),
        ("training.clip_grad_value", "1", "training.clip_grad_value must be a number of at least 0, got"),
        ("training.drop_last", 1, "training.drop_last must be true or false, got 1"),
        (
            "training.monitor",
            "val_acuracy",
            "training.monitor must be one of val_accuracy, val_loss, val_macro_f1, accuracy, loss, "
            "val_micro_f1, val_average_precision, val_subset_accuracy, val_pixel_accuracy, val_mean_iou, "
            "val_dice, val_mae, val_mse, val_r2; got 'val_acuracy' (did you mean 'val_accuracy'?)",
        ),
        ("training", 3, "training must be a table, got 3"),
        (
            "data.dataset",
            "mnits",
            "data.dataset must be one of mnist, fashion-mnist, cifar10, mnist-scenes; got 'mnits'",
        ),
        ("data.validation", -1, "data.validation must be an integer or a number of at least 0, got -1"),
        ("data.validation", float("nan"), "data.validation must be"),
        ("data.train", 0, "data.train must be an integer of at least 1, got 0"),
        ("data.root", 7, "data.root must be a string, got 7"),
        ("seed", -1, "seed must be an integer of at least 0, got -1"),
        ("seed", "zero", "seed must be an integer"),
        ("name", "../up", "name must be letters, digits, '.', '_' and '-', got '../up'"),
        ("model", {}, "model needs exactly one of name, spec, layers, file; got none"),
        (
            "model.name",
            "compact-mnist",
            "model needs exactly one of name, spec, layers, file; got name, spec",
        ),
        ("model", {"name": "vgg"}, "model.name: zoo: no network is called 'vgg'"),
        ("model.spec", "Conv 4\n", "model.spec:1: 'Conv 4': Conv takes 4 numbers"),
        ("model.init", "he", "model.init must be one of default, kaiming_normal"),
        ("optimizer", {}, "optimizer.type is missing: one of SGD, Adadelta, Adagrad, Adam"),
        (
            "optimizer.type",
            "adam",
            "optimizer.type must be one of SGD, Adadelta, Adagrad, Adam, AdamW, Adamax, Lion",
        ),
        ("optimizer.learning_rate", 1, "unknown key optimizer.learning_rate; allowed are type, lr, betas"),
        ("optimizer.momentum", 0.9, "unknown key optimizer.momentum"),
        ("optimizer.lr", -1, "optimizer.lr must be a finite number of at least 0, got -1"),
        ("optimizer.lr", "fast", "optimizer.lr must be a number, got 'fast'"),
        ("optimizer.betas", [0.9, 1.5], "optimizer.betas[1] must be in [0, 1), got 1.5"),
        ("scheduler", {"type": "StepLR"}, "scheduler.step_size is missing"),
        ("scheduler", {"type": "StepLR", "step_size": 0}, "scheduler.step_size must be at least 1, got 0"),
        ("scheduler", {"type": "OneCycleLR", "max_lr": 1}, "unknown key scheduler.max_lr"),
        (
            "scheduler",
            {"type": "StepLR", "step_size": 1, "step": "day"},
            "scheduler.step must be one of batch",
        ),
        (
            "scheduler",
            {"type": "StepLR", "step_size": 1, "monitor": "loss"},
            "scheduler.monitor is for ReduceLROnPlateau only",
        ),
        (
            "scheduler",
            {"type": "ReduceLROnPlateau", "monitor": "f1"},
            "scheduler.monitor must be one of val_accuracy, val_loss",
        ),
        ("augment", {"type": "RandomCrop"}, "augment must be a list of tables ([[augment]])"),
        ("augment", [{"type": "RandomCrop"}], "augment[0].size is missing"),
        (
            "augment",
            [{"type": "RandomErasing"}, {"type": "RandomAffine", "degrees": -5}],
            "augment[1].degrees must be in [0, inf], got -5",
        ),
        ("augment", [{"type": "RandomFlip"}], "augment[0].type must be one of RandomAffine, RandomCrop"),
        ("augment", [3], "augment[0] must be a table, got 3"),
        ("optimizer.groups", {}, "optimizer.groups must be a list of tables ([[optimizer.groups]]), got {}"),
        ("optimizer.groups", [{"lr": 1}], "optimizer.groups[0].parameters must be a string: weights, others"),
        (
            "optimizer.groups",
            [{"parameters": "weights", "decay": 1}],
            "unknown key optimizer.groups[0].decay; allowed are parameters, lr",
        ),
        (
            "optimizer.groups",
            [{"parameters": "weights"}, {"parameters": "others", "lr": -1}],
            "optimizer.groups[1].lr must be a finite number of at least 0, got -1",
        ),
        ("normalize", {"type": "SubtractMeanImage", "std": 0}, "normalize.std must be above 0, got 0"),
        ("normalize", {"type": "Standardize", "std": 1}, "unknown key normalize.std; allowed are type"),
        ("normalize", {"type": "Normalize", "mean": 0.1}, "normalize.std is missing"),
        ("normalize", {"type": "Normalize", "mean": 0, "std": 0}, "normalize.std must be above 0"),
        (
            "loss",
            {"type": "CrossEntropyLoss", "label_smoothing": 2},
            "loss.label_smoothing must lie in [0, 1]",
        ),
        ("loss", {"type": "CrossEntropyLoss", "reduction": "max"}, "loss.reduction must be one of"),
    ],
)
def test_what_is_wrong_is_named_by_its_path(tiny, path, value, expected):
    change(tiny, path, value)
    assert message(tiny).startswith(expected)


@pytest.mark.parametrize("section", ["model", "optimizer", "training"])
def test_sections_that_must_be_there(tiny, section):
    del tiny[section]
    assert message(tiny) == f"the section [{section}] is missing"


def test_keys_that_must_be_there(tiny):
    del tiny["training"]["epochs"]
    assert message(tiny) == "training.epochs is missing"


def test_a_metric_of_the_validation_needs_one(tiny):
    tiny["data"]["validation"] = 0
    expected = "training.monitor is 'val_accuracy', which needs data.validation above 0"
    assert message(tiny) == expected
    tiny["training"]["monitor"] = "loss"
    assert read_recipe(tiny, "my.toml").training.monitor == "loss"
    tiny["scheduler"] = {"type": "ReduceLROnPlateau", "monitor": "val_loss"}
    assert message(tiny).startswith("scheduler.monitor is 'val_loss'")


def test_a_text_in_a_file_beside_the_recipe(tiny, tmp_path):
    (tmp_path / "net.txt").write_text("FC 10\n")
    tiny["model"] = {"file": "net.txt"}
    recipe = read_recipe(tiny, str(tmp_path / "my.toml"))
    assert (recipe.model.spec, recipe.model.file) == ("FC 10\n", None)
    (tmp_path / "net.txt").write_text("FC x\n")
    with pytest.raises(DataError, match=rf"^{re.escape(str(tmp_path / 'net.txt'))}:1: 'FC x': "):
        read_recipe(tiny, str(tmp_path / "my.toml"))


def test_replace(tiny):
    recipe = read_recipe(tiny, "my.toml")
    changed = recipe.replace("optimizer.lr", 0.5, "--lr").replace("seed", 3, "--seed")
    assert (changed.optimizer.options["lr"], changed.seed, recipe.seed) == (0.5, 3, 0)
    assert changed.source == "my.toml"
    assert changed.layers == recipe.layers
    with pytest.raises(DataError, match=r"^--lr: optimizer.lr must be a finite number"):
        recipe.replace("optimizer.lr", -1, "--lr")
