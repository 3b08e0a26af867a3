"""Train a network of two inputs on MNIST: an image, and a row that says which three digits it may be.

Usage: python examples/two_inputs.py [--epochs 3] [--limit IMAGES]
"""

import argparse

import numpy as np

import fastcnn
import fastcnn.nn.functional as F
from fastcnn import data, nn, optim
from fastcnn.data import transforms


class Hinted(nn.Module):
    """Convolutions for the image, a layer for the row, and one for both."""

    def __init__(self):
        super().__init__()
        self.image = nn.Sequential(
            *(nn.Conv2d(1, 8, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)),
            *(nn.Conv2d(8, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten()),
        )
        self.row = nn.Linear(10, 32)
        self.head = nn.Linear(16 * 7 * 7 + 32, 10)

    def forward(self, image, row):
        """Return logits (N, 10) for images (N, 1, 28, 28) and rows (N, 10)."""
        return self.head(fastcnn.cat([self.image(image), F.relu(self.row(row))], dim=1))


def with_rows(digits, seed):
    """Return the data set with a row for each image: 1 at its digit and at one or two others."""
    rng, every = np.random.default_rng(seed), np.arange(len(digits))
    rows = np.zeros((len(digits), 10), np.float32)
    for shift in (0, *rng.integers(1, 10, (2, len(digits)))):
        rows[every, (digits.labels + shift) % 10] = 1
    return data.Dataset((digits.images, rows), digits.labels)


def main():
    """Train, and compare with and without what the rows tell."""
    parser = argparse.ArgumentParser(description="Train a network of two inputs on MNIST.")
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--limit", type=int, help="number of training images (default: all 55,000)")
    args = parser.parse_args()

    train, test = data.load("mnist")
    train, validation = data.split(train, 5_000, seed=0)
    if args.limit:
        train = data.stratified_subset(train, args.limit, seed=0)
    train, validation, test = (
        with_rows(digits, seed) for seed, digits in enumerate((train, validation, test))
    )

    fastcnn.manual_seed(0)
    model = Hinted()
    print(model.summary(train.input_shape))  # the same as [(1, 28, 28), (10,)]
    trainer = fastcnn.Trainer(
        model,
        optim.Adam(model.parameters(), lr=3e-3),
        nn.CrossEntropyLoss(),
        preprocess=transforms.PerInput([transforms.Normalize(0.1307, 0.3081), None]),
    )
    crop = transforms.PerInput([transforms.RandomCrop(28, padding=2), None])
    trainer.fit(train, epochs=args.epochs, batch_size=32, validation=validation, augment=crop)

    images, rows = test.images
    any_digit = data.Dataset((images, np.ones_like(rows)), test.labels)
    print(f"test accuracy {trainer.evaluate(test)['accuracy']:.2%}")
    print(f"with rows that tell nothing: {trainer.evaluate(any_digit)['accuracy']:.2%}")


if __name__ == "__main__":
    main()
