"""Arguments of the commands that make runs and use them: train, lr-find, evaluate, predict, report."""

from __future__ import annotations

import argparse

from . import options

_WEIGHTS = "a safetensors file, the folder of a run, or an .onnx file"


def add(commands: argparse._SubParsersAction) -> None:
    """Add the parsers of these commands."""
    _add_train(commands)
    _add_lr_find(commands)
    _add_evaluate(commands)
    _add_predict(commands)
    _add_report(commands)


def _add_train(commands: argparse._SubParsersAction) -> None:
    train = commands.add_parser(
        "train",
        help="train a network",
        description="Train a network as a recipe says. The best epoch on the validation images is kept; "
        "the test set is read once, at the end.",
    )
    train.add_argument(
        "recipe",
        nargs="?",
        metavar="RECIPE",
        help="a recipe or network by name (see fastcnn info), a .toml file, a network in a file (model.txt, "
        "model.json), or the folder of an older run; default: compact-mnist",
    )
    train.add_argument(
        "--resume",
        metavar="RUN",
        help="go on with a training that was interrupted, in its folder, to the bits that it would have had",
    )
    options.add_dataset(train)
    options.add_reading(train)
    options.add_validation(train)
    train.add_argument(
        "--epochs",
        type=int,
        metavar="N",
        help="how often all training images are seen; default: the recipe's",
    )
    _add_batches(train)
    train.add_argument(
        "--lr", type=float, metavar="LR", help="learning rate of the optimizer; default: the recipe's"
    )
    train.add_argument("--limit", type=int, metavar="N", help="train on N images only, for a quick look")
    options.add_machine(train)
    train.add_argument(
        "--out", metavar="FOLDER", help="where to write; default: runs/RECIPE-N, always a new one"
    )
    train.add_argument("--overwrite", action="store_true", help="let --out be a folder that is not empty")
    train.add_argument(
        "--checkpoint-every",
        default="5min",
        metavar="STEPS_OR_TIME",
        help="how often to write a checkpoint within epochs, such as 500 or 30s; default: %(default)s",
    )
    train.add_argument("--quiet", action="store_true", help="print the result only")
    train.add_argument(
        "--curves",
        action=argparse.BooleanOptionalAction,
        help="draw loss and accuracy as text at the end; default: on a terminal",
    )


def _add_lr_find(commands: argparse._SubParsersAction) -> None:
    find = commands.add_parser(
        "lr-find",
        help="search for a learning rate",
        description="Train for some steps while the learning rate rises exponentially, and tell the rate at "
        "which the loss falls fastest. Nothing is kept of that training.",
    )
    find.add_argument(
        "recipe", nargs="?", default="compact-mnist", metavar="RECIPE", help="what train takes as RECIPE"
    )
    options.add_dataset(find)
    options.add_reading(find)
    options.add_validation(find)
    _add_batches(find)
    find.add_argument(
        "--steps", type=int, default=100, metavar="N", help="steps of the search; default: %(default)s"
    )
    find.add_argument(
        "--start-lr", type=float, default=1e-7, metavar="LR", help="rate of the first; default: %(default)g"
    )
    find.add_argument(
        "--end-lr", type=float, default=10.0, metavar="LR", help="rate of the last; default: %(default)g"
    )
    find.add_argument(
        "--plot", metavar="FILE", help="where to draw it, PNG; default: runs/RECIPE-lr-find.png"
    )
    options.add_machine(find)


def _add_batches(parser: argparse.ArgumentParser) -> None:
    """Add --batch-size and --seed."""
    parser.add_argument("--batch-size", type=int, metavar="N", help="images to a step; default: the recipe's")
    parser.add_argument(
        "--seed",
        type=int,
        metavar="N",
        help="of weights, split, order and augmentation; default: the recipe's",
    )


def _add_report(commands: argparse._SubParsersAction) -> None:
    report = commands.add_parser(
        "report",
        help="write the report of a training again",
        description="Draw the pictures of a training again, and write its report.html, one file with "
        "everything in it; of a training that was interrupted, or is still running, with what there is.",
    )
    report.add_argument("folder", metavar="RUN", help="the folder of a run")
    options.add_machine(report)


def _add_evaluate(commands: argparse._SubParsersAction) -> None:
    evaluate = commands.add_parser(
        "evaluate", help="measure a trained network", description="Measure a trained network on a test set."
    )
    evaluate.add_argument("weights", metavar="RUN_OR_WEIGHTS", help=_WEIGHTS)
    options.add_dataset(evaluate, "that of the training")
    options.add_reading(evaluate)
    options.add_recipe(evaluate)
    options.add_tta(evaluate)
    options.add_machine(evaluate)
    evaluate.add_argument("--json", action="store_true", help="print all metrics as JSON")


def _add_predict(commands: argparse._SubParsersAction) -> None:
    predict = commands.add_parser(
        "predict",
        help="say what a network makes of images",
        description="Print the classes, labels or values that a network predicts for images, or write "
        "the mask of each, of its size. Images are brought to the size and the channels that the network "
        "takes; every such step is reported.",
    )
    predict.add_argument("weights", metavar="WEIGHTS", help=_WEIGHTS)
    predict.add_argument("images", nargs="+", metavar="IMAGE", help="PNG, JPEG, ... (needs pillow), or .npy")
    predict.add_argument(
        "--invert",
        choices=("auto", "yes", "no"),
        default="auto",
        help="swap black and white; auto: if the image is light around the edge and the training images are "
        "dark there, or the other way round; default: %(default)s",
    )
    options.add_range(predict, "the training images, where the weights do not tell them")
    options.add_white(predict)
    options.add_recipe(predict)
    options.add_tta(predict)
    options.add_machine(predict)
    predict.add_argument("--json", action="store_true", help="print all probabilities or values as JSON")
    predict.add_argument(
        "--out",
        metavar="FOLDER",
        help="where masks and other outputs as large as images go; default: beside each",
    )
