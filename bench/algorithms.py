"""The algorithms of float32 convolutions over the shapes of networks: their errors, or their speed.

    python -m bench.algorithms
    python -m bench.algorithms --networks zoo,vgg-32 --markdown errors.md
    python -m bench.algorithms --speed --networks compact-mnist,vgg-32,vgg-256

Each convolution that a network has runs with every algorithm on normal numbers. Errors are the largest ones
against eager mode in float64, as a share of the largest number: of outputs and input gradients that of the
same image and channel, of weight gradients that of the whole array. Speed is that of one thread as a share of
its FMA peak, counted as direct sums, the median of turns.
"""

from __future__ import annotations

import argparse
import copy
import statistics
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

if not __package__:  # python bench/errors.py
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

import fastcnn
from bench.peers import networks
from fastcnn import nn
from fastcnn.engine import Plan, TwoPassPlan
from fastcnn.engine.algorithms import Wanted
from fastcnn.engine.fuse import fuse
from fastcnn.engine.lower import lower
from fastcnn.engine.nodes.convolution import Convolution
from fastcnn.engine.profile import profile
from fastcnn.engine.wanted import CONV_ALGORITHMS

PASSES = ("forward", "input gradient", "weight gradient")
TIMED = ("direct", "winograd")
# Of the precision "high": pairs are of another one.
KNOWN = tuple(name for name in CONV_ALGORITHMS if name != "winograd_pairs")
TURNS, SECONDS = 5, 0.05


class Alone(nn.Module):
    """A convolution whose input is a value of the program, as in a network."""

    def __init__(self, conv: nn.Conv2d) -> None:
        super().__init__()
        self.conv = conv

    def forward(self, x: np.ndarray) -> np.ndarray:
        """Return conv(x)."""
        return self.conv(1.0 * x)


def convolutions(text: str) -> dict[str, tuple[nn.Conv2d, tuple[int, int, int]]]:
    """Return the convolutions of networks, and the shapes of their samples, by what a table calls them."""
    found = {}
    for network in networks.choose(text):
        for node in fuse(lower(networks.build(network), network.input_shape)).nodes:
            if isinstance(node, Convolution):
                out, inner, *kernel = node.weight.shape
                window, (left, right, top, bottom) = node.window, node.input_halo()
                conv = nn.Conv2d(
                    inner * node.groups,
                    out,
                    tuple(kernel),
                    (window.stride_h, window.stride_w),
                    (left, max(right, 0), top, max(bottom, 0)),
                    (window.dilation_h, window.dilation_w),
                    groups=node.groups,
                )
                size = f"{inner * node.groups} to {out}, {kernel[0]}x{kernel[1]}"
                strided = f", stride {window.stride_h}" if window.stride_h > 1 else ""
                found[f"{size}{strided} on {node.x.height}x{node.x.width}"] = (conv, node.x.sizes)
    return found


def plan_of(model: nn.Module, shape: tuple[int, int, int], batch: int, algorithm: str) -> TwoPassPlan:
    """Return a program in which an algorithm makes every pass that it takes."""
    options = {"layout": "channels", "input_gradient": True, "wanted": Wanted("high", algorithm)}
    plan = Plan(model, shape, training=True, batch_size=batch, **options)
    assert isinstance(plan, TwoPassPlan)
    return plan


def speed(conv: nn.Conv2d, shape: tuple[int, int, int], batch: int) -> dict[tuple[str, str], float]:
    """Return the share of the peak that each algorithm reaches in each pass."""
    model = Alone(conv).initialize(seed=0)
    plans = {algorithm: plan_of(model, shape, batch, algorithm) for algorithm in TIMED}
    shares: dict[tuple[str, str], list[float]] = {}
    for _ in range(TURNS):
        for algorithm, plan in plans.items():
            result = profile(plan, batch, SECONDS)
            names = {what: name for _, what, name in plan.picked}
            for each in result.operations:
                if each.flops:
                    what = PASSES[0] if each.part == "forward" else PASSES[1 + ("weight" in each.kernel)]
                    if names[what] == algorithm:
                        share = each.flops_per_second / result.peak
                        shares.setdefault((algorithm, what), []).append(share)
    return {key: statistics.median(found) for key, found in shares.items()}


def errors(conv: nn.Conv2d, shape: tuple[int, int, int], batch: int) -> dict[tuple[str, str], float]:
    """Return the error of each algorithm and pass."""
    model = Alone(conv).initialize(seed=0)
    exact = copy.deepcopy(model).double()
    rng = np.random.default_rng(0)
    x = rng.standard_normal((batch, *shape)).astype(np.float32)
    y = exact(x.astype(np.float64))
    dy = rng.standard_normal(y.shape).astype(np.float32)
    true = dict(zip(PASSES, (y, exact.backward(dy.astype(np.float64)), exact.conv.weight.grad), strict=True))
    found = {}
    for algorithm in KNOWN:
        plan = plan_of(model, shape, batch, algorithm)
        model.zero_grad()
        made = dict(zip(PASSES, (plan.forward(x), plan.backward(dy), model.conv.weight.grad), strict=True))
        for _, what, name in plan.picked:
            if name == algorithm:
                axes = (0, 1, 2, 3) if what == "weight gradient" else (2, 3)
                largest = np.abs(true[what]).max(axis=axes)
                found[name, what] = float((np.abs(made[what] - true[what]).max(axis=axes) / largest).max())
    return found


def table(rows: dict[str, dict[tuple[str, str], float]], algorithms: Sequence[str], form: str) -> str:
    """Return numbers of passes and algorithms as a table in Markdown."""
    columns = [(algorithm, what) for what in PASSES for algorithm in algorithms]
    lines = [
        "| convolution | " + " | ".join(f"{what}, {algorithm}" for algorithm, what in columns) + " |",
        "|---|" + "---:|" * len(columns),
    ]
    for name, found in rows.items():
        cells = [format(found[each], form) if each in found else "" for each in columns]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(lines)


def main(argv: list[str] | None = None) -> int:
    """Print the table; return 0, or 1 after a message."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--networks", default="zoo,vgg-32", help="see bench/peers; default: %(default)s")
    parser.add_argument("--batch", type=int, default=32, help="default: %(default)s")
    parser.add_argument("--speed", action="store_true", help="print speeds, not errors; batch 128 says most")
    parser.add_argument("--markdown", metavar="FILE", help="write the table there too")
    options = parser.parse_args(argv)
    try:
        fastcnn.set_num_threads(1)
        measure = speed if options.speed else errors
        rows = {
            name: measure(conv, shape, options.batch)
            for name, (conv, shape) in convolutions(options.networks).items()
        }
        text = table(rows, TIMED, ".2f") if options.speed else table(rows, KNOWN, ".1e")
        print(text)
        if options.markdown:
            Path(options.markdown).write_text(text + "\n")
    except (OSError, ValueError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
