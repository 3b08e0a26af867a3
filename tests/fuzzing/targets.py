"""The readers, and the good files from which inputs are made."""

import gzip
import importlib.util
import io
import json
import os
import tarfile
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np

from fastcnn import nn, recipes, training
from fastcnn.cli.images import read_images
from fastcnn.data import cifar10, formats, masks, npz, own_masks, pictures
from fastcnn.errors import FastcnnError
from fastcnn.recipes import results
from fastcnn.recipes.classifier import Classifier
from fastcnn.training import checkpoint, packing
from fastcnn.zoo import network_file

from .mutations import mutated

_RUN = Path(__file__).parents[1] / "recipes" / "run-0.1.0"


class Target(NamedTuple):
    """A reader.

    Attributes
    ----------
    name : str
        Of the file.
    read : callable
        Takes its path.
    seeds : list of bytes
        Good files.
    change : callable
        Takes good files and a generator, and returns a damaged one.
    """

    name: str
    read: Callable[[str], object]
    seeds: list[bytes]
    change: Callable[[list[bytes], np.random.Generator], bytes] = mutated


class Finding(Exception):  # noqa: N818 - it is no error of the reader's
    """What a reader must not do."""


def attempt(target: Target, data: bytes, folder: str) -> bool:
    """Read an input; return whether it was accepted, and raise Finding where the reader fails."""
    path = os.path.join(folder, target.name)
    with open(path, "wb") as file:
        file.write(data)
    try:
        target.read(path)
    except FastcnnError as error:
        if not str(error).startswith(path):
            raise Finding(f"{target.name}: the message does not name the file: {error}") from error
        return False
    except Exception as error:
        raise Finding(f"{target.name}: {type(error).__name__}: {error}") from error
    return True


def _written(write: Callable[[str], object], name: str) -> bytes:
    """Return what a function writes to a path."""
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, name)
        write(path)
        with open(path, "rb") as file:
            return file.read()


def _model() -> nn.Module:
    return nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.Flatten(), nn.Linear(8, 3)).initialize(
        seed=0
    )


def _npz(**arrays: np.ndarray) -> bytes:
    file = io.BytesIO()
    np.savez_compressed(file, **arrays)
    return file.getvalue()


def _npy(array: np.ndarray) -> bytes:
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


def _tar() -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for name in ("batches.meta.txt", "data_batch_1.bin"):
            member = tarfile.TarInfo(f"{cifar10.FOLDER}/{name}")
            member.size = 100
            tar.addfile(member, io.BytesIO(bytes(100)))
    return file.getvalue()


def _read_tar(path: str) -> None:
    with open(path, "rb") as file:
        data = file.read()
    with gzip.open(path, "wb", 1) as file:
        file.write(data)
    cifar10.read(path)


def _picture(form: str, mode: str = "RGB") -> bytes:
    from PIL import Image

    file = io.BytesIO()
    values = np.arange(192, dtype=np.uint8).reshape(8, 8, 3)
    Image.fromarray(values).convert(mode).save(file, form)
    return file.getvalue()


def _text(path: str) -> str:
    with open(path, encoding="utf-8", errors="replace") as file:
        return file.read()


def _checkpoint() -> bytes:
    told = {"must": {"a": 1}, "should": {"b": [1.5, None]}}
    state = {"weight": np.arange(6.0), "epoch": 3, "loss": float("nan"), "rows": {1: "a"}}
    return _written(lambda path: checkpoint.write_checkpoint(path, told, state), "a.safetensors")


def _recipe() -> bytes:
    return recipes.files.to_toml(recipes.files.load("compact-mnist")).encode()


def targets() -> dict[str, Target]:
    """Return all readers by name."""
    images, labels = np.arange(32, dtype=np.uint8).reshape(2, 1, 4, 4), np.arange(2)
    idx = b"\0\0\x08\x03" + b"\0\0\0\2\0\0\0\3\0\0\0\4" + bytes(24)
    layers = [{"type": "Conv2d", "out_channels": 4, "kernel_size": 3, "padding": "same"}, {"type": "ReLU"}]
    nodes = {
        "nodes": [
            {"name": "a", "type": "Conv2d", "out_channels": 2, "kernel_size": 1},
            {"name": "b", "type": "add", "inputs": ["a", 1.5]},
            {"layer": "a"},
            {"type": "mean", "dim": [2, 3]},
        ],
        "output": ["a", "b"],
    }
    weights = _written(lambda path: training.save_weights(_model(), path), "a.safetensors")
    notes = training.read_metadata(_RUN / "weights.safetensors")["fastcnn"].encode()
    metrics = (_RUN / "metrics.json").read_bytes()
    model = _model()
    found = {
        "idx": Target("a.idx", formats.read_idx, [idx]),
        "idx.gz": Target("a.gz", formats.read_idx, [gzip.compress(idx)]),
        "cifar10": Target("a.bin", formats.read_cifar10, [bytes(3073), bytes([11]) * 6146]),
        "tar": Target(cifar10.ARCHIVE, _read_tar, [_tar()]),
        "tar.gz": Target(cifar10.ARCHIVE, cifar10.read, [gzip.compress(_tar())]),
        "npz": Target("a.npz", npz.read_npz, [_npz(images=images, labels=labels)]),
        "npz classes": Target("a.npz", npz.read_npz_classes, [_npz(classes=np.array(["a", "bc"]))]),
        "npz array": Target(
            "a.npz",
            lambda path: npz.read_npz_array(path, "weights", "iufb"),
            [_npz(weights=np.array([0.5, 1]))],
        ),
        "npz masks": Target("a.npz", npz.read_npz, [_npz(images=images, targets=np.zeros((2, 4, 4), int))]),
        "npy": Target("a.npy", lambda path: read_images(path, (1, 4, 4), "auto", 0.0), [_npy(images)]),
        "weights": Target("a.safetensors", lambda path: training.load_weights(model, path), [weights]),
        "checkpoint": Target("a.safetensors", checkpoint.read_checkpoint, [_checkpoint()]),
        "state": Target(
            "a.json",
            lambda path: packing.unpack({"w": images}, _text(path), path),
            [packing.pack({"a": [1, {"b": 2.5}], "c": {3: float("inf")}})[1].encode(), b'{"$array":"w"}'],
        ),
        "notes": Target("a.json", lambda path: Classifier._from_notes(_text(path), path), [notes]),
        "metrics": Target("a.json", lambda path: results._read_metrics(Path(path)), [metrics]),
        "history": Target("a.csv", training.History.from_csv, [b"epoch,loss,lr\n1,0.5,1e-3\n2,nan,0\n"]),
        "lines": Target(
            "a.txt", network_file.read_layers, [b"Conv 8 3 1 1\nReLU # a\nPool 2 2\nFC 10\nSoftmax\n"]
        ),
        "layers": Target(
            "a.json", network_file.read_layers, [json.dumps(each).encode() for each in (layers, nodes)]
        ),
        "layers in TOML": Target(
            "a.toml",
            network_file.read_layers,
            [b'[[layers]]\ntype = "Linear"\nout_features = 3\n[[layers]]\ntype="ReLU"\n'],
        ),
        "recipe": Target("a.toml", recipes.files.read_file, [_recipe()]),
    }
    for form, mode in (
        ("PNG", "RGB"),
        ("PNG", "P"),
        ("JPEG", "L"),
        ("GIF", "P"),
        ("BMP", "RGB"),
        ("PPM", "L"),
    ):
        name = f"{form.lower()} {mode}"
        found[name] = Target(f"a.{form.lower()}", pictures.read_picture, [_picture(form, mode)])
    for form in ("TIFF", "WEBP"):
        found[form.lower()] = Target(f"a.{form.lower()}", pictures.read_picture, [_picture(form)])
    found["mask"] = Target("a.png", masks.read_mask, [_picture("PNG", "L"), _picture("PNG", "P")])
    found["names of classes"] = Target(
        "classes.txt", own_masks.read_names, ["sky\nsea\n".encode("utf-8-sig")]
    )
    if importlib.util.find_spec("onnx"):
        from . import onnx_changes, onnx_files

        found["onnx"] = Target(onnx_files.NAME, onnx_files.read, onnx_files.seeds(), onnx_changes.changed)
    return found
