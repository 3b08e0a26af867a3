"""Receptive fields, against those that were worked out by hand and those that a gradient shows."""

import numpy as np
import pytest

from fastcnn import nn, zoo
from fastcnn.nn.receptive_field import slide
from fastcnn.nn.summary import summarize


def fields(model, shape):
    """Return (receptive field, jump in, jump out) of the rows of each layer."""
    return [
        tuple(value and value[0] for value in (row.receptive_field, row.jump_in, row.jump_out))
        for row in summarize(model, shape).layers
    ]


def test_compact_mnist():
    table = summarize(zoo.build("compact-mnist"), (1, 28, 28))
    rows = [row for row in table.layers if row.type in ("Conv2d", "MaxPool2d")]
    assert [row.receptive_field for row in rows] == [(n, n) for n in (3, 5, 6, 10, 14, 16, 24, 24)]
    assert [row.jump_in[0] for row in rows] == [1, 1, 1, 2, 2, 2, 4, 4]
    assert [row.jump_out[0] for row in rows] == [1, 1, 2, 2, 2, 4, 4, 4]
    assert [row.output_shape[1] for row in rows] == [28, 28, 14, 14, 14, 7, 7, 7]


def test_flatten_and_linear():
    model = nn.Sequential(
        nn.Conv2d(1, 2, 3, stride=2), nn.Flatten(), nn.Linear(18, 4), nn.ReLU(), nn.Linear(4, 2)
    )
    # The second of three positions is 2 pixels away: 3 + 2 x 2 pixels of the 7.
    assert fields(model, (1, 7, 7)) == [
        (3, 1, 2),
        (3, 2, None),
        (7, None, None),
        (7, None, None),
        (7, None, None),
    ]


def test_rows_and_columns_differ():
    model = nn.Sequential(
        nn.Conv2d(1, 1, (5, 1), (2, 1), dilation=(1, 2)), nn.Conv2d(1, 1, (1, 3), dilation=(1, 3))
    )
    rows = summarize(model, (1, 20, 20)).layers
    assert [(row.receptive_field, row.jump_out) for row in rows] == [((5, 1), (2, 1)), ((5, 7), (2, 1))]


def test_lines_are_images_of_one_row():
    model = nn.Sequential(nn.Conv1d(1, 1, 5, 2), nn.MaxPool1d(3, 1, dilation=2), nn.AdaptiveAvgPool1d(2))
    rows = summarize(model, (1, 30)).layers
    found = [(row.receptive_field, row.jump_out) for row in rows]
    assert found == [((1, 5), (1, 2)), ((1, 13), (1, 2)), ((1, 21), (1, 10))]


def test_a_transposed_convolution_sees_the_windows_that_reach_a_pixel():
    model = nn.Sequential(nn.MaxPool2d(4), nn.ConvTranspose2d(1, 1, (2, 5), 2), nn.Conv2d(1, 1, 3))
    rows = summarize(model, (1, 16, 16)).layers
    found = [(row.receptive_field, row.jump_out) for row in rows]
    assert found == [((4, 4), (4, 4)), ((4, 12), (2, 2)), ((8, 16), (2, 2))]
    # Half a pixel is no jump.
    assert summarize(nn.ConvTranspose2d(1, 1, 2, 2), (1, 4, 4)).layers[0].receptive_field is None


def test_branches():
    wide = nn.Sequential(nn.Conv2d(2, 2, 3, padding=1), nn.ReLU(), nn.Conv2d(2, 2, 5, padding=2))
    after = nn.Conv2d(2, 2, 3)
    assert fields(nn.Sequential(nn.Residual(wide), after), (2, 8, 8)) == [
        (3, 1, 1),
        (3, 1, 1),
        (7, 1, 1),
        (9, 1, 1),
    ]
    dense = nn.Sequential(nn.MaxPool2d(2), nn.DenseResidual(nn.Residual(nn.Conv2d(2, 2, 1))), nn.AvgPool2d(2))
    assert fields(dense, (2, 8, 8)) == [(2, 1, 2), (2, 2, 2), (4, 2, 4)]


def test_adaptive_pooling():
    model = nn.Sequential(nn.MaxPool2d(2), nn.AdaptiveAvgPool2d(3), nn.Flatten(), nn.Linear(3 * 3, 1))
    assert fields(model, (1, 12, 12))[1:] == [(4, 2, 4), (4, 4, None), (12, None, None)]
    # 5 pixels in 2 windows: of 3 pixels each, 2 apart, which counts as 3.
    assert fields(nn.AdaptiveAvgPool2d(2), (1, 5, 5)) == [(3, 1, 3)]


class Branches(nn.Module):
    """Two branches, added."""

    def __init__(self, *branches):
        super().__init__()
        self.first, self.second = branches

    def forward(self, x):
        return self.first(x) + self.second(x)


class Half(nn.Module):
    def forward(self, x):
        return 0.5 * x


class Strange(nn.Module):
    def forward(self, x):
        return x[..., ::-1]


def test_modules_of_somebody_else():
    branches = Branches(nn.Conv2d(1, 1, 3, padding=1), nn.Conv2d(1, 1, 7, padding=3))
    model = nn.Sequential(branches, Half(), nn.Conv2d(1, 1, 3))
    assert [row[0] for row in fields(model, (1, 9, 9))] == [3, 7, 7, 9]
    assert fields(nn.Sequential(Strange(), nn.Conv2d(1, 1, 3)), (1, 9, 9)) == [
        (None, 1, None),
        (None, None, None),
    ]


def test_a_layer_says_what_its_shapes_do_not_tell():
    class Blurred(nn.Module):
        def forward(self, x):
            return x

        def _field_behind(self, field, x, y):
            return slide(field, (5, 5), (1, 1))

    class Pool(nn.AdaptiveAvgPool2d):
        pass

    model = nn.Sequential(nn.MaxPool2d(2), Blurred(), Pool(2))
    # Five pixels are 4 x 2 more than the window's 2; halves of 4 pixels see 1 x 2 more.
    assert fields(model, (1, 8, 8)) == [(2, 1, 2), (10, 2, 2), (12, 2, 4)]


def test_input_that_is_no_image():
    assert fields(nn.Sequential(nn.Linear(4, 3), nn.ReLU()), (4,)) == [(None, None, None)] * 2


@pytest.mark.parametrize("name", ["spec-lenet", "residual-mnist"])
def test_a_gradient_is_as_wide(name):
    """Images are larger than the field of one position in the middle; weights and inputs are positive."""
    model = zoo.build(name, 0)
    last = max(i for i, layer in enumerate(model) if isinstance(layer, nn.MaxPool2d | nn.Residual))
    body = nn.Sequential(
        *[nn.AvgPool2d(2) if isinstance(each, nn.MaxPool2d) else each for each in model[:last]]
    ).eval()
    for parameter in body.parameters():
        parameter.data[...] = 0.01
    x = np.ones((1, 1, 240, 240), np.float32)
    dy = np.zeros_like(body(x))
    dy[0, 0, dy.shape[2] // 2, dy.shape[3] // 2] = 1
    seen = np.flatnonzero(body.backward(dy)[0, 0].any(axis=1))
    assert len(seen) == seen[-1] - seen[0] + 1 == summarize(body, (1, 240, 240)).layers[-1].receptive_field[0]


def test_layers_that_pad_move_and_resize():
    model = nn.Sequential(
        nn.Conv2d(1, 4, 3, stride=2, padding=1, padding_mode="reflect"),
        nn.ReflectionPad2d(1),
        nn.ChannelShuffle(2),
        nn.PixelShuffle(2),  # positions are a pixel of the image apart again
        nn.Conv2d(1, 4, 3),
        nn.PixelUnshuffle(2),
        nn.Upsample(scale_factor=2),
        nn.Upsample(scale_factor=2, mode="bilinear"),  # half a pixel apart, which is taken for one
        nn.Conv2d(16, 2, 3),
        nn.AdaptiveMaxPool2d((2, 2)),
    )
    assert fields(model, (1, 14, 14)) == [
        (3, 1, 2),
        (3, 2, 2),
        (3, 2, 2),
        (3, 2, 1),
        (5, 1, 1),
        (6, 1, 2),
        (6, 2, 1),
        (7, 1, 1),
        (9, 1, 1),
        (23, 1, 15),
    ]


def test_how_far_interpolation_reaches():
    kinds = {"nearest": 1, "bilinear": 2, "bicubic": 4}
    for mode, reach in kinds.items():
        assert fields(nn.Sequential(nn.Upsample((12, 12), mode=mode)), (1, 9, 9)) == [(reach, 1, 1)]
    assert fields(nn.Sequential(nn.Upsample((4, 4), mode="area")), (1, 9, 9)) == [(3, 1, 3)]
    unflattened = nn.Sequential(nn.Flatten(), nn.Unflatten(1, (1, 3, 3)))
    assert fields(unflattened, (1, 3, 3)) == [(1, 1, None), (1, None, None)]
