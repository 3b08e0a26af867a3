"""Memory of a long life: steps and models without end take no more of it than the first ones did."""

import subprocess
import sys

import pytest

from .emulation import EMULATED

BEGIN = """
import ctypes, gc, os, sys
import numpy as np
import fastcnn
from fastcnn import nn, optim

def network(channels=8):
    features = nn.Conv2d(1, channels, 3, padding=1), nn.BatchNorm2d(channels), nn.ReLU(), nn.MaxPool2d(2)
    return nn.Sequential(*features, nn.Dropout(0.1), nn.Flatten(), nn.Linear(channels * 36, 10))

rng = np.random.default_rng(0)
x, labels = rng.standard_normal((16, 1, 12, 12)).astype(np.float32), rng.integers(0, 10, 16)
loss = nn.CrossEntropyLoss()
"""
STEPS = """
model = network().initialize(seed=0)
trainer = fastcnn.Trainer(model, optim.Adam(model.parameters()), loss)

def live(times):
    for i in range(times):
        trainer.train_step(x, labels)
        if i % 10 == 0:
            model.predict(x), model(x)
"""
MODELS = """
def live(times):
    for i in range(times):
        model, size = network(4 + i % 7).initialize(seed=i), 1 + i % 16
        optimizer = optim.SGD(model.parameters(), lr=0.1)
        fastcnn.Trainer(model, optimizer, loss, engine=i % 4 > 0).train_step(x[:size], labels[:size])
        model.predict(x), model(x)
"""
END = """
def used():
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)  # gives back what is free, wherever it is
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE"), sys.getallocatedblocks()

live(BEFORE)
before = used()
live(TIMES)
print(*[now - then for now, then in zip(used(), before)])
"""


@pytest.mark.skipif(
    EMULATED or sys.platform != "linux", reason="asks Linux, and takes minutes in an emulator"
)
@pytest.mark.parametrize(
    ("code", "before", "times"),
    # Of Python 3.10 caches grow with the first thousand models.
    [(STEPS, 2000, 10_000), (MODELS, 1500, 1000)],
    ids=["steps", "models"],
)
def test_memory_is_flat(code, before, times):
    whole = f"BEFORE, TIMES = {before}, {times}\n{BEGIN}{code}{END}"
    done = subprocess.run([sys.executable, "-c", whole], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    resident, objects = map(int, done.stdout.split())
    # One for each step or model would be many more.
    assert objects < times / 4
    # Python and the C library keep a block or two of what they were given back.
    assert resident < 3e6
