"""Draw what a network has learned: the filters of its first layer, and what its layers make of a digit.

Usage: python examples/look_inside.py [--digit 5] [--epochs 1] [--limit IMAGES] [--out look_inside.png]
"""

import argparse

import matplotlib
import numpy as np

import fastcnn
from fastcnn import data, nn, optim
from fastcnn.data import transforms

matplotlib.use("Agg")  # a file, not a window
from matplotlib import pyplot as plt

FILTERS = 8


def train(epochs, limit):
    """Return a trained network and the test set; the network is small so that every map fits in a picture."""
    training, test = data.load("mnist")
    if limit:
        training = data.stratified_subset(training, limit, seed=0)
    fastcnn.manual_seed(0)
    model = nn.Sequential(
        nn.Conv2d(1, FILTERS, 7, padding=3),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(FILTERS, 2 * FILTERS, 5, padding=2),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(2 * FILTERS * 7 * 7, 10),
    )
    trainer = fastcnn.Trainer(model, optim.Adam(model.parameters(), lr=2e-3), nn.CrossEntropyLoss())
    trainer.fit(training, epochs=epochs, batch_size=64)
    print(f"test accuracy {trainer.evaluate(test)['accuracy']:.2%}")
    return model, test


def feature_maps(model, image):
    """Return what each ReLU makes of one image, and the probabilities of the classes."""
    maps, x = [], transforms.Normalize(0, 1)(image[None])
    model.eval()
    for layer in model:
        x = layer(x)
        if isinstance(layer, nn.ReLU):
            maps.append(x[0])
    return maps, fastcnn.ops.softmax(x, 1)[0]


def draw(model, image, path):
    """Write the picture."""
    (first, second), probabilities = feature_maps(model, image)
    weights = model[0].weight.data[:, 0]
    figure = plt.figure(figsize=(12, 5.8))
    cells = figure.add_gridspec(
        4, FILTERS + 1, width_ratios=[2.6, *[1] * FILTERS], hspace=0.32, wspace=0.08,
        left=0.03, right=0.99, top=0.94, bottom=0.05,
    )  # fmt: skip
    panel = figure.add_subplot(cells[:2, 0], anchor="W")
    panel.imshow(image[0], cmap="gray")
    panel.set(xticks=[], yticks=[])
    panel.set_title("input, 28x28", loc="left")
    bars = figure.add_subplot(cells[2:, 0], box_aspect=1, anchor="W")
    bars.barh(range(10), probabilities, color="tab:blue")
    bars.set(xlim=(0, 1), ylim=(9.6, -0.6), yticks=range(10))
    bars.set_title("output: probabilities", loc="left")
    bars.spines[["top", "right"]].set_visible(False)

    # White stands for 0: where a filter is red, ink excites it; where it is blue, ink holds it back.
    limit = np.abs(weights).max()
    row(figure, cells[0, 1:], weights, "RdBu_r", -limit, limit, "first layer: its filters, 7x7")
    row(figure, cells[1, 1:], first, "magma", 0, first.max(), "and what each finds, after ReLU, 28x28")
    title = "second layer: what its filters find in the maps above, after ReLU, 14x14"
    row(figure, cells[2, 1:], second[:FILTERS], "magma", 0, second.max(), title)
    row(figure, cells[3, 1:], second[FILTERS:], "magma", 0, second.max(), "")
    figure.savefig(path, dpi=120)
    plt.close(figure)
    print(f"picture written to {path}")


def row(figure, cell, images, cmap, low, high, title):
    """Draw images side by side, on one colour scale."""
    axes = cell.subgridspec(1, len(images), wspace=0.06).subplots()
    for each, image in zip(axes, images, strict=True):
        each.imshow(image, cmap=cmap, vmin=low, vmax=high)
        each.set(xticks=[], yticks=[])
    axes[0].set_title(title, loc="left", fontsize="medium")


def main():
    """Train, choose a digit, draw."""
    parser = argparse.ArgumentParser(description="Draw the filters and feature maps of a small network.")
    parser.add_argument("--digit", type=int, default=5, choices=range(10))
    parser.add_argument("--epochs", type=int, default=1)
    parser.add_argument("--limit", type=int, help="number of training images (default: all 60,000)")
    parser.add_argument("--out", default="look_inside.png")
    args = parser.parse_args()
    model, test = train(args.epochs, args.limit)
    draw(model, test.images[np.flatnonzero(test.labels == args.digit)[0]], args.out)


if __name__ == "__main__":
    main()
