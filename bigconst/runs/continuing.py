"""Going on with a run that was interrupted: from its scratch, or from the levels of its checkpoint directory."""

import argparse
import os
import sys
from collections.abc import Sequence
from typing import Any

from bigconst.base.errors import InputOutputError, UsageError
from bigconst.runs import held, lanes, request
from bigconst.runs.places import Places

_OF_ONE_PLACE = ("directory", "copy", "parts", "saved")
"""Fields that say something of one directory or one process, not of the run."""


def continued(arguments: argparse.Namespace, found: dict, swap: Sequence[str] | None) -> tuple[Any, Places]:
    """The plan of the run that a manifest tells of, and its places; `swap` says where its scratch directories are now.

    Raises InputOutputError where something of it is missing, UsageError where `swap` cannot be.
    """
    plan = request.resumed_plan(found, arguments.threads, arguments.memory)
    if not found["lanes"]:
        return plan, Places(_renewed(arguments, found, []), depot=found["directory"],
                            outside=found["checkpoint"] is not None, depot_kept=True, before=found)
    if not found.get("copy"):
        return plan, _scratch(arguments, plan, found, swap)
    directories = swap or found["lanes"]
    why = None
    try:
        scratch = held.interrupted(directories)
        if scratch is None:
            why = "is gone"
        elif scratch.get("run_id") != found["run_id"]:
            why = "belongs to another run"
        else:
            check_scratch(scratch, directories)
    except InputOutputError as error:
        why = f"is not whole: {str(error).partition(';')[0]}"
    if why is None:
        return plan, _scratch(arguments, plan, scratch, directories)
    return plan, _anew(arguments, plan, found, directories, why)


def check_scratch(found: dict, directories: Sequence[str]) -> None:
    """Raise InputOutputError unless all lanes and the journal are there."""
    held.check_lanes(found, directories)
    journal = os.path.join(directories[0], found["journal"])
    if not os.path.exists(journal):
        raise InputOutputError(f"there is no {journal}", "see that nothing else touches the scratch directories")


def _renewed(arguments: argparse.Namespace, found: dict, directories: Sequence[str]) -> dict:
    """A manifest whose run goes on, perhaps elsewhere."""
    output = arguments.output or found["output"]
    fields = {name: value for name, value in found.items() if name not in _OF_ONE_PLACE}
    price = arguments.usd_per_hour or found["request"]["usd_per_hour"]
    return fields | {"output": output if output == "-" else os.path.realpath(output),
                     "lanes": request.absolute(directories), "request": found["request"] | {"usd_per_hour": price}}


def _scratch(arguments: argparse.Namespace, plan: Any, found: dict, swap: Sequence[str] | None) -> Places:
    """The scratch goes on."""
    directories = list(swap or found["lanes"])
    held.check_lanes(found, directories)
    fields = _renewed(arguments, found, directories)
    if arguments.checkpoint is not None:
        _check_same_checkpoint(arguments.checkpoint, found)
        fields["checkpoint"] = os.path.abspath(arguments.checkpoint)
    copy = _copies(fields)
    disks = lanes.ScratchDisks(tuple(directories), plan.disk.kind, found["reason"])
    # A process that was killed while it opened these may have come no further than the copy.
    parts = [*found.get("parts", []), *(copy or {}).get("parts", [])]
    return Places(fields, disks, None if copy is None else fields["checkpoint"], outside=True, depot_kept=bool(copy),
                  before=found | {"parts": parts}, scratch_kept=True)


def _check_same_checkpoint(directory: str, found: dict) -> None:
    known = found["checkpoint"]
    if known is not None and os.path.realpath(known) != os.path.realpath(directory):
        raise UsageError(f"the run `{found['command']}` has its checkpoint in {known}",
                         "leave out --checkpoint, or name that directory")


def _copies(fields: dict) -> dict | None:
    """The manifest in the checkpoint directory, empty if there is none yet; None where no copies can be kept."""
    from bigconst.storage.manifest import read_manifest

    directory = fields["checkpoint"]
    if directory is None:
        return None
    try:
        lanes.check_checkpoint(directory, fields["lanes"])
        copy = read_manifest(directory)
    except InputOutputError as error:
        _say(f"levels are not copied any more: {error}")
        return None
    if copy is not None and copy.get("run_id") != fields["run_id"]:
        _say(f"levels are not copied any more: {directory} holds another run")
        return None
    return copy or {}


def _anew(arguments: argparse.Namespace, plan: Any, copy: dict, directories: Sequence[str], why: str) -> Places:
    """A new scratch, and the levels of the checkpoint directory; `why` the old one does not do."""
    from bigconst.storage.manifest import read_manifest

    disks = lanes.examine(directories, plan.disk.kind)
    for directory in directories:
        there = read_manifest(directory)
        if there is not None and there.get("run_id") != copy["run_id"]:
            raise UsageError(f"{directory} holds another run, and the scratch of `{copy['command']}` is not there",
                             "name other directories with --swap")
    lanes.check_checkpoint(copy["directory"], directories)
    arguments.checkpoint = copy["directory"]
    request.check_room(arguments, plan, disks)
    _say(f"the scratch of the run {why}: a new one begins in {', '.join(directories)}, "
         f"from the last level in {copy['directory']}")
    fields = _renewed(arguments, copy, directories)
    # What may still appear of the old scratch must not be taken for a part of this one.
    # The copy does not say how long the run took until now.
    fields |= {"run_id": held.new_run_id(), "checkpoint": copy["directory"], "earlier_lost": True}
    return Places(fields, disks, copy["directory"], outside=True, depot_kept=True, before=copy)


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
