"""ONNX files: good ones, and what reads them."""

import signal
from unittest import mock

import numpy as np
from onnx import helper, numpy_helper

from fastcnn import nn, onnx
from fastcnn.nn.sample import dtype_of

from .onnx_nodes import NAME, whole

# Bytes that a network may take, so that each is small, and seconds of reading.
_FREE, _SECONDS = 2**24, 20


def read(path):
    """Read a file, and predict with what it holds; reading must end soon, within the memory there is."""

    def late(*_):
        raise TimeoutError(f"more than {_SECONDS} s")

    places = ("_shapes", "onnx.loading.values", "onnx.loading.files", "zoo.sizes", "onnx.loading.opened")
    patches = [mock.patch(f"fastcnn.{each}.available_bytes", return_value=_FREE) for each in places]
    before = signal.signal(signal.SIGALRM, late)
    signal.alarm(_SECONDS)
    try:
        for each in patches:
            each.start()
        network = onnx.load(path)
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)
        for each in patches:
            each.stop()
    shape = network.input_shape
    several = isinstance(shape[0], tuple)
    given = tuple(np.ones((2, *each), dtype_of(network)) for each in (shape if several else [shape]))
    with np.errstate(all="ignore"):
        network.predict(given if several else given[0], engine=False)
        network.predict(given if several else given[0])


def seeds():
    """Return good files."""
    found = []
    for model, shape in (
        (
            nn.Sequential(nn.Conv2d(2, 4, 3, padding=1), nn.BatchNorm2d(4), nn.Hardswish(), nn.MaxPool2d(2)),
            (2, 6, 6),
        ),
        (
            nn.Sequential(nn.Conv1d(2, 4, 3), nn.GroupNorm(2, 4), nn.GELU(), nn.Flatten(), nn.Linear(16, 3)),
            (2, 6),
        ),
        (nn.Sequential(nn.ConvTranspose2d(2, 2, 2, 2), nn.Upsample(scale_factor=2), nn.PReLU(2)), (2, 3, 3)),
        (nn.Sequential(nn.ReflectionPad2d(1), nn.LayerNorm(6), nn.PixelShuffle(2), nn.Softmax(1)), (4, 4, 4)),
        (nn.Sequential(nn.Linear(3, 4), nn.Softplus(), nn.AdaptiveAvgPool1d(2)), (2, 3)),
    ):
        found.append(_exported(model.initialize(seed=0).eval(), shape))
    return [*found, _computed(), _of_functions(), _older()]


def _exported(model, shape):
    kept = []
    with mock.patch("fastcnn.onnx.exporting.write_atomic", lambda _, content: kept.append(content)):
        onnx.export(model, NAME, shape)
    return kept[0]


def _computed():
    """A file with arithmetic of shapes, a constant and a choice."""
    node = helper.make_node
    arrays = {
        "zero": np.int64([0]),
        "rest": np.int64([-1]),
        "one": np.float32(1),
        "w": np.ones((42, 3), "f4"),
    }
    nodes = [
        *(node("Shape", ["x"], ["s"]), node("Gather", ["s", "zero"], ["n"], axis=0)),
        *(node("Slice", ["s", "zero", "rest"], ["t"]), node("Concat", ["n", "rest"], ["u"], axis=0)),
        *(node("ReduceSum", ["x", "c"], ["a"], keepdims=0), node("Reshape", ["a", "u"], ["b"])),
        *(node("MatMul", ["b", "w"], ["d"]), node("Greater", ["d", "one"], ["e"])),
        *(node("Where", ["e", "d", "one"], ["f"]), node("Pow", ["f", "one"], ["y"])),
    ]
    constant = node("Constant", [], ["c"], value=numpy_helper.from_array(np.int64([1])))
    return whole([constant, *nodes], arrays).SerializeToString()


def _of_functions():
    opsets = [helper.make_opsetid("", 18), helper.make_opsetid("own", 1)]
    twice = helper.make_function(
        "own", "Twice", ["a"], ["b"], [helper.make_node("Add", ["a", "a"], ["b"])], opsets
    )
    calls = [helper.make_node("Twice", [a], [b], domain="own") for a, b in ("ac", "cb")]
    more = helper.make_function("own", "More", ["a"], ["b"], calls, opsets)
    nodes = [helper.make_node("More", ["x"], ["y"], domain="own")]
    return whole(nodes, functions=[twice, more]).SerializeToString()


def _older():
    node = helper.make_node
    nodes = [node("Upsample", ["x"], ["a"], scales=[1.0, 1.0, 2.0, 2.0]), node("Relu", ["a"], ["y"])]
    return whole(nodes, opset=7).SerializeToString()
