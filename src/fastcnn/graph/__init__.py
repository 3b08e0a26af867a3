"""Tensors, the operations that networks are made of, and the record of a call with its backward pass."""

from . import limiting, piecewise, smooth
from .activation import Activation
from .arithmetic import Add, Divide, Multiply, Negate, Power, Subtract
from .batch import BATCH, Batch, TraceError, refuse
from .dropout import AlphaDropout, Dropout, Dropout1d, Dropout2d, FeatureAlphaDropout
from .fields import Field, input_field, slide
from .functions import FUNCTIONS, Function, function, function_of
from .group_norm import GroupNorm, InstanceNorm, LayerNorm
from .limiting import *
from .moving import ChannelShuffle, PixelShuffle, PixelUnshuffle, Unflatten
from .normalization import BatchNorm
from .operation import Operand, Operation, Wanted, apply, as_array, recording, shape_of
from .operators import Operators
from .piecewise import *
from .pooling import AdaptiveAvgPool2d, AdaptiveMaxPool2d, AvgPool2d, MaxPool2d
from .prelu import PReLU
from .products import Conv1d, Conv2d, ConvTranspose1d, ConvTranspose2d, Linear
from .reduction import Amax, Mean, Sum
from .resizing import Interpolate, Pad
from .response_norm import LocalResponseNorm
from .shaping import Detach, Flatten, Permute, Reshape
from .slicing import Concat, Slice, chunk, halves, split
from .smooth import *
from .softmax import LogSoftmax, Softmax
from .stochastic_depth import StochasticDepth
from .structure import as_tuple, filled, leaves, paired, replaced
from .tape import Tape
from .trace import Step, Trace
from .unpooling import MaxPoolWithIndices, MaxUnpool2d
from .value import Value
from .watched import Watch, WatchedTape

__all__ = [
    "BATCH",
    "FUNCTIONS",
    "Activation",
    "AdaptiveAvgPool2d",
    "AdaptiveMaxPool2d",
    "Add",
    "AlphaDropout",
    "Amax",
    "AvgPool2d",
    "Batch",
    "BatchNorm",
    "ChannelShuffle",
    "Concat",
    "Conv1d",
    "Conv2d",
    "ConvTranspose1d",
    "ConvTranspose2d",
    "Detach",
    "Divide",
    "Dropout",
    "Dropout1d",
    "Dropout2d",
    "FeatureAlphaDropout",
    "Field",
    "Flatten",
    "Function",
    "GroupNorm",
    "InstanceNorm",
    "Interpolate",
    "LayerNorm",
    "Linear",
    "LocalResponseNorm",
    "LogSoftmax",
    "MaxPool2d",
    "MaxPoolWithIndices",
    "MaxUnpool2d",
    "Mean",
    "Multiply",
    "Negate",
    "Operand",
    "Operation",
    "Operators",
    "PReLU",
    "Pad",
    "Permute",
    "PixelShuffle",
    "PixelUnshuffle",
    "Power",
    "Reshape",
    "Slice",
    "Softmax",
    "Step",
    "StochasticDepth",
    "Subtract",
    "Sum",
    "Tape",
    "Trace",
    "TraceError",
    "Unflatten",
    "Value",
    "Wanted",
    "Watch",
    "WatchedTape",
    "apply",
    "as_array",
    "as_tuple",
    "chunk",
    "filled",
    "function",
    "function_of",
    "halves",
    "input_field",
    "leaves",
    "paired",
    "recording",
    "refuse",
    "replaced",
    "shape_of",
    "slide",
    "split",
]
__all__ += limiting.__all__
__all__ += piecewise.__all__
__all__ += smooth.__all__
