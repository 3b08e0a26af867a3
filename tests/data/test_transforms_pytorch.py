"""Transforms against PyTorch's resampling, and torchvision's formulas of colours in PyTorch."""

import numpy as np
import pytest

from fastcnn.data import transforms
from fastcnn.data.colour import NUMBERS, adjusted

from ..oracle import cases

CASES = cases.load("transforms")
_RESIZE = {"triangle": {}, "two-taps": {"antialias": False}, "area": {"interpolation": "area"}}


def transform(case):
    """Return the transform of a case that draws nothing, or None of what only policies have."""
    value = case.args.get("value")
    make = {
        "resize": lambda: transforms.Resize(case.args["size"], **_RESIZE[case.args["mode"]]),
        "rotate": lambda: transforms.RandomRotation((case.args["angle"],) * 2),
        "affine": lambda: transforms.RandomAffine((case.args["angle"],) * 2, scale=(case.args["scale"],) * 2),
        "hflip": lambda: transforms.RandomHorizontalFlip(1.0),
        "vflip": lambda: transforms.RandomVerticalFlip(1.0),
        "brightness": lambda: transforms.ColorJitter(brightness=(value, value)),
        "contrast": lambda: transforms.ColorJitter(contrast=(value, value)),
        "saturation": lambda: transforms.ColorJitter(saturation=(value, value)),
        "hue": lambda: transforms.ColorJitter(hue=(value, value)),
        "grey": lambda: transforms.RandomGrayscale(1.0),
    }.get(case.op)
    return None if make is None else make()


def changed(case, images):
    made = transform(case)
    if made is not None:
        return made(images, np.random.default_rng(0))
    columns = np.ones((len(images), 1))
    return adjusted(images, columns * NUMBERS[case.op], columns * case.args["value"])


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.op}-{case.id}")
def test_bytes(case):
    """Rounded once, to nearest; what lies half-way between two may become either."""
    images = np.floor(case.input("x")).astype(np.uint8)
    for given in (images, np.asfortranarray(images)):
        made = changed(case, given)
        assert made.dtype == np.uint8
        error = np.abs(made.astype(float) - np.clip(case["images"], 0, 255))
        assert error.max() <= 0.5 + 1e-4, case.describe()


@pytest.mark.parametrize("case", [c for c in CASES if transform(c)], ids=lambda case: f"{case.op}-{case.id}")
def test_floats(case):
    images = (np.floor(case.input("x")) / 255).astype(np.float32)
    made = changed(case, images)
    assert made.dtype == np.float32
    np.testing.assert_allclose(made, case["images"] / 255, rtol=0, atol=2e-6)


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.op}-{case.id}")
def test_images_do_not_depend_on_the_batch(case):
    images = np.floor(case.input("x")).astype(np.uint8)
    whole = changed(case, images)
    np.testing.assert_array_equal(changed(case, images[-1:]), whole[-1:])
    assert changed(case, images[:0]).shape == (0, *whole.shape[1:])
