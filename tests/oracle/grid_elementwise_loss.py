"""Questions about losses of single elements, and about margins of classes."""

import itertools
from collections.abc import Iterator
from typing import Any

from .question import Question
from .recipe import Spec, integers, levels, uniform, with_values

REDUCTIONS = ("mean", "sum", "none")
SHAPES: list[tuple[int, ...]] = [(), (5,), (1, 4), (3, 21), (2, 3, 5), (2, 3, 4, 5), (0, 3)]
PROBABILITY = {"scale": 0.5, "shift": 0.5}
# Function -> what its inputs and targets are drawn from, and its arguments.
FUNCTIONS: dict[str, tuple[dict, dict, list[dict[str, Any]]]] = {
    "l1_loss": ({}, {}, [{}]),
    "smooth_l1_loss": ({}, {}, [{}, {"beta": 0.25}, {"beta": 0}]),
    "huber_loss": ({}, {}, [{}, {"delta": 0.25}, {"delta": 3.0}]),
    "binary_cross_entropy": (PROBABILITY, PROBABILITY, [{}]),
    "binary_cross_entropy_with_logits": ({"scale": 4.0}, PROBABILITY, [{}]),
    "kl_div": ({"scale": 3.0, "shift": -3.0}, PROBABILITY, [{}]),
    "poisson_nll_loss": (
        PROBABILITY,
        {"scale": 4.0, "shift": 4.0},
        [{}, {"log_input": False}, {"full": True}, {"log_input": False, "full": True, "eps": 0.5}],
    ),
    "soft_margin_loss": ({"scale": 3.0}, {}, [{}]),
}


def _ask(op: str, name: str, args: dict, **inputs: Spec) -> Question:
    constant = ("target", "weight", "pos_weight")
    return Question(op, name, inputs, args, constant=constant, upstream="ones")


def _name(shape: tuple[int, ...], args: dict) -> str:
    said = [f"{key}{value}" for key, value in args.items()]
    return "-".join(["x".join(map(str, shape)) or "one", *said])


def _plain() -> Iterator[Question]:
    for op, (x, target, options) in FUNCTIONS.items():
        for shape, option, reduction in itertools.product(SHAPES, options, REDUCTIONS):
            args = {**option, "reduction": reduction}
            yield _ask(op, _name(shape, args), args, x=uniform(shape, **x), target=uniform(shape, **target))
    for shape, reduction in itertools.product(SHAPES, REDUCTIONS):
        args = {"reduction": reduction, "log_target": True}
        logs = {"scale": 3.0, "shift": -3.0}
        yield _ask(
            "kl_div", _name(shape, args), args, x=uniform(shape, **logs), target=uniform(shape, **logs)
        )
        args = {"reduction": reduction, "margin": 0.5}
        signs = uniform(shape)
        places = [(0, 1.0)] if shape in ((), (5,)) else []
        target = with_values(levels(shape, 3), *places)
        yield _ask("hinge_embedding_loss", _name(shape, args), args, x=signs, target=target)
    for log_target in (False, True):
        args = {"reduction": "batchmean", "log_target": log_target}
        x, target = uniform((4, 5), 3.0, -3.0), uniform((4, 5), 0.5, 0.5)
        yield _ask("kl_div", _name((4, 5), args), args, x=x, target=target)


def _weighted() -> Iterator[Question]:
    weights: list[tuple[tuple[int, ...], tuple[int, ...]]] = [
        ((5,), (5,)),
        ((3, 21), (3, 21)),
        ((3, 21), (21,)),
        ((3, 21), (3, 1)),
        ((2, 3, 4, 5), (3, 1, 1)),
        ((1, 4), (1,)),
    ]
    for (shape, own), reduction in itertools.product(weights, REDUCTIONS):
        args = {"reduction": reduction}
        name = f"{_name(shape, args)}-weight{'x'.join(map(str, own))}"
        weight = uniform(own, 1.0, 1.5)
        for op in ("binary_cross_entropy", "binary_cross_entropy_with_logits"):
            x, target, _ = FUNCTIONS[op]
            yield _ask(op, name, args, x=uniform(shape, **x), target=uniform(shape, **target), weight=weight)
        logits, target = uniform(shape, 4.0), uniform(shape, **PROBABILITY)
        more = {"pos_weight": uniform(own, 1.0, 1.5)}
        yield _ask("binary_cross_entropy_with_logits", f"{name}-pos", args, x=logits, target=target, **more)
        more["weight"] = weight
        yield _ask("binary_cross_entropy_with_logits", f"{name}-both", args, x=logits, target=target, **more)


def _extremes() -> Iterator[Question]:
    ends = [(0, 0.0), (1, 1.0), (2, 0.0), (3, 1.0), (4, 1e-30), (5, 0.5)]
    targets = [(0, 0.0), (1, 1.0), (2, 1.0), (3, 0.0), (4, 1.0), (5, 0.5)]
    for reduction in REDUCTIONS:
        args = {"reduction": reduction}
        x, target = with_values(uniform((6,), **PROBABILITY), *ends), with_values(uniform((6,)), *targets)
        yield _ask("binary_cross_entropy", f"ends-{reduction}", args, x=x, target=target)
        large = with_values(uniform((6,)), (0, 1e4), (1, -1e4), (2, 1e4), (3, -1e4), (4, 90.0), (5, -90.0))
        yield _ask("binary_cross_entropy_with_logits", f"large-{reduction}", args, x=large, target=target)
        yield _ask("kl_div", f"ends-{reduction}", args, x=large, target=target)
        for op in ("l1_loss", "smooth_l1_loss", "huber_loss", "mse_loss"):
            yield _ask(op, f"large-{reduction}", args, x=large, target=target)
            yield _ask(op, f"equal-{reduction}", args, x=levels((4, 5), 3), target=levels((4, 5), 3))


def _gaussian() -> Iterator[Question]:
    shapes: list[tuple[tuple[int, ...], tuple[int, ...]]] = [
        ((5,), (5,)),
        ((3, 21), (3, 21)),
        ((3, 21), (3, 1)),
        ((3, 21), (3,)),
        ((1, 4), (1, 4)),
        ((2, 3, 4, 5), (2, 3, 4, 5)),
    ]
    for (shape, own), full, reduction in itertools.product(shapes, (False, True), REDUCTIONS):
        args = {"full": full, "reduction": reduction}
        name = f"{_name(shape, args)}-var{'x'.join(map(str, own))}"
        x, target = uniform(shape), uniform(shape)
        yield _ask("gaussian_nll_loss", name, args, x=x, target=target, var=uniform(own, 1.0, 1.5))
    for eps in (1e-6, 0.5):
        args = {"eps": eps, "reduction": "sum"}
        var = with_values(uniform((4,), 0.5, 0.5), (0, 0.0), (1, 1e-3))
        yield _ask("gaussian_nll_loss", f"small-{eps}", args, x=uniform((4,)), target=uniform((4,)), var=var)


def _multi_margin() -> Iterator[Question]:
    options = [{}, {"p": 2}, {"margin": 0.25}, {"p": 2, "margin": 3.0}]
    for shape, option, weighted, reduction in itertools.product(
        [(3,), (1, 3), (9, 10), (4, 33), (4, 1)], options, (False, True), REDUCTIONS
    ):
        args = {**option, "reduction": reduction}
        classes, rows = shape[-1], shape[:-1]
        inputs = {"x": uniform(shape), "target": integers(rows, classes)}
        if weighted:
            inputs["weight"] = uniform((classes,), 1.0, 1.5)
        yield _ask("multi_margin_loss", _name(shape, args) + "-weight" * weighted, args, **inputs)


def questions() -> Iterator[Question]:
    """Yield every question of this file."""
    yield from _plain()
    yield from _weighted()
    yield from _extremes()
    yield from _gaussian()
    yield from _multi_margin()
