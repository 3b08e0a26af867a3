"""Ask PyTorch and store its answers in ``answers.json``. Run by hand from the root of the repository,

    python -m tests.optim.make_answers

with NumPy and torch==2.13.0 installed. Everything is computed in float64.
"""

import json
import warnings

import torch

from . import cases


def optimize(
    name: str, groups: list[dict] | None, arguments: dict, shapes: list = cases.SHAPES, scale: float = 1.0
) -> list[list[float]]:
    """Return the values of each parameter after the last step."""
    params = [torch.nn.Parameter(torch.from_numpy(value)) for value in cases.start(shapes)]
    given = params
    if groups is not None:
        given = [{**group, "params": [params[i] for i in group["params"]]} for group in groups]
    optimizer = getattr(torch.optim, name)(given, **arguments)
    for step in range(cases.STEPS):
        for param, grad in zip(params, cases.gradients(step, shapes, scale), strict=True):
            param.grad = None if grad is None else torch.from_numpy(grad)
        optimizer.step()
    return [param.detach().flatten().tolist() for param in params]


def exactly_orthogonal(name: str, arguments: dict) -> list[list[float]]:
    """Return the values as `optimize` does, of an optimizer that would go down to bfloat16."""
    rounded, torch.Tensor.bfloat16 = torch.Tensor.bfloat16, torch.Tensor.clone
    try:
        return optimize(name, None, arguments, cases.MATRIX_SHAPES)
    finally:
        torch.Tensor.bfloat16 = rounded


def scheduler_of(name: str, optimizer: torch.optim.Optimizer, options: dict) -> object:
    """Return a scheduler, of whichever of the two modules."""
    module = torch.optim.swa_utils if name == "SWALR" else torch.optim.lr_scheduler
    return getattr(module, name)(optimizer, **options)


def continued(name: str, options: dict) -> list:
    """Return the positions of a schedule that is made for an optimizer in the middle of it."""
    optimizer = optimizer_of("SGD", {"lr": 0.3})
    for group in optimizer.param_groups:
        group["initial_lr"], group["lr"] = group["lr"], group["lr"] / 3
    return schedule(
        optimizer,
        [scheduler_of(name, optimizer, {**options, "last_epoch": cases.LAST_EPOCH})],
        cases.LATER_STEPS,
    )


class Pair(torch.nn.Module):
    """A parameter and a buffer."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(torch.zeros(cases.SHAPES[0]))
        self.register_buffer("scale", torch.zeros(cases.SHAPES[2]))


def averaged(function: str, arguments: tuple, use_buffers: bool) -> list[list[float]]:
    """Return the averages of the parameter and the buffer."""
    library, model = torch.optim.swa_utils, Pair()
    kind = "multi_avg_fn" if "multi" in function else "avg_fn"
    given = {kind: getattr(library, function)(*arguments), "use_buffers": use_buffers}
    average = library.AveragedModel(model, **given)
    for step in range(cases.STEPS):
        weight, _, scale = cases.gradients(step)
        model.weight.data.copy_(torch.from_numpy(weight))
        model.scale.copy_(torch.from_numpy(scale))
        average.update_parameters(model)
    return [each.detach().flatten().tolist() for each in (average.module.weight, average.module.scale)]


def fractional(options: dict) -> list:
    """Return the positions of warm restarts at epochs of which a part is over."""
    optimizer = optimizer_of("SGD", {"lr": 0.3})
    scheduler, positions = torch.optim.lr_scheduler.CosineAnnealingWarmRestarts(optimizer, **options), []
    for epoch in cases.FRACTIONS:
        scheduler.step(epoch)
        positions.append(position(optimizer))
    return positions


def optimizer_of(name: str, arguments: dict) -> torch.optim.Optimizer:
    """Return an optimizer over two groups, the second with twice the rate."""
    params = [torch.nn.Parameter(torch.zeros(1)) for _ in range(2)]
    groups = [{"params": [params[0]]}, {"params": [params[1]], "lr": 2 * arguments["lr"]}]
    return getattr(torch.optim, name)(groups, **arguments)


def position(optimizer: torch.optim.Optimizer) -> list[list[float]]:
    """Return [lr, momentum or beta1] of each group."""
    return [[g["lr"], g["momentum"] if "momentum" in g else g["betas"][0]] for g in optimizer.param_groups]


def schedule(optimizer: torch.optim.Optimizer, schedulers: list, steps: int) -> list:
    """Return the position before the first and after every step."""
    positions = [position(optimizer)]
    for _ in range(steps):
        optimizer.step()
        for scheduler in schedulers:
            scheduler.step()
        positions.append(position(optimizer))
    return positions


def main() -> None:
    """Write answers.json."""
    torch.set_default_dtype(torch.float64)
    warnings.simplefilter("ignore")
    lib = torch.optim.lr_scheduler
    kinds = "optimizers", "schedules", "sequences", "plateaus", "chains", "continued", "swa", "fractional"
    out: dict = {kind: {} for kind in kinds}
    for key, (name, arguments) in cases.OPTIMIZERS.items():
        out["optimizers"][key] = optimize(name, None, arguments)
    for key, (name, groups, arguments) in cases.GROUPS.items():
        out["optimizers"][key] = optimize(name, groups, arguments)
    for key, (name, arguments) in cases.MATRICES.items():
        out["optimizers"][key] = exactly_orthogonal(name, arguments)
    for name in cases.SCALED:
        for key, scale in cases.SCALES.items():
            out["optimizers"][f"{name}-{key}"] = optimize(name, None, {}, scale=scale)
    for key, chain in cases.CHAINS.items():
        optimizer = optimizer_of("SGD", {"lr": 0.3})
        inner = [scheduler_of(each, optimizer, options) for each, options in chain]
        out["chains"][key] = schedule(optimizer, [lib.ChainedScheduler(inner)], 12)
    out["continued"] = {key: continued(*each) for key, each in cases.CONTINUED.items()}
    out["averages"] = {key: averaged(*each) for key, each in cases.AVERAGES.items()}
    out["fractional"] = {key: fractional(options) for key, options in cases.FRACTIONAL.items()}
    for key, options in cases.SWA.items():
        optimizer = optimizer_of("SGD", {"lr": 0.3})
        swa = scheduler_of("SWALR", optimizer, options)
        out["swa"][key] = schedule(optimizer, [swa], cases.SWA_STEPS)
    for key, (name, arguments, steps, chain) in cases.SCHEDULES.items():
        optimizer = optimizer_of(name, arguments)
        schedulers = [getattr(lib, each)(optimizer, **options) for each, options in chain]
        out["schedules"][key] = schedule(optimizer, schedulers, steps)
    for key, (lr, chain, milestones, steps) in cases.SEQUENCES.items():
        optimizer = optimizer_of("SGD", {"lr": lr})
        inner = [getattr(lib, each)(optimizer, **options) for each, options in chain]
        out["sequences"][key] = schedule(optimizer, [lib.SequentialLR(optimizer, inner, milestones)], steps)
    for key, options in cases.PLATEAUS.items():
        optimizer = optimizer_of("SGD", {"lr": 0.1})
        scheduler, positions = lib.ReduceLROnPlateau(optimizer, **options), []
        for metric in cases.METRICS:
            scheduler.step(metric)
            positions.append(position(optimizer))
        out["plateaus"][key] = positions
    cases.PATH.write_text(json.dumps(out, separators=(",", ":")) + "\n", encoding="ascii")
    print(f"{cases.PATH.name}: {cases.PATH.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
