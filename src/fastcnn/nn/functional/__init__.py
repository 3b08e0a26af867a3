"""The functions that networks are made of, under the names of ``torch.nn.functional``.

On arrays they compute; on the values inside a module's forward they are recorded, and so get a gradient.
Weights may be arrays, values or parameters. Images are (N, C, H, W), weights (out_channels,
in_channels / groups, kernel_h, kernel_w); `fastcnn.ops` has the equations.
"""

from . import (
    activation,
    dropping,
    lines,
    losses,
    normalization,
    padding,
    power_pooling,
    products,
    resizing,
    shapes,
    windows,
)
from .activation import *
from .dropping import *
from .lines import *
from .losses import *
from .normalization import *
from .padding import *
from .power_pooling import *
from .products import *
from .resizing import *
from .shapes import *
from .windows import *

# Each file says itself which of its functions are public.
__all__ = sorted(
    [
        *activation.__all__,
        *dropping.__all__,
        *lines.__all__,
        *losses.__all__,
        *normalization.__all__,
        *padding.__all__,
        *power_pooling.__all__,
        *products.__all__,
        *resizing.__all__,
        *shapes.__all__,
        *windows.__all__,
    ]
)
