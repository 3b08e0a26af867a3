import json
import re
import sys
from pathlib import Path

import pytest
import tomli_w

from fastcnn import recipes, zoo
from fastcnn.errors import DataError
from fastcnn.zoo import registry

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

FOLDER = Path(zoo.__file__).parent / "recipes"


def test_every_recipe_of_the_package_is_right():
    assert "compact-mnist" in recipes.names()
    for name in recipes.names():
        assert recipes.load(name).name == name


def test_compact_mnist_is_as_published():
    table = tomllib.loads((FOLDER / "compact-mnist.toml").read_text())
    assert table["optimizer"] == {"type": "Adam", "lr": 0.01}
    assert table["scheduler"] == {
        "type": "ReduceLROnPlateau",
        "monitor": "val_accuracy",
        "mode": "max",
        "factor": 0.1,
        "patience": 2,
        "threshold": 1e-4,
        "min_lr": 1e-6,
    }
    assert table["augment"] == [
        {"type": "RandomAffine", "degrees": 5, "translate": [0.05, 0.05], "scale": [0.95, 1.05]},
        {"type": "RandomErasing", "p": 0.1, "value": 33},
    ]
    assert table["normalize"] == {"type": "Normalize", "mean": 0.1307, "std": 0.3081}
    recipe = recipes.load("compact-mnist")
    assert (recipe.training.epochs, recipe.training.batch_size, recipe.data.validation) == (20, 512, 5000)


def test_a_recipe_shows_every_key_it_could_have():
    """Whoever copies the recipe finds each key of the plain sections in it, if only in a comment."""
    text = (FOLDER / "compact-mnist.toml").read_text()
    for key in (
        "init",
        "spec",
        "file",
        "root",
        "validation",
        "train",
        "test",
        "patience",
        "monitor",
        "drop_last",
        "clip_grad_norm",
        "clip_grad_value",
    ):
        assert re.search(rf"\b{key}\b", text), key


def test_a_network_without_a_recipe_is_trained_by_default(monkeypatch):
    monkeypatch.setitem(registry._NETWORKS, "my-lenet", zoo.find("spec-lenet"))
    recipe = recipes.load("my-lenet")
    assert (recipe.name, recipe.model.name) == ("my-lenet", "my-lenet")
    assert recipe.scheduler.type == "OneCycleLR"


def test_a_text(tmp_path):
    path = tmp_path / "my net.txt"
    path.write_text("FC 10\n")
    recipe = recipes.load(path)
    assert (recipe.name, recipe.model.spec) == ("my-net", "FC 10\n")
    assert recipe.layers[0].where == f"{path}:1: 'FC 10'"


DICTS = [{"type": "Residual", "body": [{"type": "ReLU"}]}, {"type": "Linear", "out_features": 10}]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("net.json", json.dumps(DICTS)),
        ("net.json", json.dumps({"layers": DICTS})),
        ("net.toml", tomli_w.dumps({"layers": DICTS})),
        ("net", json.dumps(DICTS)),
    ],
)
def test_a_list_of_dicts(tmp_path, name, content):
    path = tmp_path / name
    path.write_text(content)
    recipe = recipes.load(path)
    assert (recipe.name, recipe.optimizer.type) == ("net", "AdamW")
    assert [layer.kind for layer in recipe.layers] == ["Residual", "Linear"]
    assert recipe.layers[1].where == f"{path}: layers[1] (Linear)"
    # What a run keeps gives the same network, though the file may be gone.
    recipes.write_file(recipe, tmp_path / "config.toml")
    again = recipes.load(tmp_path)
    assert again.to_dict() == recipe.to_dict()
    assert zoo.dicts.plain(again.layers) == DICTS


NODES = [
    {"name": "conv", "type": "Conv2d", "out_channels": 2, "kernel_size": 1},
    {"name": "both", "type": "mul", "inputs": ["conv", "input"]},
    {"type": "flatten", "start_dim": 1},
    {"name": "fc", "type": "Linear", "out_features": 10},
]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("net.json", json.dumps({"nodes": NODES})),
        ("net.toml", tomli_w.dumps({"nodes": NODES})),
        ("net", json.dumps({"output": "fc", "nodes": NODES})),
    ],
)
def test_nodes_in_a_file(tmp_path, name, content):
    path = tmp_path / name
    path.write_text(content)
    recipe = recipes.load(path)
    assert recipe.name == "net"
    assert recipe.layers.nodes[1].where == f"{path}: nodes[1] both (mul)"
    recipes.write_file(recipe, tmp_path / "config.toml")
    again = recipes.load(tmp_path)
    assert again.to_dict() == recipe.to_dict()
    assert zoo.dicts.plain(again.layers) == {"nodes": NODES}
    assert again.replace("seed", 3, "test").layers is again.layers


def test_nodes_in_a_recipe(tiny):
    tiny["model"] = {"nodes": NODES, "output": "fc"}
    recipe = recipes.read_recipe(tiny, "here")
    assert (recipe.model.nodes, recipe.model.output) == (None, None)
    assert zoo.dicts.plain(recipe.layers) == {"nodes": NODES}
    wrong = [*NODES[:3], {"name": "fc", "type": "Linear", "out": 3}]
    with pytest.raises(DataError, match=r"^here: model\.nodes\[3\] fc \(Linear\): unknown key 'out'"):
        recipes.read_recipe({**tiny, "model": {"nodes": wrong}}, "here")
    with pytest.raises(DataError, match=r"^here: model\.output: no node is called 'x'"):
        recipes.read_recipe({**tiny, "model": {"nodes": NODES, "output": "x"}}, "here")
    with pytest.raises(
        DataError, match=r"^here: model\.output names one of model\.nodes, and there are none"
    ):
        recipes.read_recipe({**tiny, "model": {"spec": "FC 10", "output": "x"}}, "here")


def test_dicts_in_a_recipe(tmp_path, tiny):
    tiny["model"] = {"layers": DICTS}
    recipe = recipes.read_recipe(tiny, "here")
    assert (recipe.model.layers, zoo.dicts.plain(recipe.layers)) == (None, DICTS)
    tiny["model"]["layers"][1]["out"] = 3
    with pytest.raises(DataError, match=r"^here: model.layers\[1\] \(Linear\): unknown key 'out'"):
        recipes.read_recipe(tiny, "here")
    with pytest.raises(DataError, match=r"^here: model\.layers has no layers"):
        recipes.read_recipe({**tiny, "model": {"layers": []}}, "here")


def test_written_and_read_again(tmp_path):
    recipe = recipes.load("compact-mnist").replace("optimizer.lr", 0.1 + 0.2, "test")
    recipes.write_file(recipe, tmp_path / "config.toml", "two\nlines")
    text = (tmp_path / "config.toml").read_text()
    assert text.splitlines()[1:3] == ["# two", "# lines"]
    assert "lr = 0.30000000000000004" in text
    assert recipes.read_file(tmp_path / "config.toml").to_dict() == recipe.to_dict()
    assert recipes.load(tmp_path).to_dict() == recipe.to_dict()  # the folder of a run


def test_a_text_with_quotes_and_tabs_survives(tmp_path, tiny):
    tiny["model"]["spec"] = '# "quoted" \\ \t\nConv 4 5 3 0\nFC 10'
    recipe = recipes.read_recipe(tiny, "here")
    recipes.write_file(recipe, tmp_path / "config.toml")
    assert recipes.load(tmp_path).model.spec == tiny["model"]["spec"]


def test_a_name_that_nothing_has():
    expected = (
        r"^compact-mnit: no recipe, network or file is called that \(did you mean 'compact-mnist'\?\); "
    )
    with pytest.raises(DataError, match=expected):
        recipes.load("compact-mnit")


@pytest.mark.parametrize("name", ["none.toml", "none.txt", "folder/none"])
def test_files_that_are_not_there(name, tmp_path):
    with pytest.raises(DataError, match=r"none(.toml|.txt)?: cannot be read: No such file or directory"):
        recipes.load(tmp_path / name)


def test_a_folder_that_is_no_run(tmp_path):
    with pytest.raises(DataError, match=r"config.toml: cannot be read: No such file"):
        recipes.load(tmp_path)


@pytest.mark.parametrize(
    "content", [b"[model\n", b"seed = \n", b"a = 1\na = 2\n", b"a = " + b"[" * 99_999, b"a = " + b"9" * 9_999]
)
def test_files_that_are_no_toml(content, tmp_path):
    path = tmp_path / "my.toml"
    path.write_bytes(content)
    with pytest.raises(DataError, match=rf"^{re.escape(str(path))}: not a TOML file: "):
        recipes.load(path)


def test_a_file_that_is_no_text(tmp_path):
    path = tmp_path / "my.toml"
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(DataError, match=rf"^{re.escape(str(path))}: not a text file \(UTF-8\): "):
        recipes.load(path)
