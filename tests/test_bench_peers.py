"""The bench against other libraries: that it runs with fastcnn alone, and that its report is right."""

import json
import math
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import fastcnn
from bench import bench_peers
from bench.peers import layers, networks, report, turns
from bench.peers.process import Worker, WorkerError, write_arrays
from bench.peers.rounds import AnswerError, Case, Result, compare_answers, count_flops, measure, prepare
from fastcnn.engine import Plan
from fastcnn.nn.summary import summarize

ROOT = Path(__file__).parent.parent
FAST = turns.Settings(rounds=2, turn_seconds=0.0, gap_seconds=0.0, attempts=1)


@pytest.fixture(scope="module")
def worker():
    with Worker("fastcnn", 1) as made:
        yield made


@pytest.mark.parametrize(
    "name", [["-m", "bench.bench_peers"], ["bench/bench_peers.py"]], ids=["module", "file"]
)
def test_a_quick_run(name, tmp_path):
    outputs = {each: tmp_path / f"out.{each}" for each in ("json", "markdown", "plot")}
    options = [f"--{each}={path}" for each, path in outputs.items()]
    options[-1] = options[-1].replace(".plot", ".png")
    command = [sys.executable, *name, "--quick", "--rounds", "1", "--contenders", "fastcnn", *options]
    environment = {**os.environ, "MPLBACKEND": "agg"}
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, env=environment, timeout=300)
    assert done.returncode == 0, done.stderr
    found = json.loads(outputs["json"].read_text())
    assert [r["section"] for r in found["results"]] == ["training", "inference", "latency"]
    assert [r["mode"] for r in found["scaling"]] == ["training", "inference"]
    assert {r["contender"] for r in found["memory"]} == {"fastcnn"}
    assert all(r["peak_bytes"] > r["imported_bytes"] > 1e6 for r in found["memory"])
    for result in found["results"]:
        assert result["images_per_second"]["fastcnn"] > 0
        # May pass 1: so short a measurement of the peak can fall into a moment when others hold the cores.
        assert result["share_of_peak"]["fastcnn"] > 0
        assert len(result["peaks"]) == 1
    assert outputs["markdown"].read_text() in done.stdout + "\n"
    assert "| compact-mnist | 4 |" in done.stdout
    assert (tmp_path / "out.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("network", networks.NETWORKS.values(), ids=lambda network: network.name)
def test_networks(network):
    """Each is compiled, not eager, and every layer of it can be told to the other sides."""
    model = networks.build(network)
    assert model.output_shape((1, *network.input_shape)) == (1, 10)
    assert isinstance(Plan(model, network.input_shape, training=True, batch_size=1), Plan)
    described = json.loads(json.dumps(layers.describe(model)))

    def kinds(layer):
        return [layer[0], *(kind for child in layer[2] for kind in kinds(child))]

    assert kinds(described) == [type(module).__name__ for module in model.modules()]
    again = networks.build(network)
    pairs = zip(model.state_dict().values(), again.state_dict().values(), strict=True)
    assert all(np.array_equal(a, b) for a, b in pairs)


def test_other_networks_are_others():
    others = [network for network in networks.NETWORKS.values() if network.group == "other"]
    assert len(others) >= 6
    sizes = {network.input_shape[1] for network in others}
    assert min(sizes) == 8
    assert max(sizes) == 128
    assert sum(batch % 2 for network in others for batch in network.batches) >= 3
    channels = {
        module.out_channels
        for network in others
        for module in networks.build(network).modules()
        if isinstance(module, fastcnn.nn.Conv2d)
    }
    assert sum(1 for count in channels if count % 8) >= 8


def test_choose():
    assert [n.name for n in networks.choose("tiny-8,spec-lenet")] == ["tiny-8", "spec-lenet"]
    assert len(networks.choose("zoo")) == 5
    assert len(networks.choose("all,zoo")) == len(networks.NETWORKS)
    with pytest.raises(ValueError, match="no network is called 'lenet'; there is zoo, other, residual-mnist"):
        networks.choose("lenet")


def test_layers_refuse_what_the_others_lack():
    with pytest.raises(TypeError, match="the other libraries have no Softmax"):
        layers.describe(fastcnn.nn.Sequential(fastcnn.nn.Softmax(1)))


def test_cases():
    def names(*argv):
        found = bench_peers.cases(bench_peers.parse(argv))
        return [(case.section, case.network.name, case.batch) for case in found]

    training = names("--networks", "position-bias-mnist,tiny-8", "--only", "training")
    assert training == [
        *(("training", "position-bias-mnist", batch) for batch in (32, 128, 512)),
        *(("training", "tiny-8", batch) for batch in (37, 400)),
        ("training", "position-bias-mnist", 1),
    ]
    assert names("--only", "latency", "--networks", "tiny-8") == [("latency", "tiny-8", 1)]
    assert names("--only", "inference", "--networks", "tiny-8", "--batches", "3,5") == [
        ("inference", "tiny-8", 3),
        ("inference", "tiny-8", 5),
    ]
    assert len(names()) == (5 * 3 + 10 * 2) * 2 + 15 + 1
    args = bench_peers.parse(["--networks", "all", "--threads", "2"])
    assert len(bench_peers.scaling_cases(args)) == 10


@pytest.mark.parametrize("training", [False, True])
def test_work(training):
    network = networks.NETWORKS["compact-mnist"]
    model = networks.build(network)
    table = summarize(model, network.input_shape)
    assert count_flops(model, network.input_shape, False) == 2 * 3_064_656
    assert count_flops(model, network.input_shape, True) == 2 * (3 * 3_064_656 - table.layers[0].macs)


@pytest.mark.parametrize("section", ["training", "inference"])
def test_a_worker_answers_as_the_library_does(section, worker, tmp_path):
    network = networks.NETWORKS["thin-deep-28"]
    model = networks.build(network)
    write_arrays(tmp_path / "case.npz", model, network.input_shape, 3)
    case = Case(section, network, 3, 1, ())
    assert prepare(worker, case, model, tmp_path / "case.npz", [1]) == [""]
    with np.load(tmp_path / "case.npz") as file:
        x, target = file["x"], file["target"]
    if section == "inference":
        np.testing.assert_allclose(
            worker.ask("logits")[""], model.double().predict(x.astype(float)), rtol=1e-4
        )
        return
    losses = worker.ask("losses", steps=3)
    model.train()
    loss = fastcnn.nn.CrossEntropyLoss()
    assert losses[0] == pytest.approx(loss(model(x), target), rel=1e-5)
    assert losses[2] < losses[1] < losses[0]


def test_a_case_with_a_peer(worker, tmp_path):
    """Another process with fastcnn in the part of the peer: the ratios are around 1, the answers the same."""
    case = Case("inference", networks.NETWORKS["spec-lenet"], 2, 1, ("peer",), (2,))
    with Worker("fastcnn", 1) as peer:
        result = measure(case, {"fastcnn": worker, "peer": peer}, FAST, tmp_path)
    assert list(result.seconds) == ["fastcnn", "peer"]
    assert list(result.seconds["peer"]) == ["1 thread", "2 threads"]
    assert [len(each) for each in result.seconds["peer"].values()] == [2, 2]
    assert len(result.ratios("peer")) == len(result.peaks) == len(result.others) == 2
    assert all(ratio > 0 for ratio in result.ratios("peer"))


def test_workers_say_what_went_wrong(worker):
    with pytest.raises(WorkerError, match=r"^fastcnn: prepare failed\nTraceback"):
        worker.ask("prepare", path="nowhere")
    with pytest.raises(WorkerError, match="FileNotFoundError"):
        worker.ask("prepare", path="nowhere")
    assert "fastcnn" in worker.ask("versions")


class Answers:
    """A worker whose answers are given."""

    def __init__(self, **answers):
        self.answers = answers

    def ask(self, what, **arguments):
        return self.answers[what]


def test_wrong_answers_are_found():
    ours = Answers(losses=[2.0, 1.5, 1.0], logits={"": [[1.0, -2.0]]})
    compare_answers({"a": ours, "b": Answers(losses=[2.0001, 1.501, 1.001])}, training=True)
    compare_answers({"a": ours, "b": Answers(logits={"x": [[1.0001, -2.0]]})}, training=False)
    for wrong, training, message in (
        (Answers(losses=[2.001, 1.5, 1.0]), True, "b: differs by 0.0005 of the largest number"),
        (Answers(losses=[2.0, 1.5, 1.01]), True, "b: differs by 0.005 of the largest number"),
        (Answers(losses=[2.0, math.nan, 1.0]), True, "b: not finite"),
        (Answers(logits={"x": [[1, -2]], "y": [[1.1, -2]]}), False, "b y: differs by 0.05 of"),
    ):
        with pytest.raises(AnswerError, match=message):
            compare_answers({"a": ours, "b": wrong}, training)


def test_disturbed_rounds_are_played_again(monkeypatch):
    """The clock of the system tells of another program in the second round."""
    turn = turns.Turn(Answers(run={"median": 1.0, "cpu_seconds": 1.0}), "x")
    referee = Answers(fma_peak={"rate": 5.0, "cpu_seconds": 1.0})
    shares = iter([0, 0, 0, 0.5, 0, 0, 0, 0])
    monkeypatch.setattr(turns, "_ask", lambda worker, settings, what, **a: (worker.ask(what), next(shares)))
    rounds = turns.take_turns([turn], referee, [2], turns.Settings(rounds=3, attempts=2))
    assert rounds == turns.Rounds([[1.0]] * 3, [[5.0]] * 3, [0, 0, 0])
    shares = iter([0.5, 0, 0.1, 0, 0.2, 0, 0.4, 0])
    rounds = turns.take_turns([turn], referee, [2], turns.Settings(rounds=2, attempts=2))
    assert rounds.others == [0.1, 0.2]


def results():
    slow, fast = {"contiguous": [4.0, 8.0, 4.0], "channels_last": [6.0, 2.0, 6.0]}, {"": [1.0, 1.0, 2.0]}
    first = Result(
        "training", "a", "zoo", 8, 2, 40, {"fastcnn": fast, "PyTorch": slow}, [80.0] * 3, [0, 0.5, 0]
    )
    second = Result("training", "b", "zoo", 8, 2, 40, {"fastcnn": fast, "PyTorch": {"": [8.0, 8.0, 16.0]}})
    second.peaks, second.others = [80.0] * 3, [0.0] * 3
    return [first, second]


def test_figures_of_a_result():
    first, _ = results()
    assert first.best("PyTorch") == [4.0, 2.0, 4.0]
    assert first.ratios("PyTorch") == [4.0, 2.0, 2.0]
    assert first.choice("PyTorch") == "contiguous"
    assert first.rate("PyTorch") == 2.0
    assert first.peak_share("fastcnn") == 0.5
    assert first.as_dict()["ratios"] == {"PyTorch": [4.0, 2.0, 2.0]}


def test_report(tmp_path):
    facts = {
        "machine": {"date": "2000-01-01", "processor": "a slide rule", "cores": 2, "Python": "3"},
        "versions": {"fastcnn": "1", "PyTorch": "2"},
        "threads": 2,
        "rounds": 3,
        "disturbed": 0.05,
    }
    text = report.markdown(facts, results(), [], [])
    assert "2000-01-01, a slide rule, 2 cores; 2 threads; fastcnn 1, PyTorch 2; Python 3." in text
    assert "in 1 of 6 rounds other programs had more than 5% of the cores' time in a turn, 50% at the" in text
    assert "| a | 8 | 8 | 2 (contiguous) | 2.00 (2.00 to 4.00) | 50% | 12% |" in text
    assert "reference networks, against PyTorch: geometric mean 4.00, smallest 2.00 (a, batch 8)" in text
    from bench.peers.plot import plot

    plot(str(tmp_path / "out.png"), facts, results())
    assert (tmp_path / "out.png").stat().st_size > 5000


def test_mistakes(capsys):
    for argv, message in (
        (["--networks", "lenet"], "no network is called 'lenet'"),
        (["--contenders", "PyTorch"], "--contenders must be fastcnn and others of fastcnn, PyTorch, ONNX"),
        (["--contenders", "fastcnn,numpy"], "--contenders must be"),
    ):
        assert bench_peers.main(argv) == 1
        assert message in capsys.readouterr().err
