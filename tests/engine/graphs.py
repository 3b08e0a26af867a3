"""Random graphs: branches, joins, layers that are shared and values that are used many times."""

import numpy as np

import fastcnn
import fastcnn.nn.functional as F
from fastcnn import nn

ACTIVATIONS = (
    *(F.relu, F.silu, F.relu, F.gelu, F.elu, F.relu, F.hardswish, F.tanh, F.relu, F.mish, F.softplus),
    *(F.leaky_relu, F.relu6, F.sigmoid, F.celu, F.selu, F.softsign, F.hardsigmoid, F.logsigmoid, F.erf),
)
# Of values of one shape; what is divided by is kept away from 0.
OF_TWO = (
    lambda x, y: x - y,
    lambda x, y: 0.5 * x * F.tanh(y),
    lambda x, y: x / (1 + y * y),
    lambda x, y: x * (1 + y**2) ** -0.5,
    lambda x, y: F.log(1 + x * x) + y,
    lambda x, y: F.sigmoid(y.mean(1, keepdim=True)) * x,
    lambda x, y: x / F.sqrt(1 + (y * y).sum((1, 2, 3), keepdim=True)),
    lambda x, y: x + y[:, :1] - y.mean((2, 3), keepdim=True),
    lambda x, y: x - 0.5 * y[:, :, -1:],
)


class Alone(nn.Module):
    """A function of one value, perhaps with a parameter."""

    def __init__(self, function, *shape):
        super().__init__()
        self.function = function
        numbers = np.random.default_rng(0).uniform(0.5, 1.5, shape).astype(np.float32)
        self.parameter = nn.Parameter(numbers) if shape else None

    def forward(self, x):
        return self.function(x) if self.parameter is None else self.function(x, self.parameter)


def over_channels(layer):
    """Return a function that applies a layer to channels as the last axis."""
    return lambda x: layer(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


def along_line(layer, out):
    """Return a function that applies a layer to an image as one line."""
    return lambda x: layer(x.flatten(2)).reshape(-1, out, *x.shape[2:])


class Wrapped(nn.Module):
    """A layer that is applied to something else than the image as it is."""

    def __init__(self, layer, how, *given):
        super().__init__()
        self.layer, self.how, self.given = layer, how, given

    def forward(self, x):
        return self.how(self.layer, *self.given)(x)


def layer_of_one(rng, c, h, w):
    """Draw a layer that makes an image of the same size; return it and its number of channels."""
    out, groups = (
        int(rng.integers(1, 7)),
        int(rng.choice([each for each in range(1, c + 1) if c % each == 0])),
    )
    mode = str(rng.choice(["reflect", "replicate", "circular"]))
    made = [
        (nn.PositionBias((c, h, w)), c),
        (nn.LocalResponseNorm(int(rng.integers(1, 6)), 0.5, float(rng.choice([0.5, 0.6, 0.75, 1.0]))), c),
        (nn.InstanceNorm2d(c, 0.1, affine=True, track_running_stats=bool(rng.random() < 0.5)), c),
        (nn.LayerNorm((h, w), eps=0.1), c),
        (Wrapped(nn.LayerNorm(c, eps=0.1), over_channels), c),
        (Wrapped(nn.Linear(c, out), over_channels), out),
        (Wrapped(nn.Conv1d(c, out, 3, padding=1), along_line, out), out),
        (Wrapped(nn.ConvTranspose1d(c, out, 3, padding=1), along_line, out), out),
        (Wrapped(nn.Upsample(h * w, mode="linear"), along_line, c), c),
        (Alone(lambda x: F.pad(x, (1, -1, -1, 1), mode)), c),
        (Alone(lambda x: F.pad(x, (-1, 1, 1, -1, 1, 0), value=0.5)), c + 1),
        (nn.Conv2d(c, groups * out, 3, padding=1, groups=groups), groups * out),
        (nn.Conv2d(c, out, 3, padding=2, dilation=2), out),
        (nn.Conv2d(c, out, 3, padding=1, padding_mode=mode), out),
        (nn.Softmax(1), c),
        (nn.LogSoftmax(-1), c),
        (nn.Softmin(2), c),
        (nn.ChannelShuffle(groups), c),
        (nn.AlphaDropout(0.3), c),
        (nn.FeatureAlphaDropout(0.3), c),
        (nn.StochasticDepth(0.3, str(rng.choice(["row", "batch"]))), c),
        (Alone(lambda x: F.glu(F.cat((x, x * 0.5), 1), 1)), c),
        (Alone(lambda x, p: x * p, c, 1, 1), c),
        (Alone(lambda x, p: x + p, 1, c, 1, 1), c),
        (Alone(lambda x, p: x / p - p, h, 1), c),
        (Alone(lambda x, p: p * x, 1), c),
    ]
    return made[int(rng.integers(len(made)))]


class RandomGraph(nn.Module):
    """A network that is written from its forward alone, drawn from a seed.

    Each step takes some of the values that there are and adds what it makes to them; in the end the values
    that nothing has read are brought to one size and added up. With `several` it has up to three inputs, of
    which some may be unused, and returns up to three of the values beside that.
    """

    def __init__(self, seed, several=False):
        super().__init__()
        rng = np.random.default_rng(seed)
        self.layers = nn.ModuleList()
        self.steps = []  # (what, sources, layers)
        self.shape = int(rng.integers(1, 4)), int(rng.integers(4, 9)), int(rng.integers(4, 9))
        shapes, read = [self.shape], set()
        for _ in range(int(rng.integers(0, 3)) if several else 0):
            shapes.append((int(rng.integers(1, 4)), *(self.shape[1:] if rng.random() < 0.7 else (5, 7))))
        self.shapes = tuple(shapes)
        shared = {}
        for _ in range(int(rng.integers(3, 11))):
            what = str(
                rng.choice(
                    [
                        *(
                            "conv",
                            "conv",
                            "relu",
                            "norm",
                            "group",
                            "add",
                            "add",
                            "cat",
                            "pool",
                            "drop",
                            "again",
                        ),
                        *("resize", "margin", "shuffle"),
                        *("larger", "slopes", "one", "one", "one", "two", "two"),
                        *(["turn", "part"] if several else []),
                    ]
                )
            )
            a = int(rng.integers(max(0, len(shapes) - 4), len(shapes)))
            c, h, w = shapes[a]
            sources, layers = [a], []
            if what == "conv":
                out, kernel = int(rng.integers(1, 7)), int(rng.choice([1, 3]))
                stride = 2 if rng.random() < 0.2 and min(h, w) > 3 else 1
                conv = nn.Conv2d(c, out, kernel, stride, kernel // 2, bias=bool(rng.random() < 0.5))
                layers = [self._add(conv)]
                shape = out, (h - 1) // stride + 1, (w - 1) // stride + 1
                if stride == 1 and c == out:
                    shared[c] = layers
            elif what == "larger" and max(h, w) < 9:
                out, kernel = int(rng.integers(1, 7)), int(rng.choice([1, 2, 4]))
                groups = c if rng.random() < 0.3 else 1
                layers = [self._add(nn.ConvTranspose2d(c, out * groups, kernel, 2, groups=groups))]
                shape = out * groups, 2 * h - 2 + kernel, 2 * w - 2 + kernel
            elif what == "slopes":
                layers, shape = [self._add(nn.PReLU(int(rng.choice([1, c]))))], (c, h, w)
            elif what == "one" and min(h, w) > 1:
                layer, out = layer_of_one(rng, c, h, w)
                layers, shape = [self._add(layer)], (out, h, w)
            elif what == "two":
                fits = [i for i, each in enumerate(shapes) if each == (c, h, w)]
                sources, layers, shape = (
                    [a, int(rng.choice(fits))],
                    [int(rng.integers(len(OF_TWO)))],
                    (c, h, w),
                )
            elif what == "again" and c in shared:
                layers, shape, what = shared[c], (c, h, w), "conv"
            elif what == "norm":
                layers, shape = [self._add(nn.BatchNorm2d(c))], (c, h, w)
            elif what == "group":
                groups = int(rng.choice([each for each in range(1, c + 1) if c % each == 0]))
                layers, shape = [self._add(nn.GroupNorm(groups, c, eps=0.1))], (c, h, w)
            elif what == "pool" and min(h, w) >= 2:
                kinds = nn.MaxPool2d, nn.AvgPool2d, nn.AdaptiveAvgPool2d, nn.AdaptiveMaxPool2d
                kind = int(rng.integers(4))
                layers = [self._add(kinds[kind](2 if kind < 2 else (h // 2, w // 2)))]
                shape = c, h // 2, w // 2
            elif what == "drop":
                kind = nn.Dropout if rng.random() < 0.5 else nn.Dropout2d
                layers, shape = [self._add(kind(0.3))], (c, h, w)
            elif what == "resize":
                mode = str(rng.choice(["nearest", "bilinear", "bicubic"]))
                size = int(rng.integers(3, 9)), int(rng.integers(3, 9))
                layers, shape = [self._add(nn.Upsample(size, mode=mode))], (c, *size)
            elif what == "margin" and h * w < 100:
                kind = (nn.ReflectionPad2d, nn.ReplicationPad2d, nn.CircularPad2d)[int(rng.integers(3))]
                layers, shape = [self._add(kind((1, 0, 0, 1)))], (c, h + 1, w + 1)
            elif what == "shuffle" and (c % 4 == 0 or h % 2 == w % 2 == 0):
                kind, shape = nn.PixelShuffle, (c // 4, 2 * h, 2 * w)
                if c % 4:
                    kind, shape = nn.PixelUnshuffle, (4 * c, h // 2, w // 2)
                layers = [self._add(kind(2))]
            elif what == "turn":
                shape = c, w, h
            elif what == "part":
                layers = [(int(rng.integers(0, size)), size) for size in (c, h)]  # from where to where
                shape = *(end - start for start, end in layers), w
            elif what in ("add", "cat"):
                fits = [
                    i for i, s in enumerate(shapes) if (s == (c, h, w) if what == "add" else s[1:] == (h, w))
                ]
                sources = [a, *(int(i) for i in rng.choice(fits, int(rng.integers(1, 3))))]
                shape = (c if what == "add" else sum(shapes[i][0] for i in sources)), h, w
            else:
                what, shape = "relu", (c, h, w)
            self.steps.append((what, sources, layers))
            read.update(sources)
            shapes.append(shape)
        self.ends = [i for i in range(len(self.shapes), len(shapes)) if i not in read]
        made = range(len(self.shapes), len(shapes))
        self.outputs = [int(i) for i in rng.choice(made, int(rng.integers(0, 4)))] if several else []
        self.heads = nn.ModuleList([nn.Linear(shapes[i][0], 3) for i in self.ends])

    def _add(self, layer):
        self.layers.append(layer)
        return len(self.layers) - 1

    def forward(self, *inputs):
        values = list(inputs)
        for what, sources, layers in self.steps:
            first, *others = (values[i] for i in sources)
            if what == "relu":
                made = ACTIVATIONS[len(values) % len(ACTIVATIONS)](first)
            elif what == "turn":
                made = first.permute(0, 1, 3, 2)
            elif what == "part":
                (channel, _), (row, _) = layers
                made = first[:, channel:, row:]
            elif what == "two":
                made = OF_TWO[layers[0]](first, *others)
            elif what == "cat":
                made = fastcnn.cat([first, *others], 1)
            elif what == "add":
                made = first
                for other in others:
                    made = made + other
            else:
                made = first
                for layer in layers:
                    made = self.layers[layer](made)
            values.append(made)
        total = None
        for i, head in zip(self.ends, self.heads, strict=True):
            logits = head(values[i].mean((2, 3)))
            total = logits if total is None else total + logits
        return (total, {str(i): values[i] for i in self.outputs}) if self.outputs else total


def random_graph(seed, several=False):
    """Return (model, shape or shapes of its inputs, size of a batch); its weights keep the size of values."""
    model = RandomGraph(seed, several).initialize("kaiming_normal", seed)
    return model, model.shapes if several else model.shape, int(np.random.default_rng(seed).integers(2, 19))
