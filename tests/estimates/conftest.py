"""A machine whose speeds are known, so that no test has to measure one."""

import pytest
from plausible import measured_here, plausible_speeds


@pytest.fixture
def speeds():
    """A machine of two cores."""
    return plausible_speeds()


@pytest.fixture
def measured(monkeypatch, tmp_path):
    """The Speeds of this machine as if a benchmark had run, with scratch in `scratch`."""
    return measured_here(monkeypatch, tmp_path)
