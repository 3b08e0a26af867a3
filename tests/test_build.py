"""The build turns the list of eager kernels into what Cython checks calls against."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
KERNELS = "src/fastcnn/_kernels"
LIST = f"{KERNELS}/csrc/eager/kernels.inc"
pytestmark = pytest.mark.skipif(not (ROOT / "setup.py").exists(), reason="not run from the source tree")


@pytest.fixture
def project(tmp_path):
    """A copy of setup.py, the list, and one module that calls kernels of it."""
    for name in [
        "setup.py",
        LIST,
        *(f"{KERNELS}/{n}" for n in ("__init__.py", "cpu.pxd", "elementwise.pyx")),
    ]:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, tmp_path / name)
    return tmp_path


def cythonize(project):
    """Run setup.py as far as Cython goes; return its return code and what it printed."""
    done = subprocess.run(
        [sys.executable, "setup.py", "--version"],
        cwd=project,
        capture_output=True,
        text=True,
        timeout=120,
        env={**os.environ, "PYTHONWARNINGS": ""},
    )
    return done.returncode, done.stdout + done.stderr


def change(project, old, new):
    path = project / LIST
    text = path.read_text()
    assert text.count(old) == 1
    path.write_text(text.replace(old, new))


def test_calls_are_checked_against_the_list_as_it_is_now(project):
    code, output = cythonize(project)
    assert code == 0, output
    arguments = "void *y, const void *x, ptrdiff_t size, int number, double alpha"
    change(project, f"activation, {arguments}, double beta)", f"activation, {arguments})")
    code, output = cythonize(project)
    assert code != 0
    assert "Call with wrong number of arguments (expected 5, got 6)" in output


def test_a_call_of_a_kernel_that_is_not_listed_does_not_compile(project):
    change(project, "EAGER_KERNEL(void, activation_backward,", "EAGER_KERNEL(void, activation_gradient,")
    code, output = cythonize(project)
    assert code != 0
    assert "no attribute 'activation_backward'" in output


@pytest.mark.parametrize("entry", ["(void, foo)", "(void, foo, (void *y))", "(void, foo, void *y"])
def test_a_line_that_declares_no_kernel_is_named(project, entry):
    change(project, "\n#undef EAGER_KERNEL", f"EAGER_KERNEL{entry}\n\n#undef EAGER_KERNEL")
    code, output = cythonize(project)
    assert code != 0
    expected = f"csrc/eager/kernels.inc: EAGER_KERNEL{entry} is not EAGER_KERNEL(type, name, arguments...)"
    assert expected in output
