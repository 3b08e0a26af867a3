"""Imports point one way: no module imports from a layer above its own."""

import ast
import re

import pytest

from .import_graph import ROOT, imported, name_of

# From the bottom up; what stands in one row may import each other.
LADDER = [
    {"_samples", "_scoped", "_slots", "_version", "errors"},
    {
        "_arguments",
        "_bars",
        "_files",
        "_html",
        "_moved",
        "_outputs",
        "_pixels",
        "_precision",
        "_shapes",
        "_streams",
    },
    {"_kernels"},
    {"_config", "ops", "testing"},
    {"graph"},
    {"nn"},
    {"optim"},
    {"engine"},
    {"training"},
    {"zoo"},
    {"onnx"},
    {"recipes"},
    {"sklearn"},
    {"cli"},
    {"__main__"},
    {"", "?"},  # the package's own __init__, and any submodule, which it alone may load by a name
]
RANK = {unit: rank for rank, units in enumerate(LADDER) for unit in units}
# A branch beside the ladder: it needs little, and only what trains may need it.
DATA_IMPORTS = {"errors", "_bars", "_files", "_html", "_pixels", "_samples", "_shapes", "_streams"}
DATA_IMPORTS |= {"_kernels", "_version"}
IMPORTS_DATA = {"training", "recipes", "sklearn", "zoo", "cli", "__main__", ""}
# Kernels that are the data's own, and those that nobody else reaches past the ops to.
AUGMENT = "fastcnn._kernels.augment"

FILES = sorted(ROOT.rglob("*.py"))


def unit_of(module):
    """Return the layer of a dotted name below fastcnn: its second part ("" for fastcnn itself)."""
    parts = module.split(".")
    return parts[1] if len(parts) > 1 else ""


def allowed(importer, target):
    """Tell whether a module of layer `importer` may import from layer `target`."""
    if importer == target:
        return True
    if importer == "data":
        return target in DATA_IMPORTS
    if target == "data":
        return importer in IMPORTS_DATA
    return RANK[target] <= RANK[importer]


def upward_edges(path, root=ROOT):
    """Return the imports of one file that point up, as text."""
    name, package = name_of(path, root)
    importer = unit_of(name)
    edges = []
    for line, target_name in imported(path.read_text(encoding="utf-8"), package):
        target = unit_of(target_name)
        if target not in RANK and target != "data":
            edges.append(f"{path.name}:{line} imports {target_name}, which has no place in the ladder")
        elif not allowed(importer, target):
            edges.append(f"{path.name}:{line} ({importer}) imports {target_name}")
    return edges


def test_every_file_has_a_place():
    assert {unit_of(name_of(path)[0]) for path in FILES} <= RANK.keys() | {"data"}
    assert len(FILES) > 30


@pytest.mark.parametrize("path", FILES, ids=lambda p: name_of(p)[0])
def test_no_import_points_up(path):
    assert not upward_edges(path)


def test_the_package_itself_imports_nothing_heavy():
    """``import fastcnn`` loads its version and the empty slots; all else is loaded when it is first used."""
    tree = ast.parse((ROOT / "__init__.py").read_text(encoding="utf-8"))
    modules = [node.module for node in tree.body if isinstance(node, ast.ImportFrom)]
    assert modules == ["importlib", "typing", "_slots", "_version"]
    assert not [node for node in tree.body if isinstance(node, ast.Import)]


def test_kernels_import_kernels_alone():
    for path in [*ROOT.glob("_kernels/*.pyx"), *ROOT.glob("_kernels/*.pxd")]:
        for line in path.read_text(encoding="utf-8").splitlines():
            match = re.match(r"\s*(?:from|cimport|import)\s+(\.+\w*|fastcnn\S*)", line)
            if match:
                assert re.fullmatch(r"\.\w*", match[1]), f"{path.name}: {line}"


def test_only_data_uses_the_kernels_of_data():
    for path in FILES:
        name, package = name_of(path)
        for _, target in imported(path.read_text(encoding="utf-8"), package):
            is_augment = target == AUGMENT or target.startswith(f"{AUGMENT}.")
            assert not is_augment or unit_of(name) == "data", f"{name} imports {target}"
            if unit_of(name) == "data" and unit_of(target) == "_kernels":
                assert is_augment, f"{name} imports {target}"


@pytest.mark.parametrize(
    ("importer", "source", "found"),
    [
        ("ops/conv.py", "from ..nn import Module", ["fastcnn.nn.Module"]),
        ("ops/conv.py", "from .. import nn, errors", ["fastcnn.nn"]),
        ("ops/conv.py", "import fastcnn.nn.module as m", ["fastcnn.nn.module"]),
        ("ops/conv.py", "def f():\n    from fastcnn import training", ["fastcnn.training"]),
        ("ops/conv.py", "from .._kernels import conv2d\nfrom . import _check\nimport numpy", []),
        ("optim/lr_scheduler/base.py", "from ...engine import plan", ["fastcnn.engine.plan"]),
        ("data/loader.py", "from .. import ops", ["fastcnn.ops"]),
        ("nn/conv.py", "from ..data import load", ["fastcnn.data.load"]),
        ("training/trainer.py", "from ..data import Loader\nfrom ..nn import Module", []),
        ("zoo/registry.py", "from ..recipes import read", ["fastcnn.recipes.read"]),
        ("testing.py", "from .ops import relu", []),
        (
            "nn/module.py",
            "if TYPE_CHECKING:\n    from ..engine.plan import Plan",
            ["fastcnn.engine.plan.Plan"],
        ),
        ("nn/module.py", "import_module('fastcnn.engine')", ["fastcnn.engine"]),
        ("nn/module.py", "importlib.import_module('..engine', __package__)", ["fastcnn.engine"]),
        ("_files.py", "import_module(name)", ["fastcnn.?"]),
        ("cli/__init__.py", "import_module(f'.{command}', __name__)", []),
        (
            "zoo/registry.py",
            "from .. import __version__",
            ["fastcnn.__version__, which has no place in the ladder"],
        ),
        ("__init__.py", "from . import cli, data\nimport_module(f'.{name}', __name__)", []),
    ],
)
def test_the_test_finds_upward_edges(importer, source, found, tmp_path):
    path = tmp_path / importer
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(source)
    edges = upward_edges(path, tmp_path)
    assert [edge.split(" imports ")[1] for edge in edges] == found
