"""Parameter groups of a model, chosen by kind or by name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from typing import Any

from ..errors import ArgumentError, DTypeError
from ..nn.module import Module
from ..nn.parameter import Parameter


def _is_weight(name: str, parameter: Parameter) -> bool:
    return name.rpartition(".")[2] == "weight" and parameter.data.ndim >= 2


def _matches(pattern: str, name: str, parameter: Parameter) -> bool:
    if pattern == "weights":
        return _is_weight(name, parameter)
    if pattern == "others":
        return not _is_weight(name, parameter)
    return fnmatchcase(name, pattern)


def parameter_groups(model: Module, groups: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the parameters of a model as groups with options of their own, for an optimizer.

    Parameters
    ----------
    model : Module
    groups : iterable of mapping
        ``"parameters"`` says which ones: "weights" (those of convolutions and linear layers), "others"
        (biases, batch norm), or a pattern of names as in ``"0.*"``; the other keys are options of the
        optimizer. A parameter belongs to the first group that matches it.

    Returns
    -------
    list of dict
        The groups in their order, and one with the parameters that none of them took, if there are any.

    Raises
    ------
    ArgumentError, DTypeError
        If a group takes no parameter, or has no "parameters".

    Examples
    --------
    >>> groups = parameter_groups(model, [{"parameters": "others", "weight_decay": 0.0}])  # doctest: +SKIP
    >>> optim.SGD(groups, lr=0.1, weight_decay=5e-4)  # doctest: +SKIP
    """
    left = dict(model.named_parameters())
    result = []
    for index, group in enumerate(groups):
        pattern = group.get("parameters") if isinstance(group, Mapping) else None
        if not isinstance(pattern, str):
            raise DTypeError(f'parameter_groups: groups[{index}] needs "parameters", a str; got {group!r}')
        taken = [name for name, parameter in left.items() if _matches(pattern, name, parameter)]
        if not taken:
            raise ArgumentError(
                f"parameter_groups: groups[{index}] takes no parameter: {pattern!r} is none of 'weights', "
                f"'others', and matches none of {', '.join(left) or 'those that are left'}"
            )
        options = {key: value for key, value in group.items() if key != "parameters"}
        result.append({"params": [left.pop(name) for name in taken], **options})
    if left:
        result.append({"params": list(left.values())})
    return result
