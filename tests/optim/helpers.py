"""Run fastcnn on the questions of `cases`."""

import copy

import numpy as np

from fastcnn import optim
from fastcnn.nn import Parameter

from . import cases


def optimize(
    name,
    groups,
    arguments,
    dtype=np.float64,
    steps=range(cases.STEPS),
    state=None,
    shapes=cases.SHAPES,
    scale=1.0,
):
    """Return (parameters, optimizer) after the steps; `state` is (values, state dict) to start from."""
    values = cases.start(shapes) if state is None else state[0]
    params = [Parameter(value.astype(dtype)) for value in values]
    given = params
    if groups is not None:
        given = [{**group, "params": [params[i] for i in group["params"]]} for group in groups]
    optimizer = getattr(optim, name)(given, **arguments)
    if state is not None:
        optimizer.load_state_dict(state[1])
    for step in steps:
        for param, grad in zip(params, cases.gradients(step, shapes, scale), strict=True):
            param.grad = None if grad is None else grad.astype(dtype)
        optimizer.step()
    return params, optimizer


def optimizer_of(name, arguments):
    """Return an optimizer over two groups, the second with twice the rate."""
    params = [Parameter(np.zeros(1, np.float32)) for _ in range(2)]
    groups = [{"params": [params[0]]}, {"params": params[1], "lr": 2 * arguments["lr"]}]
    return getattr(optim, name)(groups, **arguments)


def position(optimizer):
    """Return [lr, momentum or beta1] of each group."""
    return [[g["lr"], g["momentum"] if "momentum" in g else g["betas"][0]] for g in optimizer.param_groups]


def follow_groups(optimizer, scheduler, steps):
    """Return the rates of all groups after each of the next steps."""
    rates = []
    for _ in range(steps):
        scheduler.step()
        rates.append([group["lr"] for group in optimizer.param_groups])
    return rates


def state_of(optimizer, scheduler):
    """Return everything that a call which fails must leave as it is."""
    groups = [
        {key: value for key, value in group.items() if key != "params"} for group in optimizer.param_groups
    ]
    return copy.deepcopy((groups, scheduler.state_dict()))
