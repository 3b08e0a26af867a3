"""Write a layer in NumPy, check its gradients, and train a network that uses it.

Usage: python examples/custom_layer.py [--epochs 3] [--limit IMAGES]
"""

import argparse

import numpy as np

import fastcnn
from fastcnn import data, nn, optim
from fastcnn.testing import gradcheck


class Swish(nn.Module):
    """``y = x s`` with ``s = sigmoid(beta x)`` and a learned beta for each channel."""

    def __init__(self, channels):
        super().__init__()
        self.beta = nn.Parameter(np.ones((channels, 1, 1), np.float32))

    def forward(self, x):
        s = 0.5 + 0.5 * np.tanh(0.5 * self.beta.data * x)
        self.saved = x, s
        return x * s

    def backward(self, dy):
        x, s = self.saved
        slope = x * s * (1 - s)
        self.beta.accumulate((dy * x * slope).sum(axis=(0, 2, 3))[:, None, None])
        return dy * (s + self.beta.data * slope)


def check_gradients():
    """Compare backward with finite differences of forward, in float64, for x and beta."""
    layer = Swish(3)

    def forward(x, beta):
        layer.beta.data = beta
        return layer(x)

    def backward(dy, x, beta):
        layer.zero_grad()
        return layer.backward(dy), layer.beta.grad

    rng = np.random.default_rng(0)
    gradcheck(forward, backward, [rng.standard_normal((2, 3, 4, 4)), rng.uniform(0.5, 2, (3, 1, 1))])
    print("gradients agree with finite differences")


def main():
    """Check the layer, then train with it."""
    parser = argparse.ArgumentParser(description="Write a layer in NumPy, check it, and train with it.")
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--limit", type=int, help="number of training images (default: all 55,000)")
    args = parser.parse_args()

    check_gradients()
    train, test = data.load("mnist")
    train, validation = data.split(train, 5_000, seed=0)
    if args.limit:
        train = data.stratified_subset(train, args.limit, seed=0)
    fastcnn.manual_seed(0)
    model = nn.Sequential(
        nn.Conv2d(1, 8, 3, stride=2, padding=1),
        Swish(8),
        nn.Conv2d(8, 16, 3, stride=2, padding=1),
        Swish(16),
        nn.Flatten(),
        nn.Linear(16 * 7 * 7, 10),
    )
    trainer = fastcnn.Trainer(model, optim.Adam(model.parameters(), lr=2e-3), nn.CrossEntropyLoss())
    trainer.fit(train, epochs=args.epochs, batch_size=64, validation=validation)
    print("learned beta:", model[1].beta.data.ravel().round(2))
    print(f"test accuracy {trainer.evaluate(test)['accuracy']:.2%}")


if __name__ == "__main__":
    main()
