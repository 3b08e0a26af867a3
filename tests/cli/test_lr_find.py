from pathlib import Path

import pytest

from fastcnn.cli import main


def test_a_search(recipe, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "70")
    assert main(["lr-find", recipe, "--steps", "40", "--plot", "here/lr.png"]) == 0
    shown = capsys.readouterr()
    lines = shown.out.splitlines()
    assert shown.err == ""
    assert max(map(len, lines[:15])) <= 70
    facts = {line.split()[0]: line for line in lines[-4:]}
    assert list(facts) == ["steps", "suggestion", "recipe", "written"]
    assert "of 40, batch size 50: " in facts["steps"]
    assert 1e-5 < float(facts["suggestion"].split()[1].rstrip(",")) < 1
    assert facts["recipe"] == "recipe      lr 0.01"
    assert Path("here/lr.png").read_bytes().startswith(b"\x89PNG")


def test_a_network_as_text_and_the_usual_place_of_the_picture(recipe, capsys):
    Path("model.txt").write_text("Conv 4 5 3 0\nReLU\nFC 10\n")
    assert main(["lr-find", "model.txt", "--steps", "5", "--batch-size", "20"]) == 0
    assert "batch size 20" in capsys.readouterr().out
    assert Path("runs/model-lr-find.png").exists()


def test_without_matplotlib(recipe, capsys, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "matplotlib", None)
    assert main(["lr-find", recipe, "--steps", "5"]) == 0
    assert capsys.readouterr().out.count("fastcnn[plots]") == 1
    assert not Path("runs").exists()


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (["--steps", "1"], "lr_find: steps must be at least 2"),
        (["--start-lr", "1", "--end-lr", "0.1"], "lr_find: expected 0 < start_lr < end_lr, got 1.0 and 0.1"),
        (["--batch-size", "0"], "--batch-size: training.batch_size must be an integer of at least 1"),
        (["--steps", "2", "--plot", "tiny.toml/lr.png"], "tiny.toml/lr.png: cannot be written: "),
    ],
)
def test_mistakes(recipe, fails, options, expected):
    assert fails("lr-find", recipe, *options).startswith(expected)
