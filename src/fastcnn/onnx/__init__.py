"""Networks to and from ONNX files, which other tools read and write; it needs the ``onnx`` extra.

`export` writes a network that exists, and `load` returns what a file holds as a module that predicts, is
compiled, and trains on. Source of what the operators do: ONNX's own descriptions of them.
"""

from .exporting import export
from .loading import load, operators, read_metadata

__all__ = ["export", "load", "operators", "read_metadata"]
