"""Prediction: what Module.predict and CompiledModule.predict run."""

from __future__ import annotations

from typing import Any

from .. import _samples, nn
from .._samples import Samples
from .cache import Plans, Unsupported, plans_of, report
from .plans import ForwardPlan


def predict(
    model: nn.Module,
    x: Samples,
    batch_size: int,
    precision: str | None = None,
    plans: Plans | None = None,
) -> Any:
    """Return the outputs of a model for x (N, ...) in evaluation mode, a batch at a time.

    A row's outputs are the same to the bit whatever batch it is in, if the engine takes model and input.

    Parameters
    ----------
    model : Module
        Its own mode stays as it is.
    x : array (N, ...), or tuple of such arrays
        Inputs.
    batch_size : int
        How many are computed at a time.
    precision : str, optional
        Of products; None for what the plans have.
    plans : Plans, optional
        Those of the model itself if None.
    """
    plans = plans or plans_of(model)
    plan = plans.find(model, x, evaluation=True, precision=precision)
    if not isinstance(plan, ForwardPlan):
        asked = precision or plans.precision
        y = nn.Module.predict(model, x, batch_size, engine=False, precision=asked)
        assert isinstance(plan, Unsupported)
        report(model, plan)
        return y
    if (count := _samples.count(x)) <= batch_size:
        return plan.forward(x)
    y = plan.room(count)
    for start in range(0, count, batch_size):
        rows = slice(start, start + batch_size)
        plan.forward(_samples.take(x, rows), tuple([each[rows] for each in y]))
    return plan.arranged(y)
