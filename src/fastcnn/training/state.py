"""A training as it stands: its parts, what came out of it so far, and how to end it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..data.targets import CLASSIFICATION
from ..nn.module import Module
from ..nn.parameter import Parameter
from ..optim import Optimizer
from .accumulation import Accumulation
from .callback import Callback
from .history import History
from .schedule import Scheduler


class Training:
    """What of a `Trainer` is known to those that watch it from inside; see there.

    Attributes
    ----------
    validating : bool
        Whether the last fit has images for validation.
    batches_per_epoch : int
        Batches of an epoch of the last fit; where nobody knows, those of the last epoch, and 0 in the first.
    outputs : int
        Numbers that the model returns for an image, or for a pixel of it.
    task : str
        What the data set of the last fit is for.
    accumulation : Accumulation
        The gradients of batches whose step is still to come.
    """

    model: Module
    optimizer: Optimizer
    loss: Any
    scheduler: Scheduler | None
    callbacks: list[Callback]
    seed: int
    preprocess: Callable[[Any], Any]
    scheduler_step: str | None
    monitor: str | None
    stop_on_nan: bool
    engine: bool
    clip_grad_norm: float | None
    clip_grad_value: float | None
    precision: str | None
    conv_algorithm: str | None
    accumulate_grad_batches: int
    metrics: dict[str, Callable[..., Any]]

    def __init__(self) -> None:
        self.history = History()
        self.accumulation = Accumulation()
        self.validating = False
        self.batches_per_epoch = 0
        self.outputs = 0
        self.task = CLASSIFICATION
        self.hints: list[str] = []

    def place_of(self, batch: int) -> float:
        """Return where a batch, from 1, ends in epochs: 2.5 is half-way through the third."""
        return len(self.history) + batch / max(batch, self.batches_per_epoch)

    @property
    def adds_up(self) -> bool:
        """Whether the loss of a batch is the sum of its images' losses."""
        return getattr(self.loss, "reduction", "mean") == "sum"

    @property
    def trained(self) -> list[Parameter]:
        """The parameters of the optimizer, in the order of its groups."""
        return [parameter for group in self.optimizer.param_groups for parameter in group["params"]]

    def first_not_finite(self) -> str:
        """Say where the first values of the last step are that are not finite, if it has changed nothing."""
        raise NotImplementedError

    def stop(self, reason: str) -> None:
        """End fit after the current batch or, from on_epoch_end, the current epoch."""
        self.history.stop_reason = self.history.stop_reason or reason
