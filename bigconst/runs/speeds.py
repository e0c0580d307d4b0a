"""The speeds of this machine: stored by an earlier `bigconst bench`, or measured now."""

import contextlib
import os
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from bigconst.base.errors import InputOutputError, UsageError
from bigconst.base.hardware import default_threads, processor
from bigconst.base.places import cache_directory
from bigconst.base.screen import note
from bigconst.estimates.speeds import DiskSpeeds, OtherVersion, Speeds, as_json, from_json
from bigconst.estimates.work import OPERATIONS
from bigconst.runs import interrupted, lanes
from bigconst.runs.kernels import DIGITS, DISK, SQUARINGS, load
from bigconst.storage.atomicfile import AtomicFile

NAME = "speeds.json"


def bench(directories: Sequence[str], kind: str | None, json_path: str | None,
          show: Callable[[Speeds, list[DiskSpeeds]], None]) -> None:
    """Measure this machine and a scratch on these directories; `show` the results, store them, and write `json_path`.

    Raises UsageError where a directory holds an interrupted run, InputOutputError.
    """
    stored: list[DiskSpeeds] = []
    with contextlib.suppress(UsageError):       # a damaged file will be replaced
        stored = stored_speeds()[1]
    with contextlib.ExitStack() as stack:
        # Opened first, so that a minute is not lost for a file that cannot be written.
        file = stack.enter_context(AtomicFile(json_path, force=True)) if json_path else None
        found = [measured_disks(directories, kind)] if directories else []
        speeds = measured(short=False)
        try:
            show(speeds, found)
        finally:        # neither a full disk nor a closed pipe takes both
            if file is not None:
                file.write_at(0, as_json(speeds, found).encode())
                file.commit()
        replaced = {each.directories for each in found}
        store_speeds(speeds, found + [each for each in stored if each.directories not in replaced])


def known_speeds(directories: Sequence[str], kind: str | None = None) -> tuple[Speeds, DiskSpeeds | None]:
    """The speeds of this machine, and of a scratch on these directories (None without directories).

    A short benchmark, announced on stderr, measures what was not measured before.  Raises UsageError where the file of
    stored speeds is damaged.
    """
    speeds, disks = stored_speeds()
    if speeds is None:
        note("no benchmark of this machine yet: a short one runs (`bigconst bench` takes a minute and is better)")
        speeds = measured(short=True)
        _store_if_possible(speeds, disks)
    if not directories:
        return speeds, None
    paths = tuple(map(os.path.realpath, directories))
    found = next((each for each in disks if each.directories == paths and kind in (None, each.kind)), None)
    if found is None:
        note(f"no benchmark of {', '.join(directories)} yet: a short one runs")
        found = measured_disks(directories, kind, short=True)
        _store_if_possible(speeds, [found, *(each for each in disks if each.directories != paths)])
    return speeds, found


# -- the file ---------------------------------------------------------------------------

def _path() -> Path:
    return cache_directory() / NAME


def stored_speeds() -> tuple[Speeds | None, list[DiskSpeeds]]:
    """The speeds that were measured on this machine before, if any, and those of its disks."""
    path = _path()
    try:
        speeds, disks = from_json(path.read_text(encoding="utf-8"))
    except (OSError, OtherVersion):     # nothing there that could be read, or that means the same now
        return None, []
    except ValueError as error:
        #: The benchmark kept from before cannot be used: `bigconst bench` replaces it.
        raise UsageError(f"{path} is damaged: {error}", "run `bigconst bench`, which replaces it") from error
    # Machines may share a home directory, and the file may come from a version that measured less.
    same = (speeds.threads == default_threads() and speeds.host.get("cpu") == processor()["cpu"]
            and OPERATIONS.keys() <= speeds.rates.keys())
    return (speeds, disks) if same else (None, [])


def store_speeds(speeds: Speeds, disks: list[DiskSpeeds]) -> None:
    """Store speeds for estimates.  Raises InputOutputError."""
    path = _path()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputOutputError(f"cannot create {path.parent}: {error.strerror}", "set XDG_CACHE_HOME") from error
    with AtomicFile(path, force=True) as file:
        file.write_at(0, as_json(speeds, disks).encode())
        file.commit()


def _store_if_possible(speeds: Speeds, disks: list[DiskSpeeds]) -> None:
    """Store speeds; where that cannot be, a line says so, and the next estimate measures again."""
    try:
        store_speeds(speeds, disks)
    except InputOutputError as error:
        note(f"the next estimate will measure again: {error}")


# -- measuring --------------------------------------------------------------------------

def measured(*, short: bool) -> Speeds:
    """The speeds of this machine, in a minute or, `short`, in seconds."""
    load(DIGITS, DISK, SQUARINGS)
    from bigconst.bench.measure import measure

    here = os.getcwd()
    return measure(here if os.access(here, os.W_OK) else tempfile.gettempdir(), short=short, note=note)


def measured_disks(directories: Sequence[str], kind: str | None, *, short: bool = False) -> DiskSpeeds:
    """The speeds of a scratch on these directories.  Raises UsageError where one holds an interrupted run."""
    from bigconst.bench.measuredisks import measure_disks

    disks = lanes.examine(directories, kind)
    found = interrupted.find(directories)
    if found is not None:       # the benchmark would write over it
        raise UsageError(f"{found['directory']} holds the interrupted run `{found['command']}`",
                         "name a directory beside it, on the same disk")
    return measure_disks(directories, disks.kind, short=short, note=note)
