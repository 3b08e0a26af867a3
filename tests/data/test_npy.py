"""Data sets in .npy files that are mapped into memory."""

import re
import subprocess
import sys

import numpy as np
import pytest

from fastcnn import data, nn, optim
from fastcnn.data import load_npy
from fastcnn.errors import ArgumentError, DataError, DTypeError, ShapeError
from fastcnn.training import Trainer

from ..emulation import EMULATED

rng = np.random.default_rng(0)
IMAGES = rng.integers(0, 256, (30, 3, 5, 4), dtype=np.uint8)
LABELS = np.arange(30) % 3


def save(folder, images=IMAGES, labels=LABELS):
    paths = folder / "images.npy", folder / "labels.npy"
    for path, array in zip(paths, (images, labels), strict=True):
        np.save(path, array)
    return paths


def fit(dataset, **options):
    model = nn.Sequential(nn.Flatten(), nn.Linear(60, 3)).initialize(seed=0)
    t = Trainer(model, optim.SGD(model.parameters(), lr=0.1), nn.CrossEntropyLoss())
    t.fit(dataset, epochs=2, batch_size=7, progress=False, **options)
    return t


def assert_same(t, other):
    for made, expected in zip(t.model.parameters(), other.model.parameters(), strict=True):
        np.testing.assert_array_equal(made.data, expected.data)
    assert [row["loss"] for row in t.history] == [row["loss"] for row in other.history]


@pytest.mark.parametrize("layout", [None, "NHWC"])
@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_it_trains_as_in_memory(tmp_path, layout, dtype):
    images = IMAGES.astype(dtype) / (255 if dtype == np.float32 else 1)
    images = images.astype(dtype)
    held = data.Dataset(images, LABELS)
    turned = images if layout is None else np.ascontiguousarray(images.transpose(0, 2, 3, 1))
    mapped = load_npy(*save(tmp_path, turned), layout=layout)
    assert isinstance(mapped.images, np.memmap)
    assert not mapped.images.flags.writeable
    np.testing.assert_array_equal(mapped.images, images)
    options = {"validation": held, "augment": data.transforms.RandomCrop((5, 4), 1)}
    expected = fit(held, **options)
    assert_same(fit(mapped, **{**options, "validation": mapped}), expected)
    given = data.Dataset(np.load(tmp_path / "images.npy", mmap_mode="r"), LABELS, layout=layout)
    assert np.shares_memory(given.images, given.images[:2])
    assert_same(fit(given, **options), expected)


def test_slices_are_views_of_the_file(tmp_path):
    mapped = load_npy(*save(tmp_path), classes=["a", "b", "c"], name="mine", weights=np.arange(30))
    part = mapped[5:25:2]
    assert np.shares_memory(part.images, mapped.images)
    np.testing.assert_array_equal(part.images, IMAGES[5:25:2])
    np.testing.assert_array_equal(part.labels, LABELS[5:25:2])
    np.testing.assert_array_equal(part.weights, np.arange(5, 25, 2))
    assert (part.classes, part.name) == (("a", "b", "c"), "mine")
    chosen = mapped[[1, 2]]
    assert not isinstance(chosen.images, np.memmap)
    lazy = data.LazyDataset(mapped)
    assert lazy.classes == mapped.classes
    np.testing.assert_array_equal(lazy.subset([7, 3]).read(False).images, IMAGES[[7, 3]])


def test_slices_of_a_file_that_can_be_written_are_copies(tmp_path):
    images, _ = save(tmp_path)
    part = data.Dataset(np.load(images, mmap_mode="r+"), LABELS)[:10]
    part.images[:] = 0
    np.testing.assert_array_equal(np.load(images), IMAGES)


def test_masks_are_mapped(tmp_path):
    masks = rng.integers(0, 3, (30, 5, 4)).astype(np.uint8)
    masks[:, 0] = 255
    mapped = load_npy(*save(tmp_path, labels=masks), ignore_index=255)
    assert not mapped.labels.flags.owndata
    assert not mapped.labels.flags.writeable
    assert mapped.num_classes == 3
    assert mapped.largest_label() == 2
    with pytest.raises(ArgumentError, match="labels have 255 beside 0 to 2: if those pixels do not count"):
        load_npy(*save(tmp_path, labels=masks))


def test_labels_may_be_given(tmp_path):
    images, _ = save(tmp_path)
    assert load_npy(images, LABELS.tolist()).num_classes == 3
    assert len(load_npy(*save(tmp_path, IMAGES[:0], LABELS[:0]))) == 0


@pytest.mark.parametrize(
    ("images", "labels", "error", "message"),
    [
        (IMAGES.astype(">f4"), LABELS, DataError, "has the byte order of another machine"),
        (np.asfortranarray(IMAGES), LABELS, DataError, "has the elements of a sample all over the file"),
        (
            IMAGES.astype(np.float64),
            LABELS,
            DTypeError,
            "must be uint8 or float32, got float64: use images.ast",
        ),
        (np.array([{}]), LABELS, DataError, "not a .npy file of numbers: it must hold numbers, got object"),
        (
            IMAGES.astype(np.int16),
            LABELS,
            DataError,
            "not a .npy file of numbers: it must hold numbers, got in",
        ),
        (
            IMAGES[:, 0],
            LABELS,
            ShapeError,
            "Dataset: images must have the shape (N, C, H, W), got (30, 5, 4)",
        ),
        (IMAGES, LABELS[:7], ShapeError, "Dataset: 30 images but 7 labels"),
        (
            IMAGES,
            np.array(["a"] * 30),
            DataError,
            "not a .npy file of numbers: it must hold numbers, got <U1",
        ),
    ],
)
def test_files_that_hold_something_else(tmp_path, images, labels, error, message):
    with pytest.raises(error, match=re.escape(message)) as caught:
        load_npy(*save(tmp_path, images, labels))
    assert str(tmp_path) in str(caught.value)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda content: content[:-1], "truncated: .* has 1800 bytes, but there are 1799"),
        (lambda content: content + b"0", "has 1800 bytes, but more follow"),
        (lambda content: content[:60], "has no readable .npy header"),
        (lambda content: b"", "has no readable .npy header"),
        (lambda content: b"PK" + content, "has no readable .npy header"),
        (lambda content: content.replace(b"\x93NUMPY\x01", b"\x93NUMPY\x02"), "not in version 1.0"),
        (lambda content: content.replace(b"(30, 3, 5, 4)", b"(-1, 3, 5, 4)"), "has a negative size"),
        (lambda content: content.replace(b"(30, 3, 5, 4)", b"(99**9, 3, 4)"), "has no readable .npy header"),
    ],
)
def test_hostile_files(tmp_path, change, message):
    images, labels = save(tmp_path)
    images.write_bytes(change(images.read_bytes()))
    with pytest.raises(DataError, match=message):
        load_npy(images, labels)
    with pytest.raises(DataError, match="No such file"):
        load_npy(tmp_path / "none.npy", labels)


LARGER = """
import resource, sys
import numpy as np
import fastcnn
from fastcnn import data, nn, optim

folder = sys.argv[1]
fastcnn.set_num_threads(1)
model = nn.Sequential(nn.AvgPool2d(64), nn.Flatten(), nn.Linear(256, 2)).initialize(seed=0)
t = fastcnn.Trainer(model, optim.SGD(model.parameters(), lr=0.1), nn.CrossEntropyLoss())
t.train_step(np.zeros((8, 1, 1024, 1024), np.uint8), np.zeros(8, int))
with open("/proc/self/status") as file:
    used = next(int(line.split()[1]) for line in file if line.startswith("VmData")) << 10
limit = used + (512 << 20)
resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
mapped = data.load_npy(folder + "/images.npy", folder + "/labels.npy")
assert mapped.images.nbytes > limit
t.fit(mapped[:560], epochs=1, batch_size=8, validation=mapped[-100:], progress=False)
assert t.evaluate(mapped[:20], 8)["count"] == 20
try:
    mapped.images.copy()
except MemoryError:
    print(len(t.history))
"""


@pytest.mark.skipif(EMULATED or sys.platform != "linux", reason="asks Linux for a limit of memory")
def test_a_file_larger_than_memory(tmp_path):
    header = np.lib.format.header_data_from_array_1_0(np.zeros((1, 1, 1024, 1024), np.uint8))
    with open(tmp_path / "images.npy", "wb") as file:
        np.lib.format.write_array_header_1_0(file, {**header, "shape": (2048, 1, 1024, 1024)})
        file.truncate(file.tell() + (2 << 30))  # zeros that take no place on the disk
    np.save(tmp_path / "labels.npy", np.arange(2048) % 2)
    command = [sys.executable, "-c", LARGER, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "1\n"


def save_parts(folder, **arrays):
    for name, array in arrays.items():
        np.save(folder / f"{name}.npy", array)


def test_a_folder_of_files_is_a_data_set(tmp_path):
    save_parts(
        tmp_path,
        train_images=IMAGES,
        train_labels=LABELS,
        val_images=IMAGES[:9],
        val_targets=LABELS[:9],
        test_images=IMAGES[3:8],
        test_labels=LABELS[3:8],
        train_weights=np.arange(30.0),
        classes=np.array(["a", "b", "c"]),
    )
    train, validation, test = data.load_parts(str(tmp_path))
    assert all(isinstance(part.images, np.memmap) for part in (train, validation, test))
    np.testing.assert_array_equal(train.images, IMAGES)
    np.testing.assert_array_equal(train.weights, np.arange(30))
    np.testing.assert_array_equal(validation.labels, LABELS[:9])
    assert train.classes == test.classes == ("a", "b", "c")
    with pytest.raises(DataError, match=r"resize is for folders of pictures, but it is a folder of \.npy"):
        data.load(str(tmp_path), resize=8)


def test_a_folder_without_parts_is_divided(tmp_path):
    save_parts(tmp_path, images=IMAGES.transpose(0, 2, 3, 1), labels=LABELS)
    train, test = data.load(str(tmp_path), layout="NHWC")
    assert (len(train), len(test)) == (24, 6)
    assert train.image_shape == (3, 5, 4)
    with pytest.raises(DataError, match="looks like"):
        data.load(str(tmp_path))


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"train_images": IMAGES, "test_images": IMAGES}, r"train_labels\.npy: No such file"),
        ({"images": IMAGES, "labels": LABELS[:4]}, "30 images but 4 labels"),
        ({"images": IMAGES, "labels": LABELS, "task": np.array("none")}, "task must be one of"),
        (
            {"images": IMAGES, "labels": LABELS, "classes": np.array([["a"]])},
            "classes must have one dimension",
        ),
        ({"images": IMAGES, "labels": LABELS, "classes": np.array([{}])}, "must hold text, got object"),
    ],
)
def test_folders_of_something_else(tmp_path, arrays, message):
    save_parts(tmp_path, **arrays)
    with pytest.raises(DataError, match=message):
        data.load(str(tmp_path))
