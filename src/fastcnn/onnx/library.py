"""The onnx package, imported when a file is read or written."""

from __future__ import annotations

from types import ModuleType


def library() -> ModuleType:
    """Return the onnx package with the parts of it that are used.

    Raises
    ------
    ImportError
        If it is not installed; the message says what installs it.
    """
    try:
        import onnx
        import onnx.checker
        import onnx.helper
        import onnx.numpy_helper
    except ImportError as error:
        raise ImportError('ONNX files need onnx: pip install "fastcnn[onnx]"') from error
    return onnx
