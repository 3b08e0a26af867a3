"""Arguments of the functions of fastcnn.nn.functional: their names and defaults, and what is refused."""

import inspect
import math

import numpy as np
import pytest

import fastcnn
from fastcnn.errors import ArgumentError, DTypeError, FastcnnError, ShapeError, SizeError
from fastcnn.nn import functional as F

from ..graph.activations import CASES
from ..graph.models import passes

# Names and defaults of PyTorch 2.13, without what is deprecated there, `dtype` and `out`.
NONE = inspect.Parameter.empty
SIGNATURES = {
    "adaptive_avg_pool1d": {"input": NONE, "output_size": NONE},
    "avg_pool1d": {
        "input": NONE,
        "kernel_size": NONE,
        "stride": None,
        "padding": 0,
        "ceil_mode": False,
        "count_include_pad": True,
    },
    "max_pool1d": {
        "input": NONE,
        "kernel_size": NONE,
        "stride": None,
        "padding": 0,
        "dilation": 1,
        "ceil_mode": False,
        "return_indices": False,
    },
    "prelu": {"input": NONE, "weight": NONE},
    "conv1d": {
        "input": NONE,
        "weight": NONE,
        "bias": None,
        "stride": 1,
        "padding": 0,
        "dilation": 1,
        "groups": 1,
    },
    **{
        name: {
            "input": NONE,
            "weight": NONE,
            "bias": None,
            "stride": 1,
            "padding": 0,
            "output_padding": 0,
            "groups": 1,
            "dilation": 1,
        }
        for name in ("conv_transpose1d", "conv_transpose2d")
    },
    "adaptive_avg_pool2d": {"input": NONE, "output_size": NONE},
    "adaptive_max_pool1d": {"input": NONE, "output_size": NONE, "return_indices": False},
    "adaptive_max_pool2d": {"input": NONE, "output_size": NONE, "return_indices": False},
    **{
        name: {
            "input": NONE,
            "norm_type": NONE,
            "kernel_size": NONE,
            "stride": None,
            "ceil_mode": False,
        }
        for name in ("lp_pool1d", "lp_pool2d")
    },
    **{
        name: {
            "input": NONE,
            "indices": NONE,
            "kernel_size": NONE,
            "stride": None,
            "padding": 0,
            "output_size": None,
        }
        for name in ("max_unpool1d", "max_unpool2d")
    },
    "alpha_dropout": {"input": NONE, "p": 0.5, "training": False},
    "channel_shuffle": {"input": NONE, "groups": NONE},
    "dropout1d": {"input": NONE, "p": 0.5, "training": True},
    "dropout2d": {"input": NONE, "p": 0.5, "training": True},
    "feature_alpha_dropout": {"input": NONE, "p": 0.5, "training": False},
    "interpolate": {
        "input": NONE,
        "size": None,
        "scale_factor": None,
        "mode": "nearest",
        "align_corners": None,
        "recompute_scale_factor": None,
        "antialias": False,
    },
    "pixel_shuffle": {"input": NONE, "upscale_factor": NONE},
    "pixel_unshuffle": {"input": NONE, "downscale_factor": NONE},
    "avg_pool2d": {
        "input": NONE,
        "kernel_size": NONE,
        "stride": None,
        "padding": 0,
        "ceil_mode": False,
        "count_include_pad": True,
        "divisor_override": None,
    },
    "batch_norm": {
        "input": NONE,
        "running_mean": NONE,
        "running_var": NONE,
        "weight": None,
        "bias": None,
        "training": False,
        "momentum": 0.1,
        "eps": 1e-5,
    },
    "group_norm": {"input": NONE, "num_groups": NONE, "weight": None, "bias": None, "eps": 1e-5},
    "instance_norm": {
        "input": NONE,
        "running_mean": None,
        "running_var": None,
        "weight": None,
        "bias": None,
        "use_input_stats": True,
        "momentum": 0.1,
        "eps": 1e-5,
    },
    "local_response_norm": {"input": NONE, "size": NONE, "alpha": 1e-4, "beta": 0.75, "k": 1.0},
    "layer_norm": {"input": NONE, "normalized_shape": NONE, "weight": None, "bias": None, "eps": 1e-5},
    "cat": {"tensors": NONE, "dim": 0},
    "chunk": {"input": NONE, "chunks": NONE, "dim": 0},
    "clamp": {"input": NONE, "min": None, "max": None},
    "conv2d": {
        "input": NONE,
        "weight": NONE,
        "bias": None,
        "stride": 1,
        "padding": 0,
        "dilation": 1,
        "groups": 1,
    },
    "cross_entropy": {
        "input": NONE,
        "target": NONE,
        "weight": None,
        "ignore_index": -100,
        "reduction": "mean",
        "label_smoothing": 0.0,
    },
    "erf": {"input": NONE},
    "glu": {"input": NONE, "dim": -1},
    "softmin": {"input": NONE, "dim": None},
    "dropout": {"input": NONE, "p": 0.5, "training": True},
    "stochastic_depth": {"input": NONE, "p": NONE, "mode": NONE, "training": True},
    "log": {"input": NONE},
    "exp": {"input": NONE},
    "flatten": {"input": NONE, "start_dim": 0, "end_dim": -1},
    "linear": {"input": NONE, "weight": NONE, "bias": None},
    "log_softmax": {"input": NONE, "dim": None},
    "max_pool2d": {
        "input": NONE,
        "kernel_size": NONE,
        "stride": None,
        "padding": 0,
        "dilation": 1,
        "ceil_mode": False,
        "return_indices": False,
    },
    **{
        name: {"input": NONE, "target": NONE, **more}
        for name, more in {
            "mse_loss": {"reduction": "mean"},
            "l1_loss": {"reduction": "mean"},
            "smooth_l1_loss": {"reduction": "mean", "beta": 1.0},
            "huber_loss": {"reduction": "mean", "delta": 1.0},
            "binary_cross_entropy": {"weight": None, "reduction": "mean"},
            "binary_cross_entropy_with_logits": {"weight": None, "reduction": "mean", "pos_weight": None},
            "kl_div": {"reduction": "mean", "log_target": False},
            "gaussian_nll_loss": {"var": NONE, "full": False, "eps": 1e-6, "reduction": "mean"},
            "poisson_nll_loss": {"log_input": True, "full": False, "eps": 1e-8, "reduction": "mean"},
            "soft_margin_loss": {"reduction": "mean"},
            "hinge_embedding_loss": {"margin": 1.0, "reduction": "mean"},
            "multi_margin_loss": {"p": 1, "margin": 1.0, "weight": None, "reduction": "mean"},
        }.items()
    },
    "nll_loss": {"input": NONE, "target": NONE, "weight": None, "ignore_index": -100, "reduction": "mean"},
    "pad": {"input": NONE, "pad": NONE, "mode": "constant", "value": None},
    "softmax": {"input": NONE, "dim": None},
    "split": {"tensor": NONE, "split_size_or_sections": NONE, "dim": 0},
    "sqrt": {"input": NONE},
    **{name: {"input": NONE, **case.arguments} for name, case in CASES.items()},
}


@pytest.mark.parametrize("name", F.__all__)
def test_arguments_are_pytorchs(name):
    found = inspect.signature(getattr(F, name)).parameters.values()
    positional = {p.name: p.default for p in found if p.kind is p.POSITIONAL_OR_KEYWORD}
    assert list(positional.items()) == list(SIGNATURES[name].items())
    assert all(p.default is None for p in found if p.kind is p.KEYWORD_ONLY)


def test_the_common_ones_are_names_of_the_package():
    for name in ("cat", "clamp", "exp", "flatten", "relu", "sigmoid", "softmax", "sqrt", "tanh"):
        assert getattr(fastcnn, name) is getattr(F, name)


# Errors


@pytest.mark.parametrize(
    ("function", "error", "message"),
    [
        (
            lambda x: F.conv2d(x, np.ones((6, 2, 3, 2))),
            ShapeError,
            "conv2d: x has 4 channels but weight expects 2",
        ),
        (lambda x: F.linear(x, np.ones((4, 5))), ShapeError, "linear: "),
        (lambda x: F.relu(x.shape), DTypeError, "relu: x must be a NumPy array, got tuple"),
        (lambda x: F.sigmoid(None), DTypeError, "sigmoid: x must be a NumPy array, got NoneType"),
        (lambda x: F.clamp(x), ArgumentError, "clamp: min, max or both must be given"),
        (lambda x: F.clamp(x, math.nan), ArgumentError, "clamp: min must be finite, got nan"),
        (lambda x: F.softmin(None), DTypeError, "softmin: x must be a NumPy array, got NoneType"),
        (lambda x: F.max_pool1d([1, [2]], 1), ShapeError, r"x must be \(N, C, L\) .*, got the shape \(\)"),
        (
            lambda x: F.batch_norm(np.ones((2, 3)), None, None, training=np.arange(3)),
            DTypeError,
            "batch_norm: training must be a bool, got array",
        ),
        (
            lambda x: F.instance_norm(x, use_input_stats=None),
            DTypeError,
            "instance_norm: use_input_stats must be a bool, got None",
        ),
        (lambda x: F.softmax(x, 4), ArgumentError, r"softmax: dim must lie in \[-4, 4\), got 4"),
        (lambda x: F.dropout(x, 2), ArgumentError, "dropout: p must be at least 0 and at most 1"),
        (
            lambda x: F.dropout(x, generator=7),
            DTypeError,
            "dropout: generator must be a numpy.random.Generator",
        ),
        (
            lambda x: F.max_pool2d(x, 9),
            ShapeError,
            r"max_pool2d \(rows\): the kernel is larger than the padded input",
        ),
        (lambda x: F.flatten(x, 2, 1), ShapeError, "flatten: start_dim 2 comes after end_dim 1"),
        (
            lambda x: F.pad(x, 1),
            DTypeError,
            r"pad: pad must be \(left, right\) or \(left, right, top, bottom\), got 1",
        ),
        (lambda x: F.group_norm(x, 3), ShapeError, "group_norm: 4 channels do not divide into 3 groups"),
        (lambda x: F.layer_norm(x, 5), ShapeError, r"layer_norm: x must be \(..., 5\), got the shape"),
        (lambda x: F.layer_norm(x, 6, np.ones(5)), ShapeError, r"weight must have the shape \(6,\)"),
        (lambda x: F.instance_norm(x[:, :, :1, :1]), ShapeError, "with more than one position"),
        (lambda x: F.instance_norm(x, np.zeros(4)), ArgumentError, "must be given both or not at all"),
        (
            lambda x: F.instance_norm(x, np.zeros(4), np.ones(3)),
            ShapeError,
            r"instance_norm: running_var must have the shape \(4,\), got \(3,\)",
        ),
        (
            lambda x: F.instance_norm(x, np.broadcast_to(0.0, 4), np.ones(4)),
            ArgumentError,
            "instance_norm: running_mean is updated in training but is read-only",
        ),
        (
            lambda x: F.instance_norm(x, np.zeros(4), np.ones(4), momentum=None),
            DTypeError,
            "instance_norm: momentum must be a number, got None",
        ),
        (lambda x: F.pad(x, (1, 2, 3)), ArgumentError, r"pad: pad must be .*, got \(1, 2, 3\)"),
        (
            lambda x: F.pad(x, (1, 2), "reflect"),
            ShapeError,
            r"pad: x must be 2-D or 3-D for two margins with mode 'reflect', got the shape \(2, 4, 7, 6\)",
        ),
        (
            lambda x: F.pad(x[:, 0, 0], (1, 2, 0, 0), "circular"),
            ShapeError,
            r"pad: x must be 3-D or 4-D for four margins with mode 'circular', got the shape \(2, 6\)",
        ),
        (
            lambda x: F.pad(x, (1,) * 6, "replicate"),
            ArgumentError,
            r"pad: with mode 'replicate' pad must be \(left, right\) of lines or \(left, right, top, bottom\)"
            r" of images, got \(1, 1, 1, 1, 1, 1\)",
        ),
        (
            lambda x: F.pad(x, (1,) * 10),
            ShapeError,
            r"pad: 10 margins need 5 axes, got the shape \(2, 4, 7, 6\)",
        ),
        (lambda x: F.pad(x, ()), ArgumentError, r"pad: pad must be two numbers for each axis, got \(\)"),
        (lambda x: F.pad(x, (0.5, 1)), DTypeError, "pad: pad must be an integer, got 0.5"),
        (
            lambda x: F.pad(x, (0, 0, -9, 4)),
            ShapeError,
            r"pad: margins of \(-9, 0\) cut off more than 7",
        ),
        (
            lambda x: F.pad(x, (2, -9, 0, 0), "replicate"),
            ShapeError,
            r"pad: margins of \(0, -9\) cut off more than 8",
        ),
        (
            lambda x: F.pad(x[:, :, 0], (6, 1), "reflect"),
            ShapeError,
            r"pad: padding must be less than the lines' size with mode 'reflect', got "
            r"\(left, right\) = \(6, 1\) for 6 columns",
        ),
        (
            lambda x: F.pad(x[:, :, 0], (-3, 4), "circular"),
            ShapeError,
            r"pad: padding must be at most the lines' size with mode 'circular', got "
            r"\(left, right\) = \(0, 4\) for 3 columns",
        ),
        (
            lambda x: F.pad(x, (1, 2, 0, 0), "mirror"),
            ArgumentError,
            "pad: mode must be one of 'constant', 'reflect', 'replicate', 'circular', got 'mirror'",
        ),
        (
            lambda x: F.pad(x, (1, 2, 0, 0), "reflect", 1.5),
            ArgumentError,
            "pad: only mode 'constant' takes a value, got 1.5 with mode 'reflect'",
        ),
        (lambda x: F.pad(x, (1, 2), value="0"), DTypeError, "pad: value must be a number, got '0'"),
        (
            lambda x: F.pad(x, (6, 1, 0, 0), "reflect"),
            ShapeError,
            r"pad: padding must be less than the image's size with mode 'reflect', got "
            r"\(left, right, top, bottom\) = \(6, 1, 0, 0\) for 7 rows of 6 pixels",
        ),
        (
            lambda x: F.pad(x, (0, 0, 8, 1), "circular"),
            ShapeError,
            "pad: padding must be at most the image's size with mode 'circular'",
        ),
        (
            lambda x: F.interpolate(x),
            ArgumentError,
            "interpolate: either size or scale_factor must be given, got neither",
        ),
        (
            lambda x: F.interpolate(x, 2, 2),
            ArgumentError,
            "interpolate: either size or scale_factor must be given, got both",
        ),
        (
            lambda x: F.interpolate(x, 2, mode="trilinear"),
            ArgumentError,
            "interpolate: mode must be one of 'nearest', 'nearest-exact', 'bilinear', 'bicubic', 'lanczos', ",
        ),
        (
            lambda x: F.interpolate(x, 2, align_corners=False),
            ArgumentError,
            "interpolate: align_corners needs mode 'bilinear' or 'bicubic', got 'nearest'",
        ),
        (
            lambda x: F.interpolate(x, 2, mode="area", antialias=True),
            ArgumentError,
            "interpolate: antialias needs mode 'bilinear', 'bicubic' or 'lanczos', got 'area'",
        ),
        (
            lambda x: F.interpolate(x, 2, mode="lanczos"),
            ArgumentError,
            "interpolate: mode 'lanczos' needs antialias, and has no align_corners",
        ),
        (
            lambda x: F.interpolate(x, 2, recompute_scale_factor=True),
            ArgumentError,
            "interpolate: recompute_scale_factor means nothing with a size",
        ),
        (
            lambda x: F.interpolate(x, (2, 3, 4)),
            ArgumentError,
            r"interpolate: size must be a number or \(vertical, horizontal\), got \(2, 3, 4\)",
        ),
        (lambda x: F.interpolate(x, 2.5), DTypeError, "interpolate: size must be an integer, got 2.5"),
        (lambda x: F.interpolate(x, 0), ArgumentError, "interpolate: size must be at least 1, got 0"),
        (
            lambda x: F.interpolate(x, scale_factor=-1.0),
            ArgumentError,
            "interpolate: scale_factor must be above 0 and finite, got -1.0",
        ),
        (
            lambda x: F.interpolate(x, scale_factor=math.nan),
            ArgumentError,
            "interpolate: scale_factor must be above 0 and finite, got nan",
        ),
        (
            lambda x: F.interpolate(x, scale_factor="2"),
            DTypeError,
            "interpolate: scale_factor must be a number, got '2'",
        ),
        (
            lambda x: F.interpolate(x, scale_factor=0.1),
            ShapeError,
            "interpolate: scale_factor 0.1 makes no size of 7 pixels",
        ),
        (
            lambda x: F.interpolate(x, scale_factor=1e300),
            SizeError,
            r"interpolate: scale_factor 1e\+300 makes no size of 7 pixels",
        ),
        (
            lambda x: F.interpolate(x, scale_factor=1e9),
            SizeError,
            "interpolate: the output would have the shape",
        ),
        (
            lambda x: F.interpolate(x[:, :, 0, 0], 2),
            ShapeError,
            r"interpolate: x must be images \(N, C, H, W\) or lines \(N, C, L\), got the shape \(2, 4\)",
        ),
        (
            lambda x: F.interpolate(x[:, :, None], (2, 3, 4)),
            ShapeError,
            r"interpolate: x must be images .*, got the shape \(2, 4, 1, 7, 6\)",
        ),
        (
            lambda x: F.interpolate(x, 2, mode="linear"),
            ArgumentError,
            "interpolate: mode must be one of 'nearest', 'nearest-exact', 'bilinear', .*, got 'linear'",
        ),
        (
            lambda x: F.interpolate(x[:, :, 0], 2, mode="bilinear"),
            ArgumentError,
            r"interpolate: mode must be one of 'nearest', 'nearest-exact', 'linear', 'area' for lines "
            r"\(N, C, L\), got 'bilinear'",
        ),
        (
            lambda x: F.interpolate(x[:, :, 0], 2, align_corners=True),
            ArgumentError,
            r"interpolate: align_corners needs mode 'linear' for lines \(N, C, L\), got 'nearest'",
        ),
        (
            lambda x: F.interpolate(x[:, :, 0], 2, mode="linear", antialias=True),
            ArgumentError,
            r"interpolate: antialias is for images \(N, C, H, W\), not for lines \(N, C, L\)",
        ),
        (
            lambda x: F.interpolate(x[:, :, 0], (2, 3)),
            ArgumentError,
            r"interpolate: size must be an integer or a sequence of one, got \(2, 3\)",
        ),
        (
            lambda x: F.interpolate(x[:, :, 0], None, (2, 3)),
            ArgumentError,
            r"interpolate: scale_factor must be a number for lines \(N, C, L\), got \(2, 3\)",
        ),
        (
            lambda x: F.interpolate(x[:, :, 0]),
            ArgumentError,
            "interpolate: either size or scale_factor must be given, got neither",
        ),
        (
            lambda x: F.interpolate(x[:, :, 0], scale_factor=0.1),
            ShapeError,
            "interpolate: scale_factor 0.1 makes no size of 6 pixels",
        ),
        (
            lambda x: F.pixel_shuffle(x, 3),
            ShapeError,
            r"pixel_shuffle: the channels must be a multiple of upscale_factor\^2 = 9, got the shape",
        ),
        (
            lambda x: F.pixel_shuffle(x, 0),
            ArgumentError,
            "pixel_shuffle: upscale_factor must be at least 1, got 0",
        ),
        (
            lambda x: F.pixel_shuffle(x[:, 0, 0], 1),
            ShapeError,
            r"pixel_shuffle: x must have at least 3 axes \(..., C, H, W\), got the shape \(2, 6\)",
        ),
        (
            lambda x: F.pixel_unshuffle(x, 2),
            ShapeError,
            "pixel_unshuffle: height and width must be multiples of downscale_factor 2, got the shape",
        ),
        (
            lambda x: F.channel_shuffle(x, 3),
            ShapeError,
            "channel_shuffle: the channels must be a multiple of groups 3, got the shape",
        ),
        (
            lambda x: F.channel_shuffle(x[:, 0], 0),
            ArgumentError,
            "channel_shuffle: groups must be at least 1, got 0",
        ),
        (
            lambda x: F.channel_shuffle(x[:, 0, 0], 1),
            ShapeError,
            r"channel_shuffle: x must have at least 3 axes \(N, C, ...\), got the shape \(2, 6\)",
        ),
        (
            lambda x: F.adaptive_max_pool2d(x, 0),
            ArgumentError,
            "adaptive_max_pool2d: output_size must be at least 1, got 0",
        ),
        (lambda x: F.dropout2d(x, -1), ArgumentError, "dropout2d: p must be at least 0 and at most 1"),
        (lambda x: F.dropout1d(x[0], 2), ArgumentError, "dropout1d: p must be at least 0 and at most 1"),
        (
            lambda x: F.dropout1d(x, training=False),
            ShapeError,
            r"dropout1d: x must be lines \(N, C, L\) or \(C, L\), got the shape \(2, 4, 7, 6\)",
        ),
        (
            lambda x: F.dropout2d(x[:, 0, 0, 0]),
            ShapeError,
            r"dropout2d: x must have at least 2 axes \(N, C, \.\.\.\), got the s",
        ),
        (
            lambda x: F.alpha_dropout(x, 0.5, 1),
            DTypeError,
            "alpha_dropout: training must be a bool, got 1",
        ),
        (
            lambda x: F.feature_alpha_dropout(x, 0.5, True, generator=3),
            DTypeError,
            "feature_alpha_dropout: generator must be a numpy.random.Generator, got 3",
        ),
        (
            lambda x: F.cross_entropy(x, np.zeros(2, int)),
            DTypeError,
            "cross_entropy: logits must be a NumPy array, got Value",
        ),
        (lambda x: F.mse_loss(x, x), DTypeError, "mse_loss: input must be a NumPy array, got Value"),
    ],
)
def test_errors(function, error, message):
    with pytest.raises(error, match=message):
        passes(function, np.ones((2, 4, 7, 6)))


def test_errors_are_the_same_on_arrays():
    for function in (F.sigmoid, F.tanh, F.exp, F.sqrt, F.relu, F.softmax, F.log_softmax, F.dropout):
        for x in (None, [1.0], np.ones(2, int)):
            with pytest.raises(FastcnnError, match=f"{function.__name__}: x must be"):
                function(x)
