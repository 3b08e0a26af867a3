"""The section [scheduler]: a schedule, or several one after another."""

from __future__ import annotations

from typing import Any

from .. import optim
from ..errors import DataError, FastcnnError
from ..optim import lr_scheduler
from .component import Component, Family, place, read_component, sample_parameters
from .schema import check_keys, check_table

_SEQUENCE = "SequentialLR"
# Steps of a schedule that is made for a check.
_SAMPLE_STEPS = 1_000_000


def _leading(cls: type, optimizer: optim.Optimizer, rates: list[float], length: int) -> tuple:
    """Return the first arguments of a scheduler: what a recipe does not say twice."""
    if cls is lr_scheduler.OneCycleLR:
        return (optimizer, rates, length)
    if cls in (lr_scheduler.CosineAnnealingLR, lr_scheduler.WarmupQuarterCosineLR):
        return (optimizer, length)
    return (optimizer,)


SCHEDULERS = Family(
    (
        lr_scheduler.ConstantLR,
        lr_scheduler.CosineAnnealingLR,
        lr_scheduler.ExponentialLR,
        lr_scheduler.LinearLR,
        lr_scheduler.MultiStepLR,
        lr_scheduler.OneCycleLR,
        lr_scheduler.ReduceLROnPlateau,
        lr_scheduler.SequentialLR,
        lr_scheduler.StepLR,
        lr_scheduler.WarmupQuarterCosineLR,
    ),
    ("epochs", "steps_per_epoch"),
    ("monitor", "step"),
    lambda cls: _leading(cls, optim.Adam(sample_parameters()), [0.1], _SAMPLE_STEPS),
)


def read_scheduler(value: object, path: str, source: str) -> Component:
    """Read the section; that of SequentialLR has `schedulers`, a list of such sections, and `milestones`.

    Raises
    ------
    DataError
        As `read_component`.
    """
    table = dict(check_table(value, path, source))
    if table.get("type") != _SEQUENCE:
        return read_component(SCHEDULERS, table, path, source)
    check_keys(table, ["type", "schedulers", "milestones", "step"], path, source)
    inner = table.get("schedulers")
    if not isinstance(inner, list):
        raise DataError(f"{source}: {path}.schedulers must be a list of tables, got {inner!r}")
    parts = [read_scheduler(each, f"{path}.schedulers[{i}]", source) for i, each in enumerate(inner)]
    for index, part in enumerate(parts):
        if "step" in part.options:
            raise DataError(f"{source}: {path}.schedulers[{index}].step belongs into {path}")
    milestones = table.get("milestones")
    options = {"schedulers": [part.to_dict() for part in parts], "milestones": milestones}
    if "step" in table:
        options["step"] = table["step"]
    component = Component(_SEQUENCE, options)
    try:
        if not isinstance(milestones, list):
            raise DataError(f"{_SEQUENCE}: milestones must be a list of integers, got {milestones!r}")
        make_scheduler(component, optim.Adam(sample_parameters()), _SAMPLE_STEPS)
    except FastcnnError as error:
        raise DataError(f"{source}: {place(path, _SEQUENCE, str(error), options)}") from error
    return component


def make_scheduler(component: Component, optimizer: optim.Optimizer, length: int) -> Any:
    """Return the scheduler of a recipe.

    Parameters
    ----------
    component : Component
        What `read_scheduler` returned.
    optimizer : Optimizer
        Its rates are the highest of OneCycleLR.
    length : int
        Number of steps to come: the total_steps of OneCycleLR and WarmupQuarterCosineLR, the T_max of
        CosineAnnealingLR; in a sequence, the steps of each part.
    """
    return _make(component, optimizer, [group["lr"] for group in optimizer.param_groups], length)


def _make(component: Component, optimizer: optim.Optimizer, rates: list[float], length: int) -> Any:
    """Return a scheduler, or one part of a sequence: the parts before it have changed the rates."""
    cls = SCHEDULERS.types[component.type]
    if component.type != _SEQUENCE:
        return SCHEDULERS.make(component, *_leading(cls, optimizer, rates, length))
    tables, milestones = component.options["schedulers"], component.options["milestones"]
    ends = [*milestones, length][: len(tables)]
    schedulers, start = [], 0
    for table, end in zip(tables, ends, strict=False):
        options = {key: value for key, value in table.items() if key != "type"}
        steps = max(end - start, 1) if type(end) is int else 1
        schedulers.append(_make(Component(table["type"], options), optimizer, rates, steps))
        start = end
    return lr_scheduler.SequentialLR(optimizer, schedulers, milestones)
