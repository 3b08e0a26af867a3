"""Geometries of interpolation along lines."""

from collections.abc import Iterator

from .question import Question
from .recipe import uniform

# id: (x, size or None, scale_factor or None)
SIZES = {
    "double": ((2, 3, 5), None, 2),
    "half": ((1, 2, 7), None, 0.5),
    "1.7": ((1, 2, 7), None, [1.7]),
    "larger": ((2, 3, 5), [9], None),
    "smaller": ((2, 3, 11), 4, None),
    "same": ((1, 2, 5), [5], None),
    "to-one": ((1, 2, 5), 1, None),
    "from-one": ((2, 3, 1), [4], None),
    "batch0": ((0, 2, 4), 6, None),
    "channels17": ((1, 17, 3), 7, None),
}
MODES = {
    "nearest": {"mode": "nearest"},
    "nearest-exact": {"mode": "nearest-exact"},
    "linear": {"mode": "linear", "align_corners": False},
    "linear-corners": {"mode": "linear", "align_corners": True},
    "area": {"mode": "area"},
}


def questions() -> Iterator[Question]:
    """Yield every question of this file."""
    for name, (x, size, factor) in SIZES.items():
        given = {"size": size} if factor is None else {"scale_factor": factor}
        for mode, more in MODES.items():
            yield Question("interpolate", f"{mode}-{name}", {"x": uniform(x)}, {**given, **more})
            if factor is not None and mode != "area":
                args = {**given, **more, "recompute_scale_factor": True}
                yield Question("interpolate", f"{mode}-{name}-recomputed", {"x": uniform(x)}, args)
