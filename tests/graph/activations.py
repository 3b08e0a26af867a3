"""The activations that kernels have: what PyTorch says of each, for all tests that go through them."""

import inspect
from typing import Any, NamedTuple

import numpy as np

from fastcnn import graph, nn
from fastcnn.nn import functional as F

NONE = inspect.Parameter.empty  # of an argument without a default
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
    "relu": Case(F.relu, graph.ReLU, nn.ReLU, {"inplace": False}, {}, [0, 0, 0, 0.5, 3], [0, 0, 0, 4, 5]),
    "leaky_relu": Case(
        F.leaky_relu,
        graph.LeakyReLU,
        nn.LeakyReLU,
        {"negative_slope": 0.01, "inplace": False},
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
    "relu6": Case(F.relu6, graph.ReLU6, nn.ReLU6, {"inplace": False}, {}, [0, 0, 0, 0.5, 3], [0, 0, 0, 4, 5]),
    "hardtanh": Case(
        F.hardtanh,
        graph.Hardtanh,
        nn.Hardtanh,
        {"min_val": -1.0, "max_val": 1.0, "inplace": False},
        {"min_val": -0.5, "max_val": 2.0},
        [-0.5, -0.5, 0, 0.5, 2],
        [0, 0, 3, 4, 0],
    ),
    "hardsigmoid": Case(
        F.hardsigmoid,
        graph.Hardsigmoid,
        nn.Hardsigmoid,
        {"inplace": False},
        {},
        [0.16666666666666666, 0.4166666666666667, 0.5, 0.5833333333333334, 1],
        [1 / 6, 2 / 6, 3 / 6, 4 / 6, 0],
    ),
    "hardswish": Case(
        F.hardswish,
        graph.Hardswish,
        nn.Hardswish,
        {"inplace": False},
        {},
        [-0.3333333333333333, -0.20833333333333334, 0, 0.2916666666666667, 3],
        [-0.16666666666666663, 0.6666666666666667, 1.5, 2.6666666666666665, 5],
    ),
    "threshold": Case(
        F.threshold,
        graph.Threshold,
        nn.Threshold,
        {"threshold": NONE, "value": NONE, "inplace": False},
        {"threshold": 0.25, "value": -1.5},
        [-1.5, -1.5, -1.5, 0.5, 3],
        [0, 0, 0, 4, 5],
        [{"threshold": -0.25, "value": 2.0}],
    ),
    "hardshrink": Case(
        F.hardshrink,
        graph.Hardshrink,
        nn.Hardshrink,
        {"lambd": 0.5},
        {"lambd": 0.6},
        [-2, 0, 0, 0, 3],
        [1, 0, 0, 0, 5],
    ),
    "softshrink": Case(
        F.softshrink,
        graph.Softshrink,
        nn.Softshrink,
        {"lambd": 0.5},
        {"lambd": 0.25},
        [-1.75, -0.25, 0, 0.25, 2.75],
        [1, 2, 0, 4, 5],
    ),
    "logsigmoid": Case(
        F.logsigmoid,
        graph.LogSigmoid,
        nn.LogSigmoid,
        {},
        {},
        [
            -2.1269280110429727,
            -0.9740769841801067,
            -0.6931471805599453,
            -0.4740769841801067,
            -0.04858735157374206,
        ],
        [0.8807970779778824, 1.244918662403709, 1.5, 1.5101626751925818, 0.23712936588783395],
    ),
    "softplus": Case(
        F.softplus,
        graph.Softplus,
        nn.Softplus,
        {"beta": 1.0, "threshold": 20.0},
        {"beta": 2.0, "threshold": 5.0},
        [0.009074963958904869, 0.15663084375911143, 0.34657359027997264, 0.6566308437591114, 3],
        [0.017986209962091555, 0.5378828427399902, 1.5, 2.9242343145200196, 5],
    ),
    "softsign": Case(
        F.softsign,
        graph.Softsign,
        nn.Softsign,
        {},
        {},
        [-2 / 3, -1 / 3, 0, 1 / 3, 0.75],
        [1 / 9, 8 / 9, 3, 16 / 9, 0.3125],
    ),
    "tanh": Case(
        F.tanh,
        graph.Tanh,
        nn.Tanh,
        {},
        {},
        [-0.9640275800758169, -0.4621171572600098, 0, 0.4621171572600098, 0.9950547536867305],
        [0.07065082485316443, 1.5728954659318548, 3, 3.1457909318637096, 0.049330185827200834],
    ),
    "tanhshrink": Case(
        F.tanhshrink,
        graph.Tanhshrink,
        nn.Tanhshrink,
        {},
        {},
        [-1.035972419924183, -0.03788284273999021, 0, 0.03788284273999021, 2.0049452463132695],
        [0.9293491751468356, 0.4271045340681452, 0, 0.8542090681362904, 4.950669814172799],
    ),
    "elu": Case(
        F.elu,
        graph.ELU,
        nn.ELU,
        {"alpha": 1.0, "inplace": False},
        {"alpha": 0.75},
        [-0.6484985375725405, -0.29510200521552493, 0, 0.5, 3],
        [0.10150146242745953, 0.9097959895689501, 2.25, 4, 5],
        [{"alpha": -0.7}],
    ),
    "celu": Case(
        F.celu,
        graph.CELU,
        nn.CELU,
        {"alpha": 1.0, "inplace": False},
        {"alpha": 1.5},
        [-1.10460429282641, -0.4252030341393161, 0, 0.5, 3],
        [0.26359713811572677, 1.4330626211475785, 3, 4, 5],
    ),
    "selu": Case(
        F.selu,
        graph.SELU,
        nn.SELU,
        {"inplace": False},
        {},
        [-1.5201664685956948, -0.6917581878028713, 0, 0.5253504936777402, 3.1521029620664414],
        [0.2379328722516818, 2.1326823060890105, 5.27429802254213, 4.202803949421922, 5.253504936777402],
    ),
    "silu": Case(
        F.silu,
        graph.SiLU,
        nn.SiLU,
        {"inplace": False},
        {},
        [-0.2384058440442351, -0.1887703343990727, 0, 0.3112296656009273, 2.8577223804672998],
        [-0.09078424878489547, 0.5200776253946964, 1.5, 2.9598447492106077, 5.440520530075847],
    ),
    "mish": Case(
        F.mish,
        graph.Mish,
        nn.Mish,
        {"inplace": False},
        {},
        [-0.2525014826957089, -0.22074377465173, 0, 0.3752452113048951, 2.9865350049679575],
        [-0.1083550924203939, 0.5790213558270245, 1.8, 3.545697501430909, 5.1055345546472175],
    ),
    "gelu": Case(
        F.gelu,
        graph.GELU,
        nn.GELU,
        {"approximate": "none"},
        {"approximate": "tanh"},
        [-0.04540230591222494, -0.15428599017485606, 0, 0.34571400982514394, 2.996362607918227],
        [-0.0860992566236183, 0.2652601929307153, 1.5, 3.4694796141385695, 5.0579208331548475],
        [{"approximate": "none"}],
    ),
}

# Functions without a layer: PyTorch's answers.
ERF = (
    [-0.9953222650189527, -0.5204998778130465, 0, 0.5204998778130465, 0.9999779095030014],
    [0.020666985354092053, 1.7575651578708895, 3.385137501286538, 3.515130315741779, 0.0006962652597337393],
)
GELU = (
    [-0.04550026389635842, -0.15426876936299344, 0, 0.34573123063700656, 2.99595030590511],
    [-0.08523180107819692, 0.26500975068767424, 1.5, 3.4699804986246514, 5.05972823602092],
)
