"""ONNX Runtime: inference with arrays in and out, and with bound inputs and outputs."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnxruntime

from .onnx_graph import build
from .side import Job, Side


class OnnxSide(Side):
    """One job in ONNX Runtime."""

    def __init__(self, job: Job) -> None:
        super().__init__(job)
        model = build(job.layers, job.state, job.x.shape)
        for threads in job.threads:
            for name, make in (("run", self._run), ("bound", self._bound)):
                if self.wanted(name, threads):
                    self.add(name, threads, make(_session(model, threads)))

    @staticmethod
    def versions() -> dict[str, str]:
        return {"ONNX Runtime": onnxruntime.__version__}

    def set_threads(self, threads: int) -> None:
        """Each session has its own number."""

    def _run(self, session: Any) -> Any:
        feed = {"x": self.job.x}
        return lambda: session.run(None, feed)[0]

    def _bound(self, session: Any) -> Any:
        """Return a call that makes no new array."""
        binding = session.io_binding()
        source = onnxruntime.OrtValue.ortvalue_from_numpy(self.job.x)
        y = np.empty_like(session.run(None, {"x": self.job.x})[0])
        result = onnxruntime.OrtValue.ortvalue_from_numpy(y)
        binding.bind_ortvalue_input("x", source)
        binding.bind_ortvalue_output(session.get_outputs()[0].name, result)

        def call() -> Any:
            session.run_with_iobinding(binding)
            return result

        return call

    def array(self, answer: Any) -> np.ndarray:
        return answer if isinstance(answer, np.ndarray) else answer.numpy()


def _session(model: bytes, threads: int) -> Any:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
