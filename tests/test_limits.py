"""Limits of control groups and of the session: trees of files as the kernel shows them, and two real limits."""

import os
import re
import resource
from pathlib import Path

import pytest

from bigconst.base import hardware, limits
from bigconst.cli import main

GIB = 1 << 30
V2 = "30 23 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n"
V1 = ("35 31 0:32 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory\n"
      "32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw,relatime - cgroup cgroup rw,cpu,cpuacct\n")
V1_OWN = "4:memory:/outer/inner\n1:cpu,cpuacct:/outer/inner\n"
UNLIMITED = "9223372036854771712"


@pytest.fixture(scope="session")
def kernels():
    """None is needed."""


@pytest.fixture
def machine(tmp_path):
    """A function of texts by path, below which groups are in /sys/fs/cgroup: the root of a machine with these files."""
    def make(mounts, own, **files):
        files = {f"sys/fs/cgroup/{path}": text for path, text in files.items()}
        for path, text in {"proc/self/mountinfo": mounts, "proc/self/cgroup": own, **files}.items():
            (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / path).write_text(text)
        return tmp_path

    return make


@pytest.mark.parametrize("files, left", [
    ({"a/b/memory.max": "max", "a/memory.max": f"{4 * GIB}"}, 4 * GIB),                           # nested
    ({"a/b/memory.max": f"{GIB}", "a/memory.max": f"{4 * GIB}"}, GIB),
    ({"a/memory.max": f"{4 * GIB}", "a/memory.current": f"{3 * GIB}"}, GIB),                      # neighbours
    ({"a/b/memory.max": f"{2 * GIB}", "a/b/memory.current": "0", "a/memory.max": f"{4 * GIB}",
      "a/memory.current": f"{3 * GIB}"}, GIB),                                                    # by level
    ({"a/b/memory.max": f"{GIB}", "a/b/memory.current": f"{GIB}",
      "a/b/memory.stat": f"anon 5\nfile {GIB // 2}\ninactive_file {GIB // 4}\nactive_file {GIB // 8}\n"}, 3 * GIB // 8),
    ({"a/b/memory.max": f"{GIB}", "a/b/memory.current": "10", "a/b/memory.stat": "inactive_file 20\n"}, GIB),
    ({"a/b/memory.max": f"{GIB}", "a/b/memory.current": f"{2 * GIB}"}, 0),
    ({"a/b/memory.max": "max", "a/b/memory.high": f"{GIB}", "a/b/memory.current": "24"}, GIB - 24),
    ({"a/b/memory.max": "0"}, 0),
    ({"a/b/memory.max": "max\n"}, None),
    ({"a/b/memory.max": "²garbage", "a/b/memory.current": "-5"}, None),
    ({"a/b/memory.max": "", "other/memory.max": "5"}, None),
])
def test_memory_left_in_groups_of_version_2(machine, files, left):
    assert limits.memory_left_bytes(machine(V2, "0::/a/b\n", **files)) == left


@pytest.mark.parametrize("files, left", [
    ({"outer/inner/memory.limit_in_bytes": UNLIMITED, "outer/memory.limit_in_bytes": f"{2 * GIB}"}, 2 * GIB),
    ({"outer/inner/memory.limit_in_bytes": f"{GIB}", "outer/inner/memory.usage_in_bytes": f"{GIB}",
      "outer/inner/memory.stat": f"inactive_file 1\ntotal_inactive_file {GIB // 4}\ntotal_active_file 16\n"},
     GIB // 4 + 16),
    ({"memory.limit_in_bytes": UNLIMITED, "memory.usage_in_bytes": f"{3 * GIB}"}, None),
])
def test_memory_left_in_groups_of_version_1(machine, files, left):
    files = {f"memory/{path}": text for path, text in files.items()}
    assert limits.memory_left_bytes(machine(V1, V1_OWN, **files)) == left


HYBRID = V1 + V2.replace("/sys/fs/cgroup rw", "/sys/fs/cgroup/unified rw")


def test_both_versions_side_by_side(machine):
    root = machine(HYBRID, V1_OWN + "0::/unit\n", **{"memory/outer/memory.limit_in_bytes": f"{4 * GIB}",
                                                     "unified/unit/memory.max": f"{2 * GIB}",
                                                     "cpu,cpuacct/outer/cpu.cfs_quota_us": "300000",
                                                     "cpu,cpuacct/outer/cpu.cfs_period_us": "100000",
                                                     "unified/unit/cpu.max": "150000 100000"})
    assert (limits.memory_left_bytes(root), limits.processors_allowed(root)) == (2 * GIB, 1)


@pytest.mark.parametrize("mounts, own", [
    (V2, "0::/not/visible\n"),                                                # as on the machine outside
    (V2, "0::/../outside\n"),
    (V2.replace("0:26 / ", "0:26 /docker/abc "), "0::/docker/abc\n"),         # the container's group is mounted
    (V2.replace("0:26 / ", "0:26 /docker/abc "), "0::/other\n"),
    (V2.replace("cgroup rw", r"my\040groups rw"), "0::/\n"),
])
def test_what_is_mounted_holds_where_the_path_of_the_group_is_not_visible(machine, mounts, own):
    place = "../my groups" if "my" in mounts else "."
    root = machine(mounts, own, **{f"{place}/memory.max": f"{GIB}", f"{place}/cpu.max": "250000 100000"})
    assert (limits.memory_left_bytes(root), limits.processors_allowed(root)) == (GIB, 2)


def test_a_group_below_the_mounted_one(machine):
    root = machine(V2.replace("0:26 / ", "0:26 /docker/abc "), "0::/docker/abc/sub\n",
                   **{"memory.max": f"{3 * GIB}", "sub/memory.max": f"{GIB}"})
    assert limits.memory_left_bytes(root) == GIB


@pytest.mark.parametrize("quota, inner, processors", [
    ("max 100000", "max 100000", None), ("200000 100000", "max 100000", 2), ("199999 100000", "max 100000", 1),
    ("50000 100000", "max 100000", 1), ("400000 100000", "300000 100000", 3), ("max", "", None), ("", "5", None),
    ("100000 0", "x y", None), ("1000000 1000000", "max 100000", 1)])
def test_processors_by_quota_of_version_2(machine, quota, inner, processors):
    root = machine(V2, "0::/a/b\n", **{"a/cpu.max": quota, "a/b/cpu.max": inner})
    assert limits.processors_allowed(root) == processors


@pytest.mark.parametrize("quota, processors", [("-1", None), ("250000", 2), ("1000", 1), ("", None)])
def test_processors_by_quota_of_version_1(machine, quota, processors):
    root = machine(V1, V1_OWN, **{"cpu,cpuacct/outer/cpu.cfs_quota_us": quota,
                                  "cpu,cpuacct/outer/cpu.cfs_period_us": "100000"})
    assert limits.processors_allowed(root) == processors


def test_nothing_to_read_is_no_limit(tmp_path, machine):
    assert limits.memory_left_bytes(tmp_path) is limits.processors_allowed(tmp_path) is None
    root = machine("garbage\n1 2 - cgroup2\n - \n\n", "\n:\n0:\nx::::\n")
    assert limits.memory_left_bytes(root) is limits.processors_allowed(root) is None


@pytest.mark.parametrize("name, used, reserve", [("Max address space", "VmSize", 384 << 20),
                                                 ("Max data size", "VmData", 0)])
def test_addresses_left(machine, name, used, reserve):
    root = machine("", "")
    (root / "proc/self/limits").write_text("Limit                     Soft Limit           Hard Limit           Units\n"
                                           f"{name:<26}{2 * GIB:<21}{'unlimited':<21}bytes\n")
    (root / "proc/self/status").write_text(f"Name:\tx\n{used}:\t  {GIB // 1024} kB\n")
    assert limits.memory_left_bytes(root) == GIB - reserve


@pytest.fixture
def address_space():
    """A function that limits what this process may use; the limit ends with the test."""
    before = resource.getrlimit(resource.RLIMIT_AS)
    yield lambda size: resource.setrlimit(resource.RLIMIT_AS, (size, before[1]))
    resource.setrlimit(resource.RLIMIT_AS, before)


def test_a_run_is_refused_by_its_plan_where_the_address_space_is_limited(address_space, capsys, monkeypatch, tmp_path):
    """Libraries and threads will take addresses, too."""
    monkeypatch.chdir(tmp_path)
    address_space(_used_bytes() + (600 << 20))
    assert hardware.available_memory_bytes() <= 216 << 20
    assert main("phi --digits 1e6 --output -".split()) == 4
    assert re.search("1,000,000 digits of phi need .* MiB are allowed", capsys.readouterr().err)


def _used_bytes():
    return int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()


def test_threads_by_default_are_those_of_the_quota(monkeypatch):
    monkeypatch.setattr(limits, "processors_allowed", lambda: 1)
    assert hardware.default_threads() == 1
    monkeypatch.setattr(limits, "processors_allowed", lambda: 4096)
    assert hardware.default_threads() == len(os.sched_getaffinity(0))
