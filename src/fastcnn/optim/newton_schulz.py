"""The orthogonal matrix next to a matrix, by products alone."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .._kernels.gemm import gemm
from ..nn.utils.clip_grad import norm


def orthogonal(matrix: np.ndarray, coefficients: Sequence[float], steps: int, eps: float) -> np.ndarray:
    """Return an approximation of U V^T for the singular value decomposition U S V^T of a matrix.

    With a, b, c and the matrix over its Frobenius norm, each step of Newton and Schulz's iteration is
    ``X = (a I + b X X^T + c (X X^T)^2) X``: an odd polynomial of all singular values, which with Muon's
    numbers takes those in (0, 1] to about 1, within some 30%, in five steps. Products are taken on the
    shorter side.

    Parameters
    ----------
    matrix : array (m, n)
        Of float32 or float64; the products are in its type.
    coefficients : sequence of three floats
        a, b, c.
    steps : int
    eps : float
        What the norm is at the least.

    Returns
    -------
    array (m, n)
    """
    a, b, c = coefficients
    with np.errstate(over="ignore", invalid="ignore"):
        scale = np.float64(max(norm(matrix, 2.0), eps)) if matrix.size else np.float64(1)
        x = np.divide(matrix, scale, dtype=np.float64).astype(matrix.dtype)
        tall = len(x) > x.shape[1]
        side = min(x.shape)
        gram, inner, polynomial = (np.empty((side, side), x.dtype) for _ in range(3))
        y = np.empty_like(x)
        for _ in range(steps):
            gemm(gram, x.T if tall else x, x if tall else x.T)
            np.multiply(gram, x.dtype.type(c), out=inner)
            inner.reshape(-1)[:: side + 1] += x.dtype.type(b)
            gemm(polynomial, gram, inner)
            polynomial.reshape(-1)[:: side + 1] += x.dtype.type(a)
            if tall:
                gemm(y, x, polynomial)
            else:
                gemm(y, polynomial, x)
            x, y = y, x
    return x
