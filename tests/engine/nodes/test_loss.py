"""The loss in a program: what it takes, divisors and errors, and gradients that replace others."""

import math

import numpy as np
import pytest

import fastcnn
from fastcnn import nn
from fastcnn.engine import Plan
from fastcnn.engine.nodes.loss import Loss, as_loss, check_targets
from fastcnn.errors import ArgumentError, StateError

TARGET = np.array([0, 1, 2, 1])


def network():
    layers = nn.Conv2d(1, 3, 3), nn.ReLU(), nn.Dropout(0.2), nn.Flatten(), nn.Linear(12, 3)
    return nn.Sequential(*layers).double().initialize(seed=1).reseed(2)


def images(batch=4):
    return np.random.default_rng(0).standard_normal((batch, 1, 4, 4))


def test_options_become_those_of_the_program():
    weight = np.array([1.0, 0.5, 2.0])
    loss = nn.CrossEntropyLoss(weight, ignore_index=7, reduction="sum", label_smoothing=0.1)
    assert as_loss(loss, TARGET) == Loss((1.0, 0.5, 2.0), 7, 0.1)
    assert as_loss(nn.CrossEntropyLoss(), TARGET.astype(np.uint8)) == Loss()


def test_what_was_asked_for_before_is_not_taken_for_another_type():
    loss = nn.MultiMarginLoss()
    loss.p = 2.0
    assert type(as_loss(loss, TARGET).power) is float
    loss.p = 2
    assert type(as_loss(loss, TARGET).power) is int
    assert as_loss(loss, TARGET) is as_loss(loss, TARGET)


class Own(nn.CrossEntropyLoss):
    pass


@pytest.mark.parametrize(
    ("loss", "target"),
    [
        (nn.CrossEntropyLoss(reduction="none"), TARGET),
        (nn.CrossEntropyLoss(), TARGET.astype(float)),
        (nn.CrossEntropyLoss(), TARGET.tolist()),
        (nn.CrossEntropyLoss(), np.int64(1)),
        (nn.CrossEntropyLoss(), np.array(1)),
        (nn.CrossEntropyLoss(), TARGET > 0),
        (Own(), TARGET),
        (nn.MSELoss(), TARGET),
        (nn.NLLLoss(), np.eye(4, 3)),
        (nn.MultiMarginLoss(), np.eye(4, 3)),
        (lambda y, t: 0.0, TARGET),
    ],
    ids=[
        "none",
        "floats",
        "list",
        "number",
        "no axis",
        "bools",
        "subclass",
        "classes that are no floats",
        "probabilities of nll_loss",
        "probabilities of margins",
        "function",
    ],
)
def test_what_has_no_program_is_left_to_eager_mode(loss, target):
    assert as_loss(loss, target) is None
    model = network()
    compiled = fastcnn.compile(model)
    assert compiled.gradients(images(), target, loss) is None
    assert all(p.grad is None for p in model.parameters())


@pytest.mark.parametrize(
    ("loss", "target"),
    [
        (nn.CrossEntropyLoss(), TARGET[:, None]),
        (nn.CrossEntropyLoss(), np.eye(4, 5)),
        (nn.CrossEntropyLoss(np.ones(4)), TARGET),
        (nn.NLLLoss(), TARGET[:, None]),
        (nn.MultiMarginLoss(weight=np.ones(2)), TARGET),
        (nn.GaussianNLLLoss(), np.zeros((4, 3))),
    ],
    ids=["2-D", "other classes", "other weights", "2-D of nll_loss", "other weights of margins", "no pair"],
)
def test_what_does_not_fit_the_output_is_left_to_eager_mode(loss, target):
    model = network()
    assert fastcnn.compile(model).gradients(images(), target, loss) is None
    assert all(p.grad is None for p in model.parameters())


@pytest.mark.parametrize(
    ("loss", "reduction", "divisor"),
    [
        (Loss(), "mean", 4),
        (Loss(), "sum", 1),
        (Loss(ignore_index=1), "mean", 2),
        (Loss(ignore_index=1), "sum", 1),
        (Loss((1.0, 0.5, 2.0)), "mean", 4),
        (Loss((1.0, 0.5, 2.0), ignore_index=1), "mean", 3),
        (Loss((1.0, 0.0, 0.0), ignore_index=0), "mean", 0),
    ],
)
def test_divisors_by_hand(loss, reduction, divisor):
    classes, found = check_targets(TARGET.astype(np.int32), 3, loss, reduction)
    assert found == divisor
    assert classes.dtype == np.int64
    np.testing.assert_array_equal(classes, TARGET)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("target", [[0, 3, 1, 1], [0, -1, 1, 1], [2, 1, 0, 2**40], [-100, 0, 1, 9]])
def test_classes_out_of_range_raise_what_eager_mode_raises(target, weighted):
    loss, model = nn.CrossEntropyLoss(np.ones(3) if weighted else None), network()
    with pytest.raises(ArgumentError, match="cross_entropy: target must lie in") as eager:
        loss(model(images()), np.array(target))
    with pytest.raises(ArgumentError) as compiled:
        fastcnn.compile(model).gradients(images(), np.array(target), loss)
    assert str(compiled.value) == str(eager.value)
    assert all(p.grad is None for p in model.parameters())


def test_all_images_ignored():
    """The mean of nothing is no number; the sum is 0; the gradients of both are 0."""
    for reduction in ("mean", "sum"):
        model = network()
        loss = nn.CrossEntropyLoss(ignore_index=1, reduction=reduction)
        value, _ = fastcnn.compile(model).gradients(images(), np.ones(4, np.int64), loss)
        assert math.isnan(value) if reduction == "mean" else value == 0
        assert all(p.grad is not None and not p.grad.any() for p in model.parameters())


def test_an_ignored_image_counts_as_right_where_it_is():
    """As Trainer counts in eager mode: accuracy is of all images."""
    model = network().eval()
    target = model(images()).argmax(1)
    model.train()
    model[2].p = 0
    _, correct = fastcnn.compile(model).gradients(
        images(), target, nn.CrossEntropyLoss(ignore_index=int(target[0]))
    )
    assert correct == 4


@pytest.mark.parametrize("layers", [[nn.Conv2d(1, 3, 3)], [nn.Conv2d(1, 4, 3), nn.Flatten()]])
def test_outputs_that_are_no_row_of_logits(layers):
    """Planes have no row; 16 outputs have no three weights."""
    model = nn.Sequential(*layers)
    loss = nn.CrossEntropyLoss(np.ones(3, np.float32))
    assert fastcnn.compile(model).gradients(images().astype(np.float32), TARGET, loss) is None


def test_gradients_replace_those_before():
    model, loss = network(), nn.CrossEntropyLoss()
    model[2].p = 0
    compiled = fastcnn.compile(model)
    frozen = model[0].bias
    frozen.requires_grad = False
    for p in model.parameters():
        p.grad = np.full(p.shape, np.nan)
    for _ in range(2):
        compiled.gradients(images(), TARGET, loss)
    assert frozen.grad is None
    grads = [p.grad.copy() for p in model.parameters() if p is not frozen]
    model.zero_grad()
    loss(model(images()), TARGET)
    model.backward(loss.backward())
    wanted = [p.grad for p in model.parameters() if p is not frozen]
    for got, want in zip(grads, wanted, strict=True):
        np.testing.assert_allclose(got, want, rtol=1e-9, atol=1e-12)


def test_a_parameter_that_stands_twice_has_the_sum():
    model = nn.Sequential(nn.Linear(4, 4), nn.ReLU(), nn.Linear(4, 4)).double()
    model[2].weight = model[0].weight
    x, loss = np.random.default_rng(0).standard_normal((4, 4)), nn.CrossEntropyLoss()
    for _ in range(2):
        fastcnn.compile(model).gradients(x, TARGET, loss)
    got = model[0].weight.grad.copy()
    model.zero_grad()
    loss(model(x), TARGET)
    model.backward(loss.backward())
    np.testing.assert_allclose(got, model[0].weight.grad, rtol=1e-9, atol=1e-12)


def test_a_model_in_evaluation_has_no_step():
    assert fastcnn.compile(network().eval()).gradients(images(), TARGET, nn.CrossEntropyLoss()) is None


def test_backward_after_a_step_has_nothing_to_go_back_through():
    compiled = fastcnn.compile(network())
    y = compiled(images())
    compiled.gradients(images(), TARGET, nn.CrossEntropyLoss())
    with pytest.raises(StateError, match="no forward pass"):
        compiled.backward(y)


@pytest.mark.parametrize("batch", [3, 5, 0])
def test_another_number_of_classes_than_images(batch):
    """Nothing is done: eager mode says what is wrong."""
    compiled = fastcnn.compile(network())
    assert compiled.gradients(images(batch), TARGET, nn.CrossEntropyLoss()) is None
    assert compiled.gradients(images(0), TARGET[:0], nn.CrossEntropyLoss()) is None


@pytest.mark.parametrize(
    ("x", "target"),
    [
        (images(), TARGET[:3]),
        (images(), TARGET.astype(np.int32)),
        (images(), np.repeat(TARGET, 2)[::2]),
        (images(17), np.zeros(17, np.int64)),
        (images()[:, :, :3], TARGET),
        (images().astype(np.float32), TARGET),
        (images(0), TARGET[:0]),
    ],
)
def test_what_a_step_would_read_past_the_end_of_is_refused(x, target):
    plan = Plan(network(), (1, 4, 4), training=True, batch_size=16, loss=Loss())
    with pytest.raises(StateError, match=r"plan|step: target"):
        plan.step(x, target, 1.0)
