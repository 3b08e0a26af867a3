"""Boxes, frames and lines of a layout keep out of each other's way, whatever the network."""

import random

import pytest

import fastcnn.nn.functional as F
from fastcnn import nn
from fastcnn.nn.drawing.gaps import Heights, end_of, start_of, walk
from fastcnn.nn.drawing.levels import levels
from fastcnn.nn.drawing.picture import Box, Frame, Picture
from fastcnn.nn.drawing.places import place, spread
from fastcnn.nn.drawing.recording import record
from fastcnn.nn.drawing.svg import ends_of, upright

from .networks import Block, DenseBlock, TwoInputs, random_picture


def laid_out(picture):
    """Return {member: (left, top, right, bottom)}, and the pieces of all lines as such rectangles."""
    root = levels(picture)
    outside = place(root)
    spread(root, outside.left)
    heights = Heights(root)
    found, lines = {}, []
    for level in walk(root):
        for item in level.items:
            if isinstance(item.member, Box):
                top, height = upright(item, heights)
                sides = top, top + height
            elif isinstance(item.member, Frame):
                below = level.below[item]
                sides = heights.tops[below.first - 1, below.depth], heights.bottoms[below.last, below.depth]
            else:
                lines.append((item.x, heights.rows[item.first][0], item.x, heights.rows[item.last][1]))
                continue
            found[item.member] = item.x - item.left, sides[0], item.x + item.right, sides[1]
        for link in level.links:
            top, bottom = ends_of(link, level, heights)
            x, to, track = start_of(link), end_of(link), heights.tracks.get(link, top)
            assert top <= track <= bottom
            lines += [(x, top, x, track), (min(x, to), track, max(x, to), track), (to, track, to, bottom)]
    return found, lines


def apart(one, other, by=0.01):
    return (
        one[2] <= other[0] + by
        or other[2] <= one[0] + by
        or one[3] <= other[1] + by
        or other[3] <= one[1] + by
    )


def within(inner, outer):
    return all(inner[i] >= outer[i] - 0.01 for i in (0, 1)) and all(
        inner[i] <= outer[i] + 0.01 for i in (2, 3)
    )


@pytest.mark.parametrize("seed", range(40))
def test_nothing_covers_anything(seed):
    rng = random.Random(seed)
    picture = random_picture(rng, rng.randrange(1, 40))
    chains = picture.chains()
    places, lines = laid_out(picture)
    boxes = [member for member in places if isinstance(member, Box)]
    assert len(boxes) == len(chains)
    for i, one in enumerate(boxes):
        assert all(apart(places[one], places[other]) for other in boxes[:i])
        for line in lines:
            assert apart(line, places[one], 0.5), f"a line over {one}"
        for frame in places:
            if isinstance(frame, Frame):
                belongs = frame in chains[one]
                assert (within if belongs else apart)(places[one], places[frame])
    frames = [member for member in places if isinstance(member, Frame)]
    for i, one in enumerate(frames):
        for other in frames[:i]:
            a, b = places[one], places[other]
            assert within(a, b) or within(b, a) or apart(a, b)


@pytest.mark.parametrize(
    ("model", "shape"),
    [(Block(2, 4, 1), (2, 6, 6)), (DenseBlock(5), (2, 6, 6)), (TwoInputs(), ((1, 4, 4), (5,)))],
)
def test_everything_stands_below_what_it_takes(model, shape):
    picture = record(model, shape, "")
    places, _ = laid_out(picture)
    for net in picture.nets:
        for target in net.targets:
            assert places[net.source][3] < places[target][1]


def middle(place):
    return (place[0] + place[2]) / 2


def test_a_chain_goes_straight_down_past_its_shortcut():
    picture = record(DenseBlock(3), (2, 6, 6), "")
    places, _ = laid_out(picture)
    assert len({round(middle(place), 3) for place in places.values()}) == 1


def test_branches_stand_on_both_sides_of_what_they_come_from():
    picture = record(Block(2, 4, 1), (2, 6, 6), "")
    places, _ = laid_out(picture)
    boxes = {box.path or box.type: middle(place) for box, place in places.items() if isinstance(box, Box)}
    assert boxes["conv1"] == boxes["bn1"] < boxes["input"] < boxes["shortcut.0"]
    assert boxes["input"] == pytest.approx(boxes["Add"])
    assert boxes["input"] == pytest.approx((boxes["conv1"] + boxes["shortcut.0"]) / 2)


def test_one_column_has_one_width():
    picture = record(Block(2, 4, 1), (2, 6, 6), "")
    places, _ = laid_out(picture)
    widths = {
        box.path: place[2] - place[0] for box, place in places.items() if isinstance(box, Box) and box.path
    }
    assert widths["conv1"] == widths["bn1"] > widths["shortcut.0"]


def test_an_input_stands_right_above_what_takes_it():
    class Late(nn.Module):
        def forward(self, x, y):
            return F.relu(F.relu(x)) + y

    rows = {
        item.member.name: item.first for item in levels(record(Late(), ((2,), (2,)), "")).items if item.member
    }
    assert (rows["x"], rows["y"]) == (0, 2)


def test_a_picture_of_nothing():
    assert laid_out(Picture("", Frame(), [])) == ({}, [])


def test_layouts_are_the_same_every_time():
    first, second = (laid_out(random_picture(random.Random(7), 30)) for _ in range(2))
    assert list(first[0].values()) == list(second[0].values())
    assert first[1] == second[1]
