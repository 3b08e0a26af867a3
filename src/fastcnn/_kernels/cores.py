"""How many cores this process may use: its affinity, and the CPU quota of its control groups (Linux).

A container with ``--cpus 2`` on a machine with 64 cores still sees 64. With as many threads it would spend
its quota in the first part of each period, and stand still for the rest. The quota of a group holds for all
those below it, so the smallest on the way to the root counts.

Sources: proc(5), cgroups(7); cgroup-v2.rst and sched-bwc.rst in the kernel's documentation.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator

# Where they are on nearly every machine, if the system does not say.
_USUAL = (
    ("cgroup2", "/", "/sys/fs/cgroup"),
    ("cgroup", "/", "/sys/fs/cgroup/cpu"),
    ("cgroup", "/", "/sys/fs/cgroup/cpu,cpuacct"),
)
_DEFAULT_PERIOD = "100000"


def usable_cores(root: str = "/") -> int:
    """Return the number of cores that this process may use, at least 1; `root` as in `quota_cores`."""
    return min(present_cores(), quota_cores(root) or present_cores())


def describe(root: str = "/") -> str:
    """Return that number for a reader, and why it is less than the machine has."""
    cores, total = usable_cores(root), os.cpu_count() or 1
    if cores == total:
        return str(cores)
    return f"{cores} of {total} ({'affinity' if cores == present_cores() else 'CPU quota'} of the process)"


def quota_cores(root: str = "/") -> int | None:
    """Return the cores that the control groups of this process leave it, rounded up; None without a quota.

    Parameters
    ----------
    root : str
        The folder that ``proc`` and ``sys`` are in.
    """
    found = [
        cores
        for kind, folder, top in _groups(root)
        for place in _up(folder, top)
        if (cores := _read_quota(os.path.join(root, place.lstrip("/")), kind)) is not None
    ]
    return min(found, default=None)


def present_cores() -> int:
    """Return the number of cores that can run threads of this process at the same time."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:
        return os.cpu_count() or 1


def _groups(root: str) -> Iterator[tuple[str, str, str]]:
    """Yield (type, folder of the process's group, folder of the hierarchy's root) for each hierarchy."""
    mounts = list(_mounts(root)) or _USUAL
    for line in _lines(root, "proc/self/cgroup"):
        _, controllers, path = (*line.split(":", 2), "", "")[:3]
        if controllers and "cpu" not in controllers.split(","):
            continue
        kind = "cgroup" if controllers else "cgroup2"
        tops = [(base.rstrip("/"), place) for each, base, place in mounts if each == kind]
        inside = [(base, place) for base, place in tops if f"{path}/".startswith(f"{base}/")]
        for base, place in inside:
            yield kind, place + path[len(base) :].rstrip("/"), place
        if not inside:
            # A container often shows its own group at the root, under the path that it has outside.
            yield from ((kind, place, place) for _, place in tops)


def _mounts(root: str) -> Iterator[tuple[str, str, str]]:
    """Yield (type, group that is its root, folder) of the mounts that may hold quotas."""
    for line in _lines(root, "proc/self/mountinfo"):
        fields, _, rest = line.partition(" - ")
        place, kind = fields.split()[3:5], rest.split()
        if len(place) < 2 or len(kind) < 3 or kind[0] not in ("cgroup", "cgroup2"):
            continue
        if kind[0] == "cgroup2" or "cpu" in kind[2].split(","):
            base, folder = (re.sub(r"\\([0-7]{3})", lambda m: chr(int(m[1], 8)), each) for each in place)
            yield kind[0], base, folder


def _up(folder: str, top: str) -> Iterator[str]:
    """Yield a folder and those above it, up to `top`."""
    yield folder
    while len(folder) > len(top):
        folder = os.path.dirname(folder)
        yield folder


def _read_quota(folder: str, kind: str) -> int | None:
    """Return the cores that one group may use; None without a quota."""
    if kind == "cgroup2":
        words = " ".join(_lines(folder, "cpu.max")).split()
        quota, period = (*words[:2], *("max", _DEFAULT_PERIOD)[len(words) :])
    else:
        quota = "".join(_lines(folder, "cpu.cfs_quota_us"))
        period = "".join(_lines(folder, "cpu.cfs_period_us")) or _DEFAULT_PERIOD
    # "max" and -1 stand for none.
    if not (quota.isdecimal() and period.isdecimal() and int(period)):
        return None
    return max(1, -(-int(quota) // int(period)))


def _lines(folder: str, name: str) -> list[str]:
    try:
        with open(os.path.join(folder, name), encoding="utf-8", errors="surrogateescape") as file:
            return file.read().splitlines()
    except OSError:
        return []
