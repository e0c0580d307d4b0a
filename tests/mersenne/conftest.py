"""Puts the fake squarer on the path, and compiles what the real one needs before anything is tested."""

import multiprocessing
import shutil
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture(scope="session", autouse=True)
def test_kernels(kernels):
    """As in the conftest above."""
    from bigconst.runs.kernels import SQUARINGS, load

    load(SQUARINGS)


@pytest.fixture
def tmp_path(quick_disk):
    """An empty directory on a quick disk: every save file is synced, and these tests write thousands."""
    directory = quick_disk / "mersenne"
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir()
    return directory


@pytest.fixture
def forked_workers(monkeypatch):
    """Workers are forks of this process instead of new interpreters, which test_mersenne_errors.py has."""
    context = multiprocessing.get_context("fork")
    monkeypatch.setattr(multiprocessing, "get_context", lambda method: context)
