"""Questions about augmentation: which change of a batch of images, and how strong."""

from collections.abc import Iterator

from .question import Question
from .recipe import uniform

SHAPE, GREY, LEAST = (2, 3, 7, 10), (2, 1, 6, 5), (1, 3, 3, 3)
# op: (id, args)
CHANGES = {
    "resize": [
        *(
            (f"{mode}-{h}x{w}", {"size": [h, w], "mode": mode})
            for mode in ("triangle", "two-taps", "area")
            for h, w in ((7, 10), (3, 4), (14, 20), (5, 23), (1, 1))
        ),
    ],
    "rotate": [(f"{angle}", {"angle": angle}) for angle in (0.0, 30.0, -45.0, 90.0, 180.0, 7.5)],
    "affine": [
        (f"{angle}-{scale}", {"angle": angle, "scale": scale}) for angle, scale in ((0.0, 2.0), (25.0, 0.6))
    ],
    "hflip": [("", {})],
    "vflip": [("", {})],
    **{
        name: [(f"{value}", {"value": value}) for value in values]
        for name, values in {
            "brightness": (0.0, 0.5, 1.0, 1.8),
            "contrast": (0.0, 0.5, 1.0, 1.8),
            "saturation": (0.0, 0.5, 1.0, 1.8),
            "hue": (-0.5, -0.2, 0.0, 0.1, 0.4),
            "sharpness": (0.0, 0.5, 1.0, 1.8),
            "posterize": (1.0, 4.0, 8.0),
            "solarize": (0.0, 128.0, 255.0),
            "autocontrast": (0.0,),
            "equalize": (0.0,),
            "grey": (0.0,),
        }.items()
    },
}


def questions() -> Iterator[Question]:
    """Yield every question of this file; images are from 0 to 255, and each has its own."""
    for op, changes in CHANGES.items():
        for name, args in changes:
            for what, shape in (("colour", SHAPE), ("grey", GREY), ("least", LEAST)):
                yield Question(op, f"{what}-{name}", {"x": uniform(shape, 127.5, 127.5)}, args)
