import base64
import re
import sys

import numpy as np
import pytest

from fastcnn.errors import DataError
from fastcnn.recipes import Experiment, Run, read_recipe, take_folder
from fastcnn.recipes.report import PICTURES, duration, write_report
from fastcnn.recipes.results import Results

from ..pages import Page
from .conftest import TINY


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Return the folder of a finished run with everything in it."""
    table = {**TINY, "training": {**TINY["training"], "accuracy_every": 3}}
    run = Run(Experiment(read_recipe(table, "my.toml")), take_folder(tmp_path_factory.mktemp("run")))
    run.fit(progress=False)
    run.finish()
    return run.folder


def test_pictures(folder):
    for name in PICTURES:
        assert (folder / name).read_bytes().startswith(b"\x89PNG")


def test_the_page_has_everything_in_it_and_needs_nothing_else(folder):
    text = (folder / "report.html").read_text(encoding="utf-8")
    page = Page(text)
    assert not {"script", "link", "iframe", "object"} & set(page.tags)
    sources = [value for name, value in page.attributes if name in ("src", "href")]
    assert [base64.b64decode(each.removeprefix("data:image/png;base64,")) for each in sources] == [
        (folder / name).read_bytes() for name in PICTURES
    ]
    assert not re.search(r"https?://|url\(|@import", text)
    assert all(value for name, value in page.attributes if name == "alt")


def test_what_the_page_says(folder):
    words = Page((folder / "report.html").read_text(encoding="utf-8")).words
    results = Results.read(folder)
    test = results.metrics["test"]
    confusion = test["confusion"]
    assert f"{test['accuracy']:.2%}" in words
    assert f"{test['macro_f1']:.4f}" in words
    assert "tiny on mnist" in words
    assert "2,674" in words
    assert {"Conv2d", "4x8x8", "Linear"} <= set(words)
    assert 'spec = """' in "".join(words)
    assert results.metrics["machine"]["instruction set"] in words
    # Precision, recall and F1 of class 3, by hand.
    right, truth, said = confusion[3, 3], confusion[3].sum(), confusion[:, 3].sum()
    place = words.index("most often taken for") + words[words.index("most often taken for") :].index("3")
    cells = [word for word in words[place : place + 12] if word.strip()]
    assert cells[1:5] == [
        f"{truth}",
        f"{right / said:.4f}",
        f"{right / truth:.4f}",
        f"{2 * right / (said + truth):.4f}",
    ]


def test_it_is_made_again_from_the_folder_alone(folder, monkeypatch):
    before = {name: (folder / name).read_bytes() for name in (*PICTURES, "report.html")}
    for name in before:
        (folder / name).unlink()
    write_report(Results.read(folder), folder)
    assert {name: (folder / name).read_bytes() for name in before} == before


def test_text_is_escaped(folder, tmp_path):
    results = Results.read(folder)
    names = tuple(f"<b>{i}</b>&\"'" for i in range(10))
    results.test.classes = names
    results.metrics["machine"]["platform"] = "<script>alert(1)</script>"
    page = Page((write(results, tmp_path)).read_text(encoding="utf-8"))
    assert {"b", "script"} & set(page.tags) == {"b"}
    assert page.tags.count("b") == 8  # the figures at the top
    assert set(names) <= set(page.words)


def write(results, place):
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "matplotlib", None)
        write_report(results, place)
    return place / "report.html"


def test_without_matplotlib_the_page_says_so_once(folder, tmp_path):
    text = write(Results.read(folder), tmp_path).read_text(encoding="utf-8")
    page = Page(text)
    assert "img" not in page.tags
    assert text.count("fastcnn[plots]") == 1
    assert "Most confident mistakes" not in page.words
    assert "Test set" in page.words


def test_a_network_without_convolutions_has_no_filters(tiny, tmp_path):
    tiny["model"] = {"spec": "FC 10"}
    run = Run(Experiment(read_recipe(tiny, "my.toml")), take_folder(tmp_path / "run"))
    run.fit(progress=False)
    run.finish()
    assert (run.folder / "curves.png").exists()
    assert not (run.folder / "filters.png").exists()
    assert "What the network has learned" not in (run.folder / "report.html").read_text(encoding="utf-8")


def test_an_experiment_searches_for_its_rate(tiny):
    made = Experiment(read_recipe(tiny, "my.toml"))
    before = made.model.state_dict()
    found = made.lr_find(steps=30)
    assert 1e-7 < found.suggestion < 10
    assert all(np.array_equal(before[key], value) for key, value in made.model.state_dict().items())


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (
            lambda place: [(place / name).unlink() for name in ("metrics.json", "config.toml")],
            "no metrics.json in it, nor config.toml: it is not that of a run",
        ),
        (lambda place: (place / "config.toml").unlink(), "config.toml: cannot be read"),
        (lambda place: (place / "metrics.json").write_text("{"), "metrics.json: damaged"),
        (lambda place: (place / "metrics.json").write_text("[]"), "metrics.json: damaged.*not a table"),
        (
            lambda place: (place / "metrics.json").write_text('{"test": 1}'),
            "metrics.json: damaged.*it lacks best",
        ),
        (lambda place: (place / "history.csv").write_text("a\nb\n"), "history.csv: not a table of numbers"),
        (lambda place: (place / "weights.safetensors").write_text("x"), "weights.safetensors: not a safe"),
    ],
)
def test_folders_that_are_no_run(folder, tmp_path, damage, message):
    for path in folder.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    damage(tmp_path)
    with pytest.raises(DataError, match=message):
        Results.read(tmp_path)
    with pytest.raises(DataError, match="nowhere: there is no such folder"):
        Results.read(tmp_path / "nowhere")


@pytest.fixture
def unfinished(folder, tmp_path):
    """Return a function that copies the folder of the run without some files."""

    def copy(*without):
        for path in folder.iterdir():
            if path.name not in (*without, *PICTURES, "report.html"):
                (tmp_path / path.name).write_bytes(path.read_bytes())
        return tmp_path

    return copy


def test_a_run_without_metrics_is_reported_without_the_test_set(folder, unfinished):
    place = unfinished("metrics.json", "test_stats.csv")
    results, whole = Results.read(place), Results.read(folder)
    assert results.metrics["best"] == whole.metrics["best"]
    assert results.metrics["images_per_second"] == pytest.approx(whole.metrics["images_per_second"], abs=0.1)
    write_report(results, place)
    page = Page((place / "report.html").read_text(encoding="utf-8"))
    assert (
        "metrics.json is missing: the training was interrupted, or is still running: the test set has not "
        "been read."
    ) in page.words
    best = whole.metrics["best"]
    assert f"best epoch: validation accuracy {best['val_accuracy']:.2%}" in page.words
    assert {"Training", "What the network has learned", "Network", "Recipe"} <= set(page.words)
    assert not {"Test set", "Predictions", "Most confident mistakes", "Machine and versions"} & set(
        page.words
    )
    assert sorted(path.name for path in place.glob("*.png")) == [
        "curves.png",
        "feature_maps.png",
        "filters.png",
    ]


def test_a_run_without_weights_shows_the_rest(unfinished):
    place = unfinished("weights.safetensors")
    write_report(Results.read(place), place)
    page = Page((place / "report.html").read_text(encoding="utf-8"))
    assert (
        "weights.safetensors is missing: there is nothing to show of what the network has learned."
        in page.words
    )
    assert {"Training", "Test set", "Network", "2,674", "Machine and versions"} <= set(page.words)
    assert sorted(path.name for path in place.glob("*.png")) == ["confusion.png", "curves.png"]


def test_a_run_without_a_history_shows_the_rest(unfinished):
    place = unfinished("history.csv")
    write_report(Results.read(place), place)
    page = Page((place / "report.html").read_text(encoding="utf-8"))
    assert "history.csv is missing: there are no figures of the epochs." in page.words
    assert "Test set" in page.words
    assert "All epochs" not in page.words
    assert "curves.png" not in [path.name for path in place.iterdir()]
    assert "fastcnn[plots]" not in "".join(page.words)


def test_a_run_that_has_just_begun(tiny, tmp_path):
    run = Run(Experiment(read_recipe(tiny, "my.toml")), take_folder(tmp_path / "run"))
    results = Results.read(run.folder)
    assert list(results.missing) == ["metrics.json", "history.csv", "weights.safetensors"]
    write_report(results, run.folder)
    page = Page((run.folder / "report.html").read_text(encoding="utf-8"))
    assert sum("is missing" in each for each in page.words) == 3
    assert {"Network", "Recipe", "2,674"} <= set(page.words)
    assert not list(run.folder.glob("*.png"))


def test_times_as_a_person_writes_them():
    assert [duration(seconds) for seconds in (0.04, 9.96, 90, 119, 600, 7300)] == [
        "0.0 s",
        "10.0 s",
        "90 s",
        "119 s",
        "10.0 min",
        "2.0 h",
    ]


def test_large_figures_of_epochs_have_all_their_digits(folder, tmp_path):
    results = Results.read(folder)
    results.history.epochs[0] |= {"images_per_second": 123456.7, "val_loss": 1.5e12, "loss": 12345.67}
    words = Page(write(results, tmp_path).read_text(encoding="utf-8")).words
    assert {"123,457", "1.5e+12", "12346"} <= set(words)
