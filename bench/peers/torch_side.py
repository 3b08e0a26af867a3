"""PyTorch: eager and compiled, in both memory layouts, in float32 and under bfloat16 autocast."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import nn

from .side import Job, Side
from .torch_model import build

LAYOUTS = {"contiguous": torch.contiguous_format, "channels_last": torch.channels_last}
# What the compiler may count on: one graph, of one batch; where it cannot, it raises.
_COMPILE: dict[str, Any] = {"fullgraph": True, "dynamic": False}


@dataclass
class Training:
    """A network in training.

    Attributes
    ----------
    loss : callable
        The forward pass up to the loss, compiled or not.
    exact : bool
        Whether batch norm of few values per channel is exact to 1e-7: contiguous and eager. With
        channels_last it is to 1e-3, compiled its sums have another order; this grows from step to step.
    """

    model: nn.Module
    optimizer: torch.optim.Optimizer
    loss: Callable[[torch.Tensor, torch.Tensor], torch.Tensor]
    x: torch.Tensor
    target: torch.Tensor
    exact: bool

    def __call__(self) -> float:
        """Do a step; return its loss."""
        return self._step(self.optimizer)

    def _step(self, optimizer: torch.optim.Optimizer) -> float:
        optimizer.zero_grad()
        loss = self.loss(self.x, self.target)
        loss.backward()
        optimizer.step()
        return loss.item()

    def compiled(self) -> Training:
        """Return the same training with a compiled loss."""
        return replace(self, loss=torch.compile(self.loss, **_COMPILE), exact=False)

    def check(self, state: dict[str, torch.Tensor], lr: float, steps: int) -> list[float]:
        """Return the losses of plain SGD steps from some weights, without dropout; then put the weights back.

        Where rounding grows there are two, which say whether gradients are right.
        """
        self.model.load_state_dict(state)
        dropouts = {module: module.p for module in self.model.modules() if isinstance(module, nn.Dropout)}
        for module in dropouts:
            module.p = 0.0
        optimizer = torch.optim.SGD(self.model.parameters(), lr=lr)
        losses = [self._step(optimizer) for _ in range(steps if self.exact else min(steps, 2))]
        for module, p in dropouts.items():
            module.p = p
        self.model.load_state_dict(state)
        return losses


@dataclass
class Prediction:
    """A network that predicts; `forward` is compiled or not."""

    forward: Callable[[torch.Tensor], torch.Tensor]
    x: torch.Tensor
    precision: str

    def __call__(self) -> np.ndarray:
        """Return the logits."""
        with torch.inference_mode(), autocast(self.precision):
            return self.forward(self.x).float().numpy()

    def compiled(self) -> Prediction:
        """Return the same with a compiled network: weights are frozen, so batch norm goes into them."""
        return replace(self, forward=torch.compile(self.forward, **_COMPILE, options={"freezing": True}))


class TorchSide(Side):
    """One job in PyTorch.

    Compiling takes long, so it is done in one memory layout for each precision and number of threads: that in
    which eager mode is the faster here. Training has the optimizer's implementation that is the faster.
    """

    def __init__(self, job: Job) -> None:
        super().__init__(job)
        # Code that was compiled for other jobs counts against a limit, beyond which all would run eagerly.
        torch._dynamo.reset()
        torch._dynamo.config.fail_on_recompile_limit_hit = True
        self.state = {name: torch.from_numpy(array) for name, array in job.state.items()}
        self.target = torch.from_numpy(job.target)
        for threads in job.threads:
            for precision in ("float32", "bfloat16"):
                self._configure(threads, precision)

    @staticmethod
    def versions() -> dict[str, str]:
        return {"PyTorch": torch.__version__}

    def set_threads(self, threads: int) -> None:
        if torch.get_num_threads() != threads:
            torch.set_num_threads(threads)

    def _configure(self, threads: int, precision: str) -> None:
        """Add the configurations of a precision."""
        self.set_threads(threads)
        suffix = "" if precision == "float32" else ", autocast"
        eager = {}
        for layout in LAYOUTS:
            name = f"{layout}{suffix}"
            if self.wanted(name, threads) or self.wanted(f"{name}, compiled", threads):
                eager[name] = (self._training if self.job.training else self._prediction)(layout, precision)
        for name, call in eager.items():
            if self.wanted(name, threads):
                self.add(name, threads, call, precision)
        if not eager:
            return
        best = fastest(eager)
        name = f"{best}, compiled"
        if not self.wanted(name, threads):
            return
        try:
            compiled = eager[best].compiled()
            compiled()
        except RuntimeError as error:
            print(f"PyTorch: {name} is left out: {str(error).strip().splitlines()[0]}", file=sys.stderr)
            return
        self.add(name, threads, compiled, precision)

    def _model(self, layout: str) -> nn.Module:
        model = build(self.job.layers)
        model.load_state_dict(self.state)
        return model.to(memory_format=LAYOUTS[layout])

    def _images(self, layout: str) -> torch.Tensor:
        return torch.from_numpy(self.job.x).contiguous(memory_format=LAYOUTS[layout])

    def _training(self, layout: str, precision: str) -> Training:
        """Return a training with the faster of the optimizer's implementations."""
        trainings = {}
        for implementation in ("fused", "foreach") if self.job.only is None else ("fused",):
            model = self._model(layout).train()
            kind = getattr(torch.optim, self.job.optimizer)
            optimizer = kind(model.parameters(), **self.job.options, **{implementation: True})
            exact = layout == "contiguous" and precision == "float32"
            trainings[implementation] = Training(
                model, optimizer, _loss(model, precision), self._images(layout), self.target, exact
            )
        return trainings[fastest(trainings)]

    def _prediction(self, layout: str, precision: str) -> Prediction:
        return Prediction(self._model(layout).eval(), self._images(layout), precision)

    def losses(self, steps: int) -> dict[str, list[float]]:
        found = {}
        for name, call in self.calls.items():
            self.set_threads(call.threads)
            found[name] = call.function.check(self.state, self.job.check_lr, steps)
        return found


def autocast(precision: str) -> AbstractContextManager:
    """Return the context in which a network runs in a precision."""
    return torch.autocast("cpu", torch.bfloat16) if precision == "bfloat16" else nullcontext()


def _loss(model: nn.Module, precision: str) -> Callable[[torch.Tensor, torch.Tensor], torch.Tensor]:
    cross_entropy = nn.CrossEntropyLoss()

    def loss(x: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        with autocast(precision):
            return cross_entropy(model(x), target)

    return loss


def fastest(calls: dict[str, Any], seconds: float = 0.15) -> str:
    """Return the name of the call that takes the least time."""
    if len(calls) == 1:
        return next(iter(calls))
    best: dict[str, float] = {}
    for name, call in calls.items():
        call()
        end = time.perf_counter() + seconds
        best[name] = float("inf")
        while True:
            start = time.perf_counter()
            call()
            now = time.perf_counter()
            best[name] = min(best[name], now - start)
            if now > end:
                break
    return min(best, key=best.__getitem__)
