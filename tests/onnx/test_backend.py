"""The onnx package's own tests: of single nodes, of PyTorch's layers, and of whole networks."""

from pathlib import Path

import numpy as np
import pytest
from onnx.backend import test as package

from fastcnn import onnx
from fastcnn.errors import FastcnnError

from .backend import known_tests
from .running import runtime, samples

# What is left out, with the reason of each: `make_excluded` writes it.
EXCLUDED = Path(__file__).with_name("excluded.txt")
TESTS = known_tests()


def excluded():
    """Return the names of those that are left out."""
    lines = EXCLUDED.read_text(encoding="utf-8").splitlines() if EXCLUDED.exists() else []
    return [line for line in lines if line and not line.startswith("#")]


@pytest.mark.parametrize("name", [name for name in TESTS if name not in set(excluded())])
def test_passes(name):
    TESTS[name](None)


def test_what_is_left_out_does_not_pass():
    """A test that passes by now, or that is no more, is taken from the list."""
    for name in excluded():
        if name not in TESTS:  # another version of the package
            continue
        with pytest.raises((FastcnnError, AssertionError, AttributeError)):
            TESTS[name](None)


NETWORKS = sorted((Path(package.__file__).parent / "data" / "light").glob("*.onnx"))


@pytest.mark.parametrize("path", NETWORKS, ids=lambda path: path.stem)
def test_networks(path):
    """Their weights are constants; the largest have half a gigabyte of them."""
    if path.stem in TOO_LARGE:
        pytest.skip("takes long")
    network = onnx.load(path)
    x = samples((3, 224, 224), 1)
    np.testing.assert_allclose(network.predict(x), runtime(path, x), 1e-4, 1e-6)


TOO_LARGE = {"light_bvlc_alexnet", "light_vgg19", "light_zfnet512"}
