"""Recipes in files: those of the package, TOML files, texts of networks, and the config.toml of a run."""

from __future__ import annotations

import dataclasses
import os
import re
from os import PathLike
from pathlib import Path
from typing import Any

import tomli_w

from .. import zoo
from .._files import write_atomic
from .._version import __version__
from ..errors import DataError, suggestion
from ..zoo.files import parse_toml, read_text
from .recipe import Recipe, read_recipe
from .sizes import SIZES
from .tasks import CHOICES

CONFIG = "config.toml"
_FOLDER = Path(zoo.__file__).parent / "recipes"
# How networks without a recipe of their own are trained; it has no [model].
_DEFAULT = "default"


def names() -> tuple[str, ...]:
    """Return the names of the recipes in the package."""
    return tuple(sorted(path.stem for path in _FOLDER.glob("*.toml") if path.stem != _DEFAULT))


def load(name: str | PathLike[str]) -> Recipe:
    """Read a recipe.

    Parameters
    ----------
    name : str or path
        A name of `names`; a network of the zoo, trained as ``default.toml`` says; a ``.toml`` file; the
        folder of a run; or any other file, which holds a network as `fastcnn.zoo.read` takes it, trained as
        ``default.toml`` says.

    Raises
    ------
    DataError
        If there is no such recipe, or it is not right: the message names file and key.
    """
    text = os.fspath(name)
    if text in names():
        return _suggested(read_recipe(_read_toml(_FOLDER / f"{text}.toml"), text, text))
    if text in zoo.names():
        return _alone(read_recipe({**_default(), "model": {"name": text}}, text, text))
    path = Path(text)
    if path.is_dir():
        return read_file(path / CONFIG)
    if path.suffix == ".toml" and not _holds_layers(path):
        return read_file(path)
    if not path.exists() and not path.suffix and len(path.parts) == 1:
        known = [*names(), *(each for each in zoo.names() if each not in names())]
        raise DataError(
            f"{text}: no recipe, network or file is called that{suggestion(text, known)}; "
            f"there is {', '.join(known)}"
        )
    return _alone(read_recipe({**_default(), "model": {"file": path.name}}, text, _name_of(path)))


def read_file(path: str | PathLike[str]) -> Recipe:
    """Read a recipe from a TOML file.

    Raises
    ------
    DataError
        If it cannot be read or is not right.
    """
    return read_recipe(_read_toml(path), os.fspath(path), _name_of(Path(path)))


def write_file(recipe: Recipe, path: str | PathLike[str], comment: str = "") -> None:
    """Write a recipe, with every default, to a TOML file.

    Parameters
    ----------
    recipe : Recipe
    path : str or path
    comment : str
        Stands at the top.

    Raises
    ------
    OSError
        If the file cannot be written.
    """
    head = "".join(f"# {line}\n" for line in [f"Written by fastcnn {__version__}.", *comment.splitlines()])
    write_atomic(path, f"{head}\n{to_toml(recipe)}".encode())


def to_toml(recipe: Recipe) -> str:
    """Return the text of a TOML file with every key of a recipe."""
    return tomli_w.dumps(recipe.to_dict(), multiline_strings=True)


def _suggested(recipe: Recipe) -> Recipe:
    """Mark the sizes of a recipe of the package as chosen for its own data set."""
    return dataclasses.replace(recipe, suggested=SIZES | CHOICES)


def _alone(recipe: Recipe) -> Recipe:
    """Mark all that depends on the data set as not chosen: the recipe is a network alone."""
    return dataclasses.replace(recipe, suggested=SIZES | CHOICES | {"data.dataset"})


def _default() -> dict[str, Any]:
    return _read_toml(_FOLDER / f"{_DEFAULT}.toml")


def _read_toml(path: str | PathLike[str]) -> dict[str, Any]:
    return parse_toml(*read_text(path))


def _holds_layers(path: Path) -> bool:
    """Whether a TOML file is a network, not a recipe."""
    table = _read_toml(path)
    return ("layers" in table or "nodes" in table) and "model" not in table


def _name_of(path: Path) -> str:
    """Return a name for runs that a file without one stands for."""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", path.stem).strip("-._")[:100] or "recipe"
