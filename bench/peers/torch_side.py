"""PyTorch: contiguous and channels_last, the fastest of its optimizers' implementations."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import torch
from torch import nn

from .side import CHECK_LR, Job, Side, threads_name


class PositionBias(nn.Module):
    """y = x + a bias for each position."""

    def __init__(self, shape: tuple[int, ...]) -> None:
        super().__init__()
        self.bias = nn.Parameter(torch.zeros(shape))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + self.bias


class Residual(nn.Module):
    """y = shortcut(x) + body(x); without a shortcut x is added."""

    def __init__(self, body: nn.Module, shortcut: nn.Module | None = None) -> None:
        super().__init__()
        self.body = body
        self.shortcut = nn.Identity() if shortcut is None else shortcut

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.shortcut(x) + self.body(x)


class DenseResidual(Residual):
    """y = concat(x, body(x)) over channels."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.cat([x, self.body(x)], 1)


def build(layer: list[Any]) -> nn.Module:
    """Return the module that a layer of `layers.describe` stands for, with the same names of parameters."""
    kind, a, children = layer
    inner = [build(child) for child in children]
    makers = {
        "Sequential": lambda: nn.Sequential(*inner),
        "Residual": lambda: Residual(*inner),
        "DenseResidual": lambda: DenseResidual(*inner),
        "Conv2d": lambda: nn.Conv2d(
            *a["channels"],
            tuple(a["kernel"]),
            tuple(a["stride"]),
            _symmetric(a["padding"]),
            tuple(a["dilation"]),
            a["groups"],
            a["bias"],
        ),
        "Linear": lambda: nn.Linear(*a["features"], bias=a["bias"]),
        "BatchNorm2d": lambda: nn.BatchNorm2d(a["channels"], a["eps"], a["momentum"]),
        "ReLU": nn.ReLU,
        "MaxPool2d": lambda: nn.MaxPool2d(tuple(a["kernel"]), tuple(a["stride"]), _symmetric(a["padding"])),
        "AvgPool2d": lambda: nn.AvgPool2d(tuple(a["kernel"]), tuple(a["stride"]), _symmetric(a["padding"])),
        "AdaptiveAvgPool2d": lambda: nn.AdaptiveAvgPool2d(1),
        "Dropout": lambda: nn.Dropout(a["p"]),
        "Flatten": nn.Flatten,
        "ZeroPad2d": lambda: nn.ZeroPad2d(tuple(a["padding"])),
        "PositionBias": lambda: PositionBias(tuple(a["shape"])),
    }
    return makers[kind]()


def _symmetric(padding: list[int]) -> tuple[int, int]:
    left, right, top, bottom = padding
    assert (left, top) == (right, bottom), padding
    return top, left


class TorchSide(Side):
    """One job in PyTorch."""

    LAYOUTS = ("contiguous", "channels_last")

    def __init__(self, job: Job) -> None:
        super().__init__(job)
        self.formats = {"contiguous": torch.contiguous_format, "channels_last": torch.channels_last}
        self.x = torch.from_numpy(job.x)
        self.target = torch.from_numpy(job.target)
        torch.set_num_threads(max(job.threads))
        for layout in job.layouts or self.LAYOUTS:
            call = self._training(layout) if job.training else self._inference(layout)
            for threads in job.threads:
                self.calls[threads_name(layout, threads, job.threads)] = (threads, call)

    @staticmethod
    def versions() -> dict[str, str]:
        return {"PyTorch": torch.__version__}

    def set_threads(self, threads: int) -> None:
        if torch.get_num_threads() != threads:
            torch.set_num_threads(threads)

    def _model(self, layout: str) -> nn.Module:
        model = build(self.job.layers)
        state = {name: torch.from_numpy(array.copy()) for name, array in self.job.state.items()}
        model.load_state_dict(state)
        return model.to(memory_format=self.formats[layout])

    def _step(self, model: nn.Module, optimizer: torch.optim.Optimizer, layout: str) -> Any:
        x, target = self.x.contiguous(memory_format=self.formats[layout]), self.target
        cross_entropy = nn.CrossEntropyLoss()

        def step() -> float:
            optimizer.zero_grad()
            loss = cross_entropy(model(x), target)
            loss.backward()
            optimizer.step()
            return loss.item()

        return step

    def _training(self, layout: str) -> Any:
        """Return a step with the faster of the optimizer's implementations."""
        steps = []
        for implementation in ("fused",) if self.job.lean else ("fused", "foreach"):
            model = self._model(layout).train()
            kind = getattr(torch.optim, self.job.optimizer)
            optimizer = kind(model.parameters(), **self.job.options, **{implementation: True})
            steps.append(self._step(model, optimizer, layout))
        return fastest(steps)

    def _inference(self, layout: str) -> Any:
        model, x = self._model(layout).eval(), self.x.contiguous(memory_format=self.formats[layout])

        def predict() -> np.ndarray:
            with torch.inference_mode():
                return model(x).numpy()

        return predict

    def losses(self, steps: int) -> list[float]:
        model = self._model("contiguous").train()
        for module in model.modules():
            if isinstance(module, nn.Dropout):
                module.p = 0.0
        # Batch norm of few values per channel is exact to 1e-7 here, and to 1e-3 with channels_last.
        step = self._step(model, torch.optim.SGD(model.parameters(), lr=CHECK_LR), "contiguous")
        return [step() for _ in range(steps)]


def fastest(calls: list[Any], seconds: float = 0.15) -> Any:
    """Return the call that takes the least time."""
    if len(calls) == 1:
        return calls[0]
    best: dict[Any, float] = {}
    for call in calls:
        call()
        end = time.perf_counter() + seconds
        best[call] = float("inf")
        while True:
            start = time.perf_counter()
            call()
            now = time.perf_counter()
            best[call] = min(best[call], now - start)
            if now > end:
                break
    return min(calls, key=best.__getitem__)
