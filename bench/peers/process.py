"""The workers as the bench sees them: processes that take turns."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from fastcnn import nn

ROOT = Path(__file__).resolve().parent.parent.parent
# Contender -> the modules that it needs.
CONTENDERS = {
    "fastcnn": ("fastcnn",),
    "PyTorch": ("torch",),
    "ONNX Runtime": ("onnxruntime", "onnx"),
    "OpenVINO": ("openvino", "onnx"),
}


class WorkerError(RuntimeError):
    """A worker could not do what it was told; the message is its traceback."""


def installed() -> list[str]:
    """Return the contenders that are installed here."""
    return [name for name, modules in CONTENDERS.items() if all(map(find_spec, modules))]


class Worker:
    """One contender in a process of its own; it sleeps while it is not asked.

    Parameters
    ----------
    contender : str
        A name of CONTENDERS.
    threads : int
        The most that it will use.
    python : str
        The interpreter, of another environment if not ours.
    """

    def __init__(self, contender: str, threads: int, python: str = sys.executable) -> None:
        self.contender = contender
        folders = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(folders), "OMP_NUM_THREADS": str(threads)}
        self._process = subprocess.Popen(
            [python, "-m", "bench.peers.worker", contender],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
        )

    def ask(self, what: str, **arguments: Any) -> Any:
        """Let the worker do something; return its answer."""
        assert self._process.stdin
        assert self._process.stdout
        try:
            self._process.stdin.write(json.dumps({"do": what, **arguments}) + "\n")
            self._process.stdin.flush()
            line = self._process.stdout.readline()
        except BrokenPipeError:
            line = ""
        if not line:
            raise WorkerError(f"{self.contender}: the process ended with {self._process.wait()}")
        answer = json.loads(line)
        if "error" in answer:
            raise WorkerError(f"{self.contender}: {what} failed\n{answer['error']}")
        return answer["result"]

    def close(self) -> None:
        """End the process."""
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.close()
        self._process.stdout.close()
        self._process.wait()

    def __enter__(self) -> Worker:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()


def random_batch(model: nn.Module, input_shape: tuple[int, ...], batch: int) -> tuple[np.ndarray, np.ndarray]:
    """Return random images, and labels for them or for their pixels."""
    rng = np.random.default_rng(batch)
    x = rng.standard_normal((batch, *input_shape), dtype=np.float32)
    _, classes, *pixels = model.output_shape((1, *input_shape))
    return x, rng.integers(0, classes, (batch, *pixels))


def write_arrays(path: Path, model: nn.Module, input_shape: tuple[int, ...], batch: int) -> None:
    """Write random images, labels, and the model's state, for `worker.read_arrays`."""
    x, target = random_batch(model, input_shape, batch)
    state = {f"state.{name}": array for name, array in model.state_dict().items()}
    np.savez(path, x=x, target=target, **state)
