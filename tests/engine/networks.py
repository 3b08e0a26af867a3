"""Random networks: every layer that the engine takes, in every geometry, a few pixels wide."""

import numpy as np

from fastcnn import nn
from fastcnn.engine.choose import takes_channels
from fastcnn.engine.lower import lower
from fastcnn.engine.tracing import UnsupportedError
from fastcnn.errors import ShapeError

# Around the widths of the vectors: 2 to 16 images.
BATCHES = (1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 33)
DROPOUTS = nn.Dropout | nn.Dropout2d | nn.AlphaDropout | nn.FeatureAlphaDropout
MAX_ELEMENTS = 600  # of one sample, anywhere in a network


class _Draw:
    """Draws from one random stream."""

    def __init__(self, seed):
        self.rng = np.random.default_rng(seed)

    def one(self, *options):
        return options[int(self.rng.integers(len(options)))]

    def chance(self, p):
        return self.rng.random() < p

    def pair(self, *options):
        return (self.one(*options), self.one(*options))


def _padding(draw, kernel, stride):
    return draw.one(
        0,
        1,
        (1, 2),
        (2, 0, 0, 1),
        (0, 1, 0, 0),
        tuple(k // 2 for k in kernel),
        "valid",
        "same" if stride == (1, 1) else 0,
    )


def _conv(draw, shape):
    channels = shape[0]
    groups = draw.one(1, 1, 1, *(g for g in range(2, channels + 1) if channels % g == 0))
    out = groups * draw.one(1, 2, 3, 5) if groups > 1 else draw.one(1, 2, 3, 4, 5, 6, 7, 8, 9, 12, 17)
    kernel, stride = draw.pair(1, 2, 3, 3, 3, 4), draw.pair(1, 1, 1, 2, 3)
    dilation = draw.pair(1, 1, 2)
    padding = _padding(draw, kernel, stride)
    return [nn.Conv2d(channels, out, kernel, stride, padding, dilation, groups, bias=draw.chance(0.6))]


def _conv_transpose(draw, shape):
    channels = shape[0]
    groups = draw.one(1, 1, *(g for g in range(2, channels + 1) if channels % g == 0))
    out = groups * draw.one(1, 2, 3) if groups > 1 else draw.one(1, 2, 3, 5, 6, 9, 17)
    kernel, stride, dilation = draw.pair(1, 2, 3, 4), draw.pair(1, 2, 2, 3), draw.pair(1, 1, 2)
    more = tuple(int(draw.rng.integers(max(s, d))) for s, d in zip(stride, dilation, strict=True))
    geometry = kernel, stride, draw.pair(0, 0, 1), more, groups, draw.chance(0.6), dilation
    layers = [nn.ConvTranspose2d(channels, out, *geometry)]
    return layers + draw.one([], [nn.ReLU()], [nn.Tanh()], _norm(draw, (out,)))


def _prelu(draw, shape):
    return [nn.PReLU(draw.one(1, shape[0]), draw.one(0.25, -0.5))]


def _whole(draw, shape):
    """A convolution whose window is the image."""
    return [nn.Conv2d(shape[0], draw.one(1, 5, 8), shape[1:], bias=draw.chance(0.5))]


def _norm(draw, shape):
    eps, momentum, kind = draw.one(1e-5, 1e-2), draw.one(0.1, 0.7), draw.rng.random()
    return [nn.BatchNorm2d(shape[0], eps, momentum, affine=kind < 0.8, bias=kind > 0.2)]


def _relu(draw, shape):
    return [nn.ReLU()]


def _dropout(draw, shape):
    kind = draw.one(nn.Dropout, nn.Dropout, nn.Dropout2d, nn.AlphaDropout, nn.FeatureAlphaDropout)
    return [kind(draw.one(0, 0.3, 0.5))]


def _unit(draw, shape):
    """A convolution with normalisation and ReLU in either order, perhaps dropout, perhaps a pool."""
    layers = _conv(draw, shape)
    channels = layers[0].out_channels
    norm, relu = _norm(draw, (channels,))[0], nn.ReLU()
    layers += draw.one([norm, relu], [relu, norm], [norm], [relu])
    if draw.chance(0.3):
        layers += _dropout(draw, shape)
    if draw.chance(0.5):
        layers += draw.one(_max_pool, _simple_pool, _avg_pool)(draw, shape)
    return layers


def _simple_pool(draw, shape):
    return [nn.MaxPool2d(2)]


def _max_pool(draw, shape):
    kernel = draw.pair(1, 2, 3)
    padding = draw.one(0, (kernel[0] // 2, kernel[1] // 2), (kernel[1] // 2, 0, 0, kernel[0] // 2))
    stride = draw.one(None, draw.pair(1, 2, 3))
    return [nn.MaxPool2d(kernel, stride, padding, draw.pair(1, 1, 2), ceil_mode=draw.chance(0.3))]


def _avg_pool(draw, shape):
    kernel = draw.pair(1, 2, 3)
    padding = draw.one(0, (kernel[0] // 2, kernel[1] // 2), (kernel[1] // 2, 0, 0, kernel[0] // 2))
    stride = draw.one(None, draw.pair(1, 2, 3))
    return [
        nn.AvgPool2d(
            kernel, stride, padding, draw.chance(0.3), draw.chance(0.5), draw.one(None, None, None, 3)
        )
    ]


def _adaptive(draw, shape):
    kind = draw.one(nn.AdaptiveAvgPool2d, nn.AdaptiveMaxPool2d)
    return [kind(draw.one(1, (2, 3), (None, 2), (3, 1)))]


def _repeated(draw, shape):
    """Margins that are written."""
    margin = draw.one((0, 1, 0, 1), (1, 0, 2, 0), 1, (1, 2, 0, 2))
    kind = draw.one(nn.ReflectionPad2d, nn.ReplicationPad2d, nn.CircularPad2d, nn.ConstantPad2d)
    return [kind(margin, 0.7) if kind is nn.ConstantPad2d else kind(margin)]


def _resized(draw, shape):
    mode = draw.one("nearest", "nearest-exact", "bilinear", "bicubic", "area")
    corners = draw.chance(0.5) if mode.startswith("bi") else None
    if draw.chance(0.5):
        return [nn.Upsample(draw.one(3, (2, 7), (5, 4)), mode=mode, align_corners=corners)]
    return [nn.Upsample(None, draw.one(2, (1.5, 0.7), 0.6), mode, corners)]


def _shuffled(draw, shape):
    """Channels and pixels that change places, where there are as many as that takes."""
    channels, height, width = shape
    fits = [nn.ChannelShuffle(channels)]
    fits += [nn.PixelShuffle(2)] if channels % 4 == 0 else []
    fits += [nn.PixelUnshuffle(2)] if height % 2 == width % 2 == 0 else []
    fits += [nn.ChannelShuffle(2)] if channels % 2 == 0 else []
    return [draw.one(*fits)]


def _padded(draw, shape):
    """Zeros that the next layer reads."""
    margin = draw.one((0, 1, 0, 1), (1, 0, 2, 0), 1, (1, 2, 0, 3))
    return [
        nn.ZeroPad2d(margin),
        *draw.one(_conv, _max_pool, _avg_pool, _simple_pool, _repeated)(draw, shape),
    ]


def _position(draw, shape):
    layers = [nn.Conv2d(shape[0], draw.one(2, 5, 8), 3, padding=1, bias=False)]
    return [*layers, nn.PositionBias((layers[0].out_channels, *shape[1:]))]


def _same_shape(draw, shape, depth):
    """Layers that keep the shape, made for residual blocks."""
    channels, layers = shape[0], []
    for _ in range(draw.one(1, 1, 2, 3)):
        kind = draw.one("conv", "conv", "unit", "norm", "relu", "nested", "nested", "pool", "position")
        conv = nn.Conv2d(channels, channels, 3, padding=1, bias=draw.chance(0.5))
        if kind == "conv":
            layers.append(conv)
        elif kind == "unit":
            layers += [
                conv,
                *draw.one([_norm(draw, shape)[0], nn.ReLU()], [nn.ReLU(), _norm(draw, shape)[0]]),
            ]
        elif kind == "norm":
            layers += _norm(draw, shape)
        elif kind == "relu":
            layers.append(nn.ReLU())
        elif kind == "pool":
            layers.append(draw.one(nn.MaxPool2d, nn.AvgPool2d)(3, 1, 1))
        elif kind == "position":
            layers += [nn.Conv2d(channels, channels, 1, bias=False), nn.PositionBias(shape)]
        elif depth:
            layers += _residual(draw, shape, depth - 1)
        if draw.chance(0.15):
            layers += _dropout(draw, shape)
    return layers or [nn.ReLU()]


def _body(layers):
    return layers[0] if len(layers) == 1 else nn.Sequential(*layers)


def _residual(draw, shape, depth=2):
    return [nn.Residual(_body(_same_shape(draw, shape, depth)))]


def _dense_residual(draw, shape):
    layers = _same_shape(draw, shape, 1)
    if draw.chance(0.7):
        layers.append(nn.Conv2d(shape[0], draw.one(1, 3, 8), 1, bias=draw.chance(0.5)))
    return [nn.DenseResidual(_body(layers))]


_MAKERS = (
    *(
        _conv,
        _unit,
        _unit,
        _unit,
        _norm,
        _relu,
        _dropout,
        _max_pool,
        _avg_pool,
        _adaptive,
        _padded,
        _position,
        _repeated,
        _resized,
        _shuffled,
        _conv_transpose,
        _conv_transpose,
        _prelu,
    ),
    *(_residual, _residual, _dense_residual, _dense_residual, _whole),
)


def _head(draw, shape):
    """Flatten and linear layers, or nothing."""
    size = int(np.prod(shape))
    if draw.chance(0.2):
        return []
    layers = [nn.Flatten()]
    if draw.chance(0.2):
        layers.append(nn.ReLU())
    if draw.chance(0.3):
        hidden = draw.one(3, 8, 17)
        layers += [nn.Linear(size, hidden, bias=draw.chance(0.7)), nn.ReLU()]
        size = hidden
        if draw.chance(0.5):
            layers.append(nn.Dropout(0.4))
        if draw.chance(0.3):
            layers.append(nn.Residual(nn.Linear(size, size)))
    if draw.chance(0.9):
        layers.append(nn.Linear(size, draw.one(1, 4, 10), bias=draw.chance(0.7)))
    if draw.chance(0.15):
        layers.append(draw.one(nn.Softmax, nn.LogSoftmax)(1))
    return layers


def random_network(seed):
    """Return (model in float32 with random weights and statistics, shape of a sample, batch size)."""
    draw = _Draw(seed)
    shape = (draw.one(1, 2, 3, 4, 6, 8), draw.one(3, 4, 5, 6, 7, 8, 9), draw.one(3, 4, 5, 6, 7, 8, 9))
    first, layers = shape, []
    for _ in range(draw.one(1, 2, 3, 4, 5)):
        made = draw.one(*_MAKERS)(draw, shape)
        try:
            after = nn.Sequential(*made).output_shape((1, *shape))[1:]
        except ShapeError:  # the drawn window is larger than the image
            continue
        if np.prod(after) <= MAX_ELEMENTS:
            layers += made
            shape = after
    layers += _head(draw, shape)
    if not any(isinstance(layer, nn.Conv2d | nn.Linear) for layer in layers):
        layers.insert(0, nn.Conv2d(first[0], first[0], 1))  # a model without weights has no precision
    model = nn.Sequential(*layers)
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean[...] = 0.2 * draw.rng.standard_normal(module.num_features)
            module.running_var[...] = draw.rng.uniform(0.5, 2, module.num_features)
    for parameter in model.parameters():
        scale = 1.5 / np.sqrt(max(1, parameter.size // len(parameter.data)))
        parameter.data[...] = scale * draw.rng.standard_normal(parameter.shape)
    return model, first, draw.one(*BATCHES)


def freeze(model, seed):
    """Put layers into evaluation mode and take parameters out of training, at random; return the model."""
    draw = _Draw(seed)
    modes = [m for m in model.modules() if isinstance(m, nn.BatchNorm2d | DROPOUTS)]
    share = draw.one(0.0, 0.5, 1.0)
    for module in modes:
        module.train(not draw.chance(share))
    parameters = list(model.parameters())
    if draw.chance(0.5):  # as in fine-tuning: all but the last ones
        first = int(draw.rng.integers(len(parameters) + 1))
        for parameter in parameters[:first]:
            parameter.requires_grad = False
    else:
        for parameter in parameters:
            parameter.requires_grad = draw.chance(0.5)
    return model


def random_classifier(seed):
    """Return a random network like `random_network`, whose output is a row of logits."""
    model, shape, batch = random_network(seed)
    if len(model.output_shape((1, *shape))) == 4:
        model.append(nn.Flatten())
    return model, shape, batch


def layouts_of(model, shape):
    """Return the layouts that a model can have, none if it has no program."""
    try:
        graph = lower(model, shape)
    except UnsupportedError:
        return []
    return ["images", "channels"] if takes_channels(graph) else ["images"]
