"""The cores that a process may use, in the folders of machines and containers that are made up here."""

import os

import pytest

import fastcnn
from fastcnn._kernels import cores

from .test_cpu import report

V1, V2 = "/sys/fs/cgroup/cpu,cpuacct", "/sys/fs/cgroup"


def mount(kind, place, base="/", options="rw"):
    return f"31 23 0:28 {base} {place} rw,nosuid,relatime shared:9 - {kind} {kind} {options}"


TWO = [mount("cgroup2", V2, options="rw,nsdelegate")]
ONE = [mount("cgroup", V1, options="rw,cpu,cpuacct"), mount("cgroup", f"{V2}/memory", options="rw,memory")]


@pytest.fixture
def machine(tmp_path):
    """Return a function that makes the folders of a machine and returns their root."""

    def make(groups, mounts, files):
        own = {"/proc/self/cgroup": groups, "/proc/self/mountinfo": mounts}
        for name, content in {**files, **own}.items():
            if content is not None:
                path = tmp_path / name.lstrip("/")
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(content if isinstance(content, str) else "\n".join(content) + "\n")
        return str(tmp_path)

    return make


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("200000 100000", 2),
        ("250000 100000", 3),
        ("10000 100000", 1),
        ("100001 100000", 2),
        ("50000 25000", 2),
        ("6400000 100000", 64),
        ("300000", 3),
        ("max 100000", None),
        ("max", None),
        ("", None),
        ("nonsense 100000", None),
        ("100000 0", None),
        ("-5 100000", None),
    ],
)
def test_a_quota_is_rounded_up(machine, text, expected):
    assert cores.quota_cores(machine(["0::/a"], TWO, {f"{V2}/a/cpu.max": text})) == expected


@pytest.mark.parametrize(
    ("quota", "period", "expected"),
    [
        ("150000", "100000", 2),
        ("-1", "100000", None),
        ("1000", "100000", 1),
        ("200000", None, 2),
        (None, "1", None),
    ],
)
def test_the_first_version_has_two_files(machine, quota, period, expected):
    files = {f"{V1}/a/cpu.cfs_quota_us": quota, f"{V1}/a/cpu.cfs_period_us": period}
    assert cores.quota_cores(machine(["4:memory:/b", "3:cpu,cpuacct:/a"], ONE, files)) == expected


@pytest.mark.parametrize("smallest", ["", "/slice", "/slice/service", "/slice/service/job"])
def test_the_smallest_on_the_way_to_the_root_counts(machine, smallest):
    folders = ["", "/slice", "/slice/service", "/slice/service/job"]
    files = {f"{V2}{each}/cpu.max": "800000 100000" for each in folders}
    files[f"{V2}{smallest}/cpu.max"] = "300000 100000"
    # Others' groups do not matter.
    files[f"{V2}/slice/other/cpu.max"] = files[f"{V2}/slice/service/job/below/cpu.max"] = "100000 100000"
    assert cores.quota_cores(machine(["0::/slice/service/job"], TWO, files)) == 3


def test_both_versions_at_once(machine):
    files = {
        f"{V1}/a/cpu.cfs_quota_us": "500000",
        f"{V1}/a/cpu.cfs_period_us": "100000",
        f"{V2}/unified/b/cpu.max": "400000 100000",
    }
    mounts = [*ONE, mount("cgroup2", f"{V2}/unified")]
    assert cores.quota_cores(machine(["3:cpuacct,cpu:/a", "0::/b"], mounts, files)) == 4


@pytest.mark.parametrize(
    ("group", "base"),
    [
        ("/", "/"),  # a name space of its own
        ("/docker/abc", "/docker/abc"),  # the outer path, of which the mount shows the last part
        ("/docker/abc", "/"),  # the outer path, of which the mount shows nothing: the file is not below it
        ("/../other", "/"),
        ("/docker/abc", "/elsewhere"),
    ],
)
def test_containers(machine, group, base):
    files = {f"{V2}/cpu.max": "200000 100000"}
    assert cores.quota_cores(machine([f"0::{group}"], [mount("cgroup2", V2, base)], files)) == 2


def test_a_mount_of_a_part_of_the_hierarchy(machine):
    files = {f"{V2}/c/cpu.max": "200000 100000", f"{V2}/cpu.max": "600000 100000"}
    root = machine(["0::/a/b/c"], [mount("cgroup2", V2, "/a/b")], files)
    assert cores.quota_cores(root) == 2
    # /a/bb is not below /a/b.
    root = machine(["0::/a/bb/c"], [mount("cgroup2", V2, "/a/b")], {})
    assert cores.quota_cores(root) == 6


def test_names_with_spaces_and_colons(machine):
    files = {"/my groups/a:b/cpu.max": "200000 100000"}
    assert cores.quota_cores(machine(["0::/a:b"], [mount("cgroup2", r"/my\040groups")], files)) == 2


@pytest.mark.parametrize(
    ("group", "files", "expected"),
    [
        ("0::/a", {f"{V2}/a/cpu.max": "200000 100000"}, 2),
        ("3:cpu:/a", {f"{V2}/cpu/cpu.cfs_quota_us": "300000", f"{V2}/cpu/cpu.cfs_period_us": "100000"}, 3),
    ],
)
def test_without_a_list_of_mounts_the_usual_places_are_tried(machine, group, files, expected):
    assert cores.quota_cores(machine([group], None, files)) == expected


@pytest.mark.parametrize(
    ("groups", "mounts"),
    [
        (None, None),
        ("", ""),
        (["nonsense", "::", "0::/a"], ["x", "1 2 - cgroup2", "- - -"]),
        (["0::/a"], TWO),
    ],
)
def test_without_any_of_it_there_is_no_quota(machine, groups, mounts):
    root = machine(groups, mounts, {})
    assert cores.quota_cores(root) is None
    assert cores.usable_cores(root) == cores.present_cores()


def test_affinity_and_quota_both_hold(machine):
    own = cores.present_cores()
    for quota in (1, own, own + 5):
        root = machine(["0::/"], TWO, {f"{V2}/cpu.max": f"{quota}00000 100000"})
        assert cores.usable_cores(root) == min(own, quota)


def test_what_is_told(machine, monkeypatch):
    monkeypatch.setattr(os, "cpu_count", lambda: 8)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1, 2, 3}, raising=False)
    root = machine(["0::/"], TWO, {f"{V2}/cpu.max": "150000 100000"})
    assert cores.describe(root) == "2 of 8 (CPU quota of the process)"
    root = machine(["0::/"], TWO, {f"{V2}/cpu.max": "max 100000"})
    assert cores.describe(root) == "4 of 8 (affinity of the process)"
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(8)), raising=False)
    assert cores.describe(root) == "8"


def test_info_tells_of_cores_and_threads(capsys):
    fastcnn.show_config()
    facts = dict(line.split(maxsplit=1) for line in capsys.readouterr().out.splitlines() if line[:1] in "ct")
    assert facts["cores"] == cores.describe()
    assert facts["threads"] == str(fastcnn.get_num_threads())


def test_the_variable_wins():
    assert report(FASTCNN_NUM_THREADS="77")[1] == 77
    assert report()[1] == cores.usable_cores()
