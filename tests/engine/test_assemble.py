"""Putting a program together: phases, what has a copy of each buffer, memory, and what is set later."""

import numpy as np
import pytest

from fastcnn import nn
from fastcnn._kernels import program as kernels
from fastcnn._kernels.elementwise import ACTIVATIONS
from fastcnn._shapes import INT_MAX
from fastcnn.engine.assemble import assemble
from fastcnn.engine.memory import Blob, External

from .operations import bytes_of_copy, writer

RELU = ACTIVATIONS["relu"]

GROUPS, TASKS, BANDS = kernels.OVER_GROUPS, kernels.OVER_TASKS, kernels.OVER_BANDS
KEYS = np.zeros(1, np.uint64)


def over_groups(w, x, y, **options):
    """Append y = relu(x)."""
    return w.apply(z=y, y=x, vectors=w.vectors(x.channels), activation=RELU, **options)


def over_tasks(w, tasks=1, **options):
    numbers = np.zeros(1, np.float32)
    return w.gather(out=numbers, source=numbers, place=np.zeros(1, np.int32), tasks=tasks, **options)


def made(w, batch_size=20, threads=2):
    w.close_part()
    return assemble(w, batch_size, threads)


def test_neighbours_over_groups_are_one_phase():
    w = writer()
    a, b, c = (w.blob(3, 2, 2) for _ in range(3))
    over_groups(w, a, b)
    over_groups(w, b, c)
    over_tasks(w)
    over_groups(w, c, a)
    assert made(w).phases == [(GROUPS, 0, 2), (TASKS, 2, 3), (GROUPS, 3, 4)]


def test_operations_over_tasks_are_one_phase_only_if_they_are_of_one_stage():
    w = writer()
    for stage in (None, None, 0, 0, 1, None):
        over_tasks(w, stage=stage)
    assert made(w).phases == [(TASKS, 0, 1), (TASKS, 1, 2), (TASKS, 2, 4), (TASKS, 4, 5), (TASKS, 5, 6)]


def test_bands_of_one_operation_are_a_phase():
    w = writer()
    a, b = w.blob(3, 2, 2), w.blob(3, 2, 2)
    for band in (0, 1, 2, 0, 1, None):
        over_groups(w, a, b, band=band)
    assert made(w).phases == [(BANDS, 0, 3), (BANDS, 3, 5), (GROUPS, 5, 6)]


def test_parts_share_no_phase():
    w = writer()
    a, b = w.blob(3, 2, 2), w.blob(3, 2, 2)
    for _ in range(2):
        over_groups(w, a, b)
        w.close_part()
    executable = assemble(w, 20, 2)
    assert executable.phases == [(GROUPS, 0, 1), (GROUPS, 1, 2)]
    assert executable.phase_ends == [1, 2]


@pytest.mark.parametrize("layout", ["images", "channels"])
def test_who_has_a_copy_of_a_buffer(layout, monkeypatch):
    """Each thread of what one phase uses, each group in hand of what takes chunks; else each group."""
    w, threads = writer(layout), 3
    own, kept, in_hand = (w.blob(3, 2, 2) for _ in range(3))
    winners, sums = w.scratch(4 * w.vectors(3), "INDEX"), w.sums(w.vectors(3), 3)
    over_groups(w, own, kept)
    windows = {"first": np.arange(5, dtype=np.int32), "taps": own.pixels()}
    w.max_pool(z=own, x=kept, argmax=winners, **windows, vectors=w.vectors(3), channels=3)
    over_tasks(w)
    over_groups(w, kept, in_hand)
    w.grad_sums(sums=sums, g=in_hand, vectors=w.vectors(3), whole_chunk=True)
    monkeypatch.setattr("fastcnn.engine.assemble.checks_places", lambda: False)  # which poisons
    executable = made(w, 70, threads)
    groups = -(-70 // w.layout.images)
    assert executable.capacity == groups * w.layout.images
    scopes = [own.scope, winners.scope, kept.scope, in_hand.scope]
    assert scopes == [kernels.EACH_THREAD, kernels.EACH_THREAD, kernels.EACH_GROUP, kernels.EACH_IN_HAND]
    arrays = [executable.memory[each] for each in (own, winners, kept, in_hand, sums)]
    sizes = [each.group_size for each in (own, winners, kept, in_hand, sums)]
    copies = [array.size // size for array, size in zip(arrays, sizes, strict=True)]
    slots = kernels.slots(executable.capacity)
    assert copies == [threads, threads, groups, threads * kernels.CHUNK, min(slots, sums.most_slots)]
    # All hold something at one time.
    bytes_of = [size * array.itemsize for size, array in zip(sizes, arrays, strict=True)]
    of_thread, of_group, in_hands = bytes_of[:2], bytes_of[2:3], bytes_of[3:4]
    expected = threads * bytes_of_copy(of_thread) + groups * bytes_of_copy(of_group)
    expected += threads * kernels.CHUNK * bytes_of_copy(in_hands) + copies[-1] * bytes_of[-1]
    assert executable.bytes == expected
    assert [array.dtype.name for array in arrays] == ["float32", "int32", *["float32"] * 3]
    assert not any(array.any() for array in arrays)


def test_layers_of_large_sums_have_few_copies():
    w = writer()
    blob, sums = w.blob(3, 2, 2), w.sums(1, 2**22)
    assert sums.most_slots == 2
    w.grad_sums(sums=sums, g=blob, vectors=1)
    assert made(w, 1000).memory[sums].size == 2 * sums.group_size


def test_a_program_of_one_phase_takes_any_batch():
    w = writer()
    over_groups(w, w.blob(3, 2, 2), w.blob(3, 2, 2))
    executable = made(w, 5)
    assert executable.capacity == INT_MAX


@pytest.mark.parametrize("layout", ["images", "channels"])
def test_arrays_of_the_caller_come_with_a_run(layout):
    """One that several operations use comes once; the order is that of the first use."""
    w, batch = writer(layout), 20
    a, b = w.blob(3, 2, 2), w.blob(3, 2, 2)
    images, result = External("images", 12), External("result", 12)
    for blob in (a, b):
        w.from_nchw(x=blob, images=images, channels=3)
    over_groups(w, b, b)
    w.apply(z=a, y=a, r=b, vectors=w.vectors(3))
    w.to_nchw(images=result, x=a, channels=3)
    executable = made(w, batch)
    assert executable.externals == ["images", "result"]
    for seed in range(2):
        x = np.random.default_rng(seed).standard_normal((batch, 3, 2, 2)).astype(np.float32)
        y = np.full_like(x, np.nan)
        executable.program.run(batch, KEYS, 0, len(executable.phases), 2, (x, y))
        np.testing.assert_array_equal(y, x + np.maximum(x, 0))


def test_a_value_may_be_an_array_of_the_caller():
    w = writer("channels")
    x = Blob(5, 1, 1, w.layout, padded=False, external="samples")
    y = w.blob(5, 1, 1)
    w.copy(z=y, y=x, channels=5)
    w.to_nchw(images=External("result", 5), x=y, channels=5)
    executable = made(w, 3)
    assert executable.externals == ["samples", "result"]
    samples, result = np.arange(15, dtype=np.float32).reshape(3, 5), np.full((3, 5), np.nan, np.float32)
    executable.program.run(3, KEYS, 0, len(executable.phases), 1, (samples, result))
    np.testing.assert_array_equal(result, samples)
    assert list(executable.memory) == [y]


def test_parameters_and_scalars_are_told():
    """They are looked up for each run: the first by its array, the second by a call."""
    w, factor = writer(), [2.0]
    blob = w.blob(3, 2, 2)
    bias = nn.Parameter(np.arange(3, dtype=np.float32))
    out, place = np.full(2, np.nan, np.float32), np.array([2, 1], np.int32)
    w.activation_grad(dx=blob, g=blob, kept=blob, vectors=1, factor=lambda: factor[0])
    w.activation_grad(dx=blob, g=blob, kept=blob, vectors=1, factor=0.5)
    w.gather(out=out, source=bias, place=place, tasks=1)
    executable = made(w)
    assert executable.parameters == [(2, "source", bias)]
    ((op, name, scalar),) = executable.scalars
    assert (op, name, scalar()) == (0, "factor", 2.0)
    executable.program.point(2, "source", bias.data)
    executable.program.run(1, KEYS, 0, 2, 1, ())
    np.testing.assert_array_equal(out, [2, 1])
