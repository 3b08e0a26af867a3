"""What TensorBoard shows of a training, written through tensorboardX."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from os import PathLike
from typing import Any

import numpy as np

from .._shapes import integer
from .callback import Callback
from .history import History
from .trainer import Trainer

# Where the figures of steps go: steps and epochs are counted by themselves.
_STEPS = "steps"
_BINS = 64


class _EventFile:
    """A file of events. Its writer is the one below tensorboardX's SummaryWriter, whose flush need not wait.

    Parameters
    ----------
    folder : str
    first : int
        What the folder has of this step and later ones is void from now on.
    """

    def __init__(self, folder: str, first: int) -> None:
        from tensorboardX.event_file_writer import EventsWriter  # type: ignore[import-untyped]
        from tensorboardX.proto.event_pb2 import Event, SessionLog  # type: ignore[import-untyped]

        os.makedirs(folder, exist_ok=True)
        # Files of one second would have one name; they are read in the order of their names.
        self._writer = EventsWriter(os.path.join(folder, "events"), f".{time.time_ns()}")
        self._event = Event
        self._write(first, session_log=SessionLog(status=SessionLog.START))

    def _write(self, step: int, **content: Any) -> None:
        self._writer.write_event(self._event(wall_time=time.time(), step=step, **content))

    def scalar(self, name: str, value: float, step: int) -> None:
        """Write a number."""
        from tensorboardX.proto.summary_pb2 import Summary  # type: ignore[import-untyped]

        self._write(step, summary=Summary(value=[Summary.Value(tag=name, simple_value=value)]))

    def histogram(self, name: str, values: np.ndarray, step: int) -> None:
        """Write how numbers are distributed; nothing of those that are not finite."""
        from tensorboardX.summary import histogram  # type: ignore[import-untyped]

        finite = values[np.isfinite(values)]
        if finite.size:
            self._write(step, summary=histogram(name, finite, _BINS))

    def flush(self) -> None:
        """See that all is on the disk."""
        self._writer.flush()

    def close(self) -> None:
        """Write what is held back, and close the file."""
        self._writer.close()


class TensorBoard(Callback):
    """Write scalars, and if wanted histograms of weights, to a folder that TensorBoard reads.

    The columns of the history are scalars of the epoch: "loss" and "val_loss", metrics, "lr" and so on.
    Written by epochs, they are on the disk when each of them ends. A training that goes on from a checkpoint
    writes on behind it: what the folder has of later epochs or steps is marked as void, and TensorBoard shows
    each once. So does a training that begins anew in a folder with an older one.

    Parameters
    ----------
    folder : str or path
        Made if it is not there. Each training should have one of its own below a common one.
    steps : int
        Also write loss and learning rate of every so many steps, below ``folder/steps``, by the number of
        the step in the training. 0: none.
    histograms : int
        Also write the distribution of each parameter after every so many epochs. 0: none.

    Raises
    ------
    ImportError
        If tensorboardX is not installed.

    Examples
    --------
    >>> board = TensorBoard("boards/first", steps=100, histograms=1)  # doctest: +SKIP
    """

    def __init__(self, folder: str | PathLike[str], *, steps: int = 0, histograms: int = 0) -> None:
        try:
            import tensorboardX  # type: ignore[import-untyped]  # noqa: F401
        except ImportError as error:
            raise ImportError('TensorBoard needs tensorboardX: pip install "fastcnn[tensorboard]"') from error
        self.folder = os.fspath(folder)
        self.steps = integer(steps, "TensorBoard: steps")
        self.histograms = integer(histograms, "TensorBoard: histograms")
        self._step = 0
        self._files: dict[str, _EventFile] = {}

    def on_train_begin(self, trainer: Trainer) -> None:
        """Begin to count steps, unless the training goes on."""
        self._close()
        if not trainer.history.epochs:
            self._step = 0

    def on_batch_end(self, trainer: Trainer, batch: int, logs: dict[str, Any]) -> None:
        """Write the loss of the step."""
        self._step += 1
        if self.steps and self._step % self.steps == 0:
            file = self._file(_STEPS, self._step)
            file.scalar("loss", float(logs["loss"]), self._step)
            file.scalar("lr", float(trainer.optimizer.param_groups[0]["lr"]), self._step)

    def on_epoch_end(self, trainer: Trainer, epoch: int, row: dict[str, Any]) -> None:
        """Write the figures of the epoch, and see that all is on the disk."""
        file = self._file("", epoch)
        for name, value in row.items():
            if name != "epoch":
                file.scalar(name, float(value), epoch)
        if self.histograms and epoch % self.histograms == 0:
            for name, parameter in trainer.model.named_parameters():
                file.histogram(name, parameter.data, epoch)
        for each in self._files.values():
            each.flush()

    def state_dict(self) -> dict[str, Any]:
        """Return the number of the last step, if steps are written."""
        return {"step": self._step} if self.steps else {}

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Take over what `state_dict` returned."""
        self._step = int(state_dict.get("step", 0))

    def on_train_end(self, trainer: Trainer, history: History) -> None:
        """Close the files."""
        self._close()

    def on_exception(self, trainer: Trainer, error: BaseException) -> None:
        """Close the files: what they have until then can be read."""
        self._close()

    def _file(self, part: str, first: int) -> _EventFile:
        """Return the file of a part, which begins with `first`."""
        if part not in self._files:
            self._files[part] = _EventFile(os.path.join(self.folder, part), first)
        return self._files[part]

    def _close(self) -> None:
        for file in self._files.values():
            file.close()
        self._files.clear()
