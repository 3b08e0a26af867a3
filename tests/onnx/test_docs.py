"""What docs/onnx.md shows runs, and what it lists is there."""

import re

from fastcnn import onnx

from .. import documents

TEXT = documents.read("docs/onnx.md")


def test_its_code_runs(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    names = documents.run_guide("onnx.md", 3)
    assert capsys.readouterr().out == "(3, 32, 32)\n"
    assert names["model"].training


def test_its_list_of_operators():
    (listed,) = re.findall(r"^Abs, Add(?:.|\n)*?\n\n", TEXT, re.MULTILINE)
    assert re.findall(r"\w+", listed) == onnx.operators()
