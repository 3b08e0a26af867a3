"""docs/cookbook.md is true: each of its programs runs by itself, and does what the text says."""

import re
from pathlib import Path

import numpy as np
import pytest

from . import documents

PATH = Path("docs", "cookbook.md")
pytestmark = pytest.mark.skipif(not (documents.ROOT / PATH).exists(), reason="not run from the source tree")


@pytest.fixture(scope="module")
def recipes():
    """Return the text below each heading."""
    parts = re.split(r"^## (.*)\n", documents.read(PATH), flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


@pytest.fixture
def run(recipes, tmp_path, monkeypatch, capsys):
    """Return a function that runs the program below a heading, and returns its names and what it prints."""

    def run_recipe(heading):
        monkeypatch.chdir(tmp_path)
        (program,) = documents.blocks(recipes[heading])
        names = documents.run([program], PATH.name, __name__="recipe")
        return names, capsys.readouterr().out

    return run_recipe


def test_each_recipe_is_in_the_list_and_tested(recipes):
    text = documents.read(PATH)
    listed = re.findall(r"^- \[(.*)\]\(#(.*)\)$", text, re.MULTILINE)
    assert [title for title, _ in listed] == list(recipes)
    assert [link for _, link in listed] == [title.lower().replace(" ", "-") for title in recipes]
    tests = Path(__file__).read_text(encoding="utf-8")
    assert [title for title in recipes if f'run("{title}")' not in tests] == []


def test_transfer(run):
    names, said = run("A trained network for another task")
    assert names["transferred"] > names["from_nothing"] + 0.03
    assert names["transferred"] > 0.8
    assert re.fullmatch(r"[\d.]+% with what was learned before, [\d.]+% without\n", said)


def test_regression(run):
    names, said = run("Numbers instead of classes")
    assert names["train"].task == "regression"
    assert names["result"]["r2"] > 0.9
    assert float(re.match(r"off by ([\d.]+) pixels", said)[1]) < 1.2


def test_segmentation(run):
    names, _ = run("A class for each pixel")
    assert names["masks"].shape == (200, 32, 48)
    assert names["result"]["pixel_accuracy"] > 0.97
    assert names["result"]["mean_iou"] > 0.75


def test_cross_validation(run):
    names, said = run("Cross-validation")
    found = names["found"]
    assert [len(each) for each in found.values()] == [5, 5]
    assert np.mean(found[8]) > np.mean(found[1])
    assert len(said.splitlines()) == 2


def test_serving(run):
    _, said = run("Serving over HTTP")
    answered, expected = said.strip().split(" expected ")
    assert expected == "[7, 2, 1, 0, 4]"
    assert answered == expected


def test_resume(run):
    _, said = run("A training that was killed")
    assert said == "the machine is gone, in the middle of the second epoch\n"
