"""Ask PyTorch about formulas and networks (`grid_functional`), in float64."""

import types

import numpy as np
import torch
from torch.nn import functional

from . import formulas, grid_functional, recipe
from .make_nn import set_state, state_of
from .question import Question

FUNCTIONS = types.SimpleNamespace(
    **{name: getattr(functional, name) for name in ("avg_pool2d", "max_pool2d", "log_softmax", "softmax")},
    **{
        name: getattr(torch, name)
        for name in ("cat", "chunk", "clamp", "exp", "flatten", "relu", "sigmoid", "split", "sqrt", "tanh")
    },
)


def _variables(question: Question) -> dict[str, torch.Tensor]:
    return {
        name: torch.from_numpy(np.array(recipe.make(spec))).requires_grad_()
        for name, spec in question.inputs.items()
    }


def _backward(y: torch.Tensor, inputs: dict[str, torch.Tensor], question: Question) -> dict[str, np.ndarray]:
    """Return y and the gradient of each input; one that y does not depend on is zero."""
    if y.requires_grad:
        y.backward(torch.from_numpy(np.array(recipe.make(question.upstream_spec(y.shape)))))
    grads = {f"d{n}": torch.zeros_like(x) if x.grad is None else x.grad for n, x in inputs.items()}
    return {"y": y.detach().numpy(), **{name: grad.numpy() for name, grad in grads.items()}}


def _formula(question: Question) -> dict[str, np.ndarray]:
    inputs = _variables(question)
    return _backward(formulas.FORMULAS[question.id](FUNCTIONS, *inputs.values()), inputs, question)


def _network(question: Question) -> dict[str, np.ndarray]:
    """One pass in training mode, and then the output in evaluation mode."""
    inputs = _variables(question)
    kinds = formulas.networks(torch.nn, FUNCTIONS, lambda shape: torch.ones(*shape))
    model = set_state(kinds[question.id]().double(), question)
    answers = _backward(model(*inputs.values()), inputs, question)
    gradients = {f"grad:{name}": value.grad.numpy() for name, value in model.named_parameters()}
    with torch.no_grad():
        evaluated = model.eval()(*inputs.values()).numpy()
    return {**answers, **gradients, **state_of(model), "evaluated": evaluated}


def answer(question: Question) -> dict[str, np.ndarray]:
    """Return PyTorch's results."""
    return {"formula": _formula, "network": _network}[question.op](question)


def questions():
    """Return every question."""
    return grid_functional.questions()
