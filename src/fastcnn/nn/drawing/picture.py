"""What a picture of a network shows: boxes in frames, and the values that go from box to box."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any


@dataclass(eq=False)
class Box:
    """An operation, a layer that is one, an input or an output.

    Attributes
    ----------
    type, name, settings, shape, parameters : str
        What is written in it; name is that within the frame, and parts may be empty.
    kind : str
        One of `fastcnn.nn.drawing.words.KINDS`, which gives it its colour.
    path : str
        Its whole dotted name in the model.
    called : bool
        Whether it stands for the call of a module; else for an operation within one, or for an end.
    """

    type: str
    kind: str
    name: str = ""
    settings: str = ""
    shape: str = ""
    parameters: str = ""
    path: str = ""
    called: bool = False


@dataclass(eq=False)
class Frame:
    """The call of a module that is more than one operation, with what it applied, in order."""

    type: str = ""
    name: str = ""
    path: str = ""
    members: list[Box | Frame] = field(default_factory=list)

    def boxes(self) -> Iterator[Box]:
        """Yield all boxes within."""
        for member in self.members:
            if isinstance(member, Frame):
                yield from member.boxes()
            else:
                yield member


@dataclass(eq=False)
class Net:
    """A value: the box that makes it, and those that take it."""

    source: Box
    targets: list[Box] = field(default_factory=list)


@dataclass
class Picture:
    """A network: its name, the frame around everything, and its values."""

    title: str
    root: Frame
    nets: list[Net]

    def chains(self) -> dict[Box, tuple[Frame, ...]]:
        """Return the frames around each box, the outermost first."""
        found: dict[Box, tuple[Frame, ...]] = {}

        def visit(frame: Frame, around: tuple[Frame, ...]) -> None:
            for member in frame.members:
                if isinstance(member, Frame):
                    visit(member, (*around, member))
                else:
                    found[member] = around

        visit(self.root, (self.root,))
        return found


def printable(text: Any) -> str:
    """Return a text in which each character that is not one to be seen is a replacement character."""
    return "".join(each if each.isprintable() else "\ufffd" for each in str(text))
