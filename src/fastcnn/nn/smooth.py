"""Layers that apply a smooth function to each element, made of exponential functions.

`inplace` is there for programs that were written for PyTorch, and changes nothing; see
`fastcnn.nn.functional`.
"""

from typing import Any

from .._arguments import real, word
from ..errors import ArgumentError
from . import functional as F
from .declaration import declare
from .elementwise import Elementwise

__all__ = [
    "CELU",
    "ELU",
    "GELU",
    "SELU",
    "LogSigmoid",
    "Mish",
    "SiLU",
    "Sigmoid",
    "Softplus",
    "Softsign",
    "Tanh",
    "Tanhshrink",
]

_approximation = word("none", "tanh")


@declare()
class Sigmoid(Elementwise):
    """Squash to (0, 1): ``y = 1 / (1 + exp(-x))``."""

    def forward(self, x: Any) -> Any:
        """Return y."""
        return F.sigmoid(x)


@declare()
class LogSigmoid(Elementwise):
    """Take the logarithm of a sigmoid: ``y = -log(1 + exp(-x))``, without overflow."""

    def forward(self, x: Any) -> Any:
        """Return y."""
        return F.logsigmoid(x)


@declare({"beta": real, "threshold": real})
class Softplus(Elementwise):
    """Rectify smoothly: ``y = log(1 + exp(beta x)) / beta``, and x where ``beta x > threshold``.

    Parameters
    ----------
    beta : float
        How sharp the bend at 0 is; not 0.
    threshold : float
        Beyond it y is x.
    """

    _shown = ("beta", "threshold")

    def __init__(self, beta: float = 1.0, threshold: float = 20.0) -> None:
        super().__init__()
        self.beta = real(beta, "Softplus: beta")
        self.threshold = real(threshold, "Softplus: threshold")
        if self.beta == 0:
            raise ArgumentError("Softplus: beta must not be 0")

    def forward(self, x: Any) -> Any:
        """Return y."""
        return F.softplus(x, self.beta, self.threshold)


@declare()
class Softsign(Elementwise):
    """Squash to (-1, 1): ``y = x / (1 + |x|)``."""

    def forward(self, x: Any) -> Any:
        """Return y."""
        return F.softsign(x)


@declare()
class Tanh(Elementwise):
    """Squash to (-1, 1): ``y = tanh(x)``."""

    def forward(self, x: Any) -> Any:
        """Return y."""
        return F.tanh(x)


@declare()
class Tanhshrink(Elementwise):
    """Take what tanh takes away: ``y = x - tanh(x)``."""

    def forward(self, x: Any) -> Any:
        """Return y."""
        return F.tanhshrink(x)


@declare({"alpha": real})
class ELU(Elementwise):
    """Bend negative values towards -alpha: ``y = x where x > 0, else alpha (exp(x) - 1)``.

    Source: Clevert et al., "Fast and Accurate Deep Network Learning by Exponential Linear Units" (2015).

    Parameters
    ----------
    alpha : float
    """

    _shown = ("alpha",)

    def __init__(self, alpha: float = 1.0, inplace: bool = False) -> None:
        super().__init__(inplace)
        self.alpha = real(alpha, "ELU: alpha")

    def forward(self, x: Any) -> Any:
        """Return y."""
        return F.elu(x, self.alpha)


@declare({"alpha": real})
class CELU(Elementwise):
    """Do so with slope 1 at 0 for any alpha: ``y = x where x > 0, else alpha (exp(x / alpha) - 1)``.

    Source: Barron, "Continuously Differentiable Exponential Linear Units" (2017).

    Parameters
    ----------
    alpha : float
        Not 0.
    """

    _shown = ("alpha",)

    def __init__(self, alpha: float = 1.0, inplace: bool = False) -> None:
        super().__init__(inplace)
        self.alpha = real(alpha, "CELU: alpha")
        if self.alpha == 0:
            raise ArgumentError("CELU: alpha must not be 0")

    def forward(self, x: Any) -> Any:
        """Return y."""
        return F.celu(x, self.alpha)


@declare()
class SELU(Elementwise):
    """Scale an ELU so that mean 0 and variance 1 stay: ``y = s x where x > 0, else s a (exp(x) - 1)``.

    s = 1.0507, a = 1.67326. Source: Klambauer et al., "Self-Normalizing Neural Networks" (2017).
    """

    def forward(self, x: Any) -> Any:
        """Return y."""
        return F.selu(x)


@declare()
class SiLU(Elementwise):
    """Multiply by a sigmoid: ``y = x / (1 + exp(-x))``; also called swish.

    Source: Elfwing et al., "Sigmoid-Weighted Linear Units" (2018).
    """

    def forward(self, x: Any) -> Any:
        """Return y."""
        return F.silu(x)


@declare()
class Mish(Elementwise):
    """Multiply by tanh of a softplus: ``y = x tanh(log(1 + exp(x)))``.

    Source: Misra, "Mish: A Self Regularized Non-Monotonic Activation Function" (2019).
    """

    def forward(self, x: Any) -> Any:
        """Return y."""
        return F.mish(x)


@declare({"approximate": _approximation})
class GELU(Elementwise):
    """Multiply by the share of a normal distribution below x: ``y = x (1 + erf(x / sqrt(2))) / 2``.

    Source: Hendrycks and Gimpel, "Gaussian Error Linear Units" (2016).

    Parameters
    ----------
    approximate : {"none", "tanh"}
        "tanh": ``y = x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))) / 2``.
    """

    _shown = ("approximate",)

    def __init__(self, approximate: str = "none") -> None:
        super().__init__()
        self.approximate = _approximation(approximate, "GELU: approximate")

    def forward(self, x: Any) -> Any:
        """Return y."""
        return F.gelu(x, self.approximate)
