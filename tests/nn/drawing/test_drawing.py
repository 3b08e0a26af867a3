"""Files of drawings: SVG, Graphviz, Mermaid."""

import re
from xml.etree import ElementTree

import pytest

from fastcnn import nn
from fastcnn.errors import ArgumentError
from fastcnn.nn.drawing.picture import Box, Frame, Net, Picture
from fastcnn.nn.drawing.svg import COLOURS, to_svg
from fastcnn.nn.drawing.texts import lines_of, size_of, text_width
from fastcnn.nn.drawing.words import KINDS

from .networks import Block, random_picture

SVG = "{http://www.w3.org/2000/svg}"
HOSTILE = [
    '<script>alert("1")</script>',
    "]]>&lt;'\"",
    "\x00\x1b[31m\ud800\u202e",
    'a"];b->c',
    "#quot;%%{init}",
]


def network(name="conv"):
    model = nn.Module.__new__(type(f"Net{name}", (nn.Sequential,), {}))
    nn.Sequential.__init__(
        model, {name: nn.Conv2d(1, 2, 3), "blocks": nn.Sequential(nn.ReLU(), Block(2, 2, 1))}
    )
    return model


def test_svg():
    root = ElementTree.fromstring(network().draw_graph((1, 5, 5), name="A network").show())
    assert root.tag == f"{SVG}svg"
    assert root.find(f"{SVG}title").text == "A network"
    said = ["".join(each.itertext()) for each in root.iter(f"{SVG}text")]
    assert [each for each in said if "Conv2d" in each] == ["Conv2d"] * 3
    for word in ("conv", "3×3", "2×3×3", "20 params", "BatchNorm2d", "Add", "input", "output"):
        assert word in said
    assert "blocksblocks Sequential" in said  # after its tip
    kinds = [each.get("class") for each in root.iter(f"{SVG}rect")]
    assert kinds.count("conv") == 3
    assert kinds.count("frame") == 3
    left, top, width, height = map(float, root.get("viewBox").split())
    for each in root.iter(f"{SVG}rect"):
        x, y, w, h = (float(each.get(name)) for name in ("x", "y", "width", "height"))
        assert left < x
        assert x + w < left + width
        assert top < y
        assert y + h < top + height


def test_svg_has_nothing_that_runs_or_is_fetched():
    text = network().draw_graph((1, 5, 5)).show()
    tags = {each.tag.removeprefix(SVG) for each in ElementTree.fromstring(text).iter()}
    assert tags == {"svg", "title", "style", "g", "rect", "text", "tspan", "path"}
    assert not re.search(r"href|url\(|@import|\son\w+=", text)
    assert len(text) < 12_000


@pytest.mark.parametrize("name", HOSTILE)
def test_names_are_text_and_nothing_else(name):
    box = Box(name, "conv", name, name, name, name, name)
    frame = Frame(name, name, name, [box])
    end = Box("output", "end")
    picture = Picture(name, Frame(members=[frame, end]), [Net(box, [end])])
    plain = {each.tag for each in ElementTree.fromstring(to_svg(picture).encode()).iter()}
    assert plain == {f"{SVG}{tag}" for tag in ("svg", "title", "style", "g", "rect", "text", "tspan", "path")}
    model = network()
    if "." not in name:
        model.add_module(name, nn.ReLU())
    drawing = model.draw_graph((1, 5, 5), name=name)
    ElementTree.fromstring(drawing.show())
    for line in drawing.show("dot").splitlines():
        # Outside of strings stand names of nodes, and keys.
        bare = re.sub(r'"(\\.|[^"\\])*"', '""', line)
        assert re.fullmatch(r'[\w\s{}\[\]=;,>"-]*', bare), bare
    for line in drawing.show("mermaid").splitlines()[1:]:
        assert re.fullmatch(r'\s*[\w\s.:,#;"=/<>\[\]-]*', line), line
        assert line.count('"') in (0, 2)


def test_dot():
    text = nn.Sequential(nn.Conv2d(1, 2, 3), nn.Residual(nn.ReLU())).draw_graph((1, 5, 5)).show("dot")
    assert text.startswith('digraph "Sequential" {\n')
    assert 'n1 [label="Conv2d 0\\n3×3\\n2×3×3 20 params", fillcolor="#cfe1f6", color="#4a80b8"];' in text
    assert '  subgraph cluster_0 { label="1 Residual";\n    n2 [label="ReLU body 2×3×3"' in text
    assert re.findall(r"n\d -> n\d", text) == ["n0 -> n1", "n1 -> n2", "n1 -> n3", "n2 -> n3", "n3 -> n4"]
    assert text.count("{") == text.count("}")


def test_mermaid():
    text = nn.Sequential(nn.Conv2d(1, 2, 3), nn.Residual(nn.ReLU())).draw_graph((1, 5, 5)).show("mermaid")
    lines = [line.strip() for line in text.splitlines()]
    assert lines[0] == "flowchart TD"
    assert 'n1["Conv2d 0<br/>3#215;3<br/>2#215;3#215;3 20 params"]:::kconv' in lines
    assert lines.index('subgraph f0["1 Residual"]') < lines.index("end")
    assert [line for line in lines if "-->" in line] == [
        "n0 --> n1",
        "n1 --> n2",
        "n1 --> n3",
        "n2 --> n3",
        "n3 --> n4",
    ]
    assert "classDef kconv fill:#cfe1f6,stroke:#4a80b8,color:#1c2230" in lines


def test_files(tmp_path):
    model = network()
    for suffix, begin in (
        (".svg", "<svg"),
        (".SVG", "<svg"),
        (".dot", "digraph"),
        (".gv", "digraph"),
        (".mmd", "flow"),
    ):
        path = tmp_path / f"net{suffix}"
        drawing = model.draw_graph((1, 5, 5), path)
        assert path.read_text(encoding="utf-8").startswith(begin)
    drawing.save(str(tmp_path / "again.svg"))
    assert (tmp_path / "again.svg").read_text(encoding="utf-8") == drawing.show() == drawing._repr_svg_()


@pytest.mark.parametrize("name", ["net.png", "net", ".svg", "net.svg.gz"])
def test_a_wrong_suffix_is_said_before_anything_runs(name, tmp_path):
    class Never(nn.Module):
        def forward(self, x):
            raise AssertionError

    with pytest.raises(
        ArgumentError, match=rf"draw_graph: '.*{name}' must end in one of \.svg, \.dot, \.gv, \.mmd"
    ):
        Never().draw_graph((1,), tmp_path / name)
    assert not list(tmp_path.iterdir())


def test_an_older_file_stays_if_the_drawing_fails(tmp_path):
    path = tmp_path / "net.svg"
    path.write_text("older")
    with pytest.raises(ArgumentError):
        nn.Conv2d(1, 2, 3).draw_graph((3, 5, 5), path)
    assert path.read_text() == "older"


def test_a_format_that_is_none():
    with pytest.raises(ArgumentError, match="draw_graph: format must be one of svg, dot, mermaid, got 'png'"):
        network().draw_graph((1, 5, 5)).show("png")


def test_every_kind_has_its_colour():
    assert set(COLOURS) == set(KINDS)


def test_long_names_are_cut_and_whole_in_the_tip():
    name = "a" * 40 + "b" * 40
    text = nn.Sequential({name: nn.ReLU()}).draw_graph((2,)).show()
    assert f"<title>{name} ReLU 2</title>" in text
    assert f">{'a' * 12}\u2026{'b' * 13}<" in text


def test_texts_fit_into_boxes():
    # Widths of Helvetica: i 222, m 833, a digit 556, thousandths of the size.
    assert text_width("im1", 1000) == pytest.approx(1.06 * (222 + 833 + 556))
    assert text_width("\u7db2\u0301", 1000) == pytest.approx(1.06 * 1000)  # wide, and one that takes no room
    box = Box("Conv2d", "conv", "features.conv1", "3×3, padding 1", "64×28×28", "1,792 params")
    assert [line.right for line in lines_of(box)] == ["features.conv1", "", "1,792 params"]
    width, height = size_of(box)
    assert width > 20 + 1.06 * (text_width("Conv2d", 12) + text_width("features.conv1", 11)) / 1.06
    assert height == 3 * 15 + 10


def test_a_large_network_has_a_small_file():
    import random

    picture = random_picture(random.Random(1), 150)
    assert len(to_svg(picture)) < 150 * 700
