"""Modules made of modules: a chain, and the two kinds of residual block."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ..errors import DTypeError, ShapeError
from . import functional as F
from .declaration import Body, Shape, Values, declare
from .lists import NumberedModules
from .module import Module

__all__ = ["DenseResidual", "Residual", "Sequential"]


@declare(
    {"body": Body(single=False, read=lambda chain, _: chain)},
    output=lambda values, shape: values["body"],
    make=lambda body: body,
)
class Sequential(NumberedModules):
    """Run modules one after the other; it is a list of them, too.

    Parameters
    ----------
    *modules : Module, or one mapping of name to Module
        The chain; without names its members are called "0", "1", ...
    """

    def __init__(self, *modules: Module | Mapping[str, Module]) -> None:
        super().__init__()
        if len(modules) == 1 and isinstance(modules[0], Mapping):
            named = dict(modules[0])
        else:
            named = {str(i): module for i, module in enumerate(modules)}  # type: ignore[misc]
        for name, module in named.items():
            if not isinstance(module, Module):
                raise DTypeError(f"Sequential: {name} must be a Module, got {type(module).__name__}")
        self._set(named)

    def __add__(self, other: Iterable[Module]) -> Sequential:
        return Sequential(*self, *self._all_checked(other))

    def _part(self, members: dict[str, Module]) -> Sequential:
        return Sequential(members)

    def forward(self, x: Any) -> Any:
        """Return the last module's output."""
        for module in self:
            x = module(x)
        return x


def _added(values: Values, shape: Shape) -> Shape:
    body, shortcut = values["body"], values["shortcut"]
    if shortcut is None and body != shape:
        raise ShapeError(f"Residual: body turns the shape {shape} into {body}; it must keep it")
    if shortcut is not None and body != shortcut:
        raise ShapeError(
            f"Residual: body makes the shape {body} and shortcut {shortcut}; they must be the same"
        )
    return body


@declare({"body": Body(), "shortcut": Body()}, output=_added)
class Residual(Module):
    """Add the input to what the body makes of it: ``y = shortcut(x) + body(x)``.

    Parameters
    ----------
    body : Module
        A module that keeps the shape, unless there is a shortcut.
    shortcut : Module, optional
        What brings the input to the shape of the body's output, e.g. a convolution of 1x1 pixels; x itself if
        None.
    """

    def __init__(self, body: Module, shortcut: Module | None = None) -> None:
        super().__init__()
        for name, module in (("body", body), ("shortcut", shortcut)):
            if not isinstance(module, Module) and not (module is None and name == "shortcut"):
                raise DTypeError(f"Residual: {name} must be a Module, got {type(module).__name__}")
        self.body = body
        self.shortcut = shortcut

    def forward(self, x: Any) -> Any:
        """Return shortcut(x) + body(x)."""
        y = self.body(x)
        if self.shortcut is None:
            if y.shape != x.shape:
                raise ShapeError(f"Residual: body turned the shape {x.shape} into {y.shape}; it must keep it")
            return x + y
        short = self.shortcut(x)
        if y.shape != short.shape:
            raise ShapeError(
                f"Residual: body made the shape {y.shape} and shortcut {short.shape}; they must be the same"
            )
        return short + y


def _joined(values: Values, shape: Shape) -> Shape:
    body = values["body"]
    if len(shape) != 3 or len(body) != 3 or body[1:] != shape[1:]:
        raise ShapeError(f"DenseResidual: body turns the shape {shape} into {body}; sizes must fit")
    return shape[0] + body[0], *shape[1:]


@declare({"body": Body()}, output=_joined)
class DenseResidual(Module):
    """Put the input's channels before those that the body makes of it: ``y = concat(x, body(x))``.

    Parameters
    ----------
    body : Module
        A module that keeps batch and image size.
    """

    def __init__(self, body: Module) -> None:
        super().__init__()
        if not isinstance(body, Module):
            raise DTypeError(f"DenseResidual: body must be a Module, got {type(body).__name__}")
        self.body = body

    def forward(self, x: Any) -> Any:
        """Return concat(x, body(x)) along the channels."""
        y = self.body(x)
        if y.ndim != x.ndim or y.ndim < 3 or y.shape[-2:] != x.shape[-2:] or y.shape[:-3] != x.shape[:-3]:
            raise ShapeError(f"DenseResidual: body turned the shape {x.shape} into {y.shape}; sizes must fit")
        return F.cat((x, y), -3)
