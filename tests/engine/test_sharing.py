"""Buffers that have the same memory, one after the other: who may, where they stand, and what it saves."""

from itertools import combinations, pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fastcnn import nn
from fastcnn._kernels import program as kernels
from fastcnn.engine import Plan
from fastcnn.engine.assemble import assemble
from fastcnn.engine.memory import NO_HALO, Blob
from fastcnn.engine.sharing import Memory, Rooms

from .operations import writer


def copy(w, x, y, **options):
    return w.copy(z=y, y=x, channels=x.channels, **options)


def made(w, batch_size=5, threads=2):
    w.close_part()
    return assemble(w, batch_size, threads)


def share(executable, a, b):
    """Tell whether two buffers have bytes in common."""
    return np.shares_memory(executable.memory[a][0], executable.memory[b][0])


@pytest.mark.parametrize("layout", ["images", "channels"])
def test_what_was_read_for_the_last_time_leaves_its_place(layout):
    w = writer(layout)
    a, b, c, d = (w.blob(3, 4, 4) for _ in range(4))
    copy(w, a, b)
    copy(w, b, c)
    copy(w, c, d)
    executable = made(w)
    assert share(executable, a, c)
    assert share(executable, b, d)
    assert not share(executable, a, b)
    assert not share(executable, c, d)


def test_what_is_read_later_stays():
    w = writer()
    a, b, c, d = (w.blob(3, 4, 4) for _ in range(4))
    copy(w, a, b)
    copy(w, b, c)
    w.apply(z=d, y=c, r=a, vectors=w.vectors(3))
    executable = made(w)
    assert not any(share(executable, a, other) for other in (b, c, d))
    assert share(executable, b, d)


@pytest.mark.parametrize("layout", ["images", "channels"])
def test_a_halo_is_shared_with_its_like_alone(layout):
    """Where channels are in the lanes of long vectors, 3 and 5 of them take as much room."""
    w, halo = writer(layout), (1, 1, 1, 1)
    given = [(3, NO_HALO), (3, halo), (3, (1, 1, 0, 0)), (5, halo), (3, NO_HALO), (3, halo)]
    chain = [w.blob(channels, 4, 4, each) for channels, each in given]
    for x, y in pairwise(chain):
        w.apply(z=y, y=x, vectors=1)
    executable = made(w)
    together = {pair for pair in combinations(range(6), 2) if share(executable, *(chain[i] for i in pair))}
    alike = w.layout.row(3) == w.layout.row(5)
    assert together == ({(0, 4), (1, 3), (1, 5), (3, 5)} if alike else {(0, 4), (1, 5)})


def test_what_is_prepared_and_partial_sums_stay():
    w = writer()
    packed, a, b, c = (w.blob(3, 4, 4) for _ in range(4))
    sums = w.sums(w.vectors(3), 3)
    room = w.workspace(4)
    w.before.copy(z=packed, y=w.blob(3, 4, 4), channels=3)
    w.apply(z=a, y=packed, vectors=w.vectors(3))
    copy(w, a, b)
    copy(w, b, c)
    w.grad_sums(sums=sums, g=c, vectors=w.vectors(3))
    executable = made(w)
    assert share(executable, a, c)
    for each in (packed, sums, room):
        assert not any(share(executable, each, other) for other in (a, b, c))


def test_what_a_later_part_reads_stays_to_its_end():
    """A backward pass may run again."""
    w = writer()
    a, b, c, d, e = (w.blob(3, 4, 4) for _ in range(5))
    copy(w, a, b)
    w.close_part()
    copy(w, b, c)
    copy(w, c, d)
    copy(w, d, e)
    executable = made(w)
    assert not any(share(executable, b, other) for other in (c, d, e))
    assert share(executable, c, e)


def test_bands_of_one_operation_run_at_one_time():
    w = writer()
    a, b, c = (w.blob(3, 4, 4) for _ in range(3))
    copy(w, a, b, band=0)
    copy(w, b, c, band=1)
    executable = made(w)
    assert not any(share(executable, *pair) for pair in combinations((a, b, c), 2))


HALOS = ((0, 0, 0, 0), (1, 1, 1, 1), (0, 1, 0, 2))


@settings(max_examples=60)
@given(st.data())
def test_nothing_is_overwritten_that_is_still_read(data):
    """Random programs over some phases, of buffers of several sizes and halos."""
    w = writer(data.draw(st.sampled_from(["images", "channels"])))
    blobs = [
        w.blob(data.draw(st.integers(1, 40)), 3, 2, data.draw(st.sampled_from(HALOS)))
        for _ in range(data.draw(st.integers(2, 12)))
    ]
    used = {}
    for number in range(data.draw(st.integers(1, 20))):
        pair = data.draw(st.lists(st.sampled_from(blobs), min_size=2, max_size=2, unique=True))
        w.apply(z=pair[0], y=pair[1], vectors=1)
        for blob in pair:
            used.setdefault(blob, []).append(number)
        if data.draw(st.integers(0, 5)) == 0:
            numbers = np.zeros(1, np.float32)
            w.gather(out=numbers, source=numbers, place=np.zeros(1, np.int32), tasks=1)
    executable = made(w)
    for a, b in combinations(used, 2):
        if a.scope != b.scope or not share(executable, a, b):
            continue
        assert max(used[a]) < min(used[b]) or max(used[b]) < min(used[a])
        assert a.halo == b.halo
        if any(a.halo):
            assert (a.height, a.width, a.pitch) == (b.height, b.width, b.pitch)
            assert executable.memory[a].ctypes.data == executable.memory[b].ctypes.data


@pytest.mark.parametrize("bands", [1, 2])
def test_a_deeper_network_predicts_in_the_same_memory(bands):
    """All layers behind the first ones find room where those before them have left it."""
    bytes_taken = []
    for depth in (4, 12):
        layers = [each for _ in range(depth) for each in (nn.Conv2d(8, 8, 3, padding=1), nn.Sigmoid())]
        plan = Plan(nn.Sequential(*layers), (8, 20, 20), batch_size=1, layout="channels", bands=bands)
        bytes_taken.append(plan.executable.bytes)
    assert bytes_taken[0] == bytes_taken[1]


def test_poison_is_everywhere_but_in_halos():
    w = writer("channels")
    blob = Blob(3, 2, 2, w.layout, (1, 1, 1, 1))
    plain = Blob(3, 2, 2, w.layout)
    for each in (blob, plain):
        each.scope = kernels.EACH_THREAD
    size = 4 * (blob.group_size + plain.group_size)
    rooms = Rooms({blob: 0, plain: 4 * blob.group_size}, {kernels.EACH_THREAD: size})
    memory = Memory(w.element, {blob: 3, plain: 3}, rooms, poisoned=True)
    assert memory.bytes == 3 * size
    assert list(memory) == [blob, plain]
    assert len(memory) == 2
    assert not memory[blob].any()
    assert np.isnan(memory[plain]).all()
    other = memory.again()
    assert other[plain].shape == (3, plain.group_size)
    assert not np.shares_memory(other[plain], memory[plain])
