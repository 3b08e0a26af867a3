"""OpenVINO: inference in the precision that it chooses on this processor, and in float32."""

from __future__ import annotations

import sys
from typing import Any

import openvino

from .onnx_graph import build
from .side import Job, Side

# OpenVINO's name of a precision -> ours.
_PRECISIONS = {"f32": "float32", "bf16": "bfloat16", "f16": "float16"}
# What is asked for beside the number of threads; one request at a time is what LATENCY is for.
_HINTS: dict[str, dict[str, str]] = {"default": {}, "float32": {"INFERENCE_PRECISION_HINT": "f32"}}


class OpenvinoSide(Side):
    """One job in OpenVINO, which reads the ONNX model; arrays go in and come out without a copy."""

    def __init__(self, job: Job) -> None:
        super().__init__(job)
        core = openvino.Core()
        model = core.read_model(build(job.layers, job.state, job.x.shape))
        for threads in job.threads:
            for name, hints in _HINTS.items():
                if self.wanted(name, threads):
                    self._compile(core, model, name, threads, hints)

    @staticmethod
    def versions() -> dict[str, str]:
        return {"OpenVINO": openvino.__version__.split("-")[0]}

    def set_threads(self, threads: int) -> None:
        """Each compiled model has its own number."""

    def _compile(self, core: Any, model: Any, name: str, threads: int, hints: dict[str, str]) -> None:
        """Add a configuration; a default that is float32 is the other one, and left out."""
        options = {"PERFORMANCE_HINT": "LATENCY", "INFERENCE_NUM_THREADS": threads, **hints}
        compiled = core.compile_model(model, "CPU", options)
        precision = _PRECISIONS[compiled.get_property("INFERENCE_PRECISION_HINT").get_type_name()]
        if name == "default" and precision == "float32":
            return
        used = compiled.get_property("INFERENCE_NUM_THREADS")
        if used != threads:
            print(f"OpenVINO: uses {used} threads where {threads} were asked for", file=sys.stderr)
        request, feed = compiled.create_infer_request(), {0: self.job.x}

        def call() -> Any:
            return request.infer(feed, share_inputs=True, share_outputs=True)[0]

        self.add(name, threads, call, precision)
