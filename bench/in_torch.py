"""PyTorch's side of the benches of kernels and steps: float32, eager, in the layout in which arrays come.

Only `compare.torch_side` imports it. Each function makes the tensors and returns what is to be clocked, a
function without arguments.
"""

import numpy as np
import torch
from torch import nn

from fastcnn.nn import Module

from .peers import layers
from .peers.torch_model import build

_aten = torch.ops.aten


def _tensors(*arrays):
    return [torch.from_numpy(array) for array in arrays]


def conv2d(x, weight, bias, stride, padding):
    """Return the convolution."""
    x, weight, bias = _tensors(x, weight, bias)
    return lambda: torch.conv2d(x, weight, bias, stride, padding).numpy()


def conv2d_backward(dy, x, weight, stride, padding):
    """Return dx, dweight, dbias."""
    dy, x, weight = _tensors(dy, x, weight)
    settings = [len(weight)], [stride] * 2, [padding] * 2, [1, 1], False, [0, 0], 1, [True] * 3
    return lambda: [each.numpy() for each in _aten.convolution_backward(dy, x, weight, *settings)]


def max_pool2d(x, kernel, stride):
    """Return the maxima; their indices are found too, as fastcnn does."""
    (x,) = _tensors(x)
    return lambda: _aten.max_pool2d_with_indices(x, [kernel] * 2, [stride] * 2)[0].numpy()


def max_pool2d_backward(dy, argmax, x, kernel, stride):
    """Return dx."""
    dy, argmax, x = _tensors(dy, argmax.astype(np.int64), x)
    settings = [kernel] * 2, [stride] * 2, [0, 0], [1, 1], False, argmax
    return lambda: _aten.max_pool2d_with_indices_backward(dy, x, *settings).numpy()


def avg_pool2d(x, kernel, stride):
    """Return the means."""
    (x,) = _tensors(x)
    return lambda: _aten.avg_pool2d(x, [kernel] * 2, [stride] * 2).numpy()


def interpolate(x, size, mode):
    """Return images of another size."""
    (x,) = _tensors(x)
    return lambda: nn.functional.interpolate(x, size, mode=mode).numpy()


def interpolate_backward(dy, shape, mode):
    """Return dx."""
    (dy,) = _tensors(dy)
    size = list(dy.shape[2:])
    if mode == "nearest":
        return lambda: _aten.upsample_nearest2d_backward(dy, size, list(shape)).numpy()
    backward = _aten.upsample_bilinear2d_backward if mode == "bilinear" else _aten.upsample_bicubic2d_backward
    return lambda: backward(dy, size, list(shape), False).numpy()


def batch_norm(x, weight, bias, eps=1e-5):
    """Return y normalised by the batch's statistics."""
    x, weight, bias = _tensors(x, weight, bias)
    return lambda: _aten.native_batch_norm(x, weight, bias, None, None, True, 0.1, eps)[0].numpy()


def batch_norm_backward(dy, x, weight, eps=1e-5):
    """Return dx, dweight, dbias; the statistics are those that the forward pass has kept."""
    dy, x, weight = _tensors(dy, x, weight)
    _, mean, invstd = _aten.native_batch_norm(x, weight, None, None, None, True, 0.1, eps)
    settings = weight, None, None, mean, invstd, True, eps, [True] * 3
    return lambda: [each.numpy() for each in _aten.native_batch_norm_backward(dy, x, *settings)]


def linear(x, weight, bias):
    """Return x weight^T + bias."""
    x, weight, bias = _tensors(x, weight, bias)
    return lambda: nn.functional.linear(x, weight, bias).numpy()


def linear_backward(dy, x, weight):
    """Return dx, dweight, dbias, with the products that autograd makes."""
    dy, x, weight = _tensors(dy, x, weight)
    return lambda: ((dy @ weight).numpy(), (dy.T @ x).numpy(), dy.sum(0).numpy())


def network(model: Module, input_shape: tuple[int, ...]) -> nn.Module:
    """Return a network of fastcnn as one of PyTorch, with a copy of its weights."""
    made = build(layers.describe(model, input_shape))
    made.load_state_dict({name: torch.from_numpy(array.copy()) for name, array in model.state_dict().items()})
    return made


def train_step(model: nn.Module, images, labels, lr):
    """Return a step of plain SGD on bytes, which returns the loss."""
    model.train()
    images, labels = _tensors(images, labels)
    optimizer = torch.optim.SGD(model.parameters(), lr=lr)
    cross_entropy = nn.CrossEntropyLoss()

    def step():
        optimizer.zero_grad()
        loss = cross_entropy(model(images.float() / 255), labels)
        loss.backward()
        optimizer.step()
        return loss.item()

    return step


def predict(model: nn.Module, x):
    """Return the logits."""
    model.eval()
    (x,) = _tensors(x)

    def call():
        with torch.inference_mode():
            return model(x).numpy()

    return call
