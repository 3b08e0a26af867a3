"""Networks that are ready to be trained, and networks that are written as data.

``build("compact-mnist", seed=0)`` makes one of them, `names` lists them. How each is trained stands in the
recipe of the same name, see `fastcnn.recipes`.

A network can be written in three ways, each of which can be turned into the others: Python, text
(`fastcnn.zoo.spec`), and a list of dicts, in Python, JSON or TOML (`fastcnn.zoo.dicts`). What is no chain is
a table of nodes in the place of that list (`fastcnn.zoo.nodes`). `read` takes a file of any of the last.
`declare` lets files have a class of layers of your own.
"""

from .. import _arguments as arguments
from .._arguments import Argument
from ..nn.declaration import Body, declare
from . import dicts, spec
from .building import build_layers
from .definition import Layer, Nodes
from .dicts import from_dicts, to_dicts
from .network_file import parse, read, read_layers
from .python_source import to_python
from .registry import build, check_logits, check_output, find, names
from .spec import from_spec, read_spec, to_spec

__all__ = [
    "Argument",
    "Body",
    "Layer",
    "Nodes",
    "arguments",
    "build",
    "build_layers",
    "check_logits",
    "check_output",
    "declare",
    "dicts",
    "find",
    "from_dicts",
    "from_spec",
    "names",
    "parse",
    "read",
    "read_layers",
    "read_spec",
    "spec",
    "to_dicts",
    "to_python",
    "to_spec",
]
