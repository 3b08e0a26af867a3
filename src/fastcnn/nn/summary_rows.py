"""The rows of a summary, made while a network runs."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import graph
from .._samples import Samples, one_or_all
from .passive import tensors
from .receptive_field import Field, ReceptiveFields
from .summary_figures import LayerRow
from .tree import Tree


class Rows:
    """Takes what `calls.watched` and `passive.observe` tell of one sample's forward pass.

    Parameters
    ----------
    model : Module
    sample : array or tuple of arrays

    Attributes
    ----------
    layers : list of LayerRow
        One for each call of a module without children, and one for each product with weights that a module
        with children computes by a function.
    outputs : dict
        The numbers that have to be kept, by the id of their array.
    """

    def __init__(self, model: Tree[Any], sample: Samples) -> None:
        self.layers: list[LayerRow] = []
        self.outputs: dict[int, int] = {}
        self._names = {id(module): path for path, module in model.named_modules()}
        self._parameters = {id(p.data): p for p in model.parameters()}
        self._fields = ReceptiveFields(model, sample)
        self._counted: set[int] = set()
        self._macs: dict[int, int] = {}  # of functions in a module's forward

    def operation(
        self, module: Tree[Any], operation: graph.Operation, xs: list[np.ndarray], ys: list[np.ndarray]
    ) -> None:
        """Note an operation; its products count for the module, or have a row if that has members."""
        self._fields.apply(operation, xs, ys)
        macs = operation.macs([x.shape for x in xs], ys[0].shape)
        if not macs:
            return
        if not _has_members(module):
            self._macs[id(module)] = self._macs.get(id(module), 0) + macs
        elif not hasattr(module, "macs"):
            kind = type(operation).__name__
            name = f"{self._names.get(id(module), '')}.{kind}".lstrip(".")
            own = [self._parameters[id(x)] for x in xs if id(x) in self._parameters]
            ends = self._fields.of(xs[0]), self._fields.of(ys[0])
            self._add(name, kind, xs[:1], ys, own, macs, ends)

    def module(self, module: Tree[Any], given: Any, made: Any) -> None:
        """Note a call of a module."""
        xs, ys = tensors(given), tensors(made)
        ends = self._fields.note(module, xs, ys)
        of_functions = self._macs.pop(id(module), 0)
        if _has_members(module):
            # What a container returns is an array of its own only where it merges branches.
            for y in ys:
                self.outputs.setdefault(id(y), y.size)
            return
        for y in ys:
            self.outputs[id(y)] = self.outputs.get(id(y), 0) + (0 if module._reuses_input else y.size)
        kind = type(module).__name__
        shape = one_or_all([y.shape for y in ys])
        macs = module.macs(shape) if hasattr(module, "macs") else of_functions
        name = self._names.get(id(module), "") or kind
        self._add(name, kind, xs, ys, list(module.parameters()), macs, ends)

    def _add(
        self,
        name: str,
        kind: str,
        xs: list[np.ndarray],
        ys: list[np.ndarray],
        parameters: list[Any],
        macs: int,
        ends: tuple[Field | None, Field | None],
    ) -> None:
        own = [p for p in parameters if id(p) not in self._counted]
        self._counted.update(id(p) for p in own)
        before, after = ends
        self.layers.append(
            LayerRow(
                len(self.layers) + 1,
                name,
                kind,
                one_or_all([x.shape[1:] for x in xs]),
                one_or_all([y.shape[1:] for y in ys]),
                sum(p.size for p in own),
                sum(p.size for p in own if p.requires_grad),
                macs,
                after and after.size,
                before and before.jump,
                after and after.jump,
            )
        )


def _has_members(module: Tree[Any]) -> bool:
    return any(True for _ in module.children())
