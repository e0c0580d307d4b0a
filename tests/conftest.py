"""Puts the shared oracles on the path, and compiles the kernels before anything is tested."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture(scope="session", autouse=True)
def kernels():
    """No test is the one that compiles, and says so on stderr."""
    from bigconst import engine

    engine.load_kernels()
