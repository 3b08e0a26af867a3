"""Losses: what they take, and PyTorch's stored answers."""

import inspect
import pickle
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastcnn import nn
from fastcnn.errors import ArgumentError, DTypeError

from ..oracle.cases import Case, load
from ..oracle.compare import DTYPES, assert_close

LOGITS, CLASSES = np.zeros((2, 3)), np.zeros(2, np.int64)


@pytest.mark.parametrize("loss", [nn.CrossEntropyLoss(), nn.NLLLoss(), nn.MSELoss(), nn.BCELoss()])
@pytest.mark.parametrize("outputs", [(LOGITS, LOGITS), [LOGITS, LOGITS], {"a": LOGITS, "b": LOGITS}])
def test_a_loss_of_one_output_says_what_several_need(loss, outputs):
    kind = type(outputs).__name__
    with pytest.raises(
        DTypeError,
        match=rf"{type(loss).__name__}: input must be one array, got a {kind} of 2: for several outputs "
        rf"write a loss that takes the {kind}, and whose backward\(\) returns a {kind} of gradients",
    ):
        loss(outputs, CLASSES)


KINDS = {
    "mse_loss": nn.MSELoss,
    "l1_loss": nn.L1Loss,
    "smooth_l1_loss": nn.SmoothL1Loss,
    "huber_loss": nn.HuberLoss,
    "binary_cross_entropy": nn.BCELoss,
    "binary_cross_entropy_with_logits": nn.BCEWithLogitsLoss,
    "kl_div": nn.KLDivLoss,
    "poisson_nll_loss": nn.PoissonNLLLoss,
    "soft_margin_loss": nn.SoftMarginLoss,
    "hinge_embedding_loss": nn.HingeEmbeddingLoss,
    "gaussian_nll_loss": nn.GaussianNLLLoss,
    "multi_margin_loss": nn.MultiMarginLoss,
}
# As in PyTorch, without size_average and reduce.
ARGUMENTS = {
    "MSELoss": "(reduction='mean')",
    "L1Loss": "(reduction='mean')",
    "SmoothL1Loss": "(reduction='mean', beta=1.0)",
    "HuberLoss": "(reduction='mean', delta=1.0)",
    "BCELoss": "(weight=None, reduction='mean')",
    "BCEWithLogitsLoss": "(weight=None, reduction='mean', pos_weight=None)",
    "KLDivLoss": "(reduction='mean', log_target=False)",
    "PoissonNLLLoss": "(log_input=True, full=False, eps=1e-08, reduction='mean')",
    "SoftMarginLoss": "(reduction='mean')",
    "HingeEmbeddingLoss": "(margin=1.0, reduction='mean')",
    "GaussianNLLLoss": "(*, full=False, eps=1e-06, reduction='mean')",
    "MultiMarginLoss": "(p=1, margin=1.0, weight=None, reduction='mean')",
    "CrossEntropyLoss": "(weight=None, ignore_index=-100, reduction='mean', label_smoothing=0.0)",
    "NLLLoss": "(weight=None, ignore_index=-100, reduction='mean')",
}


def test_arguments_are_pytorchs():
    losses = [name for name in nn.__all__ if name.endswith("Loss")]
    assert sorted(losses) == sorted(ARGUMENTS)
    for name in losses:
        parameters = inspect.signature(getattr(nn, name)).parameters.values()
        bare = [each.replace(annotation=inspect.Parameter.empty) for each in parameters]
        assert str(inspect.Signature(bare)) == ARGUMENTS[name]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("case", load("elementwise_loss")[::3], ids=lambda case: f"{case.op}-{case.id}")
def test_agrees_with_pytorch(case: Case, dtype) -> None:
    given = {name: case.input(name, dtype) for name in ("weight", "pos_weight") if name in case.specs}
    loss = KINDS[case.op](**given, **case.args)
    x, target, var = (case.input(name, dtype) for name in ("x", "target", "var"))
    value = loss(x if var is None else (x, var), target)
    assert_close(value, case["y"], dtype, case.describe())
    for factor in (1.0, 2.0, 3 * np.ones_like(value) if case.args["reduction"] == "none" else 3.0):
        scale = np.ravel(factor)[0] if np.size(factor) else 1
        gradients = loss.backward(factor)
        for name, grad in zip(("dx", "dvar"), gradients if var is not None else (gradients,), strict=False):
            assert_close(grad, scale * case[name], dtype, f"{name} of {case.describe()}")


def test_a_pair_comes_back_as_it_came():
    loss, target = nn.GaussianNLLLoss(), np.zeros((2, 3))
    for kind in (tuple, list):
        loss(kind([np.ones((2, 3)), np.ones((2, 1))]), target)
        dmean, dvar = gradients = loss.backward()
        assert type(gradients) is kind
        assert dmean.shape == (2, 3)
        assert dvar.shape == (2, 1)


@pytest.mark.parametrize(
    ("outputs", "got"),
    [
        (np.zeros((2, 3)), "ndarray"),
        ((np.zeros((2, 3)),), "tuple of 1"),
        ({"mean": 0, "var": 1}, "dict of 2"),
        (None, "NoneType"),
    ],
)
def test_what_is_no_pair(outputs, got):
    message = rf"GaussianNLLLoss: input must be a pair of arrays \(mean, var\), got {got}"
    with pytest.raises(DTypeError, match=message):
        nn.GaussianNLLLoss()(outputs, np.zeros((2, 3)))


def test_divisors():
    """The weight of what counts, of samples and classes, or a multiple that all batches share."""
    classes, pixels = np.array([0, 1, 1, 2]), np.array([[0, 1], [1, 1], [2, 7], [0, 0]])
    weight, of_class = np.array([1.0, 0, 0.5, 2]), np.array([1.0, 3, 0.25])
    for loss in (nn.MSELoss(), nn.BCELoss(np.ones(3)), nn.KLDivLoss("batchmean"), nn.MultiMarginLoss()):
        assert loss.divisor(classes) == 4
        assert loss.divisor(classes, weight) == 3.5
    for kind in (nn.CrossEntropyLoss, nn.NLLLoss):
        assert kind().divisor(classes) == 4
        assert kind().divisor(classes, weight) == 3.5
        assert kind(ignore_index=7).divisor(pixels) == 7
        assert kind(ignore_index=7).divisor(pixels, weight) == 2 + 0.5 + 4
        assert kind(of_class).divisor(classes) == 7.25
        assert kind(of_class).divisor(classes, weight) == 1 + 3 * 0.5 + 0.25 * 2
    assert nn.CrossEntropyLoss().divisor(np.zeros((4, 3, 5, 2)), weight) == 35
    assert nn.CrossEntropyLoss().divisor(np.zeros((4, 3)), np.ones(4)) == 4


@given(st.sampled_from(sorted(ARGUMENTS)), st.booleans(), st.integers(0, 2**32 - 1))
def test_a_mean_is_that_of_the_means_of_parts(name, weighted, seed):
    """Each times its divisor, over the sum of those: loss and gradients of a batch in parts."""
    rng = np.random.default_rng(seed)
    count, classes = int(rng.integers(2, 9)), int(rng.integers(2, 6))
    x, loss = rng.uniform(0.1, 0.9, (count, classes, 2, 3)), getattr(nn, name)()
    target = rng.uniform(0.1, 0.9, x.shape)
    weight = rng.choice([0.5, 1, 3], count) if weighted else None
    if name in ("CrossEntropyLoss", "NLLLoss"):
        loss = getattr(nn, name)(rng.uniform(0.5, 2, classes), ignore_index=0)
        target = rng.integers(0, classes, (count, 2, 3))
        target[:, 0, 0] = 1  # or nothing may count
    if name == "MultiMarginLoss":
        x, target = x[..., 0, 0], rng.integers(0, classes, count)
    cut = int(rng.integers(1, count))

    def run(part):
        own = None if weight is None else weight[part]
        inputs = (x[part], x[part] + 1) if name == "GaussianNLLLoss" else x[part]
        value = loss(inputs, target[part], own)
        gradient = loss.backward()
        return value, gradient[0] if name == "GaussianNLLLoss" else gradient, loss.divisor(target[part], own)

    whole, gradient, divisor = run(slice(None))
    parts = [run(slice(0, cut)), run(slice(cut, None))]
    np.testing.assert_allclose(sum(part[2] for part in parts), divisor, rtol=1e-13)
    np.testing.assert_allclose(sum(part[0] * part[2] for part in parts) / divisor, whole, rtol=1e-12)
    together = np.concatenate([part[1] * part[2] for part in parts]) / divisor
    np.testing.assert_allclose(together, gradient, rtol=1e-12, atol=1e-15)


def test_a_subclass_that_knows_nothing_of_weights():
    class Own(nn.MSELoss):
        def compute(self, input, target):
            return super().compute(input, target)

    x = np.ones((2, 3))
    assert Own()(x, 0 * x) == 1
    with pytest.raises(TypeError):
        Own()(x, 0 * x, np.ones(2))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: nn.L1Loss("average"), "L1Loss: reduction must be one of mean, sum, none, got 'average'"),
        (lambda: nn.MSELoss("batchmean"), "MSELoss: reduction must be one of mean, sum, none"),
        (lambda: nn.KLDivLoss("all"), "KLDivLoss: reduction must be one of mean, sum, batchmean, none"),
        (lambda: nn.HuberLoss(delta=0), "huber_loss: delta must be greater than 0, got 0.0"),
        (lambda: nn.SmoothL1Loss(beta=-1), "smooth_l1_loss: beta must be at least 0, got -1.0"),
        (lambda: nn.GaussianNLLLoss(eps=0), "gaussian_nll_loss: eps must be greater than 0, got 0.0"),
        (lambda: nn.MultiMarginLoss(3), "multi_margin_loss: p must be 1 or 2, got 3"),
    ],
)
def test_arguments_are_checked_where_they_are_given(make, message):
    with pytest.raises(ArgumentError, match=message):
        make()


def test_a_complex_number_is_none():
    with pytest.raises(DTypeError, match=r"huber_loss: delta must be a number, got \(1\+0j\)"):
        nn.HuberLoss(delta=1 + 0j)


@pytest.mark.parametrize("name", ARGUMENTS)
def test_a_pickle_is_the_same_loss(name):
    loss = getattr(nn, name)(reduction="sum")
    again = pickle.loads(pickle.dumps(loss))
    assert again.reduction == "sum"
    x = np.random.default_rng(0).uniform(0.1, 0.9, (4, 3))
    given = (x, x + 1) if name == "GaussianNLLLoss" else x
    is_classes = name in ("CrossEntropyLoss", "NLLLoss", "MultiMarginLoss")
    target = np.array([0, 1, 2, 0]) if is_classes else np.full((4, 3), 0.5)
    assert again(given, target) == loss(given, target)


def test_the_gradient_of_one_row_whose_loss_is_an_array():
    loss = nn.MultiMarginLoss(reduction="none")
    np.testing.assert_allclose(loss(np.array([0.5, 1.0]), np.array([1])), [0.25])
    np.testing.assert_allclose(loss.backward(np.array([4.0])), [2.0, -2.0])


@pytest.mark.parametrize(
    ("weight", "got"),
    [
        (np.ones(3, complex), "complex128"),
        ("x", "str"),
        ({}, "dict"),
        ([1, [2, 3]], "list"),
        (np.array(["a"]), "<U1"),
    ],
)
@pytest.mark.parametrize("kind", [nn.CrossEntropyLoss, nn.NLLLoss, nn.MultiMarginLoss, nn.BCELoss])
def test_weights_are_numbers(kind, weight, got):
    loss, x = kind(weight=weight), np.full((2, 3), 0.5)
    message = f"{kind.__name__}: weight must be an array of numbers, got {got}"
    with pytest.raises(DTypeError, match=re.escape(message)):
        loss(x, x if kind is nn.BCELoss else np.array([0, 1]))


def test_weights_may_be_a_list():
    x, target = np.array([[0.5, 1.0], [2.0, 0.0]]), np.array([0, 1])
    expected = nn.CrossEntropyLoss(np.array([1.0, 2.0]))(x, target)
    assert nn.CrossEntropyLoss([1, 2])(x, target) == expected


@pytest.mark.parametrize("value", [None, "0.1", True, -0.5, np.nan])
def test_a_share_of_the_uniform_distribution(value):
    with pytest.raises(ArgumentError, match=r"CrossEntropyLoss: label_smoothing must lie in \[0, 1\], got"):
        nn.CrossEntropyLoss(label_smoothing=value)


def test_a_reduction_is_a_word():
    with pytest.raises(ArgumentError, match="MSELoss: reduction must be one of mean, sum, none"):
        nn.MSELoss(np.arange(3))
