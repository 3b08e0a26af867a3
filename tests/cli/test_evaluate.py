import json
import re
import shutil

import numpy as np

from fastcnn import zoo
from fastcnn.cli import main
from fastcnn.recipes import Classifier
from fastcnn.training import load_weights, save_weights


def test_all_test_images_are_counted(trained, capsys):
    assert main(["evaluate", str(trained)]) == 0
    line = capsys.readouterr().out
    expected = (
        r"mnist: test accuracy (\d\d\.\d\d)% \(([\d,]+) of 10,000 wrong\), loss [\d.]{6}, macro F1 [\d.]{6}\n"
    )
    found = re.fullmatch(expected, line)
    assert float(found[1]) > 70
    assert round(float(found[1]) * 100) == 10_000 - int(found[2].replace(",", ""))


def test_json(trained, capsys):
    assert main(["evaluate", str(trained / "weights.safetensors"), "--dataset", "mnist", "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert np.sum(result["confusion"]) == result["count"] == 10_000
    assert np.trace(result["confusion"]) == result["correct"] == round(result["accuracy"] * 10_000)


def test_a_run_is_tested_in_its_own_precision(trained, tmp_path, monkeypatch):
    run, seen = tmp_path / "run", []
    shutil.copytree(trained, run)
    config = run / "config.toml"
    config.write_text(re.sub(r"(?m)^\[training\]$", '[training]\nprecision = "highest"', config.read_text()))
    read = Classifier.load
    monkeypatch.setattr(Classifier, "load", lambda *given: seen.append(read(*given)) or seen[-1])
    assert main(["evaluate", str(run)]) == main(["evaluate", str(trained)]) == 0
    assert [each.trainer.precision for each in seen] == ["highest", None]


def test_mistakes(trained, fails, tmp_path):
    assert fails("evaluate", tmp_path / "none") == f"{tmp_path / 'none'}: there is no such file"
    assert fails("evaluate", tmp_path) == f"{tmp_path / 'weights.safetensors'}: there is no such file"
    assert fails("evaluate", trained, "--dataset", "mnits").startswith("load: no data set is called 'mnits'")
    (tmp_path / "junk.safetensors").write_bytes(b"junk")
    assert "junk.safetensors: not a safetensors file" in fails("evaluate", tmp_path / "junk.safetensors")
    assert "does not fit the model" in fails("evaluate", trained, "--recipe", "compact-mnist")


def test_weights_that_say_nothing(trained, fails, tmp_path, capsys):
    model = zoo.from_spec("Conv 4 5 3 0\nReLU\nFC 10", (1, 28, 28))
    load_weights(model, trained / "weights.safetensors")
    path = tmp_path / "plain.safetensors"
    save_weights(model, path)
    assert "does not say which network it belongs to" in fails("evaluate", path)
    assert main(["evaluate", str(trained), "--json"]) == 0
    expected = capsys.readouterr().out
    assert main(["evaluate", str(path), "--recipe", str(trained), "--json"]) == 0
    assert capsys.readouterr().out == expected


def test_images_of_another_kind(fails, tmp_path):
    model = zoo.build("list-cifar", 0)
    path = tmp_path / "w.safetensors"
    notes = {
        "format": 1,
        "version": "1",
        "model": {"name": "list-cifar"},
        "input_shape": [3, 32, 32],
        "classes": [str(i) for i in range(10)],
        "normalize": {"type": "Normalize", "mean": 0, "std": 1},
        "dataset": "mnist",
        "background": 0.5,
    }
    save_weights(model, path, {"fastcnn": json.dumps(notes)})
    error = fails("evaluate", path)
    assert "made for images (3, 32, 32) of 10 classes, but mnist has images (1, 28, 28)" in error
