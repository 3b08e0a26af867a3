"""Changes of colour by torchvision's formulas, in float64 NumPy: the reference of tests."""

import colorsys

import numpy as np

SHARES = np.array([0.299, 0.587, 0.114])


def grey(x):
    """Return the grey image of (C, H, W)."""
    return x[0] if len(x) == 1 else np.tensordot(SHARES, x, 1)


def hue(x, turn, white):
    """Return (3, H, W) with the hue turned, pixel by pixel."""
    y = np.empty(x.shape)
    for i, j in np.ndindex(*x.shape[1:]):
        h, s, v = colorsys.rgb_to_hsv(*(x[:, i, j] / white))
        y[:, i, j] = colorsys.hsv_to_rgb((h + turn) % 1, s, v)
    return y * white


def sharpness(x, factor):
    """Return x moved away from its blurred inside."""
    if min(x.shape[1:]) < 3:
        return x
    y = x.copy()
    for i in range(1, x.shape[1] - 1):
        for j in range(1, x.shape[2] - 1):
            blurred = (x[:, i - 1 : i + 2, j - 1 : j + 2].sum((1, 2)) + 4 * x[:, i, j]) / 13
            y[:, i, j] = blurred + factor * (x[:, i, j] - blurred)
    return y


def autocontrast(x, white):
    """Return each channel stretched."""
    low, high = x.min((1, 2), keepdims=True), x.max((1, 2), keepdims=True)
    return np.where(high > low, (x - low) * white / np.where(high > low, high - low, 1), x)


def equalize(x):
    """Return each channel of bytes with an even histogram."""
    y = x.copy()
    for channel, out in zip(x.astype(int), y, strict=True):
        histogram = np.bincount(channel.ravel(), minlength=256)
        step = histogram[histogram > 0][:-1].sum() // 255
        if step:
            table = (np.cumsum(histogram) + step // 2) // step
            out[:] = np.concatenate([[0], table[:-1]]).clip(0, 255)[channel]
    return y


def adjusted(x, name, value, white=255.0):
    """Return one image (C, H, W), float64, after an operation, limited but not rounded."""
    coloured = len(x) == 3
    y = {
        "nothing": lambda: x,
        "brightness": lambda: x * value,
        "contrast": lambda: grey(x).mean() + value * (x - grey(x).mean()),
        "saturation": lambda: grey(x) + value * (x - grey(x)) if coloured else x,
        "grey": lambda: np.broadcast_to(grey(x), x.shape),
        "hue": lambda: hue(x, value, white) if coloured else x,
        "sharpness": lambda: sharpness(x, value),
        "posterize": lambda: (x.astype(int) & -(2 ** (8 - int(value)))).astype(float),
        "solarize": lambda: np.where(x >= value, white - x, x),
        "autocontrast": lambda: autocontrast(x, white),
        "equalize": lambda: equalize(x),
    }[name]()
    return np.clip(y, 0, white)
