"""Networks that PyTorch has exported, in fastcnn and in ONNX Runtime: how many images a second, by turns.

    python -m bench.exported --batch-sizes 1,32 --threads 2

Both read the same file of 224x224 images, in float32, as it comes from PyTorch's exporter. In each round both
have a turn, in an order that changes; a turn counts as the median of its calls, and the ratio is the median
over the rounds, with the interval that holds it with 95%. Answers are compared before anything is timed. It
needs the `bench` extra.
"""

from __future__ import annotations

import argparse
import functools
import statistics
import tempfile
import time
from collections.abc import Callable

import numpy as np
import onnxruntime
import torch

import fastcnn
from fastcnn import onnx
from tests.oracle import make_zoo, zoo_weights
from tests.oracle import torchvision_networks as networks

from .versions import interval

NAMES = ("resnet18", "mobilenet_v2", "squeezenet1_1", "densenet121", "vgg11_bn", "efficientnet_b0")
SIZE = 224


def main(argv: list[str] | None = None) -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(
        "exported", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--networks", default=",".join(NAMES), help="default: %(default)s")
    parser.add_argument("--batch-sizes", default="1,32", help="default: %(default)s")
    parser.add_argument("--threads", type=int, default=2, help="default: %(default)s")
    parser.add_argument("--rounds", type=int, default=11, help="default: %(default)s")
    parser.add_argument("--seconds", type=float, default=0.5, help="of a turn; default: %(default)s")
    args = parser.parse_args(argv)
    fastcnn.set_num_threads(args.threads)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = args.threads
    print(f"{'network':<18}{'batch':>6}  {'fastcnn / ONNX Runtime':<24}  images/s")
    for name in args.networks.split(","):
        with tempfile.TemporaryDirectory() as folder:
            path = f"{folder}/model.onnx"
            _export(name, path)
            network, session = onnx.load(path), onnxruntime.InferenceSession(path, options)
            for batch in map(int, args.batch_sizes.split(",")):
                x = np.random.default_rng(0).standard_normal((batch, 3, SIZE, SIZE)).astype(np.float32)

                ours = functools.partial(network.predict, x, batch)
                theirs = functools.partial(session.run, None, {"input": x})
                np.testing.assert_allclose(ours(), theirs()[0], 1e-3, 1e-3)
                ratios, seconds = _by_turns(ours, theirs, args.rounds, args.seconds)
                low, high = interval(ratios)
                told = f"{statistics.median(ratios):.2f}  [{low:.2f}, {high:.2f}]"
                print(f"{name:<18}{batch:>6}  {told:<24}  {batch / seconds:,.0f}", flush=True)


def _export(name: str, path: str) -> None:
    whole = name == "vgg11_bn"  # of which the tests have one with small linear layers
    model = networks.VGG(make_zoo.CLASSES, 4096) if whole else make_zoo.NETWORKS[name][0]()
    model.eval()
    shapes = {key: list(value.shape) for key, value in model.state_dict().items()}
    weights = zoo_weights.weights(shapes)
    model.load_state_dict({key: torch.from_numpy(value) for key, value in weights.items()})
    batch = {"input": {0: "batch"}}
    torch.onnx.export(
        model,
        torch.zeros(1, 3, SIZE, SIZE),
        path,
        dynamo=False,
        opset_version=17,
        input_names=["input"],
        dynamic_axes=batch,
    )


def _by_turns(
    ours: Callable[[], object], theirs: Callable[[], object], rounds: int, seconds: float
) -> tuple[list[float], float]:
    """Return the ratio of each round, and the median seconds of a call of ours."""
    ratios, own = [], []
    for number in range(rounds):
        order = (ours, theirs) if number % 2 else (theirs, ours)
        took = {call: _turn(call, seconds) for call in order}
        ratios.append(took[theirs] / took[ours])
        own.append(took[ours])
    return ratios, statistics.median(own)


def _turn(call: Callable[[], object], seconds: float) -> float:
    times: list[float] = []
    end = time.perf_counter() + seconds
    while not times or time.perf_counter() < end:
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


if __name__ == "__main__":
    main()
