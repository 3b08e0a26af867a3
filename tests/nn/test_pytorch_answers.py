"""Layers and small networks against PyTorch's stored answers: names, passes, statistics, training."""

import numpy as np
import pytest

from fastcnn import nn, optim

from ..oracle import network
from ..oracle.cases import Case, select
from ..oracle.compare import DTYPES, assert_close

LAYERS = [case for name in ("nn", "layers", "lines") for case in select(name, "layer")]
TRAININGS = select("nn", "training")


def _build(case: Case, dtype) -> nn.Module:
    """Return the layers of the case with its weights, after checking their names, order and shapes."""
    model = network.build(nn, case.args["layers"]).astype(dtype)
    state = {name: case.input(f"state:{name}", dtype) for name in case.args["state"]}
    own = model.state_dict()
    assert list(own) == list(state)
    assert {name: value.shape for name, value in own.items()} == {name: v.shape for name, v in state.items()}
    model.load_state_dict(state)
    return model


def _assert_state(model: nn.Module, case: Case, dtype) -> None:
    for name, value in model.state_dict().items():
        assert_close(value, case[f"state:{name}"], dtype, f"{name} of {case.id}")


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("case", LAYERS, ids=lambda case: case.id)
def test_layer(case: Case, dtype) -> None:
    model = _build(case, dtype).train(case.args["training"])
    x, dy = case.input("x", dtype), case.input("dy", dtype)
    model(x)
    y = model(x)
    assert y.dtype == dtype
    assert_close(y, case["y"], dtype, f"y of {case.id}")
    assert_close(model.backward(dy), case["dx"], dtype, f"dx of {case.id}", floor=1.0)
    gradients = {name: parameter.grad for name, parameter in model.named_parameters()}
    assert {f"grad:{name}" for name in gradients} == {
        name for name in case.answers if name.startswith("grad:")
    }
    for name, gradient in gradients.items():
        assert_close(gradient, case[f"grad:{name}"], dtype, f"gradient of {name} of {case.id}", floor=1.0)
    _assert_state(model, case, dtype)


@pytest.mark.parametrize(
    "case",
    [c for c in LAYERS if c.id in {"conv2d", "batch-norm", "linear", "residual"}],
    ids=lambda case: case.id,
)
def test_gradients_add_up_until_they_are_zeroed(case: Case) -> None:
    model = _build(case, np.float64)
    for _ in range(2):
        model(case.input("x"))
        model.backward(case.input("dy"))
    for name, parameter in model.named_parameters():
        assert_close(parameter.grad, 2 * case[f"grad:{name}"], np.float64, name, floor=1.0)
    model.zero_grad()
    assert all(parameter.grad is None for parameter in model.parameters())


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("case", TRAININGS, ids=lambda case: case.id)
def test_a_network_of_every_layer_trains_to_the_same_weights(case: Case, dtype) -> None:
    model, loss = _build(case, dtype), nn.CrossEntropyLoss()
    optimizer = getattr(optim, case.args["optimizer"])(model.parameters(), **case.args["options"])
    steps = case.args["steps"]
    images, targets = np.split(case.input("x", dtype), steps), np.split(case.input("target"), steps)
    losses = []
    for x, target in zip(images, targets, strict=True):
        optimizer.zero_grad()
        losses.append(loss(model(x), target))
        model.backward(loss.backward())
        optimizer.step()
    assert_close(losses, case["losses"], dtype, f"losses of {case.id}")
    _assert_state(model, case, dtype)
    assert_close(model.predict(images[0]), case["logits"], dtype, f"logits of {case.id}")
    assert model.training


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(
    "case",
    select("loss", "cross_entropy")[::9] + select("loss", "nll_loss")[::9] + select("loss", "mse_loss"),
    ids=lambda case: f"{case.op}-{case.id}",
)
def test_losses(case: Case, dtype) -> None:
    kind = {"cross_entropy": nn.CrossEntropyLoss, "nll_loss": nn.NLLLoss, "mse_loss": nn.MSELoss}[case.op]
    weight = {"weight": case.input("weight", dtype)} if "weight" in case.specs else {}
    loss = kind(**weight, **case.args)
    assert_close(loss(case.input("x", dtype), case.input("target", dtype)), case["y"], dtype, case.describe())
    assert_close(loss.backward(), case["dx"], dtype, f"gradient of {case.describe()}")
    assert_close(loss.backward(2.0), 2 * case["dx"], dtype, f"twice the gradient of {case.describe()}")
