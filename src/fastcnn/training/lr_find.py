"""The search for a learning rate: a short training in which it rises from tiny to too large.

L. N. Smith, "Cyclical Learning Rates for Training Neural Networks" (2017), section 3.3.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from os import PathLike
from typing import TYPE_CHECKING

import numpy as np

from .._shapes import integer
from ..data.feed import Feed
from ..data.sources import loader_of, source_of
from ..errors import ArgumentError, DTypeError
from . import generators
from .checks import check_batches
from .evaluation import Data
from .hints import give_hints
from .report import plot_lr_find, text_chart
from .trainer import Trainer

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# Share of the past in the smoothed loss.
_SMOOTHING = 0.9
# Points that a slope is taken over, at the least.
_FEWEST = 5


@dataclass(frozen=True)
class LRFindResult:
    """Losses at rising learning rates.

    Attributes
    ----------
    lrs : float64 (n,)
        The rates that were tried, up to the last finite loss.
    losses : float64 (n,)
        The loss of a batch, per image, before the step at that rate.
    smoothed : float64 (n,)
        Their exponential moving average, corrected for its start as Adam's moments are.
    suggestion : float or None
        The rate at which the smoothed loss falls fastest over log(rate), before it is lowest; None if it
        never falls. It is a good rate for SGD and Adam, and the highest of a one-cycle schedule may be some
        times larger.
    stop_reason : str
        Why it ended.
    """

    lrs: np.ndarray
    losses: np.ndarray
    smoothed: np.ndarray
    suggestion: float | None
    stop_reason: str

    def __repr__(self) -> str:
        found = "None" if self.suggestion is None else f"{self.suggestion:.3g}"
        span = f"{self.lrs[0]:.3g} to {self.lrs[-1]:.3g}, " if len(self.lrs) else ""
        return f"LRFindResult(suggestion={found}, {span}{len(self.lrs)} steps: {self.stop_reason})"

    def plot(self, path: str | PathLike[str] | None = None) -> Figure:
        """Draw the losses; see `fastcnn.training.report.plot_lr_find`."""
        return plot_lr_find(self, path)

    def text(self, width: int = 80, height: int = 12, *, unicode: bool = True) -> str:
        """Draw the smoothed loss as text; see `fastcnn.training.report.text_chart`."""
        # The climb at the end would press all before it flat.
        shown = self.smoothed <= 1.1 * self.smoothed[:_FEWEST].max() if len(self.smoothed) else slice(0)
        return text_chart(
            {"": (self.lrs[shown], self.smoothed[shown])},
            "smoothed loss",
            width,
            height,
            x_label="learning rate",
            log_x=True,
            unicode=unicode,
        )


def lr_find(
    trainer: Trainer,
    train: Data,
    *,
    batch_size: int | None = None,
    start_lr: float = 1e-7,
    end_lr: float = 10.0,
    steps: int = 100,
    stop_factor: float = 4.0,
    augment: Callable | None = None,
    drop_last: bool = False,
) -> LRFindResult:
    """Train for some steps while the learning rate rises exponentially, then undo all of it.

    Step i of n has the rate ``start_lr (end_lr / start_lr)^(i / (n - 1))``; other parameter groups keep
    their ratio to the first. It ends early when the smoothed loss exceeds `stop_factor` times its lowest
    value so far, or when a loss is not finite. Weights, gradients, the optimizer and the random streams of
    layers are then as they were before, to the bit; schedule, callbacks and history take no part.

    Parameters
    ----------
    trainer : Trainer
    train : Dataset, or data set or iterable of batches of another library, as of `Trainer.fit`
        Batches are drawn from it as in the first epochs of fit.
    batch_size : int
        Left out where batches come with lengths of their own.
    start_lr, end_lr : float
        ``0 < start_lr < end_lr``.
    steps : int
        At least 2.
    stop_factor : float
        Above 1.
    augment : callable ``augment(images, rng) -> images``, optional
        As in fit.
    drop_last : bool
        As in fit.

    Raises
    ------
    ArgumentError, DTypeError, ShapeError
        If an argument is out of range, or the data do not fit the model.

    Examples
    --------
    >>> found = lr_find(trainer, train, batch_size=128)  # doctest: +SKIP
    >>> found.suggestion  # doctest: +SKIP
    0.0052
    """
    if not isinstance(trainer, Trainer):
        raise DTypeError(f"lr_find: trainer must be a Trainer, got {type(trainer).__name__}")
    if not 0 < start_lr < end_lr < math.inf:
        raise ArgumentError(f"lr_find: expected 0 < start_lr < end_lr, got {start_lr!r} and {end_lr!r}")
    if not stop_factor > 1:
        raise ArgumentError(f"lr_find: stop_factor must be above 1, got {stop_factor!r}")
    rates = np.geomspace(start_lr, end_lr, integer(steps, "lr_find: steps", 2))
    source = source_of(train, "lr_find: train", batch_size=batch_size, drop_last=drop_last)
    x, logits = trainer._check_fit(source, augment, "lr_find: train")
    loader = loader_of(
        source, "lr_find", batch_size=batch_size, drop_last=drop_last, seed=trainer.seed, augment=augment
    )
    if (
        loader.length is not None and len(rates) >= loader.length
    ):  # the last batch of an epoch is among the steps
        check_batches(trainer.model, x, loader, "lr_find")
    give_hints(trainer, x, logits)
    with _undone(trainer):
        losses, stop_reason = _climb(trainer, loader, rates, float(stop_factor))
    smoothed = _smooth(losses)
    lrs = rates[: len(losses)]
    return LRFindResult(lrs, np.array(losses), smoothed, _steepest(lrs, smoothed), stop_reason)


def _climb(trainer: Trainer, loader: Feed, rates: np.ndarray, stop_factor: float) -> tuple[list[float], str]:
    """Take the steps; return the finite losses and why it ended."""
    groups = trainer.optimizer.param_groups
    first = groups[0]["lr"]
    ratios = [group["lr"] / first if first > 0 else 1.0 for group in groups]
    adds_up = trainer.adds_up
    losses: list[float] = []
    average, lowest, epoch = 0.0, math.inf, 0
    while True:
        for images, labels, *weighted in loader.epoch(epoch):
            rate = rates[len(losses)]
            for group, ratio in zip(groups, ratios, strict=True):
                group["lr"] = float(rate) * ratio
            # Too large a rate is what the search is for.
            with np.errstate(over="ignore", invalid="ignore"):
                trainer._train_mode()
                loss, _ = trainer._step(images, labels, None, weighted[0] if weighted else None)
            if trainer._executor.refused:
                what = f"the loss was {loss}" if not math.isfinite(loss) else "numbers were no longer finite"
                return losses, f"{what} at {rate:.2g}"
            losses.append(loss / len(labels) if adds_up else loss)
            average = _SMOOTHING * average + (1 - _SMOOTHING) * losses[-1]
            corrected = average / (1 - _SMOOTHING ** len(losses))
            lowest = min(lowest, corrected)
            if corrected > stop_factor * lowest:
                return losses, f"stopped at {rate:.2g}: loss above {stop_factor:g} times its lowest"
            if len(losses) == len(rates):
                return losses, f"all {len(rates)} steps done"
        epoch += 1


def _smooth(losses: list[float]) -> np.ndarray:
    smoothed, average = np.empty(len(losses)), 0.0
    for i, loss in enumerate(losses):
        average = _SMOOTHING * average + (1 - _SMOOTHING) * loss
        smoothed[i] = average / (1 - _SMOOTHING ** (i + 1))
    return smoothed


def _steepest(lrs: np.ndarray, smoothed: np.ndarray) -> float | None:
    """Return the rate of the steepest descent before the lowest point, or None."""
    end = int(smoothed.argmin()) + 1 if len(smoothed) else 0
    if end < _FEWEST:
        return None
    # The first averages are over few losses: their ups and downs are noise.
    slopes = np.gradient(smoothed[:end], np.log(lrs[:end]))[_FEWEST - 1 :]
    place = int(slopes.argmin())
    return float(lrs[place + _FEWEST - 1]) if slopes[place] < 0 else None


@contextmanager
def _undone(trainer: Trainer) -> Iterator[None]:
    """Put everything that a training step changes back afterwards, whatever happens."""
    model, optimizer = trainer.model, trainer.optimizer
    weights, state = model.state_dict(), optimizer.state_dict()
    gradients = [(each, copy.copy(each.grad)) for each in model.parameters()]
    modes = [(module, module.training) for module in model.modules()]
    streams = generators.streams(model)
    places = [stream.bit_generator.state for stream in streams]
    try:
        yield
    finally:
        model.load_state_dict(weights)
        optimizer.load_state_dict(state)
        for parameter, gradient in gradients:
            parameter.grad = gradient
        for module, training in modes:
            module.training = training
        for stream, place in zip(streams, places, strict=True):
            stream.bit_generator.state = place
