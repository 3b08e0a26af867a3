"""No files import each other in a circle, be it inside a function or for types alone."""

import pytest

from .import_graph import circles, import_graph


def test_no_files_import_each_other():
    graph = import_graph()
    assert len(graph) > 150
    arrows = [
        f"{name} -> {other}"
        for circle in circles(graph)
        for name in sorted(circle)
        for other in sorted(graph[name] & circle)
    ]
    assert not arrows, "\n".join(arrows)


def test_the_graph_is_that_of_the_files():
    graph = import_graph()
    assert {"fastcnn.nn.passive", "fastcnn.nn.prediction", "fastcnn.nn.summary"} < graph["fastcnn.nn.module"]
    assert {"fastcnn._slots", "fastcnn._shapes", "fastcnn.nn.views"} < graph["fastcnn.nn.prediction"]
    assert "fastcnn.engine.predict" in graph["fastcnn"]
    assert graph["fastcnn._kernels.conv2d"] == {"fastcnn._kernels.cpu", "fastcnn._kernels.workspace"}
    assert "fastcnn._kernels.conv2d" in graph["fastcnn.ops.conv"]
    assert "fastcnn.cli.train" in graph["fastcnn.cli"]


@pytest.mark.parametrize(
    ("files", "found"),
    [
        ({"a.py": "from .b import x", "b.py": "def f():\n    from . import a"}, ["a", "b"]),
        ({"a.py": "from .b import x", "b.py": "if TYPE_CHECKING:\n    from .a import y"}, ["a", "b"]),
        ({"a.py": "from .b import x", "b.py": "import fastcnn.a as other"}, ["a", "b"]),
        (
            {"a.py": "from .b import x", "b.py": "from .c import x", "c.py": "from .a import *"},
            ["a", "b", "c"],
        ),
        ({"p/__init__.py": "from .a import x", "p/a.py": "from . import y"}, ["p", "p.a"]),
        (
            {
                "p/__init__.py": "from .a import x",
                "p/a.py": "from .b import x",
                "p/b.py": "from ..p import x",
            },
            ["p", "p.a", "p.b"],
        ),
        ({"a.py": "from .b import x", "b.py": "importlib.import_module('.a', 'fastcnn')"}, ["a", "b"]),
        ({"a.py": "from .b import x", "b.py": "__import__('fastcnn.a')"}, ["a", "b"]),
        (
            {"p/__init__.py": "_import_module(f'.{name}', __name__)", "p/a.py": "from . import x"},
            ["p", "p.a"],
        ),
        ({"k/a.pyx": "from .b cimport x", "k/b.py": "from .a import y"}, ["k.a", "k.b"]),
        (
            {"k/a.pyx": "", "k/a.pxd": "from . cimport b", "k/b.pyx": "from .a cimport (\n    y,\n)"},
            ["k.a", "k.b"],
        ),
        # These are none: what only stands beside each other, and names of somebody else.
        ({"p/__init__.py": "from . import a, b", "p/a.py": "from . import b", "p/b.py": "import a"}, []),
        (
            {
                "a.py": "from .p import x",
                "p/__init__.py": "from .b import x",
                "p/b.py": "from numpy import a",
            },
            [],
        ),
        ({"k/a.pyx": "from .a cimport x\nfrom libc.math cimport b", "k/b.pyx": "from .a cimport x"}, []),
    ],
)
def test_the_test_finds_circles(files, found, tmp_path):
    for name, source in {"__init__.py": "", **files}.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(source)
    expected = [{f"fastcnn.{name}" for name in found}] if found else []
    assert circles(import_graph(tmp_path)) == expected
