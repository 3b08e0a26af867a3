"""Formulas and networks written from their forward alone, against PyTorch's stored answers."""

import numpy as np
import pytest

from fastcnn import nn
from fastcnn.nn import functional as F

from ..graph.models import Formula
from ..oracle import formulas
from ..oracle.cases import Case, select
from ..oracle.compare import DTYPES, LAYOUTS, assert_close

FORMULAS = select("functional", "formula")
NETWORKS = select("functional", "network")


def _inputs(case: Case, dtype) -> dict[str, np.ndarray]:
    return {name: case.input(name, dtype) for name in case.specs if name[0] == "x" or name == "y"}


def _check_formula(case: Case, dtype, inputs: list, dy: np.ndarray, parameters: tuple = ()) -> None:
    """Compare a formula's answers, of which the inputs come first and then the parameters."""
    model = Formula(lambda *tensors: formulas.FORMULAS[case.id](F, *tensors), *parameters)
    y = model(*inputs)
    assert y.dtype == dtype
    assert_close(y, case["y"], dtype, case.describe(), floor=1.0)
    grads = model.backward(dy)
    grads = [*(grads if len(inputs) != 1 else [grads]), *(p.grad for p in model.parameters())]
    names = [name for name in case.answers if name != "y"]
    for name, grad in zip(names, grads, strict=True):
        expected = case[name]
        if grad is None:  # a parameter that has no part in it
            assert not expected.any()
            continue
        assert grad.dtype == dtype
        assert_close(grad, expected, dtype, f"{name} of {case.describe()}", floor=1.0)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("case", FORMULAS, ids=lambda case: case.id)
def test_formula_of_inputs(case: Case, dtype) -> None:
    inputs = _inputs(case, dtype)
    before = {name: value.copy() for name, value in inputs.items()}
    _check_formula(case, dtype, list(inputs.values()), case.input("dy", dtype))
    for name, value in inputs.items():
        np.testing.assert_array_equal(value, before[name], err_msg=f"{name} was changed by the call")


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("case", FORMULAS, ids=lambda case: case.id)
def test_formula_of_parameters(case: Case, dtype) -> None:
    inputs = list(_inputs(case, dtype).values())
    for count in range(len(inputs)):
        _check_formula(case, dtype, inputs[:count], case.input("dy", dtype), tuple(inputs[count:]))


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("case", [c for c in FORMULAS if c["y"].ndim], ids=lambda case: case.id)
def test_formula_in_any_memory_layout(case: Case, layout: str) -> None:
    inputs = [LAYOUTS[layout](x) for x in _inputs(case, np.float64).values()]
    _check_formula(case, np.float64, inputs, LAYOUTS[layout](case.input("dy")))


def _network(case: Case, dtype) -> nn.Module:
    """Return the network of the case with its weights, after checking their names, order and shapes."""
    kinds = formulas.networks(nn, F, lambda shape: np.ones(shape, np.float32))
    model = kinds[case.id]().astype(dtype)
    state = {name: case.input(f"state:{name}", dtype) for name in case.args["state"]}
    assert list(model.state_dict()) == list(state)
    model.load_state_dict(state)
    return model


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("case", NETWORKS, ids=lambda case: case.id)
def test_network(case: Case, dtype) -> None:
    model, inputs = _network(case, dtype), _inputs(case, dtype)
    y = model(*inputs.values())
    assert y.dtype == dtype
    assert_close(y, case["y"], dtype, f"y of {case.id}")
    dy = case.input("dy", dtype)
    grads = model.backward(dy)
    for name, grad in zip(inputs, grads if len(inputs) > 1 else [grads], strict=True):
        assert_close(grad, case[f"d{name}"], dtype, f"d{name} of {case.id}", floor=1.0)
    for name, parameter in model.named_parameters():
        assert_close(
            parameter.grad, case[f"grad:{name}"], dtype, f"gradient of {name} of {case.id}", floor=1.0
        )
    for name, value in model.state_dict().items():
        assert_close(value, case[f"state:{name}"], dtype, f"{name} of {case.id}")
    for batch_size in (2, 100):
        y = model.predict(tuple(inputs.values()), batch_size)
        assert_close(y, case["evaluated"], dtype, f"predicted {case.id}")
    assert_close(model.eval()(*inputs.values()), case["evaluated"], dtype, f"evaluated {case.id}")


@pytest.mark.parametrize("case", NETWORKS, ids=lambda case: case.id)
def test_the_backward_pass_of_a_training_step_gives_the_same_bits(case: Case) -> None:
    """Without the gradient of the input, and as a part of a larger model that has both."""

    class Outer(nn.Module):
        def __init__(self, inner):
            super().__init__()
            self.inner = inner

        def forward(self, *inputs):
            return self.inner(*inputs)

    inputs, dy = _inputs(case, np.float32).values(), case.input("dy", np.float32)
    found = []
    for wrap in (lambda model: model, Outer):
        for whole in (True, False):
            model = wrap(_network(case, np.float32))
            model(*inputs)
            model.backward(dy, input_gradient=whole)
            found.append([parameter.grad for parameter in model.parameters()])
    for grads in found[1:]:
        for grad, expected in zip(grads, found[0], strict=True):
            np.testing.assert_array_equal(grad, expected)
