import numpy as np
import pytest

from fastcnn import nn
from fastcnn.errors import ArgumentError, ShapeError
from fastcnn.nn.passive import observe
from fastcnn.training import report


def network():
    return nn.Sequential(
        nn.Conv2d(1, 6, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Residual(nn.Sequential(nn.Conv2d(6, 6, 3, padding=1), nn.ReLU())),
        nn.Flatten(),
        nn.Linear(6 * 16, 10),
        nn.ReLU(),
    ).initialize(seed=0)


def pictures(figure):
    return [axes.images[0].get_array() for axes in figure.axes if axes.images]


def titles(figure):
    return [text.get_text() for text in figure.texts]


def test_filters_of_one_channel_are_drawn_around_zero(tmp_path):
    model = network()
    figure = report.plot_filters(model, tmp_path / "filters.png")
    assert (tmp_path / "filters.png").read_bytes().startswith(b"\x89PNG")
    weight = model[0].weight.data
    np.testing.assert_array_equal(pictures(figure), weight[:, 0])
    image = figure.axes[0].images[0]
    assert image.get_clim() == (-np.abs(weight).max(), np.abs(weight).max())
    assert titles(figure) == ["layer 0: 6 filters 1x3x3"]


def test_filters_of_three_channels_are_colours_and_of_more_one_row_each():
    colour = report.plot_filters(nn.Sequential(nn.Conv2d(3, 20, 5)), most=18)
    assert len(pictures(colour)) == 18
    assert pictures(colour)[0].shape == (5, 5, 3)
    assert titles(report.plot_filters(nn.Conv2d(6, 2, 1))) == [
        f"layer Conv2d: 2 filters 6x1x1, channel {c}" for c in range(4)
    ]


def test_maps_are_the_outputs_of_the_relus():
    model = network().train()
    image = np.random.default_rng(0).integers(0, 256, (1, 8, 8), dtype=np.uint8)
    x = image.astype(np.float32) / 255
    outputs = []
    observe(model, x[None], lambda module, _, y: outputs.append(y) if isinstance(module, nn.ReLU) else None)
    figure = report.plot_feature_maps(model, image, x, most=5)
    shown = pictures(figure)
    np.testing.assert_allclose(shown[0], image[0] / 255)
    np.testing.assert_array_equal(shown[1:6], outputs[0][0, :5])
    np.testing.assert_array_equal(np.stack(shown[6:]), outputs[1][0, :5])
    names = [name for name, layer in model.named_modules() if isinstance(layer, nn.ReLU)]
    assert titles(figure) == [
        "the image",
        f"layer {names[0]} (ReLU): 5 of 6 maps 8x8",
        f"layer {names[1]} (ReLU): 5 of 6 maps 4x4",
    ]
    assert model.training


class Scaled(nn.Module):
    """Maps of an image, each scaled by a number that comes with it."""

    def __init__(self):
        super().__init__()
        self.conv, self.relu = nn.Conv2d(1, 3, 3, padding=1), nn.ReLU()

    def forward(self, scales, image):
        return self.relu(self.conv(image)) * scales.reshape(-1, 3, 1, 1)


def test_maps_of_several_inputs():
    image = np.random.default_rng(0).integers(0, 256, (1, 8, 8), dtype=np.uint8)
    scales, x = np.ones(3, np.float32), image.astype(np.float32) / 255
    model = Scaled()
    figure = report.plot_feature_maps(model, (scales, image), (scales, x))
    shown = pictures(figure)
    np.testing.assert_allclose(shown[0], image[0] / 255)
    np.testing.assert_array_equal(np.stack(shown[1:]), model.relu(model.conv(x[None]))[0])
    assert titles(figure)[0] == "the image (input 2 of 2)"
    np.testing.assert_array_equal(pictures(report.plot_feature_maps(model, image, (scales, x)))[0], shown[0])
    with pytest.raises(ShapeError, match=r"plot_feature_maps: expected images .*, got \(1, 3\) and \(1, 3\)"):
        report.plot_feature_maps(model, (scales, scales), (scales, x))


def test_without_relus_the_convolutions_are_drawn():
    figure = report.plot_feature_maps(
        nn.Conv2d(1, 2, 3), np.zeros((1, 8, 8)), np.zeros((1, 8, 8), np.float32)
    )
    assert len(pictures(figure)) == 3


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (
            lambda: report.plot_filters(nn.Sequential(nn.Linear(3, 3))),
            ArgumentError,
            "the model has no Conv2d",
        ),
        (
            lambda: report.plot_feature_maps(nn.Flatten(), np.zeros((1, 4, 4)), np.zeros((1, 4, 4))),
            ArgumentError,
            "no ReLU or Conv2d of the model gives maps",
        ),
        (
            lambda: report.plot_feature_maps(network(), np.zeros((8, 8)), np.zeros((1, 8, 8))),
            ShapeError,
            r"image and x must be \(C, H, W\), got \(8, 8\)",
        ),
    ],
)
def test_invalid_arguments_are_named(call, error, message):
    with pytest.raises(error, match=message):
        call()
