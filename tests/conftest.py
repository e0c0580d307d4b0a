"""Puts the shared oracles on the path, and makes what many tests begin with: kernels, directories, files to compare.

Hypothesis makes 30 examples for each test, and 300 with `--hypothesis-profile torture` or HYPOTHESIS_PROFILE=torture.
"""

import functools
import os
import shutil
import signal
import sys
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

sys.path.insert(0, str(Path(__file__).parent))
import provoked  # noqa: E402

# What a shell or nohup has ignored is inherited: nothing that tests start could be interrupted.
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGHUP, signal.SIG_DFL)

# Neither a deadline nor the check for slow examples: how long something takes says nothing on a busy machine.
for profile, examples in (("default", 30), ("torture", 300)):
    settings.register_profile(profile, max_examples=examples, deadline=None,
                              suppress_health_check=[HealthCheck.too_slow])
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))


def pytest_configure():
    """Notes which errors the tests make, if BIGCONST_PROVOKED names a directory for it."""
    if directory := os.environ.get(provoked.VARIABLE):
        provoked.record(Path(directory).resolve())


def pytest_collection_modifyitems(items):
    """Files with tests of a minute or more come first, so that no processor waits for one at the end."""
    first = ("test_documents.py", "test_benchmarks.py")
    items.sort(key=lambda item: item.path.name not in first)


def pytest_runtest_logreport(report):
    """Machines differ: where a test was skipped, its errors may be missing from that directory."""
    if report.skipped and (directory := os.environ.get(provoked.VARIABLE)):
        provoked.note_skipped(Path(directory), report.nodeid, report.longrepr)


@pytest.fixture(scope="session", autouse=True)
def kernels():
    """No test is the one that compiles, and says so on stderr."""
    from bigconst.runs.kernels import DIGITS, DISK, load

    load(DIGITS, DISK)


@pytest.fixture(scope="session", autouse=True)
def parser():
    """The parser of all commands is made once: it takes longer than many a command that tests run in this process."""
    from bigconst import cli

    cli.build_parser = functools.cache(cli.build_parser)


@pytest.fixture(scope="session")
def quick_disk(tmp_path_factory):
    """A directory whose files are in memory, where the system offers that and allows O_DIRECT there.

    What a process that was killed has written stays either way; only power cuts, which no test makes, need a disk.
    """
    try:
        with tempfile.TemporaryDirectory(prefix="bigconst-", dir="/dev/shm") as directory:
            os.close(os.open(f"{directory}/probe", os.O_CREAT | os.O_RDWR | os.O_DIRECT))
            if os.statvfs(directory).f_bavail * os.statvfs(directory).f_frsize < 256 << 20:
                raise OSError("too small")
            yield Path(directory)
    except OSError:
        yield tmp_path_factory.mktemp("quick_disk")


@pytest.fixture
def place(request, monkeypatch):
    """Directories for scratch, a and b, for copies, c, and for files, which is the current one.

    Runs on disk there may have as little workspace as one page of a tile needs.  Those of slow tests are on a real disk;
    the others are always at the same path, so that what one run has left there can be copied for many tests.
    """
    if request.node.get_closest_marker("slow"):
        place = request.getfixturevalue("tmp_path")
    else:
        place = request.getfixturevalue("quick_disk") / "place"
        shutil.rmtree(place, ignore_errors=True)
    for name in ("files", "a", "b", "c"):
        (place / name).mkdir(parents=True)
    monkeypatch.chdir(place / "files")
    monkeypatch.setattr("bigconst.plans.diskplan.MIN_WORKSPACE_BYTES", 1 << 18)
    return place


@pytest.fixture(scope="session")
def in_memory(tmp_path_factory):
    """A function of digits and base: what is in phi's files by a run in memory that nothing interrupts, by name."""
    from bigconst.cli import main

    @functools.cache
    def files(digits, base="10"):
        folder = tmp_path_factory.mktemp("in_memory")
        assert main(["phi", "--digits", digits, "--base", base, "--output", f"{folder}/phi.txt"]) == 0
        return {name: (folder / name).read_bytes() for name in ("phi.txt", "phi.txt.cert")}

    return files
