"""What every bench does: check that both sides give one answer, then time one of them and note its rate."""

import time
from collections.abc import Callable, Sequence

import numpy as np

from fastcnn.testing import assert_close

SIDES = ("fastcnn", "numpy")
Arrays = np.ndarray | Sequence[np.ndarray]


def compare(
    benchmark,
    side: str,
    functions: dict[str, Callable[[], Arrays]],
    group: str,
    *,
    images: int = 0,
    flops: float = 0,
    tolerance: float = 1e-4,
) -> None:
    """Time ``functions[side]`` after checking that both functions return the same arrays.

    Parameters
    ----------
    functions : {"fastcnn": callable, "numpy": callable}
        Take no arguments and return an array or several.
    group : str
        Benches of one group are printed side by side.
    images, flops
        Images and floating-point operations of one call: images/s and GFLOP/s go to ``extra_info``.
    """
    ours, reference = (_arrays(functions[name]()) for name in SIDES)
    for actual, expected in zip(ours, reference, strict=True):
        assert_close(actual, expected, tolerance)
    clock(benchmark, functions[side], group, images=images, flops=flops)


def clock(
    benchmark, function: Callable[[], object], group: str, *, images: int = 0, flops: float = 0
) -> None:
    """Time `function` and note its rates in its best round; its answer was checked by the caller."""
    benchmark.group = group
    if benchmark.enabled:
        time.sleep(0.1)  # idle threads of the other side's pool spin for a while before they sleep
    benchmark(function)
    if benchmark.stats is None:  # --benchmark-disable: it ran once, unclocked
        return
    seconds = benchmark.stats.stats.min
    if images:
        benchmark.extra_info["images/s"] = images / seconds
    if flops:
        benchmark.extra_info["GFLOP/s"] = flops / seconds / 1e9


def random(*shape: int, seed: int = 0) -> np.ndarray:
    """Return float32 normal numbers."""
    return np.random.default_rng(seed).standard_normal(shape, dtype=np.float32)


def _arrays(value: Arrays) -> Sequence[np.ndarray]:
    return (value,) if isinstance(value, np.ndarray) else value
