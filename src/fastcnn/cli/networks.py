"""Arguments of the commands about networks: summary, convert, export, profile."""

from __future__ import annotations

import argparse

from . import options


def add(commands: argparse._SubParsersAction) -> None:
    """Add the parsers of these commands."""
    _add_summary(commands)
    _add_convert(commands)
    _add_export(commands)
    _add_profile(commands)


def _add_summary(commands: argparse._SubParsersAction) -> None:
    summary = commands.add_parser(
        "summary",
        help="print the table of a network's layers",
        description="Print the table of a network's layers: shapes, parameters, multiply-accumulates, "
        "receptive fields and memory; then the optimizer and the loss of its recipe.",
    )
    options.add_model(summary)
    summary.add_argument(
        "--format",
        choices=("text", "markdown", "json"),
        default="text",
        help="of the table; default: %(default)s",
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
    convert.add_argument("--to", choices=("json", "python", "spec", "toml"), required=True, help="the format")


def _add_export(commands: argparse._SubParsersAction) -> None:
    export = commands.add_parser(
        "export",
        help="write a network as an ONNX file",
        description="Write a network with its weights as an ONNX file, which other tools run. It needs the "
        'onnx extra: pip install "fastcnn[onnx]".',
    )
    export.add_argument(
        "model",
        metavar="RUN_OR_MODEL",
        help="the folder of a run, a file of weights, or what train takes as RECIPE",
    )
    export.add_argument("file", metavar="FILE", help="the ONNX file")
    export.add_argument(
        "--input", metavar="C,H,W", help="shape of the images; default: those of the recipe's data set"
    )
    options.add_recipe(export)
    export.add_argument(
        "--opset",
        type=int,
        default=18,
        metavar="N",
        help="version of the operators, from 9; default: %(default)s",
    )
    export.add_argument(
        "--batch-size", type=int, metavar="N", help="images in a batch; default: any number of them"
    )
    export.add_argument(
        "--preprocess",
        action="store_true",
        help="let the file normalise images too: it then takes them as they were before training did so",
    )


def _add_profile(commands: argparse._SubParsersAction) -> None:
    profile = commands.add_parser(
        "profile",
        help="time each operation of a network's program",
        description="Run a network's compiled program on random images, and print for each operation its "
        "time and its share of what the processor could do: the FMA peak, which is measured in between. "
        "CONTRIBUTING.md tells how to read it.",
    )
    options.add_model(profile)
    profile.add_argument(
        "--batch-size", type=int, default=128, metavar="N", help="images in a batch; default: %(default)s"
    )
    mode = profile.add_mutually_exclusive_group()
    mode.add_argument("--training", action="store_true", default=True, help="a step of training; the default")
    mode.add_argument("--inference", action="store_false", dest="training", help="prediction")
    profile.add_argument("--describe", action="store_true", help="print the program, run nothing")
    profile.add_argument("--json", action="store_true", help="print all figures as JSON")
    options.add_machine(profile)
