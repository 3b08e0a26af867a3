"""Who imports whom in fastcnn, read from its files: whatever imports, wherever in a file it stands."""

from __future__ import annotations

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parent.parent / "src" / "fastcnn"
_CYTHON = re.compile(r"^[ \t]*(?:from +(\.*)([\w.]*) +c?import +([\w, ]*)|c?import +(fastcnn[\w.]*))", re.M)


def name_of(path, root=ROOT):
    """Return (dotted name, dotted name of its package)."""
    parts = ["fastcnn", *path.relative_to(root).with_suffix("").parts]
    if parts[-1] == "__init__":
        return ".".join(parts[:-1]), parts[:-1]
    return ".".join(parts), parts[:-1]


def _absolute(package, level, module):
    """Return the dotted name of a module that is named relative to a package."""
    base = package[: len(package) - level + 1] if level else []
    assert base or not level, f"{'.'.join(package)} imports from above fastcnn"
    return ".".join([*base, *([module] if module else [])])


def imported(source, package):
    """Yield (line, dotted name) of every fastcnn module, or name of one, that Python source imports.

    What stands in a function or below ``if TYPE_CHECKING`` counts like everything else. A module that
    ``import_module`` loads by a name that only the run knows counts as "?" of the package it is loaded from.
    """
    for node in ast.walk(ast.parse(source)):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            module = _absolute(package, node.level, node.module)
            # "from .. import ops" imports a module, "from ..ops import relu" a name of one.
            names = [f"{module}.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Call):
            called = getattr(node.func, "id", getattr(node.func, "attr", "")).lstrip("_")
            if called in ("import_module", "import__"):
                name = getattr(node.args[0], "value", None)
                name = name if isinstance(name, str) else ".?"
                relative = name.lstrip(".")
                names = [_absolute(package, len(name) - len(relative), relative)]
        for name in names:
            if name.split(".")[0] == "fastcnn":
                yield node.lineno, name


def _imported_by_cython(source, package):
    for dots, module, names, plain in _CYTHON.findall(source):
        if plain or module.split(".")[0] == "fastcnn":
            yield plain or module
        elif dots and module:
            yield _absolute(package, len(dots), module)
        elif dots:
            yield from [_absolute(package, len(dots), name.split()[0]) for name in names.split(",")]


def import_graph(root=ROOT):
    """Return, for the dotted name of each Python and Cython file, those of the files that it imports."""
    paths = {}
    for path in sorted(each for kind in ("py", "pyx", "pxd") for each in root.rglob(f"*.{kind}")):
        paths.setdefault(name_of(path, root)[0], []).append(path)
    graph = {name: set() for name in paths}
    for name, parts in paths.items():
        for path in parts:
            source, package = path.read_text(encoding="utf-8"), name_of(path, root)[1]
            if path.suffix == ".py":
                targets = [target for _, target in imported(source, package)]
            else:
                targets = _imported_by_cython(source, package)
            for target in targets:
                graph[name] |= _files_of(target, graph)
        graph[name].discard(name)
    return graph


def _files_of(target, names):
    """Return the files behind a dotted name: a module, or the one that it is a name of."""
    if target.endswith(".?"):
        package = target.removesuffix(".?")
        return {name for name in names if name.rpartition(".")[0] == package}
    while target not in names:
        target = target.rpartition(".")[0]
    return {target}


def circles(graph):
    """Return the sets of files that reach each other, by Tarjan's algorithm."""
    found, order, low, stack = [], {}, {}, []

    def visit(name):
        order[name] = low[name] = len(order)
        stack.append(name)
        for other in graph[name]:
            if other not in order:
                visit(other)
                low[name] = min(low[name], low[other])
            elif other in stack:
                low[name] = min(low[name], order[other])
        if low[name] == order[name]:
            start = stack.index(name)
            circle = set(stack[start:])
            del stack[start:]
            if len(circle) > 1:
                found.append(circle)

    for name in graph:
        if name not in order:
            visit(name)
    return found
