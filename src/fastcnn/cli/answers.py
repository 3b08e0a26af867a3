"""What ``fastcnn predict`` says of an image, for each task: a line, and an entry of its JSON."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np

from .._files import write_atomic
from .._pixels import colours_of
from ..data.pictures import check_pillow
from ..data.targets import CLASSIFICATION, MULTILABEL, SEGMENTATION
from ..errors import ArgumentError
from ..recipes import Classifier
from ..training.report import probabilities
from ..training.tasks import threshold_of
from .places import Place

_TOP = 3
# The largest value in a PNG of 8 bits, and in one of 16.
_LARGEST, _LARGEST_16 = 255, 65535


def file_for(image: str, number: int | None, folder: str | None, classifier: Classifier) -> Path | None:
    """Return where the outputs for an image are written if they are one themselves; None if they are printed.

    Parameters
    ----------
    image : str
        Its path.
    number : int or None
        Which of several in its file it is.
    folder : str or None
        Where to write; None: beside the image.
    classifier : Classifier
    """
    task, outputs = classifier.kind.task, classifier.kind.outputs
    if len(outputs) == 1:
        return None
    # A name that a mask made by hand, which must not be lost, hardly has.
    ending = "-predicted.png" if task == SEGMENTATION else "-predicted.npy"
    which = "" if number is None else f"-{number}"
    path = Path(image)
    return (path.parent if folder is None else Path(folder)) / f"{path.stem}{which}{ending}"


def make_folders(files: list[Path | None]) -> None:
    """Make the folders of files; raise ArgumentError if outputs of two images would be written into one."""
    seen: set[Path] = set()
    for file in files:
        if file is None:
            continue
        if file in seen:
            raise ArgumentError(f"{file}: two images would be written there; give them names that differ")
        seen.add(file)
    for folder in {file.parent for file in seen}:
        folder.mkdir(parents=True, exist_ok=True)


def answer(output: np.ndarray, classifier: Classifier, file: Path | None, place: Place) -> dict[str, Any]:
    """Return what the outputs for one image mean; those that are images are written into the file.

    Masks are brought to the picture's size, of which `place` says where the network has seen it.
    """
    task, names = classifier.kind.task, classifier.classes
    if task == CLASSIFICATION:
        return {"classes": _ranked("class", probabilities(output[None])[0], names)}
    if task == MULTILABEL:
        threshold = threshold_of(classifier.trainer.loss)
        shares = np.clip(output, 0, 1) if threshold else 0.5 + 0.5 * np.tanh(0.5 * np.float64(output))
        present = {name for name, value in zip(names, output, strict=True) if value > threshold}
        rows = _ranked("label", shares, names)
        return {"labels": [{**row, "present": row["label"] in present} for row in rows]}
    if file is None:
        return {"values": [float(f"{value:.7g}") for value in output.ravel()]}
    if task == SEGMENTATION:
        outside = _outside(len(names), classifier.kind.ignore_index)
        mask = place.taken_from(output.argmax(0), outside)
        counts = np.bincount(mask[mask != outside], minlength=len(names))
        _write_mask(mask, len(names), outside, file)
        said = {"file": str(file), "pixels": _ranked("class", counts / max(1, counts.sum()), names, "share")}
        return said if place.is_whole else {**said, "outside": outside}
    content = io.BytesIO()
    np.save(content, output, allow_pickle=False)
    write_atomic(file, content.getvalue())
    return {"file": str(file)}


def line(said: dict[str, Any]) -> str:
    """Return an answer as a person reads it."""
    if "classes" in said:
        return _figures(said["classes"][:_TOP], "class")
    if "labels" in said:
        return _figures([row for row in said["labels"] if row["present"]], "label") or "no label"
    if "values" in said:
        return "  ".join(f"{value:g}" for value in said["values"])
    shares = _figures([row for row in said.get("pixels", ()) if row["share"]][:_TOP], "class", "share")
    cut = f"  (cut off: {said['outside']})" if "outside" in said else ""
    return f"{said['file']}  {shares}{cut}".rstrip()


def _figures(rows: list[dict[str, Any]], key: str, figure: str = "probability") -> str:
    return "  ".join(f"{row[key]} {row[figure]:.1%}" for row in rows)


def _ranked(
    key: str, shares: np.ndarray, names: tuple[str, ...], figure: str = "probability"
) -> list[dict[str, Any]]:
    order = np.argsort(-shares, kind="stable")
    return [{key: names[index], figure: round(float(shares[index]), 6)} for index in order]


def _outside(classes: int, ignore_index: int) -> int:
    """Return the value in a mask for what the network has not seen: one that no class has."""
    largest = _LARGEST if classes <= _LARGEST else _LARGEST_16
    return ignore_index if classes <= ignore_index <= largest else largest


def _write_mask(mask: np.ndarray, classes: int, outside: int, file: Path) -> None:
    """Write a PNG whose values are the classes, each with its colour in reports; of 16 bits it has none."""
    if classes > _LARGEST_16:
        raise ArgumentError(f"{file}: a PNG holds at most {_LARGEST_16} classes, got {classes}")
    check_pillow(str(file))
    from PIL import Image

    if classes <= _LARGEST + 1 and mask.max() <= _LARGEST:
        colours = np.ones((_LARGEST + 1, 3))  # white beyond the classes
        colours[:classes] = colours_of(classes)
        picture = Image.frombytes("P", mask.shape[::-1], mask.astype(np.uint8).tobytes())
        picture.putpalette(np.rint(255 * colours).astype(np.uint8).tobytes())
    else:
        picture = Image.fromarray(mask.astype(np.uint16))
    content = io.BytesIO()
    picture.save(content, format="PNG")
    write_atomic(file, content.getvalue())
