"""Layers with parameters: ``y = module(x)``, ``dx = module.backward(dy)``.

Names, arguments, defaults and state-dict keys are those of ``torch.nn``.
"""

from . import functional, init, utils
from .activation import Dropout, LogSoftmax, ReLU, Softmax
from .containers import DenseResidual, Residual, Sequential
from .conv import Conv2d
from .linear import Linear, PositionBias
from .lists import ModuleDict, ModuleList
from .losses import CrossEntropyLoss, MSELoss, NLLLoss
from .module import Module
from .normalization import BatchNorm2d
from .parameter import Parameter
from .pooling import AdaptiveAvgPool2d, AvgPool2d, MaxPool2d
from .shape import Flatten, Identity, ZeroPad2d

__all__ = [
    "AdaptiveAvgPool2d",
    "AvgPool2d",
    "BatchNorm2d",
    "Conv2d",
    "CrossEntropyLoss",
    "DenseResidual",
    "Dropout",
    "Flatten",
    "Identity",
    "Linear",
    "LogSoftmax",
    "MSELoss",
    "MaxPool2d",
    "Module",
    "ModuleDict",
    "ModuleList",
    "NLLLoss",
    "Parameter",
    "PositionBias",
    "ReLU",
    "Residual",
    "Sequential",
    "Softmax",
    "ZeroPad2d",
    "functional",
    "init",
    "utils",
]
