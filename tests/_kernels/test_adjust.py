"""Changes of colour: every operation, instruction set and number of threads, against float64."""

import numpy as np
import pytest

from fastcnn._kernels import augment, cpu

from ..data.colours import adjusted
from .test_augment import isa, threads  # noqa: F401 - fixtures

VALUES = {
    "brightness": (0.0, 0.4, 1.0, 1.7),
    "contrast": (0.0, 0.4, 1.0, 1.7),
    "saturation": (0.0, 0.4, 1.0, 1.7),
    "hue": (-0.5, -0.2, 0.0, 0.1, 0.5),
    "sharpness": (0.0, 0.4, 1.0, 1.9),
    "posterize": (1, 4, 8),
    "solarize": (0, 100, 255),
}
OF_BYTES = ("posterize", "equalize")
SHAPES = [(1, 1), (2, 5), (3, 3), (8, 9), (17, 33)]


def batch(shape, seed=0):
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


@pytest.mark.parametrize("name", augment.ADJUSTMENTS)
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("size", SHAPES, ids=str)
def test_one_operation(isa, name, channels, size):  # noqa: F811
    x = batch((2, channels, *size))
    for value in VALUES.get(name, (0,)):
        operations = np.full((2, 1), augment.ADJUSTMENTS.index(name), np.int32)
        y = np.full(x.shape, 77, np.uint8)
        augment.adjust_u8(y, x, operations, np.full((2, 1), float(value)))
        exact = np.stack([adjusted(image, name, value) for image in x.astype(float)])
        assert np.abs(y - exact).max() <= 0.501, value
        if name in OF_BYTES:
            continue
        for dtype, tolerance in ((np.float32, 2e-6), (np.float64, 1e-13)):
            unit = (x / 255).astype(dtype)
            level = value / 255 if name == "solarize" else value
            z = np.full(x.shape, np.nan, dtype)
            augment.adjust(z, unit, operations, np.full((2, 1), float(level)))
            wide = unit.astype(float)
            exact = np.stack([adjusted(image, name, dtype(level), 1.0) for image in wide])
            # Of nearly grey pixels the hue is that of rounding.
            np.testing.assert_allclose(z, exact, atol=50 * tolerance if name == "hue" else tolerance)


def test_operations_of_an_image_follow_one_another(isa):  # noqa: F811
    rng = np.random.default_rng(3)
    x = batch((40, 3, 9, 10))
    names = [name for name in augment.ADJUSTMENTS if name != "equalize"]
    numbers = rng.integers(0, len(names), (40, 4)).astype(np.int32)
    values = np.array([[rng.choice(VALUES.get(names[k], (0,))) for k in row] for row in numbers])
    y, expected = np.empty_like(x), x.copy()
    augment.adjust_u8(y, x, numbers, values.astype(float))
    for step in range(4):
        after = np.empty_like(x)
        augment.adjust_u8(
            after, expected, numbers[:, step : step + 1].copy(), values[:, step : step + 1].copy()
        )
        expected = after
    np.testing.assert_array_equal(y, expected)


def test_threads_do_not_matter(isa):  # noqa: F811
    x = batch((30, 3, 110, 120))
    numbers = np.tile(np.arange(len(augment.ADJUSTMENTS), dtype=np.int32), (30, 1))
    values = np.tile(np.array([0, 1.2, 0.7, 1.3, 0.1, 0, 1.5, 6, 200, 0, 0.0]), (30, 1))
    before, results = cpu.get_num_threads(), []
    for count in (1, 2, 3, 8):
        cpu.set_num_threads(count)
        results.append(np.empty_like(x))
        augment.adjust_u8(results[-1], x, numbers, values)
    cpu.set_num_threads(before)
    for each in results[1:]:
        np.testing.assert_array_equal(each, results[0])


def test_by_hand():
    def one(name, pixels, value=0.0):
        x = np.array(pixels, np.uint8).reshape(1, -1, 1, 1)
        y = np.empty_like(x)
        number = np.array([[augment.ADJUSTMENTS.index(name)]], np.int32)
        augment.adjust_u8(y, x, number, np.array([[float(value)]]))
        return y.ravel().tolist()

    assert one("grey", [255, 255, 255]) == [255, 255, 255]
    assert one("grey", [100, 200, 0]) == [147, 147, 147]
    assert one("hue", [255, 0, 0], 1 / 3) == [0, 255, 0]
    assert one("hue", [255, 0, 0], -1 / 3) == [0, 0, 255]
    assert one("brightness", [100, 150, 200], 1.5) == [150, 225, 255]
    assert one("posterize", [255, 100, 7], 3) == [224, 96, 0]
    assert one("solarize", [128, 127, 255], 128) == [127, 127, 0]
    assert one("autocontrast", [5, 6, 7]) == [5, 6, 7]
    assert one("equalize", [5, 6, 7]) == [5, 6, 7]
