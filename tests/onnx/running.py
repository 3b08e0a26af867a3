"""Running ONNX files with the reference implementation of the onnx package."""

import numpy as np
import onnx
import pytest
from onnx.reference import ReferenceEvaluator

NEWEST = onnx.defs.onnx_opset_version()


def samples(shape, count, dtype=np.float32, seed=0):
    """Return random samples, the numbers of which have few digits."""
    x = np.random.default_rng(seed).standard_normal((count, *shape))
    return (np.round(x * 64) / 64).astype(dtype)


def reference(path, *inputs):
    """Return the output of a file, or several."""
    model = onnx.load(path)
    names = [each.name for each in model.graph.input]
    with np.errstate(all="ignore"):
        made = ReferenceEvaluator(model).run(None, dict(zip(names, inputs, strict=True)))
    return made[0] if len(made) == 1 else made


def runtime(path, *inputs):
    """Return the output of a file, or several, by ONNX Runtime."""
    onnxruntime = pytest.importorskip("onnxruntime")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    names = [each.name for each in session.get_inputs()]
    made = session.run(None, dict(zip(names, inputs, strict=True)))
    return made[0] if len(made) == 1 else made
