"""What training shows: a bar while an epoch runs, then one line with all its figures."""

from __future__ import annotations

import shutil
import sys
import time
from typing import Any

from .._bars import new_bar
from .._streams import steady
from ..data.targets import CLASSIFICATION
from ..recipes.report import duration
from ..training import Callback, History, Trainer
from ..training.progress import figures_of
from ..training.tasks import figure_of

# Loss and accuracy fit into 80 columns.
_FORMAT = "{desc} {percentage:3.0f}%|{bar:12}| {remaining} left{postfix}"
# Seconds between two updates of the bar.
_INTERVAL = 0.1


def screen() -> tuple[int, bool]:
    """Return the columns that a chart on the standard output may have, and whether it may go beyond ASCII."""
    columns = shutil.get_terminal_size().columns
    return min(max(columns, 40), 140), steady(sys.stdout).encoding.lower().startswith("utf")


class Display(Callback):
    """Show a bar on the standard error, if it is a terminal, and a line an epoch on the standard output.

    Parameters
    ----------
    epochs : int
        How many there will be.
    images : int
        Training images of an epoch.
    """

    def __init__(self, epochs: int, images: int) -> None:
        self._epochs = epochs
        self._images = images
        self._bar: Any = None

    def on_epoch_begin(self, trainer: Trainer, epoch: int) -> None:
        """Begin a bar."""
        self._loss, self._correct, self._count, self._pending = 0.0, 0, 0, 0
        self._start = self._shown = time.perf_counter()
        options: dict[str, Any] = {
            "bar_format": _FORMAT,
            "mininterval": 0,
            "dynamic_ncols": True,
            "leave": False,
        }
        self._bar = new_bar(self._images, self._label(epoch), **options)

    def on_batch_end(self, trainer: Trainer, batch: int, logs: dict[str, Any]) -> None:
        """Count the images of a batch."""
        count = logs["count"]
        # A loss that is a sum over the batch is already weighted by its size.
        self._loss += logs["loss"] * (1 if trainer.loss.reduction == "sum" else count)
        self._correct += logs["correct"]
        self._count += count
        self._pending += count
        now = time.perf_counter()
        if self._bar is None or self._bar.disable or now - self._shown < _INTERVAL:
            return
        self._shown = now
        figures = [f"loss {figure_of('loss', self._loss / self._count)}"]
        if trainer.task == CLASSIFICATION:
            figures.append(f"accuracy {self._correct / self._count:.2%}")
        figures.append(f"{self._count / (now - self._start):,.0f} images/s")
        self._bar.set_postfix_str(", ".join(figures), refresh=False)
        self._bar.update(self._pending)
        self._pending = 0

    def on_epoch_end(self, trainer: Trainer, epoch: int, row: dict[str, Any]) -> None:
        """Replace the bar by the line of the epoch."""
        self._close()
        parts = figures_of(row)
        speed = f"{row['images_per_second']:,.0f} images/s"
        parts += [f"lr {row['lr']:.2g}", speed, duration(row["seconds"])]
        print(f"{self._label(epoch)}  {'  '.join(parts)}", flush=True)

    def on_train_end(self, trainer: Trainer, history: History) -> None:
        """Take away the bar of an epoch that was not finished."""
        self._close()

    def _label(self, epoch: int) -> str:
        return f"epoch {epoch:{len(str(self._epochs))}}/{self._epochs}"

    def _close(self) -> None:
        if self._bar is not None:
            self._bar.close()
            self._bar = None
