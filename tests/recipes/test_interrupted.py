"""Ctrl-C and SIGTERM at any moment of a run: it ends soon, its folder is complete, and its model can be used.

``FASTCNN_INTERRUPTS=50 pytest -s tests/recipes/test_interrupted.py`` does it as often, and says how long that
took.
"""

import os
import random
import signal
import statistics

import pytest

from fastcnn.recipes import Classifier
from fastcnn.training.checkpoint import read_checkpoint

from ..children import Children

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="the system cannot fork")

INTERRUPTS = int(os.environ.get("FASTCNN_INTERRUPTS", "6"))
RUN = """
import numpy as np
from fastcnn import recipes
from fastcnn.training import Terminated

def run(folder):
    recipe = recipes.load("compact-mnist").replace("training.epochs", 1000, "test")
    for key, value in (("data.train", 2000), ("data.validation", 500), ("data.test", 100)):
        recipe = recipe.replace(key, value, "test")
    experiment = recipes.Experiment(recipe)
    training = recipes.Run(experiment, recipes.take_folder(folder))
    how = "by itself"
    try:
        training.fit(progress=False, checkpoint_every=5)
    except KeyboardInterrupt:
        how = "before it began"
    except Terminated as ended:
        how = str(ended.code)
    logits = experiment.model.predict(np.zeros((2, 1, 28, 28), np.float32))
    history = experiment.trainer.history
    return f"{how}, {history.interrupted}, {logits.shape}, {np.isfinite(logits).all()}, {len(history)}"
"""


def test_a_run_is_interrupted(tmp_path):
    children, rng, times = Children(RUN), random.Random(0), []
    for i in range(INTERRUPTS):
        folder, number = tmp_path / str(i), (signal.SIGINT, signal.SIGTERM)[i % 2]
        said, seconds = children.run(folder, rng.uniform(1.5, 4.0), number)
        times.append(seconds)
        how, interrupted, *shape, finite, epochs = said.split(", ")
        assert (how, interrupted, shape, finite) == (
            ("by itself", "143")[i % 2],
            "True",
            ["(2", "10)"],
            "True",
        )
        state = read_checkpoint(folder / "checkpoint.safetensors")["state"]
        assert len(state["history"]["epochs"]) == int(epochs)
        lines = (folder / "history.csv").read_text().splitlines() if int(epochs) else [""]
        assert len(lines) == 1 + int(epochs)
        if int(epochs):
            assert Classifier.load(folder).model.num_parameters() > 0
    children.close()
    print(f"seconds: median {statistics.median(times):.3f}, largest {max(times):.3f}")
    assert statistics.median(times) < 2  # how long it takes on an idle machine is told, not tested
