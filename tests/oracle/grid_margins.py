"""Geometries of margins that cut off, of lines and of any axes, beside those of `grid_shape`."""

from collections.abc import Iterator

from .question import Question
from .recipe import uniform

# id: (x, padding)
CONSTANT = {
    "vector": ((5,), [1, 2]),
    "vector-cut": ((5,), [-2, -1]),
    "rows": ((4, 5), [1, -2]),
    "matrix": ((4, 5), [-1, 2, 3, -2]),
    "lines": ((2, 3, 5), [2, -3]),
    "lines-channels": ((2, 3, 5), [0, 1, -1, 2]),
    "all-axes": ((2, 3, 4), [1, 0, -1, 2, 3, -1]),
    "channels": ((2, 3, 4, 5), [0, 0, 0, 0, 1, 2]),
    "channels-cut": ((2, 4, 3, 3), [1, 1, 0, -1, -1, -2]),
    "batch": ((2, 3, 2, 3), [-1, 1, 0, 2, 1, -1, 2, 1]),
    "volumes": ((2, 2, 3, 4, 2), [1, 1, -1, 2, 0, 1]),
    "five-axes": ((1, 2, 2, 3, 2), [0, 1, 1, 0, -1, 1, 1, -1, 1, 1]),
    "nothing-left": ((2, 3, 4), [-1, -3]),
    "none": ((2, 3, 4), [0, 0]),
    "batch0": ((0, 3, 4), [1, -2, 1, 1]),
}
REPEATED = {
    "lines": ((2, 3, 5), [2, 1]),
    "lines-unbatched": ((3, 5), [1, 4]),
    "lines-cut": ((2, 3, 5), [-2, 3]),
    "lines-cut-unbatched": ((3, 5), [3, -2]),
    "lines-cut-only": ((2, 3, 5), [-2, -2]),
    "images-cut": ((2, 2, 4, 5), [-1, 2, 1, -2]),
    "images-cut-unbatched": ((2, 4, 5), [0, -3, -1, 1]),
    "batch0": ((0, 3, 5), [2, -1]),
}
# PyTorch goes round no further than what is left.
_FAR = {"lines-cut", "lines-cut-unbatched"}


def questions() -> Iterator[Question]:
    """Yield every question of this file."""
    for name, (x, padding) in CONSTANT.items():
        for value in (0.0, -1.5):
            yield Question("pad", f"{name}-{value}", {"x": uniform(x)}, {"padding": padding, "value": value})
    for mode in ("reflect", "replicate", "circular"):
        for name, (x, padding) in REPEATED.items():
            if mode != "circular" or name not in _FAR:
                yield Question("pad", f"{mode}-{name}", {"x": uniform(x)}, {"padding": padding, "mode": mode})
