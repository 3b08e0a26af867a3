"""The Python in documents, which tests run as a reader would."""

import re
from pathlib import Path

ROOT = Path(__file__).parent.parent


def read(path):
    """Return the text of a document; path is that from the root of the source tree."""
    return (ROOT / path).read_text(encoding="utf-8")


def blocks(text):
    """Return the blocks of Python in a text, in order."""
    return re.findall(r"```python\n(.*?)```", text, re.DOTALL)


def run(codes, document, **names):
    """Run blocks one after the other on the same names, and return those; tracebacks name the document."""
    for code in codes:
        exec(compile(code, document, "exec"), names)
    return names


def run_guide(name, count):
    """Run all blocks of a guide in docs/, of which there must be so many; return the names they leave."""
    codes = blocks(read(f"docs/{name}"))
    assert len(codes) == count
    return run(codes, name)
