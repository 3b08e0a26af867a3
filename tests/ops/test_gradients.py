"""Every backward function against central differences of its forward function, in float64."""

import numpy as np
import pytest

from fastcnn import ops
from fastcnn.testing import gradcheck, tie_free


def _rng(*numbers: int) -> np.random.Generator:
    return np.random.default_rng([7, *numbers])


CONV2D = {
    "plain": ((2, 3, 4, 5), (4, 3, 3, 2), {}),
    "unbatched": ((3, 4, 5), (2, 3, 3, 3), {"padding": 1}),
    "stride-beyond-kernel": ((1, 2, 7, 6), (2, 2, 2, 2), {"stride": 3}),
    "uneven": ((1, 2, 5, 7), (2, 2, 2, 3), {"stride": (2, 1), "padding": (1, 2), "dilation": (1, 2)}),
    "one-sided": ((1, 2, 4, 4), (2, 2, 3, 3), {"stride": 2, "padding": (0, 1, 1, 0)}),
    "same-even-kernel": ((1, 2, 4, 3), (2, 2, 2, 4), {"padding": "same"}),
    "groups": ((2, 4, 4, 3), (6, 2, 3, 2), {"groups": 2, "padding": 1}),
    "depthwise": ((1, 3, 4, 4), (6, 1, 3, 3), {"groups": 3, "stride": 2, "padding": 1}),
    "1x1": ((2, 9, 2, 2), (3, 9, 1, 1), {}),
}


@pytest.mark.parametrize("name", CONV2D)
def test_conv2d(name: str) -> None:
    x, weight, args = CONV2D[name]
    rng = _rng(*x)
    gradcheck(
        lambda x, weight, bias: ops.conv2d(x, weight, bias, **args),
        lambda dy, x, weight, bias: ops.conv2d_backward(dy, x, weight, **args),
        [rng.standard_normal(x), rng.standard_normal(weight), rng.standard_normal(weight[0])],
    )


@pytest.mark.parametrize(
    "args", [{}, {"stride": 2, "padding": 1}, {"dilation": (1, 2), "padding": (0, 2, 1, 0)}], ids=str
)
def test_im2col_and_col2im(args: dict) -> None:
    rng = _rng(1)
    x = rng.standard_normal((2, 2, 4, 5))
    columns = rng.standard_normal(ops.im2col(x, 2, **args).shape)
    gradcheck(
        lambda x: ops.im2col(x, 2, **args),
        lambda dy, x: [ops.im2col_backward(dy, x.shape[2:], 2, **args)],
        [x],
    )
    gradcheck(
        lambda c: ops.col2im(c, (4, 5), 2, **args),
        lambda dx, c: [ops.col2im_backward(dx, 2, **args)],
        [columns],
    )


POOL = {
    "tiled": ((2, 3, 4, 6), {"kernel_size": 2}),
    "overlap": ((1, 2, 5, 6), {"kernel_size": 3, "stride": 1, "padding": 1}),
    "ceil": ((1, 2, 6, 5), {"kernel_size": (2, 3), "stride": (3, 2), "padding": (1, 0), "ceil_mode": True}),
    "one-sided": ((1, 2, 6, 6), {"kernel_size": 3, "stride": 2, "padding": (0, 1, 0, 1)}),
    "unbatched": ((2, 5, 4), {"kernel_size": 2, "stride": 1}),
}


@pytest.mark.parametrize("dilation", [1, 2])
@pytest.mark.parametrize("name", POOL)
def test_max_pool2d(name: str, dilation: int) -> None:
    shape, args = POOL[name]
    gradcheck(
        lambda x: ops.max_pool2d(x, dilation=dilation, **args)[0],
        lambda dy, x: [ops.max_pool2d_backward(dy, ops.max_pool2d(x, dilation=dilation, **args)[1], x.shape)],
        [tie_free(shape, _rng(2))],
    )


@pytest.mark.parametrize("more", [{}, {"count_include_pad": False}, {"divisor_override": 5}], ids=str)
@pytest.mark.parametrize("name", POOL)
def test_avg_pool2d(name: str, more: dict) -> None:
    shape, args = POOL[name]
    args = {**args, **more}
    gradcheck(
        lambda x: ops.avg_pool2d(x, **args),
        lambda dy, x: [ops.avg_pool2d_backward(dy, x.shape, **args)],
        [_rng(3).standard_normal(shape)],
    )


@pytest.mark.parametrize("size", [1, (2, 3), (None, 2), (7, 5)], ids=str)
def test_adaptive_avg_pool2d(size) -> None:
    gradcheck(
        lambda x: ops.adaptive_avg_pool2d(x, size),
        lambda dy, x: [ops.adaptive_avg_pool2d_backward(dy, x.shape)],
        [_rng(4).standard_normal((2, 2, 5, 4))],
    )


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("shape", [(6, 3), (3, 2, 4), (2, 3, 4, 3), (1, 2, 1, 5)], ids=str)
def test_batch_norm(shape: tuple[int, ...], training: bool) -> None:
    rng = _rng(5, *shape)
    channels = shape[1]
    mean, var = rng.standard_normal(channels), rng.uniform(0.5, 2, channels)
    gradcheck(
        lambda x, weight, bias: ops.batch_norm(x, mean.copy(), var.copy(), weight, bias, training, eps=1e-3),
        lambda dy, x, weight, bias: ops.batch_norm_backward(dy, x, weight, mean, var, training, 1e-3),
        [rng.standard_normal(shape), rng.standard_normal(channels), rng.standard_normal(channels)],
    )


def test_batch_norm_without_weight_and_statistics() -> None:
    gradcheck(
        lambda x: ops.batch_norm(x, None, None, training=True),
        lambda dy, x: ops.batch_norm_backward(dy, x)[:1],
        [_rng(6).standard_normal((3, 2, 2, 3))],
    )


@pytest.mark.parametrize("shape", [(5,), (4, 5), (2, 3, 5)], ids=str)
def test_linear(shape: tuple[int, ...]) -> None:
    rng = _rng(7, *shape)
    gradcheck(
        lambda x, weight, bias: ops.linear(x, weight, bias),
        lambda dy, x, weight, bias: ops.linear_backward(dy, x, weight),
        [rng.standard_normal(shape), rng.standard_normal((3, 5)), rng.standard_normal(3)],
    )


@pytest.mark.parametrize("shape", [(), (7,), (2, 3, 4)], ids=str)
def test_relu(shape: tuple[int, ...]) -> None:
    gradcheck(ops.relu, lambda dy, x: [ops.relu_backward(dy, x)], [tie_free(shape, _rng(8))])


@pytest.mark.parametrize("name", ["softmax", "log_softmax"])
@pytest.mark.parametrize(
    ("shape", "dim"), [((5,), 0), ((3, 4), 1), ((3, 4), 0), ((2, 3, 4), -2), ((2, 3, 2, 2), None)]
)
def test_softmax(name: str, shape: tuple[int, ...], dim: int | None) -> None:
    forward, backward = getattr(ops, name), getattr(ops, f"{name}_backward")
    gradcheck(
        lambda x: forward(x, dim),
        lambda dy, x: [backward(dy, forward(x, dim), dim)],
        [2 * _rng(9).standard_normal(shape)],
    )


def test_dropout() -> None:
    _, mask = ops.dropout(np.ones((4, 5)), 0.4, generator=_rng(10))
    gradcheck(
        lambda x: ops.dropout(x, 0.4, generator=_rng(10))[0],
        lambda dy, x: [ops.dropout_backward(dy, mask)],
        [_rng(11).standard_normal((4, 5))],
    )


@pytest.mark.parametrize("mode", ["row", "batch"])
def test_stochastic_depth(mode: str) -> None:
    _, mask = ops.stochastic_depth(np.ones((6, 2, 3)), 0.4, mode, generator=_rng(10))
    gradcheck(
        lambda x: ops.stochastic_depth(x, 0.4, mode, generator=_rng(10))[0],
        lambda dy, x: [ops.stochastic_depth_backward(dy, mask)],
        [_rng(11).standard_normal((6, 2, 3))],
    )


def test_zero_pad2d() -> None:
    gradcheck(
        lambda x: ops.zero_pad2d(x, (1, 0, 2, 3)),
        lambda dy, x: [ops.zero_pad2d_backward(dy, (1, 0, 2, 3))],
        [_rng(12).standard_normal((2, 2, 3, 4))],
    )


def _loss_gradcheck(loss, x: np.ndarray) -> None:
    """The fused gradient is that of the loss itself, so a row's share is scaled by that row's dy."""

    def backward(dy, x):
        gradient = loss(x)[1]
        if np.ndim(dy) == 0:
            return [gradient * dy]
        return [gradient * (dy if dy.shape == x.shape else np.expand_dims(dy, min(1, x.ndim - 1)))]

    gradcheck(lambda x: np.asarray(loss(x)[0]), backward, [x])


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("shape", [(4,), (3, 4), (2, 4, 3), (2, 4, 2, 2)], ids=str)
def test_cross_entropy_and_nll_loss(shape: tuple[int, ...], weighted: bool, reduction: str) -> None:
    rng = _rng(13, *shape)
    weight = rng.uniform(0.5, 2, 4) if weighted else None
    target = np.array(rng.integers(0, 4, shape[:1] + shape[2:] if len(shape) > 1 else ()))
    target.flat[0] = 1  # a mean over ignored targets alone is NaN
    soft = rng.uniform(size=shape)
    x = 2 * rng.standard_normal(shape)
    _loss_gradcheck(lambda x: ops.nll_loss(x, target, weight, 2, reduction), x)
    for smoothing in (0.0, 0.3):
        _loss_gradcheck(lambda x, s=smoothing: ops.cross_entropy(x, target, weight, 2, reduction, s), x)
        _loss_gradcheck(lambda x, s=smoothing: ops.cross_entropy(x, soft, weight, -100, reduction, s), x)


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
def test_mse_loss(reduction: str) -> None:
    rng = _rng(14)
    target = rng.standard_normal((3, 4))
    _loss_gradcheck(lambda x: ops.mse_loss(x, target, reduction), rng.standard_normal((3, 4)))
