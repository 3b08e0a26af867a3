"""What programs for older versions say still works: names and arguments go with notice.

A name that is to go warns for one minor version (CONTRIBUTING.md); only then is it put into `GONE`.
"""

from pathlib import Path

import pytest

from .public_names import public_names, read

VERSIONS = sorted(Path(__file__).parent.glob("names-*.txt"))
# Name -> why it may differ.
GONE = {
    # Before the first release.
    "fastcnn.engine.Plan": "made by fastcnn.compile alone",
    "fastcnn.recipes.ModelSection": "read from files; its fields have names",
    "fastcnn.zoo.Layer": "several bodies in the place of one",
}


@pytest.fixture(scope="module")
def present():
    return public_names()


def test_there_are_older_versions():
    assert [path.stem for path in VERSIONS][:1] == ["names-0.1.0"]
    assert len(read(VERSIONS[0])) > 800


@pytest.mark.parametrize("path", VERSIONS, ids=lambda path: path.stem)
def test_names_and_arguments_are_still_taken(path, present):
    for name, arguments in read(path).items():
        if any(name == gone or name.startswith(f"{gone}.") for gone in GONE):
            continue
        assert name in present, f"{name} is gone without notice"
        if arguments is not None:
            wrong = changes(arguments, present[name] or [])
            assert not wrong, f"{name}({', '.join(present[name] or [])}): {wrong}"


def changes(old, new):
    """Return what a call that fits the old arguments may stumble over, the first such thing."""
    if any(each.startswith("**") and not each.startswith("***") for each in new):
        return None  # takes whatever comes
    names = {each.strip("*/=") for each in new}
    places = [each.strip("=") for each in new if not each.startswith("*")]
    for place, argument in enumerate(each for each in old if not each.startswith("*")):
        if place >= len(places) or places[place] != argument.strip("="):
            return f"argument {place} was {argument}"
    for argument in old:
        if argument.strip("*/=") not in names and not argument.startswith("**"):
            return f"takes no {argument.strip('*=')} any more"
    optional = {each.strip("*/=") for each in old if each.endswith("=")}
    required = [each.strip("*/") for each in new if not each.endswith("=")]
    needed = next((each for each in required if each in optional), None)
    if needed is not None:
        return f"needs {needed}"
    known = {each.strip("*/=") for each in old}
    added = [each for each in new if each.strip("*/=") not in known and not each.endswith("=")]
    return next((f"needs {each.strip('*')}" for each in added if not each.startswith("**")), None)


@pytest.mark.parametrize(
    ("new", "wrong"),
    [
        (["x", "size=", "*name="], None),
        (["x", "size=", "*name=", "*more="], None),
        (["x", "size=", "more=", "*name="], None),
        (["x", "size=", "name="], None),
        (["**args", "***options"], None),
        (["size=", "x", "*name="], "argument 0 was x"),
        (["x", "more=", "size=", "*name="], "argument 1 was size="),
        (["x", "*size=", "*name="], "argument 1 was size="),
        (["x", "size="], "takes no name any more"),
        (["x", "size=", "*name=", "*more"], "needs more"),
        (["x", "size", "*name="], "needs size"),
        (["x", "size=", "*name"], "needs name"),
    ],
)
def test_what_a_change_is(new, wrong):
    assert changes(["x", "size=", "*name="], new) == wrong
