"""The activations that kernels have: what PyTorch says of each, for all tests that go through them."""

from typing import Any, NamedTuple

import numpy as np

from fastcnn import graph, nn
from fastcnn.nn import functional as F

# Where PyTorch 2.13 was asked, with the gradient dy of its answers.
X = np.array([-2.0, -0.5, 0.0, 0.5, 3.0])
DY = np.array([1.0, 2.0, 3.0, 4.0, 5.0])


class Case(NamedTuple):
    """One activation.

    Attributes
    ----------
    arguments : dict
        PyTorch's names and defaults, behind ``input``.
    given : dict
        Arguments that are tested.
    y, dx : list
        PyTorch's answers with these.
    others : list of dict
        More arguments, that other paths are taken for.
    """

    function: Any
    operation: type[graph.Activation]
    layer: type[nn.Module]
    arguments: dict[str, Any]
    given: dict[str, Any]
    y: list[float]
    dx: list[float]
    others: list[dict[str, Any]] = []  # noqa: RUF012


CASES = {
    "relu": Case(F.relu, graph.ReLU, nn.ReLU, {}, {}, [0, 0, 0, 0.5, 3], [0, 0, 0, 4, 5]),
    "leaky_relu": Case(
        F.leaky_relu,
        graph.LeakyReLU,
        nn.LeakyReLU,
        {"negative_slope": 0.01},
        {"negative_slope": 0.25},
        [-0.5, -0.125, 0, 0.5, 3],
        [0.25, 0.5, 0.75, 4, 5],
        [{"negative_slope": 0.0}, {"negative_slope": 1.5}, {"negative_slope": -0.7}],
    ),
    "sigmoid": Case(
        F.sigmoid,
        graph.Sigmoid,
        nn.Sigmoid,
        {},
        {},
        [0.11920292202211755, 0.3775406687981454, 0.5, 0.6224593312018546, 0.9525741268224334],
        [0.1049935854035065, 0.470007424403189, 0.75, 0.940014848806378, 0.22588329865456],
    ),
}
