"""Data sets of other libraries that can be indexed."""

import re

import numpy as np
import pytest
from PIL import Image

from fastcnn.data import Dataset, LazyDataset, Loader
from fastcnn.errors import ArgumentError, DataError, DTypeError, ShapeError

from .standins import Eager, Faces, Part, Tensor, Vision, squares

IMAGES, LABELS = squares()


def assert_holds(lazy, images=IMAGES[:, None], labels=LABELS):
    assert len(lazy) == len(labels)
    parts = list(lazy.in_order(7))
    assert [len(part[1]) for part in parts] == [7, 7, 6]
    made = np.concatenate([part[0] for part in parts])
    np.testing.assert_array_equal(made, images)
    assert made.dtype == images.dtype
    np.testing.assert_array_equal(np.concatenate([part[1] for part in parts]), labels)


MAKERS = {
    "torchvision": Vision(IMAGES, LABELS),
    "hugging face": Faces(Vision(IMAGES, LABELS)),
    "part": Part(Vision(IMAGES, LABELS), list(range(20))),
    "list of arrays": list(zip(IMAGES, LABELS, strict=True)),
    "tensors": [(Tensor(a[None]), Tensor(b)) for a, b in zip(IMAGES, LABELS, strict=True)],
    "channels last": list(zip(IMAGES[..., None], LABELS.tolist(), strict=True)),
    "dicts": [{"img": Eager(a), "label": b, "id": 3} for a, b in zip(IMAGES, LABELS, strict=True)],
}


@pytest.mark.parametrize("source", MAKERS.values(), ids=MAKERS)
def test_items_of_many_kinds(source):
    lazy = LazyDataset(source)
    assert lazy.task == "classification"
    assert lazy.image_shape == (1, 6, 6)
    assert_holds(lazy)
    read = lazy.read(progress=False)
    assert isinstance(read, Dataset)
    np.testing.assert_array_equal(read.images, IMAGES[:, None])
    np.testing.assert_array_equal(read.labels, LABELS)
    assert read.num_classes == 2


def test_names_of_classes():
    assert LazyDataset(Vision(IMAGES, LABELS)).classes == ("dark", "light")
    assert LazyDataset(Part(Part(Vision(IMAGES, LABELS), [1, 2]), [0])).classes == ("dark", "light")
    assert LazyDataset(Faces(Vision(IMAGES, LABELS))).classes == ("dark", "light")
    assert LazyDataset(MAKERS["tensors"]).classes == ()
    assert LazyDataset(MAKERS["tensors"], classes=["a", "b"]).read(False).classes == ("a", "b")


def test_floats_stay_what_they_are():
    floats = (IMAGES / 255).astype(np.float32)[:, None]
    assert_holds(LazyDataset([(Tensor(a), b) for a, b in zip(floats, LABELS, strict=True)]), floats)
    assert_holds(
        LazyDataset([(a.astype(np.float64), b) for a, b in zip(floats, LABELS, strict=True)]), floats
    )


def test_colours_and_transparency():
    red = np.zeros((5, 4, 3), np.uint8)
    red[..., 0] = 200
    clear = np.zeros((5, 4, 4), np.uint8)
    grey = np.full((5, 4), 9, np.uint8)
    pictures = [Image.fromarray(red), Image.fromarray(clear), Image.fromarray(grey)]
    images = LazyDataset([(picture, 0) for picture in pictures]).read(False).images
    assert images.shape == (3, 3, 5, 4)
    np.testing.assert_array_equal(images[0], red.transpose(2, 0, 1))
    assert (images[1] == 255).all()
    assert (images[2] == 9).all()
    palette = Image.fromarray(red).convert("P")
    expected = np.asarray(palette.convert("RGB")).transpose(2, 0, 1)
    np.testing.assert_array_equal(LazyDataset([(palette, 0)]).first().images[0], expected)


def test_lines_and_layouts():
    lines = np.random.default_rng(0).standard_normal((4, 2, 9)).astype(np.float32)
    lazy = LazyDataset([(line, 0) for line in lines], layout="NCL")
    assert lazy.image_shape == (2, 9)
    np.testing.assert_array_equal(lazy.read(False).images, lines)
    channels_first = np.zeros((8, 5, 3), np.uint8)
    assert LazyDataset([(channels_first, 0)]).image_shape == (3, 8, 5)
    assert LazyDataset([(channels_first, 0)], layout="NCHW").image_shape == (8, 5, 3)


@pytest.mark.parametrize(
    ("label", "task", "shape", "batched"),
    [
        (3, "classification", (), np.int64),
        (np.uint8(3), "classification", (), np.int64),
        (2.5, "regression", (), np.float64),
        (Tensor(np.float32(2.0)), "regression", (), np.float32),
        (np.array([1.5, 2]), "regression", (2,), np.float64),
        ([1, 0, 1], "multilabel", (3,), np.float32),
        (Image.fromarray(np.ones((6, 6), np.uint8)), "segmentation", (6, 6), np.int64),
    ],
)
def test_tasks(label, task, shape, batched):
    lazy = LazyDataset([(IMAGES[0], label)] * 3)
    assert lazy.task == task
    _, labels = next(Loader(lazy, 2, prefetch=0).epoch(0))
    assert labels.shape == (2, *shape)
    assert labels.dtype == batched
    assert lazy.read(False).task == task


def test_a_task_that_is_said():
    masks = [(IMAGES[0], np.full((6, 6), 255))] * 2
    lazy = LazyDataset(masks, task="segmentation", ignore_index=255, classes=["a"])
    assert lazy.read(False).ignore_index == 255
    assert LazyDataset([(IMAGES[0], 2)], task="regression").first().labels.dtype == np.float32


def test_it_is_read_when_it_is_needed():
    source = Vision(IMAGES, LABELS)
    lazy = LazyDataset(source)
    assert source.read == [0]
    part = lazy[5:8]
    assert isinstance(part, LazyDataset)
    assert source.read == [0, 5]
    image, label = part[-1]
    np.testing.assert_array_equal(image, IMAGES[7:8])
    assert label == LABELS[7]
    assert isinstance(label, int)
    assert source.read == [0, 5, 7]
    assert len(lazy[lazy.read(False).labels == 1]) == LABELS.sum()
    np.testing.assert_array_equal(part[[2, 0]].read(False).images, IMAGES[[7, 5]][:, None])


def test_a_loader_makes_the_batches_of_a_data_set_in_memory():
    lazy, held = LazyDataset(Vision(IMAGES, LABELS)), Dataset(IMAGES[:, None], LABELS)
    for options in ({}, {"shuffle": False}, {"drop_last": True}, {"replacement": True}):
        for epoch in (0, 3):
            pairs = zip(
                Loader(lazy, 6, seed=5, **options).epoch(epoch),
                Loader(held, 6, seed=5, **options).epoch(epoch),
                strict=True,
            )
            for made, expected in pairs:
                for each, other in zip(made, expected, strict=True):
                    np.testing.assert_array_equal(each, other)
                    assert each.dtype == other.dtype


def test_random_items_are_drawn_anew_in_each_epoch():
    rng = np.random.default_rng(0)
    lazy = LazyDataset(Vision(IMAGES, LABELS, lambda image: rng.standard_normal((1, 6, 6))))
    first, second = (next(Loader(lazy, 4, shuffle=False).epoch(0))[0] for _ in range(2))
    assert (first != second).all()


def broken(value, at=3, label=0):
    items = [(IMAGES[i], 0) for i in range(6)]
    items[at] = (value, label)
    return items


@pytest.mark.parametrize(
    ("source", "error", "message"),
    [
        (3, DTypeError, "LazyDataset: source must have __len__ and __getitem__, got int"),
        ([], ArgumentError, "LazyDataset: source is empty"),
        ([5], DTypeError, "item 0 must be a pair of image and label, or a dict with them, got int"),
        ([(1, 2, 3, 4)], ArgumentError, "item 0 has 4 parts: say which are image and label with columns="),
        ([{"a": 1, "label": 2}], ArgumentError, "item 0 has no column for the image among 'a', 'label'"),
        (
            [{"image": IMAGES[0], "label": 0, "target": 1}],
            ArgumentError,
            "item 0 has the columns 'label', 'target' for the label among 'image', 'label', 'target'",
        ),
        (
            broken(IMAGES[0, :4]),
            ShapeError,
            "item 3: the image is uint8 (1, 4, 6), but the first one uint8 (1, 6, 6)",
        ),
        (
            broken(IMAGES[0] / 255),
            ShapeError,
            "item 3: the image is float32 (1, 6, 6), but the first one uint8 (1, 6, 6)",
        ),
        (broken(None), DTypeError, "item 3: the image must be a picture of Pillow's, an array or a tensor"),
        (broken("a.png"), DTypeError, "item 3: the image must be a picture of Pillow's, an array or a ten"),
        (broken(IMAGES[0].astype(int)), DTypeError, "item 3: the image must be uint8 or floats, got int64"),
        (broken(np.zeros(4, np.uint8)), ShapeError, "item 3: the image must have the shape (N, C, H, W)"),
        (
            broken(Tensor(IMAGES[0], requires_grad=True)),
            DTypeError,
            "item 3: the image is a tensor that requires a gradient: give its detach()",
        ),
        (
            broken(Tensor(IMAGES[0], device="cuda")),
            DTypeError,
            "item 3: the image is a tensor on the device 'cuda': give its cpu()",
        ),
        (
            broken(Image.fromarray(IMAGES[0].astype(np.float32))),
            DTypeError,
            "item 3: the image is a picture of the mode 'F', which does not tell what is white",
        ),
        (broken(IMAGES[0], label="cat"), DTypeError, "item 3: the label must be numbers, got str 'cat'"),
        (broken(IMAGES[0], label=None), DTypeError, "item 3: the label must be numbers, got None"),
        (broken(IMAGES[0], label=[1, 2]), ShapeError, "item 3: the label has the shape (2,), but that of i"),
        (broken(IMAGES[0], label=0.5), DTypeError, "items 0 ...: the labels must be integers, got float64"),
    ],
)
def test_bad_items_are_named(source, error, message):
    with pytest.raises(error, match=re.escape(message)):
        list(LazyDataset(source).in_order(10))


def test_labels_beyond_the_classes():
    with pytest.raises(ArgumentError, match="item 2: label 2 is out of range for 2 classes"):
        LazyDataset([(IMAGES[0], i) for i in range(4)], classes=["a", "b"]).read(False)
    with pytest.raises(ShapeError, match=r"the labels are \(1, 3\), but there are 2 classes"):
        LazyDataset([(IMAGES[0], [1, 0, 1])], classes=["a", "b"])
    with pytest.raises(ArgumentError, match="ignore_index is for masks, but the task is classification"):
        LazyDataset([(IMAGES[0], 1)], ignore_index=2)


def test_an_item_that_cannot_be_read():
    source = Vision(IMAGES, np.array([*LABELS[:9], None, *LABELS[10:]]))
    for each in (source, Part(source, list(range(20)))):
        with pytest.raises(DataError, match="LazyDataset: item 9 cannot be read: TypeError"):
            LazyDataset(each).read(False)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda lazy: LazyDataset([1], columns="ab"), DTypeError, "columns must be a pair"),
        (lambda lazy: LazyDataset([1], classes="ab"), DTypeError, "classes must be a sequence of str"),
        (lambda lazy: LazyDataset([1], layout="HW"), ArgumentError, "layout must be one of"),
        (lambda lazy: LazyDataset([1], task="x"), ArgumentError, "task must be one of"),
        (lambda lazy: LazyDataset([{"a": 1}], columns=("x", "y")), ArgumentError, "no columns 'x' and 'y'"),
        (lambda lazy: lazy[20], IndexError, "index 20 is out of range for 20 images"),
        (lambda lazy: lazy.subset([]), ArgumentError, "no index is left"),
        (lambda lazy: lazy.subset([33]), ArgumentError, "33 is out of range for 20 images"),
    ],
)
def test_wrong_arguments(call, error, message):
    with pytest.raises(error, match=message):
        call(LazyDataset(Vision(IMAGES, LABELS)))


def test_what_it_prints():
    lazy = LazyDataset(Vision(IMAGES, LABELS), name="mine")
    assert repr(lazy) == "LazyDataset('mine', 20 images of 1x6x6 uint8, classification, 2 classes)"
