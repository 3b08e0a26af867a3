"""The gradients of parameters that a step leaves: arrays of the program, the user's own once handed out.

A step writes its gradients where the optimizer reads them, without a copy. An array that somebody keeps, or
of which somebody keeps a view, is not written again: the program gets another one in its place.
"""

from __future__ import annotations

import numpy as np

from .. import nn
from .._kernels import program as kernels
from .._shapes import filled
from ..nn.factored import FactoredGradient
from .assemble import Executable
from .parts import Factored


class Gradients:
    """What the operations of a program write for each parameter that is trained.

    Parameters
    ----------
    executable : Executable
        The program.
    arrays : list of (Parameter, array)
        A parameter's gradient, flat, and in the order of the program. Kept up to date.
    factored : list of Factored
        Gradients that the program leaves as products of two arrays.
    model : Module
        All of whose parameters a step gives new gradients, or none.
    outside : list of Parameter
        Those of modules that run in Python, which add to their gradients themselves.
    """

    def __init__(
        self,
        executable: Executable,
        arrays: list[tuple[nn.Parameter, np.ndarray]],
        factored: list[Factored],
        model: nn.Module,
        outside: list[nn.Parameter],
    ) -> None:
        self.arrays = arrays
        self._executable = executable
        self._factored = factored
        self._externals = [array for each in factored for array in (each.dy, each.x)]
        self._factors: dict[str, np.ndarray] = {}  # of the latest step
        self._dtype = executable.writer.element.real
        self._outside = outside
        others = {id(parameter) for parameter in outside}
        self._all = [parameter for parameter in model.parameters() if id(parameter) not in others]
        uses: dict[int, list[tuple[int, str]]] = {}  # of each buffer of an operation, by its id
        for i, op in enumerate(executable.writer.ops):
            for name, buffer in op.buffers.items():
                uses.setdefault(id(buffer), []).append((i, name))
        self._places = [uses.get(id(array), []) for _, array in arrays]
        self._unwritten = [k for k, places in enumerate(self._places) if not places]
        self._parameters = [parameter for parameter, _ in arrays]
        self._shaped = [array.reshape(parameter.shape) for parameter, array in arrays]
        self._references = self._count_references()

    def _count_references(self) -> list[int]:
        return kernels.references(self._shaped, self._parameters)

    def keep_handed_out(self) -> None:
        """Let the program write elsewhere what somebody else holds; to be called before each step."""
        now = self._count_references()
        if now == self._references:
            return
        for k, (count, before) in enumerate(zip(now, self._references, strict=True)):
            if count != before:
                self._renew(k)
        self._references = self._count_references()

    def _renew(self, k: int) -> None:
        parameter, old = self.arrays[k]
        array = filled((old.size,), 0, old.dtype, "engine: a gradient", aligned=True)
        self.arrays[k] = parameter, array
        self._shaped[k] = array.reshape(parameter.shape)
        for op, name in self._places[k]:
            self._executable.writer.ops[op].arguments[name] = array
            self._executable.program.bind(op, name, array)

    def forget_outside(self) -> None:
        """Let parameters of modules that run in Python have no gradient; to be called before each step."""
        for parameter in self._outside:
            parameter.grad = None

    def room_for_factors(self, batch: int) -> dict[str, np.ndarray]:
        """Return the arrays that a step of so many images writes factors to, by what the program calls them.

        They are new ones in each step: a gradient that nobody has asked for yet keeps its own.
        """
        self._factors = {each.name: np.empty((batch, each.count), self._dtype) for each in self._externals}
        return self._factors

    def hand_out(self) -> None:
        """Let the step's gradients be those of the parameters, which have no others then."""
        for parameter in self._all:
            parameter._grad = None
        for each in self._factored:
            parameter, dy, x = each.parameter, *(self._factors[array.name] for array in (each.dy, each.x))
            parameter._grad = FactoredGradient(dy, x, parameter.shape)
        for k in self._unwritten:
            self._shaped[k].fill(0)  # whatever the user has made of it
        for parameter, grad in zip(self._parameters, self._shaped, strict=True):
            parameter._grad = grad if parameter._grad is None else parameter.grad + grad
