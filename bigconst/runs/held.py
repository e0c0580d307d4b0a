"""What directories hold of a run that was interrupted, whether that is whole, and how it is removed.

    first scratch directory    manifest with everything, journal, status; levels of the ladder in memory
    the other ones             manifest with the first one's path and their number
    --checkpoint               manifest with everything but the layout of the scratch ("copy"), levels
    a run in memory            manifest whose list of lanes is empty, levels

Every manifest of a run has its id, so that nothing of one run is taken for a part of another.
"""

import contextlib
import os
from collections.abc import Sequence

from bigconst.base.errors import InputOutputError

OURS = ("bigconst.journal.", "bigconst.status", "bigconst.level.")
"""How the names of files begin that go with the manifest."""


def new_run_id() -> str:
    """Of a run that begins, or begins a new scratch."""
    return os.urandom(8).hex()


def interrupted(named: Sequence[str]) -> dict | None:
    """The manifest, with its directory, of the run that one of the directories holds; None where there is none."""
    from bigconst.storage.manifest import read_manifest

    for directory in named:
        if os.path.isdir(directory) and (fields := read_manifest(directory)) is not None:
            first = fields.get("first")
            if first is None:
                return {**fields, "directory": os.path.abspath(directory)}
            here = read_manifest(first) if os.path.isdir(first) else None
            if here is None:
                raise InputOutputError(f"{directory} is a lane of a run whose first lane, {first}, is not there",
                                       f"mount its disk, or name all its directories with --swap, the first one first, "
                                       f"{_otherwise(fields)}")
            if here.get("run_id") != fields.get("run_id"):
                raise InputOutputError(f"{directory} is a lane of a run whose first lane was {first}, which belongs to "
                                       "another run now", f"name all its directories with --swap, the first one first, "
                                       f"{_otherwise(fields)}")
            return {**here, "directory": first}
    return None


def check_lanes(fields: dict, lanes: Sequence[str]) -> None:
    """Raise InputOutputError, naming the directory, unless each holds its part of the run; changes nothing."""
    for index, directory in enumerate(map(os.path.abspath, lanes)):
        why = _why_not(fields, index, directory)
        if why is not None:
            raise InputOutputError(f"cannot go on with `{fields['command']}`: {directory} {why}",
                                   "mount its disk, or name all scratch directories where they are now, in their "
                                   f"order, with --swap, {_otherwise(fields)}")


def _why_not(fields: dict, index: int, directory: str) -> str | None:
    from bigconst.storage.lane import DATA_NAME
    from bigconst.storage.manifest import read_manifest

    if not os.path.isdir(directory):
        return "is not there"
    held = read_manifest(directory)
    if held is not None and held.get("run_id") != fields["run_id"]:
        return "belongs to another run"
    if held is not None and held.get("lane", 0) != index:
        return f"is directory number {held.get('lane', 0) + 1} of the run, not {index + 1}"
    if held is None or not os.path.exists(os.path.join(directory, DATA_NAME)):
        return f"has lost its part of the run, {DATA_NAME} or its manifest"
    return None


def _otherwise(fields: dict) -> str:
    checkpoint = fields.get("checkpoint")
    if checkpoint is None:
        return "or give the run up with --discard"
    return f"or go on from the last finished level with `bigconst resume {checkpoint}`"


def discard(named: Sequence[str]) -> None:
    """Remove the interrupted runs that directories hold, with all that lies elsewhere of them."""
    for directory in named:
        try:
            fields = interrupted([directory])
        except InputOutputError:        # of another format, or damaged: what is left lies where we are told
            fields = {"lanes": [directory]}
        if fields is not None:
            for each in (*fields["lanes"], fields.get("directory"), fields.get("checkpoint")):
                if each is not None and os.path.isdir(each) and _belongs(each, fields):
                    clear(each)
            remove_parts(fields)


def _belongs(directory: str, fields: dict) -> bool:
    from bigconst.storage.manifest import read_manifest

    with contextlib.suppress(InputOutputError):
        held = read_manifest(directory)
        return held is None or "run_id" not in fields or held.get("run_id") == fields["run_id"]
    return True


def clear(directory: str) -> None:
    """Remove all that is ours from a directory.  Raises InputOutputError while a process uses it."""
    from bigconst.storage.lane import DATA_NAME
    from bigconst.storage.lock import DirectoryLock
    from bigconst.storage.manifest import remove_manifest

    lock = DirectoryLock(directory)
    try:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(os.path.join(directory, DATA_NAME))
        remove_ours(directory)
        remove_manifest(directory)
    finally:
        lock.release(delete=True)


def remove_ours(directory: str) -> None:
    """The files that go with a manifest."""
    for name in os.listdir(directory):
        if name.startswith(OURS):
            os.unlink(os.path.join(directory, name))


def check_idle(directory: str) -> None:
    """Raise InputOutputError while another process uses a directory that holds a run."""
    from bigconst.storage.lock import DirectoryLock

    DirectoryLock(directory).release()


def remove_parts(fields: dict) -> None:
    """Remove the unfinished output files of a process that was killed."""
    for path in fields.get("parts", []):
        with contextlib.suppress(OSError):
            os.unlink(path)
