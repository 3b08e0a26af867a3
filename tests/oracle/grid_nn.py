"""Questions about layers of torch.nn, alone and as networks that are trained for a few steps."""

from collections.abc import Iterator

from .network import layer
from .question import Question
from .recipe import integers, uniform

# id: (x, layers, in training mode)
LAYERS = {
    "conv2d": ((2, 3, 5, 6), layer("Conv2d", in_channels=3, out_channels=4, kernel_size=3), True),
    "conv2d-all-arguments": (
        (2, 4, 7, 8),
        layer(
            "Conv2d",
            in_channels=4,
            out_channels=6,
            kernel_size=(3, 2),
            stride=(2, 1),
            padding=(1, 2),
            dilation=(1, 2),
            groups=2,
            bias=False,
        ),
        True,
    ),
    "conv2d-same": (
        (2, 3, 5, 4),
        layer("Conv2d", in_channels=3, out_channels=4, kernel_size=(3, 4), padding="same"),
        True,
    ),
    "conv2d-unbatched": ((3, 5, 6), layer("Conv2d", in_channels=3, out_channels=4, kernel_size=2), True),
    "batch-norm": ((3, 4, 3, 2), layer("BatchNorm2d", num_features=4), True),
    "batch-norm-eval": ((3, 4, 3, 2), layer("BatchNorm2d", num_features=4, eps=0.1), False),
    "batch-norm-momentum": ((3, 4, 3, 2), layer("BatchNorm2d", num_features=4, momentum=0.4), True),
    "batch-norm-average": ((3, 4, 3, 2), layer("BatchNorm2d", num_features=4, momentum=None), True),
    "batch-norm-plain": ((3, 4, 3, 2), layer("BatchNorm2d", num_features=4, affine=False), True),
    "batch-norm-no-bias": ((3, 4, 3, 2), layer("BatchNorm2d", num_features=4, bias=False), True),
    "batch-norm-no-bias-eval": ((3, 4, 3, 2), layer("BatchNorm2d", num_features=4, bias=False), False),
    "batch-norm-untracked": (
        (3, 4, 3, 2),
        layer("BatchNorm2d", num_features=4, track_running_stats=False),
        True,
    ),
    "batch-norm-untracked-eval": (
        (3, 4, 3, 2),
        layer("BatchNorm2d", num_features=4, track_running_stats=False),
        False,
    ),
    "group-norm": ((3, 6, 4, 2), layer("GroupNorm", num_groups=2, num_channels=6), True),
    "group-norm-plain": (
        (3, 6, 5),
        layer("GroupNorm", num_groups=3, num_channels=6, eps=0.1, affine=False),
        True,
    ),
    "group-norm-features": ((3, 6), layer("GroupNorm", num_groups=1, num_channels=6), False),
    "layer-norm": ((3, 2, 4, 5), layer("LayerNorm", normalized_shape=[4, 5]), True),
    "layer-norm-number": ((3, 4, 5), layer("LayerNorm", normalized_shape=5, eps=1e-3), True),
    "layer-norm-no-bias": ((3, 5), layer("LayerNorm", normalized_shape=5, bias=False), True),
    "layer-norm-plain": ((3, 5), layer("LayerNorm", normalized_shape=[5], elementwise_affine=False), True),
    "layer-norm-2d": ((3, 4, 3, 2), layer("LayerNorm2d", normalized_shape=4), True),
    "layer-norm-2d-plain": (
        (1, 4, 3, 2),
        layer("LayerNorm2d", normalized_shape=[4], eps=0.1, elementwise_affine=False),
        True,
    ),
    "instance-norm": ((3, 4, 3, 2), layer("InstanceNorm2d", num_features=4), True),
    "instance-norm-affine": (
        (3, 4, 3, 2),
        layer("InstanceNorm2d", num_features=4, affine=True, eps=0.1),
        False,
    ),
    "instance-norm-unbatched": ((4, 3, 2), layer("InstanceNorm2d", num_features=4, affine=True), True),
    "instance-norm-tracked": (
        (3, 4, 3, 2),
        layer("InstanceNorm2d", num_features=4, momentum=0.4, affine=True, track_running_stats=True),
        True,
    ),
    "instance-norm-tracked-eval": (
        (3, 4, 3, 2),
        layer("InstanceNorm2d", num_features=4, affine=True, track_running_stats=True),
        False,
    ),
    "instance-norm-1d": (
        (3, 4, 5),
        layer("InstanceNorm1d", num_features=4, momentum=0.4, affine=True, track_running_stats=True),
        True,
    ),
    "instance-norm-1d-eval": (
        (3, 4, 5),
        layer("InstanceNorm1d", num_features=4, track_running_stats=True),
        False,
    ),
    "instance-norm-1d-unbatched": ((4, 5), layer("InstanceNorm1d", num_features=4), True),
    "local-response-norm": (
        (3, 7, 4, 2),
        layer("LocalResponseNorm", size=4, alpha=0.5, beta=0.6, k=2.0),
        True,
    ),
    "local-response-norm-3d": ((3, 7, 5), layer("LocalResponseNorm", size=5), False),
    "linear": ((5, 7), layer("Linear", in_features=7, out_features=3), True),
    "linear-no-bias-3d": ((2, 5, 7), layer("Linear", in_features=7, out_features=3, bias=False), True),
    "relu": ((3, 4, 2), layer("ReLU"), True),
    "softmax": ((4, 6), layer("Softmax", dim=1), True),
    "log-softmax": ((4, 6), layer("LogSoftmax", dim=-1), True),
    "max-pool": ((2, 3, 7, 6), layer("MaxPool2d", kernel_size=3, stride=2, padding=1, ceil_mode=True), True),
    "max-pool-dilated": ((2, 3, 7, 6), layer("MaxPool2d", kernel_size=2, stride=1, dilation=2), True),
    "avg-pool": (
        (2, 3, 7, 6),
        layer("AvgPool2d", kernel_size=3, stride=2, padding=1, count_include_pad=False),
        True,
    ),
    "avg-pool-divisor": ((2, 3, 7, 6), layer("AvgPool2d", kernel_size=(2, 3), divisor_override=4), True),
    "adaptive-avg-pool": ((2, 3, 7, 6), layer("AdaptiveAvgPool2d", output_size=(None, 4)), True),
    "identity": ((2, 3, 4), layer("Identity"), True),
    "flatten": ((2, 3, 4, 5), layer("Flatten"), True),
    "flatten-middle": ((2, 3, 4, 5), layer("Flatten", start_dim=-3, end_dim=2), True),
    "zero-pad": ((2, 3, 4, 5), layer("ZeroPad2d", padding=(1, 0, 2, 3)), True),
    "dropout-eval": ((2, 3, 4), layer("Dropout", p=0.7), False),
    "dropout-0": ((2, 3, 4), layer("Dropout", p=0.0), True),
    "position-bias": ((3, 2, 4, 5), layer("PositionBias", shape=(2, 4, 5)), True),
    "residual": (
        (2, 3, 5, 5),
        layer(
            "Residual",
            [layer("Conv2d", in_channels=3, out_channels=3, kernel_size=3, padding=1), layer("ReLU")],
        ),
        True,
    ),
    "dense-residual": (
        (2, 3, 5, 5),
        layer(
            "DenseResidual", [layer("Conv2d", in_channels=3, out_channels=2, kernel_size=1), layer("ReLU")]
        ),
        True,
    ),
}

# Every kind of layer. No convolution before a normalisation has a bias: its gradient would be nothing but
# rounding, which Adam turns into steps of full length.
NETWORK = [
    layer("Conv2d", in_channels=2, out_channels=4, kernel_size=3, padding=1, bias=False),
    layer("BatchNorm2d", num_features=4),
    layer("ReLU"),
    layer("MaxPool2d", kernel_size=3, stride=2, padding=1),
    layer(
        "Residual",
        [
            layer(
                "Conv2d", in_channels=4, out_channels=4, kernel_size=3, padding="same", groups=2, bias=False
            ),
            layer("ReLU"),
            layer("BatchNorm2d", num_features=4),
        ],
    ),
    layer("PositionBias", shape=(4, 5, 5)),
    layer("ZeroPad2d", padding=(0, 1, 0, 1)),
    layer("AvgPool2d", kernel_size=2),
    layer("DenseResidual", [layer("Conv2d", in_channels=4, out_channels=3, kernel_size=1), layer("ReLU")]),
    layer("Dropout", p=0.0),
    layer("AdaptiveAvgPool2d", output_size=2),
    layer("Flatten"),
    layer("Linear", in_features=28, out_features=5),
]
TRAININGS = {
    "sgd": ("SGD", {"lr": 0.1}),
    "sgd-momentum-decay": ("SGD", {"lr": 0.05, "momentum": 0.9, "weight_decay": 0.01, "nesterov": True}),
    "adam": ("Adam", {"lr": 0.01}),
    "adamw": ("AdamW", {"lr": 0.01, "weight_decay": 0.1, "betas": (0.9, 0.99)}),
}
STEPS, BATCH = 3, 6


def questions() -> Iterator[Question]:
    """Yield every question of this file; the recipes of the weights are added where the layer is built."""
    for name, (x, one, training) in LAYERS.items():
        yield Question("layer", name, {"x": uniform(x)}, {"layers": [one], "training": training})
    for name, (optimizer, options) in TRAININGS.items():
        inputs = {"x": uniform((STEPS * BATCH, 2, 9, 10)), "target": integers((STEPS * BATCH,), 5)}
        args = {"layers": NETWORK, "optimizer": optimizer, "options": options, "steps": STEPS}
        yield Question("training", name, inputs, args)
