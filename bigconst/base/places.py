"""Directories of this program that belong to a user."""

import os
from pathlib import Path

NO_HOME = Path("/nonexistent")
"""home of a user who has none, as Debian calls it: nothing is there, and nothing can be made"""


def user_directory(variable: str, below_home: str) -> Path:
    """The directory of this program in what an environment variable names, or in a directory below the user's home."""
    base = os.environ.get(variable)
    try:
        return (Path(base) if base else Path.home() / below_home) / "bigconst"
    except RuntimeError:        # a user whom the system does not know, and no HOME
        return NO_HOME / below_home / "bigconst"


def cache_directory() -> Path:
    """Where results are stored that can be had again."""
    return user_directory("XDG_CACHE_HOME", ".cache")


def config_directory() -> Path:
    """Where a user's own settings are."""
    return user_directory("XDG_CONFIG_HOME", ".config")
