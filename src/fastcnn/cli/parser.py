"""The arguments of the command line. No command is imported for it, so that help answers at once."""

from __future__ import annotations

import argparse

from .._version import __version__
from . import networks, options, runs

_DESCRIPTION = """\
Train and run small convolutional networks on CPUs.

  fastcnn train                             train the default network on MNIST
  fastcnn evaluate runs/compact-mnist-1     measure it on the test set
  fastcnn predict runs/compact-mnist-1 digit.png
"""


def new_parser() -> argparse.ArgumentParser:
    """Return the parser of all commands."""
    parser = argparse.ArgumentParser(
        "fastcnn", description=_DESCRIPTION, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--version", action="version", version=f"fastcnn {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    runs.add(commands)
    networks.add(commands)
    _add_datasets(commands)
    info = commands.add_parser("info", help="show versions, processor, threads, networks and recipes")
    info.add_argument("--table", action="store_true", help="print what is inside, as a table in Markdown")
    return parser


def _add_datasets(commands: argparse._SubParsersAction) -> None:
    datasets = commands.add_parser(
        "datasets",
        help="list, download and check data sets",
        description="List the data sets that have a name, and where they are. A data set is also downloaded "
        "when it is first used.",
    )
    actions = datasets.add_subparsers(dest="action", metavar="ACTION")
    actions.add_parser("list", help="list them; the default")
    download = actions.add_parser("download", help="download a data set")
    verify = actions.add_parser("verify", help="compare the files of a data set with their SHA-256")
    for parser in (download, verify):
        parser.add_argument("name", metavar="NAME", help="of the data set, as fastcnn datasets lists it")
        options.add_data(parser)
