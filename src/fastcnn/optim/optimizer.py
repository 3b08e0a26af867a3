"""The base of the optimizers: parameter groups, their checks, and the state that a step needs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from ..errors import ArgumentError, DTypeError, ShapeError
from ..nn.parameter import Parameter
from .gradients import Gathered, Gradient, gather

# Keys that a group may have beside the optimizer's own options: schedulers write all but the name.
_FOREIGN_KEYS = {"initial_lr", "max_lr", "min_lr", "max_momentum", "base_momentum", "swa_lr", "name"}


class Optimizer:
    """Base of the optimizers.

    A subclass checks the options of a group in ``_check`` and changes its parameters in ``_update``.

    Parameters
    ----------
    params : iterable of Parameter, or of dict
        What is trained. A dict is a group: ``"params"`` holds its parameters, and any option of the
        optimizer in it overrides the default for them.
    defaults : dict
        The options of groups that do not set their own.

    Attributes
    ----------
    param_groups : list of dict
        The groups, with every option; schedulers and users change ``group["lr"]`` here.
    state : dict
        What the optimizer keeps for each Parameter, e.g. its momentum buffer.

    Raises
    ------
    ArgumentError, DTypeError
        If there is no parameter, one occurs twice, or an option is unknown or out of range.
    """

    # What `state` may hold for a parameter, and what it must; None where a subclass does not say.
    _state_keys: frozenset[str] | None = None
    _state_needed: frozenset[str] = frozenset()
    # What of it are numbers, and of which type; all else are arrays of the parameter's shape.
    _state_numbers: Mapping[str, type] = {"step": int}
    takes_factors = False  # whether `_update` does

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        own = cls.__dict__
        # What it inherits is true of another _update.
        if "_update" in own:
            cls.takes_factors = own.get("takes_factors", False)
        if not own.keys().isdisjoint({"_update", "step", "take"}):
            cls.stays_finite = own.get("stays_finite", Optimizer.stays_finite)  # type: ignore[method-assign]

    def __init__(self, params: Iterable[Parameter] | Iterable[dict[str, Any]], defaults: dict[str, Any]):
        if isinstance(params, Parameter | dict | str) or not isinstance(params, Iterable):
            raise DTypeError(
                f"{self._name}: params must be an iterable of Parameter or of dict, "
                f"got {type(params).__name__}"
            )
        if isinstance(params, set | frozenset):
            raise DTypeError(f"{self._name}: params must have an order, got a set")
        self.defaults = defaults
        self.param_groups: list[dict[str, Any]] = []
        self.state: dict[Parameter, dict[str, Any]] = {}
        given: list[Any] = list(params)
        if not given:
            raise ArgumentError(f"{self._name}: params is empty: the optimizer got an empty parameter list")
        for group in given if isinstance(given[0], dict) else [{"params": given}]:
            self.add_param_group(group)

    @property
    def _name(self) -> str:
        return type(self).__name__

    def _check(self, group: dict[str, Any]) -> None:
        """Check the options of a group and bring them into one form."""
        raise NotImplementedError

    def _update(
        self, pairs: list[tuple[Parameter, Gradient]], dtype: np.dtype, group: dict[str, Any]
    ) -> None:
        """Change parameters of a group by one step; all arrays are of one type, gradients contiguous.

        With `takes_factors` a gradient may also be the pair of arrays (dy, x) whose product dy^T x it is.
        """
        raise NotImplementedError

    def add_param_group(self, group: dict[str, Any]) -> None:
        """Add parameters with options of their own.

        Parameters
        ----------
        group : dict
            ``"params"`` (a Parameter or an iterable of them) and options that override the defaults.
        """
        if not isinstance(group, dict) or "params" not in group:
            raise DTypeError(f'{self._name}: a group must be a dict with "params", got {group!r}')
        unknown = group.keys() - self.defaults.keys() - _FOREIGN_KEYS - {"params"}
        if unknown:
            raise ArgumentError(
                f"{self._name}: a group has the unknown options {sorted(unknown)} "
                f"(known: {sorted(self.defaults)})"
            )
        params = group["params"]
        if isinstance(params, set | frozenset) or not isinstance(params, Parameter | Iterable):
            raise DTypeError(
                f'{self._name}: "params" of a group must be a Parameter or a list of them, '
                f"got {type(params).__name__}"
            )
        params = [params] if isinstance(params, Parameter) else list(params)
        taken = {id(p) for each in self.param_groups for p in each["params"]}
        for index, parameter in enumerate(params):
            if not isinstance(parameter, Parameter):
                raise DTypeError(
                    f"{self._name}: params[{index}] must be a Parameter, got {type(parameter).__name__}"
                )
            if id(parameter) in taken:
                raise ArgumentError(f"{self._name}: params[{index}] (shape {parameter.shape}) is given twice")
            taken.add(id(parameter))
        complete = {**self.defaults, **group, "params": params}
        self._check(complete)
        self.param_groups.append(complete)

    def step(self, closure: Callable[[], float] | None = None) -> float | None:
        """Change every parameter that has a gradient and is trained (``requires_grad``).

        Parameters
        ----------
        closure : callable, optional
            Computes the loss and the gradients anew; called first.

        Returns
        -------
        float or None
            What closure returned.
        """
        loss = closure() if closure is not None else None
        self.take(self.gathered())
        return loss

    def gathered(self) -> list[Gathered]:
        """Return the gradients that a step takes, by groups and types."""
        return gather(self.param_groups, self.takes_factors, f"{self._name}.step")

    def take(self, gathered: list[Gathered]) -> None:
        """Take a step with gradients that were gathered."""
        for group, dtype, pairs in gathered:
            self._update(pairs, dtype, group)

    def stays_finite(self, group: dict[str, Any], largest: float) -> bool:
        """Tell whether gradients of at most `largest` are known to leave finite weights of a group finite.

        Where they are not, a Trainer copies the weights before each step, to go back to, and looks at them
        afterwards: an optimizer of one's own that can tell saves the time of that.
        """
        return False

    def _buffer(self, state: dict[str, Any], key: str, values: np.ndarray) -> np.ndarray:
        """Return an array of a parameter's state, of the shape of its values; zeros at first."""
        held = state.get(key)
        if held is None:
            held = state[key] = np.zeros(values.shape, values.dtype)
        elif held.shape != values.shape:
            raise ShapeError(
                f"{self._name}.step: {key} has the shape {held.shape} but its parameter {values.shape}"
            )
        elif held.dtype != values.dtype:
            # The model was converted (float(), double()) after the first step.
            held = state[key] = held.astype(values.dtype)
        return held

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget the gradients of all parameters, or with False fill those that there are with zeros."""
        for group in self.param_groups:
            for parameter in group["params"]:
                parameter.zero_grad(set_to_none)

    # State ------------------------------------------------------------------------------------------

    def state_dict(self) -> dict[str, Any]:
        """Return copies of the state and the options, laid out as PyTorch's.

        Returns
        -------
        dict
            ``"state"``: {index of the parameter: {name: array or number}};
            ``"param_groups"``: the groups, with indices instead of parameters.
        """
        index = {p: i for i, p in enumerate(p for group in self.param_groups for p in group["params"])}
        groups = [{**group, "params": [index[p] for p in group["params"]]} for group in self.param_groups]
        state = {
            index[p]: {key: v.copy() if isinstance(v, np.ndarray) else v for key, v in held.items()}
            for p, held in self.state.items()
        }
        return {"state": dict(sorted(state.items())), "param_groups": groups}

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Take over what state_dict returned, e.g. to go on after a restart.

        Parameters
        ----------
        state_dict : mapping
            Of an optimizer of the same class over parameters of the same shapes in the same groups.

        Raises
        ------
        ArgumentError, ShapeError
            If it does not fit; nothing is changed then.
        """
        what = f"{self._name}.load_state_dict"
        if not isinstance(state_dict, Mapping) or not {"state", "param_groups"} <= state_dict.keys():
            raise DTypeError(f'{what}: expected a dict with "state" and "param_groups"')
        saved, states = state_dict["param_groups"], state_dict["state"]
        if not isinstance(saved, Sequence) or not all(
            isinstance(g, Mapping) and "params" in g for g in saved
        ):
            raise DTypeError(f'{what}: "param_groups" must be a list of dicts with "params", got {saved!r}')
        if not isinstance(states, Mapping) or not all(isinstance(held, Mapping) for held in states.values()):
            raise DTypeError(f'{what}: "state" must map the index of a parameter to a dict')
        sizes, own_sizes = ([len(g["params"]) for g in groups] for groups in (saved, self.param_groups))
        if sizes != own_sizes:
            raise ArgumentError(
                f"{what}: the saved groups have {sizes} parameters, these have {own_sizes}: make the "
                "optimizer with the groups that the saved one had (add_param_group for those added later)"
            )
        own = [p for group in self.param_groups for p in group["params"]]
        owner = dict(zip((i for group in saved for i in group["params"]), own, strict=True))
        if len(owner) != len(own):
            raise ArgumentError(f"{what}: a saved group names a parameter twice")
        groups = [
            {**group, **old, "params": group["params"]}
            for group, old in zip(self.param_groups, saved, strict=True)
        ]
        for group in groups:
            self._check(group)
        state = {}
        for index, held in states.items():
            if index not in owner:
                raise ArgumentError(f"{what}: no group has the parameter {index!r}")
            keys, known = set(held), self._state_keys
            if known is not None and not self._state_needed <= keys <= known:
                raise ArgumentError(
                    f"{what}: parameter {index!r} has {sorted(map(str, keys))}, but {self._name} keeps "
                    f"{sorted(known)}: is it the state of another kind of optimizer?"
                )
            state[owner[index]] = {key: self._restored(v, key, owner[index]) for key, v in held.items()}
        self.state = state
        # In place: schedulers may hold the dicts of the groups.
        for group, new in zip(self.param_groups, groups, strict=True):
            group.update(new)

    def _restored(self, value: Any, key: str, parameter: Parameter) -> Any:
        """Return a copy of one saved value of a parameter's state."""
        if value is None:
            return None
        number = self._state_numbers.get(key)
        try:
            array = number(value) if number else np.array(value, parameter.dtype, order="C")
        except (TypeError, ValueError) as error:
            raise DTypeError(
                f"{self._name}.load_state_dict: {key} must be {'a number' if number else 'an array'}, "
                f"got {type(value).__name__}: {error}"
            ) from error
        if isinstance(array, np.ndarray) and array.shape != parameter.shape:
            raise ShapeError(
                f"{self._name}.load_state_dict: {key} has the shape {array.shape} "
                f"but its parameter {parameter.shape}"
            )
        return array

    def __repr__(self) -> str:
        lines = []
        for number, group in enumerate(self.param_groups):
            options = ", ".join(f"{key}={value}" for key, value in group.items() if key != "params")
            count = sum(p.size for p in group["params"])
            lines.append(f"  group {number}: {len(group['params'])} parameters, {count:,} values, {options}")
        return "\n".join([f"{self._name}(", *lines, ")"])
