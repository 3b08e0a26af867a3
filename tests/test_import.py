"""What importing does: no warning, nothing that is not needed yet."""

import os
import subprocess
import sys

import pytest

# Extras, and dependencies that are imported where they are used.
LATER = {"matplotlib", "PIL", "torch", "tqdm", "safetensors", "pandas", "scipy", "sklearn", "onnx"}
LATER |= {"tensorboardX"}


def run(code):
    """Run Python code with warnings as errors, and return the lines that it printed."""
    command = [sys.executable, "-W", "error", "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, env={**os.environ})
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return done.stdout.splitlines()


def test_import_is_silent_and_light():
    loaded = run("import sys, fastcnn; print(*{name.split('.')[0] for name in sys.modules})")[0].split()
    assert "fastcnn" in loaded
    assert not LATER & set(loaded)
    assert "numpy" not in loaded


@pytest.mark.parametrize(
    "module", ["ops", "nn", "optim", "data", "training", "zoo", "onnx", "recipes", "cli"]
)
def test_submodules_load_no_extra(module):
    code = f"import sys, fastcnn.{module}; print(*{{name.split('.')[0] for name in sys.modules}})"
    loaded = set(run(code)[0].split())
    assert not (LATER - {"tqdm", "safetensors"}) & loaded


def test_submodules_load_on_first_use():
    code = (
        "import sys, fastcnn; fastcnn.nn.ReLU; print(*['fastcnn.' + n in sys.modules for n in ('nn', 'zoo')])"
    )
    assert run(code) == ["True False"]


def test_layers_load_neither_engine_nor_summary():
    code = "import sys, fastcnn.nn; print([n for n in sys.modules if n.startswith({later})])"
    assert run(code.format(later=("fastcnn.engine", "fastcnn.nn.summary", "fastcnn.nn.drawing"))) == ["[]"]


def test_star_import():
    assert run("from fastcnn import *; print(Trainer.__name__, nn.ReLU.__name__)") == ["Trainer ReLU"]
