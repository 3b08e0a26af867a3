"""Attributes and inputs of nodes that change the answer: they do here too, or the node is refused."""

import numpy as np
import pytest

from fastcnn import onnx
from fastcnn.errors import DataError

from .graphs import save
from .running import reference, samples

SHAPE = (4, 6, 7)
REDUCTIONS = ("L1", "L2", "LogSum", "LogSumExp", "Max", "Mean", "Min", "Sum", "SumSquare")
NUMBERS = {
    **{"none": np.zeros(0, np.float32), "two": np.ones(2, np.float32), "four": np.ones(4, np.float32)},
    **{"one": np.float32(1), "minus": np.float32(-1), "large": np.float32(np.inf)},
    **{"no_axes": np.zeros(0, np.int64), "axes": np.array([-1, 1]), "row": np.array([1, -1])},
    **{"pairs": np.array([2, -1]), "whole": np.array([13, 8]), "wide": np.array([[[1.0] * 7]], np.float32)},
    **{"twice": np.array([2, 1, 2, 2], np.float32), "endless": np.array([1, 1, np.inf, 1], np.float32)},
    **{"first": np.array([0]), "channels": np.array([4]), "matrix": np.ones((7, 5), np.float32)},
    "deep": np.array([0, -1] + [1] * 100),
    **{"nothing": np.ones((0, 4, 1, 1), np.float32), "whole_kernel": np.ones((2, 4, 1, 1), np.int64)},
    "kernel": np.ones((4, 3, 2, 2), np.float32),
}


def saved(tmp_path, nodes, shape=("N", *SHAPE), opset=18):
    used = {each for node in nodes for each in node[1].split()}
    arrays = {key: NUMBERS[key] for key in NUMBERS.keys() & used}
    return save(tmp_path / "model.onnx", nodes, shape, opset, arrays)


KNOWN = {
    **{f"{each} of no axes": [(f"Reduce{each}", "x no_axes", "y", {"noop_with_empty_axes": 1})]
       for each in REDUCTIONS},
    **{f"{each} of axes": [(f"Reduce{each}", "x axes", "y", {"keepdims": 0})] for each in REDUCTIONS},
    "limits in the other order": [("Clip", "x one minus", "y")],
    "a limit above all numbers": [("Clip", "x large", "y")],
    "factors with axes in front": [("LayerNormalization", "x wide", "y")],
    "a ratio that rounds down": [
        ("Resize", "x none none whole", "y",
         {"keep_aspect_ratio_policy": "not_smaller", "axes": [2, 3], "mode": "linear"}),
    ],
}  # fmt: skip


@pytest.mark.parametrize("name", KNOWN)
def test_values(tmp_path, name):
    path, x = saved(tmp_path, KNOWN[name]), samples(SHAPE, 2)
    with np.errstate(all="ignore"):
        np.testing.assert_allclose(onnx.load(path).predict(x), reference(path, x), 1e-4, 1e-5)


WIDE = {"kernel_shape": [3, 3], "strides": [3, 3], "pads": [2, 2, 2, 2], "ceil_mode": 1}
RATIO = {"keep_aspect_ratio_policy": "not_larger", "axes": [2, 3]}
REFUSED = {
    "a window that begins in a margin": ([("MaxPool", "x", "y", WIDE)], "where ceil_mode is 1"),
    "or of a mean": (
        [("AveragePool", "x", "y", {**WIDE, "count_include_pad": 1})],
        "where ceil_mode is 1",
    ),
    "a ratio that rounds up": ([("Resize", "x none none whole", "y", RATIO)], "makes 6.85714 lines of 6"),
    "an axis twice": ([("Resize", "x none two", "y", {"axes": [2, 2]})], "each once"),
    "no such axis": ([("Resize", "x none two", "y", {"axes": [2, 9]})], "must be of the input's"),
    "larger batches": ([("Resize", "x none twice", "y")], "scales must leave the batch as it is"),
    "endless images": ([("Resize", "x none endless", "y")], "scales must be finite"),
    "images of the batch's size": (
        [("Shape", "x", "s"), ("Gather", "s first", "n"), ("Concat", "n channels n n", "t", {"axis": 0}),
         ("Resize", "x none none t", "y")],
        "sizes must not depend on the size of the batch",
    ),
    "a batch that is not the file's": ([("Reshape", "x pairs", "y")], "would mix the samples of a batch"),
    "too many axes": ([("Reshape", "x deep", "y")], "makes samples of 101 axes, 31 at most"),
    "no limit": ([("Clip", "x none", "y")], r"a limit must be one number, got the shape \(0,\)"),
    "two limits": ([("Clip", "x two", "y")], r"a limit must be one number, got the shape \(2,\)"),
    "no ratio": ([("Dropout", "x none", "y")], "ratio must be one number"),
    "factors of another size": ([("LayerNormalization", "x two", "y")], r"Scale must broadcast to \(7,\)"),
    "factors of no group": (
        [("GroupNormalization", "x four four", "y", {"num_groups": 2})],
        "must have a number for each of 2 groups",
    ),
    "margins of one axis": (
        [("ConvTranspose", "x kernel", "y", {"output_padding": [0]})],
        "output_padding must fit 2 axes",
    ),
    "no parts": ([("Split", "x", "y b", {"axis": 1, "num_outputs": 0})], "must be its 2 outputs, got 0"),
    "a sum of nothing": ([("Sum", "", "y")], "has no input"),
    "nothing in a row": ([("Concat", "", "y", {"axis": 1})], "has no input"),
    "a comparison as a number": (
        [("Greater", "x one", "a"), ("Cast", "a", "b", {"to": 1}), ("Mul", "x b", "y")],
        r"\(Mul\): an operand must be known",
    ),
    "parts as a value": (
        [("SplitToSequence", "x", "s", {"axis": 1}), ("Relu", "s", "y")],
        r"\(Relu\): its input must depend on the input",
    ),
    "parts in a row": (
        [("SplitToSequence", "x", "s", {"axis": 1}), ("Tile", "s axes", "y")],
        r"\(Tile\): is no operator that is known here for what depends on the input",
    ),
    "an order of channels": (
        [("DepthToSpace", "x", "y", {"blocksize": 2, "mode": "XYZ"})],
        r"node 'DepthToSpace_0' \(DepthToSpace\): mode must be CRD or DCR, got 'XYZ'",
    ),
    "a share above one": (
        [("Dropout", "x large", "y")],
        r"node 'Dropout_0' \(Dropout\): ratio must be from 0 to 1, got inf",
    ),
    "a negative number added to variances": (
        [("BatchNormalization", "x four four four four", "y", {"epsilon": -1.0})],
        r"node 'BatchNormalization_0' \(BatchNormalization\): epsilon must be at least 0, got -1",
    ),
    "no channels": ([("Conv", "x nothing", "y")], r"node 'Conv_0' \(Conv\): .*got 0"),
    "weights that are integers": (
        [("Conv", "x whole_kernel", "y")],
        r"node 'Conv_0' \(Conv\): W, the weight, must be floating point numbers, got int64",
    ),
    "a name twice": ([("Relu", "x", "y"), ("Neg", "x", "y")], r"\(Neg\): 'y' is made a second time"),
    "a name of the input": ([("Relu", "x", "x"), ("Neg", "x", "y")], "'x' is made a second time"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_refused(tmp_path, name):
    nodes, message = REFUSED[name]
    with pytest.raises(DataError, match=message):
        onnx.load(saved(tmp_path, nodes))


def test_a_bias_of_another_size(tmp_path):
    nodes = [("Gemm", "x matrix two", "y")]
    with pytest.raises(DataError, match=r"C must broadcast to \(5,\), got the shape \(2,\)"):
        onnx.load(saved(tmp_path, nodes, ("N", 7)))


def test_statistics_of_the_batch(tmp_path):
    """Before opset 14 a batch normalisation with more outputs than one was in training."""
    nodes = [("BatchNormalization", "x four four four four", "y mean var a b")]
    with pytest.raises(DataError, match="training_mode must be 0"):
        onnx.load(saved(tmp_path, nodes, opset=9))


def test_an_upsampling_without_scales(tmp_path):
    with pytest.raises(DataError, match="scales or sizes must be known"):
        onnx.load(saved(tmp_path, [("Upsample", "x", "y")], opset=9))


def test_a_batch_that_the_file_has_written_down(tmp_path):
    """(1, -1) is one row for each sample in a file for one sample, and one row for all in others."""
    nodes = [("Reshape", "x row", "y")]
    assert onnx.load(saved(tmp_path, nodes, (1, *SHAPE))).predict(samples(SHAPE, 3)).shape == (3, 168)
    with pytest.raises(DataError, match="would mix the samples of a batch"):
        onnx.load(saved(tmp_path, nodes, (2, *SHAPE)))
