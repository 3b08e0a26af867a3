"""Activations that are made of exponential functions, and other smooth functions of single elements."""

from __future__ import annotations

from .._arguments import real, word
from ..errors import ArgumentError
from .activation import Activation
from .functions import function

__all__ = [
    "CELU",
    "ELU",
    "GELU",
    "SELU",
    "Erf",
    "Exp",
    "Log",
    "LogSigmoid",
    "Mish",
    "SiLU",
    "Sigmoid",
    "Softplus",
    "Softsign",
    "Sqrt",
    "Tanh",
    "Tanhshrink",
]


@function("sigmoid")
class Sigmoid(Activation):
    """y = 1 / (1 + exp(-x))."""

    kernel = "sigmoid"


@function("logsigmoid")
class LogSigmoid(Activation):
    """y = log(1 / (1 + exp(-x)))."""

    kernel = "logsigmoid"


@function(
    "softplus", {"beta": real, "threshold": real}, read=lambda f, _: {"beta": f.alpha, "threshold": f.beta}
)
class Softplus(Activation):
    """y = log(1 + exp(beta x)) / beta, and x where beta x > threshold."""

    kernel, of_output = "softplus", False

    def __init__(self, beta: float = 1.0, threshold: float = 20.0) -> None:
        self.alpha = real(beta, "softplus: beta")
        self.beta = real(threshold, "softplus: threshold")
        if self.alpha == 0:
            raise ArgumentError("softplus: beta must not be 0")


@function("softsign")
class Softsign(Activation):
    """y = x / (1 + |x|)."""

    kernel = "softsign"


@function("tanh")
class Tanh(Activation):
    """y = tanh(x)."""

    kernel = "tanh"


@function("tanhshrink")
class Tanhshrink(Activation):
    """y = x - tanh(x)."""

    kernel, of_output = "tanhshrink", False


@function("elu", {"alpha": real})
class ELU(Activation):
    """y = x where x > 0, else alpha (exp(x) - 1)."""

    def __init__(self, alpha: float = 1.0) -> None:
        self.alpha = real(alpha, "elu: alpha")
        self.of_output = self.alpha >= 0
        self.kernel = "elu" if self.of_output else "elu_of_input"


@function("celu", {"alpha": real})
class CELU(Activation):
    """y = x where x > 0, else alpha (exp(x / alpha) - 1)."""

    kernel = "celu"

    def __init__(self, alpha: float = 1.0) -> None:
        self.alpha = real(alpha, "celu: alpha")
        if self.alpha == 0:
            raise ArgumentError("celu: alpha must not be 0")


@function("selu")
class SELU(Activation):
    """y = 1.0507 x where x > 0, else 1.0507 * 1.67326 (exp(x) - 1)."""

    kernel = "selu"
    # Klambauer et al., "Self-Normalizing Neural Networks" (2017), where all their digits stand.
    alpha, beta = 1.6732632423543772848170429916717, 1.0507009873554804934193349852946


@function("silu")
class SiLU(Activation):
    """y = x / (1 + exp(-x))."""

    kernel, of_output = "silu", False


@function("mish")
class Mish(Activation):
    """y = x tanh(log(1 + exp(x)))."""

    kernel, of_output = "mish", False


@function("gelu", {"approximate": word("none", "tanh")})
class GELU(Activation):
    """y = x (1 + erf(x / sqrt(2))) / 2, or with "tanh" x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))) / 2."""

    of_output = False

    def __init__(self, approximate: str = "none") -> None:
        self.approximate = word("none", "tanh")(approximate, "gelu: approximate")
        self.kernel = "gelu" if approximate == "none" else "gelu_tanh"


@function("erf")
class Erf(Activation):
    """y = 2 / sqrt(pi) times the integral of exp(-t^2) from 0 to x."""

    kernel, of_output = "erf", False


@function("exp")
class Exp(Activation):
    """y = exp(x)."""

    kernel = "exp"


@function("log")
class Log(Activation):
    """y = log(x), the natural logarithm."""

    kernel, of_output, finite = "log", False, False


@function("sqrt")
class Sqrt(Activation):
    """y = sqrt(x)."""

    kernel, finite = "sqrt", False
