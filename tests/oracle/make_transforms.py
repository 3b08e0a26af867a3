"""Ask PyTorch about augmentation (`grid_transforms`): its own functions, and torchvision's formulas.

Images are bytes, in float64, and results are neither rounded nor, but for colours, limited. Grey images are
made with Pillow's weights, 0.299, 0.587 and 0.114; torchvision's tensors have 0.2989 for the first.
"""

import math

import numpy as np
import torch
from torch.nn import functional as F

from . import recipe
from .question import Question


def _resize(x: torch.Tensor, size: list[int], mode: str) -> torch.Tensor:
    if mode == "area":
        return F.interpolate(x, size, mode="area")
    return F.interpolate(x, size, mode="bilinear", align_corners=False, antialias=mode == "triangle")


def _affine(x: torch.Tensor, angle: float, scale: float = 1.0) -> torch.Tensor:
    """Turn images clockwise, and scale them; the grid's unit is half an image."""
    height, width = x.shape[2:]
    cos, sin = (f(math.radians(angle)) / scale for f in (math.cos, math.sin))
    theta = torch.tensor(
        [[cos, sin * height / width, 0.0], [-sin * width / height, cos, 0.0]], dtype=x.dtype
    ).expand(len(x), 2, 3)
    grid = F.affine_grid(theta, list(x.shape), align_corners=False)
    return F.grid_sample(x, grid, mode="bilinear", padding_mode="zeros", align_corners=False)


def _grey(x: torch.Tensor) -> torch.Tensor:
    if x.shape[1] == 1:
        return x
    return (0.299 * x[:, 0] + 0.587 * x[:, 1] + 0.114 * x[:, 2])[:, None]


def _blend(x: torch.Tensor, other: torch.Tensor, ratio: float) -> torch.Tensor:
    return (ratio * x + (1 - ratio) * other).clamp(0, 255)


def _hue(x: torch.Tensor, turn: float) -> torch.Tensor:
    """To hue, saturation and value and back, as torchvision's ``_rgb2hsv`` and ``_hsv2rgb``."""
    if x.shape[1] == 1:
        return x
    r, g, b = (x / 255).unbind(1)
    maxc, minc = torch.max(x / 255, 1).values, torch.min(x / 255, 1).values
    equal, spread = maxc == minc, maxc - minc
    s = spread / torch.where(equal, 1, maxc)
    divisor = torch.where(equal, 1, spread)
    rc, gc, bc = (maxc - r) / divisor, (maxc - g) / divisor, (maxc - b) / divisor
    hr = (maxc == r) * (bc - gc)
    hg = ((maxc == g) & (maxc != r)) * (2 + rc - bc)
    hb = ((maxc != g) & (maxc != r)) * (4 + gc - rc)
    h = (torch.fmod((hr + hg + hb) / 6 + 1, 1) + turn) % 1.0
    i = torch.floor(h * 6)
    f = h * 6 - i
    i = i.to(torch.int64) % 6
    p = (maxc * (1 - s)).clamp(0, 1)
    q = (maxc * (1 - s * f)).clamp(0, 1)
    t = (maxc * (1 - s * (1 - f))).clamp(0, 1)
    table = [[maxc, q, p, p, t, maxc], [t, maxc, maxc, q, p, p], [p, p, t, maxc, maxc, q]]
    planes = [torch.stack(row, 1).gather(1, i[:, None])[:, 0] for row in table]
    return 255 * torch.stack(planes, 1)


def _sharpness(x: torch.Tensor, factor: float) -> torch.Tensor:
    channels = x.shape[1]
    kernel = torch.ones(3, 3, dtype=x.dtype)
    kernel[1, 1] = 5
    kernel = (kernel / kernel.sum()).expand(channels, 1, 3, 3)
    blurred = x.clone()
    blurred[:, :, 1:-1, 1:-1] = F.conv2d(x, kernel, groups=channels)
    return _blend(x, blurred, factor)


def _autocontrast(x: torch.Tensor) -> torch.Tensor:
    low, high = x.amin((2, 3), keepdim=True), x.amax((2, 3), keepdim=True)
    scale = torch.where(high == low, 1, 255 / (high - low))
    return ((x - torch.where(high == low, 0, low)) * scale).clamp(0, 255)


def _equalized(plane: torch.Tensor) -> torch.Tensor:
    histogram = torch.bincount(plane.reshape(-1).long(), minlength=256)
    step = torch.div(histogram[histogram != 0][:-1].sum(), 255, rounding_mode="floor")
    if step == 0:
        return plane
    lut = torch.div(histogram.cumsum(0) + step // 2, step, rounding_mode="floor")
    lut = F.pad(lut, [1, 0])[:-1].clamp(0, 255)
    return lut[plane.long()].to(plane.dtype)


CHANGES = {
    "resize": _resize,
    "rotate": lambda x, angle: _affine(x, -angle),
    "affine": _affine,
    "hflip": lambda x: torch.flip(x, (3,)),
    "vflip": lambda x: torch.flip(x, (2,)),
    "brightness": lambda x, value: _blend(x, torch.zeros_like(x), value),
    "contrast": lambda x, value: _blend(x, _grey(x).mean((1, 2, 3), keepdim=True), value),
    "saturation": lambda x, value: _blend(x, _grey(x), value),
    "hue": _hue,
    "sharpness": _sharpness,
    "posterize": lambda x, value: (x.to(torch.uint8) & (256 - 2 ** (8 - int(value)))).to(x.dtype),
    "solarize": lambda x, value: torch.where(x >= value, 255 - x, x),
    "autocontrast": lambda x, value: _autocontrast(x),
    "equalize": lambda x, value: torch.stack([torch.stack([*map(_equalized, each)]) for each in x]),
    "grey": lambda x, value: _grey(x).expand(x.shape),
}


def answer(question: Question) -> dict[str, np.ndarray]:
    """Return PyTorch's images."""
    x = torch.from_numpy(np.floor(recipe.make(question.inputs["x"])))
    change = CHANGES[question.op]
    values = [*question.args.values()]
    return {"images": change(x, *values).numpy()}
