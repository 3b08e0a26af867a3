"""The program as it is written: operations in order, each checked against its declaration."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from .elements import ElementType
from .layout import Layout
from .memory import Vectors
from .signatures import SIGNATURES, Signature


@dataclass(eq=False)
class Op:
    """One call of a kernel.

    Attributes
    ----------
    signature : Signature
        What it takes.
    arguments : dict
        All of its arguments by name.
    tasks : int
        Of an operation over tasks.
    stage : int, optional
        Neighbours over tasks with the same stage touch nothing of each other.
    whole_chunk : int
        Whether one call is for all groups that a thread has in hand; FULL_CHUNK if they should be many.
    band : int, optional
        An operation may be one of the bands of a larger one: those that follow a band of 0 and count on.
    most_slots : int
        Slots that the partial sums of its layer are kept for, 0 where it sums nothing over images.
    flops : int
        Floating-point operations of one image.
    label : str
        The layers that it works for.
    element : str
        The type of its values.
    """

    signature: Signature
    arguments: dict[str, Any]
    tasks: int = 0
    stage: int | None = None
    whole_chunk: int = False
    band: int | None = None
    most_slots: int = 0
    flops: int = 0
    label: str = ""
    element: str = ""

    @property
    def kernel(self) -> str:
        """Its name."""
        return self.signature.name

    @property
    def buffers(self) -> dict[str, Any]:
        """The buffers by name, None where one is left out."""
        return {each.name: self.arguments[each.name] for each in self.signature.buffers}


@dataclass
class Setting:
    """What the operations of a program have in common, and what is so of those to come.

    Attributes
    ----------
    element : ElementType
        Of the operations to come.
    layout : Layout
    label : str
        The layers that they work for.
    """

    element: ElementType
    layout: Layout
    label: str = ""


class Queue:
    """A list of operations that are written by name: ``queue.conv(y=..., x=..., add=True)``.

    Parameters
    ----------
    setting : Setting
        Of the program.
    stage : int, optional
        Of operations that are given none.
    """

    def __init__(self, setting: Setting, stage: int | None = None) -> None:
        self._setting = setting
        self._stage = stage
        self.ops: list[Op] = []

    def __getattr__(self, name: str) -> Callable[..., Op]:
        if name not in SIGNATURES:
            raise AttributeError(f"there is no operation {name!r}")
        return partial(self._write, SIGNATURES[name])

    def _write(
        self,
        signature: Signature,
        *,
        tasks: int = 0,
        stage: int | None = None,
        whole_chunk: int = False,
        band: int | None = None,
        flops: int = 0,
        **given: Any,
    ) -> Op:
        """Check and append an operation; see Op and, for its arguments, csrc/engine/operations.inc."""
        if tasks < 1 if signature.over_tasks else tasks:
            needed = "needs a number of tasks" if signature.over_tasks else "is over groups and has no tasks"
            raise TypeError(f"{signature.name} {needed}, got {tasks}")
        arguments = signature.complete(given, self._setting.layout, self._setting.element)
        slots = [
            each.most_slots for each in arguments.values() if isinstance(each, Vectors) and each.most_slots
        ]
        op = Op(
            signature,
            arguments,
            tasks,
            self._stage if stage is None else stage,
            whole_chunk,
            band,
            min(slots, default=0),
            flops,
            self._setting.label,
            self._setting.element.name,
        )
        self.ops.append(op)
        return op
