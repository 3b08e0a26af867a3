"""Layers with parameters: ``y = module(x)``, ``dx = module.backward(dy)``.

Names, arguments, defaults and state-dict keys are those of ``torch.nn``.
"""

from . import (
    activation,
    containers,
    conv,
    conv1d,
    conv_transpose,
    conv_transpose1d,
    dropout,
    elementwise_losses,
    functional,
    gaussian_loss,
    group_norm,
    init,
    instance_norm,
    layer_norm,
    layer_norm2d,
    linear,
    lists,
    losses,
    normalization,
    padding,
    pooling,
    pooling1d,
    power_pooling,
    prelu,
    response_norm,
    shape,
    shuffling,
    smooth,
    softmax,
    stochastic_depth,
    unpooling,
    upsampling,
    utils,
)
from .activation import *
from .containers import *
from .conv import *
from .conv1d import *
from .conv_transpose import *
from .conv_transpose1d import *
from .dropout import *
from .elementwise_losses import *
from .gaussian_loss import *
from .group_norm import *
from .instance_norm import *
from .layer_norm import *
from .layer_norm2d import *
from .linear import *
from .lists import *
from .losses import *
from .module import Module
from .normalization import *
from .padding import *
from .parameter import Parameter
from .pooling import *
from .pooling1d import *
from .power_pooling import *
from .prelu import *
from .response_norm import *
from .shape import *
from .shuffling import *
from .smooth import *
from .softmax import *
from .stochastic_depth import *
from .unpooling import *
from .upsampling import *

# Each file says itself which of its classes are public.
__all__ = ["Module", "Parameter", "functional", "init", "utils"]
__all__ += activation.__all__
__all__ += containers.__all__
__all__ += conv.__all__
__all__ += conv1d.__all__
__all__ += conv_transpose.__all__
__all__ += conv_transpose1d.__all__
__all__ += dropout.__all__
__all__ += elementwise_losses.__all__
__all__ += gaussian_loss.__all__
__all__ += group_norm.__all__
__all__ += instance_norm.__all__
__all__ += layer_norm.__all__
__all__ += layer_norm2d.__all__
__all__ += linear.__all__
__all__ += lists.__all__
__all__ += losses.__all__
__all__ += normalization.__all__
__all__ += padding.__all__
__all__ += pooling.__all__
__all__ += pooling1d.__all__
__all__ += power_pooling.__all__
__all__ += prelu.__all__
__all__ += response_norm.__all__
__all__ += shape.__all__
__all__ += shuffling.__all__
__all__ += smooth.__all__
__all__ += softmax.__all__
__all__ += stochastic_depth.__all__
__all__ += unpooling.__all__
__all__ += upsampling.__all__
__all__.sort(key=lambda name: (name.islower(), not name.isupper(), name))
