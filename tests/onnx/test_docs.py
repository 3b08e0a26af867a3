"""What docs/onnx.md shows runs, and what it lists is there."""

import re
from pathlib import Path

from fastcnn import onnx

TEXT = (Path(__file__).parents[2] / "docs" / "onnx.md").read_text(encoding="utf-8")


def test_its_code_runs(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    names: dict = {}
    blocks = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)
    assert len(blocks) == 3
    for block in blocks:
        exec(compile(block, "onnx.md", "exec"), names)
    assert capsys.readouterr().out == "(3, 32, 32)\n"
    assert names["model"].training


def test_its_list_of_operators():
    (listed,) = re.findall(r"^Abs, Add(?:.|\n)*?\n\n", TEXT, re.MULTILINE)
    assert re.findall(r"\w+", listed) == onnx.operators()
