"""Twenty steps of the optimizers and sixty of the schedules against PyTorch's stored answers."""

import numpy as np
import pytest

from fastcnn import optim
from fastcnn.nn import Parameter
from fastcnn.optim import lr_scheduler

from ..oracle.cases import Case, select
from ..oracle.compare import DTYPES, assert_close


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("case", select("optim", "optimizer"), ids=lambda case: case.id)
def test_optimizers_keep_to_pytorchs_path(case: Case, dtype) -> None:
    params = [Parameter(case.input(name, dtype)) for name in ("p0", "p1")]
    groups = [{"params": [p], **group} for p, group in zip(params, case.args["groups"], strict=True)]
    optimizer = getattr(optim, case.args["optimizer"])(groups, **case.args["options"])
    kept = []
    for step, slopes in enumerate(case.input("slopes", dtype)):
        for p, slope in zip(params, np.split(slopes, [12]), strict=True):
            p.grad = slope.reshape(p.shape) + dtype(0.1) * p.data
        optimizer.step()
        if step in case.args["checked"]:
            kept.append(np.concatenate([p.data.ravel() for p in params]))
    for step, found, expected in zip(case.args["checked"], kept, case["values"], strict=True):
        assert found.dtype == dtype
        assert_close(found, expected, dtype, f"{case.id} after step {step}")


def _two_groups(name: str) -> optim.Optimizer:
    params = [Parameter(np.zeros(1)) for _ in range(2)]
    more = {"momentum": 0.9} if name == "SGD" else {}
    return getattr(optim, name)(
        [{"params": [params[0]]}, {"params": [params[1]], "lr": 0.05}], lr=0.2, **more
    )


def _position(optimizer: optim.Optimizer) -> list[list[float]]:
    return [[g["lr"], g["momentum"] if "momentum" in g else g["betas"][0]] for g in optimizer.param_groups]


def _scheduler(optimizer: optim.Optimizer, name: str, options: dict):
    options = {key: list(value) if isinstance(value, tuple) else value for key, value in options.items()}
    if name == "SequentialLR":
        parts = [getattr(lr_scheduler, part)(optimizer, **more) for part, more in options["parts"]]
        return lr_scheduler.SequentialLR(optimizer, parts, options["milestones"])
    return getattr(lr_scheduler, name)(optimizer, **options)


@pytest.mark.parametrize(
    "case", select("optim", "schedule") + select("optim", "plateau"), ids=lambda case: case.id
)
def test_schedules_keep_to_pytorchs_path(case: Case) -> None:
    optimizer = _two_groups(case.args["optimizer"])
    scheduler = _scheduler(optimizer, case.args["schedule"], case.args["options"])
    positions = [_position(optimizer)]
    arguments = (
        [(float(m),) for m in case.input("metrics")] if case.op == "plateau" else [()] * case.args["steps"]
    )
    for argument in arguments:
        scheduler.step(*argument)
        positions.append(_position(optimizer))
        assert scheduler.get_last_lr() == [lr for lr, _ in positions[-1]]
    np.testing.assert_allclose(positions, case["positions"], rtol=1e-12, atol=1e-15, err_msg=case.id)
