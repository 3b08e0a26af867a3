"""docs/from-pytorch.md is true: its code runs, and the names in its table exist."""

import re

import pytest

import fastcnn

from . import documents

PAGE = documents.read("docs/from-pytorch.md")
NAMES = sorted(set(re.findall(r"fastcnn(?:\.[A-Za-z_0-9]+)+", PAGE)))


def test_the_step_learns(capsys):
    documents.run_guide("from-pytorch.md", 1)
    loss, predicted = capsys.readouterr().out.split(" ", 1)
    assert float(loss) < 1
    assert predicted.strip() == "[1 2 3 4]"


@pytest.mark.parametrize("name", NAMES)
def test_names_exist(name):
    found = fastcnn
    for part in name.split(".")[1:]:
        found = getattr(found, part)
