"""Ask PyTorch and store its answers in ``answers.json``. Run by hand from the root of the repository,

    python -m tests.optim.make_answers

with NumPy and torch==2.13.0 installed. Everything is computed in float64.
"""

import json
import warnings

import torch

from . import cases


def optimize(name: str, groups: list[dict] | None, arguments: dict) -> list[list[float]]:
    """Return the values of each parameter after the last step."""
    params = [torch.nn.Parameter(torch.from_numpy(value)) for value in cases.start()]
    given = params
    if groups is not None:
        given = [{**group, "params": [params[i] for i in group["params"]]} for group in groups]
    optimizer = getattr(torch.optim, name)(given, **arguments)
    for step in range(cases.STEPS):
        for param, grad in zip(params, cases.gradients(step), strict=True):
            param.grad = None if grad is None else torch.from_numpy(grad)
        optimizer.step()
    return [param.detach().flatten().tolist() for param in params]


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
    out: dict = {"optimizers": {}, "schedules": {}, "sequences": {}, "plateaus": {}}
    for key, (name, arguments) in cases.OPTIMIZERS.items():
        out["optimizers"][key] = optimize(name, None, arguments)
    for key, (name, groups, arguments) in cases.GROUPS.items():
        out["optimizers"][key] = optimize(name, groups, arguments)
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
