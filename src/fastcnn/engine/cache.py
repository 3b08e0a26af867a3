"""The plans of one model: made when they are needed, made anew when the model has changed."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Any

import numpy as np

from .. import _samples, nn
from .._kernels import cpu
from .._samples import Samples, Sizes
from .._shapes import INT_MAX
from ..errors import FastcnnError, ShapeError
from ..nn import changes
from ..nn.module import PLANS
from .algorithms import Wanted, trains_few
from .choose import choose, choose_bands, multiplies, settled
from .fuse import fuse
from .graph import Graph
from .locking import Locked
from .lower import element_type, lower_picture, trace
from .nodes.loss import LossSpec
from .plan import Plan
from .tracing import Picture
from .wanted import wanted

_log = logging.getLogger("fastcnn.engine")
# Plans that a cache keeps, the last used: one for each shape of input and mode.
CAPACITY = 8
# Sizes of batches whose layout a cache remembers.
_REMEMBERED_SIZES = 256


@dataclass(frozen=True)
class Unsupported:
    """Why there is no plan: eager mode is to run the model, or to say what is wrong.

    Attributes
    ----------
    reason : str
        What the engine does not take.
    news : bool
        Whether the log is to say so: the model is the reason, and not this one input.
    """

    reason: str
    news: bool = True


class Plans(Locked):
    """The last used plans of a model, which is given with each call: a model may hold its plans, not they it.

    Parameters
    ----------
    input_gradient : bool
        Whether plans for training return the gradient of the input.
    precision, conv_algorithm : str, optional
        What is wanted of products, if not what the settings say, see wanted.py.
    """

    def __init__(
        self,
        input_gradient: bool = False,
        precision: str | None = None,
        conv_algorithm: str | None = None,
    ) -> None:
        super().__init__()
        self.input_gradient = input_gradient
        self.precision = precision
        self.conv_algorithm = conv_algorithm
        self.reported = False  # whether the log says why the model runs eagerly
        self._plans: dict[tuple, Plan] = {}
        self._graphs: dict[tuple, Graph | Unsupported] = {}
        self._layouts: dict[tuple, tuple[str, int]] = {}
        self._last: tuple[tuple | None, Any] = (None, None)  # what was looked for, and found
        self._seen = -1
        self._pictures: dict[tuple, Picture | Unsupported] = {}  # by shape and mode, since the latest change
        self._structures: dict[tuple, tuple] = {}  # by shape and mode, of the latest picture
        self._dtype: np.dtype | None = None
        self._training = False  # whether one of the modules is

    def find(
        self,
        model: nn.Module,
        x: Samples,
        evaluation: bool = False,
        loss: LossSpec | None = None,
        precision: str | None = None,
        factors: bool = False,
    ) -> Plan | Unsupported:
        """Return the plan for x, or why there is none.

        Parameters
        ----------
        model : Module
            Always the same one.
        x : array, or tuple of arrays
            Input.
        evaluation : bool
            Whether all layers are in evaluation mode, as in a prediction; else each is in its own.
        loss : Loss or ElementLoss, optional
            Of a plan that trains in one part.
        precision : str, optional
            Of this call.
        factors : bool
            Whether gradients may be left as factors, see `algorithms.Wanted`.
        """
        array = isinstance(x, np.ndarray)
        kind = (x.shape, x.dtype) if array else _kind(x)  # type: ignore[union-attr]
        key = kind, evaluation, loss, precision, factors
        # Without the lock, which takes as long as all of this. A search forgets the last plan, then sets
        # `_seen`, then the new plan: where `_seen` is the latest change, so is the plan, if there is one.
        if changes.latest_structure() == self._seen:
            last, plan = self._last
            if key == last and plan.fits(len(x) if array else _samples.count(x)):
                return plan
        with self.lock:
            self._last, plan = (None, None), None
            asked = wanted(precision or self.precision, self.conv_algorithm)._replace(factors=factors)
            found = self._find(model, x, evaluation, loss, asked)
            if isinstance(found, Plan):
                self._last = (key, found)
            return found

    def _find(
        self, model: nn.Module, x: Samples, evaluation: bool, loss: LossSpec | None, asked: Wanted
    ) -> Plan | Unsupported:
        self._follow(model)
        training = self._training and not evaluation
        arrays = _samples.arrays(x)
        for each in arrays:
            if not isinstance(each, np.ndarray) or not 2 <= each.ndim <= 4 or each.dtype != self._dtype:
                return Unsupported("an input that is no batch of the parameters' type", news=False)
        size = _samples.count(x)
        if any(len(each) != size for each in arrays):
            return Unsupported("inputs that differ in length", news=False)
        if training and size == 0:
            return Unsupported("training with no image", news=False)
        if loss is not None and not training:
            return Unsupported("a step of training in evaluation mode", news=False)
        shape = _samples.one_or_all([each.shape[1:] for each in arrays])
        picture = self._picture(model, shape, training)
        if isinstance(picture, Unsupported):
            return picture
        mode = picture.mode if training else None
        graph = self._graph(model, shape, mode, picture)
        if isinstance(graph, Unsupported):
            return graph
        if not training and not multiplies(graph):
            return Unsupported("nothing is multiplied", news=False)
        layout, bands = self._layout(graph, shape, mode, size, asked)
        few = trains_few(training, size)
        key = (shape, mode, loss, layout, bands, bands > 1 and size == 1, few, asked)
        plan = self._plans.pop(key, None)
        if plan is not None and not plan.fits(size):
            size = max(size, plan.capacity) if training and plan.capacity < INT_MAX else size
            plan = None  # its memory is freed before the next one asks for some
        if plan is None:
            made = self._make(model, shape, training, size, layout, bands, loss, graph, asked)
            if isinstance(made, Unsupported):
                return made
            plan = made
        self._plans[key] = plan
        _keep_last(self._plans, CAPACITY)
        if _samples.count(x) < plan.min_batch:
            return Unsupported("batch normalisation of one value", news=False)
        return plan

    def _follow(self, model: nn.Module) -> None:
        """Forget what a change of a module or of an array may have made untrue."""
        latest = changes.latest_structure()
        if latest == self._seen:
            return
        self._pictures.clear()
        self._dtype = element_type(model)
        self._training = any(module.training for module in model.modules())
        self._seen = latest

    def _picture(self, model: nn.Module, shape: Sizes, training: bool) -> Picture | Unsupported:
        """Return what the model does; forget all plans if that is not what it did before."""
        key = (shape, training)
        found = self._pictures.get(key)
        if found is None:
            try:
                found = trace(model, shape, training)
            except FastcnnError as error:
                # An image without a batch looks like lines, of a shape that does not fit.
                lines = any(len(each) == 2 for each in _samples.each_of(shape))
                found = Unsupported(str(error), news=not (lines and isinstance(error, ShapeError)))
            self._pictures[key] = found
            _keep_last(self._pictures, CAPACITY)
            if isinstance(found, Picture):
                if self._structures.get(key, found.structure) != found.structure:
                    for kept in (self._plans, self._graphs, self._layouts, self._structures):
                        kept.clear()
                self._structures[key] = found.structure
        return found

    def _graph(
        self, model: nn.Module, shape: Sizes, mode: tuple | None, picture: Picture
    ) -> Graph | Unsupported:
        """Return what the model is lowered to, once for each shape and mode."""
        key = (shape, mode)
        found = self._graphs.pop(key, None)
        if found is None:
            try:
                found = fuse(lower_picture(model, picture))
            except FastcnnError as error:
                found = Unsupported(str(error))
        self._graphs[key] = found
        _keep_last(self._graphs, CAPACITY)
        return found

    def _layout(
        self, graph: Graph, shape: Sizes, mode: tuple | None, size: int, asked: Wanted
    ) -> tuple[str, int]:
        """Return layout and bands for a batch of a size."""
        training, threads = mode is not None, cpu.threads_in_use()
        key = (shape, mode, size, threads, asked)
        if key not in self._layouts:
            layout = choose(graph, size, training, settled(graph, training, asked))
            self._layouts[key] = (layout.name, choose_bands(graph, layout, size, training, threads))
            _keep_last(self._layouts, _REMEMBERED_SIZES)
        return self._layouts[key]

    def _make(
        self,
        model: nn.Module,
        shape: Sizes,
        training: bool,
        size: int,
        layout: str,
        bands: int,
        loss: LossSpec | None,
        graph: Graph,
        asked: Wanted,
    ) -> Plan | Unsupported:
        try:
            return Plan(
                model,
                shape,
                training=training,
                batch_size=size,
                # A step has nobody who would take that of its input.
                input_gradient=self.input_gradient and training and loss is None,
                layout=layout,
                bands=bands,
                loss=loss,
                graph=graph,
                wanted=asked,
            )
        except FastcnnError as error:
            return Unsupported(str(error))


def _kind(x: Any) -> Any:
    """Return shape and type of an array, or of each in a tuple; None for what has neither."""
    if isinstance(x, tuple):
        return tuple(map(_kind, x))
    return (x.shape, x.dtype) if isinstance(x, np.ndarray) else None


def _keep_last(kept: dict, count: int) -> None:
    """Forget all but the last so many entries."""
    while len(kept) > count:
        del kept[next(iter(kept))]


def plans_of(model: nn.Module) -> Plans:
    """Return the plans that a model holds itself, for predict."""
    found = model.__dict__.get(PLANS)
    return model.__dict__.setdefault(PLANS, Plans()) if found is None else found


def report(model: nn.Module, why: Unsupported) -> None:
    """Say once for each model why it runs eagerly; for a call that eager mode has taken."""
    plans = plans_of(model)
    if why.news and not plans.reported:
        plans.reported = True
        _log.warning("the model runs eagerly, without the compiled engine: %s", why.reason)
