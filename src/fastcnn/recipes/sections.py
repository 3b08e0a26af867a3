"""The sections of a recipe that hold plain values: [model], [data], [training]."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .._precision import PRECISIONS
from ..data.datasets import TARGETS
from ..data.layout import LAYOUTS
from ..nn.init import SCHEMES
from ..training.tasks import TASKS
from .schema import setting

# Keys of [data] that tell how files of one's own are read.
READING = ("layout", "value_range", "white", "resize", "targets", "masks", "classes", "ignore_index")
MONITORS = tuple(
    dict.fromkeys(
        [
            *("val_accuracy", "val_loss", "val_macro_f1", "accuracy", "loss"),
            *(f"val_{name}" for row in TASKS.values() for name in row.columns),
        ]
    )
)


@dataclass(frozen=True)
class ModelSection:
    """The network, said in one of five ways.

    Attributes
    ----------
    name : str or None
        One of the zoo.
    spec : str or None
        A text in the format of `fastcnn.zoo.spec`, or dicts in JSON (`fastcnn.zoo.dicts`).
    layers : list or None
        The dicts themselves; a recipe that was read has them in `spec`.
    nodes, output : list, str or None
        Those of what is no chain (`fastcnn.zoo.nodes`); a recipe that was read has them in `spec`.
    file : str or None
        A file with any of these, beside the recipe; a recipe that was read has its text in `spec`.
    init : str
        See `fastcnn.nn.Module.initialize`.
    """

    name: str | None = setting(None)
    spec: str | None = setting(None)
    layers: list | None = setting(None)  # noqa: RUF009 - the default is None
    nodes: list | None = setting(None)  # noqa: RUF009 - the default is None
    output: str | None = setting(None)
    file: str | None = setting(None)
    init: str = setting("default", choices=SCHEMES)


@dataclass(frozen=True)
class DataSection:
    """The images.

    Attributes
    ----------
    dataset : str
        A name or a path that `fastcnn.data.load` takes; a relative path starts at the current folder.
    root : str or None
        Folder of the official files of a data set with a name, if not the usual one.
    validation : int or float
        Number or fraction of the training images that are kept apart to choose the best epoch; 0 for none. A
        data set with validation images of its own keeps those instead. Default: 5000, or a fifth of fewer
        than 25,000 images.
    balanced : bool
        Keep the same number of every class apart, whatever their shares of the training images.
    train, test : int or None
        Use only so many images of each part, the same number of every class.
    layout : str or None
        The order of the axes in an ``.npz`` file, see `fastcnn.data.Dataset`.
    value_range : list of two numbers, or None
        The values of black and white in an ``.npz`` file.
    white : float or None
        The value of white in pictures with more than 8 bits.
    resize : int, list of two, or None
        To what size pictures of many sizes are brought, see `fastcnn.data.load`.
    targets : str or None
        "images": what the network is to make are the images themselves.
    masks : str or None
        The name of the folder of masks beside that of the pictures.
    classes : list of str, or None
        The names of the classes in masks.
    ignore_index : int or None
        The value of pixels in masks that do not count.
    """

    dataset: str = setting("mnist")
    root: str | None = setting(None)
    validation: int | float = setting(5000, minimum=0)
    balanced: bool = setting(False)
    train: int | None = setting(None, minimum=1)
    test: int | None = setting(None, minimum=1)
    layout: str | None = setting(None, choices=LAYOUTS)
    value_range: list | None = setting(None)  # noqa: RUF009 - the default is None
    white: float | None = setting(None, minimum=0)
    resize: int | list | None = setting(None)  # noqa: RUF009 - the default is None
    targets: str | None = setting(None, choices=TARGETS)
    masks: str | None = setting(None)
    classes: list | None = setting(None)  # noqa: RUF009 - the default is None
    ignore_index: int | None = setting(None)

    @property
    def reading(self) -> dict[str, Any]:
        """What is given of the arguments of `fastcnn.data.load`, beside name and root."""
        return {key: value for key in READING if (value := getattr(self, key)) is not None}


@dataclass(frozen=True)
class TrainingSection:
    """The length and the steps of the training.

    Attributes
    ----------
    epochs, batch_size : int
    shuffle, drop_last, replacement : bool
        As in `fastcnn.data.Loader`.
    monitor : str
        The column of the history that tells the best epoch, whose weights are kept.
    patience : int or None
        Stop after so many epochs without improvement.
    accuracy_every : int or None
        Measure the accuracy on a sample of the training images every so many steps, see
        `fastcnn.training.SampledAccuracy`.
    accuracy_samples : int
        How many images that sample has at the most.
    clip_grad_norm, clip_grad_value : float or None
        Limits of the gradients' norm and of each of their elements, as in `fastcnn.Trainer`.
    accumulate_grad_batches : int
        Batches to a step of the optimizer, as in `fastcnn.Trainer`.
    ema_decay : float or None
        Average the weights, and judge and keep the average, see `fastcnn.training.EMA`.
    precision : str or None
        Of float32 products, if not what `fastcnn.set_float32_matmul_precision` says.
    """

    epochs: int = setting(minimum=1)
    batch_size: int = setting(minimum=1)
    shuffle: bool = setting(True)
    drop_last: bool = setting(False)
    replacement: bool = setting(False)
    monitor: str = setting("val_accuracy", choices=MONITORS)
    patience: int | None = setting(None, minimum=1)
    accuracy_every: int | None = setting(None, minimum=1)
    accuracy_samples: int = setting(1000, minimum=1)
    clip_grad_norm: float | None = setting(None, minimum=0)
    clip_grad_value: float | None = setting(None, minimum=0)
    accumulate_grad_batches: int = setting(1, minimum=1)
    ema_decay: float | None = setting(None, minimum=0)
    precision: str | None = setting(None, choices=PRECISIONS)
