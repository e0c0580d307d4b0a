"""Puts the shared oracles on the path, and makes what many tests begin with: kernels, directories, files to compare."""

import functools
import os
import signal
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
import provoked  # noqa: E402

# What a shell or nohup has ignored is inherited: nothing that tests start could be interrupted.
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGHUP, signal.SIG_DFL)


def pytest_configure():
    """Notes which errors the tests make, if BIGCONST_PROVOKED names a directory for it."""
    if directory := os.environ.get(provoked.VARIABLE):
        provoked.record(Path(directory).resolve())


def pytest_collection_modifyitems(items):
    """Files with tests of a minute or more come first, so that no processor waits for one at the end."""
    first = ("test_documents.py", "test_benchmarks.py", "test_other_processor.py")
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


@pytest.fixture
def place(monkeypatch, tmp_path):
    """Directories for scratch, a and b, for copies, c, and for files, which is the current one."""
    for name in ("files", "a", "b", "c"):
        (tmp_path / name).mkdir()
    monkeypatch.chdir(tmp_path / "files")
    return tmp_path


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
