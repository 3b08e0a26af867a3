"""--tta of evaluate and predict: the mean over views of each image."""

import json

import numpy as np
import pytest

from fastcnn import data
from fastcnn.cli import main
from fastcnn.recipes import Classifier
from fastcnn.training.report import probabilities


@pytest.fixture(scope="module")
def digits():
    return data.load("mnist")[1]


@pytest.mark.parametrize("views", ["flip", "shift=2", "flip,shift=1"])
def test_evaluate(trained, digits, capsys, views):
    results = {}
    for options in ((), ("--tta", views)):
        assert main(["evaluate", str(trained), "--json", *options]) == 0
        results[options] = json.loads(capsys.readouterr().out)
    plain, meant = results.values()
    wanted = Classifier.load(trained).trainer.evaluate(digits, tta=views)
    assert meant["correct"] == wanted["correct"]
    assert meant["confusion"] == wanted["confusion"].tolist()
    assert meant["confusion"] != plain["confusion"]


@pytest.mark.parametrize("views", ["flip", "flip,shift=3"])
def test_predict(trained, digits, tmp_path, capsys, views):
    np.save(tmp_path / "digits.npy", digits.images[:5])
    argv = ["predict", str(trained), str(tmp_path / "digits.npy"), "--json", "--tta", views]
    assert main(argv) == 0
    found = [
        {one["class"]: one["probability"] for one in each["classes"]}
        for each in json.loads(capsys.readouterr().out)
    ]
    trainer = Classifier.load(trained).trainer
    for row, wanted in zip(found, probabilities(trainer.predict(digits.images[:5], tta=views)), strict=True):
        np.testing.assert_allclose([row[str(each)] for each in range(10)], wanted, atol=1e-6)


def test_the_same_file_again_in_a_mirror(trained, digits, tmp_path, capsys):
    """The mean over an image and its mirror image is that of the mirror image."""
    np.save(tmp_path / "both.npy", np.stack([digits.images[0], digits.images[0, :, :, ::-1]]))
    argv = ["predict", str(trained), str(tmp_path / "both.npy"), "--invert", "no", "--json"]
    assert main([*argv, "--tta", "flip"]) == 0
    one, other = (each["classes"] for each in json.loads(capsys.readouterr().out))
    assert [each["class"] for each in one] == [each["class"] for each in other]
    np.testing.assert_allclose(
        [each["probability"] for each in one], [each["probability"] for each in other], atol=2e-6
    )
    assert main(argv) == 0
    one, other = (each["classes"] for each in json.loads(capsys.readouterr().out))
    assert one != other


@pytest.mark.parametrize("command", ["evaluate", "predict"])
@pytest.mark.parametrize("views", ["turn", "flip,flip", "shift=0", "shift=-1", "", "flip shift"])
def test_views_that_there_are_not(trained, digits, tmp_path, fails, command, views):
    np.save(tmp_path / "digit.npy", digits.images[0])
    paths = [tmp_path / "digit.npy"] if command == "predict" else []
    error = fails(command, trained, *paths, "--tta", views)
    assert error.endswith(f"tta must be flip, shift=PIXELS, or both with a comma, got {views!r}")
