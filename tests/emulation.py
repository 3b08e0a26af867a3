"""What tests must know of a processor that is emulated, as tests/aarch64/run.sh says it is."""

import os

import pytest

EMULATED = os.environ.get("FASTCNN_TESTS_EMULATED") == "1"

# qemu 7.2 ends with a failed assertion of its own, in cpu_exec, when a process of several threads forks.
forks = pytest.mark.skipif(
    EMULATED or not hasattr(os, "fork"),
    reason="the emulator dies of forks with threads" if EMULATED else "the system cannot fork",
)


def patience(seconds):
    """Return how long to wait for another process: an emulated one takes some ten times as long."""
    return 20 * seconds if EMULATED else seconds
