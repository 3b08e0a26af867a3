"""Weights go both ways between fastcnn and PyTorch: names, layouts and logits."""

from pathlib import Path

import numpy as np
from safetensors.numpy import load_file

import fastcnn
from fastcnn import nn

from ..oracle import network
from ..oracle.cases import FOLDER, Case, load
from ..oracle.write_weights import PATH, seeded_model

BY_PYTORCH, BY_FASTCNN = load("compact")


def _assert_logits(model: nn.Module, case: Case) -> None:
    logits = model.predict(case.input("x", np.float32))
    np.testing.assert_allclose(logits, case["logits"], rtol=0, atol=1e-5)


def test_a_file_written_by_pytorch_gives_its_logits() -> None:
    model = network.build(nn, network.COMPACT)
    fastcnn.load_weights(model, FOLDER / BY_PYTORCH.id)
    _assert_logits(model, BY_PYTORCH)


def test_pytorch_gets_our_logits_from_a_file_written_here(tmp_path: Path) -> None:
    model = seeded_model()
    _assert_logits(model, BY_FASTCNN)
    fastcnn.save_weights(model, tmp_path / "weights.safetensors")
    # What is written today is what PyTorch was given: the same names, types, shapes and numbers.
    written, given = load_file(tmp_path / "weights.safetensors"), load_file(PATH)
    assert {name: (value.dtype, value.shape) for name, value in written.items()} == {
        name: (value.dtype, value.shape) for name, value in given.items()
    }
    for name, value in written.items():
        np.testing.assert_allclose(value, given[name], rtol=0, atol=1e-6, err_msg=name)
