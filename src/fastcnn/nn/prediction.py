"""A model on samples: a call with one input or several, and the outputs of many batches put together."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .. import _precision, _samples, _slots, graph
from .._samples import Outputs, Samples
from .._shapes import allocate, integer
from ..errors import DTypeError, ShapeError
from . import calls
from .views import Views


def call(model: Callable[..., Any], samples: Samples, module: Any = None) -> Any:
    """Return what a model returns for samples, whose arrays are its arguments.

    Parameters
    ----------
    model : callable
    samples : array, or tuple of arrays for several inputs
    module : Module, optional
        Whose forward it calls; the model itself if None.

    Raises
    ------
    DTypeError
        If forward takes another number of arguments.
    """
    given = _samples.arrays(samples)
    try:
        return model(*given)
    except TypeError as error:
        _check_arguments(model if module is None else module, len(given), error)
        raise


def _check_arguments(module: Any, count: int, cause: TypeError) -> None:
    """Raise DTypeError if a module's forward does not take so many arguments."""
    signature = inspect.signature(module.forward)
    try:
        signature.bind(*[None] * count)
    except TypeError as error:
        parameters = signature.parameters.values()
        names = ", ".join(str(each.replace(annotation=inspect.Parameter.empty)) for each in parameters)
        arrays = "1 array" if count == 1 else f"{count} arrays"
        raise DTypeError(
            f"{type(module).__name__}: forward takes ({names}), got {arrays}: {error}; several inputs are a "
            "tuple of arrays, each with a row for every sample, and samples in a list are one: np.stack(x)"
        ) from cause


def predict(
    module: Any, x: Samples, batch_size: int, engine: bool, precision: str | None, tta: str | None
) -> Outputs:
    """Return what `Module.predict` does."""
    size = integer(batch_size, "predict: batch_size", 1)
    samples = _samples.check(x, "predict: x")
    asked = _precision.checked(precision, "predict: precision")

    if tta is not None:
        return _mean_of_views(Views(tta, "predict: tta"), module, samples, size, engine, asked)
    if engine:
        return _slots.predict(module, samples, size, asked)
    return _eagerly(module, samples, size, asked)


def _eagerly(module: Any, samples: Samples, size: int, precision: str | None) -> Outputs:
    with calls.passive(), _precision.within(precision):
        return in_batches(lambda part: call(module, part), samples, size, "predict")


def _mean_of_views(
    views: Views, module: Any, samples: Samples, size: int, engine: bool, precision: str | None
) -> Outputs:
    run = _slots.predict if engine else _eagerly

    def mean(part: Samples) -> Any:
        return views.mean(lambda view: run(module, view, size, precision), part, "predict")

    return in_batches(mean, samples, size, "predict")


def in_batches(forward: Callable[[Samples], Any], samples: Samples, size: int, what: str) -> Any:
    """Return the outputs for samples, so many of which are computed at a time.

    Parameters
    ----------
    forward : callable
        What returns, for a batch, an array with a row for each sample, or tuples, lists or dicts of such.
    samples : array, or tuple of arrays for several inputs
    size : int
        At least 1.
    what : str
        Opens the message of an error.

    Raises
    ------
    DTypeError, ShapeError
        If there are several batches, whose outputs cannot be put together.
    """
    total = _samples.count(samples)
    if total <= size:
        return forward(samples)
    whole: Any = None
    for start in range(0, total, size):
        made = forward(_samples.take(samples, slice(start, start + size)))
        if start == 0:
            whole = graph.replaced(made, lambda y: _room(y, total, what))
        rows = slice(start, min(start + size, total))
        for y, part in graph.paired(whole, made, f"{what}: the output of a batch"):
            _put(y, part, rows, what)
    return whole


def put_together(made: Sequence[Any], what: str) -> Any:
    """Return the outputs of batches as those of all samples.

    Parameters
    ----------
    made : sequence
        Of each batch, in order: an array with a row for each sample, or tuples, lists or dicts of such.
    what : str
        Opens the message of an error.
    """
    if len(made) == 1:
        return made[0]
    parts: list[list[Any]] = [[] for _ in graph.leaves(made[0])]
    for each in made:
        for part, (_, y) in zip(
            parts, graph.paired(made[0], each, f"{what}: the output of a batch"), strict=True
        ):
            part.append(y)
    joined = iter([None if part[0] is None else np.concatenate(part) for part in parts])
    return graph.replaced(made[0], lambda _: next(joined))


def _room(y: Any, total: int, what: str) -> np.ndarray | None:
    """Return an array for the rows of an output of all batches; None for what is None."""
    if y is None:
        return None
    if not isinstance(y, np.ndarray):
        raise DTypeError(
            f"{what}: outputs of several batches must be arrays, or tuples, lists or dicts of them, got "
            f"{type(y).__name__}"
        )
    return allocate((total, *y.shape[1:]), y.dtype, f"{what}: the output")


def _put(y: np.ndarray | None, part: Any, rows: slice, what: str) -> None:
    """Write the rows of a batch into those of all."""
    expected = None if y is None else (rows.stop - rows.start, *y.shape[1:])
    shape = getattr(part, "shape", None)
    if shape != expected:
        raise ShapeError(
            f"{what}: an output of a batch of {rows.stop - rows.start} samples must have the shape "
            f"{expected}, a row for each, got {type(part).__name__ if shape is None else shape}"
        )
    if y is not None:
        y[rows] = part
