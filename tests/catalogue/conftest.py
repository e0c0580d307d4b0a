"""Every test has its own place for refreshed files and for machines.toml, empty at first."""

import pytest


@pytest.fixture(scope="session")
def kernels():
    """None is needed."""


@pytest.fixture(autouse=True)
def home(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    return tmp_path
