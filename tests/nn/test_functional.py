"""The functions of fastcnn.nn.functional: what layers and ops give, and gradients."""

from functools import partial

import numpy as np
import pytest

import fastcnn
from fastcnn import nn, ops
from fastcnn.nn import functional as F
from fastcnn.ops.activation import activate
from fastcnn.testing import tie_free

from ..graph.activations import CASES
from ..graph.models import check_gradients, passes

RNG = np.random.default_rng(17)
IMAGES = tie_free((2, 4, 7, 6), RNG)
ROWS = tie_free((3, 5), RNG)
WEIGHT, BIAS = RNG.standard_normal((6, 2, 3, 2)), RNG.standard_normal(6)
MATRIX, SHIFT = RNG.standard_normal((4, 5)), RNG.standard_normal(4)
MEAN, VAR = RNG.standard_normal(4), RNG.uniform(0.5, 2, 4)
GAMMA, BETA = RNG.standard_normal(4), RNG.standard_normal(4)
GEOMETRY = {"stride": (2, 1), "padding": (1, 2), "dilation": (1, 2), "groups": 2}
WINDOW = {"kernel_size": 3, "stride": 2, "padding": 1, "ceil_mode": True}
TARGET, SOFT = np.array([0, 4, 2]), RNG.uniform(size=(3, 5))

# On arrays


def _batch_norm(training):
    """Return a function of ops and one of functional, each with statistics of its own."""
    args = {"training": training, "momentum": 0.3, "eps": 1e-3}
    return (
        lambda x: ops.batch_norm(x, MEAN.copy(), VAR.copy(), GAMMA, BETA, **args),
        lambda x: F.batch_norm(x, MEAN.copy(), VAR.copy(), GAMMA, BETA, **args),
    )


def seeded():
    """Return a generator of one seed."""
    return np.random.default_rng(3)


# Name: (what ops gives, what functional gives)
ON_ARRAYS = {
    "conv2d": (
        lambda: ops.conv2d(IMAGES, WEIGHT, BIAS, **GEOMETRY),
        lambda: F.conv2d(IMAGES, WEIGHT, BIAS, **GEOMETRY),
    ),
    "conv2d-same": (
        lambda: ops.conv2d(IMAGES, WEIGHT, groups=2, padding="same"),
        lambda: F.conv2d(IMAGES, WEIGHT, None, 1, "same", 1, 2),
    ),
    "conv_transpose2d": (
        lambda: ops.conv_transpose2d(IMAGES, WEIGHT[:4], BIAS[:4], 2, 1, (0, 1), 2, (1, 2)),
        lambda: F.conv_transpose2d(IMAGES, WEIGHT[:4], BIAS[:4], 2, 1, (0, 1), 2, (1, 2)),
    ),
    "conv_transpose1d": (
        lambda: ops.conv_transpose1d(IMAGES[:, :, 0], WEIGHT[:4, :, 0], BIAS[:4], 2, 1, 1, 2, 2),
        lambda: F.conv_transpose1d(IMAGES[:, :, 0], WEIGHT[:4, :, 0], BIAS[:4], 2, 1, 1, 2, 2),
    ),
    "conv1d": (
        lambda: ops.conv1d(IMAGES[:, :, 0], WEIGHT[:, :, 0], BIAS, 2, 1, 2, 2),
        lambda: F.conv1d(IMAGES[:, :, 0], WEIGHT[:, :, 0], BIAS, 2, 1, 2, 2),
    ),
    "prelu": (lambda: ops.prelu(IMAGES, SHIFT), lambda: F.prelu(IMAGES, weight=SHIFT)),
    "max_pool1d": (
        lambda: ops.max_pool2d(IMAGES[0], (1, 3), (1, 2), (0, 1), 1, True)[0].reshape(4, 7, 4),
        lambda: F.max_pool1d(IMAGES[0], 3, 2, 1, ceil_mode=True),
    ),
    "avg_pool1d": (
        lambda: ops.avg_pool2d(IMAGES[0], (1, 3), (1, 2), (0, 1), count_include_pad=False),
        lambda: F.avg_pool1d(IMAGES[0], 3, 2, 1, False, False),
    ),
    "adaptive_avg_pool1d": (
        lambda: ops.adaptive_avg_pool2d(IMAGES[0], (7, 4)),
        lambda: F.adaptive_avg_pool1d(IMAGES[0], (4,)),
    ),
    "adaptive_max_pool1d": (
        lambda: ops.adaptive_max_pool2d(IMAGES[0], (7, 4))[0],
        lambda: F.adaptive_max_pool1d(IMAGES[0], (4,)),
    ),
    "max_pool2d-indices": (
        lambda: ops.max_pool2d(IMAGES, 3, 2, 1)[1],
        lambda: F.max_pool2d(IMAGES, 3, 2, 1, return_indices=True)[1],
    ),
    "max_unpool2d": (
        lambda: ops.max_unpool2d(*ops.max_pool2d(IMAGES, 2), 2, output_size=(7, 6)),
        lambda: F.max_unpool2d(*F.max_pool2d(IMAGES, 2, return_indices=True), 2, output_size=(7, 6)),
    ),
    "max_unpool1d": (
        lambda: ops.max_unpool2d(*ops.max_pool2d(IMAGES[0], (1, 2)), (1, 2)),
        lambda: F.max_unpool1d(*F.max_pool1d(IMAGES[0], 2, return_indices=True), 2),
    ),
    "lp_pool2d": (
        lambda: np.power(ops.avg_pool2d(IMAGES**2, 3, (1, 2)) * 9, 0.5),
        lambda: F.lp_pool2d(IMAGES, 2, 3, (1, 2)),
    ),
    "lp_pool1d": (
        lambda: ops.avg_pool2d(IMAGES[0], (1, 2)) * 2,
        lambda: F.lp_pool1d(IMAGES[0], 1, 2),
    ),
    "linear": (lambda: ops.linear(ROWS, MATRIX, SHIFT), lambda: F.linear(ROWS, MATRIX, SHIFT)),
    "linear-no-bias": (lambda: ops.linear(ROWS, MATRIX), lambda: F.linear(ROWS, weight=MATRIX)),
    **{
        name: (
            partial(activate, IMAGES, operation.kernel, operation.alpha, operation.beta),
            partial(case.function, IMAGES, **case.given),
        )
        for name, case in CASES.items()
        for operation in [case.operation(**case.given)]
    },
    "tanh": (lambda: ops.tanh(IMAGES), lambda: F.tanh(IMAGES)),
    "erf": (lambda: activate(ROWS, "erf"), lambda: F.erf(ROWS)),
    "softmin": (lambda: ops.softmax(-ROWS, 0), lambda: F.softmin(ROWS, 0)),
    "glu": (
        lambda: IMAGES[:, :2] * ops.sigmoid(IMAGES[:, 2:]),
        lambda: F.glu(IMAGES, 1),
    ),
    "log": (lambda: activate(ROWS**2, "log"), lambda: F.log(ROWS**2)),
    "exp": (lambda: ops.exp(ROWS), lambda: F.exp(ROWS)),
    "sqrt": (lambda: ops.sqrt(ROWS), lambda: F.sqrt(ROWS)),
    "clamp": (lambda: ops.clamp(ROWS, -0.5, 0.25), lambda: F.clamp(ROWS, max=0.25, min=-0.5)),
    "softmax": (lambda: ops.softmax(ROWS, 0), lambda: F.softmax(ROWS, dim=0)),
    "softmax-default": (lambda: ops.softmax(IMAGES), lambda: F.softmax(IMAGES)),
    "log_softmax": (lambda: ops.log_softmax(ROWS, -1), lambda: F.log_softmax(ROWS, -1)),
    "batch_norm-train": tuple(lambda f=f: f(IMAGES) for f in _batch_norm(True)),
    "batch_norm-eval": tuple(lambda f=f: f(IMAGES) for f in _batch_norm(False)),
    "group_norm": (
        lambda: ops.group_norm(IMAGES, 2, GAMMA, BETA, 0.1),
        lambda: F.group_norm(IMAGES, 2, GAMMA, BETA, 0.1),
    ),
    "layer_norm": (
        lambda: ops.layer_norm(ROWS, [5], MATRIX[0], MATRIX[1], 0.1),
        lambda: F.layer_norm(ROWS, 5, MATRIX[0], MATRIX[1], 0.1),
    ),
    "local_response_norm": (
        lambda: ops.local_response_norm(IMAGES, 3, 0.5, 0.6, 2.0),
        lambda: F.local_response_norm(IMAGES, 3, 0.5, 0.6, 2.0),
    ),
    "instance_norm": (
        lambda: ops.group_norm(IMAGES, 4, GAMMA, BETA, 0.1),
        lambda: F.instance_norm(IMAGES, None, None, GAMMA, BETA, eps=0.1),
    ),
    "instance_norm-statistics": (
        lambda: ops.batch_norm(IMAGES, MEAN, VAR, GAMMA, BETA, eps=0.1),
        lambda: F.instance_norm(IMAGES, MEAN, VAR, GAMMA, BETA, False, eps=0.1),
    ),
    "max_pool2d": (lambda: ops.max_pool2d(IMAGES, 2)[0], lambda: F.max_pool2d(IMAGES, 2)),
    "max_pool2d-all": (
        lambda: ops.max_pool2d(IMAGES, dilation=2, **WINDOW)[0],
        lambda: F.max_pool2d(IMAGES, 3, 2, 1, 2, True),
    ),
    "avg_pool2d": (lambda: ops.avg_pool2d(IMAGES, (2, 3)), lambda: F.avg_pool2d(IMAGES, (2, 3))),
    "avg_pool2d-no-stride": (lambda: ops.avg_pool2d(IMAGES, 2), lambda: F.avg_pool2d(IMAGES, 2, ())),
    "max_pool2d-no-stride": (lambda: ops.max_pool2d(IMAGES, 2)[0], lambda: F.max_pool2d(IMAGES, 2, [])),
    "max_pool1d-no-stride": (lambda: F.max_pool1d(IMAGES[0], 2), lambda: F.max_pool1d(IMAGES[0], 2, ())),
    "avg_pool1d-no-stride": (lambda: F.avg_pool1d(IMAGES[0], 2), lambda: F.avg_pool1d(IMAGES[0], 2, ())),
    "avg_pool2d-all": (
        lambda: ops.avg_pool2d(IMAGES, count_include_pad=False, divisor_override=3, **WINDOW),
        lambda: F.avg_pool2d(IMAGES, 3, 2, 1, True, False, 3),
    ),
    "adaptive_avg_pool2d": (
        lambda: ops.adaptive_avg_pool2d(IMAGES, (None, 2)),
        lambda: F.adaptive_avg_pool2d(IMAGES, (None, 2)),
    ),
    "flatten": (lambda: ops.flatten(IMAGES, 1, 2), lambda: F.flatten(IMAGES, start_dim=1, end_dim=2)),
    "flatten-default": (lambda: ops.flatten(IMAGES), lambda: F.flatten(IMAGES)),
    "cat": (lambda: np.concatenate([ROWS, ROWS], 1), lambda: F.cat([ROWS, ROWS], dim=-1)),
    "split": (lambda: ROWS[1:], lambda: F.split(ROWS, [1, 2])[1]),
    "chunk": (lambda: ROWS[:, 3:], lambda: F.chunk(ROWS, 2, dim=1)[1]),
    "pad": (lambda: ops.zero_pad2d(IMAGES, (1, 0, 2, 3)), lambda: F.pad(IMAGES, (1, 0, 2, 3))),
    "pad-columns": (
        lambda: ops.zero_pad2d(IMAGES, (1, 2, 0, 0)),
        lambda: F.pad(IMAGES, [1, 2], "constant", 0),
    ),
    "pad-reflect": (
        lambda: ops.pad(IMAGES, (1, 5, 2, 3), "reflect"),
        lambda: F.pad(IMAGES, (1, 5, 2, 3), "reflect"),
    ),
    "pad-value": (lambda: ops.pad(ROWS[None], 2, value=1.5), lambda: F.pad(ROWS[None], (2,) * 4, value=1.5)),
    "pad-cut": (
        lambda: ops.pad(IMAGES[:, :, 2:, :-1], (1, 0, 0, 3), value=2.0),
        lambda: F.pad(IMAGES, (1, -1, -2, 3), value=2.0),
    ),
    "pad-channels": (
        lambda: np.concatenate([np.zeros((2, 1, 7, 6)), IMAGES[:, :-1]], 1),
        lambda: F.pad(IMAGES, (0, 0, 0, 0, 1, -1)),
    ),
    "pad-lines": (
        lambda: ops.pad(IMAGES[0][:, None], (2, 1, 0, 0), "reflect")[:, 0],
        lambda: F.pad(IMAGES[0], (2, 1), "reflect"),
    ),
    "pad-circular": (
        lambda: ops.pad(IMAGES[0], (1, 2, 0, 0), mode="circular"),
        lambda: F.pad(IMAGES[0], [1, 2], "circular"),
    ),
    "interpolate": (lambda: ops.interpolate(IMAGES, 5), lambda: F.interpolate(IMAGES, 5)),
    "interpolate-all": (
        lambda: ops.interpolate(IMAGES, None, (0.6, 1.5), "bicubic", False, True, antialias=True),
        lambda: F.interpolate(IMAGES, None, (0.6, 1.5), "bicubic", False, True, True),
    ),
    "interpolate-lines": (
        lambda: ops.interpolate(IMAGES[:, :, :1], (1, 9), mode="bilinear", align_corners=True)[:, :, 0],
        lambda: F.interpolate(IMAGES[:, :, 0], (9,), None, "linear", True),
    ),
    "pixel_shuffle": (lambda: ops.pixel_shuffle(IMAGES, 2), lambda: F.pixel_shuffle(IMAGES, 2)),
    "pixel_unshuffle": (lambda: ops.pixel_unshuffle(IMAGES, 1), lambda: F.pixel_unshuffle(IMAGES, 1)),
    "channel_shuffle": (lambda: ops.channel_shuffle(IMAGES, 2), lambda: F.channel_shuffle(IMAGES, 2)),
    "adaptive_max_pool2d": (
        lambda: ops.adaptive_max_pool2d(IMAGES, (None, 2))[0],
        lambda: F.adaptive_max_pool2d(IMAGES, (None, 2)),
    ),
    **{
        name: (
            partial(lambda name: getattr(ops, name)(IMAGES, 0.4, True, generator=seeded())[0], name),
            partial(lambda name: getattr(F, name)(IMAGES, 0.4, True, generator=seeded()), name),
        )
        for name in ("dropout2d", "alpha_dropout", "feature_alpha_dropout")
    },
    **{
        f"dropout1d-{x.ndim}": (
            partial(lambda x: ops.dropout1d(x, 0.4, True, generator=seeded())[0], x),
            partial(lambda x: F.dropout1d(x, 0.4, True, generator=seeded()), x),
        )
        for x in (IMAGES[0], IMAGES[0, 0])
    },
    "cross_entropy": (lambda: ops.cross_entropy(ROWS, TARGET)[0], lambda: F.cross_entropy(ROWS, TARGET)),
    "cross_entropy-all": (
        lambda: ops.cross_entropy(ROWS, TARGET, ROWS[0] ** 2, 2, "none", 0.1)[0],
        lambda: F.cross_entropy(ROWS, TARGET, ROWS[0] ** 2, 2, "none", 0.1),
    ),
    "cross_entropy-soft": (
        lambda: ops.cross_entropy(ROWS, SOFT, reduction="sum")[0],
        lambda: F.cross_entropy(ROWS, SOFT, reduction="sum"),
    ),
    "nll_loss": (
        lambda: ops.nll_loss(ROWS, TARGET, SHIFT[[0] * 5], 4, "sum")[0],
        lambda: F.nll_loss(ROWS, TARGET, SHIFT[[0] * 5], 4, "sum"),
    ),
    **{
        name: (
            partial(lambda name, args: getattr(ops, name)(*args)[0], name, args),
            partial(lambda name, args: getattr(F, name)(*args), name, args),
        )
        for name, args in {
            "mse_loss": (ROWS, SOFT, "none"),
            "l1_loss": (ROWS, SOFT, "sum"),
            "smooth_l1_loss": (ROWS, SOFT, "sum", 0.5),
            "huber_loss": (ROWS, SOFT, "sum", 0.5),
            "binary_cross_entropy": (SOFT, SOFT, ROWS[0] ** 2, "none"),
            "binary_cross_entropy_with_logits": (ROWS, SOFT, ROWS[0] ** 2, "none", ROWS[1] ** 2),
            "kl_div": (ROWS, SOFT, "batchmean", True),
            "gaussian_nll_loss": (ROWS, SOFT, SOFT, True, 0.1, "none"),
            "poisson_nll_loss": (ROWS, SOFT, True, True, 0.1, "none"),
            "soft_margin_loss": (ROWS, SOFT, "sum"),
            "hinge_embedding_loss": (ROWS, SOFT, 0.5, "sum"),
            "multi_margin_loss": (ROWS, TARGET, 2, 0.5, ROWS[0] ** 2, "none"),
        }.items()
    },
}


@pytest.mark.filterwarnings("ignore:invalid")
@pytest.mark.parametrize("name", ON_ARRAYS)
def test_on_arrays_it_gives_the_bits_of_ops(name):
    expected, found = (function() for function in ON_ARRAYS[name])
    assert type(found) is type(expected)
    if name == "lp_pool2d":  # older versions of NumPy have two ways to a power
        np.testing.assert_array_max_ulp(found, expected, 2)
    else:
        np.testing.assert_array_equal(found, expected)


def test_every_function_was_compared():
    assert {name.partition("-")[0] for name in ON_ARRAYS} | {"dropout", "stochastic_depth"} == set(F.__all__)


LAYERS = {
    "conv2d": (
        lambda: nn.Conv2d(4, 6, (3, 2), **GEOMETRY),
        lambda layer, x: F.conv2d(x, layer.weight, layer.bias, **GEOMETRY),
    ),
    **{
        name: (partial(case.layer, **case.given), lambda layer, x, case=case: case.function(x, **case.given))
        for name, case in CASES.items()
    },
    "softmax": (lambda: nn.Softmax(1), lambda layer, x: F.softmax(x, 1)),
    "log_softmax": (lambda: nn.LogSoftmax(1), lambda layer, x: F.log_softmax(x, 1)),
    "batch_norm": (
        lambda: nn.BatchNorm2d(4),
        lambda layer, x: F.batch_norm(x, MEAN * 0, VAR * 0 + 1, layer.weight, layer.bias, training=True),
    ),
    "max_pool2d": (lambda: nn.MaxPool2d(3, 2, 1), lambda layer, x: F.max_pool2d(x, 3, 2, 1)),
    "avg_pool2d-no-stride": (lambda: nn.AvgPool2d(3, ()), lambda layer, x: F.avg_pool2d(x, 3, 3)),
    "max_pool2d-no-stride": (lambda: nn.MaxPool2d(3, []), lambda layer, x: F.max_pool2d(x, 3, ())),
    "avg_pool2d": (lambda: nn.AvgPool2d(3, 2, 1), lambda layer, x: F.avg_pool2d(x, 3, 2, 1)),
    "adaptive_avg_pool2d": (lambda: nn.AdaptiveAvgPool2d(2), lambda layer, x: F.adaptive_avg_pool2d(x, 2)),
    "flatten": (nn.Flatten, lambda layer, x: F.flatten(x, 1)),
    "pad": (lambda: nn.ZeroPad2d((1, 0, 2, 1)), lambda layer, x: F.pad(x, (1, 0, 2, 1))),
    "pad-replicate": (
        lambda: nn.ReplicationPad2d((1, 0, 2, 1)),
        lambda layer, x: F.pad(x, (1, 0, 2, 1), "replicate"),
    ),
    "pad-value": (lambda: nn.ConstantPad2d(1, 2.0), lambda layer, x: F.pad(x, (1,) * 4, value=2.0)),
    "interpolate": (
        lambda: nn.Upsample(scale_factor=(1.5, 2), mode="bilinear"),
        lambda layer, x: F.interpolate(x, scale_factor=(1.5, 2), mode="bilinear"),
    ),
    "pixel_shuffle": (lambda: nn.PixelShuffle(2), lambda layer, x: F.pixel_shuffle(x, 2)),
    "channel_shuffle": (lambda: nn.ChannelShuffle(2), lambda layer, x: F.channel_shuffle(x, 2)),
    "adaptive_max_pool2d": (lambda: nn.AdaptiveMaxPool2d(2), lambda layer, x: F.adaptive_max_pool2d(x, 2)),
    **{
        name: (
            partial(getattr(nn, layer), 0.0),
            partial(lambda function, layer, x: function(x, 0.0, True), getattr(F, name)),
        )
        for name, layer in (("dropout2d", "Dropout2d"), ("alpha_dropout", "AlphaDropout"))
    },
    "conv2d-padding_mode": (
        lambda: nn.Conv2d(4, 6, (3, 2), padding=(1, 2), padding_mode="reflect"),
        lambda layer, x: F.conv2d(F.pad(x, (2, 2, 1, 1), "reflect"), layer.weight, layer.bias),
    ),
    "linear": (
        lambda: nn.Linear(6, 3),
        lambda layer, x: F.linear(x, layer.weight, layer.bias),
    ),
}


@pytest.mark.parametrize("name", LAYERS)
def test_a_forward_of_functions_gives_the_bits_of_the_layer(name):
    make, function = LAYERS[name]
    layer = make().initialize(seed=3).double()

    class Same(nn.Module):
        def __init__(self):
            super().__init__()
            for key, parameter in layer.named_parameters():
                self.register_parameter(key, nn.Parameter(parameter.data.copy()))

        def forward(self, x):
            return function(self, x)

    same = Same()
    y = layer(IMAGES)
    np.testing.assert_array_equal(same(IMAGES), y)
    np.testing.assert_array_equal(function(layer, IMAGES), y)
    dy = np.cos(y)
    np.testing.assert_array_equal(same.backward(dy), layer.backward(dy))
    for (_, parameter), (_, own) in zip(layer.named_parameters(), same.named_parameters(), strict=True):
        np.testing.assert_array_equal(own.grad, parameter.grad)


# Gradients

DIFFERENCES = {
    "conv2d": (lambda x, w, b: F.conv2d(x, w, b, **GEOMETRY), [IMAGES[:1]], [WEIGHT, BIAS]),
    "conv2d-of-values": (lambda x, w: F.conv2d(x, w * 2, padding="same", groups=2), [IMAGES[:1], WEIGHT], []),
    "linear": (F.linear, [ROWS], [MATRIX, SHIFT]),
    "linear-of-values": (lambda x, w: F.linear(x, w, w.sum(1)), [ROWS, MATRIX], []),
    "batch_norm-train": (
        lambda x, w, b: F.batch_norm(x, None, None, w, b, training=True),
        [IMAGES[:, :, :3, :2]],
        [GAMMA, BETA],
    ),
    "batch_norm-eval": (
        lambda x, w, b: F.batch_norm(x, MEAN, VAR, w, b),
        [IMAGES[:, :, :3, :2]],
        [GAMMA, BETA],
    ),
    "softmax": (lambda x: F.softmax(x, 0), [ROWS], []),
    "log_softmax": (lambda x: F.log_softmax(x, 1), [ROWS], []),
    "max_pool2d": (lambda x: F.max_pool2d(x, 3, 2, 1, 2), [IMAGES[:1]], []),
    "avg_pool2d": (lambda x: F.avg_pool2d(x, 3, 2, 1, True, False), [IMAGES[:1]], []),
    "adaptive_avg_pool2d": (lambda x: F.adaptive_avg_pool2d(x, (2, None)), [IMAGES[:1]], []),
    "flatten": (lambda x: F.flatten(x, 1) * np.arange(168), [IMAGES[:1]], []),
    "pad": (lambda x: F.pad(x, (1, 0, 2, 1)), [IMAGES[:1]], []),
    "pad-reflect": (lambda x: F.pad(x, (1, 5, 2, 1), "reflect"), [IMAGES[:1]], []),
    "pad-replicate": (lambda x: F.pad(x, (1, 9, 2, 1), "replicate"), [IMAGES[:1]], []),
    "pad-circular": (lambda x: F.pad(x, (1, 6, 7, 1), "circular"), [IMAGES[:1]], []),
    "pad-value": (lambda x: F.pad(x, (1, 0, 2, 1), value=3), [IMAGES[:1]], []),
    "lp_pool2d": (lambda x: F.lp_pool2d(x, 3.0, 2, 1), [IMAGES[:1] ** 2 + 0.5], []),
    "lp_pool1d": (lambda x: F.lp_pool1d(x, 2, 3, 2, True), [IMAGES[:1, :, 0]], []),
    "pad-axes": (lambda x: F.pad(x, (1, -2, -1, 1, 2, -1, 1, 1)) ** 2, [IMAGES[:1]], []),
    "pad-vector": (lambda x: F.pad(x, (-2, 3)) ** 2, [ROWS[0]], []),
    **{
        f"pad-{mode}-cut": (partial(F.pad, pad=(-2, 3, 4, -1), mode=mode), [IMAGES[:1]], [])
        for mode in ("reflect", "replicate", "circular")
    },
    "pad-circular-lines": (lambda x: F.pad(x, (-1, 2), "circular") ** 2, [IMAGES[0, 0]], []),
    "adaptive_max_pool2d": (lambda x: F.adaptive_max_pool2d(x, (2, None)), [IMAGES[:1]], []),
    "pixel_shuffle": (lambda x: F.pixel_shuffle(x, 2) ** 2, [IMAGES[:1]], []),
    "pixel_unshuffle": (lambda x: F.pixel_unshuffle(x[:, :, :6], 2) ** 2, [IMAGES[:1]], []),
    "channel_shuffle": (lambda x: F.channel_shuffle(x, 2) * MEAN[:, None, None], [IMAGES[:1]], []),
    **{
        f"interpolate-{mode}{'-corners' if corners else ''}{'-smoothed' if smoothed else ''}-{scale}": (
            partial(
                F.interpolate,
                scale_factor=scale,
                mode=mode,
                align_corners=True if corners else None,
                antialias=smoothed,
            ),
            [IMAGES[:1]],
            [],
        )
        for mode in ("nearest", "nearest-exact", "bilinear", "bicubic", "area")
        for corners in (False, True)
        for smoothed in (False, True)
        for scale in (0.6, 1.7)
        if mode.startswith("bi") or not (corners or smoothed)
    },
    "together": (
        lambda x, w, b: F.log_softmax(F.linear(F.tanh(x), F.exp(w), F.sigmoid(b)) / F.sqrt(b * b + 1), 1),
        [ROWS],
        [MATRIX, SHIFT],
    ),
}


@pytest.mark.parametrize("name", DIFFERENCES)
def test_gradients_by_differences(name):
    function, inputs, weights = DIFFERENCES[name]
    check_gradients(function, inputs, weights)


def test_frozen_weights_have_no_gradient():
    class Half(nn.Module):
        def __init__(self):
            super().__init__()
            self.weight, self.bias = (
                nn.Parameter(MATRIX.copy(), requires_grad=False),
                nn.Parameter(SHIFT.copy()),
            )

        def forward(self, x):
            return F.linear(x, self.weight, self.bias)

    model = Half()
    dy = np.cos(model(ROWS))
    np.testing.assert_allclose(model.backward(dy), dy @ MATRIX, rtol=1e-12)
    assert model.weight.grad is None
    np.testing.assert_allclose(model.bias.grad, dy.sum(0), rtol=1e-12)


# Dropout


def test_dropout_follows_its_generator_and_drops_the_same_gradients():
    x = np.ones((8, 50))
    y, dx = passes(lambda x: F.dropout(x, 0.25, generator=np.random.default_rng(3)), x)
    np.testing.assert_array_equal(y, ops.dropout(x, 0.25, generator=np.random.default_rng(3))[0])
    np.testing.assert_array_equal(dx, y)
    np.testing.assert_array_equal(np.unique(y), [0, 1 / 0.75])


def test_dropout_without_a_generator_draws_from_the_default_stream():
    x = np.ones((8, 50))
    found = []
    for _ in range(2):
        fastcnn.manual_seed(4)
        found.append(F.dropout(x))
    np.testing.assert_array_equal(*found)
    assert not np.array_equal(F.dropout(x), found[0])


def test_without_training_or_probability_nothing_is_dropped():
    for options in ({"training": False}, {"p": 0.0}):
        y, dx = passes(lambda x, o=options: F.dropout(x, **o), ROWS)
        np.testing.assert_array_equal(y, ROWS)
        np.testing.assert_array_equal(dx, 1)


def test_batch_norm_moves_the_statistics_once_a_call():
    mean, var = MEAN.copy(), VAR.copy()
    passes(lambda x: F.batch_norm(x, mean, var, training=True, momentum=0.3), IMAGES)
    ops.batch_norm(
        IMAGES, expected_mean := MEAN.copy(), expected_var := VAR.copy(), training=True, momentum=0.3
    )
    np.testing.assert_array_equal(mean, expected_mean)
    np.testing.assert_array_equal(var, expected_var)
