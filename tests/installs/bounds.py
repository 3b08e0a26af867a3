"""Print the oldest versions that a pyproject.toml allows, as constraints for pip: ``bounds.py FILE``."""

import re
import sys
from pathlib import Path


def oldest(pyproject):
    """Return a line ``name==version`` for each lower bound: of dependencies, of tests and of the build.

    Parameters
    ----------
    pyproject : dict
        The file as a TOML reader returns it.
    """
    project = pyproject["project"]
    extras = project["optional-dependencies"]
    needed = [
        *pyproject["build-system"]["requires"],
        *project["dependencies"],
        *(line for extra in ("plots", "images", "test") for line in extras[extra]),
    ]
    found = (re.match(r"([\w-]+)>=([\w.]+)", line) for line in dict.fromkeys(needed))
    return sorted({f"{match[1]}=={match[2]}" for match in found if match})


if __name__ == "__main__":
    try:
        import tomllib
    except ModuleNotFoundError:  # before Python 3.11
        import tomli as tomllib

    print(*oldest(tomllib.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))), sep="\n")
