"""Ask PyTorch how far its autocast to bfloat16 is from float64: `network.AUTOCAST` on one batch."""

import numpy as np
import torch

from . import make_nn, network, recipe
from .question import Question


def entries() -> list[tuple[dict, dict[str, np.ndarray]]]:
    """Return the outputs and gradients of each network in both precisions."""
    found = []
    for name, layers in network.AUTOCAST.items():
        inputs = {"x": recipe.uniform((16, *network.AUTOCAST_SHAPE), 1.5)}
        question = Question("autocast", name, inputs, {"layers": layers})
        exact = make_nn.set_state(network.build(make_nn.LIBRARY, layers).double(), question)
        narrow = make_nn.set_state(network.build(make_nn.LIBRARY, layers), question)
        x = torch.from_numpy(recipe.make(question.inputs["x"], np.float64))
        answers = {f"float64 {key}": value for key, value in _passes(exact, x).items()}
        with torch.autocast("cpu", torch.bfloat16):
            made = _passes(narrow, x.float())
        answers.update({f"autocast {key}": value for key, value in made.items()})
        found.append(({key: getattr(question, key) for key in ("op", "id", "args", "inputs")}, answers))
    return found


def _passes(model: torch.nn.Module, x: torch.Tensor) -> dict[str, np.ndarray]:
    """Return the logits, and the gradients of the cross-entropy, with classes that count up."""
    logits = model(x)
    target = torch.arange(len(x)) % logits.shape[1]
    loss = torch.nn.functional.cross_entropy(logits.to(next(model.parameters()).dtype), target)
    loss.backward()
    grads = {name: each.grad.double().numpy() for name, each in model.named_parameters()}
    return {"logits": logits.detach().double().numpy(), **grads}
