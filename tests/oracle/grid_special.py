"""Questions to the operations of fastcnn.ops, with numbers that are not finite and logits of +-1e4."""

import itertools
import math
from collections.abc import Iterator

from .question import Question
from .recipe import Spec, integers, ones, uniform, with_values

NAN, INF = math.nan, math.inf
# What some elements of an input are: the first of them, and then one in each eighth.
KINDS = {"nan": (NAN,), "inf": (INF,), "minus-inf": (-INF,), "mixed": (NAN, INF, -INF, 0.0)}
IMAGES = (3, 2, 5, 4)


def _some(shape: tuple[int, ...], values: tuple[float, ...]) -> Spec:
    places = range(1, math.prod(shape), max(1, math.prod(shape) // 8))
    return with_values(uniform(shape), *zip(places, itertools.cycle(values), strict=False))


def _images(key: str, values: tuple[float, ...]) -> Iterator[Question]:
    x = _some(IMAGES, values)
    yield Question("relu", key, {"x": x})
    yield Question("conv2d", key, {"x": x, "weight": uniform((3, 2, 3, 3)), "bias": uniform((3,))})
    # Infinite numbers of an image meet no padding; PyTorch says nothing certain of such weights beside it.
    yield Question("conv2d", f"{key}-padded", {"x": x, "weight": uniform((3, 2, 3, 3))}, {"padding": 1})
    yield Question("linear", key, {"x": _some((4, 6), values), "weight": uniform((3, 6))})
    yield Question("linear", f"{key}-weight", {"x": uniform((4, 6)), "weight": _some((3, 6), values)})
    yield Question("max_pool2d", key, {"x": x}, {"kernel_size": 2, "stride": 1})
    yield Question("max_pool2d", f"{key}-padded", {"x": x}, {"kernel_size": 3, "stride": 2, "padding": 1})
    yield Question("avg_pool2d", key, {"x": x}, {"kernel_size": 3, "stride": 2, "padding": 1})
    yield Question("adaptive_avg_pool2d", key, {"x": x}, {"output_size": [2, 3]})
    for training in (False, True):
        running = {"running_mean": uniform((2,)), "running_var": uniform((2,), 0.5, 1.0)}
        inputs = {"x": x, **running, "weight": uniform((2,), 0.5, 1.0), "bias": uniform((2,))}
        args = {"training": training, "momentum": 0.1, "eps": 1e-5}
        yield Question("batch_norm", f"{key}-{training}", inputs, args, constant=tuple(running))


def _rows(key: str, values: tuple[float, ...]) -> Iterator[Question]:
    # A row for each value, one with it in all places, and one without.
    rows = with_values(
        uniform((len(values) + 2, 5)),
        *((5 * i + i % 5, value) for i, value in enumerate(values)),
        *((5 * len(values) + i, values[0]) for i in range(5)),
    )
    for op in ("softmax", "log_softmax"):
        yield Question(op, key, {"x": rows}, {"dim": 1})
    target = integers((len(values) + 2,), 5)
    inputs = {"x": rows, "target": target}
    for smoothing in (0.0, 0.1):
        args = {"reduction": "none", "label_smoothing": smoothing}
        yield Question("cross_entropy", f"{key}-{smoothing}", inputs, args, ("target",), "ones")
    yield Question("nll_loss", key, inputs, {"reduction": "none"}, ("target",), "ones")
    pair = {"x": rows, "target": uniform((len(values) + 2, 5))}
    yield Question("mse_loss", key, pair, {"reduction": "none"}, ("target",), "ones")


def _large_logits() -> Iterator[Question]:
    logits = with_values(
        uniform((6, 10), 3.0), *((i, 1e4 if i % 3 else -1e4) for i in range(0, 60, 7)), (33, 1e4), (34, 1e4)
    )
    weight = uniform((10,), 0.75, 1.25)
    for op in ("softmax", "log_softmax"):
        yield Question(op, "1e4", {"x": logits}, {"dim": 1})
    for weighted, smoothing, reduction in itertools.product(
        (False, True), (0.0, 0.1), ("mean", "sum", "none")
    ):
        inputs = {"x": logits, "target": integers((6,), 10), **({"weight": weight} if weighted else {})}
        args = {"reduction": reduction}
        name = f"1e4-{reduction}{'-weight' if weighted else ''}"
        if smoothing:
            args["label_smoothing"] = smoothing
        yield Question("cross_entropy", f"{name}-{smoothing}", inputs, args, ("target", "weight"), "ones")
        if not smoothing:
            yield Question("nll_loss", name, inputs, args, ("target", "weight"), "ones")
    probabilities = {"x": logits, "target": ones((6, 10))}
    yield Question(
        "cross_entropy", "1e4-probabilities", probabilities, {"reduction": "sum"}, ("target",), "ones"
    )


def questions() -> Iterator[Question]:
    """Yield every question of this file."""
    for key, values in KINDS.items():
        yield from _images(key, values)
        yield from _rows(key, values)
    yield from _large_logits()
