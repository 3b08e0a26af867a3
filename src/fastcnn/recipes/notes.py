"""What a file of weights says of its network and its images, in one note of JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from .. import zoo
from .._version import __version__
from ..data.targets import CLASSIFICATION
from ..errors import ArgumentError, CheckpointError, FastcnnError
from .component import NORMALIZATIONS, Component, read_component
from .experiment import Experiment
from .images import ImageFacts
from .sections import READING
from .tasks import Kind

KEY = "fastcnn"
_FORMAT = 1


class Notes(NamedTuple):
    """What `describe` has written, read.

    Attributes
    ----------
    model : dict
        What `fastcnn.recipes.recipe.read_model` takes.
    input_shape : (C, H, W)
    classes : tuple of str
    kind : Kind or None
        None: classes.
    normalize : Component
    dataset : str
    background : float
    images : ImageFacts or None
        None: the file is older, and does not tell.
    reading : dict
        What `fastcnn.data.load` was told.
    prepared : bool
        Whether the network in the file normalises images itself.
    """

    model: dict[str, Any]
    input_shape: tuple[int, int, int]
    classes: tuple[str, ...]
    kind: Kind | None
    normalize: Component
    dataset: str
    background: float
    images: ImageFacts | None
    reading: dict[str, Any]
    prepared: bool = False

    @property
    def outputs(self) -> tuple[int, ...]:
        """The shape of what the network makes of an image."""
        return (len(self.classes),) if self.kind is None else self.kind.outputs

    @classmethod
    def read(cls, text: str, source: str) -> Notes:
        """Read the note of a file.

        Raises
        ------
        CheckpointError
            If it is damaged, or of a newer format.
        """
        try:
            notes: Mapping[str, Any] = json.loads(text)
            if notes["format"] != _FORMAT:
                raise CheckpointError(
                    f"{source}: written by fastcnn {notes['version']} in a newer format: {notes['format']}"
                )
            channels, height, width = notes["input_shape"]
            given = notes.get("reading", {})
            return cls(
                {key: notes["model"][key] for key in ("name", "spec") if key in notes["model"]},
                (int(channels), int(height), int(width)),
                tuple(str(each) for each in notes["classes"]),
                Kind.read(notes["targets"], source) if "targets" in notes else None,
                read_component(NORMALIZATIONS, notes["normalize"], "normalize", source),
                str(notes["dataset"]),
                float(notes["background"]),
                ImageFacts.read(notes["images"]) if "images" in notes else None,
                {key: given[key] for key in READING if key in given},
                notes.get("prepared") is True,
            )
        except (KeyError, TypeError, ValueError) as error:
            if isinstance(error, FastcnnError):
                raise
            raise damaged(source, error) from error


def damaged(source: str, error: Exception) -> CheckpointError:
    """Return the error of a note that is none."""
    return CheckpointError(f"{source}: its description of the network is damaged: {error!r}")


def describe(experiment: Experiment, row: Mapping[str, Any]) -> dict[str, str]:
    """Return the metadata that `Classifier.load` reads from a file of weights.

    One string, since the order of several would change from file to file.

    Parameters
    ----------
    experiment : Experiment
    row : mapping
        The history of the epoch that the weights are of.
    """
    recipe, train, monitor = experiment.recipe, experiment.train, experiment.best.monitor
    description = {
        "format": _FORMAT,
        "version": __version__,
        "model": _said(experiment),
        "input_shape": train.image_shape,
        "classes": train.classes,
        "normalize": experiment.normalize.to_dict(),
        "dataset": recipe.data.dataset,
        "epoch": row["epoch"],
        monitor: row[monitor],
        "background": round(experiment.images.background, 4),
        "images": experiment.images.to_dict(),
        "reading": recipe.data.reading,
    }
    if train.task != CLASSIFICATION:
        description["targets"] = Kind.of(train, recipe.loss).to_dict()
    return {KEY: json.dumps(description)}


def _said(experiment: Experiment) -> dict[str, Any]:
    """Return what makes the network again: its text, or its name; for what is no chain its nodes.

    Those tell it whatever the zoo of another version has under the name.
    """
    section = experiment.recipe.model
    if section.name is None:
        return {"spec": section.spec}
    try:
        written = zoo.to_dicts(experiment.model, experiment.train.image_shape)
    except ArgumentError:  # a network that no file can say
        return {"name": section.name}
    return {"spec": zoo.dicts.to_json(written)} if isinstance(written, Mapping) else {"name": section.name}
