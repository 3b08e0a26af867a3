"""Plain NumPy counterparts of the kernels: clear, slow, in float64, straight from the equations.

Planes are (planes, height, width); `w` is a fastcnn._shapes.Window.
"""

import numpy as np


def positions(w):
    """Yield (u, v, i, j, row, column) for each tap of each window that lies inside the image."""
    for u, v, i, j in np.ndindex(w.kernel_h, w.kernel_w, w.out_h, w.out_w):
        row = i * w.stride_h - w.pad_top + u * w.dilation_h
        column = j * w.stride_w - w.pad_left + v * w.dilation_w
        if 0 <= row < w.in_h and 0 <= column < w.in_w:
            yield u, v, i, j, row, column


def patches(x, w):
    """im2col: (planes, kernel_h, kernel_w, out_h, out_w), zeros outside the image."""
    columns = np.zeros((len(x), w.kernel_h, w.kernel_w, w.out_h, w.out_w))
    for u, v, i, j, row, column in positions(w):
        columns[:, u, v, i, j] = x[:, row, column]
    return columns


def unpatch(columns, w):
    """col2im, the adjoint of `patches`."""
    x = np.zeros((len(columns), w.in_h, w.in_w))
    for u, v, i, j, row, column in positions(w):
        x[:, row, column] += columns[:, u, v, i, j]
    return x


def _image_patches(x, groups, w):
    batch, channels = x.shape[:2]
    columns = patches(x.reshape(batch * channels, w.in_h, w.in_w).astype(np.float64), w)
    return columns.reshape(batch, groups, channels // groups, *columns.shape[1:])


def _grouped(array, groups, axis):
    shape = array.shape
    split = (*shape[:axis], groups, shape[axis] // groups, *shape[axis + 1 :])
    return array.reshape(split).astype(np.float64)


def conv2d(x, weight, bias, groups, w):
    """y (N, O, out_h, out_w)."""
    y = np.einsum("ngcuvij,gocuv->ngoij", _image_patches(x, groups, w), _grouped(weight, groups, 0))
    y = y.reshape(len(x), len(weight), w.out_h, w.out_w)
    return y if bias is None else y + bias.astype(np.float64)[:, None, None]


def conv2d_backward_input(dy, weight, groups, w):
    """dx (N, C, in_h, in_w)."""
    columns = np.einsum("ngoij,gocuv->ngcuvij", _grouped(dy, groups, 1), _grouped(weight, groups, 0))
    dx = unpatch(columns.reshape(len(dy) * groups * weight.shape[1], *columns.shape[3:]), w)
    return dx.reshape(len(dy), groups * weight.shape[1], w.in_h, w.in_w)


def conv2d_backward_weight(dy, x, groups, w):
    """dweight (O, C / groups, kernel_h, kernel_w)."""
    dweight = np.einsum("ngoij,ngcuvij->gocuv", _grouped(dy, groups, 1), _image_patches(x, groups, w))
    return dweight.reshape(dy.shape[1], x.shape[1] // groups, w.kernel_h, w.kernel_w)


def max_pool2d(x, w):
    """(y, argmax): the first maximum in row-major order wins, a NaN replaces what came before it."""
    y = np.full((len(x), w.out_h, w.out_w), -np.inf)
    argmax = np.full(y.shape, -1)
    for _, _, i, j, row, column in positions(w):
        for p in range(len(x)):
            value = x[p, row, column]
            if argmax[p, i, j] < 0 or value > y[p, i, j] or np.isnan(value):
                y[p, i, j], argmax[p, i, j] = value, row * w.in_w + column
    return y, np.maximum(argmax, 0)


def max_pool2d_backward(dy, argmax, in_h, in_w):
    """dx: dy added at each argmax."""
    dx = np.zeros((len(dy), in_h * in_w))
    for p, i, j in np.ndindex(*dy.shape):
        dx[p, argmax[p, i, j]] += dy[p, i, j]
    return dx.reshape(len(dy), in_h, in_w)


def average_divisors(w, pad_bottom, pad_right, count_include_pad, divisor):
    """The divisor of each window, (out_h, out_w): its pixels in the padded image, or in the image."""
    if divisor:
        return np.full((w.out_h, w.out_w), float(divisor))
    padded = np.ones((w.pad_top + w.in_h + pad_bottom, w.pad_left + w.in_w + pad_right))
    if not count_include_pad:
        padded[:] = 0
        padded[w.pad_top : w.pad_top + w.in_h, w.pad_left : w.pad_left + w.in_w] = 1
    counts = np.zeros((w.out_h, w.out_w))
    for i, j in np.ndindex(w.out_h, w.out_w):
        top, left = i * w.stride_h, j * w.stride_w
        counts[i, j] = padded[top : top + w.kernel_h, left : left + w.kernel_w].sum()
    return np.maximum(counts, 1)


def avg_pool2d(x, w, *divisors):
    """Mean of each window."""
    return patches(x, w).sum(axis=(1, 2)) / average_divisors(w, *divisors)


def avg_pool2d_backward(dy, w, *divisors):
    """dx of avg_pool2d."""
    shares = dy / average_divisors(w, *divisors)
    return unpatch(
        np.broadcast_to(shares[:, None, None], (len(dy), w.kernel_h, w.kernel_w, *dy.shape[1:])), w
    )


def adaptive_max_pool2d(x, out_h, out_w):
    """(maxima, indices in the plane) of windows that divide each plane; the first of equals wins, and NaN."""
    planes, in_h, in_w = x.shape
    y, argmax = np.empty((planes, out_h, out_w), x.dtype), np.empty((planes, out_h, out_w), np.int64)
    for p, i, j in np.ndindex(y.shape):
        rows = range(i * in_h // out_h, -(-(i + 1) * in_h // out_h))
        columns = range(j * in_w // out_w, -(-(j + 1) * in_w // out_w))
        places = np.array([r * in_w + c for r in rows for c in columns])
        winner = np.argmax(np.nan_to_num(x[p].ravel()[places], nan=np.inf))
        y[p, i, j], argmax[p, i, j] = x[p].ravel()[places[winner]], places[winner]
    return y, argmax


def lines_matrix(first, at, weight, size):
    """The matrix (lines, size) of lists of rows or columns."""
    matrix = np.zeros((len(first) - 1, size))
    for i in range(len(first) - 1):
        for entry in range(first[i], first[i + 1]):
            matrix[i, at[entry]] += 1 if weight is None else float(weight[entry])
    return matrix


def resample(x, rows, columns):
    """Sums of the rows of each plane crossed with those of its columns, by their matrices."""
    return rows @ x.astype(np.float64) @ columns.T


def adaptive_averaging(size, out):
    """The matrix (out, size) whose row i averages floor(i size / out) .. ceil((i + 1) size / out) - 1."""
    matrix = np.zeros((out, size))
    for i in range(out):
        first, last = i * size // out, -(-(i + 1) * size // out)
        matrix[i, first:last] = 1 / (last - first)
    return matrix


def batch_norm(x, mean, invstd, weight, bias):
    """y of x (batch, channels, size)."""
    y = (x.astype(np.float64) - mean[:, None]) * invstd[:, None]
    y = y if weight is None else y * weight[:, None]
    return y if bias is None else y + bias[:, None]


def batch_norm_backward(dy, x, mean, invstd, weight, training):
    """(dx, dweight, dbias)."""
    dy, count = dy.astype(np.float64), x.shape[0] * x.shape[2]
    xhat = batch_norm(x, mean, invstd, None, None)
    dbias, dweight = dy.sum(axis=(0, 2)), (dy * xhat).sum(axis=(0, 2))
    scale = invstd if weight is None else invstd * weight
    inner = dy - (dbias[:, None] + xhat * dweight[:, None]) / count if training else dy
    return scale[:, None] * inner, dweight, dbias


def group_norm(x, mean, invstd, weight, bias):
    """y of x (batch, channels, size), with statistics (batch, groups)."""
    some = x.shape[1] // mean.shape[1]
    mean, invstd = (np.repeat(each, some, axis=1)[:, :, None] for each in (mean, invstd))
    y = (x.astype(np.float64) - mean) * invstd
    y = y if weight is None else y * weight[:, None]
    return y if bias is None else y + bias[:, None]


def group_norm_backward(dy, x, mean, invstd, weight):
    """(dx, dweight, dbias)."""
    grouped = (x.shape[0], mean.shape[1], -1)
    xhat = group_norm(x, mean, invstd, None, None)
    inner = dy.astype(np.float64) * (1 if weight is None else weight[:, None])
    means = [
        np.broadcast_to(each.reshape(grouped).mean(axis=2, keepdims=True), each.reshape(grouped).shape)
        for each in (inner, inner * xhat)
    ]
    first, second = (each.reshape(x.shape) for each in means)
    scale = np.repeat(invstd, x.shape[1] // mean.shape[1], axis=1)[:, :, None]
    return scale * (inner - first - xhat * second), (dy * xhat).sum(axis=(0, 2)), dy.sum(axis=(0, 2))


def log_softmax(x):
    """Log-softmax over axis 1 of (outer, classes, inner)."""
    shifted = x.astype(np.float64) - x.max(axis=1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))


def cross_entropy(logits, target, weight, smoothing):
    """(losses (outer, inner), gradient): -sum_c w_c q_c log p_c for class probabilities `target`."""
    q = (1 - smoothing) * target.astype(np.float64) + smoothing / logits.shape[1]
    shares = q if weight is None else q * weight[:, None]
    log_p = log_softmax(logits)
    return -(shares * log_p).sum(axis=1), np.exp(log_p) * shares.sum(axis=1, keepdims=True) - shares


def dropout_mask(rows, size, key, p):
    """The mask of csrc/common/dropout.h in 32-bit integers."""

    def mix(h):
        h = (h ^ (h >> 16)) * 0x7FEB352D & 0xFFFFFFFF
        h = (h ^ (h >> 15)) * 0x846CA68B & 0xFFFFFFFF
        return h ^ (h >> 16)

    mask = np.empty((rows, size))
    for row in range(rows):
        low = mix((key & 0xFFFFFFFF) ^ mix(row))
        high = mix((key >> 32) + low & 0xFFFFFFFF)
        for i in range(size):
            dropped = mix(mix(i + low & 0xFFFFFFFF) ^ high) < int(p * 2**32)
            mask[row, i] = 0 if dropped else 1 / (1 - p)
    return mask


def sgd(param, grad, buffer, *, lr, momentum, dampening, weight_decay, nesterov, maximize, first_step):
    """Return (param, buffer) after one step."""
    g = (-grad if maximize else grad) + weight_decay * param
    if buffer is None:
        return param - lr * g, None
    buffer = g if first_step else momentum * buffer + (1 - dampening) * g
    return param - lr * (g + momentum * buffer if nesterov else buffer), buffer


def adam(param, grad, m, v, top, *, lr, beta1, beta2, eps, weight_decay, step, decoupled, maximize):
    """Return (param, m, v, top) after step number `step`."""
    g = -grad if maximize else grad
    if decoupled:
        param = param * (1 - lr * weight_decay)
    else:
        g = g + weight_decay * param
    m = beta1 * m + (1 - beta1) * g
    v = beta2 * v + (1 - beta2) * g * g
    top = None if top is None else np.maximum(top, v)
    second = (v if top is None else top) / (1 - beta2**step)
    return param - lr * m / (1 - beta1**step) / (np.sqrt(second) + eps), m, v, top


def local_response_norm(dy, x, before, behind, share, beta, k):
    """(y, dx, sum of the magnitudes of dx's terms) of (batch, channels, size) arrays."""
    x, dy = x.astype(np.float64), dy.astype(np.float64)
    channels = range(x.shape[1])
    window = [[j for j in channels if c - before <= j <= c + behind] for c in channels]
    s = np.stack([k + share * (x[:, near] ** 2).sum(axis=1) for near in window], axis=1)
    y, dx = x * s**-beta, dy * s**-beta
    magnitude = np.abs(dx)
    for c in channels:
        for j in window[c]:  # dy[c] reaches x[j] through s[c]
            part = 2 * share * beta * x[:, j] * dy[:, c] * x[:, c] * s[:, c] ** (-beta - 1)
            dx[:, j] -= part
            magnitude[:, j] += np.abs(part)
    return y, dx, magnitude
