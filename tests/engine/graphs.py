"""Random graphs: branches, joins, layers that are shared and values that are used many times."""

import numpy as np

import fastcnn
import fastcnn.nn.functional as F
from fastcnn import nn

ACTIVATIONS = (F.relu, F.silu, F.relu, F.gelu, F.elu, F.relu, F.hardswish, F.tanh)


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
                        *("larger", "slopes"),
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
            elif what == "again" and c in shared:
                layers, shape, what = shared[c], (c, h, w), "conv"
            elif what == "norm":
                layers, shape = [self._add(nn.BatchNorm2d(c))], (c, h, w)
            elif what == "group":
                groups = int(rng.choice([each for each in range(1, c + 1) if c % each == 0]))
                layers, shape = [self._add(nn.GroupNorm(groups, c, eps=0.1))], (c, h, w)
            elif what == "pool" and min(h, w) >= 2:
                kind = nn.MaxPool2d if rng.random() < 0.5 else nn.AvgPool2d
                layers, shape = [self._add(kind(2))], (c, h // 2, w // 2)
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
