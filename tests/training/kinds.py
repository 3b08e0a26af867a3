"""Small data sets and models of each task."""

import numpy as np

import fastcnn
from fastcnn import nn, optim
from fastcnn.data import Dataset


class OwnLoss:
    """Cross-entropy of each label by itself, of logits, which does not say what a mean is divided by."""

    reduction = "mean"

    def __call__(self, logits, targets, sample_weight=None):
        weights = np.ones(len(logits)) if sample_weight is None else sample_weight
        probability = 1 / (1 + np.exp(-logits.astype(np.float64)))
        share = weights[:, None] / (weights.sum() * logits.shape[1])
        self.saved = ((probability - targets) * share).astype(logits.dtype)
        losses = np.logaddexp(0, logits.astype(np.float64)) - targets * logits
        return float((losses * share).sum())

    def backward(self):
        return self.saved


def images(count, size=4, seed=0):
    return np.random.default_rng(seed).random((count, 1, size, size), np.float32)


def data_of(task, count=24, seed=0, weights=None):
    """Return a data set whose targets follow from its images."""
    x = images(count, seed=seed)
    levels = x.mean((1, 2, 3))
    targets = {
        "classification": (levels > np.median(levels)).astype(int),
        "regression": (3 * levels).astype(np.float64),
        "multilabel": np.stack([x[:, 0, 0, 0] > 0.5, x[:, 0, 3, 3] > 0.5, levels > 0.5], 1),
        "segmentation": (3 * x[:, 0]).astype(int),
    }[task]
    return Dataset(x, targets, task=task, weights=weights)


LOSSES = {"regression": nn.MSELoss, "multilabel": nn.BCEWithLogitsLoss}


def trainer_of(task, lr=0.1, seed=0, loss=None, **options):
    """Return a Trainer for such a data set."""
    if task == "segmentation":
        layers = [nn.Conv2d(1, 4, 3, padding=1), nn.ReLU(), nn.Conv2d(4, 3, 1)]
    else:
        outputs = {"classification": 2, "regression": 1, "multilabel": 3}[task]
        layers = [nn.Flatten(), nn.Linear(16, 8), nn.ReLU(), nn.Linear(8, outputs)]
    model = nn.Sequential(*layers).initialize(seed=seed)
    loss = LOSSES.get(task, nn.CrossEntropyLoss)() if loss is None else loss
    make = options.pop("make", lambda parameters: optim.Adam(parameters, lr=lr))
    return fastcnn.Trainer(model, make(model.parameters()), loss, seed=seed, **options)


TASKS = ("classification", "multilabel", "segmentation", "regression")
