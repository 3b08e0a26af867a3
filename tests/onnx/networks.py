"""Small networks that have each operation, in all its forms."""

import fastcnn
import fastcnn.nn.functional as F
from fastcnn import nn

from ..graph.activations import CASES


class Function(nn.Module):
    """A network of one function, perhaps with parameters."""

    def __init__(self, function, *shapes):
        super().__init__()
        self.function = function
        self.weights = [nn.Parameter(fastcnn.nn.Parameter(_ramp(shape)).data) for shape in shapes]
        for i, weight in enumerate(self.weights):
            self.register_parameter(f"weight{i}", weight)

    def forward(self, *inputs):
        return self.function(*inputs, *self.weights)


def _ramp(shape):
    import numpy as np

    return np.random.default_rng(len(shape)).uniform(0.5, 1.5, shape).astype(np.float32)


def of(function, *shapes):
    """Return what makes a network of a function."""
    return lambda: Function(function, *shapes)


IMAGE = (4, 6, 7)
LINE = (4, 11)

# What makes a network, and the shape of its samples.
NETWORKS = {
    "conv": (lambda: nn.Conv2d(4, 6, 3), IMAGE),
    "conv same": (lambda: nn.Conv2d(4, 6, (2, 3), padding="same", dilation=(1, 2), bias=False), IMAGE),
    "conv stride": (lambda: nn.Conv2d(4, 6, 3, (2, 1), (0, 1, 1, 2)), IMAGE),
    "conv groups": (lambda: nn.Conv2d(4, 8, 3, 2, 1, groups=2), IMAGE),
    "conv depthwise": (lambda: nn.Conv2d(4, 4, 3, 1, 1, groups=4), IMAGE),
    "conv reflect": (lambda: nn.Conv2d(4, 3, 3, padding=2, padding_mode="reflect"), IMAGE),
    "conv circular": (lambda: nn.Conv2d(4, 3, 3, padding=1, padding_mode="circular"), IMAGE),
    "conv1d": (lambda: nn.Conv1d(4, 6, 3, 2, 1), LINE),
    "conv1d same": (lambda: nn.Conv1d(4, 6, 4, padding="same", dilation=2, groups=2, bias=False), LINE),
    "conv1d replicate": (lambda: nn.Conv1d(4, 6, 3, padding=2, padding_mode="replicate"), LINE),
    "transposed": (lambda: nn.ConvTranspose2d(4, 3, 3), IMAGE),
    "transposed stride": (
        lambda: nn.ConvTranspose2d(4, 6, (3, 2), (2, 3), (1, 0), (1, 2), groups=2, dilation=(2, 1)),
        IMAGE,
    ),
    "transposed lines": (lambda: nn.ConvTranspose1d(4, 6, 3, 2, 1, 1, groups=2), LINE),
    "linear": (lambda: nn.Linear(5, 3), (5,)),
    "linear without bias": (lambda: nn.Linear(5, 3, bias=False), (5,)),
    "linear of the last axis": (lambda: nn.Linear(7, 3), IMAGE),
    "linear of lines": (lambda: nn.Linear(11, 3, bias=False), LINE),
    "batch norm": (lambda: nn.BatchNorm2d(4, eps=1e-3, momentum=0.3), IMAGE),
    "batch norm without factors": (lambda: nn.BatchNorm2d(4, affine=False), IMAGE),
    "batch norm of features": (lambda: nn.BatchNorm1d(5), (5,)),
    "batch norm of lines": (lambda: nn.BatchNorm1d(4), LINE),
    "group norm": (lambda: nn.GroupNorm(2, 4, eps=1e-3), IMAGE),
    "group norm without factors": (lambda: nn.GroupNorm(4, 4, affine=False), IMAGE),
    "group norm of lines": (lambda: nn.GroupNorm(2, 4), LINE),
    "instance norm": (lambda: nn.InstanceNorm2d(4, affine=True), IMAGE),
    "instance norm that tracks": (lambda: nn.InstanceNorm2d(4, track_running_stats=True), IMAGE),
    "layer norm": (lambda: nn.LayerNorm(7, eps=1e-3), IMAGE),
    "layer norm of two axes": (lambda: nn.LayerNorm((6, 7), bias=False), IMAGE),
    "layer norm without factors": (lambda: nn.LayerNorm(5, elementwise_affine=False), (5,)),
    "local response norm": (lambda: nn.LocalResponseNorm(3, 0.1, 0.75, 2.0), IMAGE),
    "local response norm of an even size": (lambda: nn.LocalResponseNorm(2, 0.1), IMAGE),
    "local response norm of lines": (lambda: nn.LocalResponseNorm(2, 0.1), LINE),
    "max pool": (lambda: nn.MaxPool2d(2), IMAGE),
    "max pool padded": (lambda: nn.MaxPool2d((3, 2), (2, 1), (1, 0)), IMAGE),
    "max pool ceil": (lambda: nn.MaxPool2d(3, 2, 1, 1, ceil_mode=True), (4, 8, 7)),
    "max pool dilated": (lambda: nn.MaxPool2d(2, 1, 0, 3), IMAGE),
    "max pool of lines": (lambda: nn.MaxPool1d(3, 2, 1), LINE),
    "average pool": (lambda: nn.AvgPool2d(2), IMAGE),
    "average pool padded": (lambda: nn.AvgPool2d(3, 2, 1), IMAGE),
    "average pool of pixels alone": (lambda: nn.AvgPool2d(3, 1, 1, count_include_pad=False), IMAGE),
    "average pool ceil": (lambda: nn.AvgPool2d(3, 2, 1, ceil_mode=True), (4, 8, 8)),
    "average pool ceil of pixels": (
        lambda: nn.AvgPool2d(3, 2, 1, ceil_mode=True, count_include_pad=False),
        (4, 8, 7),
    ),
    "average pool with a divisor": (of(lambda x: F.avg_pool2d(x, 2, 1, 1, False, True, 3)), IMAGE),
    "average pool of lines": (lambda: nn.AvgPool1d(3, 2, 1), LINE),
    "adaptive average of all": (lambda: nn.AdaptiveAvgPool2d(1), IMAGE),
    "adaptive average": (lambda: nn.AdaptiveAvgPool2d((3, 7)), IMAGE),
    "adaptive average of several sizes": (lambda: nn.AdaptiveAvgPool2d((4, 5)), IMAGE),
    "adaptive maximum of all": (lambda: nn.AdaptiveMaxPool2d(1), IMAGE),
    "adaptive maximum": (lambda: nn.AdaptiveMaxPool2d((2, 7)), IMAGE),
    "adaptive maximum of several sizes": (lambda: nn.AdaptiveMaxPool2d((4, 5)), IMAGE),
    "adaptive average of lines": (lambda: nn.AdaptiveAvgPool1d(3), LINE),
    "one slope": (lambda: nn.PReLU(), IMAGE),
    "slopes": (lambda: nn.PReLU(4), IMAGE),
    "slopes of features": (lambda: nn.PReLU(5), (5,)),
    "dropout": (lambda: nn.Sequential(nn.Dropout(0.3), nn.Linear(5, 3)), (5,)),
    "dropout of channels": (lambda: nn.Sequential(nn.Dropout2d(0.3), nn.Conv2d(4, 3, 1)), IMAGE),
    "alpha dropout": (lambda: nn.Sequential(nn.AlphaDropout(0.3), nn.SELU()), IMAGE),
    "depth": (lambda: nn.Sequential(nn.StochasticDepth(0.3, "row"), nn.Conv2d(4, 3, 1)), IMAGE),
    "position bias": (lambda: nn.PositionBias(IMAGE), IMAGE),
    "nearest": (lambda: nn.Upsample(scale_factor=2), IMAGE),
    "nearest to any size": (lambda: nn.Upsample((5, 9)), IMAGE),
    "nearest exact": (lambda: nn.Upsample((5, 9), mode="nearest-exact"), IMAGE),
    "bilinear": (lambda: nn.Upsample(scale_factor=2, mode="bilinear"), IMAGE),
    "bilinear by corners": (lambda: nn.Upsample((9, 5), mode="bilinear", align_corners=True), IMAGE),
    "bilinear by a factor": (lambda: nn.Upsample(scale_factor=(1.3, 0.6), mode="bilinear"), IMAGE),
    "bicubic": (lambda: nn.Upsample((9, 11), mode="bicubic"), IMAGE),
    "smoothed": (of(lambda x: F.interpolate(x, (3, 4), mode="bilinear", antialias=True)), IMAGE),
    "area": (of(lambda x: F.interpolate(x, (4, 3), mode="area")), IMAGE),
    "resized lines": (lambda: nn.Upsample(7, mode="linear"), LINE),
    "zeros around": (lambda: nn.ZeroPad2d((1, 2, 0, 3)), IMAGE),
    "a number around": (lambda: nn.ConstantPad2d(1, -2.5), IMAGE),
    "mirrored": (lambda: nn.ReflectionPad2d((1, 2, 3, 0)), IMAGE),
    "repeated": (lambda: nn.ReplicationPad2d((1, 2, 3, 0)), IMAGE),
    "circular": (lambda: nn.CircularPad2d((1, 2, 3, 0)), IMAGE),
    "cut off": (lambda: nn.ZeroPad2d((-1, 2, 1, -2)), IMAGE),
    "mirrored lines": (lambda: nn.ReflectionPad1d((2, 1)), LINE),
    "circular lines": (lambda: nn.CircularPad1d((2, 1)), LINE),
    "channels around": (of(lambda x: F.pad(x, (0, 0, 0, 0, 1, 2))), IMAGE),
    "features around": (of(lambda x: F.pad(x, (1, 2), value=0.5)), (5,)),
    "pixels of channels": (lambda: nn.PixelShuffle(2), IMAGE),
    "channels of pixels": (lambda: nn.PixelUnshuffle(2), (3, 6, 4)),
    "channels in turn": (lambda: nn.ChannelShuffle(2), IMAGE),
    "flat": (lambda: nn.Sequential(nn.Flatten(), nn.Linear(168, 3)), IMAGE),
    "divided": (lambda: nn.Unflatten(1, (2, 2)), IMAGE),
    "permuted": (of(lambda x: x.permute(0, 2, 3, 1)), IMAGE),
    "reshaped": (of(lambda x: x.reshape(-1, 8, 21)), IMAGE),
    "part": (of(lambda x: x[:, 1:3, ::2, -1]), IMAGE),
    "turned": (of(lambda x: x[:, ::-1, 4:1:-2]), IMAGE),
    "more axes": (of(lambda x: x[:, None, 2, ..., None]), IMAGE),
    "joined": (of(lambda x: F.cat((x, 2 * x, x[:, :1]), 1)), IMAGE),
    "detached": (of(lambda x: x.detach() + x), IMAGE),
    "sum": (of(lambda x: x + x * 2 - x / 3), IMAGE),
    "powers": (of(lambda x: (1 + x * x) ** -0.5 + x**2), IMAGE),
    "power of values": (of(lambda x: (1 + x * x) ** x), IMAGE),
    "exponential": (of(lambda x: F.exp(x)), IMAGE),
    "logarithm": (of(lambda x: F.log(1 + x * x)), IMAGE),
    "root": (of(lambda x: F.sqrt(1 + x * x)), IMAGE),
    "error function": (of(lambda x: F.erf(x)), IMAGE),
    "limited": (of(lambda x: F.clamp(x, -0.5, 1) + F.clamp(x, max=0.25)), IMAGE),
    "limited by tensors": (of(lambda x, low, high: F.clamp(x, low, high), (6, 1), (7,)), IMAGE),
    "powers of windows": (lambda: nn.LPPool2d(2, 2), IMAGE),
    "channels of lines dropped": (lambda: nn.Sequential(nn.Dropout1d(0.3), nn.Conv1d(4, 3, 1)), LINE),
    "features dropped": (lambda: nn.Sequential(nn.FeatureAlphaDropout(0.3), nn.Conv2d(4, 3, 1)), IMAGE),
    "negative": (of(lambda x: -x), IMAGE),
    "quotient": (of(lambda x: 1 / (1 + x * x)), IMAGE),
    "parameters": (of(lambda x, w, b: x * w + b, (4, 1, 1), (6, 7)), IMAGE),
    "reductions": (
        of(lambda x: x.sum(1, keepdim=True) + x.mean((2, 3), keepdim=True) - x.amax(-1, keepdim=True)),
        IMAGE,
    ),
    "reductions to fewer axes": (of(lambda x: x.sum((1, 2)) + x.mean((1, 2)) * x.amax((1, 2))), IMAGE),
    "softmax": (lambda: nn.Softmax(1), IMAGE),
    "log softmax": (lambda: nn.LogSoftmax(-1), IMAGE),
    "softmin": (lambda: nn.Softmin(1), (5,)),
    "glu": (lambda: nn.GLU(1), IMAGE),
    "squeeze and excitation": (
        of(lambda x, w, v: x * F.sigmoid(F.conv2d(F.relu(F.conv2d(x.mean((2, 3), keepdim=True), w)), v)),
           (2, 4, 1, 1), (4, 2, 1, 1)),
        IMAGE,
    ),
    **{
        name: (of(lambda x, case=case: case.function(x, **case.given)), IMAGE)
        for name, case in CASES.items()
    },
}  # fmt: skip
