"""Layers that apply a function to each element, made of straight lines.

`inplace` is there for programs that were written for PyTorch, and changes nothing; see
`fastcnn.nn.functional`.
"""

from typing import Any

from .._arguments import number, real
from ..errors import ArgumentError
from . import functional as F
from .declaration import declare
from .elementwise import Elementwise

__all__ = [
    "Hardshrink",
    "Hardsigmoid",
    "Hardswish",
    "Hardtanh",
    "LeakyReLU",
    "ReLU",
    "ReLU6",
    "Softshrink",
    "Threshold",
]


@declare()
class ReLU(Elementwise):
    """Rectify: ``y = max(x, 0)``."""

    def forward(self, x: Any) -> Any:
        """Return max(x, 0)."""
        return F.relu(x)


@declare({"negative_slope": real})
class LeakyReLU(Elementwise):
    """Let a part of negative values through: ``y = x where x > 0, else negative_slope x``.

    Parameters
    ----------
    negative_slope : float
        That part. Source: Maas et al., "Rectifier Nonlinearities Improve Neural Network Acoustic
        Models" (2013).
    """

    _shown = ("negative_slope",)

    def __init__(self, negative_slope: float = 0.01, inplace: bool = False) -> None:
        super().__init__(inplace)
        self.negative_slope = real(negative_slope, "LeakyReLU: negative_slope")

    def forward(self, x: Any) -> Any:
        """Return y."""
        return F.leaky_relu(x, self.negative_slope)


@declare({"min_val": real, "max_val": real})
class Hardtanh(Elementwise):
    """Limit to a range, without a gradient at its ends: ``y = min(max(x, min_val), max_val)``.

    Parameters
    ----------
    min_val, max_val : float
        The range.

    Raises
    ------
    ArgumentError
        If it is empty.
    """

    _shown = ("min_val", "max_val")

    def __init__(self, min_val: float = -1.0, max_val: float = 1.0, inplace: bool = False) -> None:
        super().__init__(inplace)
        self.min_val = real(min_val, "Hardtanh: min_val")
        self.max_val = real(max_val, "Hardtanh: max_val")
        if not self.min_val < self.max_val:
            raise ArgumentError(f"Hardtanh: min_val must be below max_val, got {min_val!r} and {max_val!r}")

    def forward(self, x: Any) -> Any:
        """Return y."""
        return F.hardtanh(x, self.min_val, self.max_val)


@declare()
class ReLU6(Elementwise):
    """Rectify, up to 6: ``y = min(max(x, 0), 6)``."""

    def forward(self, x: Any) -> Any:
        """Return y."""
        return F.relu6(x)


@declare()
class Hardsigmoid(Elementwise):
    """Go straight from 0 to 1: ``y = min(max(x + 3, 0), 6) / 6``."""

    def forward(self, x: Any) -> Any:
        """Return y."""
        return F.hardsigmoid(x)


@declare()
class Hardswish(Elementwise):
    """Multiply by a `Hardsigmoid`: ``y = x min(max(x + 3, 0), 6) / 6``.

    Source: Howard et al., "Searching for MobileNetV3" (2019).
    """

    def forward(self, x: Any) -> Any:
        """Return y."""
        return F.hardswish(x)


@declare({"threshold": real, "value": real})
class Threshold(Elementwise):
    """Replace what is not above a threshold: ``y = x where x > threshold, else value``.

    Parameters
    ----------
    threshold, value : float
    """

    _shown = ("threshold", "value")

    def __init__(self, threshold: float, value: float, inplace: bool = False) -> None:
        super().__init__(inplace)
        self.threshold = real(threshold, "Threshold: threshold")
        self.value = real(value, "Threshold: value")

    def forward(self, x: Any) -> Any:
        """Return y."""
        return F.threshold(x, self.threshold, self.value)


@declare({"lambd": real})
class Hardshrink(Elementwise):
    """Drop small values: ``y = x where |x| > lambd, else 0``.

    Parameters
    ----------
    lambd : float
    """

    _shown = ("lambd",)

    def __init__(self, lambd: float = 0.5) -> None:
        super().__init__()
        self.lambd = real(lambd, "Hardshrink: lambd")

    def forward(self, x: Any) -> Any:
        """Return y."""
        return F.hardshrink(x, self.lambd)


@declare({"lambd": number})
class Softshrink(Elementwise):
    """Make values smaller: ``y = x - lambd where x > lambd, x + lambd where x < -lambd, else 0``.

    Parameters
    ----------
    lambd : float
        At least 0.
    """

    _shown = ("lambd",)

    def __init__(self, lambd: float = 0.5) -> None:
        super().__init__()
        self.lambd = number(lambd, "Softshrink: lambd")

    def forward(self, x: Any) -> Any:
        """Return y."""
        return F.softshrink(x, self.lambd)
