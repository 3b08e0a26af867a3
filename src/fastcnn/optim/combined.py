"""Several optimizers as one, each for parameters of its own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ..errors import ArgumentError, DTypeError, StateError
from ..nn.parameter import Parameter
from .finite import step_with
from .gradients import Gathered
from .lookahead import Lookahead
from .optimizer import Optimizer


class Combined(Optimizer):
    """Take the steps of several optimizers together, e.g. Muon's for matrices and AdamW's for all else.

    Its groups are those of the optimizers, one after the other, so that schedules, Trainer and state dicts
    take it as any other. A schedule that is given rates (OneCycleLR) takes one a group. PyTorch has none.

    Parameters
    ----------
    optimizers : iterable of Optimizer
        No two of which hold the same parameter.

    Raises
    ------
    ArgumentError, DTypeError
        If there is none, or one is no optimizer, or a parameter is in two of them.

    Examples
    --------
    >>> matrices = [p for p in model.parameters() if p.data.ndim > 1]  # doctest: +SKIP
    >>> others = [p for p in model.parameters() if p.data.ndim == 1]  # doctest: +SKIP
    >>> optimizer = Combined([Muon(matrices, lr=0.02, flatten=True), AdamW(others)])  # doctest: +SKIP
    """

    def __init__(self, optimizers: Iterable[Optimizer]) -> None:
        if isinstance(optimizers, Optimizer) or not isinstance(optimizers, Iterable):
            raise DTypeError(
                f"Combined: optimizers must be an iterable of Optimizer, got {type(optimizers).__name__}"
            )
        self.optimizers = list(optimizers)
        if not self.optimizers:
            raise ArgumentError("Combined: optimizers is empty")
        owner: dict[int, int] = {}
        for index, each in enumerate(self.optimizers):
            if not isinstance(each, Optimizer):
                raise DTypeError(
                    f"Combined: optimizers[{index}] must be an Optimizer, got {type(each).__name__}"
                )
            for parameter in (p for group in each.param_groups for p in group["params"]):
                if owner.setdefault(id(parameter), index) != index:
                    raise ArgumentError(
                        f"Combined: optimizers[{index}] holds a parameter (shape {parameter.shape}) of "
                        f"optimizers[{owner[id(parameter)]}]"
                    )
        self._join()

    def _join(self) -> None:
        """Let all optimizers keep what they keep in one dict, which is this one's."""
        state: dict[Parameter, dict[str, Any]] = {}
        for each in self.optimizers:
            state.update(each.state)
        self._give(state)

    def _give(self, state: dict[Parameter, dict[str, Any]]) -> None:
        self.state = state
        for each in self.optimizers:
            held = each
            while isinstance(held, Lookahead):  # it shows the state of the one within
                held = held.optimizer
            if isinstance(held, Combined):
                held._give(state)
            else:
                held.state = state

    @property
    def _name(self) -> str:
        return f"Combined({', '.join(each._name for each in self.optimizers)})"

    @property
    def takes_factors(self) -> bool:  # type: ignore[override]
        """Whether one of them does; each gets what it takes."""
        return any(each.takes_factors for each in self.optimizers)

    @property
    def param_groups(self) -> list[dict[str, Any]]:  # type: ignore[override]
        """The groups of all."""
        return [group for each in self.optimizers for group in each.param_groups]

    @property
    def defaults(self) -> dict[str, Any]:  # type: ignore[override]
        """The options of all, of which the first one's count."""
        return {key: value for each in reversed(self.optimizers) for key, value in each.defaults.items()}

    def add_param_group(self, group: dict[str, Any]) -> None:
        """Refuse: one of `optimizers` must take it.

        Raises
        ------
        StateError
            Always.
        """
        raise StateError(f"{self._name}: add the group to one of its optimizers, such as optimizers[0]")

    def gathered(self) -> list[Gathered]:
        """Return the gradients that a step takes, by groups and types."""
        return [found for each in self.optimizers for found in each.gathered()]

    def take(self, gathered: list[Gathered]) -> None:
        """Take a step of each with gradients that were gathered."""
        for each in self.optimizers:
            own = {id(group) for group in each.param_groups}
            step_with(each, [found for found in gathered if id(found[0]) in own])

    def stays_finite(self, group: dict[str, Any], largest: float) -> bool:
        """Tell what the optimizer of a group tells."""
        owners = (each for each in self.optimizers if any(own is group for own in each.param_groups))
        return next(owners).stays_finite(group, largest)

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Take over what state_dict returned; see Optimizer."""
        what = f"{self._name}.load_state_dict"
        if not isinstance(state_dict, Mapping) or not {"state", "param_groups"} <= state_dict.keys():
            raise DTypeError(f'{what}: expected a dict with "state" and "param_groups"')
        groups, states = state_dict["param_groups"], state_dict["state"]
        if not isinstance(groups, list | tuple) or not isinstance(states, Mapping):
            raise DTypeError(f'{what}: "param_groups" must be a list, and "state" a dict')
        if len(groups) != len(self.param_groups):
            raise ArgumentError(
                f"{what}: {len(groups)} groups were saved, these are {len(self.param_groups)}"
            )
        before, options = self.state, [dict(group) for group in self.param_groups]
        try:
            self._load(groups, states, what)
        except BaseException:
            for group, old in zip(self.param_groups, options, strict=True):
                group.clear()
                group.update(old)
            self._give(before)
            raise
        self._join()

    def _load(self, groups: Any, states: Mapping[Any, Any], what: str) -> None:
        """Give each optimizer its groups and the state of their parameters."""
        start, left = 0, dict(states)
        for each in self.optimizers:
            own = groups[start : start + len(each.param_groups)]
            start += len(own)
            if not all(isinstance(group, Mapping) and "params" in group for group in own):
                raise DTypeError(f'{what}: "param_groups" must be a list of dicts with "params"')
            indices = [index for group in own for index in group["params"]]
            part = {index: left.pop(index) for index in indices if index in left}
            each.load_state_dict({"state": part, "param_groups": list(own)})
        if left:
            raise ArgumentError(f"{what}: no group has the parameters {sorted(map(str, left))}")
