"""Weight initialisation, and the random stream that layers draw from.

The functions fill an array (or a Parameter) in place and return it, as ``torch.nn.init`` does. fan_in is
the number of inputs that one output adds up, ``in_channels / groups * kernel_h * kernel_w``; fan_out that
of outputs which one input reaches. Sources: He et al., "Delving Deep into Rectifiers" (2015); Glorot and
Bengio, "Understanding the difficulty of training deep feedforward neural networks" (2010).
"""

import math
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import numpy as np

from .._scoped import Scoped
from .._shapes import integer
from ..errors import ArgumentError, ShapeError
from .parameter import Parameter

Generator = np.random.Generator
_GAINS = {
    "linear": 1.0,
    "conv2d": 1.0,
    "sigmoid": 1.0,
    "tanh": 5 / 3,
    "relu": math.sqrt(2),
    "selu": 0.75,
}
_default = np.random.default_rng()


class _Zeros:
    """Draws nothing but 0."""

    def uniform(self, *_: object) -> float:
        return 0.0

    normal = uniform


_undrawn = Scoped()


def undrawn() -> AbstractContextManager[None]:
    """Return a context in which the layers that a thread makes begin with zeros, which takes no time.

    For who gives them weights.
    """
    return _undrawn.set(_Zeros())


def _stream(generator: Generator | None) -> Any:
    """Return what numbers are drawn from."""
    return generator or _undrawn.value or _default


def manual_seed(seed: int) -> Generator:
    """Seed the stream that layers draw their initial weights from; return its generator."""
    global _default
    _default = np.random.default_rng(integer(seed, "manual_seed: seed"))
    return _default


def default_generator() -> Generator:
    """Return the generator that is used where none is given."""
    return _default


def fans(shape: tuple[int, ...]) -> tuple[int, int]:
    """Return (fan_in, fan_out) of a weight of this shape (out, in, ...)."""
    if len(shape) < 2:
        raise ShapeError(f"init: fan_in and fan_out need a weight of at least 2 axes, got the shape {shape}")
    taps = math.prod(shape[2:])
    return shape[1] * taps, shape[0] * taps


def calculate_gain(nonlinearity: str, param: float | None = None) -> float:
    """Return the factor that keeps the variance through a non-linearity."""
    if nonlinearity == "leaky_relu":
        return math.sqrt(2 / (1 + (0.01 if param is None else param) ** 2))
    if nonlinearity not in _GAINS:
        allowed = ", ".join(sorted([*_GAINS, "leaky_relu"]))
        raise ArgumentError(f"init: nonlinearity must be one of {allowed}, got {nonlinearity!r}")
    return _GAINS[nonlinearity]


def _fill(target: np.ndarray | Parameter, values: np.ndarray | float) -> np.ndarray | Parameter:
    array = target.data if isinstance(target, Parameter) else target
    array[...] = values
    return target


def constant_(target: np.ndarray | Parameter, value: float) -> np.ndarray | Parameter:
    """Fill with one value."""
    return _fill(target, value)


def zeros_(target: np.ndarray | Parameter) -> np.ndarray | Parameter:
    """Fill with zeros."""
    return _fill(target, 0)


def ones_(target: np.ndarray | Parameter) -> np.ndarray | Parameter:
    """Fill with ones."""
    return _fill(target, 1)


def uniform_(
    target: np.ndarray | Parameter, a: float = 0.0, b: float = 1.0, generator: Generator | None = None
) -> np.ndarray | Parameter:
    """Draw from the uniform distribution on [a, b)."""
    return _fill(target, _stream(generator).uniform(a, b, target.shape))


def normal_(
    target: np.ndarray | Parameter, mean: float = 0.0, std: float = 1.0, generator: Generator | None = None
) -> np.ndarray | Parameter:
    """Draw from the normal distribution."""
    return _fill(target, _stream(generator).normal(mean, std, target.shape))


def _kaiming_std(shape: tuple[int, ...], a: float, mode: str, nonlinearity: str) -> float:
    if mode not in ("fan_in", "fan_out"):
        raise ArgumentError(f"init: mode must be 'fan_in' or 'fan_out', got {mode!r}")
    fan = fans(shape)[mode == "fan_out"]
    return calculate_gain(nonlinearity, a) / math.sqrt(fan) if fan else 0.0


def kaiming_uniform_(
    target: np.ndarray | Parameter,
    a: float = 0.0,
    mode: str = "fan_in",
    nonlinearity: str = "leaky_relu",
    generator: Generator | None = None,
) -> np.ndarray | Parameter:
    """Draw from U(-b, b) with ``b = gain sqrt(3 / fan)``; a is the slope of the leaky ReLU."""
    bound = math.sqrt(3) * _kaiming_std(target.shape, a, mode, nonlinearity)
    return uniform_(target, -bound, bound, generator)


def kaiming_normal_(
    target: np.ndarray | Parameter,
    a: float = 0.0,
    mode: str = "fan_in",
    nonlinearity: str = "leaky_relu",
    generator: Generator | None = None,
) -> np.ndarray | Parameter:
    """Draw from the normal distribution with ``std = gain / sqrt(fan)``."""
    return normal_(target, 0.0, _kaiming_std(target.shape, a, mode, nonlinearity), generator)


def xavier_uniform_(
    target: np.ndarray | Parameter, gain: float = 1.0, generator: Generator | None = None
) -> np.ndarray | Parameter:
    """Draw from U(-b, b) with ``b = gain sqrt(6 / (fan_in + fan_out))``."""
    bound = gain * math.sqrt(6 / max(1, sum(fans(target.shape))))
    return uniform_(target, -bound, bound, generator)


def xavier_normal_(
    target: np.ndarray | Parameter, gain: float = 1.0, generator: Generator | None = None
) -> np.ndarray | Parameter:
    """Draw from the normal distribution with ``std = gain sqrt(2 / (fan_in + fan_out))``."""
    return normal_(target, 0.0, gain * math.sqrt(2 / max(1, sum(fans(target.shape)))), generator)


def default_weight_(
    weight: Parameter, bias: Parameter | None = None, generator: Generator | None = None
) -> None:
    """Fill a layer as PyTorch does: weight and bias from U(-b, b) with ``b = 1 / sqrt(fan_in)``."""
    fan_in = fans(weight.shape)[0]
    bound = 1 / math.sqrt(fan_in) if fan_in else 0.0
    uniform_(weight, -bound, bound, generator)
    if bias is not None:
        uniform_(bias, -bound, bound, generator)


def _he_normal(weight: Parameter, generator: Generator) -> None:
    kaiming_normal_(weight, nonlinearity="relu", generator=generator)


def _he_uniform(weight: Parameter, generator: Generator) -> None:
    kaiming_uniform_(weight, nonlinearity="relu", generator=generator)


def _glorot_normal(weight: Parameter, generator: Generator) -> None:
    xavier_normal_(weight, generator=generator)


def _glorot_uniform(weight: Parameter, generator: Generator) -> None:
    xavier_uniform_(weight, generator=generator)


def _scaled_normal(weight: Parameter, generator: Generator) -> None:
    taps = math.prod(weight.shape[2:])
    normal_(weight, 0.0, 1 / max(1, taps if weight.data.ndim > 2 else weight.shape[1]), generator)


def _small_normal(weight: Parameter, generator: Generator) -> None:
    normal_(weight, 0.0, 1e-3, generator)


# Schemes of Module.initialize: how weights are drawn (biases become 0). None: the layer's own default.
SCHEMES: dict[str, Callable[[Parameter, Generator], None] | None] = {
    "default": None,
    "kaiming_normal": _he_normal,
    "kaiming_uniform": _he_uniform,
    "xavier_normal": _glorot_normal,
    "xavier_uniform": _glorot_uniform,
    "scaled_normal": _scaled_normal,
    "small_normal": _small_normal,
}
