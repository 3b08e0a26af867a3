"""``python -m tests.public_names``: every public name of the package, with the arguments of callables.

Kept for each version, ``names-<version>.txt`` is what the next ones are compared with.
"""

import inspect
from types import ModuleType

import fastcnn


def public_names():
    """Return {dotted name: its arguments, None of what cannot be called}, all sorted."""
    found = {}
    for module in _modules(fastcnn):
        for name in module.__all__:
            _add(found, f"{module.__name__}.{name}", getattr(module, name))
    return dict(sorted(found.items()))


def read(path):
    """Return the same of a file."""
    found = {}
    for line in path.read_text().splitlines():
        name, opened, arguments = line.partition("(")
        found[name] = [each for each in arguments.removesuffix(")").split(", ") if each] if opened else None
    return found


def _modules(package):
    yield package
    for name in package.__all__:
        each = getattr(package, name)
        if isinstance(each, ModuleType) and hasattr(each, "__all__"):
            yield from _modules(each)


def _add(found, name, thing):
    if isinstance(thing, ModuleType):
        return
    found[name] = _arguments(thing) if callable(thing) else None
    if not inspect.isclass(thing):
        return
    for member in dir(thing):
        owner = next((kind for kind in thing.__mro__ if member in vars(kind)), None)
        if not member.startswith("_") and owner is not None and owner.__module__.startswith("fastcnn"):
            value = getattr(thing, member)
            found[f"{name}.{member}"] = _arguments(value) if callable(value) else None


def _arguments(thing):
    """Return the names of arguments: ``*`` before one by name only, ``=`` behind one with a default."""
    try:
        parameters = inspect.signature(thing).parameters.values()
    except (TypeError, ValueError):
        return []
    return [_MARKS[p.kind] + p.name + ("" if p.default is p.empty else "=") for p in parameters]


_MARKS = {
    inspect.Parameter.POSITIONAL_ONLY: "/",
    inspect.Parameter.POSITIONAL_OR_KEYWORD: "",
    inspect.Parameter.VAR_POSITIONAL: "**",
    inspect.Parameter.KEYWORD_ONLY: "*",
    inspect.Parameter.VAR_KEYWORD: "***",
}

if __name__ == "__main__":
    for name, arguments in public_names().items():
        print(name if arguments is None else f"{name}({', '.join(arguments)})")
