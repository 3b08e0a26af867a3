"""A trained network with all that is needed to use it, from the one file of its weights."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from .. import nn, optim
from ..data.inputs import check_images
from ..data.targets import CLASSIFICATION
from ..data.values import UNIT, check_range
from ..errors import CheckpointError, DataError, FastcnnError
from ..onnx.loading import Opened
from ..training import Trainer, load_weights, read_metadata
from .component import NORMALIZATIONS, Component, fitted
from .experiment import build_network, fitted_parts
from .files import CONFIG, load, read_file
from .images import ImageFacts, Prepare
from .notes import KEY, Notes, damaged
from .recipe import Recipe, read_model
from .sections import ModelSection
from .tasks import Kind, loss_for, outputs_of

WEIGHTS = "weights.safetensors"
Network = Callable[[tuple[int, ...]], nn.Module]


def border_level(images: np.ndarray) -> float:
    """Return the median of the outermost pixels of images (N, C, H, W), from 0 (black) to 1 (white)."""
    edges = [images[..., 0, :], images[..., -1, :], images[..., 0], images[..., -1]]
    level = float(np.median(np.concatenate([edge.ravel() for edge in edges])))
    return level / 255 if images.dtype == np.uint8 else level


class Classifier:
    """A network, what its images are like, and what its outputs mean; see `load`.

    Attributes
    ----------
    model : Module
    input_shape : (C, H, W)
    classes : tuple of str
    dataset : str
        What it was trained on.
    background : float
        How light the border of those images is, from 0 to 1.
    images : ImageFacts
        More about them: their type, their values of black and white.
    reading : dict
        What `fastcnn.data.load` was told to read them.
    kind : Kind
        What it was trained for: classes, or another task.
    trainer : Trainer
        Its ``predict`` and ``evaluate`` prepare the images as in training.
    """

    def __init__(
        self,
        model: nn.Module,
        input_shape: tuple[int, int, int],
        classes: tuple[str, ...],
        normalize: Component,
        dataset: str,
        background: float,
        images: ImageFacts | None = None,
        reading: Mapping[str, Any] | None = None,
        kind: Kind | None = None,
        prepared: bool = False,
    ) -> None:
        self.model = model
        self.input_shape = input_shape
        self.classes = classes
        self.dataset = dataset
        self.reading = dict(reading or {})
        self.kind = Kind(CLASSIFICATION, (len(classes),)) if kind is None else kind
        self._normalize = None if prepared else NORMALIZATIONS.make(normalize)
        loss = loss_for(self.kind.loss, self.kind.task, self.kind.ignore_index)
        self.trainer = Trainer(model, optim.SGD(model.parameters()), loss)
        self._know(ImageFacts.assumed(background, dataset) if images is None else images)
        self.background = background

    def _know(self, images: ImageFacts) -> None:
        """Take that for what the training images were like."""
        self.images = images
        self.background = images.background
        normalize = self._normalize
        if normalize is None:
            normalize = partial(_as_trained, images.dtype)
        self.trainer.preprocess = Prepare(images, normalize)

    @classmethod
    def load(
        cls,
        path: str | PathLike[str],
        recipe: str | None = None,
        *,
        value_range: Sequence[float] | None = None,
    ) -> Classifier:
        """Read a trained network.

        Parameters
        ----------
        path : str or path
            A safetensors file, the folder of a run, or an ONNX file, which has its network with it.
        recipe : str, optional
            What `fastcnn.recipes.load` takes: tells the network and, where the file does not, its images, for
            example for a file that PyTorch wrote. What the file itself says of the images counts more.
            Default: the config.toml beside it.
        value_range : (float, float), optional
            The values of black and white in the training images. Default: as the file tells. With a recipe
            that is a network alone, and a file that tells nothing, they were floats with these values.

        Raises
        ------
        ArgumentError, CheckpointError, DataError
            If something cannot be read or does not fit.
        """
        file = Path(path)
        if file.is_dir():
            file /= WEIGHTS
            if not file.exists() and file.with_name(CONFIG).exists():
                raise CheckpointError(
                    f"{file}: there is no such file: the training was interrupted before it had finished an "
                    f"epoch, or is still in its first; train again with: fastcnn train {os.fspath(path)}"
                )
        given = None if recipe is None else load(recipe)
        opened = Opened(file) if file.suffix == ".onnx" else None
        # Of a recipe that is a network alone the data set is a default, which tells nothing.
        own_data = given is not None and "data.dataset" not in given.suggested
        result = cls._told(file, given, own_data, opened)
        told = result is not None
        if result is None:
            assert given is not None
            result = cls.untrained(given, None if opened is None else opened.network)
        if opened is None:
            load_weights(result.model, file)
        facts = result.images
        if value_range is None and given is not None and facts.value_range is None:
            value_range = given.data.value_range
        if value_range is not None:
            what = "value_range (--value-range)"
            if told:
                result._know(facts.with_range(value_range, what))
            else:
                result._know(facts.like_pictures(value_range, what, sure=own_data))
        return result

    @classmethod
    def _told(
        cls, file: Path, given: Recipe | None, own_data: bool, opened: Opened | None
    ) -> Classifier | None:
        """Return what a file of weights, or the config beside it, says; None: only the given recipe does."""
        notes = read_metadata(file) if opened is None else opened.metadata
        network = None if opened is None else opened.network
        config = file.with_name(CONFIG)
        if KEY in notes:
            result = cls._from_notes(notes[KEY], os.fspath(file), given, network)
            # An older file says less of the images than a recipe with their data set.
            return result if result.images.recorded or not own_data else None
        if given is not None:
            return None
        if not config.is_file():
            raise CheckpointError(
                f"{file}: does not say which network it belongs to, and there is no {CONFIG} beside it; "
                f"give a recipe"
            )
        return cls.untrained(read_file(config), network)

    def prepare(self, images: np.ndarray, value_range: Sequence[float] = UNIT) -> np.ndarray:
        """Return images with the values that black and white had in training, as `trainer` takes them.

        Parameters
        ----------
        images : uint8 or float32 (N, C, H, W)
        value_range : (float, float)
            Their values of black and white; (0, 255) for uint8. Default: as from `read_picture`.

        Returns
        -------
        uint8 or float32 (N, C, H, W)

        Raises
        ------
        DataError
            If the values of the training images are not known.
        """
        black_white = check_range(value_range, "Classifier.prepare: value_range")
        images = check_images(images, "Classifier.prepare: images")
        return self.images.like_training(images, black_white, "Classifier.prepare")

    @classmethod
    def untrained(cls, recipe: Recipe, network: Network | None = None) -> Classifier:
        """Return the network of a recipe, with its first weights.

        Parameters
        ----------
        recipe : Recipe
        network : callable, optional
            Returns another network for the shape of an image.

        Raises
        ------
        DataError
            If the data set cannot be read, or the network does not fit it.
        """
        recipe, (train, _, _) = fitted_parts(recipe)
        kind = Kind.of(train, recipe.loss) if train.task != CLASSIFICATION else None
        outputs = outputs_of(train)
        if network is None:
            model = build_network(recipe.model, recipe.layers, train.image_shape, outputs, recipe.source)
        else:
            model = _made_for(network, train.image_shape, outputs)
        images = ImageFacts.of(train, recipe.data.white)
        normalize, _ = fitted(recipe.normalize, train.images)
        return cls(
            model,
            train.image_shape,
            train.classes,
            normalize,
            recipe.data.dataset,
            images.background,
            images,
            recipe.data.reading,
            kind,
        )

    @classmethod
    def _from_notes(
        cls, text: str, source: str, recipe: Recipe | None = None, network: Network | None = None
    ) -> Classifier:
        """Return what a file says of itself; the network is that of the recipe if there is one."""
        notes = Notes.read(text, source)
        shape, outputs = notes.input_shape, notes.outputs
        try:
            if network is not None:
                model = _made_for(network, shape, outputs)
            elif recipe is None:
                model = _network(*read_model(notes.model, source), shape, outputs, source)
            else:
                model = build_network(recipe.model, recipe.layers, shape, outputs, recipe.source)
        except (KeyError, TypeError, ValueError) as error:
            if isinstance(error, FastcnnError):
                raise
            raise damaged(source, error) from error
        return cls._noted(notes, model)

    @classmethod
    def _noted(cls, notes: Notes, model: nn.Module) -> Classifier:
        """Return what notes tell of a network."""
        return cls(
            model,
            notes.input_shape,
            notes.classes,
            notes.normalize,
            notes.dataset,
            notes.background,
            notes.images,
            notes.reading,
            notes.kind,
            notes.prepared,
        )


def _as_trained(dtype: str, images: np.ndarray, rng: object = None) -> np.ndarray:
    """Return the values of training images for a network that normalises them itself.

    Where those were bytes, floats are from 0 to 1 instead, as `fastcnn.data.Normalize` takes them.
    """
    values = np.asarray(images, np.float32)
    return values * np.float32(255) if dtype == "uint8" and images.dtype != np.uint8 else values


def _made_for(network: Network, shape: tuple[int, ...], outputs: tuple[int, ...]) -> nn.Module:
    """Return the network of a file, if it makes of an image what is expected."""
    model = network(shape)
    made = model.output_shape((1, *shape))[1:]
    if made != outputs:
        raise DataError(f"the network in the file makes {made} of an image, but {outputs} is expected")
    return model


def _network(section: ModelSection, layers: Any, shape: tuple, outputs: tuple, source: str) -> nn.Module:
    try:
        return build_network(section, layers, shape, outputs, source)
    except FastcnnError as error:  # of sizes that no network takes too
        raise CheckpointError(f"{source}: {error}") from error
