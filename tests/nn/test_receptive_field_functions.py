"""Receptive fields of networks whose forwards call functions and operators."""

import numpy as np
import pytest

import fastcnn
import fastcnn.nn.functional as F
from fastcnn import nn, zoo
from fastcnn.nn.summary import summarize

from .forwards import Block, Layered, SqueezeExcite, Written


def fields(model, shape):
    """Return (receptive field, jump in, jump out) of each row, for rows of images that are like columns."""
    found = []
    for row in summarize(model, shape).layers:
        three = row.receptive_field, row.jump_in, row.jump_out
        assert all(each is None or each[0] == each[1] for each in three)
        found.append(tuple(each and each[0] for each in three))
    return found


def conv(i, o, kernel_size=3, stride=1):
    return nn.Conv2d(i, o, kernel_size, stride, kernel_size // 2)


def test_residual_block():
    model = nn.Sequential(Block(1, 2, 2), conv(2, 1))
    # conv1, bn1, conv2, bn2, shortcut.0, shortcut.1, and what sees the sum of 7 and 1.
    expected = [(3, 1, 2), (3, 2, 2), (7, 2, 2), (7, 2, 2), (1, 1, 2), (1, 2, 2), (11, 2, 2)]
    assert fields(model, (1, 8, 8)) == expected


def test_dense_layers():
    def forward(layers, x):
        for layer in layers:
            x = fastcnn.cat([x, F.relu(layer(x))], 1)
        return layers[0](x[:, :1])

    layers = nn.ModuleList([conv(1, 2), conv(3, 2), conv(5, 2)])
    assert [row[0] for row in fields(Written(layers, forward), (1, 8, 8))] == [3, 5, 7, 9]


def test_a_skip_over_a_smaller_image():
    def forward(layers, x):
        skip = F.relu(layers[0](x))
        low = layers[1](F.max_pool2d(skip, 2))
        up = F.interpolate(low, scale_factor=2)
        smooth = F.interpolate(low, scale_factor=2, mode="bilinear")
        return layers[2](F.cat((skip, up), 1)) + layers[2](F.cat((skip, smooth), 1))

    layers = nn.ModuleList([conv(1, 2), conv(2, 2), conv(4, 1)])
    # 3, pooled 4, the convolution 8, and one more from pixels 1 apart; two low pixels are 2 apart.
    expected = [(3, 1, 1), (8, 2, 2), (10, 1, 1), (12, 1, 1)]
    assert fields(Written(layers, forward), (1, 8, 8)) == expected


def test_channels_weighted_by_means():
    model = nn.Sequential(conv(1, 2, stride=2), SqueezeExcite(2, 1), conv(2, 1))
    # The mean of four positions 2 apart sees 3 + 3 x 2; behind the product they are still 2 apart.
    assert fields(model, (1, 8, 8)) == [(3, 1, 2), (9, None, None), (9, None, None), (13, 2, 2)]


class Attention(nn.Module):
    """Channels weighted by what two reductions give, then pixels."""

    def __init__(self, channels):
        super().__init__()
        self.down, self.up = nn.Conv2d(channels, 1, 1), nn.Conv2d(1, channels, 1)
        self.spatial = nn.Conv2d(2, 1, 7, padding=3)

    def forward(self, x):
        means, maxima = x.mean((2, 3), keepdim=True), x.amax((2, 3), keepdim=True)
        x = x * F.sigmoid(self.up(F.relu(self.down(means))) + self.up(F.relu(self.down(maxima))))
        summed = F.cat([x.mean(1, keepdim=True), x.amax(1)[:, None]], 1)
        return x * F.sigmoid(self.spatial(summed))


def test_channels_then_pixels_weighted():
    model = nn.Sequential(conv(1, 2), Attention(2), conv(2, 1, stride=2))
    # 8 positions see 3 + 7; the window of 7 sees 6 more, the last one 2 more.
    whole = (10, 8, 8)
    assert fields(model, (1, 8, 8)) == [(3, 1, 1), *[whole] * 4, (16, 1, 1), (18, 1, 2)]


def test_rows_and_columns_reduced_apart():
    def forward(layers, x):
        rows, columns = x.mean(3, keepdim=True), x.mean(2, keepdim=True)
        return layers[0](x * F.sigmoid(rows) * columns)

    (row,) = summarize(Written(nn.ModuleList([nn.Conv2d(1, 1, (3, 1))]), forward), (1, 6, 4)).layers
    assert (row.receptive_field, row.jump_in, row.jump_out) == ((8, 4), (1, 1), (1, 1))


def test_pixels_read_by_linear_layers():
    def forward(layers, x):
        x = F.max_pool2d(layers[0](x), 2)
        return layers[1](x.flatten(1)), layers[1](x.reshape(x.shape[0], -1)), layers[2](x)

    model = Written(nn.ModuleList([conv(1, 1), nn.Linear(16, 2), nn.Linear(4, 2)]), forward)
    rows = summarize(model, (1, 8, 8)).layers
    # Four positions of 4 pixels, 2 apart; the last layer reads single rows.
    assert [row.receptive_field for row in rows] == [(3, 3), (10, 10), (10, 10), (4, 10)]


def test_channels_last_and_back():
    def forward(layers, x):
        return layers[2](layers[1](layers[0](x).permute(0, 2, 3, 1)).permute(0, 3, 1, 2))

    model = Written(nn.ModuleList([conv(1, 2, stride=2), nn.Linear(2, 2), conv(2, 1)]), forward)
    assert fields(model, (1, 8, 8)) == [(3, 1, 2), (3, 2, 2), (7, 2, 2)]


class Normed(nn.Module):
    def __init__(self):
        super().__init__()
        self.register_buffer("mean", np.zeros(1, np.float32))
        self.scale = nn.Parameter(np.ones(1, np.float32))
        self.conv = conv(1, 1)

    def forward(self, x):
        return self.conv((x - self.mean.reshape(1, 1, 1)) / (self.scale * 2).view(-1, 1, 1))


def test_parameters_and_buffers_see_nothing():
    assert fields(Normed(), (1, 6, 6)) == [(3, 1, 1)]


@pytest.mark.parametrize(
    "function",
    [
        lambda x: x + np.asarray(x.numpy()[..., ::-1]),
        lambda x: x[..., ::-1] + x,
        lambda x: x + x.permute(0, 1, 3, 2),
        lambda x: x.reshape(x.shape[0], 1, 3, 2, 3, 2).permute(0, 1, 3, 5, 2, 4).reshape(x.shape[0], 4, 3, 3),
    ],
    ids=["NumPy", "turned", "transposed", "squares"],
)
def test_what_is_not_known(function):
    model = Written(nn.ModuleList([nn.ReLU()]), lambda layers, x: function(layers[0](x)))
    after = nn.Sequential(model, nn.AdaptiveAvgPool2d(2))
    assert fields(after, (1, 6, 6))[-1] == (None, None, None)


class Own(nn.Module):
    """A backward of its own: what it computes is not seen."""

    kernel_size, stride = 3, 2

    def forward(self, x):
        return F.avg_pool2d(x, 3, 2)

    def backward(self, dy, input_gradient=True):
        raise NotImplementedError


def test_a_backward_of_its_own():
    def forward(layers, x):
        return layers[1](F.relu(layers[0](x)) * 2)

    assert fields(Written(nn.ModuleList([Own(), conv(1, 1)]), forward), (1, 9, 9)) == [(3, 1, 2), (7, 2, 2)]
    assert fields(Own(), (1, 9, 9)) == [(3, 1, 2)]


def test_hooks_change_nothing():
    model = nn.Sequential(Block(1, 2, 2), conv(2, 1))
    expected = fields(model, (1, 8, 8))
    for module in model.modules():
        module.register_full_backward_hook(lambda *_: None)
    assert fields(model, (1, 8, 8)) == expected


NAMES = [name for name in zoo.names() if zoo.find(name).input_shape[0] == 3]


@pytest.mark.parametrize("name", NAMES)
def test_every_layer_of_the_zoo_is_known(name):
    rows = summarize(zoo.build(name, 0), (3, 32, 32) if name.endswith("cifar") else (3, 64, 64)).layers
    assert all(row.receptive_field is not None for row in rows)


def test_products_of_functions_count():
    summary = summarize(Layered(), (2, 3, 4))
    assert summary.macs == 2 * 2 * 12
    assert summary.parameters == 2 + 12 + 4

    class Within(nn.Module):
        def __init__(self):
            super().__init__()
            self.weight = nn.Parameter(np.zeros((2, 1, 3, 3), np.float32))
            self.head = nn.Linear(2, 3)

        def forward(self, x):
            x = F.conv2d(F.conv2d(x, self.weight, padding=1)[:, :1], self.weight, stride=2)
            return F.linear(self.head(x.mean((2, 3))), self.head.weight.permute(1, 0))

    summary = summarize(nn.Sequential(Within()), (1, 7, 7))
    assert [(row.name, row.type, row.parameters, row.macs) for row in summary.layers] == [
        ("0.Conv2d", "Conv2d", 18, 2 * 49 * 9),
        ("0.Conv2d", "Conv2d", 0, 2 * 9 * 9),
        ("0.head", "Linear", 9, 6),
        ("0.Linear", "Linear", 0, 6),
    ]
    assert [row.receptive_field and row.receptive_field[0] for row in summary.layers] == [3, 5, 9, 9]
    assert [row.output_shape for row in summary.layers] == [(2, 7, 7), (2, 3, 3), (3,), (2,)]
    assert summary.macs == sum(row.macs for row in summary.layers)
    assert summary.parameters == 18 + 9
