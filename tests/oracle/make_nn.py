"""Ask PyTorch about layers and small networks (`grid_nn`), in float64, and for weights files."""

import types
from pathlib import Path

import numpy as np
import safetensors.torch
import torch
from torch.nn import functional

from . import grid_nn, network, recipe
from .question import Question


class PositionBias(torch.nn.Module):
    """Adds a bias to each channel and position."""

    def __init__(self, shape):
        super().__init__()
        self.bias = torch.nn.Parameter(torch.zeros(*shape))

    def forward(self, x):
        """Return x + bias."""
        return x + self.bias


class LayerNorm2d(torch.nn.LayerNorm):
    """Normalises the channels of each pixel, as torchvision's does."""

    def forward(self, x):
        """Return the normalised x."""
        return super().forward(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


class Residual(torch.nn.Module):
    """Adds the input to the body's output."""

    def __init__(self, body):
        super().__init__()
        self.body = body

    def forward(self, x):
        """Return x + body(x)."""
        return x + self.body(x)


class DenseResidual(Residual):
    """Puts the input's channels before the body's."""

    def forward(self, x):
        """Return concat(x, body(x))."""
        return torch.cat([x, self.body(x)], 1)


LIBRARY = types.SimpleNamespace(
    **{name: value for name, value in vars(torch.nn).items() if isinstance(value, type)},
    LayerNorm2d=LayerNorm2d,
    PositionBias=PositionBias,
    Residual=Residual,
    DenseResidual=DenseResidual,
)


def _model(question: Question) -> torch.nn.Module:
    """Return the network with the weights of the question."""
    return set_state(network.build(LIBRARY, question.args["layers"]).double(), question)


def set_state(model: torch.nn.Module, question: Question) -> torch.nn.Module:
    """Give a network weights and statistics by recipes, which are added to the question's inputs."""
    shapes = {name: tuple(value.shape) for name, value in model.state_dict().items()}
    for name, spec in network.state_specs(shapes).items():
        question.inputs[f"state:{name}"] = {**spec, "seed": recipe.seed_of(question.id, name)}
    model.load_state_dict(
        {name: torch.from_numpy(recipe.make(question.inputs[f"state:{name}"])) for name in shapes}
    )
    question.args["state"] = list(shapes)
    return model


def state_of(model: torch.nn.Module) -> dict[str, np.ndarray]:
    """Return copies of weights and statistics."""
    return {f"state:{name}": value.numpy().copy() for name, value in model.state_dict().items()}


def _layer(question: Question) -> dict[str, np.ndarray]:
    """Two forward passes, so that running statistics move twice, and a backward pass after the second."""
    model = _model(question).train(question.args["training"])
    x = torch.from_numpy(recipe.make(question.inputs["x"])).requires_grad_()
    with torch.no_grad():
        model(x)
    y = model(x)
    y.backward(torch.from_numpy(recipe.make(question.upstream_spec(y.shape))))
    gradients = {f"grad:{name}": value.grad.numpy() for name, value in model.named_parameters()}
    return {"y": y.detach().numpy(), "dx": x.grad.numpy(), **gradients, **state_of(model)}


def _training(question: Question) -> dict[str, np.ndarray]:
    model = _model(question)
    optimizer = getattr(torch.optim, question.args["optimizer"])(
        model.parameters(), **question.args["options"]
    )
    images = torch.from_numpy(recipe.make(question.inputs["x"])).chunk(question.args["steps"])
    targets = torch.from_numpy(recipe.make(question.inputs["target"])).chunk(question.args["steps"])
    losses = []
    for x, target in zip(images, targets, strict=True):
        optimizer.zero_grad()
        loss = functional.cross_entropy(model(x), target)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    with torch.no_grad():
        logits = model.eval()(images[0])
    return {"losses": np.array(losses), "logits": logits.numpy(), **state_of(model)}


def answer(question: Question) -> dict[str, np.ndarray]:
    """Return PyTorch's results."""
    return {"layer": _layer, "training": _training}[question.op](question)


def questions():
    """Return every question."""
    return grid_nn.questions()


def write_weights(path: Path) -> None:
    """Write the weights of the compact network after a little training in float32."""
    torch.manual_seed(0)
    model = network.build(LIBRARY, network.COMPACT)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    for _ in range(3):
        optimizer.zero_grad()
        functional.nll_loss(model(torch.randn(16, 1, 28, 28)), torch.randint(10, (16,))).backward()
        optimizer.step()
    safetensors.torch.save_file(model.state_dict(), path)
    path.chmod(0o644)


def logits_of(path: Path) -> np.ndarray:
    """Return PyTorch's float32 logits of the compact network with the weights of a safetensors file."""
    model = network.build(LIBRARY, network.COMPACT)
    model.load_state_dict(safetensors.torch.load_file(path))
    with torch.no_grad():
        return model.eval()(torch.from_numpy(recipe.make(network.COMPACT_IMAGES, np.float32))).numpy()
