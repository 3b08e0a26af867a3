"""fastcnn as its users call it: Trainer.train_step and Module.predict."""

from __future__ import annotations

from typing import Any

import numpy as np

import fastcnn
from fastcnn import nn, optim
from fastcnn._kernels import cpu

from . import networks
from .side import Job, Side


class FastcnnSide(Side):
    """One job in fastcnn."""

    def __init__(self, job: Job) -> None:
        super().__init__(job)
        fastcnn.set_num_threads(max(job.threads))
        call = self._training() if job.training else self._inference()
        for threads in job.threads:
            self.add("", threads, call)

    @staticmethod
    def versions() -> dict[str, str]:
        precision = fastcnn.get_float32_matmul_precision()
        facts = f"{cpu.get_isa()}, float32 products in precision {precision}"
        return {"fastcnn": f"{fastcnn.__version__} ({facts})", "NumPy": np.__version__}

    def set_threads(self, threads: int) -> None:
        fastcnn.set_num_threads(threads)

    def _model(self) -> nn.Module:
        model = networks.NETWORKS[self.job.network].make()
        model.load_state_dict(self.job.state)
        return model.reseed(0)

    def _step(self, model: nn.Module, optimizer: Any) -> Any:
        trainer = fastcnn.Trainer(model, optimizer, nn.CrossEntropyLoss())
        return lambda: trainer.train_step(self.job.x, self.job.target)

    def _training(self) -> Any:
        model = self._model()
        optimizer = getattr(optim, self.job.optimizer)(model.parameters(), **self.job.options)
        return self._step(model, optimizer)

    def _inference(self) -> Any:
        model, x = self._model(), self.job.x
        return lambda: model.predict(x, len(x))

    def losses(self, steps: int) -> dict[str, list[float]]:
        model = self._model()
        for module in model.modules():
            if isinstance(module, nn.Dropout):
                module.p = 0.0
        step = self._step(model, optim.SGD(model.parameters(), lr=self.job.check_lr))
        return {"": [step() for _ in range(steps)]}
