"""The files of the catalogue: where they are, how they are read, and the remedies when one is damaged."""

from pathlib import Path

from bigconst.base.errors import InputOutputError
from bigconst.base.places import cache_directory, config_directory
from bigconst.catalogue.tables import RowT, Table, parse

PACKAGED_REMEDY = "install bigconst again"
REFRESHED_REMEDY = "refresh the catalogue again with bigconst estimate --refresh, or remove this file"


def packaged_path(name: str) -> str:
    """Path of a file that came with the package."""
    return str(Path(__file__).with_name(name))


def refreshed_path(name: str) -> str:
    """Path at which `--refresh` stores a newer file of that name."""
    return str(cache_directory() / "catalogue" / name)


def machines_path() -> str:
    """Path of the file with the user's own machines, which need not exist."""
    return str(config_directory() / "machines.toml")


def packaged_rows(name: str, table: Table[RowT]) -> list[RowT]:
    """The records of a file that came with the package.  Raises UsageError, InputOutputError."""
    path = packaged_path(name)
    data = read(path, PACKAGED_REMEDY)
    if data is None:
        #: A file of the installed program is missing: install it again.
        raise InputOutputError(f"{path} is not there", PACKAGED_REMEDY)
    return parse(table, data, path, PACKAGED_REMEDY)


def refreshed_rows(name: str, table: Table[RowT]) -> list[RowT] | None:
    """The records of a refreshed file, None if there is none.  Raises UsageError, InputOutputError."""
    path = refreshed_path(name)
    data = read(path, REFRESHED_REMEDY)
    return None if data is None else parse(table, data, path, REFRESHED_REMEDY)


def read(path: str, remedy: str) -> bytes | None:
    """The content of a file, None if there is none.  Raises InputOutputError with `remedy` when it cannot be read."""
    try:
        with open(path, "rb") as file:
            return file.read()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise InputOutputError(f"cannot read {path}: {error.strerror}", remedy) from error
