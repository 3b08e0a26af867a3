"""Where the values of a step left the finite numbers."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .. import _samples, graph
from .._samples import Samples
from ..nn.module import Module
from ..nn.parameter import Parameter
from .watching import Names, watch_forward


def first_not_finite(
    model: Module, x: Samples, target: np.ndarray, loss: Any, refused: str, trained: list[Parameter]
) -> str:
    """Say in what of a step the first values are that are not finite; the model has not been changed by it.

    Parameters
    ----------
    model : Module
        Before the step; with its gradients, if they are what is not finite.
    x : array, or tuple of arrays for several inputs
        Images, as the model takes them.
    target : array
        Labels.
    loss : loss of fastcnn.nn, or the like
    refused : str
        What was not finite, as the executor says.
    trained : list of Parameter
        What the optimizer holds.

    Returns
    -------
    str
        The end of a sentence that begins with "the first values that are not finite are".
    """
    for image in _samples.arrays(x):
        if _count(image):
            bad = np.flatnonzero(~np.isfinite(image).reshape(len(image), -1).all(1))
            others = f" and {len(bad) - 1} others have" if len(bad) > 1 else " has"
            return f"in the images: image {bad[0]} of the batch{others} some"
    for name, parameter in model.named_parameters():
        if _count(parameter.data):
            return f"among the weights, which had them before the step: {name}"
    names, order = Names(model), []
    found: list[str] = []

    def watch(
        module: Any, operation: graph.Operation, inputs: list[np.ndarray], outputs: list[np.ndarray]
    ) -> None:
        order.append(module)
        count, largest = sum(map(_count, outputs)), max(map(_largest, inputs), default=0.0)
        if not found and count:
            found.append(
                f"those that {names.described(module, operation)} makes: {count} of "
                f"{sum(each.size for each in outputs)}, of values of at most {largest:.3g}"
            )

    outputs = watch_forward(model, x, watch)
    if found:
        return found[0]
    if refused == "gradient":
        return f"in the gradient of {_first_gradient(model, order, trained)}"
    if refused == "weights":
        return "in what the optimizer makes of the weights"
    if refused != "loss":
        return f"in {refused}"
    with np.errstate(all="ignore"):
        if not math.isfinite(loss(outputs, target)):
            found_in = [_largest(each) for each in graph.leaves(outputs) if isinstance(each, np.ndarray)]
            return f"the loss itself, of outputs of at most {max(found_in, default=0.0):.3g}"
    return "in sums of the compiled program: layer after layer all are finite"


def _first_gradient(model: Module, order: list[Any], trained: list[Parameter]) -> str:
    """Return the name of the parameter whose gradient a backward pass computes first, of those not finite."""
    names = {id(parameter): name for name, parameter in model.named_parameters()}
    used = {id(p): p for module in order for p in module._parameters.values() if p is not None}
    others = [p for p in [*trained, *model.parameters()] if id(p) not in used]
    for parameter in reversed([*others, *used.values()]):
        if parameter.grad is not None and _count(parameter.grad):
            return names.get(id(parameter), f"a parameter {parameter.shape} that is not the model's")
    return "a parameter, which is finite now"


def _count(array: Any) -> int:
    """Return how many values are not finite."""
    kept = np.asarray(array)
    return 0 if kept.dtype.kind not in "fc" else int(kept.size - np.count_nonzero(np.isfinite(kept)))


def _largest(array: np.ndarray) -> float:
    """Return the largest magnitude of the finite values."""
    if array.dtype.kind != "f" or not array.size:
        return 0.0
    return float(np.max(np.abs(array), initial=0.0, where=np.isfinite(array)))
