"""The caches that a system tells of, or those that it does not."""

import pytest

from fastcnn._kernels import caches, cpu


def system(tmp_path, *entries):
    """Make a folder as Linux has it; an entry is level, type, size."""
    for number, facts in enumerate(entries):
        folder = tmp_path / "sys/devices/system/cpu/cpu0/cache" / f"index{number}"
        folder.mkdir(parents=True)
        for name, value in zip(("level", "type", "size"), facts, strict=True):
            (folder / name).write_text(f"{value}\n")
    return str(tmp_path)


def test_caches_of_data(tmp_path):
    entries = (1, "Data", "32K"), (1, "Instruction", "64K"), (2, "Unified", "1M"), (3, "Unified", "33792K")
    assert caches.sizes(system(tmp_path, *entries)) == {1: 32 << 10, 2: 1 << 20, 3: 33792 << 10}


@pytest.mark.parametrize(
    "entries", [(), [("one", "Data", "32K")], [(1, "Data", "")], [(1, "Data", "0K")], [(1, "Data", "32T")]]
)
def test_a_system_that_tells_nothing_of_use(tmp_path, entries):
    assert caches.sizes(system(tmp_path, *entries)) == {1: 32 << 10, 2: 256 << 10, 3: 4 << 20}


def test_this_machine():
    sizes = caches.sizes()
    assert list(sizes) == sorted(sizes)
    assert all(1 << 10 < size < 1 << 32 for size in sizes.values())


@pytest.mark.parametrize("size", [0, 1, 256, 1000, 1 << 20])
def test_the_rate_of_a_copy(isa, size):
    """An array that holds no two vectors is never copied: nothing moves."""
    rate = cpu.copy_rate(size, 0.001)
    assert rate == 0 if size < 256 else 1e6 < rate < 1e13
