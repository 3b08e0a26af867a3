"""The bench against other libraries: that it runs with fastcnn alone, its networks, cases and workers."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import fastcnn
from bench import bench_peers
from bench.peers import extras, layers, machine, networks, turns
from bench.peers.process import Worker, WorkerError, write_arrays
from bench.peers.rounds import Case, count_flops, measure, prepare
from bench.peers.side import Call, Job, Side
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
    folder = tmp_path / "results"
    options = ["--quick", "--rounds", "1", "--contenders", "fastcnn", "--results", folder]
    environment = {**os.environ, "MPLBACKEND": "agg"}
    done = subprocess.run(
        [sys.executable, *name, *options],
        cwd=ROOT,
        capture_output=True,
        text=True,
        env=environment,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    stem = f"peers-{machine.slug(machine.processor())}"
    assert {path.name for path in folder.iterdir()} == {f"{stem}.{end}" for end in ("json", "md", "png")}
    found = json.loads((folder / f"{stem}.json").read_text())
    assert [r["section"] for r in found["results"]] == ["training", "inference", "latency"]
    assert [r["mode"] for r in found["scaling"]] == ["training", "inference"]
    for result in found["results"]:
        assert result["fastcnn"]["images_per_second"] > 0
        # May pass 1: so short a measurement of the peak can fall into a moment when others hold the cores.
        assert result["fastcnn"]["share_of_peak"] > 0
        assert result["precisions"] == {"fastcnn": {"": "float32"}}
        assert result["peers"] == {}
        assert len(result["peaks"]) == 1
        memory = result["memory"]["fastcnn"]
        assert memory["peak_bytes"] > memory["imported_bytes"] > 1e6
    assert f"float32 products in precision {fastcnn.get_float32_matmul_precision()}" in done.stdout
    assert (folder / f"{stem}.md").read_text() in done.stdout + "\n"
    assert "| compact-mnist | 4 |" in done.stdout
    assert (folder / f"{stem}.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("network", networks.NETWORKS.values(), ids=lambda network: network.name)
def test_networks(network):
    """Each is compiled, not eager, and every layer of it can be told to the other sides."""
    model = networks.build(network)
    assert model.output_shape((1, *network.input_shape))[:2] == (1, 2 if network.name == "unet" else 10)
    assert isinstance(Plan(model, network.input_shape, training=True, batch_size=1), Plan)
    described = json.loads(json.dumps(layers.describe(model, network.input_shape)))
    placed = {place: kind for kind, _, _, place in described if place}
    innermost = {name: module for name, module in model.named_modules() if not list(module.children())}
    assert placed == {name: type(module).__name__ for name, module in innermost.items()}
    assert all(source <= i for i, (_, _, sources, _) in enumerate(described) for source in sources)
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
    with pytest.raises(ValueError, match="no network is called 'lenet'; there is zoo, other, deep, own-28"):
        networks.choose("lenet")


def test_values_are_let_go_after_their_last_use():
    steps = [("relu", {}, [0], ""), ("add", {}, [1, 0], ""), ("add", {}, [2, 2], ""), ("add", {}, [3, 1], "")]
    assert layers.last_uses(steps) == [[], [0], [2], [3, 1]]


def test_layers_refuse_what_the_others_lack():
    with pytest.raises(TypeError, match="the other libraries have no Softmax"):
        layers.describe(fastcnn.nn.Sequential(fastcnn.nn.Softmax(1)), (3,))
    shared = fastcnn.nn.Conv2d(3, 3, 1)
    with pytest.raises(TypeError, match="no layer here whose weights are used in several places"):
        layers.describe(fastcnn.nn.Sequential(shared, fastcnn.nn.ReLU(), shared), (3, 4, 4))


def test_layers_without_weights_may_stand_in_several_places():
    shared = fastcnn.nn.ReLU()
    steps = layers.describe(fastcnn.nn.Sequential(shared, fastcnn.nn.Flatten(), shared), (3, 4, 4))
    assert steps == [("ReLU", {}, (0,), "0"), ("Flatten", {}, (1,), "1"), ("ReLU", {}, (2,), "")]


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
    assert len(names()) == (5 * 3 + (11 + 4) * 2) * 2 + 20 + 1
    args = bench_peers.parse(["--threads", "2"])
    assert len(bench_peers.scaling_cases(args)) == 10
    assert names("--quick", "--only", "latency") == [("latency", "compact-mnist", 1)]
    assert names("--quick", "--only", "inference", "--networks", "tiny-8") == [("inference", "tiny-8", 4)]


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
    assert prepare(worker, case, model, tmp_path / "case.npz", [1]) == {"": "float32"}
    with np.load(tmp_path / "case.npz") as file:
        x, target = file["x"], file["target"]
    if section == "inference":
        np.testing.assert_allclose(
            worker.ask("logits")[""], model.double().predict(x.astype(float)), rtol=1e-4
        )
        return
    losses = worker.ask("losses", steps=3)[""]
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
    assert set(result.precisions["peer"].values()) == {"float32"}


def test_memory_is_that_of_fresh_processes(worker, tmp_path):
    """Of fastcnn, and of the peer's one configuration that counts: the worker makes no other."""
    case = Case("training", networks.NETWORKS["tiny-8"], 2, 1, ())
    result = measure(case, {"fastcnn": worker}, FAST, tmp_path)
    (found,) = extras.measure_memory(case, result, tmp_path).values()
    assert found["peak_bytes"] > found["imported_bytes"] > 1e6


def test_a_side_makes_the_configuration_that_is_wanted():
    job = Job("", [], False, "", {}, 0.02, [1, 2], "bound, 2 threads", np.zeros(0), np.zeros(0), {})
    side = Side(job)
    assert side.wanted("bound", 2)
    assert not side.wanted("bound", 1)
    assert not side.wanted("run", 2)
    job.only = None
    assert side.wanted("run", 2)
    side.add("run", 2, int, "bfloat16")
    assert side.calls == {"run, 2 threads": Call(2, int, "bfloat16")}


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


def test_mistakes(capsys):
    for argv, message in (
        (["--networks", "lenet"], "no network is called 'lenet'"),
        (["--contenders", "PyTorch"], "--contenders must be fastcnn and others of fastcnn, PyTorch, ONNX"),
        (["--contenders", "fastcnn,numpy"], "--contenders must be"),
        (["--only", "memory"], "it is measured for the cases of another part"),
    ):
        assert bench_peers.main(argv) == 1
        assert message in capsys.readouterr().err
