"""Pictures of what networks do with a sample: operations, blocks, branches and joins.

A forward is recorded as it runs (`recording.py`); every operation is a box, and the call of a module of
several operations a frame around them (`picture.py`). `levels.py` puts them into rows, `columns.py` and
`places.py` side by side, `gaps.py` gives the heights, and `svg.py` draws. What `diagrams.py` writes is laid
out by other programs.
"""

from .drawing import Drawing, draw, format_of

__all__ = ["Drawing", "draw", "format_of"]
