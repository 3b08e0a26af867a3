"""Geometries of padding, interpolation, shuffled elements and adaptive max-pooling."""

from collections.abc import Iterator

from .question import Question
from .recipe import levels, uniform

# id: (x, padding); of each mode that takes it.
PADDINGS = {
    "1": ((2, 3, 4, 5), [1, 1, 1, 1]),
    "sides": ((2, 3, 4, 5), [1, 0, 2, 3]),
    "most": ((1, 2, 4, 5), [4, 4, 3, 3]),
    "none": ((1, 2, 3, 3), [0, 0, 0, 0]),
    "one-side": ((1, 2, 3, 4), [0, 3, 0, 0]),
    "unbatched": ((3, 4, 5), [2, 1, 0, 3]),
    "batch0": ((0, 3, 4, 5), [1, 2, 1, 0]),
    "channels17": ((1, 17, 3, 2), [1, 1, 2, 0]),
    "whole": ((1, 2, 3, 4), [4, 4, 3, 3]),  # once more on every side
    "far": ((1, 2, 3, 2), [7, 5, 0, 9]),
    "one-pixel": ((2, 2, 1, 1), [2, 1, 0, 3]),
}
_FITS = {
    "reflect": PADDINGS.keys() - {"whole", "far", "one-pixel"},
    "replicate": PADDINGS.keys(),
    "circular": PADDINGS.keys() - {"far", "one-pixel"},
}

# id: (x, size or None, scale_factor or None)
SIZES = {
    "double": ((2, 3, 4, 5), None, 2),
    "triple": ((1, 2, 3, 4), None, 3.0),
    "half": ((1, 2, 6, 7), None, 0.5),
    "uneven": ((1, 2, 5, 7), None, [1.7, 0.6]),
    "1.3": ((1, 2, 10, 7), None, 1.3),
    "larger": ((1, 2, 4, 5), [7, 9], None),
    "smaller": ((2, 2, 9, 8), [4, 3], None),
    "mixed": ((1, 2, 7, 3), [3, 8], None),
    "same": ((1, 2, 4, 3), [4, 3], None),
    "to-one": ((1, 2, 4, 5), 1, None),
    "from-one": ((2, 3, 1, 1), [3, 4], None),
    "one-row": ((1, 2, 1, 5), [2, 11], None),
    "batch0": ((0, 2, 3, 4), [5, 5], None),
    "channels17": ((1, 17, 2, 3), [3, 5], None),
    "far-smaller": ((1, 1, 23, 19), [2, 3], None),
}
MODES = {
    "nearest": {"mode": "nearest"},
    "nearest-exact": {"mode": "nearest-exact"},
    "bilinear": {"mode": "bilinear", "align_corners": False},
    "bilinear-corners": {"mode": "bilinear", "align_corners": True},
    "bilinear-antialias": {"mode": "bilinear", "antialias": True},
    "bicubic": {"mode": "bicubic"},
    "bicubic-corners": {"mode": "bicubic", "align_corners": True},
    "bicubic-antialias": {"mode": "bicubic", "antialias": True},
    "lanczos": {"mode": "lanczos", "antialias": True},
    "area": {"mode": "area"},
}

# Of no image, PyTorch has no gradient of the first two.
SHUFFLES = {
    "pixel_shuffle": {
        "2": ((2, 8, 3, 4), 2),
        "3": ((1, 18, 2, 1), 3),
        "1": ((1, 3, 2, 2), 1),
        "unbatched": ((4, 3, 2), 2),
        "5d": ((2, 2, 4, 3, 2), 2),
    },
    "pixel_unshuffle": {
        "2": ((2, 3, 4, 6), 2),
        "3": ((1, 2, 6, 3), 3),
        "1": ((1, 3, 2, 2), 1),
        "unbatched": ((3, 4, 2), 2),
        "5d": ((2, 2, 3, 4, 2), 2),
    },
    "channel_shuffle": {
        "2": ((2, 6, 2, 3), 2),
        "3": ((2, 6, 2, 3), 3),
        "whole": ((1, 5, 2, 2), 5),
        "1": ((1, 4, 2, 2), 1),
        "3d": ((2, 4, 5), 2),
        "batch0": ((0, 4, 2, 3), 2),
    },
}
_FACTOR = {
    "pixel_shuffle": "upscale_factor",
    "pixel_unshuffle": "downscale_factor",
    "channel_shuffle": "groups",
}

# id: (x, weight, arguments of Conv2d behind kernel_size)
PADDED_CONVOLUTIONS = {
    "reflect": ((2, 3, 5, 6), (4, 3, 3, 3), {"padding": 1, "padding_mode": "reflect"}),
    "reflect-same-even": ((1, 2, 6, 5), (3, 2, 4, 2), {"padding": "same", "padding_mode": "reflect"}),
    "replicate-strided": (
        (2, 4, 6, 5),
        (4, 2, 3, 2),
        {"stride": 2, "padding": [4, 3], "groups": 2, "padding_mode": "replicate"},
    ),
    "circular-dilated": (
        (1, 2, 5, 6),
        (3, 2, 3, 3),
        {"padding": 2, "dilation": 2, "padding_mode": "circular"},
    ),
    "circular-unbatched": ((2, 4, 4), (3, 2, 3, 3), {"padding": [0, 4], "padding_mode": "circular"}),
    "valid": ((1, 2, 4, 4), (3, 2, 3, 3), {"padding": "valid", "padding_mode": "reflect"}),
}

ADAPTIVE_MAX_POOL2D = {
    "5x7": ((1, 3, 8, 8), [5, 7]),
    "none-7": ((2, 3, 8, 8), [None, 7]),
    "5-none-unbatched": ((3, 4, 3), [5, None]),
    "global": ((2, 5, 7, 6), 1),
    "divisible": ((2, 3, 6, 8), [3, 4]),
    "not-divisible": ((2, 3, 7, 10), [3, 4]),
    "one-pixel-to-3x2": ((2, 3, 1, 1), [3, 2]),
    "larger-than-input": ((1, 2, 3, 4), [7, 9]),
    "batch0": ((0, 3, 5, 5), [2, 3]),
    "channels17": ((1, 17, 4, 3), [2, 2]),
}


def _interpolations() -> Iterator[Question]:
    for size, (x, out, scale) in SIZES.items():
        for mode, more in MODES.items():
            args = {"size": out, "scale_factor": scale, **more}
            yield Question("interpolate", f"{size}-{mode}", {"x": uniform(x)}, args)
            if scale is not None:
                args = {**args, "recompute_scale_factor": True}
                yield Question("interpolate", f"{size}-{mode}-recomputed", {"x": uniform(x)}, args)


def questions() -> Iterator[Question]:
    """Yield every question of this file."""
    for mode, fits in _FITS.items():
        for name, (x, padding) in PADDINGS.items():
            if name in fits:
                args = {"padding": padding, "mode": mode}
                yield Question("pad", f"{mode}-{name}", {"x": uniform(x)}, args)
    for name, (x, padding) in PADDINGS.items():
        args = {"padding": padding, "value": -1.5}
        yield Question("pad", f"constant-{name}", {"x": uniform(x)}, args)
    yield from _interpolations()
    for op, cases in SHUFFLES.items():
        for name, (x, factor) in cases.items():
            yield Question(op, name, {"x": uniform(x)}, {_FACTOR[op]: factor})
    for name, (x, size) in ADAPTIVE_MAX_POOL2D.items():
        yield Question("adaptive_max_pool2d", name, {"x": uniform(x)}, {"output_size": size})
        yield Question("adaptive_max_pool2d", f"{name}-ties", {"x": levels(x, 3)}, {"output_size": size})
    for name, (x, weight, args) in PADDED_CONVOLUTIONS.items():
        inputs = {"x": uniform(x), "weight": uniform(weight), "bias": uniform(weight[:1])}
        yield Question("padded_conv2d", name, inputs, args)
