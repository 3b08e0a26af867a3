"""The estimators on MNIST against MLPClassifier and skorch: seconds and accuracy, by turns.

    python -m bench.against_sklearn --epochs 5 --batch-size 200 --threads 2

"mlp" is the default network of rows beside scikit-learn's MLPClassifier with the same hidden layers, "skorch"
a network of the zoo beside the same network in PyTorch, which skorch trains. All learn from the same float32
arrays, with Adam at a rate of 0.001, as many epochs in batches of the same size, and without a penalty. In
each round both have a turn, in an order that changes; a turn is a fit on the training images and predictions
for the test images. A ratio is the median over the rounds, with the interval that holds it with 95%, and
accuracies are means over the rounds, each of which has another seed. It needs the `bench` extra; for "mlp"
alone scikit-learn is enough.
"""

from __future__ import annotations

import argparse
import multiprocessing
import statistics
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from sklearn.neural_network import MLPClassifier
from threadpoolctl import threadpool_limits

import fastcnn
from fastcnn import data, zoo
from fastcnn.sklearn import CNNClassifier

from .peers import layers
from .versions import interval

HIDDEN = (100,)
RATE = 0.001
Arrays = tuple[np.ndarray, np.ndarray]


class Turn(NamedTuple):
    """What came of a fit: its seconds, those of the predictions, and the accuracy."""

    fit: float
    predict: float
    accuracy: float


def parse(argv: list[str] | None) -> argparse.Namespace:
    """Return the options."""
    parser = argparse.ArgumentParser(
        "against_sklearn", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--against", default="mlp,skorch", help="default: %(default)s")
    parser.add_argument("--network", default="compact-mnist", help="of the zoo; default: %(default)s")
    parser.add_argument("--samples", type=int, default=60_000, help="to train on; default: %(default)s")
    parser.add_argument("--epochs", type=int, default=5, help="default: %(default)s")
    parser.add_argument("--batch-size", type=int, default=200, help="default: %(default)s")
    parser.add_argument("--threads", type=int, default=2, help="default: %(default)s")
    parser.add_argument("--rounds", type=int, default=5, help="default: %(default)s")
    return parser.parse_args(argv)


def main(argv: list[str] | None = None) -> None:
    """Print a table."""
    args = parse(argv)
    columns = ("fit: s", "theirs", "ratio", "predict: s", "theirs", "ratio", "accuracy", "theirs")
    print(f"{'':<8}" + "".join(f"{each:>19}" if each == "ratio" else f"{each:>12}" for each in columns))
    for name in args.against.split(","):
        # The threads of the one library are not to wait beside those of the other.
        child = multiprocessing.get_context("spawn").Process(target=_compare, args=(name, args))
        child.start()
        child.join()


def _compare(name: str, args: argparse.Namespace) -> None:
    """Print a row."""
    fastcnn.set_num_threads(args.threads)
    make, shape = {"mlp": (_beside_mlp, (784,)), "skorch": (_beside_skorch, (1, 28, 28))}[name]
    (X, y), test = [_floats(part, shape) for part in data.load("mnist")]
    with threadpool_limits(args.threads):
        turns = _by_turns(make(args), (X[: args.samples], y[: args.samples]), test, args.rounds)
    print(f"{name:<8}" + _row(*turns), flush=True)


def _floats(dataset: data.Dataset, shape: tuple[int, ...]) -> Arrays:
    return (dataset.images / np.float32(255)).reshape(-1, *shape), dataset.labels


def _beside_mlp(args: argparse.Namespace) -> list[Callable[[int], Any]]:
    """Return what makes, for a seed, ours and theirs."""
    same = {
        "hidden_layer_sizes": HIDDEN,
        "batch_size": args.batch_size,
        "max_iter": args.epochs,
        "n_iter_no_change": args.epochs,
        "learning_rate_init": RATE,
    }
    return [
        lambda seed: CNNClassifier(**same, random_state=seed),
        lambda seed: MLPClassifier(**same, alpha=0.0, random_state=seed),
    ]


def _beside_skorch(args: argparse.Namespace) -> list[Callable[[int], Any]]:
    """Return what makes, for a seed, ours and theirs."""
    import torch
    from skorch import NeuralNetClassifier

    from .peers import torch_model

    torch.set_num_threads(args.threads)
    steps = layers.describe(zoo.build(args.network, input_shape=(1, 28, 28)), (1, 28, 28))

    def theirs(seed: int) -> Any:
        torch.manual_seed(seed)
        return NeuralNetClassifier(
            torch_model.build(steps),
            criterion=torch.nn.CrossEntropyLoss,
            optimizer=torch.optim.Adam,
            lr=RATE,
            max_epochs=args.epochs,
            batch_size=args.batch_size,
            iterator_train__shuffle=True,
            train_split=None,
            verbose=0,
        )

    def ours(seed: int) -> Any:
        return CNNClassifier(
            args.network,
            batch_size=args.batch_size,
            max_iter=args.epochs,
            n_iter_no_change=None,
            learning_rate_init=RATE,
            random_state=seed,
        )

    return [ours, theirs]


def _by_turns(
    makers: list[Callable[[int], Any]], train: Arrays, test: Arrays, rounds: int
) -> tuple[list[Turn], list[Turn]]:
    """Return what came of each round, ours and theirs."""
    first = train[0][:1000], train[1][:1000]
    for make in makers:
        _turn(make(0), first, first)
    turns: tuple[list[Turn], list[Turn]] = [], []
    for number in range(rounds):
        for side in (0, 1) if number % 2 else (1, 0):
            turns[side].append(_turn(makers[side](number), train, test))
    return turns


def _turn(model: Any, train: Arrays, test: Arrays) -> Turn:
    start = time.perf_counter()
    model.fit(*train)
    fitted = time.perf_counter()
    predicted = model.predict(test[0])
    end = time.perf_counter()
    return Turn(fitted - start, end - fitted, float(np.mean(predicted == test[1])))


def _row(ours: list[Turn], theirs: list[Turn]) -> str:
    cells = ""
    for at in (0, 1):
        ratios = [b[at] / a[at] for a, b in zip(ours, theirs, strict=True)]
        low, high = interval(ratios)
        seconds = [statistics.median(turn[at] for turn in side) for side in (ours, theirs)]
        cells += "".join(f"{each:>12.3f}" for each in seconds)
        cells += f"{f'{statistics.median(ratios):.2f} [{low:.2f}, {high:.2f}]':>19}"
    return cells + "".join(
        f"{statistics.mean(turn.accuracy for turn in side):>12.2%}" for side in (ours, theirs)
    )


if __name__ == "__main__":
    main()
