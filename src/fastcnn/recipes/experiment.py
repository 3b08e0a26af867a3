"""A recipe put to work: its data, its network, its Trainer."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from .. import _samples, data, nn, zoo
from .._config import config, products
from ..data import transforms
from ..data.batch import applied, first_sample
from ..data.targets import CLASSIFICATION
from ..errors import DataError, FastcnnError, ShapeError
from ..training import (
    EMA,
    BestWeights,
    Callback,
    EarlyStopping,
    History,
    LRFindResult,
    SampledAccuracy,
    Trainer,
    lr_find,
)
from ..training.evaluation import Metrics
from ..zoo.definition import Definition
from . import component, sizes
from .images import ImageFacts
from .optimizer import make_optimizer
from .recipe import Recipe
from .scheduler import scheduler_of
from .sections import ModelSection
from .tasks import check_outputs, fit_task, loss_for, outputs_of

Parts = tuple[data.Dataset, data.Dataset | None, data.Dataset]


def load_parts(recipe: Recipe) -> Parts:
    """Return the training, validation (None: there is none) and test images of a recipe.

    Raises
    ------
    DataError
        If the data set cannot be read or divided like that.
    """
    return fitted_parts(recipe)[1]


def fitted_parts(recipe: Recipe) -> tuple[Recipe, Parts]:
    """Return the recipe, with sizes that fit its data set (see `sizes`), and the parts as `load_parts` does.

    Raises
    ------
    DataError
        As for `load_parts`.
    """
    section = recipe.data
    own = None
    if section.dataset in data.names():
        train, test = data.load(section.dataset, root=section.root, **section.reading)
    else:
        train, own, test = data.load_parts(section.dataset, root=section.root, **section.reading)
    validation = None
    key = "validation"
    try:
        if own is not None:
            validation = own if section.validation else None
        elif section.validation:
            recipe = sizes.fit_validation(recipe, train)
            train, validation = data.split(
                train, recipe.data.validation, seed=recipe.seed, balanced=recipe.data.balanced
            )
        key = "train"
        recipe = sizes.fit_limit(recipe, key, train)
        if recipe.data.train is not None:
            train = _limited(train, recipe.data.train, recipe.seed)
        key = "test"
        recipe = sizes.fit_limit(recipe, key, test)
        if recipe.data.test is not None:
            test = _limited(test, recipe.data.test, recipe.seed)
    except FastcnnError as error:
        cure = ""
        if key == "validation":
            # The test images may have been taken of those that somebody has counted.
            parts = f"{len(train)} training images beside {len(test)} test images"
            cure = f"; the data set has {parts}; give --validation, a number or a fraction such as 0.2"
        raise DataError(f"{recipe.source}: data.{key}: {error}{cure}") from error
    recipe = fit_task(recipe, train)
    return sizes.fit_batches(recipe, len(train)), (train, validation, test)


def _limited(dataset: data.Dataset, count: int, seed: int) -> data.Dataset:
    """Return so many images, the same number of every class where each image has one."""
    if dataset.task == CLASSIFICATION:
        return data.stratified_subset(dataset, count, seed)
    if count == len(dataset):
        return dataset
    return data.split(dataset, count, seed=seed)[1]


def build_network(
    section: ModelSection,
    layers: Definition,
    image_shape: tuple[int, int, int],
    outputs: tuple[int, ...],
    source: str,
) -> nn.Module:
    """Return the network that `read_model` has read, for images of that shape.

    Parameters
    ----------
    section, layers
        What `read_model` returned.
    image_shape : (C, H, W)
    outputs : tuple of int
        The shape of what it makes of an image, see `outputs_of`.
    source : str
        For messages: where the section comes from.

    Raises
    ------
    DataError
        If it does not fit the images or the classes.
    """
    try:
        if section.name is not None:
            makes_images = zoo.find(section.name).output == "images"
            classes = {} if makes_images else {"num_classes": outputs[0]}
            model = zoo.build(section.name, input_shape=image_shape, **classes)
        else:
            model = zoo.build_layers(layers, image_shape, logits=True)
        check_outputs(model, image_shape, outputs, f"{source}: the network")
    except ShapeError as error:
        raise DataError(str(error)) from error
    return model


class Experiment:
    """The parts that a recipe describes.

    Parameters
    ----------
    recipe : Recipe
    callbacks : iterable of Callback
        Called before the one that puts the best weights back.

    Attributes
    ----------
    train, validation, test : Dataset
        `validation` is None if the recipe keeps no images apart.
    recipe : Recipe
        With sizes that fit the images.
    images : ImageFacts
        What the training images are like.
    normalize : Component
        That of the recipe, with what was taken of the training images filled in.
    model : Module
    trainer : Trainer
    best : BestWeights
        Knows the best epoch so far.
    images_per_epoch : int

    Raises
    ------
    DataError
        If the parts do not fit each other.
    """

    def __init__(self, recipe: Recipe, callbacks: Iterable[Callback] = ()) -> None:
        recipe, (self.train, self.validation, self.test) = fitted_parts(recipe)
        self.recipe = recipe
        self.images = ImageFacts.of(self.train, recipe.data.white)
        self.model = build_network(
            recipe.model, recipe.layers, self.train.image_shape, outputs_of(self.train), recipe.source
        ).initialize(recipe.model.init, recipe.seed)
        training, scheduler = recipe.training, recipe.scheduler
        if training.drop_last and training.batch_size > len(self.train):
            raise DataError(
                f"{recipe.source}: training.drop_last leaves no batch: {len(self.train)} images, "
                f"training.batch_size is {training.batch_size}"
            )
        augment = [component.AUGMENTATIONS.make(each) for each in recipe.augment]
        self._augment = transforms.Compose(augment) if augment else None
        try:
            self.normalize, normalize = component.fitted(recipe.normalize, self.train.images)
        except FastcnnError as error:
            raise DataError(f"{recipe.source}: normalize: {error}") from error
        self._try([(f"augment[{i}]", each) for i, each in enumerate(augment)] + [("normalize", normalize)])
        full, rest = divmod(len(self.train), training.batch_size)
        steps = full + (rest > 0 and not training.drop_last)
        self.images_per_epoch = min(len(self.train), steps * training.batch_size)
        optimizer = make_optimizer(recipe.optimizer, self.model, recipe.source)
        if training.patience is None:
            self.best = BestWeights(training.monitor)
        else:
            self.best = EarlyStopping(training.monitor, training.patience)
        callbacks = list(callbacks)
        if training.accuracy_every is not None:
            callbacks.append(
                SampledAccuracy(self.train, training.accuracy_every, training.accuracy_samples, recipe.seed)
            )
        averages = [] if training.ema_decay is None else [EMA(training.ema_decay)]
        options: dict[str, Any] = {} if scheduler is None else scheduler.options
        steps = -(-steps // training.accumulate_grad_batches)
        rates = None if scheduler is None else scheduler_of(scheduler, optimizer, training.epochs, steps)
        self.trainer = Trainer(
            self.model,
            optimizer,
            loss_for(recipe.loss, self.train.task, self.train.ignore_index),
            scheduler=rates,
            callbacks=[*callbacks, *averages, self.best],
            seed=recipe.seed,
            preprocess=normalize,
            scheduler_step=options.get("step"),
            monitor=options.get("monitor"),
            clip_grad_norm=training.clip_grad_norm,
            clip_grad_value=training.clip_grad_value,
            accumulate_grad_batches=training.accumulate_grad_batches,
            precision=training.precision,
        )

    def machine(self) -> dict[str, str]:
        """Return what this machine and installation compute with, as `fastcnn.show_config` prints it."""
        facts = config()
        own = self.trainer.precision
        return facts if own is None else {**facts, "float32 products": products(own)}

    def _try(self, steps: list[tuple[str, transforms.Transform]]) -> None:
        """Raise DataError unless an image goes through all steps and comes out in its shape."""
        train, rng = self.train, np.random.default_rng(0)
        batch = first_sample(train, train.images[:1])
        shape, changed = train.image_shape, ""
        for path, step in steps:
            try:
                batch = applied(step, batch, rng)
            except FastcnnError as error:
                raise DataError(f"{self.recipe.source}: {path}: {error}") from error
            images = _samples.arrays(batch.images)[0]
            if images.shape[1:] != shape:
                shape, changed = images.shape[1:], path
        if shape != train.image_shape:
            raise DataError(
                f"{self.recipe.source}: {changed}: turns images of {train.image_shape} into {shape}; "
                f"they must keep their shape"
            )

    def fit(self, progress: bool = True, **checkpoint: Any) -> History:
        """Train as the recipe says; the model then has the weights of the best epoch.

        Parameters
        ----------
        progress : bool
        **checkpoint
            `checkpoint`, `checkpoint_every` and `resume`, as `Trainer.fit` takes them.
        """
        training = self.recipe.training
        return self.trainer.fit(
            self.train,
            epochs=training.epochs,
            batch_size=training.batch_size,
            validation=self.validation,
            augment=self._augment,
            shuffle=training.shuffle,
            replacement=training.replacement,
            drop_last=training.drop_last,
            progress=progress,
            **checkpoint,
        )

    def lr_find(self, **options: Any) -> LRFindResult:
        """Search for a learning rate with the recipe's batches; nothing changes by it.

        Parameters
        ----------
        **options
            As `fastcnn.training.lr_find` takes them.
        """
        training = self.recipe.training
        return lr_find(
            self.trainer,
            self.train,
            batch_size=training.batch_size,
            augment=self._augment,
            drop_last=training.drop_last,
            **options,
        )

    def evaluate(self) -> Metrics:
        """Return the metrics on the test images."""
        return self.trainer.evaluate(self.test)
