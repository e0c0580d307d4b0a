"""The progress of the run in a directory, seen from another process."""

import contextlib
import os

from bigconst.base.errors import InputOutputError
from bigconst.mersenne import worktodo
from bigconst.runs import interrupted
from bigconst.runs.queuestatus import queue_status
from bigconst.runs.start import planned
from bigconst.runs.statusfile import read_status
from bigconst.runs.workdone import remaining_s
from bigconst.storage.lock import is_locked


def run_status(directory: str) -> dict:
    """The fields of `bigconst status --json`, of the run in a directory or of its queue.

    Raises UsageError where the directory holds neither; InputOutputError.
    """
    if os.path.exists(os.path.join(directory, worktodo.NAME)) and interrupted.find([directory]) is None:
        return queue_status(directory)
    found = _with_scratch(interrupted.run_in(directory))
    counts = found.get("fault_counts", {})
    stage = "in memory" if not found["lanes"] else "the scratch is not there" if found.get("copy") else "starting"
    fields = {"stage": stage, "index": 0, "count": 0, "faults": sum(counts.values()), "share": 0.0,
              "elapsed_s": 0.0, "moved_bytes": 0, "bytes_per_s": 0.0}
    fields |= read_status(found["directory"])
    fields |= _subject(found)
    left_s = remaining_s(fields["share"], fields["elapsed_s"])
    return fields | {"running": is_locked(found["directory"]), "remaining_s": left_s, "fault_counts": counts,
                     "saved": found.get("saved"), "command": found["command"]}


def _subject(found: dict) -> dict:
    """The fields that say what is computed; "constant" is its short name."""
    if interrupted.is_mersenne(found):
        asked = found["request"]
        return {"constant": f"M{asked['exponent']}", "kind": asked["kind"], "iterations": asked["iterations"]}
    plan = planned(found)
    return {"constant": plan.constant.name, "title": plan.constant.title, "digits": plan.digits, "base": plan.base}


def _with_scratch(found: dict) -> dict:
    """The manifest in the scratch, which says more, in place of that in a checkpoint directory."""
    if found.get("copy"):
        with contextlib.suppress(InputOutputError):
            scratch = interrupted.find(found["lanes"])
            if scratch is not None and scratch.get("run_id") == found["run_id"]:
                return scratch | {"saved": found.get("saved")}
    return found
