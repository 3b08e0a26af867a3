"""Losses: what they take."""

import numpy as np
import pytest

from fastcnn import nn
from fastcnn.errors import DTypeError

LOGITS, CLASSES = np.zeros((2, 3)), np.zeros(2, np.int64)


@pytest.mark.parametrize("loss", [nn.CrossEntropyLoss(), nn.NLLLoss(), nn.MSELoss()])
@pytest.mark.parametrize("outputs", [(LOGITS, LOGITS), [LOGITS, LOGITS], {"a": LOGITS, "b": LOGITS}])
def test_a_loss_of_one_output_says_what_several_need(loss, outputs):
    kind = type(outputs).__name__
    with pytest.raises(
        DTypeError,
        match=rf"{type(loss).__name__}: input must be one array, got a {kind} of 2: for several outputs "
        rf"write a loss that takes the {kind}, and whose backward\(\) returns a {kind} of gradients",
    ):
        loss(outputs, CLASSES)
