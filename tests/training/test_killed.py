"""A process that is killed at any moment leaves the checkpoint of one step or of the next."""

import os
import random

import pytest

from fastcnn.training.checkpoint import read_checkpoint

from ..children import Children

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="the system cannot fork")

KILLS = 200
TRAINING = """
import hashlib
import numpy as np
from fastcnn import data, nn, optim
from fastcnn.data import transforms
from fastcnn.training import BestWeights, CSVLogger, Trainer

def run(folder):
    rng = np.random.default_rng(0)
    digits = data.Dataset(rng.integers(0, 256, (96, 1, 8, 8), np.uint8), rng.integers(0, 4, 96))
    layers = nn.Conv2d(1, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(), nn.Dropout(0.5), nn.Flatten()
    model = nn.Sequential(*layers, nn.Linear(512, 4)).initialize(seed=0)
    trainer = Trainer(
        model,
        optim.Adam(model.parameters()),
        nn.CrossEntropyLoss(),
        callbacks=[BestWeights(), CSVLogger(folder + "/history.csv")],
    )
    trainer.fit(
        digits, epochs=4, batch_size=8, validation=digits, augment=transforms.RandomHorizontalFlip(),
        progress=False, checkpoint=folder + "/training.safetensors", checkpoint_every=1, resume=True,
    )
    state = model.state_dict()
    return hashlib.sha256(b"".join(state[name].tobytes() for name in sorted(state))).hexdigest()
"""


@pytest.fixture(scope="module")
def trainings():
    made = Children(TRAINING)
    yield made
    made.close()


def table(folder):
    lines = (folder / "history.csv").read_text().splitlines()
    heading = lines[0].split(",")
    kept = [i for i, name in enumerate(heading) if name not in ("seconds", "images_per_second")]
    return [[line.split(",")[i] for i in kept] for line in lines]


def test_killed_at_random_moments(trainings, tmp_path):
    whole = tmp_path / "whole"
    whole.mkdir()
    wanted, seconds = trainings.run(whole)
    assert wanted is not None
    rng, kills, finished = random.Random(0), 0, 0
    while kills < KILLS:
        folder = tmp_path / f"run-{finished}"
        folder.mkdir()
        result = None
        while result is None and kills < KILLS:
            result, _ = trainings.run(folder, rng.uniform(0, seconds))
            kills += result is None
            path = folder / "training.safetensors"
            if path.exists():
                position = read_checkpoint(path)["state"]["position"]
                assert 0 <= position["batch"] <= 12
        if result is None:
            result, _ = trainings.run(folder)
        assert result == wanted
        assert table(folder) == table(whole)
        finished += 1
