"""What the figures depend on beside the code."""

from __future__ import annotations

import datetime
import os
import platform
import re


def processor(path: str = "/proc/cpuinfo") -> str:
    """Return the processor's name as the system tells it, and what tells it from others of that name.

    Vendors give one name to several generations, so family and model follow; and virtual machines may hide
    the matrix units (AMX), which make another processor of it.
    """
    facts: dict[str, str] = {}
    try:
        with open(path) as file:
            for line in file:
                key, _, value = line.partition(":")
                facts.setdefault(key.strip(), value.strip())
    except OSError:
        return platform.processor() or platform.machine()
    name = facts.get("model name") or platform.machine()
    if "cpu family" in facts:
        marks = ["family " + facts["cpu family"], "model " + facts.get("model", "?")]
        if "amx_tile" in facts.get("flags", "").split():
            marks.append("AMX")
        name += f" ({', '.join(marks)})"
    return name


def slug(name: str) -> str:
    """Return a processor's name as names of files have it: amd-epyc-26-2."""
    plain = re.sub(r"\(R\)|\(TM\)|\b(CPU|Processor|family|model)\b|@ *[\d.]+ *GHz", " ", name)
    return "-".join(re.findall(r"[a-z0-9]+", plain.lower()))


def cores() -> int:
    """Return the number of cores that this process may use."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:
        return os.cpu_count() or 1


def busy_seconds() -> float:
    """Return the seconds that all cores together have worked; 0 where the system does not tell."""
    try:
        with open("/proc/stat") as file:
            user, nice, system, _, _, irq, softirq, steal = map(int, file.readline().split()[1:9])
    except (OSError, ValueError):
        return 0.0
    return (user + nice + system + irq + softirq + steal) / os.sysconf("SC_CLK_TCK")


def machine() -> dict[str, str | int]:
    """Return date, processor, cores and system."""
    return {
        "date": datetime.date.today().isoformat(),
        "processor": processor(),
        "cores": cores(),
        "system": platform.platform(),
        "Python": platform.python_version(),
    }
