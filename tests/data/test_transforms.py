"""Transforms: hand-computed cases, comparisons with plain NumPy, and what they refuse."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fastcnn.data.transforms import (
    Compose,
    Cutout,
    Normalize,
    RandomAffine,
    RandomCrop,
    RandomErasing,
    RandomHorizontalFlip,
    RandomResizedCrop,
    RandomRotation,
    RandomVerticalFlip,
    Transform,
)
from fastcnn.errors import ArgumentError, DTypeError, FastcnnError, ShapeError

ALL = [
    Normalize(0.5, 0.25),
    RandomHorizontalFlip(),
    RandomCrop((5, 6), 2),
    RandomAffine(20, (0.2, 0.1), (0.8, 1.2), fill=7),
    RandomErasing(0.9),
    RandomVerticalFlip(),
    RandomCrop(6, 2, padding_mode="reflect"),
    RandomRotation(30, fill=3),
    RandomResizedCrop((4, 5)),
    Cutout(3, holes=2),
    Compose([RandomErasing(), RandomHorizontalFlip(), Normalize((0.1, 0.2, 0.3), 1)]),
]
few = settings(max_examples=25, deadline=None)


def batch(shape=(4, 3, 6, 7), dtype=np.uint8, seed=0):
    values = np.random.default_rng(seed).integers(0, 256, shape)
    return values.astype(dtype)


def generator(seed=0):
    return np.random.default_rng(seed)


# --- what holds for all ---


@pytest.mark.parametrize("transform", ALL, ids=lambda t: type(t).__name__)
@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_seeded_and_never_in_place(transform, dtype):
    images = batch((16, 3, 6, 7), dtype)
    images.flags.writeable = False
    before = images.copy()
    first, again = (transform(images, generator(3)) for _ in range(2))
    np.testing.assert_array_equal(first, again)
    np.testing.assert_array_equal(images, before)
    assert not np.shares_memory(first, images)
    assert first.flags.writeable
    assert first.flags.c_contiguous
    if not isinstance(transform, Normalize):
        assert not np.array_equal(first, transform(images, generator(4)))


@pytest.mark.parametrize("transform", ALL, ids=lambda t: type(t).__name__)
@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_memory_layout_does_not_matter(transform, dtype):
    images = batch((4, 3, 6, 7), dtype)
    expected = transform(images, generator())
    backwards = images[:, :, ::-1, ::-1].copy()[:, :, ::-1, ::-1]
    for view in (np.asfortranarray(images), backwards, np.repeat(images, 2, axis=0)[::2]):
        np.testing.assert_array_equal(transform(view, generator()), expected)


@pytest.mark.parametrize("transform", ALL, ids=lambda t: type(t).__name__)
def test_empty_batch(transform):
    assert transform(batch((0, 3, 6, 7)), generator()).shape[0] == 0


@pytest.mark.parametrize("transform", ALL, ids=lambda t: type(t).__name__)
def test_repr_makes_an_equal_one(transform):
    again = eval(repr(transform))
    assert repr(again) == repr(transform)
    np.testing.assert_array_equal(again(batch(), generator()), transform(batch(), generator()))


@pytest.mark.parametrize("transform", ALL, ids=lambda t: type(t).__name__)
def test_refuses_what_is_no_batch(transform):
    name = type(transform).__name__
    with pytest.raises(DTypeError, match=f"{name}: images must be uint8 or float32, got float64"):
        transform(batch(dtype=np.float64), generator())
    with pytest.raises(DTypeError, match=f"{name}: images must be a NumPy array, got list"):
        transform([[1]], generator())
    with pytest.raises(
        ShapeError, match=rf"{name}: images must have the shape \(N, C, H, W\), got \(3, 6, 7\)"
    ):
        transform(batch()[0], generator())
    if not isinstance(transform, Normalize):
        with pytest.raises(DTypeError, match=f"{name}: rng must be a numpy.random.Generator, got int"):
            transform(batch(), 5)


def test_repr_shows_the_arguments():
    assert repr(RandomAffine(5, (0.05, 0.05))) == (
        "RandomAffine(degrees=(-5.0, 5.0), translate=(0.05, 0.05), scale=None, fill=(0.0,))"
    )
    assert repr(Compose([RandomHorizontalFlip(0.3)])) == "Compose(transforms=[RandomHorizontalFlip(p=0.3)])"


def test_own_transform():
    class Invert(Transform):
        def __init__(self, white=255):
            self.white = white

        def __call__(self, images, rng):
            return self.white - images

    assert repr(Invert()) == "Invert(white=255)"
    images = batch()
    np.testing.assert_array_equal(Compose([Invert(), Invert()])(images, generator()), images)
    with pytest.raises(NotImplementedError, match="Transform must define __call__"):
        Transform()(images, generator())


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Compose(RandomHorizontalFlip()), "Compose: transforms must be a sequence of callables"),
        (lambda: Compose([1]), r"Compose: transforms must be a sequence of callables, got \[1\]"),
        (lambda: Normalize("a", 1), "Normalize: mean must be a number, got 'a'"),
        (lambda: Normalize([], 1), r"Normalize: mean must have at least one number, got \[\]"),
        (lambda: Normalize(0, 0), r"Normalize: std must be above 0, got \(0.0,\)"),
        (lambda: Normalize(0, [1, -1]), "Normalize: std must be above 0"),
        (lambda: Normalize(math.nan, 1), "Normalize: mean must be finite, got nan"),
        (lambda: Normalize(0, math.inf), "Normalize: std must be finite, got inf"),
        (lambda: RandomHorizontalFlip(1.5), r"RandomHorizontalFlip: p must be in \[0, 1\], got 1.5"),
        (lambda: RandomHorizontalFlip(True), "RandomHorizontalFlip: p must be a number, got True"),
        (lambda: RandomCrop(0), "RandomCrop: size must be at least 1, got 0"),
        (lambda: RandomCrop(28.0), "RandomCrop: size must be an integer, got 28.0"),
        (lambda: RandomCrop(28, -1), "RandomCrop: padding must be at least 0, got -1"),
        (lambda: RandomCrop(28, (1, 2, 3)), "RandomCrop: padding must be an integer or"),
        (lambda: RandomAffine(-5), "RandomAffine: degrees must be in"),
        (lambda: RandomAffine("5"), "RandomAffine: degrees must be a number, got '5'"),
        (
            lambda: RandomAffine((5, -5)),
            r"RandomAffine: degrees must be \(smallest, largest\), got \(5, -5\)",
        ),
        (lambda: RandomAffine((1, 2, 3)), r"RandomAffine: degrees must be two numbers, got \(1, 2, 3\)"),
        (lambda: RandomAffine(0, 0.1), "RandomAffine: translate must be two numbers, got 0.1"),
        (lambda: RandomAffine(0, (0.1, 1.1)), r"RandomAffine: translate must be in \[0, 1\], got 1.1"),
        (lambda: RandomAffine(0, None, (0, 1)), r"RandomAffine: scale must be in \[1e-06, 1e\+06\], got 0"),
        (lambda: RandomAffine(0, None, (2, 1)), r"RandomAffine: scale must be \(smallest, largest\)"),
        (lambda: RandomErasing(-0.1), r"RandomErasing: p must be in \[0, 1\], got -0.1"),
        (lambda: RandomErasing(1, (0.5, 2)), r"RandomErasing: scale must be in \[0, 1\], got 2"),
        (lambda: RandomErasing(1, (0.1, 0.2), (0, 1)), "RandomErasing: ratio must be in"),
        (lambda: RandomErasing(value="random"), "RandomErasing: value must be a number, got 'random'"),
    ],
)
def test_constructors_refuse(make, message):
    with pytest.raises(FastcnnError, match=message):
        make()


@pytest.mark.parametrize(
    ("make", "name"),
    [
        (lambda value: RandomCrop(3, 1, fill=value), "RandomCrop: fill"),
        (lambda value: RandomAffine(3, fill=value), "RandomAffine: fill"),
        (lambda value: RandomErasing(1, value=value), "RandomErasing: value"),
    ],
)
def test_fill_must_fit_the_images(make, name):
    with pytest.raises(ArgumentError, match=f"{name} has 2 values, but the images have 3 channels"):
        make((1, 2))(batch(), generator())
    for value in (256, -1, 0.5):
        with pytest.raises(ArgumentError, match=f"{name} must be integers from 0 to 255 for uint8 images"):
            make(value)(batch(), generator())
    assert make((0.5, -1, 300))(batch(dtype=np.float32), generator()).dtype == np.float32


# --- Compose and Normalize ---


def test_compose_is_one_after_the_other():
    images, rng = batch(), generator(5)
    steps = [RandomErasing(0.5), RandomHorizontalFlip(), Normalize(0.5, 0.5)]
    expected = images
    for step in steps:
        expected = step(expected, rng)
    np.testing.assert_array_equal(Compose(steps)(images, generator(5)), expected)
    unchanged = Compose([])(images, generator())
    np.testing.assert_array_equal(unchanged, images)
    assert unchanged is not images


def test_normalize_by_hand():
    images = np.array([0, 51, 255], np.uint8).reshape(1, 1, 1, 3)
    result = Normalize(0.2, 0.5)(images)
    assert result.dtype == np.float32
    np.testing.assert_allclose(result.ravel(), [-0.4, 0, 1.6], rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(Normalize(0.2, 0.5)(images / np.float32(255)), result, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("shape", [(5, 3, 6, 7), (2, 3, 1, 1), (1, 3, 17, 19)])
def test_normalize_every_channel(shape):
    images = batch(shape)
    mean, std = np.array([0.1, 0.5, 0.9]), np.array([1.0, 0.2, 3.0])
    exact = (images / 255 - mean[:, None, None]) / std[:, None, None]
    transform = Normalize(mean, tuple(std))
    np.testing.assert_allclose(transform(images), exact, rtol=1e-7, atol=1e-8)
    out = np.full(shape, np.nan, np.float32)
    assert transform(images, out=out) is out
    np.testing.assert_array_equal(out, transform(images))
    floats = images.astype(np.float32)
    assert transform(floats, generator(), out=floats) is floats
    np.testing.assert_allclose(
        floats, (images - mean[:, None, None]) / std[:, None, None], rtol=1e-5, atol=1e-6
    )


def test_normalize_follows_what_is_assigned():
    images, transform = batch((2, 3, 4, 4)), Normalize(0.5, 0.5)
    transform(images)
    transform.mean, transform.std = [0.1, 0.2, 0.3], np.array([1.0, 2.0, 3.0])
    expected = Normalize((0.1, 0.2, 0.3), (1.0, 2.0, 3.0))(images)
    np.testing.assert_array_equal(transform(images), expected)


def test_normalize_refuses():
    images = batch()
    with pytest.raises(ArgumentError, match="Normalize: mean has 2 values, but the images have 3 channels"):
        Normalize((0, 1), 1)(images)
    with pytest.raises(ArgumentError, match="Normalize: std has 4 values, but the images have 3 channels"):
        Normalize(0, (1, 1, 1, 1))(images)
    with pytest.raises(DTypeError, match=r"out must be a float32 array, got dtype\('float64'\)"):
        Normalize(0, 1)(images, out=np.empty(images.shape))
    with pytest.raises(DTypeError, match="out must be a float32 array, got 5"):
        Normalize(0, 1)(images, out=5)
    for out in (np.empty((4, 3, 6, 8), np.float32), np.empty((4, 3, 6, 14), np.float32)[..., ::2]):
        with pytest.raises(
            ShapeError, match="out must be a writeable C-contiguous array of the images' shape"
        ):
            Normalize(0, 1)(images, out=out)


# --- flip and crop ---


def test_flip_by_hand():
    images = batch((1000, 1, 2, 3))
    flipped = RandomHorizontalFlip(0.3)(images, generator())
    mirrored = np.all(flipped == images[..., ::-1], axis=(1, 2, 3))
    assert np.all(mirrored | np.all(flipped == images, axis=(1, 2, 3)))
    assert 250 < mirrored.sum() < 350
    np.testing.assert_array_equal(RandomHorizontalFlip(1)(images, generator()), images[..., ::-1])
    np.testing.assert_array_equal(RandomHorizontalFlip(0)(images, generator()), images)


@few
@given(
    size=st.tuples(st.integers(1, 9), st.integers(1, 9)),
    padding=st.tuples(*[st.integers(0, 3)] * 4),
    dtype=st.sampled_from([np.uint8, np.float32]),
    seed=st.integers(0, 1000),
)
def test_crop_is_a_window_of_the_padded_image(size, padding, dtype, seed):
    images, fill = batch((3, 2, 5, 6), dtype), (9, 200)
    left, right, top, bottom = padding
    transform = RandomCrop(size, padding, fill)
    if size[0] > 5 + top + bottom or size[1] > 6 + left + right:
        with pytest.raises(ShapeError, match=r"RandomCrop: size .* is larger than the padded images"):
            transform(images, generator(seed))
        return
    result = transform(images, generator(seed))
    assert (result.shape, result.dtype) == ((3, 2, *size), images.dtype)
    for image, crop in zip(images, result, strict=True):
        padded = np.stack(
            [
                np.pad(channel, ((top, bottom), (left, right)), constant_values=value)
                for channel, value in zip(image, fill, strict=True)
            ]
        )
        places = [
            np.array_equal(crop, padded[:, i : i + size[0], j : j + size[1]])
            for i in range(padded.shape[1] - size[0] + 1)
            for j in range(padded.shape[2] - size[1] + 1)
        ]
        assert any(places)


def test_crop_reaches_every_place():
    images = np.arange(16, dtype=np.uint8).reshape(1, 1, 4, 4).repeat(500, axis=0)
    corners = RandomCrop(3)(images, generator())[:, 0, 0, 0]
    assert set(corners.tolist()) == {0, 1, 4, 5}


# --- affine ---


def sample(image, matrix, fill):
    """One channel, pixel by pixel, in float64: the average of four taps, each inside or fill."""
    height, width = image.shape
    result = np.empty((height, width))

    def tap(row, column):
        return image[row, column] if 0 <= row < height and 0 <= column < width else fill

    for i in range(height):
        for j in range(width):
            x = matrix[0] * j + matrix[1] * i + matrix[2]
            y = matrix[3] * j + matrix[4] * i + matrix[5]
            left, top = math.floor(x), math.floor(y)
            right_share, bottom_share = x - left, y - top
            result[i, j] = (
                (1 - bottom_share) * (1 - right_share) * tap(top, left)
                + (1 - bottom_share) * right_share * tap(top, left + 1)
                + bottom_share * (1 - right_share) * tap(top + 1, left)
                + bottom_share * right_share * tap(top + 1, left + 1)
            )
    return result


@few
@given(
    size=st.tuples(st.integers(1, 20), st.integers(1, 20)),
    degrees=st.floats(0, 180),
    shift=st.tuples(st.floats(0, 1), st.floats(0, 1)),
    scale=st.floats(0.1, 3),
    seed=st.integers(0, 1000),
)
def test_affine_against_float64(size, degrees, shift, scale, seed):
    images, fill = batch((3, 2, *size), seed=seed), (40, 250)
    transform = RandomAffine(degrees, shift, (scale, 1.5 * scale), fill)
    matrices = transform.matrices(3, *size, generator(seed))
    exact = np.array(
        [
            [sample(channel.astype(float), matrix, value) for channel, value in zip(image, fill, strict=True)]
            for image, matrix in zip(images, matrices, strict=True)
        ]
    )
    bytes_ = transform(images, generator(seed))
    assert bytes_.dtype == np.uint8
    assert np.abs(bytes_ - exact).max() <= 1
    floats = transform(images.astype(np.float32), generator(seed))
    assert floats.dtype == np.float32
    np.testing.assert_allclose(floats, exact, atol=0.02)


def test_affine_map_is_the_inverse_of_rotate_scale_shift():
    transform = RandomAffine((30, 30), None, (1.25, 1.25))
    matrix = transform.matrices(1, 7, 10, generator())[0]
    cos, sin = 1.25 * math.cos(math.pi / 6), 1.25 * math.sin(math.pi / 6)
    forward = np.array([[cos, -sin, 0], [sin, cos, 0], [0, 0, 1]])
    centre = np.array([[1, 0, 4.5], [0, 1, 3], [0, 0, 1]])
    exact = np.linalg.inv(centre @ forward @ np.linalg.inv(centre))
    np.testing.assert_allclose(matrix, exact[:2].ravel(), atol=1e-12)


def test_affine_turns_clockwise():
    image = np.array([[1, 2], [3, 4]], np.uint8).reshape(1, 1, 2, 2)
    turned = RandomAffine((90, 90))(image, generator())
    np.testing.assert_array_equal(turned[0, 0], [[3, 1], [4, 2]])


def test_affine_shifts_by_whole_pixels():
    image = np.arange(1, 101, dtype=np.float32).reshape(1, 1, 10, 10)
    matrices = RandomAffine(0, (0.25, 0.4)).matrices(500, 10, 10, generator())
    np.testing.assert_array_equal(matrices[:, [0, 1, 3, 4]], [[1, 0, 0, 1]] * 500)
    # 2.5 rounds to 2, and that rarely.
    assert set(matrices[:, 2]) == {-2.0, -1.0, 0.0, 1.0, 2.0}
    assert set(matrices[:, 5]) == set(range(-4, 5))
    moved = RandomAffine(0, (0.25, 0.4), fill=-1)(image.repeat(20, axis=0), generator(1))
    for result, matrix in zip(
        moved, RandomAffine(0, (0.25, 0.4)).matrices(20, 10, 10, generator(1)), strict=True
    ):
        x, y = int(matrix[2]), int(matrix[5])
        padded = np.pad(image[0, 0], 5, constant_values=-1)
        np.testing.assert_array_equal(result[0], padded[5 + y : 15 + y, 5 + x : 15 + x])


def test_affine_identity_is_exact_and_far_is_fill():
    for dtype in (np.uint8, np.float32):
        images = batch((2, 3, 9, 5), dtype)
        np.testing.assert_array_equal(RandomAffine(0)(images, generator()), images)
        tiny = RandomAffine(0, None, (1e-6, 1e-6), fill=3)(images, generator())
        # Only the centre of an odd side lies in the image.
        expected = np.full_like(images, 3)
        expected[:, :, 4, 2] = images[:, :, 4, 2]
        np.testing.assert_array_equal(tiny, expected)


# --- erasing ---


def test_erasing_overwrites_one_rectangle():
    images = np.full((300, 2, 20, 30), 7, np.uint8)
    erased = RandomErasing(0.5, value=(0, 200))(images, generator())
    changed = erased != images
    np.testing.assert_array_equal(changed[:, 0], changed[:, 1])
    touched = changed.any(axis=(1, 2, 3))
    assert 110 < touched.sum() < 190
    for image, mask in zip(erased[touched], changed[touched, 0], strict=True):
        rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
        assert mask[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1].all()
        assert mask.sum() == (rows[-1] - rows[0] + 1) * (columns[-1] - columns[0] + 1)
        assert set(image[0][mask]) == {0}
        assert set(image[1][mask]) == {200}


def test_erasing_rectangles_have_the_area_and_ratio():
    transform = RandomErasing(1, (0.1, 0.2), (0.5, 2))
    top, left, height, width = transform.rectangles(2000, 100, 200, generator()).T
    assert np.all((height < 100) & (width < 200))
    assert np.all((top >= 0) & (left >= 0) & (top + height <= 100) & (left + width <= 200))
    area, ratio = height * width / 20000, height / width
    assert 0.098 < area.min() < 0.102
    assert 0.198 < area.max() < 0.202
    assert 0.49 < ratio.min() < 0.55
    assert 1.8 < ratio.max() < 2.05
    # Uniform in the logarithm: as often below 1 as above.
    assert 0.45 < np.mean(ratio < 1) < 0.55
    assert top.min() == 0
    assert (left + width).max() == 200


def test_erasing_that_never_fits_leaves_the_image():
    images = batch((8, 3, 6, 7))
    np.testing.assert_array_equal(RandomErasing(1, (1, 1), (1, 1))(images, generator()), images)
    np.testing.assert_array_equal(RandomErasing(0)(images, generator()), images)
    single = batch((3, 1, 1, 1))
    np.testing.assert_array_equal(RandomErasing(1)(single, generator()), single)
