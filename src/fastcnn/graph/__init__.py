"""Tensors, the operations that networks are made of, and the record of a call with its backward pass."""

from .activation import Activation, Clamp, Exp, ReLU, Sigmoid, Sqrt, Tanh
from .arithmetic import Add, Divide, Multiply, Negate, Power, Subtract
from .dropout import Dropout
from .normalization import BatchNorm
from .operation import Operand, Operation, apply, as_array, recording, shape_of
from .operators import Operators
from .pooling import AdaptiveAvgPool2d, AvgPool2d, MaxPool2d
from .products import Conv2d, Linear
from .reduction import Amax, Mean, Sum
from .shaping import Concat, Detach, Flatten, Permute, Reshape, Slice, ZeroPad, chunk, split
from .softmax import LogSoftmax, Softmax
from .structure import filled, leaves, paired, replaced
from .tape import Tape
from .value import Value

__all__ = [
    "Activation",
    "AdaptiveAvgPool2d",
    "Add",
    "Amax",
    "AvgPool2d",
    "BatchNorm",
    "Clamp",
    "Concat",
    "Conv2d",
    "Detach",
    "Divide",
    "Dropout",
    "Exp",
    "Flatten",
    "Linear",
    "LogSoftmax",
    "MaxPool2d",
    "Mean",
    "Multiply",
    "Negate",
    "Operand",
    "Operation",
    "Operators",
    "Permute",
    "Power",
    "ReLU",
    "Reshape",
    "Sigmoid",
    "Slice",
    "Softmax",
    "Sqrt",
    "Subtract",
    "Sum",
    "Tanh",
    "Tape",
    "Value",
    "ZeroPad",
    "apply",
    "as_array",
    "chunk",
    "filled",
    "leaves",
    "paired",
    "recording",
    "replaced",
    "shape_of",
    "split",
]
