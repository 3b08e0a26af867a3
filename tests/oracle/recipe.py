"""Inputs from a recipe: a description with a seed gives the same array wherever it is made.

The bits are those of SplitMix64 (Steele, Lea and Flood, 2014) at position ``seed * 2**32 + i``, in wrapping
64-bit integer arithmetic, so that they depend on neither NumPy's version nor its random generators. Every
float is representable in float32: both precisions start from the same numbers and share one answer.
"""

import math
import zlib

import numpy as np

# A description: shape, seed, kind and what the kind needs. It is stored as JSON beside the answers.
Spec = dict


def seed_of(*names: object) -> int:
    """Return a seed that depends on the names alone."""
    return zlib.crc32("/".join(map(str, names)).encode())


def uniform(shape, scale=1.0, shift=0.0) -> Spec:
    """Describe reals in [shift - scale, shift + scale), 2**24 different ones."""
    return {"shape": list(shape), "kind": "uniform", "scale": scale, "shift": shift}


def integers(shape, high, low=0) -> Spec:
    """Describe int64 in [low, high): class labels."""
    return {"shape": list(shape), "kind": "integers", "low": low, "high": high}


def levels(shape, count=5) -> Spec:
    """Describe reals that take `count` values around zero only: ties for max-pooling, zeros for ReLU."""
    return {"shape": list(shape), "kind": "levels", "count": count}


def signs(shape) -> Spec:
    """Describe reals that are 1 or -1: targets of margins."""
    return {"shape": list(shape), "kind": "signs"}


def ones(shape) -> Spec:
    """Describe an array of ones."""
    return {"shape": list(shape), "kind": "ones"}


def with_values(spec: Spec, *changes: tuple[int, float]) -> Spec:
    """Return the description with (flat index, value) replaced, e.g. by NaN or an infinity."""
    return {**spec, "changes": [list(change) for change in changes]}


def _bits(seed: int, count: int) -> np.ndarray:
    z = np.arange(1, count + 1, dtype=np.uint64) + np.array([seed], np.uint64) * np.uint64(2**32)
    z = z * np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


def make(spec: Spec, dtype=np.float64) -> np.ndarray:
    """Return the array that the description stands for; labels are int64 whatever `dtype` is."""
    shape = tuple(spec["shape"])
    bits = _bits(spec.get("seed", 0), math.prod(shape))
    if spec["kind"] == "ones":
        return np.ones(shape, dtype)
    if spec["kind"] == "integers":
        span = np.uint64(spec["high"] - spec["low"])
        values = ((bits >> np.uint64(33)) % span).astype(np.int64) + spec["low"]
    elif spec["kind"] == "levels":
        count = spec["count"]
        values = ((bits >> np.uint64(33)) % np.uint64(count)).astype(np.float64) - count // 2
    elif spec["kind"] == "signs":
        values = ((bits >> np.uint64(33)) % np.uint64(2)).astype(np.float64) * 2 - 1
    else:
        unit = (bits >> np.uint64(40)).astype(np.float64) / 2**23 - 1.0
        values = (unit * spec["scale"] + spec["shift"]).astype(np.float32)
    for index, value in spec.get("changes", ()):
        values[index] = value
    values = values.reshape(shape)
    return values if values.dtype == np.int64 else values.astype(dtype)
