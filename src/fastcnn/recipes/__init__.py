"""Recipes: how a network is trained, as a TOML file, and what it takes to follow one.

``load("compact-mnist")`` reads a recipe, ``Experiment(recipe).fit()`` trains by it, a `Run` also leaves a
folder with weights and results, and ``Classifier.load(folder)`` uses what was trained.

Examples
--------
>>> recipe = load("compact-mnist").replace("training.epochs", 5, "example")
>>> run = Run(Experiment(recipe), new_folder(recipe.name))  # doctest: +SKIP
>>> run.fit()  # doctest: +SKIP
>>> run.finish()["test"]["accuracy"]  # doctest: +SKIP
"""

from .classifier import Classifier
from .component import Component
from .experiment import Experiment
from .files import load, names, read_file, write_file
from .recipe import Recipe, read_recipe
from .run import Run, new_folder, resumed_experiment, take_folder
from .sections import DataSection, ModelSection, TrainingSection

__all__ = [
    "Classifier",
    "Component",
    "DataSection",
    "Experiment",
    "ModelSection",
    "Recipe",
    "Run",
    "TrainingSection",
    "load",
    "names",
    "new_folder",
    "read_file",
    "read_recipe",
    "resumed_experiment",
    "take_folder",
    "write_file",
]
