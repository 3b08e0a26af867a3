"""Rules that the C sources keep, and that no compiler checks."""

import re
from pathlib import Path

import pytest

KERNELS = Path(__file__).parents[2] / "src" / "fastcnn" / "_kernels"
CSRC = KERNELS / "csrc"
pytestmark = pytest.mark.skipif(not CSRC.exists(), reason="not run from the source tree")

OF_THE_SYSTEM = {"pthread.h", "sched.h", "threads.h", "time.h", "unistd.h", "windows.h"}


def sources():
    """Return the text of each C file by its path below csrc."""
    found = {str(path.relative_to(CSRC)): path.read_text() for path in CSRC.rglob("*.*")}
    assert len(found) > 30
    return found


def test_the_operating_system_is_asked_in_one_folder():
    users = {
        name
        for name, text in sources().items()
        if OF_THE_SYSTEM & set(re.findall(r"#include <(.*?)>", text)) or re.search(r"\bpthread_", text)
    }
    assert users == {"threads/posix.h", "threads/posix.c", "threads/permission.c"}


def test_every_eager_kernel_is_called():
    names = re.findall(r"EAGER_KERNEL\(\w+, (\w+),", (CSRC / "eager/kernels.inc").read_text())
    assert len(names) > 25
    assert len(set(names)) == len(names)
    calls = "\n".join(path.read_text() for path in KERNELS.glob("*.pyx"))
    assert [name for name in names if not re.search(rf"\.{name}\(", calls)] == []


def test_an_eager_kernel_is_declared_in_the_list_and_defined_once():
    names = re.findall(r"EAGER_KERNEL\(\w+, (\w+),", (CSRC / "eager/kernels.inc").read_text())
    texts = sources() | {path.name: path.read_text() for path in KERNELS.glob("*.pxd")}
    for name in names:
        defined = [file for file, text in texts.items() if re.search(rf"^\w+ FCN\({name}\)\(", text, re.M)]
        assert len(defined) == 1, name
        assert [file for file, text in texts.items() if re.search(rf"\(\*{name}\)", text)] == [], name


def test_lines_are_not_too_long():
    """The formatter leaves comments as they are."""
    lines = [
        f"{name}:{number}"
        for name, text in sources().items()
        for number, line in enumerate(text.splitlines(), 1)
        if len(line) > 110
    ]
    assert lines == []
