"""Questions about layers along lines that `grid_layers` has not."""

from collections.abc import Iterator

from .network import layer
from .question import Question
from .recipe import uniform

# id: (x, layers); dropout that drops nothing, for PyTorch draws other masks.
LAYERS = {
    "dropout1d-0": ((2, 3, 7), layer("Dropout1d", p=0.0)),
    "adaptive-max-pool1d": ((2, 3, 7), layer("AdaptiveMaxPool1d", output_size=3)),
    "adaptive-max-pool1d-unbatched": ((3, 7), layer("AdaptiveMaxPool1d", output_size=5)),
    "lp-pool1d": ((2, 3, 7), layer("LPPool1d", norm_type=2, kernel_size=3, stride=2)),
    "lp-pool2d": ((2, 3, 5, 4), layer("LPPool2d", norm_type=2, kernel_size=2, ceil_mode=True)),
    "conv-transpose1d": ((2, 3, 5), layer("ConvTranspose1d", in_channels=3, out_channels=4, kernel_size=3)),
    "conv-transpose1d-all-arguments": (
        (2, 4, 5),
        layer(
            "ConvTranspose1d",
            in_channels=4,
            out_channels=6,
            kernel_size=3,
            stride=2,
            padding=1,
            output_padding=1,
            groups=2,
            bias=False,
            dilation=2,
        ),
    ),
    "conv-transpose1d-unbatched": (
        (3, 5),
        layer("ConvTranspose1d", in_channels=3, out_channels=2, kernel_size=2, stride=2),
    ),
    "zero-pad1d": ((2, 3, 7), layer("ZeroPad1d", padding=2)),
    "constant-pad1d-cut": ((2, 3, 7), layer("ConstantPad1d", padding=[-2, 3], value=1.5)),
    "reflection-pad1d": ((2, 3, 7), layer("ReflectionPad1d", padding=[1, 6])),
    "reflection-pad1d-unbatched": ((3, 7), layer("ReflectionPad1d", padding=2)),
    "replication-pad1d-cut": ((2, 3, 7), layer("ReplicationPad1d", padding=[9, -3])),
    "circular-pad1d": ((2, 3, 7), layer("CircularPad1d", padding=[7, 2])),
    "circular-pad1d-cut": ((2, 3, 7), layer("CircularPad1d", padding=[-3, 4])),
    "zero-pad2d-cut": ((2, 2, 5, 6), layer("ZeroPad2d", padding=[-1, 2, 1, -3])),
    "constant-pad2d-cut": ((2, 2, 5, 6), layer("ConstantPad2d", padding=-2, value=0.5)),
    "reflection-pad2d-cut": ((2, 2, 5, 6), layer("ReflectionPad2d", padding=[-1, 2, 4, -3])),
    "upsample-nearest": ((2, 3, 7), layer("Upsample", scale_factor=1.7)),
    "upsample-linear": ((2, 3, 7), layer("Upsample", size=[11], mode="linear")),
    "upsample-linear-corners": ((2, 3, 7), layer("Upsample", size=4, mode="linear", align_corners=True)),
    "upsample-area": ((2, 3, 7), layer("Upsample", size=3, mode="area")),
}


def questions() -> Iterator[Question]:
    """Yield every question of this file; the recipes of weights are added where the network is built."""
    for name, (x, layers) in LAYERS.items():
        yield Question("layer", name, {"x": uniform(x)}, {"layers": [layers], "training": True})
