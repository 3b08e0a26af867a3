"""Pure functions on NumPy arrays: each layer's forward pass and its gradient.

Names, argument order, defaults and meaning are those of ``torch.nn.functional``; images are (N, C, H, W),
weights (out_channels, in_channels / groups, kernel_h, kernel_w). A function ``f_backward`` takes the
gradient of f's output first and returns the gradients of f's inputs. Arrays may be float32 or float64, of
any strides; inputs are never changed (the running statistics of batch_norm excepted, as in PyTorch).
"""

from .activation import (
    dropout,
    dropout_backward,
    log_softmax,
    log_softmax_backward,
    relu,
    relu_backward,
    sigmoid,
    sigmoid_backward,
    softmax,
    softmax_backward,
)
from .conv import col2im, col2im_backward, conv2d, conv2d_backward, im2col, im2col_backward
from .conv1d import conv1d, conv1d_backward
from .conv_transpose import conv_transpose2d, conv_transpose2d_backward
from .conv_transpose1d import conv_transpose1d, conv_transpose1d_backward
from .dropping import (
    alpha_dropout,
    alpha_dropout_backward,
    dropout1d,
    dropout1d_backward,
    dropout2d,
    dropout2d_backward,
    feature_alpha_dropout,
    feature_alpha_dropout_backward,
)
from .elementwise import (
    clamp,
    clamp_backward,
    exp,
    exp_backward,
    sqrt,
    sqrt_backward,
    tanh,
    tanh_backward,
)
from .elementwise_losses import (
    binary_cross_entropy,
    binary_cross_entropy_with_logits,
    gaussian_nll_loss,
    hinge_embedding_loss,
    huber_loss,
    kl_div,
    l1_loss,
    mse_loss,
    poisson_nll_loss,
    smooth_l1_loss,
    soft_margin_loss,
)
from .group_norm import group_norm, group_norm_backward, layer_norm, layer_norm_backward
from .linear import linear, linear_backward
from .local_response_norm import local_response_norm, local_response_norm_backward
from .losses import cross_entropy, multi_margin_loss, nll_loss
from .normalization import batch_norm, batch_norm_backward
from .padding import pad, pad_backward, zero_pad2d, zero_pad2d_backward
from .pooling import (
    adaptive_avg_pool2d,
    adaptive_avg_pool2d_backward,
    adaptive_max_pool2d,
    avg_pool2d,
    avg_pool2d_backward,
    max_pool2d,
    max_pool2d_backward,
)
from .prelu import prelu, prelu_backward
from .resampling import interpolate, interpolate_backward
from .shape import channel_shuffle, flatten, pixel_shuffle, pixel_unshuffle, unflatten
from .stochastic_depth import stochastic_depth, stochastic_depth_backward
from .unpooling import max_unpool2d, max_unpool2d_backward

__all__ = [
    "adaptive_avg_pool2d",
    "adaptive_avg_pool2d_backward",
    "adaptive_max_pool2d",
    "alpha_dropout",
    "alpha_dropout_backward",
    "avg_pool2d",
    "avg_pool2d_backward",
    "batch_norm",
    "batch_norm_backward",
    "binary_cross_entropy",
    "binary_cross_entropy_with_logits",
    "channel_shuffle",
    "clamp",
    "clamp_backward",
    "col2im",
    "col2im_backward",
    "conv1d",
    "conv1d_backward",
    "conv2d",
    "conv2d_backward",
    "conv_transpose1d",
    "conv_transpose1d_backward",
    "conv_transpose2d",
    "conv_transpose2d_backward",
    "cross_entropy",
    "dropout",
    "dropout1d",
    "dropout1d_backward",
    "dropout2d",
    "dropout2d_backward",
    "dropout_backward",
    "exp",
    "exp_backward",
    "feature_alpha_dropout",
    "feature_alpha_dropout_backward",
    "flatten",
    "gaussian_nll_loss",
    "group_norm",
    "group_norm_backward",
    "hinge_embedding_loss",
    "huber_loss",
    "im2col",
    "im2col_backward",
    "interpolate",
    "interpolate_backward",
    "kl_div",
    "l1_loss",
    "layer_norm",
    "layer_norm_backward",
    "linear",
    "linear_backward",
    "local_response_norm",
    "local_response_norm_backward",
    "log_softmax",
    "log_softmax_backward",
    "max_pool2d",
    "max_pool2d_backward",
    "max_unpool2d",
    "max_unpool2d_backward",
    "mse_loss",
    "multi_margin_loss",
    "nll_loss",
    "pad",
    "pad_backward",
    "pixel_shuffle",
    "pixel_unshuffle",
    "poisson_nll_loss",
    "prelu",
    "prelu_backward",
    "relu",
    "relu_backward",
    "sigmoid",
    "sigmoid_backward",
    "smooth_l1_loss",
    "soft_margin_loss",
    "softmax",
    "softmax_backward",
    "sqrt",
    "sqrt_backward",
    "stochastic_depth",
    "stochastic_depth_backward",
    "tanh",
    "tanh_backward",
    "unflatten",
    "zero_pad2d",
    "zero_pad2d_backward",
]
