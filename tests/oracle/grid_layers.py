"""Questions about layers of products along lines and back to images, and layers that move, pad and resize."""

from collections.abc import Iterator

from .network import layer
from .question import Question
from .recipe import uniform

# id: (x, layers, in training mode)
LAYERS = {
    "conv-transpose": (
        (2, 3, 4, 5),
        layer("ConvTranspose2d", in_channels=3, out_channels=4, kernel_size=3),
        True,
    ),
    "conv-transpose-all-arguments": (
        (2, 4, 4, 5),
        layer(
            "ConvTranspose2d",
            in_channels=4,
            out_channels=6,
            kernel_size=(3, 2),
            stride=(2, 3),
            padding=(1, 0),
            output_padding=(1, 2),
            groups=2,
            bias=False,
            dilation=(1, 2),
        ),
        True,
    ),
    "conv-transpose-unbatched": (
        (3, 4, 5),
        layer("ConvTranspose2d", in_channels=3, out_channels=4, kernel_size=2, stride=2),
        True,
    ),
    "conv1d": ((2, 3, 8), layer("Conv1d", in_channels=3, out_channels=4, kernel_size=3), True),
    "conv1d-all-arguments": (
        (2, 4, 9),
        layer(
            "Conv1d",
            in_channels=4,
            out_channels=6,
            kernel_size=3,
            stride=2,
            padding=2,
            dilation=2,
            groups=2,
            bias=False,
        ),
        True,
    ),
    "conv1d-same": (
        (2, 3, 8),
        layer("Conv1d", in_channels=3, out_channels=4, kernel_size=4, padding="same"),
        True,
    ),
    **{
        f"conv1d-{mode}-{padding}": (
            (2, 3, 8),
            layer("Conv1d", in_channels=3, out_channels=4, kernel_size=4, padding=padding, padding_mode=mode),
            True,
        )
        for mode, padding in (("reflect", 3), ("replicate", 2), ("circular", "same"))
    },
    "conv1d-unbatched": ((3, 8), layer("Conv1d", in_channels=3, out_channels=4, kernel_size=3), True),
    "batch-norm1d": ((5, 4), layer("BatchNorm1d", num_features=4), True),
    "batch-norm1d-lines": ((3, 4, 6), layer("BatchNorm1d", num_features=4, momentum=0.4), True),
    "batch-norm1d-eval": ((3, 4, 6), layer("BatchNorm1d", num_features=4, eps=0.1), False),
    "batch-norm1d-features-eval": ((3, 4), layer("BatchNorm1d", num_features=4), False),
    "batch-norm1d-average": ((3, 4), layer("BatchNorm1d", num_features=4, momentum=None), True),
    "batch-norm1d-no-bias": ((3, 4), layer("BatchNorm1d", num_features=4, bias=False), True),
    "batch-norm1d-plain": (
        (3, 4, 2),
        layer("BatchNorm1d", num_features=4, affine=False, track_running_stats=False),
        False,
    ),
    "prelu": ((3, 4, 2, 3), layer("PReLU"), True),
    "prelu-channels": ((3, 4, 2, 3), layer("PReLU", num_parameters=4, init=0.1), True),
    "prelu-features": ((5, 4), layer("PReLU", num_parameters=4), True),
    "max-pool1d": (
        (2, 3, 11),
        layer("MaxPool1d", kernel_size=3, stride=2, padding=1, dilation=2, ceil_mode=True),
        True,
    ),
    "max-pool1d-plain": ((2, 3, 7), layer("MaxPool1d", kernel_size=2), True),
    "max-pool1d-unbatched": ((3, 7), layer("MaxPool1d", kernel_size=2), True),
    "avg-pool1d": (
        (2, 3, 8),
        layer("AvgPool1d", kernel_size=3, stride=2, padding=1, count_include_pad=False),
        True,
    ),
    "avg-pool1d-ceil": ((2, 3, 8), layer("AvgPool1d", kernel_size=3, ceil_mode=True), True),
    "adaptive-avg-pool1d": ((2, 3, 7), layer("AdaptiveAvgPool1d", output_size=3), True),
    "adaptive-max-pool": ((2, 3, 7, 6), layer("AdaptiveMaxPool2d", output_size=(None, 4)), True),
    "adaptive-max-pool-unbatched": ((3, 7, 6), layer("AdaptiveMaxPool2d", output_size=3), True),
    "channel-shuffle": ((2, 6, 3, 2), layer("ChannelShuffle", groups=3), True),
    "pixel-shuffle": ((1, 8, 3, 2), layer("PixelShuffle", upscale_factor=2), True),
    "pixel-unshuffle": ((2, 2, 4, 6), layer("PixelUnshuffle", downscale_factor=2), True),
    "constant-pad": ((2, 3, 4, 5), layer("ConstantPad2d", padding=(1, 0, 2, 3), value=-1.5), True),
    "reflection-pad": ((2, 3, 4, 5), layer("ReflectionPad2d", padding=(1, 0, 2, 3)), True),
    "reflection-pad-unbatched": ((3, 4, 5), layer("ReflectionPad2d", padding=2), True),
    "replication-pad": ((2, 3, 4, 5), layer("ReplicationPad2d", padding=(1, 0, 2, 7)), True),
    "circular-pad": ((2, 3, 4, 5), layer("CircularPad2d", padding=(1, 0, 2, 3)), True),
    "unflatten": ((2, 6, 4), layer("Unflatten", dim=1, unflattened_size=(3, -1)), True),
    "upsample": ((2, 3, 4, 5), layer("Upsample", scale_factor=2), True),
    "upsample-bilinear": ((1, 2, 4, 5), layer("Upsample", size=(7, 3), mode="bilinear"), True),
    "upsample-bicubic": (
        (2, 2, 4, 5),
        layer("Upsample", scale_factor=(1.5, 2.0), mode="bicubic", align_corners=True),
        True,
    ),
    "upsampling-nearest": ((2, 3, 4, 5), layer("UpsamplingNearest2d", size=(6, 11)), True),
    "upsampling-bilinear": ((2, 3, 4, 5), layer("UpsamplingBilinear2d", scale_factor=2), True),
    "softmax-2d": ((2, 4, 3, 2), layer("Softmax2d"), True),
    "softmax-2d-unbatched": ((4, 3, 2), layer("Softmax2d"), True),
    "dropout-2d-eval": ((2, 3, 4, 2), layer("Dropout2d", p=0.7), False),
    "dropout-2d-0": ((2, 3, 4, 2), layer("Dropout2d", p=0.0), True),
    "alpha-dropout-eval": ((2, 3, 4), layer("AlphaDropout", p=0.7), False),
    "alpha-dropout-0": ((2, 3, 4), layer("AlphaDropout", p=0.0), True),
    "feature-alpha-dropout-eval": ((2, 3, 4, 2), layer("FeatureAlphaDropout", p=0.7), False),
    "feature-alpha-dropout-0": ((2, 3, 4, 2), layer("FeatureAlphaDropout", p=0.0), True),
}


def questions() -> Iterator[Question]:
    """Yield every question of this file; the recipes of the weights are added where the layer is built."""
    for name, (x, one, training) in LAYERS.items():
        yield Question("layer", name, {"x": uniform(x)}, {"layers": [one], "training": training})
