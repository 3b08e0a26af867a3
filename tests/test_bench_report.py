"""What the bench against other libraries makes of its figures: best peers, report, picture, file names."""

import pytest

from bench.peers import machine, report
from bench.peers.result import Result

FACTS = {
    "machine": {"date": "2000-01-01", "processor": "a slide rule", "cores": 2, "Python": "3"},
    "versions": {"fastcnn": "1", "PyTorch": "2"},
    "threads": 2,
    "rounds": 3,
    "disturbed": 0.05,
}


def result(network, batch, peers, **facts):
    """Return a result of three rounds; `peers` has the seconds of each (contender, name, precision)."""
    made = Result(facts.pop("section", "inference"), network, facts.pop("group", "zoo"), batch, 2, 40)
    made.seconds, made.precisions = {"fastcnn": {"": [1.0, 1.0, 2.0]}}, {"fastcnn": {"": "float32"}}
    for (contender, configuration, precision), seconds in peers.items():
        made.seconds.setdefault(contender, {})[configuration] = seconds
        made.precisions.setdefault(contender, {})[configuration] = precision
    made.peaks, made.others = [80.0] * 3, facts.pop("others", [0.0] * 3)
    made.memory = facts.pop("memory", {})
    assert not facts
    return made


EAGER = ("PyTorch", "contiguous", "float32")
LAST = ("PyTorch", "channels_last", "float32")
AUTOCAST = ("PyTorch", "channels_last, autocast", "bfloat16")
BOUND = ("ONNX Runtime", "bound", "float32")
DEFAULT = ("OpenVINO", "default", "bfloat16")


@pytest.fixture
def first():
    return result(
        "a",
        8,
        {
            EAGER: [4.0, 8.0, 4.0],
            LAST: [6.0, 2.0, 6.0],
            AUTOCAST: [5.0, 5.0, 5.0],
            BOUND: [3.0, 3.0, 3.0],
            DEFAULT: [0.5, 0.5, 8.0],
        },
        others=[0, 0.5, 0],
        memory={
            "fastcnn": {"imported_bytes": 40_000_000, "peak_bytes": 50_000_000},
            "ONNX Runtime": {"imported_bytes": 60_000_000, "peak_bytes": 70_400_000},
        },
    )


def test_the_best_of_a_library(first):
    assert first.best("PyTorch") == [4.0, 2.0, 4.0]
    assert first.ratios("PyTorch") == [4.0, 2.0, 2.0]
    assert first.choice("PyTorch") == ("PyTorch", "contiguous")
    assert first.choice("PyTorch", "bfloat16") == ("PyTorch", "channels_last, autocast")
    assert first.rate("PyTorch") == 2.0
    assert first.peak_share("fastcnn") == 0.5


def test_the_best_of_a_precision(first):
    """In every round the best of all libraries; fastcnn is none of its own peers, and runs in float32."""
    assert first.best(None) == [3.0, 2.0, 3.0]
    assert first.choice(None) == ("ONNX Runtime", "bound")
    assert first.ratios(None) == [3.0, 2.0, 1.5]
    assert first.best(None, "bfloat16") == [0.5, 0.5, 5.0]
    assert first.choice(None, "bfloat16") == ("OpenVINO", "default")
    assert first.ratios(None, "bfloat16") == [0.5, 0.5, 2.5]
    assert first.configurations("fastcnn") == [("fastcnn", "")]
    assert first.configurations(None, "float16") == first.configurations("ONNX Runtime", "bfloat16") == []


def test_figures_as_json(first):
    found = first.as_dict()
    assert list(found["peers"]) == ["float32", "bfloat16"]
    assert list(found["peers"]["float32"]) == ["best", "PyTorch", "ONNX Runtime"]
    assert found["peers"]["bfloat16"]["best"] == {
        "configuration": "OpenVINO default",
        "images_per_second": 16.0,
        "ratios": [0.5, 0.5, 2.5],
    }
    assert found["precisions"]["PyTorch"]["channels_last, autocast"] == "bfloat16"


def test_report(first):
    text = report.markdown(FACTS, [first, result("b", 8, {BOUND: [8.0, 8.0, 16.0]})], [])
    assert "2000-01-01, a slide rule, 2 cores; 2 threads; fastcnn 1, PyTorch 2; Python 3." in text
    assert "in 1 of 6 rounds other programs had more than 5% of the cores' time in a turn, 50% at the" in text
    assert "the import takes, in MB: fastcnn 40, ONNX Runtime 60." in text
    head, _, a, b = [line for line in text.splitlines() if line.startswith("|")]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in (head, a, b)]
    assert list(zip(cells[0], cells[1], strict=True)) == [
        ("network", "a"),
        ("batch", "8"),
        ("fastcnn, images/s", "8"),
        ("best float32 peer", "ONNX Runtime (bound)"),
        ("images/s", "3"),
        ("times it", "2.00 (1.50 to 3.00)"),
        ("best bfloat16 peer", "OpenVINO (default)"),
        ("images/s", "16"),
        ("times it", "0.50 (0.50 to 2.50)"),
        ("times PyTorch, float32", "2.00 (2.00 to 4.00)"),
        ("times ONNX Runtime, float32", "3.00 (1.50 to 3.00)"),
        ("of FMA peak: fastcnn", "50%"),
        ("float32 peer", "17%"),
        ("peak MB: fastcnn", "50"),
        ("float32 peer", "70"),
    ]
    assert cells[2][6:10] == ["", "", "", ""]
    assert cells[2][-2:] == ["", ""]
    means = [line.split(", against ")[1] for line in text.splitlines() if line.startswith("- reference ")]
    assert means == [
        "the best float32 peer: geometric mean 4.00, smallest 2.00 (a, batch 8)",
        "the best bfloat16 peer: geometric mean 0.50, smallest 0.50 (a, batch 8)",
        "PyTorch in float32: geometric mean 2.00, smallest 2.00 (a, batch 8)",
        "ONNX Runtime in float32: geometric mean 4.90, smallest 3.00 (a, batch 8)",
    ]
    assert "OpenVINO in float32" not in text


def test_columns_without_figures_are_left_out():
    alone = report.markdown(FACTS, [result("a", 1, {}, section="latency")], [])
    assert "| network | batch | fastcnn, µs |\n" in alone
    assert "peer" not in alone
    float32 = report.markdown(FACTS, [result("a", 1, {BOUND: [2.0] * 3}, section="latency")], [])
    assert "| ONNX Runtime (bound) | 2000000.0 | 2.00 (1.00 to 2.00) |" in float32
    assert "bfloat16" not in float32.split("###")[1]
    assert "MB" not in float32


def test_means_of_training_are_those_of_batches():
    """One image a step is another task; networks that were not tuned for come first."""
    rows = [
        result("a", 1, {EAGER: [9.0] * 3}, section="training"),
        result("a", 32, {EAGER: [2.0] * 3}, section="training"),
        result("b", 32, {EAGER: [3.0] * 3}, section="training", group="other"),
    ]
    lines = [line for line in report.markdown(FACTS, rows, []).splitlines() if line.startswith("- ")]
    against = ", against the best float32 peer: geometric mean"
    assert lines[::2] == [
        f"- networks that were not tuned for{against} 3.00, smallest 3.00 (b, batch 32)",
        f"- reference networks{against} 2.00, smallest 2.00 (a, batch 32)",
    ]


def test_picture(first, tmp_path):
    from bench.peers.plot import plot

    plot(str(tmp_path / "out.png"), FACTS, [first])
    assert (tmp_path / "out.png").stat().st_size > 5000


@pytest.mark.parametrize(
    ("name", "slug"),
    [
        ("AMD EPYC (family 26, model 2)", "amd-epyc-26-2"),
        ("Intel(R) Xeon(R) Processor (family 6, model 143, AMX)", "intel-xeon-6-143-amx"),
        ("Intel(R) Core(TM) i7-8700 CPU @ 3.20GHz (family 6, model 158)", "intel-core-i7-8700-6-158"),
        ("AMD EPYC 7763 64-Core Processor (family 25, model 1)", "amd-epyc-7763-64-core-25-1"),
        ("aarch64", "aarch64"),
    ],
)
def test_the_name_of_a_processor_in_names_of_files(name, slug):
    assert machine.slug(name) == slug


def test_the_name_of_a_processor(tmp_path):
    path = tmp_path / "cpuinfo"
    lines = ["cpu family\t: 6", "model\t\t: 143", "model name\t: Xeon", "flags\t\t: fpu amx_tile amx_bf16"]
    path.write_text("\n".join(lines) + "\n\nmodel name\t: another\n")
    assert machine.processor(str(path)) == "Xeon (family 6, model 143, AMX)"
    path.write_text("\n".join(lines[:3]))
    assert machine.processor(str(path)) == "Xeon (family 6, model 143)"
    assert machine.processor(str(tmp_path / "none"))
