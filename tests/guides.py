"""Guides in docs/, whose code the tests run."""

import re
from pathlib import Path

FOLDER = Path(__file__).parent.parent / "docs"


def run_code(name, blocks):
    """Run the blocks of Python in a guide, of which there must be so many; return the names they leave."""
    found = re.findall(r"```python\n(.*?)```", (FOLDER / name).read_text(encoding="utf-8"), re.DOTALL)
    assert len(found) == blocks
    names: dict = {}
    for block in found:
        exec(compile(block, name, "exec"), names)
    return names
