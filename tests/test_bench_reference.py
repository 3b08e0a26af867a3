"""The bench of the reference systems: that it runs, resumes, and that its table is right."""

import json

import pytest

from bench import reference_systems
from bench.reference import table
from bench.reference.published import SYSTEMS, Published, System
from fastcnn import recipes, zoo
from fastcnn.data import catalog

FACTS = {"machine": {"processor": "Abacus", "date": "today"}, "threads": 2, "fastcnn": "1", "label": "a copy"}
SLOW = System("slow", Published(0.5, 0.6, epochs=10, seconds=100.0, images=1000), "slow", "slow-best")


def figures(recipe, seed=0, test=0.9, **changes):
    return {
        "recipe": recipe,
        "seed": seed,
        "validation": 0.8,
        "train": None,
        "test": test,
        "epochs": 5,
        "seconds": 10.0,
        "seconds_per_epoch": 2.0,
        "images_per_epoch": 500,
        "images_per_second": 1234.5,
        **changes,
    }


def test_every_recipe_is_there():
    wanted = {name for system in SYSTEMS for name in (system.repeated, system.best) if name is not None}
    # The bench compares accuracies, which images that are their own targets have not, nor have masks.
    sections = {name: recipes.load(name).data for name in recipes.names()}
    classifiers = {
        name
        for name, section in sections.items()
        if section.targets is None and not catalog.SOURCES[section.dataset].scenes_of
    }
    assert wanted == classifiers
    # Every network with a recipe of its own is shown.
    assert set(zoo.names()) & classifiers <= {system.name for system in SYSTEMS}


def test_runs_resumes_and_repeats_what_changed(tmp_path, capsys):
    path, text = tmp_path / "out.json", tmp_path / "out.md"
    options = ["--quick", "--only", "spec-lenet", "--only", "plain-mnist-relu-bn", "--threads", "1"]
    options += ["--json", str(path), "--markdown", str(text)]
    assert reference_systems.main([*options, "--seeds", "1"]) == 0
    shown = capsys.readouterr()
    assert shown.err.count("s/epoch") == 3
    assert text.read_text() == shown.out
    first = json.loads(path.read_text())
    assert [run["recipe"] for run in first["runs"]] == [
        "spec-lenet",
        "spec-lenet-best",
        "plain-mnist-relu-bn",
    ]
    assert all(run["epochs"] == 1 and 0 <= run["test"] <= 1 for run in first["runs"])

    assert reference_systems.main([*options, "--seeds", "2", "--kind", "published"]) == 0
    assert capsys.readouterr().err.count("seed 1") == 2  # seed 0 was there
    second = json.loads(path.read_text())
    assert second["runs"][:3] == first["runs"]

    second["runs"][0]["fingerprint"] = "another recipe"
    path.write_text(json.dumps(second))
    assert reference_systems.main([*options, "--seeds", "1"]) == 0
    assert capsys.readouterr().err.count("s/epoch") == 1


def test_a_run_that_fails_does_not_end_the_others(tmp_path, capsys):
    options = ["--quick", "--only", "list-cifar-overfit", "--only", "plain-mnist-bn-relu", "--seeds", "1"]
    assert reference_systems.main([*options, "--data", str(tmp_path)]) == 1
    shown = capsys.readouterr()
    assert shown.err.startswith(f"list-cifar-overfit, seed 0: {tmp_path}")
    assert "| plain-mnist-bn-relu | reproduced |" in shown.out


def test_the_folder_of_the_data_is_no_part_of_a_recipe():
    recipe = recipes.load("spec-lenet")
    moved = recipe.replace("data.root", "/elsewhere", "test")
    assert reference_systems.fingerprint(moved) == reference_systems.fingerprint(recipe)
    other = recipe.replace("optimizer.lr", 0.5, "test")
    assert reference_systems.fingerprint(other) != reference_systems.fingerprint(recipe)


def test_table():
    runs = [
        figures("slow", 0, 0.5),
        figures("slow-best", 0, 0.9, train=0.98),
        figures("slow-best", 1, 0.92, train=1.0),
    ]
    lines = table.markdown(FACTS, [SLOW], runs).splitlines()
    assert lines[0] == "Abacus, 2 threads, fastcnn 1, today."
    assert lines[4:7] == [
        "| slow | published | 60.00% | 50.00% | 10 | 100 | 16.7 min | 10.0 | 1 |",
        # An image took 0.1 s, and takes 2 s / 500 = 0.004 s.
        "| slow | reproduced | 80.00% | 50.00% | 5 | 2.00 | 10 s | 1,234 | 25.0 |",
        "| slow-best | ours | 80.00 ± 0.00% (2) | 91.00 ± 1.41% (2) | 5 | 2.00 | 10 s | 1,234 | 25.0 |",
    ]
    assert lines[-1] == "- slow-best: accuracy on its 500 training images 99.00 ± 1.41% (2)."


def test_table_of_a_system_without_figures():
    system = System("own", None, None, "own-cifar")
    text = table.markdown(FACTS, [system, SLOW], [figures("own-cifar", validation=None)])
    assert "CIFAR-10 is a copy." in text
    assert "| own-cifar | ours | - | 90.00% | 5 | 2.00 | 10 s | 1,234 | - |" in text
    assert "slow" not in text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(None, "-"), (1.25, "1.2 s"), (45, "45 s"), (786, "13.1 min"), (226_920, "63.0 h")],
)
def test_durations(seconds, text):
    assert table.duration(seconds) == text


def test_wrong_options(capsys):
    assert reference_systems.main(["--only", "vgg"]) == 1
    assert "no system is called vgg; there is residual-mnist" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        reference_systems.main(["--seeds", "0"])
