"""Files that are made to cost time or memory: refused with a message, within a second and 64 MB.

Each is read in a process of its own, which tells how much more memory it has had, and what it computed.
"""

import gzip
import io
import json
import struct
import subprocess
import sys
import tarfile
import zipfile
import zlib

import numpy as np
import pytest

from .emulation import EMULATED

pytestmark = pytest.mark.skipif(EMULATED or sys.platform != "linux", reason="asks Linux for its memory")

READ = """
import pathlib, sys, time
import numpy
from fastcnn import nn, recipes, training
from fastcnn.data import cifar10, formats, masks, npz, own_masks, pictures
from fastcnn.recipes import results
from fastcnn.training import checkpoint
from fastcnn.zoo import network_file

def most():
    with open("/proc/self/status") as lines:
        return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1024

path = sys.argv[1]
with open("/proc/self/clear_refs", "w") as file:
    file.write("5")
before, start = most(), time.process_time()
try:
    READER
except Exception as error:
    print(f"{time.process_time() - start} {most() - before} {type(error).__name__} {error}")
"""
IDX, NPZ = "formats.read_idx(path)", "npz.read_npz(path)"
CIFAR = "cifar10.read(path)"
PICTURE = "pictures.read_picture(path)"
MASK, NAMES = "masks.read_mask(path)", "own_masks.read_names(path)"
WEIGHTS = "training.load_weights(nn.Linear(2, 2), path)"
CHECKPOINT = "checkpoint.read_checkpoint(path)"
NETWORK = "network_file.read_layers(path)"
RECIPE = "recipes.files.read_file(path)"
HISTORY = "training.History.from_csv(path)"
METRICS = "results._read_metrics(pathlib.Path(path))"


def idx(shape, length):
    """A gzip file of zeros."""
    return gzip.compress(
        struct.pack(">I", 0x800 + len(shape)) + struct.pack(f">{len(shape)}I", *shape) + bytes(length)
    )


def npz(**arrays):
    file = io.BytesIO()
    np.savez_compressed(file, **arrays)
    return file.getvalue()


def many_members():
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for number in range(30_000):
            archive.writestr(f"{number}", b"")
    return file.getvalue()


def archive(parts):
    """The archive of CIFAR-10, with some of its files, all zeros."""
    file, size = io.BytesIO(), 10_000 * 3073
    with tarfile.open(fileobj=file, mode="w:gz", format=tarfile.USTAR_FORMAT, compresslevel=1) as tar:
        for number in range(1, parts + 1):
            member = tarfile.TarInfo(f"cifar-10-batches-bin/data_batch_{number}.bin")
            member.size = size
            tar.addfile(member, io.BytesIO(bytes(size)))
    return file.getvalue()


def png(width, height, rows):
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    pixels = zlib.compress(bytes((3 * width + 1) * rows), 9)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


def safetensors(header, data=b""):
    return struct.pack("<Q", len(header)) + header + data


def many_tensors(count):
    each = '"%07d":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}'
    return safetensors(("{" + ",".join(each % number for number in range(count)) + "}").encode())


CASES = {
    "an image less than declared": (IDX, "a.gz", lambda: idx((200_000, 28, 28), 156_799_999), "truncated"),
    "more images than declared": (
        IDX,
        "a.gz",
        lambda: idx((200_000, 28, 28), 156_800_001),
        "more bytes follow",
    ),
    "more than DEFLATE can hold": (
        IDX,
        "a.gz",
        lambda: idx((100_000, 28, 28), 1000),
        "more than the file can hold",
    ),
    "too few labels": (
        NPZ,
        "a.npz",
        lambda: npz(images=np.zeros((200_000, 1, 28, 28), np.uint8), labels=np.zeros(3, int)),
        "labels must be integers",
    ),
    "too many labels": (
        NPZ,
        "a.npz",
        lambda: npz(images=np.zeros((2, 1, 2, 2), np.uint8), labels=np.zeros(10**7, int)),
        "labels must be integers",
    ),
    "many members": (NPZ, "a.npz", many_members, "its directory of members has"),
    "a part is missing": (
        CIFAR,
        "cifar-10-binary.tar.gz",
        lambda: archive(5),
        "there is no cifar-10-batches-bin/test_batch",
    ),
    "a picture of 169 million pixels": (
        PICTURE,
        "a.png",
        lambda: png(13_000, 13_000, 10),
        "has 13000x13000 pixels",
    ),
    "a mask of 169 million pixels": (
        MASK,
        "a.png",
        lambda: png(13_000, 13_000, 10),
        "has 13000x13000 pixels",
    ),
    "many names of classes": (NAMES, "a.txt", lambda: b"a\n" * 3_000_000, "the name of a class on each line"),
    "many tensors": (WEIGHTS, "a.safetensors", lambda: many_tensors(200_000), "its header would have"),
    "many arrays in a checkpoint": (
        CHECKPOINT,
        "a.safetensors",
        lambda: many_tensors(200_000),
        "its header would have",
    ),
    "brackets in a checkpoint": (
        CHECKPOINT,
        "a.safetensors",
        lambda: safetensors(
            json.dumps({"__metadata__": {"fastcnn.checkpoint": "x " + "[" * 2**21}}).encode()
        ),
        "is damaged",
    ),
    "brackets in JSON": (NETWORK, "a.json", lambda: b"[" * 3_000_000, "nested too deep"),
    "many layers": (
        NETWORK,
        "a.json",
        lambda: b"[" + b",".join([b'{"type":"ReLU"}'] * 150_000) + b"]",
        "more than 10,000 layers",
    ),
    "digits in JSON": (NETWORK, "a.json", lambda: b"[" + b"1" * 3_000_000 + b"]", "not a JSON file"),
    "many lines": (NETWORK, "a.txt", lambda: b"ReLU\n" * 600_000, "more than 10,000 layers"),
    "a long line": (NETWORK, "a.txt", lambda: b"Conv " + b"1 " * 1_500_000, "Conv takes 4 numbers"),
    "a long dotted key": (
        RECIPE,
        "a.toml",
        lambda: b".".join([b"a"] * 1_500_000) + b" = 1\n",
        "takes more than 0.5 s|nested too deep",  # of which one comes first, the version of Python decides
    ),
    "many keys": (
        RECIPE,
        "a.toml",
        lambda: b"".join(b"a%d=1\n" % number for number in range(300_000)),
        "takes more than 0.5 s",
    ),
    "a long array": (RECIPE, "a.toml", lambda: b"a = [" + b"1," * 1_500_000 + b"]", "takes more than 0.5 s"),
    "brackets in TOML": (RECIPE, "a.toml", lambda: b"a = " + b"[" * 2_000_000, "nested too deep"),
    "many rows of a history": (
        HISTORY,
        "a.csv",
        lambda: b"epoch\n" + b"1\n" * 500_000 + b"x",
        "not a table of numbers",
    ),
    "brackets in the figures of a run": (METRICS, "a.json", lambda: b"[" * 90_000, "damaged"),
    "lists in the figures of a run": (
        METRICS,
        "a.json",
        lambda: b"[" + b"[]," * 2_000_000 + b"1]",
        "more tables and lists",
    ),
    "figures of a run that are too large": (METRICS, "a.json", lambda: b" " * 9_000_000, "more than 8 MiB"),
    "a file that is too large": (RECIPE, "a.toml", lambda: b"#" * 3_200_000, "has more than 3 MiB"),
}


@pytest.mark.parametrize(("reader", "name", "make", "message"), CASES.values(), ids=CASES)
def test_a_hostile_file_is_refused_at_little_cost(reader, name, make, message, tmp_path):
    path = tmp_path / name
    path.write_bytes(make())
    command = [sys.executable, "-c", READ.replace("READER", reader), str(path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    seconds, megabytes, kind, text = done.stdout.split(maxsplit=3)
    assert kind in ("DataError", "CheckpointError"), text
    assert text.startswith(str(path)), text
    assert any(each in text for each in message.split("|"))
    assert float(seconds) < 1
    assert float(megabytes) < 64 + path.stat().st_size / 2**20
