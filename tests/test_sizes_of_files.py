"""One file, one topic: a file that grows over 300 lines has two."""

import pytest

from .import_graph import ROOT


@pytest.mark.parametrize("path", sorted(ROOT.rglob("*.py")), ids=lambda path: str(path.relative_to(ROOT)))
def test_no_file_is_longer_than_300_lines(path):
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 300, "split it by its topics"
