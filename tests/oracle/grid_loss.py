"""Questions about the losses: the combinations of PyTorch's own operator samples, and corners."""

import itertools
import math
from collections.abc import Iterator

from .question import Question
from .recipe import integers, uniform, with_values

REDUCTIONS = ("mean", "sum", "none")
# Logits, of one row with 3 classes up to (N, C, d1, d2, d3).
SHAPES = {
    "c": (3,),
    "nc": (2, 3),
    "nc1": (2, 3, 1),
    "ncd": (2, 4, 5),
    "ncdd": (2, 3, 1, 2),
    "ncdd5": (2, 5, 3, 4),
    "ncddd": (2, 3, 1, 2, 3),
    "n10": (9, 10),
    "one-class": (4, 1),
    "batch0": (0, 3),
}


def _target_shape(logits: tuple[int, ...]) -> tuple[int, ...]:
    return () if len(logits) == 1 else (logits[0], *logits[2:])


def _classes(logits: tuple[int, ...]) -> int:
    return logits[0] if len(logits) == 1 else logits[1]


def _ask(op, name, logits, target, weight=None, constant=("target", "weight"), **args) -> Question:
    inputs = {"x": logits, "target": target}
    if weight is not None:
        inputs["weight"] = weight
    return Question(op, name, inputs, args, constant=constant, upstream="ones")


def _classified(op: str, scale: float) -> Iterator[Question]:
    """Questions that cross_entropy and nll_loss share: targets are classes."""
    for (key, shape), reduction in itertools.product(SHAPES.items(), REDUCTIONS):
        logits, target = uniform(shape, scale), integers(_target_shape(shape), _classes(shape))
        weight = uniform((_classes(shape),), 1.0, 1.5)
        yield _ask(op, f"{key}-{reduction}", logits, target, reduction=reduction)
        yield _ask(op, f"{key}-{reduction}-weight", logits, target, weight, reduction=reduction)
        if _classes(shape) < 3 or len(shape) == 1:
            continue
        yield _ask(op, f"{key}-{reduction}-ignore1", logits, target, reduction=reduction, ignore_index=1)
        yield _ask(
            op,
            f"{key}-{reduction}-ignore-below-0-weight",
            logits,
            integers(_target_shape(shape), _classes(shape), -1),
            weight,
            reduction=reduction,
            ignore_index=-1,
        )
    shape = (4, 3)
    logits, none_left = uniform(shape, scale), integers((4,), 1)
    for reduction in REDUCTIONS:
        yield _ask(op, f"all-ignored-{reduction}", logits, none_left, reduction=reduction, ignore_index=0)
        weight = with_values(uniform((3,), 1.0, 1.5), (1, 0.0))
        yield _ask(op, f"zero-weight-{reduction}", logits, integers((4,), 3), weight, reduction=reduction)
        signed = with_values(uniform((3,)), (0, 2.0), (1, -0.25), (2, 3.0))
        yield _ask(op, f"signed-weight-{reduction}", logits, integers((4,), 3), signed, reduction=reduction)


def _cross_entropy() -> Iterator[Question]:
    yield from _classified("cross_entropy", 3.0)
    for key, smoothing, weighted, reduction in itertools.product(
        ("c", "nc", "ncdd5", "n10"), (0.1, 1.0), (False, True), REDUCTIONS
    ):
        shape = SHAPES[key]
        classes = _classes(shape)
        weight = uniform((classes,), 1.0, 1.5) if weighted else None
        name = f"{key}-{reduction}-smoothing{smoothing}{'-weight' if weighted else ''}"
        args = {"reduction": reduction, "label_smoothing": smoothing}
        target = integers(_target_shape(shape), classes)
        yield _ask("cross_entropy", name, uniform(shape, 3.0), target, weight, **args)
        if len(shape) > 1:
            args["ignore_index"] = 1
            yield _ask("cross_entropy", f"{name}-ignore1", uniform(shape, 3.0), target, weight, **args)
    for key, smoothing, weighted, reduction in itertools.product(
        ("c", "nc", "nc1", "ncdd", "ncddd", "n10"), (0.0, 0.2), (False, True), REDUCTIONS
    ):
        shape = SHAPES[key]
        weight = uniform((_classes(shape),), 1.0, 1.5) if weighted else None
        name = f"{key}-{reduction}-probabilities-smoothing{smoothing}{'-weight' if weighted else ''}"
        args = {"reduction": reduction, "label_smoothing": smoothing}
        yield _ask("cross_entropy", name, uniform(shape, 3.0), uniform(shape, 0.5, 0.5), weight, **args)
    yield _ask(
        "cross_entropy", "large-logits", uniform((6, 10), 2000.0), integers((6,), 10), reduction="mean"
    )
    yield _ask(
        "cross_entropy", "offset-logits", uniform((6, 10), 1.0, 500.0), integers((6,), 10), reduction="sum"
    )
    hidden = with_values(uniform((2, 4)), (1, -math.inf), (6, -math.inf))
    target = with_values(integers((2,), 4), (0, 0), (1, 3))
    yield _ask("cross_entropy", "minus-inf-logits", hidden, target, reduction="mean")


def _mse() -> Iterator[Question]:
    for shape, reduction in itertools.product([(), (5,), (5, 5), (2, 3, 4, 5), (0, 3)], REDUCTIONS):
        name = f"{'x'.join(map(str, shape))}-{reduction}"
        yield _ask(
            "mse_loss", name, uniform(shape), uniform(shape), constant=("target",), reduction=reduction
        )


def questions() -> Iterator[Question]:
    """Yield every question of this file."""
    yield from _cross_entropy()
    yield from _classified("nll_loss", 3.0)
    yield from _mse()
