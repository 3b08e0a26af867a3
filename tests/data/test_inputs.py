"""Data sets of several inputs: an image and numbers, two images."""

import numpy as np
import pytest

from fastcnn import data
from fastcnn._kernels import cpu
from fastcnn.data import Dataset, Loader
from fastcnn.data.normalization import Standardize, SubtractMeanImage
from fastcnn.data.transforms import Normalize, PerInput, RandomCrop, RandomErasing
from fastcnn.errors import ArgumentError, DTypeError, ShapeError

COUNT = 30


def image(count=COUNT, channels=1):
    """Images of which number i is filled with i."""
    return np.arange(count, dtype=np.uint8).repeat(6 * channels).reshape(count, channels, 2, 3)


def row(count=COUNT):
    return np.stack([np.arange(count), -np.arange(count)], 1).astype(np.float64)


def both(count=COUNT, **options):
    return Dataset((image(count), row(count)), np.arange(count) % 3, name="both", **options)


def assert_belong_together(images, labels):
    """Check that the rows of all arrays are those of the same samples."""
    pixels, numbers = images
    np.testing.assert_array_equal(pixels[:, 0, 1, 2], numbers[:, 0])
    np.testing.assert_array_equal(numbers[:, 1], -numbers[:, 0])
    np.testing.assert_array_equal(numbers[:, 0] % 3, labels)


@pytest.mark.parametrize("kind", [tuple, list])
def test_attributes(kind):
    pixels, numbers = image(), row()
    found = Dataset(kind([pixels, numbers]), np.arange(COUNT) % 3)
    assert type(found.images) is tuple
    assert [found.images[0] is pixels, found.images[1] is numbers] == [True, True]  # no copy
    assert (len(found), found.num_classes) == (COUNT, 3)
    assert found.image_shape == (1, 2, 3)
    assert found.input_shape == ((1, 2, 3), (2,))
    assert repr(found) == "Dataset(30 samples of 1x2x3 uint8 and 2 float64, 3 classes)"
    (one, numbers), label = found[-1]
    assert (one.shape, numbers.tolist(), label) == ((1, 2, 3), [29.0, -29.0], 2)
    assert [label for _, label in found] == found.labels.tolist()


def test_one_array_has_an_input_shape_too():
    assert Dataset(image(), np.zeros(COUNT, int)).input_shape == (1, 2, 3)
    assert Dataset((image(),), np.zeros(COUNT, int)).images.shape == (COUNT, 1, 2, 3)


def test_inputs_without_images():
    found = Dataset((row(), np.arange(COUNT)), np.zeros(COUNT, int))
    assert found.input_shape == ((2,), ())
    assert found[3][0][1] == 3
    assert repr(found) == "Dataset(30 samples of 2 float64 and one int64, 1 classes)"
    assert found.value_range == (None, None)
    with pytest.raises(
        ShapeError, match=r"Dataset.image_shape: none of the inputs are images .*\(30, 2\) and \(30,\)"
    ):
        found.image_shape  # noqa: B018 - it raises


def test_subset_takes_the_same_rows_of_each():
    whole = both(value_range=((0, 255), None), classes=["a", "b", "c"])
    part = whole.subset([7, 2, 7])
    assert_belong_together(part.images, part.labels)
    assert part.labels.tolist() == [1, 2, 1]
    assert (part.name, part.classes, part.value_range) == ("both", ("a", "b", "c"), ((0.0, 255.0), None))
    assert not any(np.shares_memory(a, b) for a, b in zip(part.images, whole.images, strict=True))
    assert len(whole.subset([])) == 0


@pytest.mark.parametrize("options", [{}, {"stratified": False}, {"balanced": True}])
def test_split_is_that_of_one_array(options):
    parts = data.split(both(), 9, seed=4, **options)
    alone = data.split(Dataset(image(), np.arange(COUNT) % 3), 9, seed=4, **options)
    for part, other in zip(parts, alone, strict=True):
        assert_belong_together(part.images, part.labels)
        np.testing.assert_array_equal(part.images[0], other.images)
    drawn = data.stratified_subset(both(), 6, seed=1)
    assert_belong_together(drawn.images, drawn.labels)
    assert drawn.class_counts().tolist() == [2, 2, 2]


def test_layouts_and_value_ranges_are_given_for_each():
    last, grey = np.ascontiguousarray(image(channels=3).transpose(0, 2, 3, 1)), image()[:, 0]
    found = Dataset(
        (last, grey, row()),
        np.zeros(COUNT, int),
        layout=("NHWC", "NHW", None),
        value_range=((0, 100), None, (-30, 30)),
    )
    np.testing.assert_array_equal(found.images[0], image(channels=3))
    np.testing.assert_array_equal(found.images[1], image())
    assert found.value_range == ((0.0, 100.0), None, (-30.0, 30.0))  # the values up to 29 do not tell
    assert found.subset([1]).input_shape == ((3, 2, 3), (1, 2, 3), (2,))


@pytest.mark.parametrize("kind", [np.int64, np.uint8, np.bool_, np.float16, np.float64])
def test_what_is_no_image_may_be_numbers_of_any_kind(kind):
    numbers = row().astype(kind) if kind is not np.uint8 else np.zeros((COUNT, 2), kind)
    assert Dataset((image(), numbers), np.zeros(COUNT, int)).images[1] is numbers


@pytest.mark.parametrize(
    ("given", "options", "error", "message"),
    [
        ((image(), row()[:9]), {}, ShapeError, r"images\[1\] has 9 rows, but the first array has 30"),
        ((image(), [1, 2]), {}, DTypeError, r"images\[1\] must be an array with a batch axis, got list"),
        ((), {}, DTypeError, "images must be a NumPy array, got tuple"),
        ((row(), image() / 2.0), {}, DTypeError, r"images\[1\] must be uint8 or float32, got float64: use"),
        ((image(), row().astype(str)), {}, DTypeError, r"images\[1\] must be numbers, got <U"),
        ((row(), image()[:, :, :0]), {}, ShapeError, r"images\[1\] must have at least one channel, row and"),
        (
            (row(), np.zeros((COUNT, 9, 9, 3), np.uint8)),
            {},
            ShapeError,
            r"images\[1\] have .* \(N, H, W, C\)",
        ),
        (
            (image(), row()),
            {"layout": "NHWC"},
            ArgumentError,
            r"layout must have one entry for each of 2 inputs, such as \(\"NHWC\", None\), got 'NHWC'",
        ),
        ((image(), row()), {"layout": ("NHWC",)}, ArgumentError, "layout must have one entry for each of 2"),
        ((image(), row()), {"layout": (None, "NHWC")}, DTypeError, r"images\[1\] must be uint8 or float32"),
        (
            (image(), row()),
            {"value_range": (0, 1, 2)},
            ArgumentError,
            r"value_range must have one entry for each of 2 inputs, such as \(\(0, 1\), None\), got \(",
        ),
        ((image(), row()), {"value_range": (0, 255)}, ArgumentError, r"value_range\[0\] must be two"),
        ((image(), row()), {"value_range": ((0, 1), None)}, ArgumentError, r"value_range\[0\] says black is"),
        ([image()[0]] * 40, {}, ShapeError, r"1 images but 30 labels .*, np.stack"),
    ],
)
def test_refuses(given, options, error, message):
    with pytest.raises(error, match=f"Dataset: .*{message}"):
        Dataset(given, np.zeros(COUNT, int), **options)


def test_labels_of_another_length():
    with pytest.raises(
        ShapeError, match=r"30 images but 3 labels \(images \(30, 1, 2, 3\) and \(30, 2\), labels"
    ):
        Dataset((image(), row()), [0, 1, 2])


def test_statistics_are_those_of_one_input():
    for kind in (Standardize(), SubtractMeanImage()):
        with pytest.raises(DTypeError, match=r"images must be a NumPy array, got a tuple of 2: .*PerInput"):
            kind.fit(both().images)
        kind.fit(both().images[0])


# The loader


@pytest.mark.parametrize("prefetch", [0, 2])
@pytest.mark.parametrize("options", [{}, {"shuffle": False}, {"drop_last": True}, {"replacement": True}])
def test_batches_hold_rows_that_belong_together(options, prefetch):
    alone = Loader(Dataset(image(), np.arange(COUNT) % 3), 7, seed=3, prefetch=prefetch, **options)
    loader = Loader(both(), 7, seed=3, prefetch=prefetch, **options)
    batches = list(loader.epoch(2))
    assert len(batches) == len(loader)
    for (images, labels), (wanted, wanted_labels) in zip(batches, alone.epoch(2), strict=True):
        assert_belong_together(images, labels)
        np.testing.assert_array_equal(images[0], wanted)
        np.testing.assert_array_equal(labels, wanted_labels)


def test_batches_are_the_callers_own():
    whole = both()
    for images, _ in Loader(whole, 7, prefetch=0).epoch(0):
        for each in images:
            each[...] = 99
    assert_belong_together(whole.images, whole.labels)


def test_augmentation_depends_on_seed_and_epoch_alone():
    augment = PerInput([RandomCrop((2, 3), 1), lambda numbers, rng: numbers + rng.normal(size=numbers.shape)])

    def epoch(number, prefetch):
        batches = Loader(both(), 7, seed=1, augment=augment, prefetch=prefetch).epoch(number)
        return [np.concatenate(parts) for parts in zip(*(images for images, _ in batches), strict=True)]

    expected, before = epoch(5, 0), cpu.get_num_threads()
    try:
        for threads in (1, 2, 4):
            cpu.set_num_threads(threads)
            for one, other in zip(epoch(5, 2), expected, strict=True):
                np.testing.assert_array_equal(one, other)
    finally:
        cpu.set_num_threads(before)
    assert all((one != other).any() for one, other in zip(epoch(6, 0), expected, strict=True))


@pytest.mark.parametrize(
    ("made", "got"),
    [
        (None, "NoneType"),
        (np.zeros((7, 2)), r"\(7, 2\)"),
        ((image(7),), r"\(7, 1, 2, 3\)"),
        (np.zeros((6, 2)), r"\(6, 2\)"),
        ((), r"\(\)"),
        ((image(7), np.zeros((6, 2))), r"\(7, 1, 2, 3\) and \(6, 2\)"),
        ((image(7), 5), r"\(7, 1, 2, 3\) and int"),
        ([image(7), image(7)], "list"),
    ],
)
def test_augment_must_return_the_batch(made, got):
    loader = Loader(both(), 7, augment=lambda images, rng: made, prefetch=0)
    with pytest.raises(
        ShapeError, match=f"Loader: augment must return a tuple of 2 arrays of 7 rows, got {got}$"
    ):
        next(loader.epoch(0))


@pytest.mark.parametrize("transform", [Normalize(0.5, 0.5), RandomErasing()])
def test_a_transform_of_images_says_how_to_take_several_inputs(transform):
    loader = Loader(both(), 7, augment=transform, prefetch=0)
    name = type(transform).__name__
    with pytest.raises(
        DTypeError,
        match=f"{name}: images must be a NumPy array, got a tuple of 2: for several inputs give what to do "
        "with each, see fastcnn.data.transforms.PerInput",
    ):
        next(loader.epoch(0))
