import argparse
import re
import subprocess
import sys

import pytest

from fastcnn import __version__
from fastcnn.cli import main
from fastcnn.cli.parser import new_parser

COMMANDS = ("train", "evaluate", "predict", "summary", "profile", "info")


def test_version(capsys):
    with pytest.raises(SystemExit) as caught:
        main(["--version"])
    assert caught.value.code == 0
    assert capsys.readouterr().out == f"fastcnn {__version__}\n"


@pytest.mark.parametrize("command", [[], *([each] for each in COMMANDS)])
def test_help(command, capsys):
    with pytest.raises(SystemExit) as caught:
        main([*command, "--help"])
    assert caught.value.code == 0
    assert f"usage: {' '.join(['fastcnn', *command])} " in capsys.readouterr().out


@pytest.mark.parametrize(
    ("argv", "expected"),
    [
        ([], "required: COMMAND"),
        (["learn"], "invalid choice: 'learn'"),
        (["train", "--epochs", "ten"], "argument --epochs: invalid int value: 'ten'"),
        (["train", "--fast"], "unrecognized arguments: --fast"),
        (["evaluate"], "required: RUN_OR_WEIGHTS"),
        (["predict", "weights.safetensors"], "required: IMAGE"),
    ],
)
def test_a_wrong_command_line(argv, expected, capsys):
    with pytest.raises(SystemExit) as caught:
        main(argv)
    assert caught.value.code == 2
    assert expected in capsys.readouterr().err


def arguments_of(parser, name="fastcnn"):
    """Yield (command, argument) of a parser and of those below it."""
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            yield from ((name, each) for each in action._choices_actions)
            for command, inner in action.choices.items():
                yield from arguments_of(inner, f"{name} {command}")
        else:
            yield name, action


def test_every_argument_says_what_it_is():
    """A default alone is no help."""
    seen = 0
    for command, argument in arguments_of(new_parser()):
        text = (argument.help or "").split("default:")[0].strip(" ;")
        assert text, f"{command}: {argument.option_strings or argument.dest} has no help"
        seen += 1
    assert seen > 80


def test_help_loads_no_numpy():
    """Help answers at once."""
    code = (
        "import sys\n"
        "from fastcnn.cli import main\n"
        "try:\n"
        "    main(['train', '--help'])\n"
        "except SystemExit:\n"
        "    sys.exit('numpy' in sys.modules)\n"
    )
    assert subprocess.run([sys.executable, "-c", code], stdout=subprocess.DEVNULL).returncode == 0


def test_a_process(trained, tmp_path):
    """As from a shell, with warnings as errors."""
    command = [sys.executable, "-W", "error", "-m", "fastcnn", "evaluate", str(trained)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert re.match(r"mnist: test accuracy \d\d\.\d\d% ", done.stdout)


def test_a_mistake_in_the_environment(tmp_path):
    import os

    environment = {**os.environ, "FASTCNN_NUM_THREADS": "many"}
    command = [sys.executable, "-m", "fastcnn", "info"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, env=environment)
    assert done.returncode == 1
    assert done.stderr.startswith("fastcnn: error: FASTCNN_NUM_THREADS must be an integer from 1")
    assert done.stderr.count("\n") == 1


def test_a_reader_that_goes_away(tmp_path):
    """`fastcnn info | head -0` ends without a complaint."""
    command = [sys.executable, "-u", "-m", "fastcnn", "info"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=tmp_path) as process:
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 0


def test_info(capsys, monkeypatch):
    assert main(["info"]) == 0
    text = capsys.readouterr().out
    facts = {line.split()[0]: line for line in text.splitlines() if not line.startswith(" ")}
    assert facts["fastcnn"].endswith(__version__)
    assert facts["threads"].split()[1] == "1"
    for word in ("instruction", "build", "pillow", "matplotlib", "recipes", "networks"):
        assert word in facts
    assert "compact-mnist" in facts["recipes"]
    assert "residual-mnist" in text


def test_info_without_the_extras(capsys, monkeypatch):
    # An empty search path: no distribution is installed.
    monkeypatch.setattr(sys, "path", [])
    assert main(["info"]) == 0
    assert 'not installed (pip install "fastcnn[plots]")' in capsys.readouterr().out
