"""``fastcnn profile``."""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from .. import nn, optim
from .._kernels import cpu
from ..engine import Plan
from ..engine.describe import aligned
from ..engine.nodes.loss import Loss
from ..engine.profile import Profile, profile
from ..engine.wanted import wanted
from ..errors import ArgumentError
from ..training import Trainer
from .summary import find_model, read_shape

_SECONDS = 1.0
_CACHES = {1: "first cache", 2: "second cache", 3: "third cache", 0: "memory"}


def run(args: argparse.Namespace) -> int:
    """Print where the time of a network's program goes; return the exit code."""
    if args.batch_size < 1:
        raise ArgumentError(f"--batch-size must be at least 1, got {args.batch_size}")
    model, shape, _ = find_model(args.model, None if args.input is None else read_shape(args.input))
    flat = len(model.output_shape((args.batch_size, *shape))) == 2
    loss = Loss() if args.training and flat else None
    options = {"training": args.training, "loss": loss, "wanted": wanted(None, None)}
    plan = Plan(model, shape, batch_size=args.batch_size, **options)
    if args.describe:
        print(plan.describe())
        return 0
    result = profile(plan, args.batch_size, _SECONDS)
    whole = _time_whole(model, shape, args.batch_size, args.training)
    facts = _facts(args.model, plan, result, whole)
    print(json.dumps(facts, indent=2) if args.json else _text(facts, result))
    return 0


def _time_whole(model: nn.Module, shape: tuple[int, ...], batch_size: int, training: bool) -> float:
    """Return the median seconds of what a user calls: a Trainer's step, or predict."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal((batch_size, *shape), dtype=np.float32)
    if not training:
        return _clock(lambda: model.predict(x, batch_size))
    output = model.output_shape((batch_size, *shape))
    loss: Any = nn.MSELoss()
    target: np.ndarray = np.zeros(output, np.float32)
    if len(output) == 2:
        loss, target = nn.CrossEntropyLoss(), rng.integers(0, output[1], batch_size)
    trainer = Trainer(model, optim.Adam(model.parameters()), loss, stop_on_nan=False)
    return _clock(lambda: trainer.train_step(x, target))


def _clock(function: Callable[[], object]) -> float:
    function()
    times: list[float] = []
    end = time.perf_counter() + _SECONDS
    while len(times) < 3 or time.perf_counter() < end:
        start = time.perf_counter()
        function()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def _facts(name: str, plan: Plan, result: Profile, whole: float) -> dict[str, Any]:
    """Return everything that was measured, as JSON takes it."""
    threads = cpu.threads_in_use()
    peak = result.peak
    if threads > 1:
        peak = 1e9 * cpu.fma_gflops(0.1, threads, plan.dtype.itemsize)
    return {
        "network": name,
        "input_shape": list(plan.input_shapes[0]),
        "batch_size": result.batch,
        "mode": "training" if plan.training else "inference",
        "instruction_set": plan.isa,
        "precision": plan.precision,
        "peak_flops_per_second": result.peak,
        "operations": [
            {
                "number": each.number,
                "part": each.part,
                "phase": each.phase,
                "kernel": each.kernel,
                "layers": each.label,
                "seconds": each.seconds,
                "share_of_time": each.seconds / result.seconds,
                "flops": each.flops,
                "share_of_peak": each.flops_per_second / result.peak,
                "bytes": each.bytes,
                "share_of_bandwidth": each.bytes_per_second / result.bandwidth[0],
            }
            for each in result.operations
        ],
        "phases": [_phase(number, result) for number in sorted({each.phase for each in result.operations})],
        "bandwidth_bytes_per_second": {_CACHES.get(k, f"cache {k}"): v for k, v in result.bandwidth.items()},
        "seconds": result.seconds,
        "images_per_second": result.batch / result.seconds,
        "share_of_peak": result.flops / result.seconds / result.peak,
        "whole": {
            "call": "Trainer.train_step with Adam" if plan.training else "Module.predict",
            "threads": threads,
            "seconds": whole,
            "images_per_second": result.batch / whole,
            "peak_flops_per_second": peak,
            "share_of_peak": result.flops / whole / peak,
        },
    }


def _phase(number: int, result: Profile) -> dict[str, Any]:
    """Return the sums of a phase."""
    own = [each for each in result.operations if each.phase == number]
    seconds, flops, moved = (
        sum(getattr(each, name) for each in own) for name in ("seconds", "flops", "bytes")
    )
    return {
        "part": own[0].part,
        "phase": number,
        "operations": len(own),
        "seconds": seconds,
        "share_of_time": seconds / result.seconds,
        "flops": flops,
        "share_of_peak": flops / seconds / result.peak,
        "bytes": moved,
        "share_of_bandwidth": moved / seconds / result.bandwidth[0],
    }


def _figures(facts: dict[str, Any]) -> tuple[str, ...]:
    """Return what the tables say of an operation or a phase."""
    seconds, flops, moved = facts["seconds"], facts["flops"], facts["bytes"]
    rate = (f"{flops / seconds / 1e9:.1f}", f"{facts['share_of_peak']:.0%}") if flops else ("", "")
    share = f"{facts['share_of_bandwidth']:.0%}" if moved else ""
    return f"{1e6 * seconds:.1f}", f"{facts['share_of_time']:.1%}", *rate, f"{moved / 1e6:.2f}", share


def _text(facts: dict[str, Any], result: Profile) -> str:
    figures = ("us", "share", "GFLOP/s", "of peak", "MB", "of memory")
    rows: list[tuple[str, ...]] = [("", "part", "phase", "kernel", *figures, "layers")]
    for each in facts["operations"]:
        where = str(each["number"]), each["part"], str(each["phase"]), each["kernel"]
        rows.append((*where, *_figures(each), each["layers"]))
    phases: list[tuple[str, ...]] = [("part", "phase", "operations", *figures)]
    for each in facts["phases"]:
        phases.append((each["part"], str(each["phase"]), str(each["operations"]), *_figures(each)))
    speeds = ", ".join(f"{k} {v / 1e9:.0f}" for k, v in facts["bandwidth_bytes_per_second"].items())
    shares = [f"{name} {seconds / result.seconds:.1%}" for name, seconds in result.by_kernel().items()]
    whole = facts["whole"]
    shape = "x".join(map(str, facts["input_shape"]))
    threads = "1 thread" if whole["threads"] == 1 else f"{whole['threads']} threads"
    return "\n".join(
        [
            f"{facts['network']}, {facts['mode']}, batch {result.batch} of {shape}, "
            f"{facts['instruction_set']}; FMA peak of one thread {result.peak / 1e9:.0f} GFLOP/s; "
            f"precision {facts['precision']}",
            f"a copy within the caches and memory, read and written, GB/s: {speeds}",
            "Each operation on one thread, median for the whole batch; MB are those of its arrays:",
            *aligned(rows, right={0, 2, *range(4, 10)}),
            "Each phase, behind which threads wait for each other:",
            *aligned(phases, right=range(1, 9)),
            f"by kernel: {', '.join(shares)}",
            f"all operations, 1 thread: {1e3 * facts['seconds']:.3f} ms, "
            f"{facts['images_per_second']:,.0f} images/s, {facts['share_of_peak']:.0%} of the FMA peak",
            f"{whole['call']}, {threads}: {1e3 * whole['seconds']:.3f} ms, "
            f"{whole['images_per_second']:,.0f} images/s, {whole['share_of_peak']:.0%} of the FMA peak "
            f"({whole['peak_flops_per_second'] / 1e9:.0f} GFLOP/s)",
        ]
    )
