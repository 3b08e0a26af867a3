"""How each layer of a network fares while it is trained, for one that does not learn."""

from __future__ import annotations

import logging
import math
import re
from collections import Counter
from collections.abc import Mapping
from os import PathLike
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import _samples, graph
from .._samples import Samples
from .._shapes import integer
from ..nn.module import Module
from ..nn.parameter import Parameter
from .callback import Callback
from .files import write_table
from .report import new_figure, plot_layers
from .trainer import Trainer
from .verdicts import verdicts
from .watching import Names, watch_forward

if TYPE_CHECKING:
    from matplotlib.figure import Figure

logger = logging.getLogger(__name__)

_FINE = "nothing looks wrong"


class Diagnostics(Callback):
    """Record how each layer fares, every few steps, and say what looks wrong.

    Training goes on to the bit as it would have without, if forward keeps nothing from one call to the next
    but buffers and generators of random numbers; hooks see one more call. Layers with a backward of their own
    have no row. A record costs about as much as a step of a few
    dozen images that runs layer after layer.

    Parameters
    ----------
    every : int
        Steps from one record to the next; the first is that of the first step.
    samples : int
        Images of a batch that activations are measured on.
    path : str or path, optional
        A PNG, drawn after each epoch.

    Attributes
    ----------
    rows : list of dict
        A layer in a step: "step" (from 1, over all epochs), "epoch" (1.5 is half-way through the second),
        "layer" (its name; for a function called in a forward, with that of the function), "type". Of what it
        makes in training mode, before the step: "size" (root of the mean square), "spread" (standard
        deviation), "between" (that between images, the mean over units), for ReLU and the like "dead", the
        share of units, channels or features, that are 0 in all images and places. Of its weights: "gradient",
        the norm, and "update", the norm of the change in the step over that of the weights. None where a
        layer has no such thing.

    Examples
    --------
    >>> diagnostics = Diagnostics(every=50)
    >>> trainer = Trainer(model, optimizer, loss, callbacks=[diagnostics])
    >>> trainer.fit(train, epochs=1, batch_size=64)
    >>> print(diagnostics.verdict())
    nothing looks wrong
    >>> diagnostics.plot("layers.png")
    """

    def __init__(self, every: int = 100, samples: int = 64, path: str | PathLike[str] | None = None) -> None:
        self.every = integer(every, "Diagnostics: every", 1)
        self.samples = integer(samples, "Diagnostics: samples", 1)
        self.path = path
        if path is not None:
            new_figure(1, 1)  # better now than after an epoch that it needs matplotlib
        self._reset()

    def _reset(self) -> None:
        self.rows: list[dict[str, Any]] = []
        self._step = 0
        self._told: list[str] = []
        self._before: dict[str, list[tuple[Parameter, np.ndarray]]] = {}

    def verdict(self) -> str:
        """Return what looks wrong in the last records, in a sentence or several."""
        return "; ".join(verdicts(self.rows)) or _FINE

    def plot(self, path: str | PathLike[str] | None = None) -> Figure:
        """Draw the records; see `fastcnn.training.report.plot_layers`."""
        return plot_layers(self.rows, self.verdict(), path)

    def to_csv(self, path: str | PathLike[str]) -> None:
        """Write `rows` as a CSV file; an older file is replaced."""
        names = list(self.rows[0]) if self.rows else []
        write_table(path, names, [[row[name] for name in names] for row in self.rows])

    # Events -----------------------------------------------------------------------------------------

    def on_train_begin(self, trainer: Trainer) -> None:
        """Forget another training."""
        if not trainer.history.epochs:
            self._reset()

    def on_batch_begin(self, trainer: Trainer, batch: int, images: Samples, labels: np.ndarray) -> None:
        """Measure activations and copy the weights, if it is time to."""
        self._before = {}
        if self._step % self.every == 0:
            x = trainer.prepare(_samples.take(images, slice(self.samples)))
            epoch = trainer.place_of(batch)
            self._measure(trainer.model, x, {"step": self._step + 1, "epoch": epoch})
        self._step += 1

    def on_batch_end(self, trainer: Trainer, batch: int, logs: dict[str, Any]) -> None:
        """Measure gradients and updates of weights, if it is time to."""
        for layer, pairs in self._before.items() if math.isfinite(logs["loss"]) else ():
            row = next(row for row in reversed(self.rows) if row["layer"] == layer)
            grads = [parameter.grad for parameter, _ in pairs if parameter.grad is not None]
            row["gradient"] = _norm(grads)
            size = _norm([before for _, before in pairs])
            change = _norm([parameter._array - before for parameter, before in pairs])
            row["update"] = change / size if size and logs["updated"] else None
        self._before = {}

    def on_epoch_end(self, trainer: Trainer, epoch: int, row: dict[str, Any]) -> None:
        """Tell of what looks wrong, each thing once, and draw the picture."""
        self._tell()

    def on_train_end(self, trainer: Trainer, history: Any) -> None:
        """Do so also of an epoch that did not come to its end."""
        self._tell()

    def _tell(self) -> None:
        for sentence in verdicts(self.rows):
            thing = re.sub(r"\d[\d.e+%-]*", "#", sentence)  # the same with other figures is not news
            if thing not in self._told:
                self._told.append(thing)
                logger.warning("%s", sentence)
        if self.path is not None and self.rows:
            self.plot(self.path)

    def state_dict(self) -> dict[str, Any]:
        """Return the records so far."""
        return {"step": self._step, "rows": [dict(row) for row in self.rows], "told": list(self._told)}

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Take over what `state_dict` returned."""
        self._step, self._told = int(state_dict["step"]), [str(each) for each in state_dict["told"]]
        self.rows = [dict(row) for row in state_dict["rows"]]

    # Inside -----------------------------------------------------------------------------------------

    def _measure(self, model: Module, x: Samples, place: dict[str, Any]) -> None:
        """Add a row for each operation that takes weights, and for each activation."""
        names, counts = Names(model), Counter()  # type: ignore[var-annotated]
        trained = {
            id(parameter._array): parameter for parameter in model.parameters() if parameter.requires_grad
        }

        def watch(
            module: Any, operation: graph.Operation, inputs: list[np.ndarray], outputs: list[np.ndarray]
        ) -> None:
            own = [trained[id(each)] for each in inputs if id(each) in trained]
            if not outputs or outputs[0].dtype.kind != "f" or not (own or _is_activation(operation)):
                return
            name = names.of(module, operation)
            counts[name] += 1
            if counts[name] > 1:  # what stands in several places, or is called several times
                name = f"{name} ({counts[name]})"
            if own:
                self._before[name] = [(parameter, parameter._array.copy()) for parameter in own]
            figures = _figures(outputs[0], _samples.count(x), getattr(operation, "gates", False))
            row = {**place, "layer": name, "type": type(operation).__name__, **figures}
            self.rows.append({**row, "gradient": None, "update": None})

        watch_forward(model, x, watch)


def _is_activation(operation: graph.Operation) -> bool:
    return isinstance(operation, graph.Activation | graph.Softmax | graph.LogSoftmax)


def _figures(y: np.ndarray, images: int, gates: bool) -> dict[str, float | None]:
    """Return what is recorded of an output (N, C, ...)."""
    values = y.astype(np.float64)
    found: dict[str, float | None] = {"size": 0.0, "spread": 0.0, "between": None, "dead": None}
    if not y.size:
        return found
    if not np.isfinite(values).all():
        return {**found, "size": math.inf, "spread": math.inf}
    scale = float(np.abs(values).max()) or 1.0  # squares of large values would overflow
    values /= scale
    found["size"], found["spread"] = (
        scale * math.sqrt(np.mean(np.square(values))),
        scale * float(values.std()),
    )
    if y.ndim > 1 and len(y) == images > 1:
        found["between"] = scale * float(values.std(0).mean())
        if gates:
            found["dead"] = float(np.mean((y == 0).all(tuple(axis for axis in range(y.ndim) if axis != 1))))
    return found


def _norm(arrays: list[np.ndarray]) -> float:
    """Return the norm of all elements of all arrays."""
    scale = max((float(np.abs(each).max(initial=0.0)) for each in arrays), default=0.0)
    if scale == 0 or not math.isfinite(scale):
        return scale
    return scale * math.sqrt(sum(float(np.sum(np.square(each / scale, dtype=np.float64))) for each in arrays))
