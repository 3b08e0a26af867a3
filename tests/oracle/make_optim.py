"""Ask PyTorch about long runs of optimizers and schedules (`grid_optim`), in float64."""

import numpy as np
import torch

from . import grid_optim, recipe
from .question import Question


def _optimizer(question: Question) -> dict[str, np.ndarray]:
    """Values of both parameters after the checked steps; a gradient is the step's slope + 0.1 value."""
    torch.set_default_dtype(torch.float64)  # of the numbers that an optimizer keeps
    args = question.args
    params = [torch.from_numpy(recipe.make(question.inputs[name])).requires_grad_() for name in ("p0", "p1")]
    groups = [{"params": [p], **group} for p, group in zip(params, args["groups"], strict=True)]
    optimizer = getattr(torch.optim, args["optimizer"])(groups, **args["options"])
    kept = []
    for step, slopes in enumerate(recipe.make(question.inputs["slopes"])):
        for p, slope in zip(params, np.split(slopes, [12]), strict=True):
            p.grad = torch.from_numpy(slope.reshape(p.shape)) + 0.1 * p.detach()
        optimizer.step()
        if step in args["checked"]:
            kept.append(np.concatenate([p.detach().numpy().ravel() for p in params]))
    torch.set_default_dtype(torch.float32)
    return {"values": np.array(kept)}


def _two_groups(name: str) -> torch.optim.Optimizer:
    params = [torch.nn.Parameter(torch.zeros(1)) for _ in range(2)]
    more = {"momentum": 0.9} if name == "SGD" else {}
    return getattr(torch.optim, name)(
        [{"params": [params[0]]}, {"params": [params[1]], "lr": 0.05}], lr=0.2, **more
    )


def _position(optimizer: torch.optim.Optimizer) -> list[list[float]]:
    return [[g["lr"], g["momentum"] if "momentum" in g else g["betas"][0]] for g in optimizer.param_groups]


def _scheduler(optimizer: torch.optim.Optimizer, name: str, options: dict):
    library = torch.optim.lr_scheduler
    if name == "SequentialLR":
        parts = [getattr(library, part)(optimizer, **more) for part, more in options["parts"]]
        return library.SequentialLR(optimizer, parts, options["milestones"])
    return getattr(library, name)(optimizer, **options)


def _schedule(question: Question) -> dict[str, np.ndarray]:
    """Rate and momentum (or beta1) of two groups before the first and after every step."""
    args = question.args
    optimizer = _two_groups(args["optimizer"])
    scheduler = _scheduler(optimizer, args["schedule"], args["options"])
    positions = [_position(optimizer)]
    metrics = recipe.make(question.inputs["metrics"]) if question.op == "plateau" else [None] * args["steps"]
    for metric in metrics:
        optimizer.step()
        if metric is None:
            scheduler.step()
        else:
            scheduler.step(float(metric))
        positions.append(_position(optimizer))
    return {"positions": np.array(positions)}


def questions():
    """Return every question."""
    return grid_optim.questions()


def answer(question: Question) -> dict[str, np.ndarray]:
    """Return PyTorch's results."""
    return {"optimizer": _optimizer, "schedule": _schedule, "plateau": _schedule}[question.op](question)
