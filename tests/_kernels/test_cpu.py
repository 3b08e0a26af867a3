"""Instruction sets and threads, and what the environment says about them."""

import os
import subprocess
import sys

import numpy as np
import pytest

import fastcnn
from fastcnn._config import config
from fastcnn._kernels import cores, cpu
from fastcnn.errors import ArgumentError, DTypeError

from ..emulation import EMULATED, forks, patience
from .helpers import using_isa, using_threads

REPORT = "from fastcnn._kernels import cpu; print(cpu.get_isa(), cpu.get_num_threads())"
# Enough work for kernels to start threads, and a result that shows whether they all did their part.
WORK = """
import numpy as np
from fastcnn import ops
x = np.random.default_rng(0).standard_normal((16, 8, 30, 30), np.float32)
weight = np.random.default_rng(1).standard_normal((8, 8, 3, 3), np.float32)
def work():
    return ops.conv2d(x, weight).tobytes()
"""


def run(code, **environment):
    """Run Python code in a process of its own, without the settings that this one may have."""
    names = ("FASTCNN_ISA", "FASTCNN_NUM_THREADS", "OMP_NUM_THREADS")
    clean = {name: value for name, value in os.environ.items() if name not in names}
    command = [sys.executable, "-c", code]
    options = {"capture_output": True, "text": True, "timeout": patience(120)}
    return subprocess.run(command, env={**clean, **environment}, **options)


def report(**environment):
    """Return (instruction set, threads) of a new process."""
    done = run(REPORT, **environment)
    assert done.returncode == 0, done.stderr
    isa, threads = done.stdout.split()
    return isa, int(threads)


def test_the_best_instruction_set_and_all_cores_are_the_default():
    own = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    assert report() == (cpu.available_isas()[-1], min(own, cores.quota_cores() or own))


def test_every_available_instruction_set_was_built():
    available = cpu.available_isas()
    assert available[0] == "baseline"
    assert set(available) <= set(cpu.built_isas()) <= set(cpu.LEVELS)
    # What does in C what others have instructions for is there for tests, and is never chosen by itself.
    assert set(cpu.available_isas(in_c=True)) - set(available) <= {"amx_in_c"}
    assert ("amx" in cpu.available_isas("bfloat16")) == (cpu.without_tiles() is None)


def test_vectors_grow_with_the_instruction_set():
    widths = []
    for name in cpu.available_isas("float32"):
        with using_isa(name):
            assert cpu.get_isa() == cpu.get_isa("float32") == name
            widths.append(cpu.vector_bytes())
    assert widths == [16, 32, 64][: len(widths)]


@pytest.mark.parametrize("element", ["float32", "float64", "bfloat16"])
def test_a_type_without_kernels_for_an_instruction_set_has_those_of_one_before(element):
    own = cpu.available_isas(element)
    assert own[0] == "baseline"
    for name in cpu.available_isas():
        with using_isa(name):
            known = cpu.LEVELS[: cpu.LEVELS.index(name) + 1]
            assert cpu.get_isa(element) == [each for each in own if each in known][-1]


def test_set_isa_refuses_what_is_not_there():
    before = cpu.get_isa()
    with pytest.raises(ValueError, match="FASTCNN_ISA: 'mmx' is not available here; choose one of"):
        cpu.set_isa("mmx")
    assert cpu.get_isa() == before


def test_isa_from_the_environment():
    for name in cpu.available_isas():
        assert report(FASTCNN_ISA=name)[0] == name
    done = run(REPORT, FASTCNN_ISA="AVX9000")
    assert done.returncode != 0
    assert "FASTCNN_ISA: 'AVX9000' is not available here" in done.stderr


def test_threads_from_the_environment():
    assert report(FASTCNN_NUM_THREADS="3")[1] == 3
    assert report(OMP_NUM_THREADS="5")[1] == 5
    assert report(OMP_NUM_THREADS="4,2")[1] == 4
    assert report(FASTCNN_NUM_THREADS="3", OMP_NUM_THREADS="5")[1] == 3
    assert report(FASTCNN_NUM_THREADS="", OMP_NUM_THREADS="")[1] >= 1


@pytest.mark.parametrize("text", ["0", "-1", "1.5", "two", "1025", "99999999999999999999", " "])
def test_bad_threads_in_the_environment(text):
    done = run(REPORT, FASTCNN_NUM_THREADS=text)
    assert done.returncode != 0
    assert f"FASTCNN_NUM_THREADS must be an integer from 1 to 1024, got {text!r}" in done.stderr
    assert "OMP_NUM_THREADS must be" in run(REPORT, OMP_NUM_THREADS="many").stderr


def test_set_num_threads():
    with using_threads(1):
        fastcnn.set_num_threads(np.int64(7))
        assert fastcnn.get_num_threads() == 7
        for bad in (0, -3, 1025, 2**70):
            with pytest.raises(ArgumentError, match="set_num_threads: n"):
                fastcnn.set_num_threads(bad)
        for bad in (1.0, "2", None, True):
            with pytest.raises(DTypeError, match="set_num_threads: n"):
                fastcnn.set_num_threads(bad)
        assert fastcnn.get_num_threads() == 7


def test_kernels_use_no_more_threads_than_there_are_cores(monkeypatch):
    """Others would wait for a core, and all for them. The number that was set is told as it is."""
    monkeypatch.setattr(cpu, "present_cores", lambda: 3)
    with using_threads(1):
        for count, used in ((2, 2), (3, 3), (64, 3)):
            fastcnn.set_num_threads(count)
            assert (fastcnn.get_num_threads(), cpu.threads_in_use()) == (count, used)
        assert config()["threads"] == "3 (set to 64, more than there are cores)"
        fastcnn.set_num_threads(3)
        assert config()["threads"] == "3"


def test_those_are_the_cores_that_the_process_may_run_on():
    code = "import fastcnn; fastcnn.set_num_threads(1024); from fastcnn._kernels import cpu, cores\n"
    done = run(code + "print(cpu.threads_in_use() == cores.present_cores(), fastcnn.get_num_threads())")
    assert done.stdout == "True 1024\n", done.stderr


@pytest.mark.skipif(EMULATED, reason="an emulator has no vector units")
def test_peak_of_the_vector_units():
    for name in cpu.available_isas("float32"):
        with using_isa(name):
            for itemsize in (4, 8):
                assert 0.1 < cpu.fma_gflops(0.001, 1, itemsize) < 1e5
    assert cpu.fma_gflops(0.001, 3) > 0.1


def test_show_config(capsys):
    fastcnn.show_config()
    text = capsys.readouterr().out
    for fact in (fastcnn.__version__, np.__version__, cpu.get_isa(), "threads"):
        assert fact in text


@forks
def test_a_forked_child_starts_threads_of_its_own():
    code = """
import os, sys, warnings
warnings.simplefilter("ignore", DeprecationWarning)  # of forking with threads: that is the point here
from fastcnn import set_num_threads
from fastcnn._kernels import cpu
cpu.present_cores = lambda: 4  # so many threads are used however few there are
set_num_threads(4)
def threads_that_exist():
    return len(os.listdir("/proc/self/task")) if os.path.isdir("/proc/self/task") else 4
expected = work()
child = os.fork()
if child == 0:
    same = cpu.threads_in_use() == 4 and work() == expected
    os._exit(0 if same and threads_that_exist() >= 4 else 1)
status = os.waitpid(child, 0)[1]
sys.exit(os.waitstatus_to_exitcode(status) or work() != expected)
"""
    done = run(WORK + code)
    assert done.returncode == 0, done.stderr


@forks
def test_a_child_may_be_forked_while_kernels_run():
    """The child inherits a pool in the middle of a job whose threads it does not have."""
    code = """
import os, sys, threading, warnings
warnings.simplefilter("ignore", DeprecationWarning)
expected = work()
over = threading.Event()
def keep_working():
    while not over.is_set():
        work()
thread = threading.Thread(target=keep_working)
thread.start()
codes = []
for _ in range(10):
    child = os.fork()
    if child == 0:
        os._exit(work() != expected)
    codes.append(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
over.set()
thread.join()
sys.exit(any(codes) or work() != expected)
"""
    done = run(WORK + code, FASTCNN_NUM_THREADS="3")
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("method", [pytest.param("fork", marks=forks), "spawn"])
def test_multiprocessing(tmp_path, method):
    script = tmp_path / "pool.py"
    main = f"""
import hashlib, multiprocessing, warnings
def digest(_):
    return hashlib.sha256(work()).hexdigest()
if __name__ == "__main__":
    warnings.simplefilter("ignore", DeprecationWarning)
    expected = digest(0)
    with multiprocessing.get_context("{method}").Pool(2) as pool:
        assert pool.map(digest, range(4)) == 4 * [expected]
"""
    script.write_text(WORK + main)
    done = run(f"import runpy; runpy.run_path({str(script)!r}, run_name='__main__')", FASTCNN_NUM_THREADS="3")
    assert done.returncode == 0, done.stderr


def test_threads_of_python_may_use_threads_of_the_kernels():
    """Several Python threads at once, each with kernels that run in parallel and a workspace of its own."""
    code = """
from concurrent.futures import ThreadPoolExecutor
expected = work()
with ThreadPoolExecutor(4) as pool:
    results = list(pool.map(lambda _: work(), range(16)))
assert results == 16 * [expected]
"""
    done = run(WORK + code, FASTCNN_NUM_THREADS="3")
    assert done.returncode == 0, done.stderr
