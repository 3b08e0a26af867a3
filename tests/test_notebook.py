"""examples/mnist.ipynb runs in a kernel of Jupyter and shows what it should: all once, and no warning."""

import json
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from .pages import Page

NOTEBOOK = Path(__file__).parent.parent / "examples" / "mnist.ipynb"
pytestmark = pytest.mark.skipif(not NOTEBOOK.exists(), reason="not run from the source tree")
# In a process of its own: what clients of kernels warn of is none of our business.
EXECUTE = """
import sys
import nbclient, nbformat
book = nbformat.read(sys.argv[1], 4)
nbclient.NotebookClient(book, timeout=300, kernel_name="python3").execute()
nbformat.write(book, sys.argv[2])
"""
WIDGET = "application/vnd.jupyter.widget-view+json"


def execute(path, folder):
    """Run a notebook in a folder; return the outputs of each cell of code, and its source."""
    # Not imported here: some versions warn as they are.
    missing = [each for each in ("nbclient", "ipykernel", "ipywidgets", "matplotlib") if not find_spec(each)]
    if missing:
        pytest.skip(f"not installed: {', '.join(missing)}")
    own = {name: str(folder / ".home") for name in ("IPYTHONDIR", "JUPYTER_DATA_DIR", "JUPYTER_CONFIG_DIR")}
    command = [sys.executable, "-c", EXECUTE, str(path), "executed.ipynb"]
    environment = {**os.environ, **own, "PYTHONWARNINGS": ""}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=400)
    assert done.returncode == 0, done.stderr
    book = json.loads((folder / "executed.ipynb").read_text(encoding="utf-8"))
    return [("".join(c["source"]), c["outputs"]) for c in book["cells"] if c["cell_type"] == "code"]


def data_of(outputs, kind):
    """Return what the outputs of a cell have of one kind, as text."""
    found = [output["data"][kind] for output in outputs if kind in output.get("data", {})]
    return ["".join(each) if isinstance(each, list) else each for each in found]


def printed(outputs, name="stdout"):
    return "".join("".join(output["text"]) for output in outputs if output.get("name") == name)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("notebook")


@pytest.fixture(scope="module")
def cells(folder):
    """Return a function that gives the outputs of the one cell in which a text stands."""
    executed = execute(NOTEBOOK, folder)

    def outputs_of(text):
        (found,) = [outputs for source, outputs in executed if text in source]
        return found

    outputs_of.all = [outputs for _, outputs in executed]
    return outputs_of


def test_it_is_kept_without_outputs():
    book = json.loads(NOTEBOOK.read_text(encoding="utf-8"))
    for cell in book["cells"]:
        assert cell.get("outputs", []) == []
        assert cell.get("execution_count") is None
    assert NOTEBOOK.stat().st_size < 20_000


def test_nothing_is_warned_of(cells):
    assert [printed(outputs, "stderr") for outputs in cells.all if printed(outputs, "stderr")] == []


@pytest.mark.parametrize(
    ("text", "tag", "count"),
    [
        ("train, test = data.load", "img", 36),
        ("model.summary", "table", 1),
        ("trainer.fit", "svg", 2),
        ("ConfusionMatrix", "td", 10 * 11),
    ],
)
def test_what_is_shown_as_html(cells, text, tag, count):
    (shown,) = data_of(cells(text), "text/html")
    assert Page(shown).tags.count(tag) == count


@pytest.mark.parametrize("text", ["history.plot", "plot_mistakes", "plot_filters"])
def test_pictures_show_once_without_a_magic_command(cells, text):
    outputs = cells(text)
    assert len(outputs) == 1
    assert len(data_of(outputs, "image/png")) == 1


def test_bars_are_widgets(cells):
    assert len(data_of(cells("trainer.fit"), WIDGET)) == 4
    assert len(data_of(cells("draw_graph"), "image/svg+xml")) == 1


def test_it_has_learned_and_kept_it(cells, folder):
    accuracy = float(printed(cells("ConfusionMatrix")).split("%")[0])
    assert accuracy > 95
    read, right = printed(cells("save_weights")).strip().removeprefix("read: ").split(" right: ")
    assert read == right
    assert (folder / "digits.safetensors").exists()


def test_without_ipywidgets_a_notebook_has_a_line_for_each_epoch(tmp_path):
    code = """
import sys
sys.modules["ipywidgets"] = None
import fastcnn
from fastcnn import data, nn, optim
train = data.load("mnist")[0][:200]
model = nn.Sequential(nn.Flatten(), nn.Linear(784, 10)).initialize(seed=0)
trainer = fastcnn.Trainer(model, optim.Adam(model.parameters()), nn.CrossEntropyLoss())
history = trainer.fit(train, epochs=2, batch_size=50)
"""
    cell = {"cell_type": "code", "metadata": {}, "source": code, "outputs": [], "execution_count": None}
    book = {"cells": [{**cell, "id": "one"}], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    (tmp_path / "small.ipynb").write_text(json.dumps(book), encoding="utf-8")
    ((_, outputs),) = execute(tmp_path / "small.ipynb", tmp_path)
    lines = printed(outputs, "stderr").splitlines()
    assert [line.split(":")[0] for line in lines] == ["epoch 1/2", "epoch 2/2"]
    assert data_of(outputs, WIDGET) == []
