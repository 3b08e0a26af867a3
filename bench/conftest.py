"""Prints the rates of the benches, and how many times as fast as plain NumPy each kernel is."""

from collections import defaultdict

import pytest


def pytest_benchmark_update_json(config, benchmarks, output_json):
    """Name the instruction set and the threads in saved results: a rate means nothing without them."""
    from fastcnn._config import config as facts

    output_json["fastcnn"] = facts()


@pytest.hookimpl(trylast=True)
def pytest_terminal_summary(terminalreporter, config):
    """Print one line a group: the rate of each side and their ratio at the median."""
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
            parts.append(f"{side} {', '.join(rates) or f'{bench.stats.median * 1e6:,.0f} us'}")
        if len(sides) == 2:
            ratio = sides["numpy"].stats.median / sides["fastcnn"].stats.median
            parts.append(f"{ratio:.1f}x")
        terminalreporter.line(f"{group:<{width}}  {'  '.join(parts)}")
