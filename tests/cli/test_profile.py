"""``fastcnn profile``: its figures fit each other and the network."""

import json
import re

import pytest

from fastcnn import zoo
from fastcnn.cli import main, profile
from fastcnn.nn.summary import summarize


@pytest.fixture(autouse=True)
def short(monkeypatch):
    """The least number of repeats."""
    monkeypatch.setattr(profile, "_SECONDS", 0.0)


def measure(capsys, *argv):
    assert main(["profile", *argv, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


@pytest.mark.parametrize("mode", ["training", "inference"])
@pytest.mark.parametrize("name", ["compact-mnist", "position-bias-mnist", "spec-lenet"])
def test_figures_fit_each_other(name, mode, capsys):
    facts = measure(capsys, name, f"--{mode}", "--batch-size", "8")
    assert (facts["network"], facts["mode"], facts["batch_size"]) == (name, mode, 8)
    operations = facts["operations"]
    assert [each["number"] for each in operations] == list(range(len(operations)))
    assert all(each["seconds"] > 0 and each["layers"] for each in operations)
    assert sum(each["seconds"] for each in operations) == pytest.approx(facts["seconds"])
    assert sum(each["share_of_time"] for each in operations) == pytest.approx(1)
    assert {each["part"] for each in operations} == ({"step"} if mode == "training" else {"forward"})
    table = summarize(zoo.build(name), zoo.find(name).input_shape)
    products = 3 * table.macs - table.layers[0].macs if mode == "training" else table.macs
    flops = sum(each["flops"] for each in operations)
    assert flops == 8 * 2 * products
    rate = flops / facts["seconds"]
    assert facts["share_of_peak"] == pytest.approx(rate / facts["peak_flops_per_second"])
    assert facts["images_per_second"] == pytest.approx(8 / facts["seconds"])
    for name in ("seconds", "flops", "bytes", "share_of_time"):
        parts = sum(each[name] for each in facts["phases"])
        assert parts == pytest.approx(sum(each[name] for each in operations))
    assert sum(each["operations"] for each in facts["phases"]) == len(operations)
    memory = facts["bandwidth_bytes_per_second"]["memory"]
    for each in [*operations, *facts["phases"]]:
        assert each["share_of_bandwidth"] == pytest.approx(each["bytes"] / each["seconds"] / memory)
    whole = facts["whole"]
    assert whole["threads"] == 1
    assert whole["images_per_second"] == pytest.approx(8 / whole["seconds"])


def test_as_text(capsys):
    assert main(["profile", "compact-mnist", "--batch-size", "4", "--inference"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert re.match(
        r"compact-mnist, inference, batch 4 of 1x28x28, \w+; FMA peak of one thread \d+ G.*; precision high",
        lines[0],
    )
    assert re.fullmatch(
        r"a copy within the caches and memory, read and written, GB/s: first cache \d+, .*memory \d+",
        lines[1],
    )
    figures = ["us", "share", "GFLOP/s", "of", "peak", "MB", "of", "memory"]
    assert lines[3].split() == ["part", "phase", "kernel", *figures, "layers"]
    layers = r"0 Conv2d \+ 1 BatchNorm2d \+ 2 ReLU"
    numbers = r"[\d.]+ +[\d.]+% +[\d.]+ +\d+% +[\d.]+ +\d+%"
    first = rf" *\d+  forward +\d+  conv(_spans)? +{numbers}  {layers}"
    assert any(re.fullmatch(first, line) for line in lines)
    assert lines[-3].startswith("by kernel: ")
    head = lines.index("Each phase, behind which threads wait for each other:") + 1
    assert lines[head].split() == ["part", "phase", "operations", *figures]
    assert re.fullmatch(rf"forward +\d+ +\d+ +{numbers}", lines[-4])
    assert re.match(r"all operations, 1 thread: [\d.]+ ms, [\d,]+ images/s, \d+% of the FMA peak$", lines[-2])
    assert lines[-1].startswith("Module.predict, 1 thread: ")


def test_recipes_and_texts(recipe, tmp_path, capsys):
    assert measure(capsys, recipe, "--batch-size", "2")["input_shape"] == [1, 28, 28]
    (tmp_path / "model.txt").write_text("Conv 3 3 2 1\nReLU\n")  # makes no logits
    facts = measure(capsys, "model.txt", "--input", "2,9,7", "--batch-size", "2")
    assert facts["input_shape"] == [2, 9, 7]
    assert facts["whole"]["call"] == "Trainer.train_step with Adam"


def test_describe(capsys):
    assert main(["profile", "compact-mnist", "--batch-size", "40", "--describe"]) == 0
    text = capsys.readouterr().out
    assert re.match(r"training program for up to 4[08] images of 1x28x28, float32, ", text)


def test_mistakes(fails):
    assert fails("profile", "compact-mnist", "--batch-size", "0") == "--batch-size must be at least 1, got 0"
    assert fails("profile", "compact").startswith("compact: no recipe, network or file is called that")
    assert fails("profile", "compact-mnist", "--input", "28").startswith("--input must be channels")
    assert "a plan for 2 to " in fails("profile", "residual-mnist", "--batch-size", "1")
