"""Ask PyTorch about the operations of fastcnn.ops (the `grid_*` modules), in float64."""

import itertools
import math

import numpy as np
import torch
from torch.nn import functional

from . import (
    grid_conv,
    grid_conv_transpose1d,
    grid_elementwise_loss,
    grid_indices,
    grid_line_sizes,
    grid_loss,
    grid_margins,
    grid_norm,
    grid_pool,
    grid_power_pool,
    grid_products,
    grid_shape,
    grid_special,
    recipe,
)
from .question import Question

GRIDS = {
    "conv": grid_conv,
    "pool": grid_pool,
    "shape": grid_shape,
    "products": grid_products,
    "norm": grid_norm,
    "loss": grid_loss,
    "elementwise_loss": grid_elementwise_loss,
    "special": grid_special,
    "indices": grid_indices,
    "margins": grid_margins,
    "line_sizes": grid_line_sizes,
    "power_pool": grid_power_pool,
    "conv_transpose1d": grid_conv_transpose1d,
}


def _pad(x: torch.Tensor, args: dict, value: float = 0.0) -> torch.Tensor:
    """Apply and remove a padding of four numbers, which PyTorch's windows do not take themselves."""
    padding = args.get("padding", 0)
    if isinstance(padding, list) and len(padding) == 4:
        del args["padding"]
        return functional.pad(x, padding, value=value)
    return x


def _conv2d(x, weight, bias=None, **args):
    return {"y": functional.conv2d(_pad(x, args), weight, bias, **args)}


def _padded_conv2d(x, weight, bias, **args):
    size = weight.shape[1] * args.get("groups", 1), weight.shape[0], tuple(weight.shape[2:])
    layer = torch.nn.Conv2d(*size, **args, dtype=x.dtype)
    return {"y": torch.func.functional_call(layer, {"weight": weight, "bias": bias}, (x,))}


def _im2col(x, **args):
    return {"y": functional.unfold(_pad(x, args), **args)}


def _max_pool2d(x, **args):
    left, top = 0, 0
    padding = args.get("padding", 0)
    if isinstance(padding, list) and len(padding) == 4:
        left, top = padding[0], padding[2]
    padded = _pad(x, args, -math.inf)
    y, argmax = functional.max_pool2d(padded, return_indices=True, **args)
    rows, columns = argmax // padded.shape[-1] - top, argmax % padded.shape[-1] - left
    assert ((rows >= 0) & (rows < x.shape[-2]) & (columns >= 0) & (columns < x.shape[-1])).all()
    return {"y": y, "argmax": rows * x.shape[-1] + columns}


def _with_indices(pool):
    def ask(x, **args):
        y, argmax = pool(x, return_indices=True, **args)
        return {"y": y, "argmax": argmax}

    return ask


def _avg_pool2d(x, **args):
    padded = _pad(x, dict(args))
    if padded.shape == x.shape:
        return {"y": functional.avg_pool2d(x, **args)}
    include = args.pop("count_include_pad", True)
    inside = _pad(torch.ones_like(x), dict(args))
    args.pop("padding")
    y = functional.avg_pool2d(padded, **args)
    # The share of pixels inside the image turns the mean over the window into the mean over those.
    return {"y": y if include else y / functional.avg_pool2d(inside, **args)}


def _interpolate(x, **args):
    factor = args.pop("scale_factor", None)
    # PyTorch takes tuples of factors, not lists.
    return functional.interpolate(
        x, scale_factor=tuple(factor) if isinstance(factor, list) else factor, **args
    )


def _batch_norm(x, running_mean=None, running_var=None, weight=None, bias=None, **args):
    y = functional.batch_norm(x, running_mean, running_var, weight, bias, **args)
    return {"y": y, "running_mean": running_mean, "running_var": running_var}


def output_sizes(window: str, ceil_mode: bool, ranges: dict[str, list[int]]) -> np.ndarray:
    """Return the output size for every geometry in the ranges, -1 where PyTorch refuses it."""

    def ask(size, kernel, stride, padding, dilation):
        x = torch.zeros(1, 1, size, 1)
        one_wide = {"stride": (stride, 1), "padding": (padding, 0), "dilation": (dilation, 1)}
        try:
            if window == "conv2d":
                return functional.conv2d(x, torch.zeros(1, 1, kernel, 1), **one_wide).shape[2]
            return functional.max_pool2d(x, (kernel, 1), ceil_mode=ceil_mode, **one_wide).shape[2]
        except RuntimeError:
            return -1

    sizes = [ask(*numbers) for numbers in itertools.product(*ranges.values())]
    return np.array(sizes, np.int8).reshape([len(values) for values in ranges.values()])


def _loss(function):
    def ask(x, target, **args):
        return {"y": function(x, target, **args)}

    return ask


ANSWER = {
    "conv1d": lambda x, weight, bias=None, **args: {"y": functional.conv1d(x, weight, bias, **args)},
    "conv2d": _conv2d,
    "conv_transpose1d": lambda x, weight, bias=None, **args: {
        "y": functional.conv_transpose1d(x, weight, bias, **args)
    },
    "conv_transpose2d": lambda x, weight, bias=None, **args: {
        "y": functional.conv_transpose2d(x, weight, bias, **args)
    },
    "prelu": lambda x, weight: {"y": functional.prelu(x, weight)},
    "im2col": _im2col,
    "linear": lambda x, weight, bias=None: {"y": functional.linear(x, weight, bias)},
    "max_pool2d": _max_pool2d,
    "avg_pool2d": _avg_pool2d,
    "adaptive_avg_pool2d": lambda x, output_size: {"y": functional.adaptive_avg_pool2d(x, output_size)},
    "adaptive_max_pool2d": _with_indices(functional.adaptive_max_pool2d),
    "max_pool1d": _with_indices(functional.max_pool1d),
    "adaptive_max_pool1d": _with_indices(functional.adaptive_max_pool1d),
    "lp_pool1d": lambda x, **args: {"y": functional.lp_pool1d(x, **args)},
    "lp_pool2d": lambda x, **args: {"y": functional.lp_pool2d(x, **args)},
    "max_unpool1d": lambda x, indices, **args: {"y": functional.max_unpool1d(x, indices, **args)},
    "max_unpool2d": lambda x, indices, **args: {"y": functional.max_unpool2d(x, indices, **args)},
    "padded_conv2d": _padded_conv2d,
    "pad": lambda x, padding, **args: {"y": functional.pad(x, padding, **args)},
    "interpolate": lambda x, **args: {"y": _interpolate(x, **args)},
    "pixel_shuffle": lambda x, **args: {"y": functional.pixel_shuffle(x, **args)},
    "pixel_unshuffle": lambda x, **args: {"y": functional.pixel_unshuffle(x, **args)},
    "channel_shuffle": lambda x, **args: {"y": functional.channel_shuffle(x, **args)},
    "batch_norm": _batch_norm,
    "group_norm": lambda x, weight=None, bias=None, **args: {
        "y": functional.group_norm(x, weight=weight, bias=bias, **args)
    },
    "layer_norm": lambda x, weight=None, bias=None, **args: {
        "y": functional.layer_norm(x, weight=weight, bias=bias, **args)
    },
    "local_response_norm": lambda x, **args: {"y": functional.local_response_norm(x, **args)},
    "relu": lambda x: {"y": functional.relu(x)},
    "softmax": lambda x, dim: {"y": functional.softmax(x, dim)},
    "log_softmax": lambda x, dim: {"y": functional.log_softmax(x, dim)},
    "cross_entropy": _loss(functional.cross_entropy),
    "nll_loss": _loss(functional.nll_loss),
    "mse_loss": _loss(functional.mse_loss),
    "l1_loss": _loss(functional.l1_loss),
    "smooth_l1_loss": _loss(functional.smooth_l1_loss),
    "huber_loss": _loss(functional.huber_loss),
    "binary_cross_entropy": _loss(functional.binary_cross_entropy),
    "binary_cross_entropy_with_logits": _loss(functional.binary_cross_entropy_with_logits),
    "kl_div": _loss(functional.kl_div),
    "poisson_nll_loss": _loss(functional.poisson_nll_loss),
    "soft_margin_loss": _loss(functional.soft_margin_loss),
    "hinge_embedding_loss": _loss(functional.hinge_embedding_loss),
    "gaussian_nll_loss": _loss(functional.gaussian_nll_loss),
    "multi_margin_loss": _loss(functional.multi_margin_loss),
}


def answer(question: Question) -> dict[str, np.ndarray]:
    """Return PyTorch's results and the gradient of every input that takes one, named ``d<input>``."""
    tensors = {name: torch.from_numpy(np.array(recipe.make(spec))) for name, spec in question.inputs.items()}
    variables = {name: t for name, t in tensors.items() if name not in question.constant}
    for tensor in variables.values():
        tensor.requires_grad_()
    results = ANSWER[question.op](**tensors, **question.args)
    y = results["y"]
    dy = torch.from_numpy(np.array(recipe.make(question.upstream_spec(y.shape))))
    gradients = torch.autograd.grad(y, list(variables.values()), dy)
    found = {name: value.detach().numpy() for name, value in results.items() if value is not None}
    found.update({f"d{name}": g.numpy() for name, g in zip(variables, gradients, strict=True)})
    return found
