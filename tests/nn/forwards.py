"""Networks that are written from their forward alone."""

import numpy as np

import fastcnn
import fastcnn.nn.functional as F
from fastcnn import nn


def normal(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape)


class Written(nn.Module):
    """Some layers, and what to do with them and the inputs."""

    def __init__(self, layers, function):
        super().__init__()
        self.layers, self.function = layers, function

    def forward(self, *inputs):
        return self.function(self.layers, *inputs)


class Block(nn.Module):
    """A residual block with a projection shortcut."""

    def __init__(self, i, o, stride):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(i, o, 3, stride, 1, bias=False), nn.BatchNorm2d(o)
        self.conv2, self.bn2 = nn.Conv2d(o, o, 3, 1, 1, bias=False), nn.BatchNorm2d(o)
        self.shortcut = nn.Sequential(nn.Conv2d(i, o, 1, stride, bias=False), nn.BatchNorm2d(o))

    def forward(self, x):
        y = F.relu(self.bn1(self.conv1(x)))
        return F.relu(self.bn2(self.conv2(y)) + self.shortcut(x))


class SqueezeExcite(nn.Module):
    """Channels weighted by a function of their means."""

    def __init__(self, channels, hidden):
        super().__init__()
        self.down, self.up = nn.Linear(channels, hidden), nn.Linear(hidden, channels)

    def forward(self, x):
        scale = F.sigmoid(self.up(F.relu(self.down(x.mean((2, 3))))))
        return x * scale.view(x.shape[0], -1, 1, 1)


class UNet(nn.Module):
    """Two levels with a skip connection; the way up repeats pixels."""

    def __init__(self, channels, activation=F.tanh):
        super().__init__()
        self.activation = activation
        self.down = nn.Conv2d(1, channels, 3, padding=1)
        self.low = nn.Conv2d(channels, 4 * channels, 3, padding=1)
        self.out = nn.Conv2d(2 * channels, 1, 1)

    def forward(self, x):
        skip = self.activation(self.down(x))
        low = self.activation(self.low(F.max_pool2d(skip, 2)))
        n, c, h, w = low.shape
        up = low.reshape(n, c // 4, 2, 2, h, w).permute(0, 1, 4, 2, 5, 3).reshape(n, c // 4, 2 * h, 2 * w)
        return self.out(fastcnn.cat((skip, up), dim=1))


class Inception(nn.Module):
    """Branches side by side."""

    def __init__(self):
        super().__init__()
        self.one, self.three = nn.Conv2d(2, 2, 1), nn.Conv2d(2, 3, 3, padding=1)
        self.pool = nn.Sequential(nn.MaxPool2d(3, 1, 1), nn.Conv2d(2, 1, 1))

    def forward(self, x):
        return F.cat([self.one(x), self.three(x), self.pool(x), x], 1)


class TwoInputs(nn.Module):
    """An image and features in; classes and an image out."""

    def __init__(self):
        super().__init__()
        self.conv, self.linear = nn.Conv2d(1, 2, 3), nn.Linear(3, 2)

    def forward(self, image, features):
        maps = F.relu(self.conv(image))
        return maps.mean((2, 3)) * self.linear(features), maps


class Hinted(nn.Module):
    """An image and a row of numbers in, classes out: convolution, flatten, cat, linear."""

    def __init__(self, size=28, hints=10, classes=10):
        super().__init__()
        self.conv, self.norm = nn.Conv2d(1, 4, 3, stride=2, padding=1), nn.BatchNorm2d(4)
        self.hint = nn.Linear(hints, 8)
        self.head = nn.Linear(4 * (size // 2) ** 2 + 8, classes)

    def forward(self, image, hint):
        x = F.relu(self.norm(self.conv(image)))
        return self.head(fastcnn.cat([x.flatten(1), F.relu(self.hint(hint))], 1))


class Pair(nn.Module):
    """Two images, seen by the same layers, in; classes out."""

    def __init__(self, size=28, classes=19):
        super().__init__()
        self.see = nn.Sequential(nn.Conv2d(1, 4, 3, stride=2, padding=1), nn.ReLU(), nn.Flatten())
        self.head = nn.Linear(8 * (size // 2) ** 2, classes)

    def forward(self, left, right):
        return self.head(fastcnn.cat([self.see(left), self.see(right)], 1))


class Layered(nn.Module):
    """Parameters in operators: a scale for each channel, a shift for each pixel, a power."""

    def __init__(self):
        super().__init__()
        self.gamma = nn.Parameter(np.full(2, 0.5))
        self.shift = nn.Parameter(np.ones((3, 4)))
        self.weight = nn.Parameter(np.ones((2, 2, 1, 1)))

    def forward(self, x):
        weight = self.weight * 2 - self.weight**2 / 3  # parameters alone
        return F.conv2d(x * self.gamma.view(1, -1, 1, 1) + self.shift, weight)


class Shared(nn.Module):
    """Layers that are used twice."""

    def __init__(self):
        super().__init__()
        self.conv, self.relu = nn.Conv2d(2, 2, 3, padding=1), nn.ReLU()
        self.pool, self.linear = nn.MaxPool2d(2), nn.Linear(2, 2)

    def forward(self, x):
        y = self.pool(self.relu(self.conv(self.relu(self.conv(x)))))
        y = self.pool(y).flatten(1)
        return self.linear(fastcnn.tanh(self.linear(y)))
