"""Activations, softmax, log-softmax and dropout."""

import numpy as np

from .._kernels import elementwise as kernels
from .._kernels import softmax as softmax_kernels
from .._outputs import class_axis
from .._shapes import allocate, check_size
from . import _check
from ._masks import drawn, masked


def activate(x: np.ndarray, name: str, alpha: float = 0.0, beta: float = 0.0) -> np.ndarray:
    """Apply a function to each element: ``y = f(x)``, for x of any shape; a NaN propagates.

    Parameters
    ----------
    x : array
        Input.
    name : str
        A row of csrc/common/activations.inc, where the equations stand.
    alpha, beta : float
        Numbers that the function may have.
    """
    number = kernels.ACTIVATIONS[name]
    values = _check.contiguous(_check.array(x, "x", name), "x", name)
    y = allocate(values.shape, values.dtype, f"{name}: the output")
    kernels.activation(y.reshape(-1), values.reshape(-1), number, alpha, beta)
    return y


def activate_backward(
    dy: np.ndarray, x: np.ndarray, name: str, alpha: float = 0.0, beta: float = 0.0, *, kept: str = "x"
) -> np.ndarray:
    """Gradient of `activate`: ``dx = dy f'(x)``; x is what the row takes, the output or the input.

    `kept` is what messages call it.
    """
    number, what = kernels.ACTIVATIONS[name], f"{name}_backward"
    values = _check.array(x, kept, what)
    grad = _check.array(dy, "dy", what)
    _check.shape_is(grad, values.shape, "dy", what)
    _check.same_dtype(what, **{"dy": grad, kept: values})
    values, grad = _check.contiguous(values, kept, what), _check.contiguous(grad, "dy", what)
    dx = allocate(values.shape, values.dtype, f"{what}: dx")
    kernels.activation_backward(dx.reshape(-1), grad.reshape(-1), values.reshape(-1), number, alpha, beta)
    return dx


def relu(x: np.ndarray) -> np.ndarray:
    """Rectify: ``y = max(x, 0)``, for x of any shape; a NaN propagates."""
    return activate(x, "relu")


def relu_backward(dy: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Gradient of `relu`: ``dx = dy where x > 0, else 0``; x may be relu's input or its output."""
    return activate_backward(dy, x, "relu")


def sigmoid(x: np.ndarray) -> np.ndarray:
    """Squash to (0, 1): ``y = 1 / (1 + exp(-x))``, without overflow."""
    return activate(x, "sigmoid")


def sigmoid_backward(dy: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Gradient of `sigmoid` from its output: ``dx = dy y (1 - y)``."""
    return activate_backward(dy, y, "sigmoid", kept="y")


def as_rows(x: np.ndarray, axis: int) -> tuple[int, int, int]:
    """Return (outer, classes, inner), the sizes before, at and after an axis."""
    sizes = x.shape if x.ndim else (1,)
    outer = int(np.prod(sizes[:axis], dtype=object))
    return outer, sizes[axis], int(np.prod(sizes[axis + 1 :], dtype=object))


def _softmax(x: object, dim: int | None, what: str, log: bool) -> np.ndarray:
    values = _check.contiguous(_check.array(x, "x", what), "x", what)
    rows = as_rows(values, class_axis(dim, values.ndim, what))
    y = allocate(values.shape, values.dtype, f"{what}: the output")
    softmax_kernels.softmax(y.reshape(rows), values.reshape(rows), log)
    return y


def _softmax_backward(dy: object, y: object, dim: int | None, what: str, log: bool) -> np.ndarray:
    output = _check.contiguous(_check.array(y, "y", what), "y", what)
    grad = _check.array(dy, "dy", what)
    _check.shape_is(grad, output.shape, "dy", what)
    _check.same_dtype(what, dy=grad, y=output)
    rows = as_rows(output, class_axis(dim, output.ndim, what))
    dx = allocate(output.shape, output.dtype, f"{what}: dx")
    grad = _check.contiguous(grad, "dy", what)
    softmax_kernels.softmax_backward(dx.reshape(rows), grad.reshape(rows), output.reshape(rows), log)
    return dx


def softmax(x: np.ndarray, dim: int | None = None) -> np.ndarray:
    """Turn logits into probabilities along one axis: ``y_c = exp(x_c - max) / sum_k exp(x_k - max)``.

    Parameters
    ----------
    x : array
        Logits.
    dim : int, optional
        The axis of the classes; None takes axis 0 of 1-D and 3-D input and axis 1 of all else.

    Returns
    -------
    array of the shape of x
    """
    return _softmax(x, dim, "softmax", False)


def softmax_backward(dy: np.ndarray, y: np.ndarray, dim: int | None = None) -> np.ndarray:
    """Gradient of `softmax` from its output y: ``dx_c = y_c (dy_c - sum_k dy_k y_k)``."""
    return _softmax_backward(dy, y, dim, "softmax_backward", False)


def log_softmax(x: np.ndarray, dim: int | None = None) -> np.ndarray:
    """Logarithm of `softmax`, without overflow: ``y_c = x_c - max - log sum_k exp(x_k - max)``."""
    return _softmax(x, dim, "log_softmax", True)


def log_softmax_backward(dy: np.ndarray, y: np.ndarray, dim: int | None = None) -> np.ndarray:
    """Gradient of `log_softmax` from its output y: ``dx_c = dy_c - exp(y_c) sum_k dy_k``."""
    return _softmax_backward(dy, y, dim, "log_softmax_backward", True)


def dropout(
    x: np.ndarray, p: float = 0.5, training: bool = True, *, generator: np.random.Generator | None = None
) -> tuple[np.ndarray, np.ndarray | None]:
    """Set elements to zero with probability p and scale the others by 1 / (1 - p).

    The mask is a function of one 64-bit number drawn from the generator, so it is the same for any number
    of threads. Source: Srivastava et al., "Dropout" (2014).

    Parameters
    ----------
    x : array
        Input; its first axis is the batch.
    p : float in [0, 1]
        Probability of dropping an element.
    training : bool
        If False, x is returned as it is, with the mask None.
    generator : numpy.random.Generator
        Source of the mask; needed in training.

    Returns
    -------
    y : array of the shape of x
    mask : array of the shape of x, or None
        0 or 1 / (1 - p): y = x * mask.
    """
    what = "dropout"
    values = _check.array(x, "x", what)
    rate = _check.number(p, "p", what, 0, 1)
    if not _check.flag(training, "training", what) or rate == 0:
        return values, None
    mask = drawn(values.shape, values.dtype, rate, generator, what)
    return masked(values, mask), mask


def dropout_backward(dy: np.ndarray, mask: np.ndarray | None) -> np.ndarray:
    """Gradient of `dropout`: ``dx = dy * mask`` (dy itself where mask is None)."""
    grad = _check.array(dy, "dy", "dropout_backward")
    if mask is None:
        return grad
    _check.shape_is(_check.array(mask, "mask", "dropout_backward"), grad.shape, "mask", "dropout_backward")
    check_size(grad.shape, grad.itemsize, "dropout_backward: dx")
    return masked(grad, mask)
