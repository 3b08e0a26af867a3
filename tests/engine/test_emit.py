"""Writing a program: the order of its operations, and the buffers that a writer makes."""

import numpy as np
import pytest

from fastcnn import nn
from fastcnn._kernels import program as kernels
from fastcnn.engine.elements import ElementType
from fastcnn.engine.emit import Queue, Setting
from fastcnn.engine.layout import Layout

from .operations import ELEMENT, writer

LAYOUTS = pytest.mark.parametrize("layout", ["images", "channels"])


def gather(queue, label="", **options):
    """Append an operation of one task under a label."""
    numbers = np.zeros(1, np.float32)
    queue._setting.label = label
    return queue.gather(out=numbers, source=numbers, place=np.zeros(1, np.int32), tasks=1, **options)


def labels(w):
    return [op.label for op in w.ops]


def test_operations_before_and_after_the_others_of_their_part():
    w = writer()
    gather(w, "a")
    gather(w.after, "last", stage=1)
    gather(w.before, "then", stage=1)
    gather(w.before, "first")
    gather(w, "b")
    gather(w.after, "near the end")
    w.part_name = "forward"
    w.close_part()
    assert w.parts == [("forward", 2, 6, None)]
    assert labels(w) == ["first", "then", "a", "b", "near the end", "last"]
    gather(w, "c")
    gather(w.before, "of the second part")
    w.close_part()
    assert w.parts[1].end == 8
    assert labels(w)[6:] == ["of the second part", "c"]
    assert [(part.prepared, part.end) for part in w.parts] == [(2, 6), (7, 8)]
    w.close_part()
    assert w.parts[2].end == 8


def test_stages():
    """Neighbours before and after the others touch nothing of each other, unless they are told to wait."""
    w = writer()
    assert gather(w).stage is None
    assert gather(w, stage=3).stage == 3
    assert gather(w.before).stage == gather(w.after).stage == 0
    assert gather(w.after, stage=1).stage == 1


def test_what_an_operation_is_told_beside_its_arguments():
    w = writer()
    blob = w.blob(3, 2, 2)
    op = w.activation_grad(
        dx=blob, g=blob, kept=blob, vectors=1, factor=1.0, whole_chunk=True, band=2, flops=7
    )
    assert (op.kernel, op.whole_chunk, op.band, op.flops) == ("activation_grad", True, 2, 7)
    assert (op.tasks, op.stage, op.label) == (0, None, "")
    w.label = "0 Conv2d"
    assert w.label == "0 Conv2d"
    assert gather(Queue(Setting(ELEMENT, w.layout))).label == ""
    op = w.activation_grad(dx=blob, g=blob, kept=blob, vectors=1, factor=1.0)
    assert (op.label, op.whole_chunk, op.band, op.most_slots) == ("0 Conv2d", False, None, 0)


def test_an_operation_has_the_slots_of_its_partial_sums():
    w = writer()
    blob = w.blob(3, 2, 2)
    few, many = w.sums(4, 2**23), w.sums(4, 4)
    assert (few.most_slots, many.most_slots) == (1, kernels.MOST_SLOTS)
    for sums in (few, many):
        assert w.grad_sums(sums=sums, g=blob, vectors=1).most_slots == sums.most_slots
        out, place = np.zeros(3, np.float32), np.arange(3, dtype=np.int32)
        assert w.total(out=out, sums=sums, place=place, tasks=1).most_slots == sums.most_slots


@pytest.mark.parametrize(("name", "numbers"), [("float32", 2**20), ("float64", 2**19)])
def test_partial_sums_are_counted_in_bytes(name, numbers):
    w = writer(element=ElementType.of(name))
    assert [w.most_slots(size) for size in (numbers // 64, numbers, 2 * numbers)] == [64, 8, 4]


@LAYOUTS
def test_buffers(layout):
    w = writer(layout)
    blob = w.blob(3, 4, 5, (1, 2, 3, 4))
    scratch, index, sums = w.scratch(7), w.scratch(2, "INDEX"), w.sums(6, 6)
    assert w.blobs == [blob]
    assert w.scratches == [scratch, index, sums]
    assert (blob.channels, blob.height, blob.width, blob.halo) == (3, 4, 5, (1, 2, 3, 4))
    assert blob.layout == w.layout
    assert [each.group_size for each in (scratch, index, sums)] == [n * w.layout.lanes for n in (7, 2, 6)]
    assert [each.element for each in (scratch, index, sums)] == ["REAL", "INDEX", "REAL"]
    assert [each.most_slots for each in (scratch, index)] == [0, 0]
    constant = w.constant(5, "INDEX")
    assert constant.dtype == np.int32
    assert constant.shape == (5,)
    assert not constant.any()
    assert w.vectors(3) == w.layout.vectors(3)


def test_rows_of_numbers_are_padded_where_channels_are_lanes():
    lanes = ELEMENT.lanes
    row, whole = nn.Parameter(np.zeros(3, np.float32)), nn.Parameter(np.zeros(lanes, np.float32))
    w = writer("images")
    assert w.padded(row) is row
    assert w.padded(None) is None
    w = writer("channels")
    assert w.padded(whole) is whole
    wide, part = w.padded(row), w.padded(whole, 1, 3)
    assert wide.shape == part.shape == (lanes,)
    copies = w.before.ops
    assert [op.kernel for op in copies] == ["gather", "gather"]
    assert [op.arguments["source"] for op in copies] == [row, whole]
    assert copies[0].arguments["out"] is wide
    assert [op.arguments["place"].tolist() for op in copies] == [[0, 1, 2], [1, 2]]


@LAYOUTS
def test_register_blocks(isa, layout):
    element = ElementType.of("float32")
    w = writer(layout, element)
    largest = (kernels.max_block if layout == "images" else kernels.max_vectors)("float32")
    block = largest * (1 if layout == "images" else element.lanes)
    assert [w.blocks(n) for n in (1, block, block + 1, 3 * block)] == [1, 1, 2, 3]


def test_layouts_have_places_for_lanes():
    """What is written for one layout is of that layout."""
    w = writer("images")
    other = writer("channels").blob(3, 2, 2)
    assert other.layout == Layout("channels", ELEMENT.lanes)
    with pytest.raises(
        ValueError, match=r"^activation_grad: dx must be of the layout 'images', got 'channels'$"
    ):
        w.activation_grad(dx=other, g=other, kept=other, vectors=3, factor=1.0)
