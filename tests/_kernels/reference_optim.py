"""The rows of csrc/eager/optimizers.inc in plain NumPy: what a step returns for all that it changes."""

import numpy as np


def _gradient(param, grad, o):
    g = -grad if o["maximize"] else grad
    return g if o.get("decoupled_weight_decay") else g + o["weight_decay"] * param


def _shrunk(param, o):
    return param * (1 - o["lr"] * o["weight_decay"]) if o.get("decoupled_weight_decay") else param


def _moments(param, grad, m, v, o):
    """Return param, gradient, m and v of Adam and those like it."""
    g, p = _gradient(param, grad, o), _shrunk(param, o)
    return p, g, o["beta1"] * m + (1 - o["beta1"]) * g, o["beta2"] * v + (1 - o["beta2"]) * g * g


def nadam(param, grad, m, v, grad_rate, mean_rate, correction, **o):
    p, g, m, v = _moments(param, grad, m, v, o)
    return p - (grad_rate * g + mean_rate * m) / (np.sqrt(v / correction) + o["eps"]), m, v


def radam(param, grad, m, v, rate, rectified, **o):
    p, _, m, v = _moments(param, grad, m, v, o)
    return p - rate * m / (np.sqrt(v) + o["eps"] if rectified else 1), m, v


def adamax(param, grad, m, u, rate, **o):
    g = _gradient(param, grad, o)
    m, u = o["beta1"] * m + (1 - o["beta1"]) * g, np.maximum(o["beta2"] * u, np.abs(g) + o["eps"])
    return param - rate * m / u, m, u


def rmsprop(param, grad, v, mean, buffer, **o):
    g = _gradient(param, grad, o)
    v = o["alpha"] * v + (1 - o["alpha"]) * g * g
    variance = v
    if mean is not None:
        mean = o["alpha"] * mean + (1 - o["alpha"]) * g
        variance = np.maximum(v - mean * mean, 0)
    move = g / (np.sqrt(variance) + o["eps"])
    if buffer is not None:
        move = buffer = o["momentum"] * buffer + move
    return param - o["lr"] * move, v, mean, buffer


def adagrad(param, grad, total, rate, **o):
    g = _gradient(param, grad, o)
    total = total + g * g
    return param - rate * g / (np.sqrt(total) + o["eps"]), total


def adadelta(param, grad, v, d, **o):
    g, rho, eps = _gradient(param, grad, o), o["rho"], o["eps"]
    v = rho * v + (1 - rho) * g * g
    delta = np.sqrt(d + eps) / np.sqrt(v + eps) * g
    return param - o["lr"] * delta, v, rho * d + (1 - rho) * delta * delta


def lion(param, grad, m, **o):
    g = -grad if o["maximize"] else grad
    c = o["beta1"] * m + (1 - o["beta1"]) * g
    p = param * (1 - o["lr"] * o["weight_decay"]) - o["lr"] * np.sign(c)
    return p, o["beta2"] * m + (1 - o["beta2"]) * g


def muon_average(param, grad, buffer, **o):
    buffer = o["momentum"] * buffer + (1 - o["momentum"]) * grad
    return o["momentum"] * buffer + (1 - o["momentum"]) * grad if o["nesterov"] else buffer, buffer


def muon_apply(param, grad, rate, **o):
    return (param * (1 - o["lr"] * o["weight_decay"]) - rate * grad,)


def average(param, grad, **o):
    return (param + o["share"] * (grad - param),)


def total(param, grad, **o):
    return (param + grad,)
