"""The kernels in plain NumPy: whole-array code as one would write it without a compiler.

Only what the benches need: float32, square kernels, one group, the same padding on every side.
"""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view


def _windows(x, kernel, stride, padding=0):
    """Return a view (N, C, out_h, out_w, kernel, kernel) of x with its padding."""
    if padding:
        x = np.pad(x, ((0, 0), (0, 0), (padding, padding), (padding, padding)))
    return sliding_window_view(x, (kernel, kernel), axis=(2, 3))[:, :, ::stride, ::stride]


def im2col(x, kernel, stride=1, padding=0):
    """Return (N, C kernel kernel, out_h out_w)."""
    windows = _windows(x, kernel, stride, padding)
    n, c, out_h, out_w = windows.shape[:4]
    return windows.transpose(0, 1, 4, 5, 2, 3).reshape(n, c * kernel * kernel, out_h * out_w)


def col2im(columns, shape, kernel, stride=1, padding=0):
    """Return the array of `shape` (N, C, H, W) to which every column was added back."""
    n, c, h, w = shape
    out_h = (h + 2 * padding - kernel) // stride + 1
    out_w = (w + 2 * padding - kernel) // stride + 1
    taps = columns.reshape(n, c, kernel, kernel, out_h, out_w)
    x = np.zeros((n, c, h + 2 * padding, w + 2 * padding), columns.dtype)
    for u in range(kernel):
        for v in range(kernel):
            x[:, :, u : u + stride * out_h : stride, v : v + stride * out_w : stride] += taps[:, :, u, v]
    return x[:, :, padding : padding + h, padding : padding + w]


def conv2d(x, weight, bias, stride=1, padding=0):
    """Return the convolution as one matrix product an image."""
    n, _, h, _ = x.shape
    out_channels, _, kernel, _ = weight.shape
    y = weight.reshape(out_channels, -1) @ im2col(x, kernel, stride, padding) + bias[:, None]
    out_h = (h + 2 * padding - kernel) // stride + 1
    return y.reshape(n, out_channels, out_h, -1)


def conv2d_backward(dy, x, weight, stride=1, padding=0):
    """Return dx, dweight, dbias."""
    out_channels, _, kernel, _ = weight.shape
    grad = dy.reshape(len(dy), out_channels, -1)
    columns = im2col(x, kernel, stride, padding)
    dweight = (grad @ columns.transpose(0, 2, 1)).sum(axis=0).reshape(weight.shape)
    dcolumns = weight.reshape(out_channels, -1).T @ grad
    return col2im(dcolumns, x.shape, kernel, stride, padding), dweight, grad.sum(axis=(0, 2))


def max_pool2d(x, kernel, stride):
    """Return the maxima and their indices in the (H, W) plane."""
    windows = _windows(x, kernel, stride)
    flat = windows.reshape(*windows.shape[:4], -1)
    winner = flat.argmax(axis=-1)
    y = np.take_along_axis(flat, winner[..., None], axis=-1)[..., 0]
    rows = winner // kernel + stride * np.arange(y.shape[2])[:, None]
    return y, rows * x.shape[3] + winner % kernel + stride * np.arange(y.shape[3])


def max_pool2d_backward(dy, argmax, shape):
    """Return dx: dy added at each maximum."""
    n, c, h, w = shape
    planes = np.arange(n * c).reshape(n, c, 1, 1) * (h * w)
    return np.bincount((planes + argmax).ravel(), dy.ravel(), n * c * h * w).astype(dy.dtype).reshape(shape)


def avg_pool2d(x, kernel, stride):
    """Return the means."""
    return _windows(x, kernel, stride).mean(axis=(4, 5))


def _interpolation(size, out, mode):
    """Return the matrix (out, size) that interpolates rows."""
    place = np.arange(out) * (size / out)
    if mode == "nearest":
        return (np.floor(place)[:, None] == np.arange(size)).astype(np.float32)
    place = place + 0.5 * size / out - 0.5
    taps, a = (np.arange(2), None) if mode == "bilinear" else (np.arange(-1, 3), -0.75)
    place = place if a else np.maximum(place, 0)
    matrix, low = np.zeros((out, size), np.float32), np.floor(place)
    for tap in taps:
        d = np.abs(place - low - tap)
        weight = 1 - d
        if a:
            far = a * (d**3 - 5 * d**2 + 8 * d - 4)
            weight = np.where(d < 1, (a + 2) * d**3 - (a + 3) * d**2 + 1, far)
        np.add.at(matrix, (np.arange(out), np.clip(low + tap, 0, size - 1).astype(int)), weight)
    return matrix


def interpolate(x, size, mode):
    """Return images of another size."""
    matrix = _interpolation(x.shape[-1], size, mode)
    return matrix @ x @ matrix.T


def interpolate_backward(dy, size, mode):
    """Return dx of images of a size."""
    matrix = _interpolation(size, dy.shape[-1], mode)
    return matrix.T @ dy @ matrix


def batch_norm(x, weight, bias, eps=1e-5):
    """Return y normalised by the batch's statistics."""
    mean, var = x.mean(axis=(0, 2, 3), keepdims=True), x.var(axis=(0, 2, 3), keepdims=True)
    return (x - mean) / np.sqrt(var + eps) * weight[:, None, None] + bias[:, None, None]


def batch_norm_backward(dy, x, weight, eps=1e-5):
    """Return dx, dweight, dbias."""
    axes = (0, 2, 3)
    invstd = 1 / np.sqrt(x.var(axis=axes, keepdims=True) + eps)
    xhat = (x - x.mean(axis=axes, keepdims=True)) * invstd
    dbias, dweight = dy.sum(axis=axes), (dy * xhat).sum(axis=axes)
    count = dy.size / len(dbias)
    inner = dy - dbias[:, None, None] / count - xhat * dweight[:, None, None] / count
    return weight[:, None, None] * invstd * inner, dweight, dbias


def linear(x, weight, bias):
    """Return x weight^T + bias."""
    return x @ weight.T + bias


def linear_backward(dy, x, weight):
    """Return dx, dweight, dbias."""
    return dy @ weight, dy.T @ x, dy.sum(axis=0)


def softmax(x):
    """Return the probabilities along axis 1."""
    e = np.exp(x - x.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def cross_entropy(logits, target):
    """Return the mean loss and its gradient."""
    rows = np.arange(len(logits))
    p = softmax(logits)
    loss = -np.log(p[rows, target]).mean()
    p[rows, target] -= 1
    return loss, p / len(logits)


def sgd_step(param, grad, buffer, lr, momentum, weight_decay):
    """Change param and buffer in place."""
    buffer *= momentum
    buffer += grad + weight_decay * param
    param -= lr * buffer


def adam_step(param, grad, m, v, lr, beta1, beta2, eps, step):
    """Change param, m and v in place."""
    m += (1 - beta1) * (grad - m)
    v *= beta2
    v += (1 - beta2) * grad**2
    param -= lr / (1 - beta1**step) * m / (np.sqrt(v / (1 - beta2**step)) + eps)


def rmsprop_step(param, grad, v, lr, alpha, eps):
    """Change param and v in place."""
    v *= alpha
    v += (1 - alpha) * grad**2
    param -= lr * grad / (np.sqrt(v) + eps)


def adagrad_step(param, grad, total, lr, eps):
    """Change param and total in place."""
    total += grad**2
    param -= lr * grad / (np.sqrt(total) + eps)


def adadelta_step(param, grad, v, d, lr, rho, eps):
    """Change param, v and d in place."""
    v *= rho
    v += (1 - rho) * grad**2
    delta = np.sqrt(d + eps) / np.sqrt(v + eps) * grad
    d *= rho
    d += (1 - rho) * delta**2
    param -= lr * delta


def nadam_step(param, grad, m, v, products, lr, beta1, beta2, eps, step):
    """Change param, m and v in place, and the list of products of momenta."""
    mu, coming = (beta1 * (1 - 0.5 * 0.96 ** (t * 0.004)) for t in (step, step + 1))
    products.append(products[-1] * mu)
    m += (1 - beta1) * (grad - m)
    v *= beta2
    v += (1 - beta2) * grad**2
    ahead = (1 - mu) / (1 - products[-1]) * grad + coming / (1 - products[-1] * coming) * m
    param -= lr * ahead / (np.sqrt(v / (1 - beta2**step)) + eps)


def radam_step(param, grad, m, v, lr, beta1, beta2, eps, step):
    """Change param, m and v in place."""
    m += (1 - beta1) * (grad - m)
    v *= beta2
    v += (1 - beta2) * grad**2
    full = 2 / (1 - beta2) - 1
    length = full - 2 * step * beta2**step / (1 - beta2**step)
    rate = lr / (1 - beta1**step)
    if length <= 5:
        param -= rate * m
        return
    rate *= ((length - 4) * (length - 2) * full / ((full - 4) * (full - 2) * length)) ** 0.5
    param -= rate * (1 - beta2**step) ** 0.5 * m / (np.sqrt(v) + eps)


def adamax_step(param, grad, m, u, lr, beta1, beta2, eps, step):
    """Change param, m and u in place."""
    m += (1 - beta1) * (grad - m)
    np.maximum(beta2 * u, np.abs(grad) + eps, out=u)
    param -= lr / (1 - beta1**step) * m / u


def lion_step(param, grad, m, lr, beta1, beta2):
    """Change param and m in place."""
    param -= lr * np.sign(beta1 * m + (1 - beta1) * grad)
    m += (1 - beta2) * (grad - m)


def muon_step(param, grad, buffer, lr, momentum, weight_decay, coefficients):
    """Change param (a square matrix) and buffer in place."""
    buffer += (1 - momentum) * (grad - buffer)
    x = grad + momentum * (buffer - grad)
    x /= np.linalg.norm(x)
    a, b, c = coefficients
    for _ in range(5):
        gram = x @ x.T
        x = a * x + (b * gram + c * gram @ gram) @ x
    param *= 1 - lr * weight_decay
    param -= lr * x


def average(averaged, current, decay):
    """Change the average in place."""
    averaged += (1 - decay) * (current - averaged)


def affine(images, matrices):
    """Return uint8 images sampled bilinearly where `matrices` (N, 6) map their pixels; 0 lies outside."""
    n, c, h, w = images.shape
    i, j = np.arange(h)[:, None], np.arange(w)
    m = matrices[:, :, None, None]
    x = np.clip(m[:, 0] * j + m[:, 1] * i + m[:, 2], -1, w)
    y = np.clip(m[:, 3] * j + m[:, 4] * i + m[:, 5], -1, h)
    left, top = np.floor(x).astype(int), np.floor(y).astype(int)
    right, below = x - left, y - top
    padded = np.pad(images, ((0, 0), (0, 0), (1, 2), (1, 2)))
    at = np.arange(n)[:, None, None], slice(None)
    result = np.zeros((n, h, w, c))
    for u, v in ((0, 0), (0, 1), (1, 0), (1, 1)):
        share = (below if u else 1 - below) * (right if v else 1 - right)
        result += share[..., None] * padded[(*at, top + 1 + u, left + 1 + v)]
    return np.floor(result + 0.5).astype(np.uint8).transpose(0, 3, 1, 2)


def normalize(images, mean, std):
    """Return (x / 255 - mean) / std in float32."""
    return ((images / np.float32(255)) - np.float32(mean)) / np.float32(std)
