"""What every bench does: check that both sides give one answer, then time one of them and note its rate."""

import time
from collections.abc import Callable, Sequence
from types import ModuleType

import numpy as np
import pytest

import fastcnn
from fastcnn.testing import assert_close

SIDES = ("fastcnn", "numpy")
WITH_TORCH = (*SIDES, "torch")
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
    torch: Callable[[ModuleType], Callable[[], Arrays]] | None = None,
) -> None:
    """Time ``functions[side]`` after checking that it and another side return the same arrays.

    fastcnn's answer is compared with NumPy's, and that of any other side with fastcnn's.

    Parameters
    ----------
    functions : {"fastcnn": callable, "numpy": callable}
        Take no arguments and return an array or several.
    group : str
        Benches of one group are printed side by side.
    images, flops
        Images and floating-point operations of one call: images/s and GFLOP/s go to ``extra_info``.
    torch
        Makes the function of the side "torch" with `in_torch`; where PyTorch is not installed it is skipped.
    """
    if side == "torch":
        assert torch
        functions = {**functions, "torch": torch(torch_side())}
    other = "numpy" if side == "fastcnn" else side
    ours, reference = (_arrays(functions[name]()) for name in ("fastcnn", other))
    for actual, expected in zip(ours, reference, strict=True):
        assert_close(actual, expected, tolerance)
    clock(benchmark, functions[side], group, images=images, flops=flops)


def torch_side() -> ModuleType:
    """Return `in_torch`, with PyTorch on fastcnn's number of threads; skip the bench without PyTorch."""
    try:
        import torch
    except ModuleNotFoundError:
        pytest.skip("PyTorch is not installed")
    torch.set_num_threads(fastcnn.get_num_threads())
    from . import in_torch

    return in_torch


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
