"""File readers: what they read, and that no file, however hostile, does more than raise a DataError."""

import gzip
import hashlib
import io
import re
import struct
import tracemalloc
import zipfile
import zlib

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fastcnn.data.formats import read_cifar10, read_idx
from fastcnn.data.npz import read_npz
from fastcnn.errors import DataError

CODES = {"u1": 0x08, "i1": 0x09, ">i2": 0x0B, ">i4": 0x0C, ">f4": 0x0D, ">f8": 0x0E}
# How many bytes a damaged file lacks: mostly none, so that the damage itself is met.
cut = st.sampled_from([0] * 8 + [1, 2, 20, 100])
fuzz = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def idx(array, stored="u1", shape=None):
    shape = array.shape if shape is None else shape
    header = bytes([0, 0, CODES[stored], len(shape)]) + struct.pack(f">{len(shape)}I", *shape)
    return header + array.astype(stored).tobytes()


def error_of(reader, path, **options):
    """The message after the path, with which it must start; never more memory than 16 MB."""
    tracemalloc.start()
    try:
        with pytest.raises(DataError) as caught:
            reader(path, **options)
        assert tracemalloc.get_traced_memory()[1] < 2**24
    finally:
        tracemalloc.stop()
    message = str(caught.value)
    assert message.startswith(f"{path}: ")
    return message[len(f"{path}: ") :]


def only_data_errors(reader, path):
    """What the reader returns, or None if it raised a DataError; anything else fails the test."""
    try:
        return reader(path)
    except DataError as error:
        if not str(error).startswith(f"{path}: "):
            raise AssertionError(f"the message does not name the file: {error}") from error
        return None


@pytest.fixture
def put(tmp_path):
    def write(content, name="file"):
        path = tmp_path / name
        path.write_bytes(content)
        return path

    return write


# --- IDX ---


@pytest.mark.parametrize("stored", CODES)
@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_idx_types_and_shapes(put, stored, pack):
    array = np.arange(24, dtype=stored).reshape(2, 3, 4)
    read = read_idx(put(pack(idx(array, stored))))
    np.testing.assert_array_equal(read, array)
    assert read.dtype == np.dtype(stored).newbyteorder("=")
    assert read.flags.writeable
    assert read.flags.c_contiguous


def test_idx_by_hand(put):
    path = put(b"\0\0\x0b\x01\0\0\0\x02\x01\x02\xff\xfe")
    np.testing.assert_array_equal(read_idx(str(path)), np.array([258, -2], np.int16))


def test_idx_without_elements(put):
    assert read_idx(put(idx(np.empty((0, 28, 28))))).shape == (0, 28, 28)


def test_idx_of_several_gzip_members(put):
    content = idx(np.arange(10))
    np.testing.assert_array_equal(
        read_idx(put(gzip.compress(content[:9]) + gzip.compress(content[9:]))), range(10)
    )


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_idx_checks_the_hash(put, pack):
    content = idx(np.arange(10))
    path = put(pack(content))
    digest = hashlib.sha256(content).hexdigest()
    assert read_idx(path, sha256=digest).shape == (10,)
    message = error_of(read_idx, path, sha256="0" * 64)
    assert message.startswith(f"the SHA-256 of its content is {digest}, expected {'0' * 64}")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "truncated: the header ends after 0 of 4 bytes"),
        (b"\0\0\x08", "truncated: the header ends after 3 of 4 bytes"),
        (b"\0\0\x08\x03\0\0\0\x01", "truncated: the header ends after 4 of 12 bytes"),
        (b"\x89PNG\r\n", "not an IDX file: it starts with 89 50 4e 47, expected 00 00"),
        (b"\0\x01\x08\x01", "not an IDX file: it starts with 00 01 08 01"),
        (b"\0\0\x0a\x01", "unknown IDX type code 0x0a, expected one of 0x08, 0x09, 0x0b, 0x0c, 0x0d, 0x0e"),
        (b"\0\0\x08\0", "the IDX header declares 0 dimensions, expected 1 to 32"),
        (b"\0\0\x08\xff" + b"\0" * 1020, "the IDX header declares 255 dimensions"),
        (idx(np.arange(9), shape=(10,)), "truncated: the header declares the shape (10,) of uint8, 10 bytes"),
        (idx(np.arange(11), shape=(10,)), "the header declares the shape (10,) of uint8, 10 bytes, but more"),
        (idx(np.arange(3), ">i2", (4,)), "truncated: the header declares the shape (4,) of int16, 8 bytes"),
    ],
)
@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_idx_refuses(put, content, message, pack):
    assert error_of(read_idx, put(pack(content))).startswith(message)


@pytest.mark.parametrize(
    "shape",
    [
        (2**31, 2),
        (2**16, 2**16),
        (2**32 - 1, 2**32 - 1),
        (2**32 - 1,) * 32,
        (0, 2**32 - 1, 2**32 - 1),
        (2**28,),
        (2**27, 8),
    ],
)
@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_idx_sizes_that_no_file_has(put, shape, pack):
    message = error_of(read_idx, put(pack(idx(np.arange(100), ">f8", shape))))
    assert message.startswith(("the array would have the shape", "truncated: the header declares"))


def test_idx_gzip_bomb_is_not_unpacked(put):
    # 128 MB of zeros after a header that declares ten bytes.
    packer = zlib.compressobj(9, wbits=31)
    zeros = bytes(2**20)
    bomb = packer.compress(idx(np.arange(10))) + b"".join(packer.compress(zeros) for _ in range(128))
    path = put(bomb + packer.flush())
    assert "10 bytes, but more bytes follow" in error_of(read_idx, path)


def test_idx_damaged_gzip(put):
    packed = bytearray(gzip.compress(idx(np.arange(200))))
    packed[-5] ^= 1
    assert "CRC check failed" in error_of(read_idx, put(packed))
    packed[-5] ^= 1
    packed[-1] ^= 1
    assert "Incorrect length" in error_of(read_idx, put(packed))
    packed[-1] ^= 1
    for cut in (3, 12, 40, len(packed) - 8, len(packed) - 1):
        assert error_of(read_idx, put(packed[:cut]))
    assert "Not a gzipped file" in error_of(read_idx, put(packed + b"tail"))
    packed[30] ^= 255
    assert error_of(read_idx, put(packed))


def test_missing_files_and_folders(tmp_path):
    for reader in (read_idx, read_cifar10, read_npz):
        assert error_of(reader, tmp_path / "none") == "No such file or directory"
        assert error_of(reader, tmp_path) == "Is a directory"


@fuzz
@given(data=st.data())
def test_idx_fuzz(put, data):
    content = bytearray(idx(np.arange(60).reshape(3, 4, 5), ">i2"))
    if data.draw(st.booleans()):
        content = bytearray(gzip.compress(content))
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    array = only_data_errors(read_idx, put(content[: len(content) - data.draw(cut)]))
    assert array is None or array.nbytes <= 1032 * len(content)


# --- CIFAR-10 ---


def test_cifar10_by_hand(put):
    red, green, blue = bytes([1] * 1024), bytes([2] * 1024), bytes(range(256)) * 4
    images, labels = read_cifar10(put(b"\x03" + red + green + blue + b"\x09" + bytes(3072)))
    assert (images.shape, images.dtype, labels.dtype) == ((2, 3, 32, 32), np.uint8, np.int64)
    np.testing.assert_array_equal(labels, [3, 9])
    assert np.all(images[0, 0] == 1)
    assert np.all(images[0, 1] == 2)
    assert images[0, 2, 1, 5] == 37
    assert images.flags.c_contiguous


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "0 bytes are no whole number of CIFAR-10 records of 3073 bytes"),
        (bytes(3072), "3072 bytes are no whole number"),
        (bytes(3074), "3074 bytes are no whole number"),
        (bytes(3073) + b"\x0a" + bytes(3072), "record 1 has the label 10, expected 0 to 9"),
    ],
)
def test_cifar10_refuses(put, content, message):
    assert error_of(read_cifar10, put(content)).startswith(message)


# --- npz ---


def npz(compressed=False, **arrays):
    buffer = io.BytesIO()
    (np.savez_compressed if compressed else np.savez)(buffer, **arrays)
    return buffer.getvalue()


def zipped(images, labels=b"", method=zipfile.ZIP_DEFLATED):
    """An archive with these bytes as its members."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        archive.writestr("images.npy", images)
        archive.writestr("labels.npy", labels)
    return buffer.getvalue()


def npy(header, body=b"", version=(1, 0)):
    text = header.encode().ljust(117) + b"\n"
    return b"\x93NUMPY" + bytes(version) + struct.pack("<H", len(text)) + text + body


GOOD = np.arange(48, dtype=np.uint8).reshape(2, 2, 3, 4)


@pytest.mark.parametrize("compressed", [False, True])
@pytest.mark.parametrize("images", [GOOD, GOOD.astype(">f4"), np.asfortranarray(GOOD.astype(np.float32))])
@pytest.mark.parametrize("labels", [np.array([1, 0]), np.array([1, 0], np.uint8), np.array([1, 0], ">i2")])
def test_npz_reads(put, compressed, images, labels):
    got_images, got_labels = read_npz(put(npz(compressed, images=images, labels=labels)))
    np.testing.assert_array_equal(got_images, GOOD)
    assert got_images.dtype in (np.uint8, np.float32)
    assert got_images.flags.c_contiguous
    assert got_images.flags.writeable
    np.testing.assert_array_equal(got_labels, [1, 0])
    assert got_labels.dtype == np.int64


def header(shape, descr="|u1"):
    return f"{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}"


TWO = npy(header((2, 1, 1, 3)))
LABELS = npy(header((2,), "<i8"), bytes(16))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"nothing of the kind", "File is not a zip file"),
        (npz(labels=[0]), "there is no array 'images' in it, only labels.npy"),
        (npz(images=GOOD), "there is no array 'labels' in it, only images.npy"),
        (
            npz(images=GOOD.astype(np.float64), labels=[0, 1]),
            "images must be uint8 or float32 .* got float64",
        ),
        (npz(images=GOOD[0], labels=[0, 1]), r"images must be .* got uint8 \(2, 3, 4\)"),
        (npz(images=GOOD, labels=[0, 1, 2]), r"labels must be integers \(2,\), got int64 \(3,\)"),
        (npz(images=GOOD, labels=[0.0, 1.0]), r"labels must be integers \(2,\), got float64 \(2,\)"),
        (npz(images=np.array([None]), labels=[0]), r"images.npy, object \(1,\), must hold numbers"),
        (npz(images=np.zeros(2, [("a", "i4")]), labels=[0]), "images.npy, .* must hold numbers"),
        (npz(images=np.array(["a"]), labels=[0]), "images.npy, <U1 .* must hold numbers"),
        (zipped(b"short"), "images.npy has no readable .npy header"),
        (zipped(npy(header((2, 3)), version=(2, 0))), "images.npy has no readable .npy header: it is not in"),
        (zipped(npy("{'shape': ")), "images.npy has no readable .npy header"),
        (zipped(TWO + bytes(5), LABELS), r"truncated: images.npy, uint8 \(2, 1, 1, 3\), has 6 bytes, but"),
        (zipped(TWO + bytes(7), LABELS), r"images.npy, uint8 \(2, 1, 1, 3\), has 6 bytes, but more follow"),
        (zipped(npy(header((-2, 3)))), "images.npy, .* has a negative size"),
        (zipped(npy(header((2**40, 2**40)))), "the array would have the shape"),
        (zipped(npy(header((2**63, 0)))), "the array would have the shape"),
        (zipped(npy(header((2**27,)))), "truncated: images.npy, .* more than the file can hold"),
        (zipped(npy(header((9**9,))), method=zipfile.ZIP_STORED), "truncated: images.npy, .* can hold"),
        (
            zipped(npy(header((6,)), bytes(6)), method=zipfile.ZIP_BZIP2),
            "images.npy has the compression method 12",
        ),
    ],
)
def test_npz_refuses(put, content, message):
    text = error_of(read_npz, put(content))
    assert re.match(message, text), text


def test_npz_bomb_is_not_unpacked(put):
    path = put(zipped(TWO + bytes(2**26), LABELS))
    assert "has 6 bytes, but more follow" in error_of(read_npz, path)


def test_npz_checksum(put):
    content = bytearray(npz(images=GOOD, labels=[0, 1]))
    content[content.index(GOOD.tobytes()) + 7] ^= 1
    assert "Bad CRC-32" in error_of(read_npz, put(content))


@fuzz
@given(data=st.data())
def test_npz_fuzz(put, data):
    content = bytearray(npz(data.draw(st.booleans()), images=GOOD, labels=[0, 1]))
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    content = only_data_errors(read_npz, put(content[: len(content) - data.draw(cut)]))
    assert content is None or len(content[0]) == len(content[1])
