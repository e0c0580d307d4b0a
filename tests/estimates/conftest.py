"""A machine whose speeds are known, so that no test has to measure one."""

import pytest
from plausible import keep_speeds, plausible_speeds


@pytest.fixture
def speeds():
    """A machine of two cores."""
    return plausible_speeds()


@pytest.fixture
def measured(monkeypatch, tmp_path):
    """This machine after a benchmark, with scratch in `scratch`; catalogue and machines.toml are as they came.

    Its Speeds.
    """
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    (tmp_path / "here").mkdir()
    (tmp_path / "here" / "scratch").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    return keep_speeds(tmp_path / "cache", tmp_path / "here" / "scratch")
