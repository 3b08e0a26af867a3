"""Lookahead: slow weights behind those of another optimizer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from .._kernels import optim as kernels
from .._shapes import integer
from ..errors import ArgumentError, DTypeError
from ..nn.parameter import Parameter
from ._check import share
from .finite import step_with
from .gradients import Gathered
from .optimizer import Optimizer

_SLOW, _COUNT = "slow_weights", "lookahead_step"


class Lookahead(Optimizer):
    """Lookahead (Zhang et al., 2019) around any optimizer; PyTorch has none.

    Every k steps of the optimizer, whose weights are p, the slow weights s go a part of the way after it, and
    it goes on from there::

        s = s + alpha (p - s)
        p = s

    Schedules, Trainer and state dicts take it in the optimizer's place: groups and options are the
    optimizer's. In its state a parameter has "slow_weights" besides, and a group "lookahead_step", the steps
    since the last time.

    Parameters
    ----------
    optimizer : Optimizer
    k : int
        At least 1.
    alpha : float
        In [0, 1].

    Raises
    ------
    ArgumentError, DTypeError
        If an argument is none.
    """

    def __init__(self, optimizer: Optimizer, k: int = 5, alpha: float = 0.5) -> None:
        if not isinstance(optimizer, Optimizer):
            raise DTypeError(f"Lookahead: optimizer must be an Optimizer, got {type(optimizer).__name__}")
        self.optimizer = optimizer
        self.k = integer(k, "Lookahead: k", 1)
        self.alpha = share(alpha, "Lookahead: alpha")
        for group in optimizer.param_groups:
            group[_COUNT] = 0

    @property
    def _name(self) -> str:
        return f"Lookahead({self.optimizer._name})"

    # What others read of an optimizer is that of the one within.

    @property
    def param_groups(self) -> list[dict[str, Any]]:  # type: ignore[override]
        """The optimizer's groups."""
        return self.optimizer.param_groups

    @property
    def state(self) -> dict[Parameter, dict[str, Any]]:  # type: ignore[override]
        """The optimizer's state, with the slow weights."""
        return self.optimizer.state

    @property
    def defaults(self) -> dict[str, Any]:  # type: ignore[override]
        """The optimizer's options."""
        return self.optimizer.defaults

    def add_param_group(self, group: dict[str, Any]) -> None:
        """Add parameters with options of their own; see Optimizer."""
        self.optimizer.add_param_group(group)
        self.param_groups[-1][_COUNT] = 0

    def gathered(self) -> list[Gathered]:
        """Return the gradients that a step takes, by groups and types."""
        return self.optimizer.gathered()

    def stays_finite(self, group: dict[str, Any], largest: float) -> bool:
        """Tell what the optimizer tells: the slow weights lie between weights."""
        return self.optimizer.stays_finite(group, largest)

    def take(self, gathered: list[Gathered]) -> None:
        """Take a step of the optimizer with gradients that were gathered, and every k steps its own."""
        trained = [parameter for _, _, pairs in gathered for parameter, _ in pairs]
        fresh = [(each, each.data.copy()) for each in trained if _SLOW not in self.state.get(each, ())]
        step_with(self.optimizer, gathered)
        for parameter, weights in fresh:
            self.state.setdefault(parameter, {})[_SLOW] = weights
        for group in self.param_groups:
            group[_COUNT] = (group.get(_COUNT, 0) + 1) % self.k
            if group[_COUNT] == 0:
                self._follow([each for each in group["params"] if each.requires_grad])

    def _follow(self, parameters: list[Parameter]) -> None:
        """Let the slow weights go a part of the way, and the parameters be there."""
        pairs: dict[np.dtype, list[tuple[np.ndarray, np.ndarray]]] = {}
        for parameter in parameters:
            state = self.state.get(parameter, {})
            if _SLOW in state:
                slow = self._buffer(state, _SLOW, parameter.data)
                pairs.setdefault(slow.dtype, []).append((slow, parameter.data))
        for dtype, each in pairs.items():
            kernels.step("average", dtype.itemsize, each, {"share": self.alpha})
            kernels.copy_arrays([fast for _, fast in each], [slow for slow, _ in each])

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Take over what state_dict returned; see Optimizer."""
        what, inner = f"{self._name}.load_state_dict", state_dict
        slow: dict[Parameter, np.ndarray] = {}
        counts: list[int] = []
        if _is_state(state_dict):
            states, groups = state_dict["state"], state_dict["param_groups"]
            own = [parameter for group in self.param_groups for parameter in group["params"]]
            owner = dict(zip((i for group in groups for i in group["params"]), own, strict=False))
            for index, held in states.items():
                if _SLOW in held:
                    if index not in owner:
                        raise ArgumentError(f"{what}: no group has the parameter {index!r}")
                    slow[owner[index]] = self._restored(held[_SLOW], _SLOW, owner[index])
            counts = [integer(group.get(_COUNT, 0), f"{what}: {_COUNT}") for group in groups]
            left = {i: {k: v for k, v in held.items() if k != _SLOW} for i, held in states.items()}
            # An optimizer that keeps nothing for a parameter does not know it.
            inner = {**state_dict, "state": {i: held for i, held in left.items() if held or not states[i]}}
        self.optimizer.load_state_dict(inner)
        for parameter, weights in slow.items():
            self.state.setdefault(parameter, {})[_SLOW] = weights
        for group, count in zip(self.param_groups, counts, strict=True):
            group[_COUNT] = count


def _is_state(state_dict: Any) -> bool:
    """Tell whether this has the form of a state; the optimizer says what is wrong with another."""
    if not isinstance(state_dict, Mapping) or not {"state", "param_groups"} <= state_dict.keys():
        return False
    states, groups = state_dict["state"], state_dict["param_groups"]
    return (
        isinstance(states, Mapping)
        and all(isinstance(held, Mapping) for held in states.values())
        and isinstance(groups, list | tuple)
        and all(isinstance(g, Mapping) and isinstance(g.get("params"), list | tuple) for g in groups)
    )
