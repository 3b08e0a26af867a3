"""The source distribution holds every file of the project and nothing else, and the wheel what it runs on."""

import fnmatch
import os
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
pytestmark = pytest.mark.skipif(not (ROOT / "setup.py").exists(), reason="not run from the source tree")

FOLDERS = ("src", "docs", "tests", "bench", "examples")
TOP = [
    "ARCHITECTURE.md",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "LICENSE",
    "MANIFEST.in",
    "Makefile",
    "README.md",
    "pyproject.toml",
    "run",
    "setup.py",
    ".clang-format",
    ".ci/run",
]
MADE_BY_SETUPTOOLS = ("PKG-INFO", "setup.cfg", "src/fastcnn.egg-info/*")
SOURCES = {".pyx", ".pxd", ".c", ".h", ".inc"}


def is_ignored(path):
    """Tell whether a line of .gitignore stands for this file."""
    patterns = (ROOT / ".gitignore").read_text().split() if (ROOT / ".gitignore").exists() else []
    patterns += ["__pycache__/", "*.egg-info/", "*.so", "*.py[cod]"]
    return any(fnmatch.fnmatch(part, line.rstrip("/")) for part in path.parts for line in patterns)


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """A copy of the project's files without what was built in the tree: old lists of files would count."""
    copy = tmp_path_factory.mktemp("project")
    names = [Path(name) for name in TOP if (ROOT / name).exists()]
    for folder in FOLDERS:
        names += [path.relative_to(ROOT) for path in (ROOT / folder).rglob("*") if path.is_file()]
    for name in names:
        if not is_ignored(name):
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, copy / name)
    return copy


def files_below(folder):
    """Return the relative paths of all files."""
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def run_setup(project, *arguments):
    """Run setup.py as a build front end would, in the copy."""
    command = [sys.executable, "setup.py", "-q", *arguments]
    done = subprocess.run(
        command,
        cwd=project,
        capture_output=True,
        text=True,
        timeout=300,
        env={**os.environ, "PYTHONWARNINGS": ""},
    )
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def before(project):
    """The files of the project, before anything is built."""
    names = files_below(project)
    if (ROOT / "build/cython").exists():
        # Up to date or not: what Cython made earlier saves time and must not be packed.
        shutil.copytree(ROOT / "build/cython", project / "build/cython")
    return names


@pytest.fixture(scope="module")
def sdist(project, before):
    """The names of the files in the source distribution, without its top folder."""
    run_setup(project, "sdist")
    (archive,) = (project / "dist").glob("*.tar.gz")
    with tarfile.open(archive) as tar:
        members = [member for member in tar.getmembers() if not member.isdir()]
    assert all(member.isfile() for member in members)
    top = archive.name.removesuffix(".tar.gz")
    assert all(member.name.startswith(f"{top}/") for member in members)
    return {member.name.removeprefix(f"{top}/") for member in members}


def test_every_file_is_in_the_sdist(before, sdist):
    assert before - sdist == set()


def test_nothing_else_is_in_the_sdist(before, sdist):
    extra = {name for name in sdist - before if not any(fnmatch.fnmatch(name, p) for p in MADE_BY_SETUPTOOLS)}
    assert extra == set()


def test_the_sdist_has_what_a_build_and_its_tests_need(sdist):
    for name in [
        *TOP,
        "src/fastcnn/py.typed",
        "src/fastcnn/_kernels/cpu.pxd",
        "src/fastcnn/_kernels/gemm.pyx",
        "src/fastcnn/_kernels/csrc/eager/gemm.c",
        "src/fastcnn/_kernels/csrc/common/vec.h",
        "src/fastcnn/_kernels/csrc/eager/kernels.inc",
        "src/fastcnn/_kernels/csrc/engine/operations.inc",
        "src/fastcnn/data/mnist/train-images-idx3-ubyte.gz",
        "src/fastcnn/data/mnist/NOTICE",
        "tests/oracle/conv.npz",
        "tests/test_sdist.py",
        "bench/bench_gemm.py",
    ]:
        assert name in sdist, f"{name} is missing"


def test_every_kernel_has_a_stub(before):
    """A type checker sees no compiled module."""
    modules = {name.removesuffix(".pyx") for name in before if name.endswith(".pyx")}
    assert len(modules) >= 10
    assert modules == {name.removesuffix(".pyi") for name in before if name.endswith(".pyi")}


def test_the_wheel_has_every_file_but_the_sources(project, before):
    """Copied as for a wheel, without compiling: data files are easily forgotten."""
    run_setup(project, "build_py", "--build-lib", "wheel")
    inside = files_below(project / "wheel")
    wanted = {name.removeprefix("src/") for name in before if name.startswith("src/")}
    assert inside == {name for name in wanted if Path(name).suffix not in SOURCES}
