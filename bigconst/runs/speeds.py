"""Speeds of this machine: kept by an earlier `bigconst bench`, or measured now."""

import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bigconst.base.errors import InputOutputError, UsageError
from bigconst.runs import lanes

NAME = "speeds.json"


def known_speeds(directories: Sequence[str], kind: str | None = None) -> tuple[Any, Any]:
    """Speeds of this machine, and of a scratch on these directories (None without any); a short benchmark runs, and
    says so, for what was not measured.

    Raises UsageError where what was kept is damaged.
    """
    speeds, disks = kept()
    if speeds is None:
        print("no benchmark of this machine yet: a short one runs (`bigconst bench` takes a minute and is better)",
              file=sys.stderr, flush=True)
        speeds = measured(short=True)
        keep(speeds, disks)
    if not directories:
        return speeds, None
    paths = tuple(map(os.path.realpath, directories))
    found = next((each for each in disks if each.directories == paths and kind in (None, each.kind)), None)
    if found is None:
        print(f"no benchmark of {', '.join(directories)} yet: a short one runs", file=sys.stderr, flush=True)
        found = measured_disks(directories, kind, short=True)
        keep(speeds, [found, *(each for each in disks if each.directories != paths)])
    return speeds, found


# -- the file ---------------------------------------------------------------------------

def _path() -> Path:
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "bigconst" / NAME


def kept() -> tuple[Any, list]:
    """What was measured on this machine before: (speeds or None, list of disks)."""
    from bigconst.base.hardware import default_threads, processor
    from bigconst.estimates.speeds import from_json
    from bigconst.estimates.work import OPERATIONS

    path = _path()
    try:
        speeds, disks = from_json(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None, []
    except (OSError, ValueError) as error:
        raise UsageError(f"{path} is damaged: {error}", "run `bigconst bench`, which replaces it") from error
    # A home directory may be shared by machines, and the file be of a version that measured less.
    same = (speeds.threads == default_threads() and speeds.host.get("cpu") == processor()["cpu"]
            and OPERATIONS.keys() <= speeds.rates.keys())
    return (speeds, disks) if same else (None, [])


def keep(speeds: Any, disks: list) -> None:
    from bigconst.estimates.speeds import as_json
    from bigconst.storage.atomicfile import AtomicFile

    path = _path()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputOutputError(f"cannot create {path.parent}: {error.strerror}", "set XDG_CACHE_HOME") from error
    with AtomicFile(path, force=True) as file:
        file.write_at(0, as_json(speeds, disks).encode())
        file.commit()


# -- measuring --------------------------------------------------------------------------

def _note(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def measured(*, short: bool) -> Any:
    from bigconst.runs.kernels import load_engine, load_test_kernels

    load_engine()
    load_test_kernels()
    from bigconst.bench.measure import measure

    here = os.getcwd()
    return measure(here if os.access(here, os.W_OK) else tempfile.gettempdir(), short=short, note=_note)


def measured_disks(directories: Sequence[str], kind: str | None, *, short: bool = False) -> Any:
    from bigconst.bench.measuredisks import measure_disks

    disks = lanes.examine(directories, kind)
    _refuse_held(directories)
    return measure_disks(directories, disks.kind, short=short, note=_note)


def _refuse_held(directories: Sequence[str]) -> None:
    """The benchmark would write over an interrupted run."""
    from bigconst.runs import held

    found = held.interrupted(directories)
    if found is not None:
        raise UsageError(f"{found['directory']} holds the interrupted run `{found['command']}`",
                         "name a directory beside it, on the same disk")
