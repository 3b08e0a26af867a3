"""A forward pass that is watched and leaves no trace: what each operation makes, and whose it is."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import graph
from .._samples import Samples
from ..engine.effects import Generators
from ..nn import calls
from ..nn.module import Module
from ..nn.prediction import call
from .buffers import Buffers


def watch_forward(model: Module, x: Samples, watch: graph.Watch) -> Any:
    """Run a model as training does, each module in its own mode, and tell of each operation.

    Buffers and generators of random numbers are afterwards as they were before.

    Parameters
    ----------
    model : Module
    x : array (N, ...), or tuple of arrays for several inputs
    watch : callable ``watch(module, operation, inputs, outputs)``

    Returns
    -------
    array, or what else the model returns
    """
    buffers = Buffers(model)
    buffers.keep()
    try:
        with (
            Generators(model).kept(),
            calls.passive(evaluating=False),
            calls.watched(watch),
            np.errstate(all="ignore"),
        ):
            return call(model, x, model)
    finally:
        buffers.put_back()


class Names:
    """What operations are called: by the layer whose forward applies them.

    Parameters
    ----------
    model : Module
    """

    def __init__(self, model: Module) -> None:
        self._paths = {id(module): path for path, module in reversed(list(model.named_modules()))}

    def of(self, module: Any, operation: graph.Operation) -> str:
        """Return the path of a layer, or that of what contains the call of a function, and its name."""
        path = self._paths.get(id(module), "")
        function = type(operation).__name__
        if any(True for _ in module.children()) or not path:
            return f"{path}.{function}".lstrip(".")
        return path

    def described(self, module: Any, operation: graph.Operation) -> str:
        """Return the same for a sentence."""
        path, kind = self._paths.get(id(module), ""), type(module).__name__
        if not path or any(True for _ in module.children()):
            place = f"layer {path!r} ({kind})" if path else kind
            return f"{type(operation).__name__} in the forward of {place}"
        return f"layer {path!r} ({kind})"
