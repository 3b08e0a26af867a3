"""The command line: ``fastcnn COMMAND ...`` or ``python -m fastcnn COMMAND ...``.

One module a command, imported when the command runs, so that help and mistakes answer at once; `parser`
has the arguments of all.

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
from ..errors import DownloadError, FastcnnError
from .parser import new_parser


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
        args = new_parser().parse_args(argv)
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
