"""Backward passes that leave out what nobody needs: frozen parameters, and the gradient of the input."""

import numpy as np
import pytest

import fastcnn
from fastcnn import nn, ops, optim
from fastcnn.nn.parameter_pass import backward_parameters
from fastcnn.training import Trainer


class Counted(nn.Module):
    """A layer of somebody's own without parameters, that counts its backward passes."""

    def __init__(self):
        super().__init__()
        self.calls = 0

    def forward(self, x):
        return 2 * x

    def backward(self, dy):
        self.calls += 1
        return 2 * dy


class Gain(Counted):
    """The same, with a weight."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(np.ones(1))

    def forward(self, x):
        self.saved = x
        return x * self.weight.data

    def backward(self, dy):
        self.calls += 1
        self.weight.accumulate((dy * self.saved).sum(keepdims=True).ravel()[:1])
        return dy * self.weight.data


def network():
    """A chain of every layer with parameters, in blocks."""
    return (
        nn.Sequential(
            nn.Conv2d(2, 4, 3, padding=1),
            nn.BatchNorm2d(4),
            nn.Residual(nn.Sequential(nn.ReLU(), nn.Conv2d(4, 4, 1))),
            nn.DenseResidual(nn.Sequential(nn.PositionBias((4, 5, 5)), nn.Conv2d(4, 2, 3, padding=1))),
            nn.Flatten(),
            nn.Linear(6 * 25, 3),
        )
        .double()
        .initialize(seed=1)
    )


def passes():
    rng = np.random.default_rng(0)
    return rng.standard_normal((3, 2, 5, 5)), rng.standard_normal((3, 3))


def gradients(model):
    return {name: p.grad for name, p in model.named_parameters()}


def assert_same(got, wanted):
    assert got.keys() == wanted.keys()
    for name, grad in wanted.items():
        if grad is None:
            assert got[name] is None, name
        else:
            np.testing.assert_array_equal(got[name], grad, err_msg=name)


NAMES = [name for name, _ in network().named_parameters()]
FROZEN = {
    "nothing": [],
    "all": NAMES,
    "the first layers": [name for name in NAMES if name[0] in "012"],
    "the last layer": ["5.weight", "5.bias"],
    "within blocks": ["2.body.1.weight", "3.body.0.bias", "3.body.1.weight", "3.body.1.bias"],
    "weights": [name for name in NAMES if name.endswith("weight")],
    "biases": [name for name in NAMES if name.endswith("bias")],
}


@pytest.mark.parametrize("norm_mode", [True, False], ids=["training", "evaluation"])
@pytest.mark.parametrize("frozen", FROZEN)
def test_frozen_parameters_change_no_other_gradient(frozen, norm_mode):
    """To the bit, with and without the gradient of the input, which a user always gets."""
    (x, dy), reference = passes(), network()
    reference[1].train(norm_mode)
    reference(x)
    dx = reference.backward(dy)
    wanted = {name: None if name in FROZEN[frozen] else grad for name, grad in gradients(reference).items()}
    model = network()
    model[1].train(norm_mode)
    for name in FROZEN[frozen]:
        model.get_parameter(name).requires_grad = False
    model(x)
    np.testing.assert_array_equal(model.backward(dy), dx)
    assert_same(gradients(model), wanted)
    model.zero_grad()
    assert model.backward(dy, input_gradient=False) is None
    assert_same(gradients(model), wanted)
    model.zero_grad()
    backward_parameters(model, dy)
    assert_same(gradients(model), wanted)


@pytest.mark.parametrize(
    ("function", "layer", "x"),
    [
        ("conv2d_backward", lambda: nn.Conv2d(2, 3, 3), np.ones((2, 2, 5, 5), np.float32)),
        ("linear_backward", lambda: nn.Linear(4, 3), np.ones((2, 4), np.float32)),
        ("batch_norm_backward", lambda: nn.BatchNorm2d(2).eval(), np.ones((2, 2, 3, 3), np.float32)),
    ],
)
def test_what_is_not_needed_is_not_computed(monkeypatch, function, layer, x):
    real, masks = getattr(ops, function), []

    def spy(*args, **options):
        masks.append(options["output_mask"])
        return real(*args, **options)

    monkeypatch.setattr(ops, function, spy)
    module = layer()
    dy = module(x)
    module.backward(dy)
    module.weight.requires_grad = False
    module.backward(dy)
    module.backward(dy, input_gradient=False)
    module.weight.requires_grad, module.bias.requires_grad = True, False
    module.backward(dy)
    assert masks == [(True, True, True), (True, False, True), (False, False, True), (True, True, False)]


@pytest.mark.parametrize(
    "mask", [(a, b, c) for a in (True, False) for b in (True, False) for c in (True, False)]
)
@pytest.mark.parametrize("training", [True, False])
def test_masks_of_the_functions(mask, training):
    rng = np.random.default_rng(0)
    x, weight, dy = (
        rng.standard_normal((2, 4, 5, 5)),
        rng.standard_normal((6, 2, 3, 3)),
        np.ones((2, 6, 3, 3)),
    )
    calls = [
        lambda **options: ops.conv2d_backward(dy, x, weight, groups=2, **options),
        lambda **options: ops.linear_backward(x[0, 0], x[0, 1], weight[:5, 0, 0, :1] * x[0, 0], **options),
        lambda **options: ops.batch_norm_backward(
            x, 2 * x + 1, np.ones(4), np.zeros(4), np.ones(4), training, **options
        ),
    ]
    for call in calls:
        for got, wanted, want in zip(call(output_mask=mask), call(), mask, strict=True):
            assert (got is not None) == want
            if want:
                np.testing.assert_array_equal(got, wanted)


@pytest.mark.parametrize("mask", [True, (True, True), (1, 0, 1), "yes"])
def test_masks_are_three_bools(mask):
    x = np.ones((1, 1, 3, 3))
    for call in (
        lambda: ops.conv2d_backward(x, x, np.ones((1, 1, 1, 1)), output_mask=mask),
        lambda: ops.linear_backward(x, x, np.ones((3, 3)), output_mask=mask),
        lambda: ops.batch_norm_backward(x, x, output_mask=mask),
    ):
        with pytest.raises(
            fastcnn.errors.DTypeError, match=r"_backward: output_mask must be (three bools|a bool)"
        ):
            call()


def test_what_lies_before_the_first_trained_layer_has_no_backward_pass():
    before, frozen, between, trained, after = Counted(), Gain(), Counted(), Gain(), Counted()
    frozen.requires_grad_(False)
    model = nn.Sequential(
        before, nn.Sequential(frozen, between, nn.Residual(nn.Sequential(Counted(), trained)))
    )
    model.append(after)
    model.append(nn.Flatten())
    inner = model[1][2].body[0]
    layers = before, frozen, between, inner, trained, after
    optimizer = optim.SGD([trained.weight], lr=0.1)
    trainer = Trainer(model.double(), optimizer, nn.CrossEntropyLoss(), engine=False)
    x = np.ones((2, 3))
    trainer.train_step(x, np.array([0, 1]))
    assert [layer.calls for layer in layers] == [0, 0, 0, 0, 1, 1]
    assert trained.weight.grad is not None
    assert frozen.weight.grad is None
    # Compiled where it can be, which this is not: the same.
    fast = fastcnn.compile(model)
    assert fast.backward(fast(x)) is None
    assert [layer.calls for layer in layers] == [0, 0, 0, 0, 2, 2]
    # Whoever calls backward gets dx, through all layers.
    expected = 2 * 2 * (1 + 2 * trained.weight.data[0]) * 2
    np.testing.assert_allclose(model.backward(np.ones((2, 3))), np.full((2, 3), expected))
