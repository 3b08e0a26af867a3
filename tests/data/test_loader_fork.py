"""A child process that is forked while a loader prepares batches."""

import os
import subprocess
import sys

import pytest

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="the system cannot fork")

BEGIN = """
import gc, os, sys, threading, time, warnings
import numpy as np
from fastcnn.data import Dataset, Loader
warnings.simplefilter("ignore", DeprecationWarning)  # of forking with threads: that is the point here

def augment(images, rng):
    return images + rng.integers(0, 100, len(images)).astype(np.uint8)[:, None, None, None]

images = np.arange(600, dtype=np.uint8).repeat(4).reshape(600, 1, 2, 2)
loader = Loader(Dataset(images, np.arange(600)), SIZE, seed=3, augment=augment, prefetch=2)
expected = [(i.copy(), l.copy()) for i, l in loader.epoch(1)]
batches = loader.epoch(1)
for _ in range(TAKEN):
    next(batches)
"""
# The parent goes on as well, and waits for the child.
END = """
_, status = os.waitpid(child, 0)
assert os.waitstatus_to_exitcode(status) == 0
rest = list(batches)
assert len(rest) == len(expected) - TAKEN
assert all(np.array_equal(a[0], b[0]) for a, b in zip(rest, expected[TAKEN:], strict=True))
assert not [t for t in threading.enumerate() if t.name == "fastcnn-loader"]
print("right")
"""


def run(child, size=10, taken=3, begin=BEGIN, end=END):
    """Run `child` in a child that is forked when some batches were taken; a hang ends in an error."""
    body = "\n".join(f"    {line}" for line in child.strip().splitlines())
    fork = f"child = os.fork()\nif child == 0:\n{body}\n    os._exit(0)\n"
    code = f"SIZE, TAKEN = {size}, {taken}\n{begin}{fork}{end}"
    command = [sys.executable, "-X", "faulthandler", "-W", "error", "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "right\n"


# In the middle of a bundle and at its end; before anything was taken, and when all was.
@pytest.mark.parametrize(("size", "taken"), [(10, 0), (10, 3), (10, 26), (200, 1), (200, 2), (600, 1)])
def test_the_child_gets_the_same_batches(size, taken):
    run(
        """
rest = list(batches)
assert len(rest) == len(expected) - TAKEN
for (images, labels), (right, numbers) in zip(rest, expected[TAKEN:], strict=True):
    assert np.array_equal(images, right) and np.array_equal(labels, numbers)
""",
        size,
        taken,
    )


@pytest.mark.parametrize(
    "leave", ["batches.close()", "del batches; gc.collect()", "next(batches); batches.close()"]
)
def test_the_child_can_leave(leave):
    run(leave)


def test_the_child_can_fork_again():
    run(
        """
next(batches)
grandchild = os.fork()
if grandchild == 0:
    assert np.array_equal(next(batches)[0], expected[TAKEN + 1][0])
    os._exit(0)
assert os.waitstatus_to_exitcode(os.waitpid(grandchild, 0)[1]) == 0
"""
    )


def test_the_child_gets_the_error():
    begin = BEGIN.replace(
        "def augment(images, rng):", "def augment(images, rng):\n    if bad: raise KeyError('cat')"
    )
    begin = begin.replace("expected =", "bad = False\nexpected =")
    run(
        """
bad = True
try:
    list(batches)
except KeyError as error:
    assert error.args == ("cat",)
else:
    os._exit(1)
""",
        begin=begin,
    )


def test_a_fork_while_the_thread_prepares():
    """The thread holds whatever it holds at a moment that nobody chose."""
    begin = BEGIN.replace("batches = loader.epoch(1)", "loader.prefetch = 1\nbatches = loader.epoch(1)")
    run(
        """
assert len(list(batches)) == len(expected) - TAKEN
for _ in range(20):
    inner = loader.epoch(2)
    next(inner)
    other = os.fork()
    if other == 0:
        next(inner)
        inner.close()
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(other, 0)[1]) == 0
""",
        begin=begin,
    )


def test_a_training_goes_on_in_a_child(tmp_path):
    """Forked from a callback, parent and child end with the same weights."""
    code = """
import os, sys, warnings
import numpy as np
import fastcnn
from fastcnn import data, nn, optim, training
warnings.simplefilter("ignore", DeprecationWarning)
images = np.random.default_rng(0).integers(0, 256, (2000, 1, 2, 2), np.uint8)
model = nn.Sequential(nn.Flatten(), nn.Linear(4, 2)).initialize(seed=0)
child = None

def fork(trainer, batch, logs):
    global child
    if child is None and batch == 10:
        child = os.fork()

callbacks = [training.LambdaCallback(on_batch_end=fork)]
trainer = fastcnn.Trainer(model, optim.SGD(model.parameters()), nn.CrossEntropyLoss(), callbacks=callbacks)
history = trainer.fit(data.Dataset(images, np.arange(2000) % 2), epochs=2, batch_size=20)
assert len(history) == 2
fastcnn.save_weights(model, f"{sys.argv[1]}/{'parent' if child else 'child'}")
if child:
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
"""
    command = [sys.executable, "-c", code, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "parent").read_bytes() == (tmp_path / "child").read_bytes()
