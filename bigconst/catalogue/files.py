"""Where the files of the catalogue are, what they hold, and what to do when one of them is damaged."""

import os
from pathlib import Path

from bigconst.base.errors import InputOutputError
from bigconst.catalogue.tables import Table, parse

PACKAGED_REMEDY = "install bigconst again"
REFRESHED_REMEDY = "refresh the catalogue again with bigconst estimate --refresh, or remove this file"


def packaged_path(name: str) -> str:
    """Of a file that came with the package."""
    return str(Path(__file__).with_name(name))


def refreshed_path(name: str) -> str:
    """Where `--refresh` puts a newer file of that name."""
    base = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return os.path.join(base, "bigconst", "catalogue", name)


def machines_path() -> str:
    """The file with the user's own machines, which need not be there."""
    base = os.environ.get("XDG_CONFIG_HOME") or os.path.expanduser("~/.config")
    return os.path.join(base, "bigconst", "machines.toml")


def packaged_rows(name: str, table: Table) -> list:
    """The records of a file that came with the package.  Raises UsageError, InputOutputError."""
    path = packaged_path(name)
    data = read(path, PACKAGED_REMEDY)
    if data is None:
        raise InputOutputError(f"{path} is not there", PACKAGED_REMEDY)
    return parse(table, data, path, PACKAGED_REMEDY)


def refreshed_rows(name: str, table: Table) -> list | None:
    """The records of a newer file, None where there is none.  Raises UsageError, InputOutputError."""
    path = refreshed_path(name)
    data = read(path, REFRESHED_REMEDY)
    return None if data is None else parse(table, data, path, REFRESHED_REMEDY)


def read(path: str, remedy: str) -> bytes | None:
    """The whole file, None where there is none.  Raises InputOutputError with `remedy` when it cannot be read."""
    try:
        with open(path, "rb") as file:
            return file.read()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise InputOutputError(f"cannot read {path}: {error.strerror}", remedy) from error
