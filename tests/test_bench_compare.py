"""What the benches of kernels do before the clock starts: answers are checked, or a side is skipped."""

import sys

import numpy as np
import pytest

from bench import compare

ONES, TWOS = np.ones(3, np.float32), np.full(3, 2, np.float32)


def test_without_pytorch_its_side_is_skipped(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(pytest.skip.Exception, match="PyTorch is not installed"):
        compare.torch_side()


@pytest.mark.parametrize(("side", "wrong"), [("fastcnn", "numpy"), ("numpy", "numpy"), ("torch", "torch")])
def test_a_wrong_answer_is_found(side, wrong, monkeypatch):
    answers = {"fastcnn": ONES, "numpy": ONES, "torch": ONES} | {wrong: TWOS}
    monkeypatch.setattr(compare, "torch_side", lambda: answers)
    functions = {name: lambda name=name: answers[name] for name in compare.SIDES}
    with pytest.raises(AssertionError, match="Mismatched elements: 3 / 3"):
        compare.compare(None, side, functions, "", torch=lambda kernels: lambda: kernels["torch"])
