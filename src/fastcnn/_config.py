"""Threads and the description of this installation."""

import platform
import sys
import sysconfig
from collections.abc import Callable

import numpy as np

from . import _precision
from ._kernels import cores, cpu
from ._shapes import integer
from ._version import __version__
from .errors import ArgumentError


def set_num_threads(n: int) -> None:
    """Set the number of threads that kernels use at the most; results do not depend on it.

    They use no more than the process has cores at that time.

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
    """Return the number of threads that kernels use at the most, as it was set."""
    return cpu.get_num_threads()


def set_flush_denormal(mode: bool) -> bool:
    """Choose whether float32 kernels take denormal numbers, those below 2^-126, for zeros: the default.

    Processors compute with denormal numbers up to a hundred times slower than with others, and training meets
    them: in the moments of Adam where gradients have vanished, in activations that fade from layer to layer.
    Flushing them changes a result by less than 1.2e-38. The kernels flush for the time of their own call and
    on every thread that takes part, so that results do not depend on the number of threads, and leave the
    floating-point mode of the calling thread as it was. float64 is never flushed, nor is what NumPy computes,
    and operations that only compare and copy, such as ReLU and max-pooling, may hand a denormal number on.

    Parameters
    ----------
    mode : bool
        False keeps denormal numbers.

    Returns
    -------
    bool
        Whether this processor can flush (x86-64 and ARM can), as in PyTorch.
    """
    if not isinstance(mode, bool | np.bool_):
        raise ArgumentError(f"set_flush_denormal: mode must be True or False, got {mode!r}")
    return cpu.set_flush_denormal(bool(mode))


def get_flush_denormal() -> bool:
    """Tell whether float32 kernels take denormal numbers for zeros."""
    return cpu.get_flush_denormal()


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
        "threads": _threads(),
        "float32 products": products(_precision.get()),
        "tiles (AMX)": _tiles(),
        "denormal numbers": "flushed to zero in float32" if cpu.get_flush_denormal() else "kept",
        **_free_threading(),
    }


def products(precision: str) -> str:
    """Say what a precision is, and where it is another one that programs have."""
    as_high = precision == "medium" and not cpu.multiplies_bfloat16()
    return f"{precision}, as high: no instructions for bfloat16" if as_high else precision


def _tiles() -> str:
    """Say whether products of bfloat16 are taken by tiles, and else why not."""
    why = cpu.without_tiles()
    if why is None and cpu.get_isa() != "amx":
        why = f"the instruction set is {cpu.get_isa()}"
    return 'used with the precision "medium"' if why is None else f"not used: {why}"


def _free_threading() -> dict[str, str]:
    """Say what has become of the lock (GIL) of a Python that can do without; nothing on any other Python."""
    if not sysconfig.get_config_var("Py_GIL_DISABLED"):
        return {}
    # The function came with Python 3.13, as such builds did.
    is_enabled: Callable[[], bool] = getattr(sys, "_is_gil_enabled", lambda: True)
    if is_enabled():
        told = "the lock (GIL) is enabled; fastcnn has not been tested without it"
    else:
        told = "PYTHON_GIL=0 or -X gil=0 keeps the lock (GIL) off; fastcnn has not been tested without it"
    return {"free-threaded Python": told}


def _threads() -> str:
    asked, used = cpu.get_num_threads(), cpu.threads_in_use()
    return str(asked) if asked == used else f"{used} (set to {asked}, more than there are cores)"


def show_config() -> None:
    """Print `config`."""
    facts = config()
    width = max(map(len, facts))
    for name, value in facts.items():
        print(f"{name:<{width}}  {value}")
