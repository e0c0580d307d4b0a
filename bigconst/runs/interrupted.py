"""Interrupted runs: what directories hold of them, whether that is complete, and how it is removed.

    first scratch directory    manifest with everything, journal, status; levels of the ladder in memory
    the other ones             manifest with the first one's path and their number
    --checkpoint               manifest with everything but the layout of the scratch ("copy"), levels
    a run in memory            manifest whose list of lanes is empty, levels

Every manifest of a run has its id, so that nothing of one run is taken for a part of another.
"""

import contextlib
import os
from collections.abc import Sequence

from bigconst.base.errors import DoesNotFit, InputOutputError, UsageError
from bigconst.base.units import format_bytes
from bigconst.base.version import __version__
from bigconst.storage.lane import DATA_NAME
from bigconst.storage.lock import DirectoryLock
from bigconst.storage.manifest import read_manifest, remove_manifest

RESERVE_NAME = "bigconst.journal.reserve"
"""Name of a file that holds room for the journal while a run begins."""
OURS = ("bigconst.journal.", "bigconst.status", "bigconst.level.")
"""beginnings of the names of files that go with the manifest"""


def new_run_id() -> str:
    """A random id for a new run, or for a run that begins a new scratch."""
    return os.urandom(8).hex()


def find(named: Sequence[str]) -> dict | None:
    """The manifest, with its directory, of the run that one of the directories holds; None where there is none.

    Raises InputOutputError where a directory is a part of a run whose first directory is missing or holds another run.
    """
    for directory in named:
        if os.path.isdir(directory) and (fields := read_manifest(directory)) is not None:
            first = fields.get("first")
            if first is None:
                return {**fields, "directory": os.path.abspath(directory)}
            here = read_manifest(first) if os.path.isdir(first) else None
            if here is None and any(os.path.exists(os.path.join(first, name)) for name in (DATA_NAME, RESERVE_NAME)):
                continue        # killed as the run began or ended: its manifest is written last and removed first
            if here is None:
                #: Its disk is not mounted, or is elsewhere now: then name all directories of the run with `--swap`, the
                #: first one first.
                raise InputOutputError(f"{directory} is a lane of a run whose first lane, {first}, is not there",
                                       f"mount its disk, or name all its directories with --swap, the first one first, "
                                       f"{_otherwise(fields)}")
            if here.get("run_id") != fields.get("run_id"):
                #: That directory was used for something else since then. Name where the first lane is now, or give the
                #: run up with `--discard`.
                raise InputOutputError(f"{directory} is a lane of a run whose first lane was {first}, which belongs to "
                                       "another run now", f"name all its directories with --swap, the first one first, "
                                       f"{_otherwise(fields)}")
            return {**here, "directory": first}
    return None


def run_in(directory: str, *others: str) -> dict:
    """The manifest of the run in one of these directories, `others` first.  Raises UsageError where there is no run."""
    found = find([*others, directory])
    if found is None:
        #: The directory is empty, or its run is finished. Is it the right one, and its disk mounted?
        raise UsageError(f"{directory} holds no run", "begin one with bigconst phi --swap DIR")
    return found


def of_directory(directory: str, swap: Sequence[str] | None = None) -> tuple[dict, list[str] | None]:
    """The manifest of the run that a directory holds, and all its scratch directories where they have moved.

    `swap` are the scratch directories as the user names them.  The manifest in a checkpoint directory, or in that of a
    run in memory, is taken as it is.  Raises UsageError where there is no run, or where `swap` does not name its
    scratch directories; InputOutputError.
    """
    here = read_manifest(directory) if os.path.isdir(directory) else None
    if here is not None and (here.get("copy") or here.get("lanes") == []):
        return {**here, "directory": os.path.abspath(directory)}, list(swap) if swap else None
    found = run_in(directory, *(swap or []))
    if here is not None and here.get("run_id") != found["run_id"]:
        #: Name the directories of one run; `bigconst status DIR` says which run is in each.
        raise UsageError(f"{found['directory']} and {directory} hold different runs",
                         "name the scratch directories of one run")
    return found, _moved(found, swap)


def _moved(found: dict, swap: Sequence[str] | None) -> list[str] | None:
    """The scratch directories if they have moved, else None."""
    if swap:
        if len(swap) != len(found["lanes"]):
            #: `--swap` names all of them or none, in the order of the first command.
            raise UsageError(f"the run has {len(found['lanes'])} scratch directories, {len(swap)} are named",
                             "name all of them, in the order of the first command")
        return list(swap)
    if found["directory"] == found["lanes"][0]:
        return None
    if len(found["lanes"]) > 1:
        #: Its disk is mounted elsewhere now. Name all scratch directories with `--swap`, in the order of the first
        #: command.
        raise UsageError(f"{found['directory']} has moved from {found['lanes'][0]}",
                         "name all scratch directories with --swap, in the order of the first command")
    return [found["directory"]]


def is_mersenne(found: dict) -> bool:
    """Whether a manifest is of a test of a Mersenne number, not of a constant."""
    return "exponent" in found["request"]


def check_plan(found: dict, fingerprint: str) -> None:
    """Raise UsageError when the run was begun by a version that had another plan for it, or stored something else."""
    if found.get("plan") != fingerprint:
        raise otherwise_planned(found)


def otherwise_planned(found: dict) -> UsageError:
    """The error for a run that another version began, which had another plan for it."""
    #: The version in the message computes in other steps, or stores them in other places. Resume the run with that
    #: version, or remove it with `--discard`.
    return UsageError(f"{found['directory']} holds a run of bigconst {found['version']}, which this one, "
                      f"{__version__}, would plan otherwise", "resume it with that version, or add --discard")


def check_memory(found: dict, needed_bytes: int, allowed_bytes: int) -> None:
    """Raise DoesNotFit when an interrupted run, whose plan does not change, needs more memory than is allowed."""
    if allowed_bytes < needed_bytes:
        #: The plan of an interrupted run stays what it was. Allow what it says with `--memory`, or resume it on a
        #: machine that has it.
        raise DoesNotFit(f"the run in {found['directory']} needs {format_bytes(needed_bytes)} of memory, "
                         f"{format_bytes(allowed_bytes)} are allowed", "allow more with --memory")


def occupied(found: dict) -> UsageError:
    """The error for a directory that holds a run which the requested one would destroy."""
    #: `bigconst resume DIR` goes on with it; `--discard` removes it and begins. For a benchmark or a test of disks:
    #: name a directory beside it on the same disk.
    return UsageError(f"{found['directory']} holds the interrupted run `{found['command']}`",
                      f"resume it with `bigconst resume {found['directory']}`, or add --discard")


def check_lanes(fields: dict, lanes: Sequence[str]) -> None:
    """Raise InputOutputError, naming the directory, unless each holds its part of the run; changes nothing."""
    for index, directory in enumerate(map(os.path.abspath, lanes)):
        why = _why_not(fields, index, directory)
        if why is not None:
            #: Behind the command stands which directory is missing, in the wrong order, or has lost its part. Mount it,
            #: or name all with `--swap`; else go on from `--checkpoint`.
            raise InputOutputError(f"cannot go on with `{fields['command']}`: {directory} {why}",
                                   "mount its disk, or name all scratch directories where they are now, in their "
                                   f"order, with --swap, {_otherwise(fields)}")


def _why_not(fields: dict, index: int, directory: str) -> str | None:
    if not os.path.isdir(directory):
        return "is not there"
    there = read_manifest(directory)
    if there is not None and there.get("run_id") != fields["run_id"]:
        return "belongs to another run"
    if there is not None and there.get("lane", 0) != index:
        return f"is directory number {there.get('lane', 0) + 1} of the run, not {index + 1}"
    if there is None or not os.path.exists(os.path.join(directory, DATA_NAME)):
        return f"has lost its part of the run, {DATA_NAME} or its manifest"
    return None


def _otherwise(fields: dict) -> str:
    checkpoint = fields.get("checkpoint")
    if checkpoint is None:
        return "or give the run up with --discard"
    return f"or go on from the last finished level with `bigconst resume {checkpoint}`"


def discard(named: Sequence[str]) -> None:
    """Remove the interrupted runs that directories hold, with their parts in other directories, and what a run left
    that was killed as it began or ended."""
    for directory in named:
        try:
            fields = find([directory])
        except InputOutputError:        # another format, or damaged: no other directory is known
            fields = {"lanes": [directory]}
        if fields is None and os.path.isdir(directory) and any(
                name == DATA_NAME or name.startswith(OURS) for name in os.listdir(directory)):
            fields = {"lanes": [directory]}
        if fields is not None:
            for each in (*fields["lanes"], fields.get("directory"), fields.get("checkpoint")):
                if each is not None and os.path.isdir(each) and _belongs(each, fields):
                    clear(each)
            remove_parts(fields)


def _belongs(directory: str, fields: dict) -> bool:
    with contextlib.suppress(InputOutputError):
        there = read_manifest(directory)
        return there is None or "run_id" not in fields or there.get("run_id") == fields["run_id"]
    return True


def clear(directory: str) -> None:
    """Remove all files of a run from a directory.  Raises InputOutputError while a process uses it."""
    lock = DirectoryLock(directory)
    try:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(os.path.join(directory, DATA_NAME))
        remove_ours(directory)
        remove_manifest(directory)
    finally:
        lock.release(delete=True)


def remove_ours(directory: str) -> None:
    """Remove the files that go with a manifest."""
    for name in os.listdir(directory):
        if name.startswith(OURS):
            os.unlink(os.path.join(directory, name))


def check_idle(directory: str) -> None:
    """Raise InputOutputError while another process uses a directory that holds a run."""
    DirectoryLock(directory).release()


def remove_parts(fields: dict) -> None:
    """Remove the unfinished output files of a process that was killed."""
    for path in fields.get("parts", []):
        with contextlib.suppress(OSError):
            os.unlink(path)
