"""These tests need the onnx package."""

import importlib.util

if importlib.util.find_spec("onnx") is None:
    collect_ignore_glob = ["*.py"]
