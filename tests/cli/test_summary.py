import json

import pytest

from fastcnn import zoo
from fastcnn.cli import main


@pytest.mark.parametrize(
    ("name", "options", "expected"),
    [
        ("compact-mnist", [], ["Parameters: 16,146 ", "sample: 3,064,656", "input 1x28x28"]),
        ("list-cifar", [], ["Parameters: 84,362 ", "sample: 2,539,520", "input 3x32x32"]),
        ("spec-lenet", ["--input", "3,32,32"], ["Parameters: 36,378 ", "sample: 844,000"]),
        ("spec-lenet", ["--input", "3x32x32"], ["Parameters: 36,378 "]),
        ("unet", ["--input", "1x32x16"], ["Parameters: 31,036,546 ", " 2x32x16 "]),
        ("conv-autoencoder", [], ["Parameters: 9,957 ", " 1x28x28 "]),
    ],
)
def test_networks(name, options, expected, capsys):
    assert main(["summary", name, *options]) == 0
    text = capsys.readouterr().out
    for each in expected:
        assert each in text


def test_a_recipe_for_scenes_needs_none_of_them(tmp_path, capsys, monkeypatch):
    """Its data set has masks, so the network makes classes of pixels."""
    monkeypatch.setattr("fastcnn.data.load", None)
    path = tmp_path / "net.toml"
    sections = "\n[optimizer]\ntype = 'Adam'\nlr = 0.1\n[training]\nepochs = 1\nbatch_size = 8\n"
    path.write_text("model = {name = 'unet-scenes'}\ndata = {dataset = 'mnist-scenes'}\n" + sections)
    assert main(["summary", str(path)]) == 0
    text = capsys.readouterr().out
    assert "input 1x64x64" in text
    assert " 11x64x64 " in text
    path.write_text("model = {name = 'compact-mnist'}\ndata = {dataset = 'mnist-scenes'}\n" + sections)
    assert main(["summary", str(path)]) == 1
    assert "the targets need 11x64x64" in capsys.readouterr().err


def test_a_text_needs_no_data_set_of_its_classes(tmp_path, capsys):
    path = tmp_path / "model.txt"
    path.write_text("Conv 6 5 1 2\nReLU\nFC 3\n")
    assert main(["summary", str(path), "--input", "2,8,8"]) == 0
    text = capsys.readouterr().out
    rows = [line.split() for line in text.splitlines() if "-" in line[1:-1]]
    assert [(row[0], row[3]) for row in rows if len(row) > 9] == [
        ("Conv2d-1", "6x8x8"),
        ("ReLU-2", "6x8x8"),
        ("Flatten-3", "384"),
        ("Linear-4", "3"),
    ]
    assert text.startswith("model, input 2x8x8\n")
    assert main(["summary", str(path)]) == 0
    assert " 6x28x28 " in capsys.readouterr().out


@pytest.mark.parametrize("name", ["net.json", "net.toml"])
def test_dicts(name, tmp_path, capsys):
    layers = zoo.to_dicts(zoo.build("list-cifar"))
    (tmp_path / name).write_text(getattr(zoo.dicts, f"to_{name[4:]}")(layers))
    assert main(["summary", str(tmp_path / name), "--input", "3x32x32"]) == 0
    assert "Parameters: 84,362 " in capsys.readouterr().out


def test_optimizer_and_loss_of_the_recipe(capsys):
    assert main(["summary", "residual-mnist"]) == 0
    text = capsys.readouterr().out
    assert text.startswith("residual-mnist, input 1x28x28\n")
    assert "Parameters: 41,132 (41,132 trainable, 0 non-trainable)" in text
    assert "Optimizer: AdamW, lr=0.05, betas=(0.9, 0.99), eps=1e-08, weight_decay=0.01" in text
    assert "Loss: CrossEntropyLoss, reduction=mean" in text
    assert main(["summary", "list-cifar"]) == 0
    assert "Optimizer: SGD with 2 groups" in capsys.readouterr().out


def test_formats(capsys, fails):
    assert main(["summary", "compact-mnist", "--format", "json"]) == 0
    table = json.loads(capsys.readouterr().out)
    assert (table["model"], table["parameters"], table["loss"]["type"]) == (
        "compact-mnist",
        16_146,
        "CrossEntropyLoss",
    )
    assert (
        main(["summary", "compact-mnist", "--format", "markdown", "--columns", "layer, receptive_field"]) == 0
    )
    assert "\n| Conv2d-20 | 24 |\n" in capsys.readouterr().out
    assert fails("summary", "compact-mnist", "--columns", "size").startswith(
        "summary: columns must be among layer"
    )


def test_runs_and_weights(trained, capsys):
    tables = []
    for name in (trained, trained / "weights.safetensors", trained / "config.toml"):
        assert main(["summary", str(name)]) == 0
        tables.append(capsys.readouterr().out)
    assert "Parameters: 2,674" in tables[0]
    assert tables[0] == tables[2]
    # Weights tell nothing of optimizer and loss, nor of the recipe's name.
    above = [table.partition("Optimizer")[0].split("\n", 1)[1] for table in tables]
    assert above[0] == above[1]


@pytest.mark.parametrize("name", ["net.pth", "net.pt"])
def test_weights_of_pytorch_are_refused_with_what_converts_them(name, tmp_path, fails):
    path = tmp_path / name
    path.write_bytes(b"PK\x03\x04" + bytes(26) + b"archive/data.pkl" + bytes(100))
    said = fails("summary", path)
    assert said.startswith(f"{path}: is a file of torch.save, a pickle, which is not read")
    assert said.endswith("net.safetensors')")


@pytest.mark.parametrize(("suffix", "begins"), [("svg", "<svg "), ("dot", "digraph "), ("mmd", "flowchart ")])
def test_graph(suffix, begins, tmp_path, capsys):
    path = tmp_path / f"net.{suffix}"
    assert main(["summary", "residual-mnist", "--graph", str(path)]) == 0
    assert "Parameters: 41,132 " in capsys.readouterr().out
    text = path.read_text(encoding="utf-8")
    assert text.startswith(begins)
    assert text.count("Residual") >= 4
    if suffix == "svg":
        assert "<title>residual-mnist</title>" in text


def test_graph_mistakes(fails, tmp_path):
    error = fails("summary", "compact-mnist", "--graph", tmp_path / "net.png")
    assert error.endswith("must end in one of .svg, .dot, .gv, .mmd, which says the format")
    assert not list(tmp_path.iterdir())
    assert "No such file or directory" in fails(
        "summary", "spec-lenet", "--graph", tmp_path / "no" / "net.svg"
    )


def test_mistakes(fails, tmp_path):
    assert fails("summary", "compact").startswith("compact: no recipe, network or file is called that")
    for text in ("28,28", "1,28,x", "0,28,28", "1,-28,28", ""):
        assert fails("summary", "compact-mnist", f"--input={text}").startswith(
            "--input must be channels, height"
        )
    assert "does not fit images of (1, 2, 2)" in fails("summary", "compact-mnist", "--input", "1,2,2")
    (tmp_path / "model.txt").write_text("Conv 6 50 1 2\n")
    assert "model.txt:1: 'Conv 6 50 1 2': conv2d" in fails("summary", tmp_path / "model.txt")


@pytest.mark.parametrize("name", ["densenet-bc-cifar", "efficientnet_b0", "shufflenet_v2_x1_0"])
def test_networks_that_are_no_chains_have_tables_and_pictures(name, tmp_path, capsys):
    assert main(["summary", name, "--graph", str(tmp_path / "net.svg")]) == 0
    assert capsys.readouterr().out.startswith(f"{name}, input 3x")
    assert (tmp_path / "net.svg").read_text().startswith("<svg ")
