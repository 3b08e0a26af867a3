"""Checkpoints of every format there was are read, and gone on from."""

import numpy as np
import pytest

from fastcnn._kernels import cpu
from fastcnn.training.checkpoint import read_checkpoint

from . import make_checkpoint


@pytest.mark.parametrize(("number", "path"), make_checkpoint.PATHS.items())
def test_every_format(number, path, caplog):
    content = read_checkpoint(path)
    assert content["format"] == number
    assert content["state"]["position"]["batch"] == 3
    assert len(content["state"]["history"]["epochs"]) == 1
    resumed, whole = make_checkpoint.training(), make_checkpoint.training()
    make_checkpoint.fit(resumed, resume=path)
    make_checkpoint.fit(whole)
    assert [row["epoch"] for row in resumed.history] == [1, 2, 3]
    # The bits are those of one version and instruction set.
    if content["conditions"]["should"]["instruction set"] != cpu.get_isa("float32"):
        assert "instruction set was" in caplog.text
    for name, value in whole.model.state_dict().items():
        np.testing.assert_allclose(resumed.model.state_dict()[name], value, rtol=1e-4, atol=1e-5)
    losses = [trained.history["loss"] for trained in (resumed, whole)]
    np.testing.assert_allclose(*losses, rtol=1e-4)
