"""What runs under valgrind: kernels of eager mode and of programs, on arrays of a few elements."""

import sys

import numpy as np

import fastcnn
from fastcnn import nn, ops, optim
from fastcnn.data import transforms
from fastcnn.nn import functional as F
from fastcnn.nn.factored import FactoredGradient
from fastcnn.optim.finite import largest


class Branches(nn.Module):
    """Operations that a chain does not have."""

    def __init__(self):
        super().__init__()
        self.first = nn.Conv2d(2, 4, 3, padding=1)
        self.second = nn.Conv2d(2, 4, 3, stride=2, padding=1, groups=2)
        self.last = nn.Linear(4, 3)

    def forward(self, x):
        y = F.leaky_relu(self.first(x), 0.1)
        y = F.max_pool2d(y, 2) + F.sigmoid(self.second(x)) * 0.5
        a, b = F.split(y, 2, 1)
        return self.last(F.flatten(F.adaptive_avg_pool2d(F.cat([b, a], 1), 1), 1))


def chain():
    """Return one layer of most kinds."""
    return nn.Sequential(
        nn.Conv2d(2, 5, 3, padding=1, bias=False),
        nn.BatchNorm2d(5),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(5, 16, 3, padding=1),
        nn.ReLU(),
        nn.AvgPool2d(2),
        nn.Dropout(0.5),
        nn.Conv2d(16, 17, 2),
        nn.Flatten(),
        nn.Linear(17, 3),
    )


def run():
    """Predict, and take steps, in each way."""
    rng = np.random.default_rng(0)
    for dtype in (np.float32, np.float64):
        for make in (chain, Branches):
            for algorithm in (None, "gemm", "winograd"):
                fastcnn.set_conv_algorithm(algorithm)
                one_of_each(make().initialize(seed=0), dtype, rng)
    operations(rng)
    augmented = transforms.Compose(
        [transforms.RandomAffine(10, (0.1, 0.1)), transforms.RandomHorizontalFlip()]
    )
    augmented(rng.integers(0, 256, (3, 1, 8, 8), np.uint8), rng)


def operations(rng):
    """Call what no network calls."""
    for dtype in (np.float32, np.float64):
        x, images = rng.standard_normal((3, 5)).astype(dtype), rng.standard_normal((2, 3, 6, 5)).astype(dtype)
        y = ops.softmax(x, 1)
        ops.softmax_backward(x, y, 1)
        ops.log_softmax_backward(x, ops.log_softmax(x, 1), 1)
        ops.cross_entropy(x, y)
        columns = ops.im2col(images, 3, 2, 1)
        ops.col2im(columns, (6, 5), 3, 2, 1)
        FactoredGradient(x, x[:, :4].copy(), (5, 4)).array()
        largest([x, images])
        for name in set(optim.__all__) - {"Optimizer", "Lookahead", "Combined"}:
            kind = getattr(optim, name)
            if isinstance(kind, type):
                parameter = nn.Parameter(x[:, :4].copy())
                optimizer = optim.Lookahead(kind([parameter]), 1)
                for _ in range(2):
                    parameter.grad = x[:, 1:].copy()
                    optimizer.step()
    transforms.Normalize([0.5], [0.5])(rng.integers(0, 256, (3, 1, 8, 8), np.uint8))


def one_of_each(model, dtype, rng):
    """Run a model in eager mode and compiled, in training and in prediction, with both optimizers."""
    model.double() if dtype == np.float64 else model.float()
    loss = nn.CrossEntropyLoss(label_smoothing=0.1)
    compiled = fastcnn.compile(model, input_gradient=True)
    for count in (1, 3, 17):
        x, y = rng.standard_normal((count, 2, 8, 8)).astype(dtype), rng.integers(0, 3, count)
        model.eval()
        model.predict(x)
        model(x)
        model.train()
        for forward in (model, compiled):
            for optimizer in (optim.SGD(model.parameters(), 0.01, 0.9), optim.Adam(model.parameters())):
                loss(forward(x), y)
                forward.zero_grad()
                forward.backward(loss.backward())
                optimizer.step()
        compiled.gradients(x, y, loss, factors=True)


def broken():
    """Look at an array that nothing was written to."""
    return largest([np.empty(1000)])


if __name__ == "__main__":
    {"all": run, "broken": broken}[sys.argv[1]]()
