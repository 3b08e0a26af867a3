"""Threads and the description of this installation."""

import platform
import sys

import numpy as np

from ._kernels import cores, cpu
from ._shapes import integer
from ._version import __version__
from .errors import ArgumentError


def set_num_threads(n: int) -> None:
    """Set the number of threads that kernels use; results do not depend on it.

    Parameters
    ----------
    n : int
        From 1 to 1024. A forked child process keeps the number and starts threads of its own.
    """
    count = integer(n, "set_num_threads: n", 1)
    if count > cpu.MAX_THREADS:
        raise ArgumentError(f"set_num_threads: n must be at most {cpu.MAX_THREADS}, got {count}")
    cpu.set_num_threads(count)


def get_num_threads() -> int:
    """Return the number of threads that kernels use."""
    return cpu.get_num_threads()


def config() -> dict[str, str]:
    """Return the facts that a bug report needs: versions, processor, instruction set, cores, threads."""
    return {
        "fastcnn": __version__,
        "Python": sys.version.split()[0],
        "NumPy": np.__version__,
        "platform": platform.platform(),
        "instruction set": f"{cpu.get_isa()} (available: {', '.join(cpu.available_isas())})",
        "vector width": f"{8 * cpu.vector_bytes()} bits",
        "cores": cores.describe(),
        "threads": str(cpu.get_num_threads()),
    }


def show_config() -> None:
    """Print `config`."""
    facts = config()
    width = max(map(len, facts))
    for name, value in facts.items():
        print(f"{name:<{width}}  {value}")
