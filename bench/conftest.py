"""Prints the rates of the benches, and how many times as fast as each other side fastcnn is."""

from collections import defaultdict

import pytest


def pytest_benchmark_update_json(config, benchmarks, output_json):
    """Name the instruction set and the threads in saved results: a rate means nothing without them."""
    from fastcnn._config import config as facts

    output_json["fastcnn"] = facts()


@pytest.hookimpl(trylast=True)
def pytest_terminal_summary(terminalreporter, config):
    """Print one line a group: the rate of each side and their ratios, in the best round of each.

    The best round is the one that nothing disturbed. Where the median is far from it, the line says so:
    another program wanted the same cores.
    """
    groups = defaultdict(dict)
    for bench in config._benchmarksession.benchmarks:
        groups[bench.group][bench.params.get("side", "fastcnn") if bench.params else "fastcnn"] = bench
    if not groups:
        return
    terminalreporter.section("rates")
    width = max(map(len, groups))
    for group, sides in groups.items():
        parts = []
        for side, bench in sides.items():
            rates = [f"{value:,.0f} {unit}" for unit, value in bench.extra_info.items()]
            parts.append(f"{side} {', '.join(rates)}")
        ours = sides.get("fastcnn")
        for side, bench in sides.items():
            if ours and bench is not ours:
                parts.append(f"{bench.stats.min / ours.stats.min:.1f}x {side}")
        if any(bench.stats.median > 1.5 * bench.stats.min for bench in sides.values()):
            parts.append("(disturbed)")
        terminalreporter.line(f"{group:<{width}}  {'  '.join(parts)}")
