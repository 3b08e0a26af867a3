"""A worker process: holds one library, and does what it is told line by line; see `process.Worker`.

While no command comes it waits for the pipe, so that its threads sleep.
"""

from __future__ import annotations

import gc
import json
import os
import sys
import time
import traceback
from typing import Any, TextIO

import numpy as np

from .side import Job, Side


def side_of(contender: str) -> type[Side]:
    """Return the class of a contender; its library is imported here and nowhere else."""
    if contender == "fastcnn":
        from .fastcnn_side import FastcnnSide

        return FastcnnSide
    if contender == "PyTorch":
        from .torch_side import TorchSide

        return TorchSide
    if contender == "OpenVINO":
        from .openvino_side import OpenvinoSide

        return OpenvinoSide
    from .onnx_side import OnnxSide

    return OnnxSide


def peak_bytes() -> int:
    """Return the largest resident memory that this process ever had."""
    try:
        with open("/proc/self/status") as file:
            for line in file:
                if line.startswith("VmHWM:"):
                    return 1024 * int(line.split()[1])
    except OSError:
        pass
    import resource

    # In KiB on Linux, in bytes on macOS.
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def read_arrays(path: str) -> tuple[np.ndarray, np.ndarray, dict[str, np.ndarray]]:
    """Return (x, target, state) of a file that `process.write_arrays` made."""
    with np.load(path) as file:
        state = {name[6:]: file[name] for name in file.files if name.startswith("state.")}
        return file["x"], file["target"], state


class Commands:
    """What a worker can do."""

    def __init__(self, contender: str) -> None:
        self.type = side_of(contender)
        self.side: Side | None = None

    def versions(self) -> dict[str, str]:
        return self.type.versions()

    def prepare(self, path: str, **facts: Any) -> dict[str, str]:
        """Load a job; return the precision of each of its configurations."""
        self.drop()
        x, target, state = read_arrays(path)
        self.side = self.type(Job(x=x, target=target, state=state, **facts))
        return {name: call.precision for name, call in self.side.calls.items()}

    def drop(self) -> None:
        self.side = None
        gc.collect()

    def losses(self, steps: int) -> dict[str, list[float]]:
        assert self.side
        return self.side.losses(steps)

    def logits(self) -> dict[str, list[list[float]]]:
        assert self.side
        return self.side.logits()

    def run(self, configuration: str, seconds: float) -> dict[str, float]:
        assert self.side
        start = time.process_time()
        answer = self.side.run(configuration, seconds)
        return {**answer, "cpu_seconds": time.process_time() - start}

    def peak_memory(self) -> int:
        return peak_bytes()

    def fma_peak(self, threads: int, seconds: float) -> dict[str, float]:
        """Return FLOP/s of the vector units; fastcnn's worker alone can tell."""
        from fastcnn._kernels import cpu

        start = time.process_time()
        rate = 1e9 * cpu.fma_gflops(seconds, threads)
        return {"rate": rate, "cpu_seconds": time.process_time() - start}


def serve(contender: str, commands: TextIO, answers: TextIO) -> None:
    """Answer commands, one JSON object a line, until there are no more."""
    worker = Commands(contender)
    for line in commands:
        command = json.loads(line)
        try:
            answer = {"result": getattr(worker, command.pop("do"))(**command)}
        except Exception:
            answer = {"error": traceback.format_exc()}
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


if __name__ == "__main__":
    # Answers have the standard output for themselves: what libraries print goes to the standard error.
    with os.fdopen(os.dup(1), "w") as stream:
        os.dup2(2, 1)
        serve(sys.argv[1], sys.stdin, stream)
