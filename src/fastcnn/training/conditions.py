"""What a training was done with, which a checkpoint tells: what must be the same, and what should be."""

from __future__ import annotations

import hashlib
import logging
import re
from collections.abc import Mapping
from typing import Any

import numpy as np

from .. import _precision, _samples, nn
from .._config import get_flush_denormal
from .._kernels import cpu
from .._version import __version__
from ..data import Dataset, Source
from ..data.feed import Feed
from ..data.targets import CLASSIFICATION
from ..errors import ArgumentError
from .state import Training

logger = logging.getLogger(__name__)

# What is told by the words of one version.
_IN_WORDS = ("augment", "preprocess", "the loss")
# What the first versions did not tell.
_LATER = ("the options of the loss",)
# Bytes of images that are looked at; of more, rows in even steps.
_MOST_BYTES = 1 << 30


def fingerprint(dataset: Source | None) -> str | None:
    """Return the SHA-256 of a data set's images, labels and classes; None of none.

    What another library reads, which may look different each time, is told by its kind, length and classes.

    Of images of more than 1 GiB, which may lie in a file, rows in even steps are read.
    """
    if not isinstance(dataset, Dataset):
        return None if dataset is None else dataset.told()
    digest = hashlib.sha256(repr(dataset.classes).encode())
    if dataset.task != CLASSIFICATION:  # classes are told as by versions that knew nothing else
        digest.update(f"{dataset.task} {dataset.ignore_index}".encode())
    weights = () if dataset.weights is None else (dataset.weights,)
    for array in (*_samples.arrays(dataset.images), dataset.labels, *weights):
        digest.update(f"{array.shape} {array.dtype.str}".encode())
        step = -(-array.nbytes // _MOST_BYTES) or 1
        rows = max(1, (1 << 22) // max(1, array.nbytes // max(1, len(array))))
        for start in range(0, len(array), rows * step):
            digest.update(np.ascontiguousarray(array[start : start + rows]).data)
    return digest.hexdigest()


def _told(part: Any) -> str | None:
    """Return what tells a part from others: its repr, or its name if that has an address in it."""
    if part is None:
        return None
    text = repr(part)
    if not re.search(r"\bat 0x[0-9a-fA-F]+", text):
        return text
    named = part if hasattr(part, "__qualname__") else type(part)
    return f"{named.__module__}.{named.__qualname__}"


def _options(loss: Any) -> str | None:
    """Return what a loss of this package was made with; what others change as they are used nobody knows."""
    if type(loss) is not getattr(nn, type(loss).__name__, None):
        return None
    options = {name: value for name, value in vars(loss).items() if name[0] != "_" and name != "training"}
    told = {
        name: hashlib.sha256(value.tobytes()).hexdigest() if isinstance(value, np.ndarray) else repr(value)
        for name, value in options.items()
    }
    return ", ".join(f"{name}={value}" for name, value in sorted(told.items()))


def conditions(trainer: Training, loader: Feed, validation: Source | None) -> dict[str, Any]:
    """Return the conditions of a fit.

    Returns
    -------
    dict
        "must": what a training that goes on must have in common, "should": what its bits depend on.
    """
    precision = trainer.precision or _precision.get()
    narrow = precision == "medium" and cpu.multiplies_bfloat16()
    return {
        "must": {
            "train: the images": fingerprint(loader.dataset),
            "validation: the images": fingerprint(validation),
            "batch_size": loader.batch_size,
            "shuffle": loader.shuffle,
            "replacement": loader.replacement,
            "drop_last": loader.drop_last,
            "seed": loader.seed,
            "augment": _told(loader.augment),
            "preprocess": _told(trainer.preprocess),
            "the loss": _told(trainer.loss),
            "the options of the loss": _options(trainer.loss),
            "the optimizer": trainer.optimizer._name,
            "the scheduler": None if trainer.scheduler is None else type(trainer.scheduler).__name__,
            "scheduler_step": trainer.scheduler_step,
            "clip_grad_norm": trainer.clip_grad_norm,
            "clip_grad_value": trainer.clip_grad_value,
            # Of a single batch nothing is told, as by versions that knew no others.
            "accumulate_grad_batches": several if (several := trainer.accumulate_grad_batches) > 1 else None,
        },
        "should": {
            "version": __version__,
            # Those whose kernels compute: others may have none of their own for a type.
            "instruction set": cpu.get_isa("bfloat16" if narrow else "float32"),
            "engine": trainer.engine,
            "precision": precision,
            "conv_algorithm": trainer.conv_algorithm,
            "flush_denormal": get_flush_denormal(),
        },
    }


def compare(saved: Mapping[str, Any], own: Mapping[str, Any], source: str) -> None:
    """Raise where a training cannot go on, and warn where its results will not be the same to the bit.

    Raises
    ------
    ArgumentError
        If something that must be the same is not.
    """
    another_version = saved["should"].get("version") != own["should"]["version"]
    for name, value in own["must"].items():
        before = saved["must"].get(name, value if name in _LATER else None)
        if before != value and another_version and name in _IN_WORDS:
            logger.warning(
                "%s: %s was called %r and is now called %r: is it the same?", source, name, before, value
            )
        elif before != value:
            how = "are not those of" if "images" in name else f"is {value!r}, but {before!r} in"
            raise ArgumentError(f"fit: {name} {how} the training that goes on, see {source}")
    another_precision = saved["should"].get("precision") != own["should"]["precision"]
    for name, value in own["should"].items():
        before = saved["should"].get(name)
        if name == "instruction set" and another_precision:
            continue  # it may be another one on the same processor
        if before != value:
            logger.warning(
                "%s: %s was %r and is now %r: from here on results are not, to the bit, those of a training "
                "that was never interrupted",
                source,
                name,
                before,
                value,
            )
