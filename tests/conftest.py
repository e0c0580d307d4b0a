"""Puts the shared oracles on the path, and makes what many tests begin with: kernels, directories, files to compare.

Hypothesis makes 30 examples for each test, and 300 with `--hypothesis-profile torture` or HYPOTHESIS_PROFILE=torture.
"""

import contextlib
import functools
import io
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
    first = ("test_documents.py",)
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

    What a process has written when it is killed stays there as on a disk; only a power cut would make a difference.
    """
    place = tmp_path_factory.mktemp("quick_disk")
    with contextlib.ExitStack() as stack:
        with contextlib.suppress(OSError):
            found = stack.enter_context(tempfile.TemporaryDirectory(prefix="bigconst-", dir="/dev/shm"))
            os.close(os.open(f"{found}/probe", os.O_CREAT | os.O_RDWR | os.O_DIRECT))
            disk = os.statvfs(found)
            if disk.f_bavail * disk.f_frsize >= 256 << 20:
                place = Path(found)
        yield place


@pytest.fixture
def place(request, monkeypatch):
    """Directories for scratch, a and b, for copies, c, and for files, which is the current one.

    Workspaces may be as small as 256 KiB, so that small numbers are computed on disk.  Slow tests have directories on a
    real disk; those of the others always have the same path, so that what a run left there can be copied for many.
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
        with contextlib.redirect_stdout(io.StringIO()):  # a test that asks first captures nothing that it did not print
            assert main(["phi", "--digits", digits, "--base", base, "--output", f"{folder}/phi.txt"]) == 0
        return {name: (folder / name).read_bytes() for name in ("phi.txt", "phi.txt.cert")}

    return files
