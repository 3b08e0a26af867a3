"""What it costs that nothing is lost and that numbers which go wrong are seen, as shares of the training.

``python -m bench.bench_safety``, with ``--networks``, ``--batches``, ``--epochs``.

The first table trains a recipe with a checkpoint after each epoch, as ``fastcnn train`` does, and sets the
time that a checkpoint takes against that of an epoch. The second takes steps, and times by itself what each
does besides: the copies of buffers, and the look at them and at all gradients.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Callable

import numpy as np

from fastcnn import recipes
from fastcnn.engine.describe import aligned
from fastcnn.optim.gradients import largest_gradient
from fastcnn.training import checkpoint, saving


def checkpoints(name: str, epochs: int) -> tuple[str, ...]:
    """Return the row of a recipe."""
    took = []

    def timed(*arguments: object) -> None:
        start = time.perf_counter()
        checkpoint.write_checkpoint(*arguments)  # type: ignore[arg-type]
        took.append(time.perf_counter() - start)

    experiment = recipes.Experiment(recipes.load(name).replace("training.epochs", epochs, "bench"))
    with tempfile.TemporaryDirectory(dir=".") as folder:
        run = recipes.Run(experiment, recipes.take_folder(f"{folder}/run"))
        saving.write_checkpoint = timed
        try:
            history = run.fit(progress=False)
        finally:
            saving.write_checkpoint = checkpoint.write_checkpoint
        size = os.path.getsize(f"{folder}/run/checkpoint.safetensors")
    epoch, one = statistics.median(history["seconds"]), statistics.median(took)
    return name, f"{size / 1e6:.2f}", f"{epoch:.2f}", f"{1e3 * one:.1f}", f"{one / epoch:.3%}"


def steps(name: str, batch: int) -> tuple[str, ...]:
    """Return the row of a network and a batch."""
    trainer = recipes.Experiment(recipes.load(name)).trainer
    trainer.model.train()
    executor = trainer._executor
    rng = np.random.default_rng(0)
    shape = (3, 32, 32) if "cifar" in name else (1, 28, 28)
    x, y = rng.standard_normal((batch, *shape)).astype(np.float32), rng.integers(0, 10, batch)

    executor.step(x, y)
    optimizer, gathered = trainer.optimizer, trainer.optimizer.gathered()

    def look() -> None:
        executor._buffers.keep()
        executor._buffers.not_finite()
        bound = largest_gradient(gathered)
        all(optimizer.stays_finite(group, bound) for group in optimizer.param_groups)

    whole, part = [], []
    for _ in range(30):
        whole.append(seconds(lambda: executor.step(x, y)))
        part.append(seconds(look))
    step, looked = statistics.median(whole), statistics.median(part)
    return name, str(batch), f"{1e3 * step:.3f}", f"{1e6 * looked:.1f}", f"{looked / step:.2%}"


def seconds(call: Callable[[], object]) -> float:
    """Return how long one of a few calls takes."""
    start = time.perf_counter()
    for _ in range(5):
        call()
    return (time.perf_counter() - start) / 5


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--networks", nargs="+", default=["compact-mnist", "residual-mnist", "plain-mnist-bn-relu"]
    )
    parser.add_argument("--batches", nargs="+", type=int, default=[2, 16, 128])
    parser.add_argument("--epochs", type=int, default=3)
    args = parser.parse_args()
    rows = [("recipe", "checkpoint, MB", "epoch, s", "checkpoint, ms", "share of an epoch")]
    rows += [checkpoints(name, args.epochs) for name in args.networks]
    print("\n".join(aligned(rows)), end="\n\n")
    rows = [("network", "batch", "step, ms", "the look, us", "share of the step")]
    rows += [steps(name, batch) for name in args.networks for batch in args.batches]
    print("\n".join(aligned(rows)))


if __name__ == "__main__":
    main()
