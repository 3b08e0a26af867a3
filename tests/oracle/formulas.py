"""Formulas and networks in PyTorch's words, which fastcnn understands as well: each runs on both.

A formula is a function of a library of functions and of tensors. `networks` returns classes whose backward
passes are derived from their forward.
"""

# op/id: a formula of L (the functions) and of the inputs.
FORMULAS = {
    # Functions of elements
    "sigmoid": lambda L, x: L.sigmoid(x),
    "sigmoid-ends": lambda L, x: L.sigmoid(x),
    "tanh": lambda L, x: L.tanh(x),
    "tanh-ends": lambda L, x: L.tanh(x),
    "exp": lambda L, x: L.exp(x),
    "exp-ends": lambda L, x: L.exp(x),
    "sqrt": lambda L, x: L.sqrt(x),
    "sqrt-ends": lambda L, x: L.sqrt(x),
    "clamp": lambda L, x: L.clamp(x, -0.5, 0.25),
    "clamp-min": lambda L, x: L.clamp(x, min=0.1),
    "clamp-max": lambda L, x: L.clamp(x, max=0.1),
    "clamp-on-the-limits": lambda L, x: L.clamp(x, min=-1, max=1),
    "clamp-crossed": lambda L, x: L.clamp(x, 0.5, -0.5),
    # Axes
    "reshape": lambda L, x: x.reshape(4, -1) * x.reshape(-1)[:6],
    "view": lambda L, x: x.view(x.shape[0], -1),
    "flatten": lambda L, x: L.flatten(x, 1),
    "flatten-middle": lambda L, x: L.flatten(x, 1, -2) * x.flatten(1, 2),
    "permute": lambda L, x: x.permute(2, 0, 1),
    "permute-negative": lambda L, x: x.permute(-1, 1, 0) * x.reshape(4, 3, 2),
    # Parts
    "slice": lambda L, x: x[:, 1:],
    "slice-steps": lambda L, x: x[..., ::2] * x[:, :, 1::2],
    "slice-integer": lambda L, x: x[1, :, -1] + x[0, ..., 0],
    "slice-none": lambda L, x: x[:, None, 0] * x[:, :, None, 2],
    "slice-overlapping": lambda L, x: x[:, :, :-1] * x[:, :, 1:],
    "split": lambda L, x: L.cat([part * (i + 1) for i, part in enumerate(L.split(x, 2, 1))][::-1], 1),
    "split-sizes": lambda L, x: L.cat([part**2 for part in x.split([1, 0, 4], dim=-2)][::-1], 1),
    "chunk": lambda L, x: L.cat([part * (i + 1) for i, part in enumerate(L.chunk(x, 3, dim=1))][::-1], 1),
    "chunk-more-than-there-are": lambda L, x: L.cat(x.chunk(9, 1), 0),
    "cat": lambda L, x, y: L.cat([x, y, x], 1),
    "cat-negative": lambda L, x, y: L.cat((y, x * y), dim=-3),
    # Reductions
    "sum": lambda L, x: x.sum(),
    "sum-axes": lambda L, x: x.sum((0, 2)),
    "sum-keepdim": lambda L, x: x / x.sum(dim=(1, -1), keepdim=True),
    "mean": lambda L, x: x.mean(),
    "mean-axis": lambda L, x: x.mean(-2),
    "mean-keepdim": lambda L, x: x - x.mean((0, 2), True),
    "mean-no-axes": lambda L, x: x.mean(()),
    "amax": lambda L, x: x.amax(),
    "amax-axis": lambda L, x: x.amax(1),
    "amax-ties": lambda L, x: x.amax((1, 2), keepdim=True),
    "amax-ties-of-all": lambda L, x: x.amax(),
    "without-axes": lambda L, x: x.sum(0) + x.mean(-1) * x.amax(0),
    # Arithmetic
    "add": lambda L, x, y: x + y,
    "subtract": lambda L, x, y: x - y,
    "multiply": lambda L, x, y: x * y,
    "divide": lambda L, x, y: x / y,
    "power": lambda L, x, y: x**y,
    "add-over-images": lambda L, x, y: y + x,
    "multiply-over-pixels": lambda L, x, y: x * y,
    "subtract-both-ways": lambda L, x, y: x - y,
    "divide-over-channels": lambda L, x, y: y / x,
    "power-over-images": lambda L, x, y: y**x,
    "numbers": lambda L, x: 2 - (3 * x + 1) / 4 + 1 / x - x / 0.5,
    "negative": lambda L, x: -x * x,
    "square": lambda L, x: x**2,
    "cube": lambda L, x: x**3,
    "root": lambda L, x: x**0.5,
    "inverse": lambda L, x: x**-1,
    "zeroth-power": lambda L, x: x**0,
    "base": lambda L, x: 2.5**x,
    "power-at-zero": lambda L, x, y: x**y,
    "divide-by-zero": lambda L, x, y: x / y,
    "add-ends": lambda L, x, y: x + y,
    "subtract-ends": lambda L, x, y: x - y,
    "multiply-ends": lambda L, x, y: x * y,
    "divide-ends": lambda L, x, y: x / y,
    "power-ends": lambda L, x, y: x**y,
    "mean-ends": lambda L, x: x.mean(1),
    "sum-ends": lambda L, x: x.sum(0),
    "cat-ends": lambda L, x, y: L.cat([x, y], 0)[:, ::2],
    "used-often": lambda L, x: (x + x * x - x / 3) * L.sigmoid(x) + x,
    "detached": lambda L, x: x * L.softmax(x, 1).detach(),
    "normalised": lambda L, x: (
        (x - x.mean(1, True)) / L.sqrt((x**2).mean(1, True) - x.mean(1, True) ** 2 + 1e-3)
    ),
}


def networks(nn, F, ones):
    """Return classes of small networks, by name.

    Parameters
    ----------
    nn, F
        The layers and the functions.
    ones : callable (shape) -> tensor
        What new parameters are made of.
    """

    class Residual(nn.Module):
        """A block with stride 2 and a projection, and a scale for each channel."""

        def __init__(self):
            super().__init__()
            self.conv1 = nn.Conv2d(3, 5, 3, stride=2, padding=1, bias=False)
            self.norm1 = nn.BatchNorm2d(5)
            self.conv2 = nn.Conv2d(5, 5, 3, padding=1, bias=False)
            self.norm2 = nn.BatchNorm2d(5)
            self.scale = nn.Parameter(ones((5, 1, 1)))
            self.projection = nn.Sequential(nn.Conv2d(3, 5, 1, stride=2, bias=False), nn.BatchNorm2d(5))

        def forward(self, x):
            y = F.relu(self.norm1(self.conv1(x)))
            y = self.norm2(self.conv2(y)) * self.scale
            return F.relu(y + self.projection(x))

    class UNet(nn.Module):
        """Two levels down and up; each pixel on the way up becomes 2 x 2 of a quarter of the channels."""

        def __init__(self):
            super().__init__()
            self.down1 = nn.Conv2d(2, 3, 3, padding=1)
            self.down2 = nn.Conv2d(3, 4, 3, padding=1)
            self.bottom = nn.Conv2d(4, 16, 3, padding=1)
            self.up2 = nn.Conv2d(8, 12, 3, padding=1)
            self.up1 = nn.Conv2d(6, 3, 3, padding=1)
            self.head = nn.Conv2d(3, 2, 1)

        def larger(self, x):
            n, c, h, w = x.shape
            parts = x.reshape(n, c // 4, 2, 2, h, w).permute(0, 1, 4, 2, 5, 3)
            return parts.reshape(n, c // 4, 2 * h, 2 * w)

        def forward(self, x):
            first = F.relu(self.down1(x))
            second = F.relu(self.down2(F.max_pool2d(first, 2)))
            y = F.relu(self.bottom(F.max_pool2d(second, 2)))
            y = F.relu(self.up2(F.cat([second, self.larger(y)], dim=1)))
            y = F.relu(self.up1(F.cat([first, self.larger(y)], dim=1)))
            return self.head(y)

    class Inception(nn.Module):
        """Three convolutions and a pool side by side."""

        def __init__(self):
            super().__init__()
            self.one = nn.Conv2d(4, 2, 1)
            self.three = nn.Sequential(nn.Conv2d(4, 2, 1), nn.ReLU(), nn.Conv2d(2, 3, 3, padding=1))
            self.five = nn.Sequential(nn.Conv2d(4, 1, 1), nn.ReLU(), nn.Conv2d(1, 2, 5, padding=2))
            self.pool = nn.Sequential(nn.MaxPool2d(3, stride=1, padding=1), nn.Conv2d(4, 2, 1))

        def forward(self, x):
            return F.relu(F.cat([self.one(x), self.three(x), self.five(x), self.pool(x)], 1))

    class SqueezeExcite(nn.Module):
        """Channels that are scaled by what all pixels say, around a convolution."""

        def __init__(self):
            super().__init__()
            self.conv = nn.Conv2d(3, 6, 3, padding=1)
            self.squeeze = nn.Linear(6, 2)
            self.excite = nn.Linear(2, 6)

        def forward(self, x):
            y = F.tanh(self.conv(x))
            scale = F.sigmoid(self.excite(F.relu(self.squeeze(y.mean((2, 3))))))
            return y * scale.reshape(x.shape[0], -1, 1, 1)

    class TwoInputs(nn.Module):
        """An image and a row of features, each of which scales the other."""

        def __init__(self):
            super().__init__()
            self.conv = nn.Conv2d(2, 4, 3, stride=2)
            self.features = nn.Linear(5, 4)
            self.head = nn.Linear(8, 3)

        def forward(self, image, features):
            pixels = F.flatten(F.avg_pool2d(F.relu(self.conv(image)), 2), 1)
            row = F.tanh(self.features(features))
            return F.log_softmax(self.head(F.cat([pixels * row, row / (1 + F.exp(pixels))], dim=1)), dim=1)

    class Hinted(nn.Module):
        """Convolutions of an image and a layer for a row of features, which meet in a linear layer."""

        def __init__(self):
            super().__init__()
            self.images = nn.Sequential(
                *(nn.Conv2d(1, 3, 3, padding=1, bias=False), nn.BatchNorm2d(3), nn.ReLU(), nn.MaxPool2d(2)),
                *(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Flatten()),
            )
            self.features = nn.Linear(6, 5)
            self.head = nn.Linear(4 * 2 * 3 + 5, 4)

        def forward(self, image, features):
            return self.head(F.cat([self.images(image), F.relu(self.features(features))], dim=1))

    class Twins(nn.Module):
        """Two images, seen by the same layers."""

        def __init__(self):
            super().__init__()
            self.see = nn.Sequential(nn.Conv2d(2, 3, 3, stride=2), nn.BatchNorm2d(3), nn.ReLU(), nn.Flatten())
            self.head = nn.Linear(36, 3)

        def forward(self, left, right):
            left, right = self.see(left), self.see(right)
            return self.head(F.cat([left * right, left - right], 1))

    found = (Residual, UNet, Inception, SqueezeExcite, TwoInputs, Hinted, Twins)
    return {each.__name__: each for each in found}
