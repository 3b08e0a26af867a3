import numpy as np
import pytest

from fastcnn.data.normalization import MeanImage, Standardize, SubtractMeanImage
from fastcnn.errors import ArgumentError, DTypeError, ShapeError


@pytest.fixture
def images():
    """More than one chunk of bytes, with channels that differ."""
    rng = np.random.default_rng(0)
    return np.stack([rng.integers(0, 256, (2500, 4, 5)), rng.integers(100, 120, (2500, 4, 5))], 1).astype(
        np.uint8
    )


def test_standardize_gives_mean_0_and_deviation_1(images):
    result = Standardize().fit(images)(images)
    assert result.dtype == np.float32
    np.testing.assert_allclose(result.mean((0, 2, 3), dtype=np.float64), 0, atol=1e-6)
    np.testing.assert_allclose(result.std((0, 2, 3), dtype=np.float64), 1, atol=1e-6)


def test_standardize_by_the_definition(images):
    transform = Standardize().fit(images)
    np.testing.assert_allclose(transform.mean, (images / 255).mean((0, 2, 3)), rtol=1e-12)
    np.testing.assert_allclose(transform.std, (images / 255).std((0, 2, 3)), rtol=1e-12)


def test_standardize_of_floats_far_from_0():
    images = np.random.default_rng(1).normal(1000, 0.01, (30, 1, 4, 4)).astype(np.float32)
    transform = Standardize().fit(images)
    np.testing.assert_allclose(transform.std, images.astype(np.float64).std(), rtol=1e-9)


def test_mean_image(images):
    result = SubtractMeanImage().fit(images)(images[:7])
    np.testing.assert_allclose(result, (images[:7] - images.mean(0)) / 255, atol=1e-6)
    assert result.dtype == np.float32


def test_mean_image_in_the_units_of_bytes(images):
    result = SubtractMeanImage(1 / 255).fit(images)(images[:7])
    np.testing.assert_allclose(result, images[:7] - images.mean(0), atol=2e-4)


def test_mean_image_of_floats():
    images = np.random.default_rng(1).random((20, 3, 4, 4), np.float32)
    result = SubtractMeanImage(0.5).fit(images)(images)
    np.testing.assert_allclose(result, 2 * (images - images.mean(0)), atol=3e-6)


def test_a_mean_image_survives_a_list(images):
    """It is written into files of weights as decimals."""
    transform = SubtractMeanImage().fit(images)
    again = MeanImage(transform.image.tolist(), transform.std)
    np.testing.assert_array_equal(again(images[:9]), transform(images[:9]))


def test_refused(images):
    with pytest.raises(ArgumentError, match=r"^Standardize: there is no image"):
        Standardize().fit(images[:0])
    with pytest.raises(ArgumentError, match=r"^Standardize: a channel has the same value"):
        Standardize().fit(np.zeros((3, 1, 2, 2), np.uint8))
    with pytest.raises(DTypeError, match=r"^SubtractMeanImage: images must be uint8 or float32"):
        SubtractMeanImage().fit(images.astype(np.int64))
    with pytest.raises(ArgumentError, match=r"^SubtractMeanImage: std must be above 0, got 0"):
        SubtractMeanImage(0)
    with pytest.raises(ArgumentError, match=r"^MeanImage: std must be above 0, got 0"):
        MeanImage(np.zeros((1, 2, 2)), 0)
    with pytest.raises(DTypeError, match=r"^MeanImage: image must be numbers"):
        MeanImage([["a"]])
    with pytest.raises(ShapeError, match=r"^MeanImage: image must be finite"):
        MeanImage([0, 1])
    with pytest.raises(
        ShapeError, match=r"^MeanImage: images are \(2, 4, 5\), but the mean image is \(2, 4, 4"
    ):
        MeanImage(np.zeros((2, 4, 4)))(images)
