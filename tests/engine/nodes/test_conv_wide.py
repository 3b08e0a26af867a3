"""Convolutions of many weights and few pixels: several images read them at once, all make their gradients."""

import numpy as np
import pytest

from fastcnn import nn
from fastcnn.engine import Plan

# A layer, and the rows and columns of its input.
LAYERS = [
    (lambda: nn.Conv2d(64, 128, 3, padding=1), (2, 2)),
    (lambda: nn.Conv2d(96, 80, 3, padding=1), (3, 3)),
    (lambda: nn.Conv2d(80, 100, 3, padding=1, bias=False), (4, 4)),
    (lambda: nn.Conv2d(64, 128, 3, stride=2, padding=1), (7, 8)),
    (lambda: nn.Conv2d(70, 130, 3, padding=(0, 1, 2, 1), dilation=(2, 1)), (4, 3)),
    (lambda: nn.Conv2d(256, 260, 3, padding=1, groups=2), (2, 1)),
    (lambda: nn.Conv2d(300, 260, 1), (4, 4)),
    (lambda: nn.Conv2d(70, 300, (1, 4), padding=(0, 2)), (1, 5)),
    (lambda: nn.ConvTranspose2d(160, 110, 2, stride=2), (2, 2)),
    (lambda: nn.ConvTranspose2d(96, 130, 3, stride=2, padding=1, output_padding=1), (3, 3)),
]


def _model(layer):
    """Return the layer between two others, so that gradients pass through."""
    before, after = nn.Conv2d(2, layer.in_channels, 1), nn.Conv2d(layer.out_channels, 2, 1)
    return nn.Sequential(before, nn.ReLU(), layer, nn.ReLU6(), after).double()


@pytest.mark.parametrize("batch", [1, 5, 70])
@pytest.mark.parametrize("case", range(len(LAYERS)))
def test_wide_layers_equal_eager_ones(case, batch, isa):
    make, size = LAYERS[case]
    model = _model(make())
    rng = np.random.default_rng(case)
    x = rng.standard_normal((batch, 2, *size))
    expected = model(x)
    dy = rng.standard_normal(expected.shape)
    wanted = [model.backward(dy), *(p.grad for p in model.parameters())]
    model.zero_grad()
    options = {"batch_size": batch, "layout": "channels"}
    plan = Plan(model, x.shape[1:], training=True, input_gradient=True, **options)
    np.testing.assert_allclose(plan.forward(x), expected, rtol=1e-10, atol=1e-12)
    for got, want in zip([plan.backward(dy), *(p.grad for p in model.parameters())], wanted, strict=True):
        np.testing.assert_allclose(got, want, rtol=1e-9, atol=1e-10 * max(1, np.abs(want).max()))


@pytest.mark.parametrize("case", range(len(LAYERS)))
def test_predictions_are_the_same_to_the_bit_in_every_batch_and_layout(case):
    make, size = LAYERS[case]
    model = _model(make()).eval()
    x = np.random.default_rng(case).standard_normal((37, 2, *size))

    def predict(images, layout="channels", bands=1):
        plan = Plan(model, x.shape[1:], training=False, batch_size=37, layout=layout, bands=bands)
        return plan.forward(images)

    of_all = predict(x)
    np.testing.assert_array_equal(predict(x, "images"), of_all)
    np.testing.assert_array_equal(predict(x, bands=3), of_all)
    np.testing.assert_array_equal(np.concatenate([predict(x[i : i + 1]) for i in range(0, 37)]), of_all)


@pytest.mark.parametrize("batch", [1, 3, 70])
def test_a_sum_deeper_than_the_caches_is_cut_without_a_trace(batch):
    """Panels of weights, of which a window has several spans, or a span several panels."""
    for window, size in ((1, (2, 2)), (3, (1, 2)), (3, (5, 4))):
        layer = nn.Conv2d(12_000 // window**2, 70, window, padding=window // 2).double().eval()
        x = np.random.default_rng(0).standard_normal((batch, layer.in_channels, *size))
        got = [
            Plan(layer, x.shape[1:], training=False, batch_size=batch, layout=layout).forward(x)
            for layout in ("channels", "images")
        ]
        np.testing.assert_allclose(got[0], layer(x), rtol=1e-10, atol=1e-12)
        np.testing.assert_array_equal(*got)
