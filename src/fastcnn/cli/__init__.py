"""The command line: ``fastcnn COMMAND ...`` or ``python -m fastcnn COMMAND ...``.

One module a command. It is imported when the command runs, so that help and mistakes answer at once.

Exit codes: 0 success; 1 something that the user can put right, said in one line
(what was tried to download a file: in one for each address); 2 a wrong command line;
130 interrupted by Ctrl-C; 143 ended by SIGTERM.
"""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Sequence
from importlib import import_module

from .. import _precision
from .._streams import steady_streams
from .._version import __version__
from ..errors import DownloadError, FastcnnError
from . import options

_DESCRIPTION = """\
Train and run small convolutional networks on CPUs.

  fastcnn train                             train the default network on MNIST
  fastcnn evaluate runs/compact-mnist-1     measure it on the test set
  fastcnn predict runs/compact-mnist-1 digit.png
"""
_WEIGHTS = "a safetensors file, or the folder of a run"
_DATASET = "a data set by name (see fastcnn datasets), an .npz file, or a folder of pictures"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "fastcnn", description=_DESCRIPTION, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--version", action="version", version=f"fastcnn {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    _add_train(commands)
    _add_lr_find(commands)
    _add_evaluate(commands)
    _add_predict(commands)
    _add_report(commands)
    _add_summary(commands)
    _add_convert(commands)
    _add_profile(commands)
    _add_datasets(commands)
    info = commands.add_parser("info", help="show versions, processor, threads, networks and recipes")
    info.add_argument("--table", action="store_true", help="print what is inside, as a table in Markdown")
    return parser


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
    train.add_argument("--dataset", help=_DATASET)
    options.add_data(train)
    options.add_reading(train)
    options.add_validation(train)
    train.add_argument("--epochs", type=int)
    train.add_argument("--batch-size", type=int)
    train.add_argument("--lr", type=float, help="learning rate of the optimizer")
    train.add_argument("--seed", type=int, help="of weights, split, order and augmentation")
    train.add_argument("--limit", type=int, metavar="N", help="train on N images only, for a quick look")
    options.add_machine(train)
    train.add_argument("--out", metavar="FOLDER", help="default: runs/RECIPE-N, always a new one")
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
    find.add_argument("--dataset", help=_DATASET)
    options.add_data(find)
    options.add_reading(find)
    options.add_validation(find)
    find.add_argument("--batch-size", type=int)
    find.add_argument("--seed", type=int, help="of weights, split, order and augmentation")
    find.add_argument("--steps", type=int, default=100, metavar="N", help="default: %(default)s")
    find.add_argument("--start-lr", type=float, default=1e-7, metavar="LR", help="default: %(default)g")
    find.add_argument("--end-lr", type=float, default=10.0, metavar="LR", help="default: %(default)g")
    find.add_argument("--plot", metavar="FILE", help="PNG; default: runs/RECIPE-lr-find.png")
    options.add_machine(find)


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
    evaluate.add_argument("--dataset", help=f"{_DATASET}; default: that of the training")
    options.add_data(evaluate)
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
        "the mask of each. Images are brought to the size and the channels that the network takes; every "
        "such step is reported.",
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


def _add_summary(commands: argparse._SubParsersAction) -> None:
    summary = commands.add_parser(
        "summary",
        help="print the table of a network's layers",
        description="Print the table of a network's layers: shapes, parameters, multiply-accumulates, "
        "receptive fields and memory; then the optimizer and the loss of its recipe.",
    )
    options.add_model(summary)
    summary.add_argument(
        "--format", choices=("text", "markdown", "json"), default="text", help="default: %(default)s"
    )
    summary.add_argument(
        "--columns",
        metavar="NAME,...",
        help="among layer, name, type, input, output, parameters, trainable, macs, receptive_field, jump_in, "
        "jump_out; default: those that 120 characters hold",
    )
    summary.add_argument(
        "--graph",
        metavar="FILE",
        help="draw the network, too: a picture (.svg), or a graph for Graphviz (.dot, .gv) or Mermaid (.mmd)",
    )


def _add_convert(commands: argparse._SubParsersAction) -> None:
    convert = commands.add_parser(
        "convert",
        help="write a network in another format",
        description="Print a network as a list of dicts in JSON or TOML, as Python source, or as text "
        "(spec); its layers alone, without weights.",
    )
    options.add_model(convert)
    convert.add_argument("--to", choices=("json", "python", "spec", "toml"), required=True)


def _add_profile(commands: argparse._SubParsersAction) -> None:
    profile = commands.add_parser(
        "profile",
        help="time each operation of a network's program",
        description="Run a network's compiled program on random images, and print for each operation its "
        "time and its share of what the processor could do: the FMA peak, which is measured in between. "
        "CONTRIBUTING.md tells how to read it.",
    )
    options.add_model(profile)
    profile.add_argument("--batch-size", type=int, default=128, metavar="N", help="default: %(default)s")
    mode = profile.add_mutually_exclusive_group()
    mode.add_argument("--training", action="store_true", default=True, help="a step of training; the default")
    mode.add_argument("--inference", action="store_false", dest="training", help="prediction")
    profile.add_argument("--describe", action="store_true", help="print the program, run nothing")
    profile.add_argument("--json", action="store_true", help="print all figures as JSON")
    options.add_machine(profile)


def _add_datasets(commands: argparse._SubParsersAction) -> None:
    datasets = commands.add_parser(
        "datasets",
        help="list, download and check data sets",
        description="List the data sets that have a name, and where they are. A data set is also downloaded "
        "when it is first used.",
    )
    actions = datasets.add_subparsers(dest="action", metavar="ACTION")
    actions.add_parser("list", help="the default")
    download = actions.add_parser("download", help="download a data set")
    verify = actions.add_parser("verify", help="compare the files of a data set with their SHA-256")
    for parser in (download, verify):
        parser.add_argument("name", metavar="NAME")
        options.add_data(parser)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line.

    Parameters
    ----------
    argv : sequence of str, optional
        Arguments without the program's name. Default: those of the process.

    Returns
    -------
    int
        The exit code.
    """
    with steady_streams():
        args = _parser().parse_args(argv)
        logging.basicConfig(format="fastcnn: %(message)s")
        return _run(args)


def _run(args: argparse.Namespace) -> int:
    try:
        if getattr(args, "threads", None) is not None:
            from .._config import set_num_threads

            set_num_threads(args.threads)
        if getattr(args, "precision", None) is not None:
            _precision.put(args.precision)
        code = import_module(f".{args.command.replace('-', '_')}", __name__).run(args)
        sys.stdout.flush()
        return code
    except KeyboardInterrupt:
        print("fastcnn: interrupted", file=sys.stderr)
        return 130
    except (FastcnnError, OSError, ImportError) as error:
        return _failure(error)
    except ValueError as error:
        # A wrong FASTCNN_ISA or FASTCNN_NUM_THREADS shows when the kernels are loaded.
        if not str(error).startswith("FASTCNN_"):
            raise
        return _failure(error)


def _failure(error: Exception) -> int:
    message = " ".join(str(error).split()) or type(error).__name__
    if isinstance(error, DownloadError):
        message = str(error)
    print(f"fastcnn: error: {message}", file=sys.stderr)
    return 1
