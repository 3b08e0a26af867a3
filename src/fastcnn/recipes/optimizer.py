"""The section [optimizer]: any of `fastcnn.optim`, with groups, and with what stands around or beside it."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from .. import nn, optim
from ..errors import DataError, FastcnnError
from .component import Component, Family, place, read_component
from .schema import check_keys, check_table


def sample_parameters() -> list[nn.Parameter]:
    """Return a parameter for an optimizer that is made for a check."""
    return [nn.Parameter(np.zeros((1, 1), np.float32))]


# Those that others are made of, and that are made of others: they have no section of their own.
_AROUND = (optim.Optimizer, optim.Lookahead, optim.Combined)
OPTIMIZERS = Family(
    tuple(
        each
        for name in optim.__all__
        if inspect.isclass(each := getattr(optim, name)) and each not in _AROUND
    ),
    ("maximize",),
    ("groups", "lookahead", "others"),
    sample=lambda cls: (sample_parameters(),),
)


def read_optimizer(value: object, path: str, source: str) -> Component:
    """Read the section.

    ``groups`` is what `optim.parameter_groups` takes, ``lookahead`` has the arguments of `optim.Lookahead`,
    and with Muon ``others`` is the optimizer of what is no matrix.

    Raises
    ------
    DataError
        As `read_component`.
    """
    component = read_component(OPTIMIZERS, value, path, source)
    options = dict(component.options)
    _check_groups(component, path, source)
    if "lookahead" in options:
        where = f"{path}.lookahead"
        table = dict(check_table(options["lookahead"], where, source))
        known = {
            key: argument.default
            for key, argument in list(inspect.signature(optim.Lookahead).parameters.items())[1:]
        }
        check_keys(table, known, where, source)
        options["lookahead"] = {**known, **table}
        inner = optim.SGD(sample_parameters())
        _try(partial(optim.Lookahead, inner, **table), where, "Lookahead", table, source)
    if "others" in options:
        if component.type != "Muon":
            raise DataError(f"{source}: {path}.others is for Muon, which takes matrices alone")
        others = read_component(OPTIMIZERS, options["others"], f"{path}.others", source)
        if set(OPTIMIZERS.extra) & others.options.keys():
            raise DataError(f"{source}: {path}.others has no {', '.join(OPTIMIZERS.extra)} of its own")
        options["others"] = others.to_dict()
    return Component(component.type, options)


def _check_groups(component: Component, path: str, source: str) -> None:
    groups = component.options.get("groups", [])
    if not isinstance(groups, list):
        raise DataError(
            f"{source}: {path}.groups must be a list of tables ([[{path}.groups]]), got {groups!r}"
        )
    known = ["parameters", *OPTIMIZERS.arguments(component.type)]
    for index, group in enumerate(groups):
        where = f"{path}.groups[{index}]"
        check_keys(check_table(group, where, source), known, where, source)
        if not isinstance(group.get("parameters"), str):
            raise DataError(f"{source}: {where}.parameters must be a string: weights, others, or a pattern")
        own = {key: value for key, value in group.items() if key != "parameters"}
        given = {"params": sample_parameters(), **own}
        _try(partial(OPTIMIZERS.make, component, [given]), where, component.type, own, source)


def _try(make: Callable[[], Any], path: str, name: str, options: dict[str, Any], source: str) -> None:
    """Turn what a class refuses into an error of the file."""
    try:
        make()
    except (FastcnnError, TypeError, ValueError) as error:
        raise DataError(f"{source}: {place(path, name, str(error), options)}") from error


def make_optimizer(component: Component, model: nn.Module, source: str) -> optim.Optimizer:
    """Return the optimizer of a recipe over the parameters of its network.

    Raises
    ------
    DataError
        If a group takes no parameter, or the optimizer refuses one.
    """
    options = component.options
    try:
        groups = optim.parameter_groups(model, options.get("groups", []))
    except FastcnnError as error:
        raise DataError(f"{source}: optimizer.groups: {error}") from error
    left: list[nn.Parameter] = []
    if "others" in options:
        for group in groups:
            left += [each for each in group["params"] if not _is_matrix(each, options)]
            group["params"] = [each for each in group["params"] if _is_matrix(each, options)]
        groups = [group for group in groups if group["params"]]
    try:
        made = OPTIMIZERS.make(component, groups)
    except FastcnnError as error:
        cure = " (a section [optimizer.others] names one for the rest)" if component.type == "Muon" else ""
        raise DataError(f"{source}: optimizer: {error}{cure}") from error
    if left:
        table = dict(options["others"])
        made = optim.Combined([made, OPTIMIZERS.make(Component(table.pop("type"), table), left)])
    return optim.Lookahead(made, **options["lookahead"]) if "lookahead" in options else made


def _is_matrix(parameter: nn.Parameter, options: dict[str, Any]) -> bool:
    axes = len(parameter.shape)
    return axes == 2 or (axes > 2 and bool(options.get("flatten")))
