"""How the bench against other libraries compares their answers, each precision by its own measure."""

import math

import pytest

from bench.peers.answers import LOGITS_TOLERANCES, LOSS_TOLERANCES, AnswerError, compare_answers
from bench.peers.result import PRECISIONS


class Answers:
    """A worker whose answers are given, of a configuration without a name or of several."""

    def __init__(self, losses=None, logits=None):
        self.answers = {"losses": losses, "logits": logits}

    def ask(self, what, **arguments):
        found = self.answers[what]
        return found if isinstance(found, dict) else {"": found}


OURS = Answers(losses=[2.0, 1.5, 1.0], logits=[[1.0, -2.0]])


def compare(other, training, precision="float32"):
    precisions = {"a": {"": "float32"}, "b": dict.fromkeys(("", "x", "y"), precision)}
    compare_answers({"a": OURS, "b": other}, precisions, training)


def test_right_answers_pass():
    compare(Answers(losses=[2.0001, 1.501, 1.001]), training=True)
    compare(Answers(losses={"x": [2.0001, 1.501, 1.001], "y": [2.0, 1.501]}), training=True)
    compare(Answers(logits={"x": [[1.0001, -2.0]]}), training=False)


@pytest.mark.parametrize(
    ("wrong", "training", "message"),
    [
        (Answers(losses=[2.001, 1.5, 1.0]), True, "b: differs by 0.0005 of the largest number"),
        (Answers(losses=[2.0, 1.51, 1.0]), True, "b: differs by 0.005 of the largest number"),
        (Answers(losses=[2.0, 1.5, 1.01]), True, "b: differs by 0.005 of the largest number"),
        (Answers(losses={"x": [2.0, 1.5], "y": [2.0, 1.6]}), True, "b y: differs by 0.05 of the"),
        (Answers(losses=[2.0, math.nan, 1.0]), True, "b: not finite"),
        (Answers(logits={"x": [[1, -2]], "y": [[1.1, -2]]}), False, "b y: differs by 0.05 of"),
    ],
)
def test_wrong_answers_are_found(wrong, training, message):
    with pytest.raises(AnswerError, match=message):
        compare(wrong, training)


def test_bfloat16_may_differ_by_its_own_rounding():
    near = Answers(losses=[2.02, 1.6], logits=[[1.03, -2.0]])
    for training in (True, False):
        compare(near, training, "bfloat16")
        with pytest.raises(AnswerError, match="b: differs by"):
            compare(near, training, "float32")
    for far in (Answers(losses=[2.1, 1.5]), Answers(losses=[2.0, 1.8])):
        with pytest.raises(AnswerError, match="b: differs by"):
            compare(far, True, "bfloat16")
    with pytest.raises(AnswerError, match=r"b: differs by 0\.05"):
        compare(Answers(logits=[[1.1, -2.0]]), False, "bfloat16")


def test_every_precision_has_a_measure_and_float32_the_strictest():
    assert set(LOGITS_TOLERANCES) == set(PRECISIONS)
    assert min(LOGITS_TOLERANCES, key=LOGITS_TOLERANCES.get) == "float32"
    pairs = zip(LOSS_TOLERANCES["float32"], LOSS_TOLERANCES["bfloat16"], strict=False)
    assert all(strict < loose for strict, loose in pairs)
