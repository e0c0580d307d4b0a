"""The start of a run: anew, from the scratch of an interrupted run, or from its copies of finished levels.

A run that cannot succeed is refused here, before anything is reserved or computed.
"""

import os
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

from bigconst.base.constant import Constant
from bigconst.base.errors import DiskFull, InputOutputError, UsageError
from bigconst.base.formats import YCD_SUFFIX
from bigconst.base.hardware import default_threads
from bigconst.base.screen import note
from bigconst.base.units import format_bytes
from bigconst.base.version import __version__
from bigconst.constants.ownseries import series_constant
from bigconst.constants.planning import make_plan
from bigconst.constants.registry import parse
from bigconst.plans.plan import Plan
from bigconst.runs import interrupted, lanes
from bigconst.runs.lanes import ScratchDisks
from bigconst.runs.request import STDOUT, RunRequest
from bigconst.storage.manifest import read_manifest

_OF_ONE_DIRECTORY = ("directory", "copy", "parts", "saved")
"""Fields of a manifest that describe one directory or one process, not the run."""


@dataclass(frozen=True)
class ScratchStart:
    """The scratch of a run on disk."""

    disks: ScratchDisks
    interrupted: dict | None = None
    """manifest of the interrupted run whose volume is continued; None for a new volume"""


@dataclass(frozen=True)
class LevelsStart:
    """The directory in which a run stores finished levels."""

    directory: str
    is_checkpoint: bool
    """whether --checkpoint named it; else it is the scratch directory of a run in memory"""
    is_resumed: bool = False
    """whether levels of this run are there already"""


@dataclass(frozen=True)
class RunStart:
    """A run that may begin: its request, its plan, and where it stores what it finishes."""

    request: RunRequest
    plan: Plan
    manifest: dict
    """fields of its manifests, except for the names of unfinished files"""
    scratch: ScratchStart | None = None
    """None in memory"""
    levels: LevelsStart | None = None
    """None where levels are stored with the scratch, or nowhere"""
    interrupted: dict | None = None
    """manifest of the earlier process that is continued"""
    warning: str | None = None
    """a sentence for the user about the directories"""


def start(request: RunRequest) -> RunStart:
    """The start of a new run, or the continuation where its directories hold the requested run, interrupted.

    Raises UsageError where a directory holds a run that this one would destroy; DoesNotFit, DiskFull,
    InputOutputError.
    """
    named = lanes.directories(request.swap)
    checkpoint = [] if request.checkpoint is None else [request.checkpoint]
    warning = lanes.check_checkpoint(request.checkpoint, named) if request.checkpoint is not None else None
    if request.discard:
        interrupted.discard([*named, *checkpoint])
    in_scratch, in_checkpoint = interrupted.find(named), interrupted.find(checkpoint)
    found = _same_run(request, in_scratch, in_checkpoint)
    if found is not None:
        return _continued(request, found, _resumed_plan(found, request.threads, request.memory_bytes),
                          request.swap or None)
    plan, disks = _new_plan(request, named)
    manifest = _new_manifest(request, plan, disks)
    levels = None
    if request.checkpoint is not None:
        levels = LevelsStart(os.path.abspath(request.checkpoint), True)
    if disks is not None:
        if in_scratch is not None:
            raise interrupted.occupied(in_scratch)
        _check_room(request, plan, disks)
        return RunStart(request, plan, manifest, ScratchStart(disks), levels, warning=warning)
    if levels is None and named and in_scratch is None and os.path.isdir(named[0]):
        levels = LevelsStart(os.path.abspath(named[0]), False)
    return RunStart(request, plan, manifest, levels=levels)


def resume(found: dict, swap: Sequence[str] | None = None, *, threads: int | None = None,
           memory_bytes: int | None = None, output: str | None = None, force: bool = False, report: str | None = None,
           events: str | None = None, usd_per_hour: float | None = None, command: str = "",
           started_s: float | None = None) -> RunStart:
    """The continuation of the interrupted run that a manifest, from `interrupted.of_directory`, describes.

    `swap` are its scratch directories where they have moved or begin anew; the other arguments are those of a
    RunRequest, None leaves what the run had.  Raises InputOutputError where a part of it is missing, UsageError where
    `swap` is not possible, DoesNotFit.
    """
    plan, asked = _resumed_plan(found, threads, memory_bytes), found["request"]
    if asked["source"] is not None and output is not None:
        #: A certificate lies beside its digits: leave out `--output`.
        raise UsageError("the run makes the certificate of a file, which has its place", "leave out --output")
    request = RunRequest(_asked_constant(found), asked["digits"], asked["base"], threads, memory_bytes,
                         output=output or found["output"], force=force, with_certificate=asked["certified"],
                         report=report, events=events, usd_per_hour=usd_per_hour, source=asked["source"],
                         lenient=asked["lenient"], command=command, block_digits=_block_digits(asked, output),
                         started_s=time.perf_counter() if started_s is None else started_s)
    return _continued(request, found, plan, swap)


def _block_digits(asked: dict, output: str | None) -> int | None:
    """Digits of each file of the set that an interrupted run was to write, unless `output` is no .ycd."""
    if output is not None and not os.path.realpath(output).endswith(YCD_SUFFIX):
        return None
    return asked.get("block_digits")


def plan_of(request: RunRequest, kind: str | None) -> Plan:
    """The plan of a request for scratch disks of a kind, None for a run without scratch.  Raises DoesNotFit."""
    return make_plan(request.constant, request.digits, request.base, request.threads or default_threads(),
                     request.allowed_memory_bytes, workspace_bytes=request.workspace_bytes, disk=kind,
                     certified=request.is_certified, from_file=request.source is not None)


def plan_without_disks(request: RunRequest) -> Plan:
    """The plan that `--plan` shows: it looks at no disk, and assumes hard disks where the request names no kind."""
    return plan_of(request, request.disk or lanes.DEFAULT_KIND)


def planned(manifest: dict) -> Plan:
    """The plan of an interrupted run.  Raises UsageError when another version began it, which had another plan."""
    asked = manifest["request"]
    try:
        constant, source = _asked_constant(manifest), asked["source"]
    except (KeyError, UsageError):
        raise interrupted.otherwise_planned(manifest) from None
    plan = make_plan(constant, asked["digits"], asked["base"], asked["threads"], asked["memory_bytes"],
                     workspace_bytes=asked["workspace_bytes"], disk=asked["disk"], certified=asked["certified"],
                     from_file=source is not None)
    interrupted.check_plan(manifest, plan.fingerprint)
    return plan


def _asked_constant(manifest: dict) -> Constant:
    """The constant of an interrupted run; raises KeyError, UsageError where this version has none of this kind."""
    asked = manifest["request"]
    if asked.get("series") is None:
        return parse(asked["constant"])
    return series_constant((asked["series"]["text"], asked["series"]["stem"]))


def check_scratch(found: dict, directories: Sequence[str]) -> None:
    """Raise InputOutputError unless all lanes and the journal are there."""
    interrupted.check_lanes(found, directories)
    journal = os.path.join(directories[0], found["journal"])
    if not os.path.exists(journal):
        #: The journal of the run was removed from its first scratch directory. Without it the scratch is of no use: a
        #: new one begins from the last level of `--checkpoint`.
        raise InputOutputError(f"there is no {journal}", "see that nothing else touches the scratch directories")


# -- a new run ------------------------------------------------------------------------


def _new_plan(request: RunRequest, named: Sequence[str]) -> tuple[Plan, ScratchDisks | None]:
    """The plan and the disks that it needs, which are examined only for a plan on disk."""
    if not named:
        return plan_of(request, None), None
    plan = plan_without_disks(request)
    if plan.disk is None:
        return plan, None
    disks = lanes.examine(named, request.disk)
    return plan if disks.kind == plan.disk.kind else plan_of(request, disks.kind), disks


def _new_manifest(request: RunRequest, plan: Plan, disks: ScratchDisks | None) -> dict:
    """The manifest of a new run: enough to make its plan again, and to recognise the command when it is repeated."""
    return {
        "run_id": interrupted.new_run_id(),
        "version": __version__,
        "plan": plan.fingerprint,
        "request": {"constant": plan.constant.name, "digits": plan.decimal_digits, "base": plan.base,
                    "threads": plan.threads if disks is None else plan.disk.threads,
                    "memory_bytes": plan.memory_bytes, "workspace_bytes": request.workspace_bytes,
                    "disk": None if disks is None else plan.disk.kind, "certified": plan.certified,
                    "usd_per_hour": request.usd_per_hour,
                    "series": plan.constant.text and {"text": plan.constant.text, "stem": plan.constant.file_stem},
                    "source": request.source and os.path.realpath(request.source), "lenient": request.lenient,
                    "block_digits": request.block_digits},
        "output": request.output_path,
        "reason": "" if disks is None else disks.reason,
        "lanes": [] if disks is None else lanes.absolute(disks.directories),
        "checkpoint": request.checkpoint and os.path.abspath(request.checkpoint),
        "command": request.command,
    }


def _check_room(request: RunRequest, plan: Plan, disks: ScratchDisks) -> None:
    """Raise DiskFull or InputOutputError unless scratch, files and copies of levels have room."""
    directory = os.path.dirname(os.path.realpath(request.text_path))
    if request.to_stdout or not os.path.isdir(directory):     # opening the file says what is wrong with it
        directory = disks.directories[0]
    rest = plan.disk.journal_bytes, disks.directories, request.files_bytes(plan), directory
    lanes.check_room(plan.disk.scratch_bytes, *rest)
    _, grown_bytes = plan.disk.repetition
    try:
        lanes.check_room(plan.disk.scratch_bytes + grown_bytes, *rest)
    except DiskFull:
        note("the scratch has no room to repeat a product on smaller words, which takes up to "
             f"{format_bytes(grown_bytes)} more; should data round badly, make room then and resume")
    if request.checkpoint is not None:
        lanes.check_copies(plan.checkpoint_bytes, request.checkpoint)


# -- an interrupted run ----------------------------------------------------------------


def _is_same_run(request: RunRequest, found: dict) -> bool:
    """Whether a manifest is of the run that is asked for: constant, digits, base, certificate, source and output."""
    if interrupted.is_mersenne(found):
        return False
    source = request.source and os.path.realpath(request.source)
    asked = (request.constant.name, request.digits, request.base, request.is_certified, source, request.lenient)
    known = tuple(found["request"].get(name)
                  for name in ("constant", "digits", "base", "certified", "source", "lenient"))
    if asked != known:
        return False
    return request.output_path == found["output"]


def _same_run(request: RunRequest, in_scratch: dict | None, in_checkpoint: dict | None) -> dict | None:
    """The manifest that this command continues: that of the scratch, or of the checkpoint where the scratch is gone.

    Raises UsageError where a directory holds a run that this one would destroy.
    """
    same = in_scratch is not None and _is_same_run(request, in_scratch)
    if in_checkpoint is None:
        return in_scratch if same else None
    if not _is_same_run(request, in_checkpoint):
        raise interrupted.occupied(in_checkpoint)
    if in_scratch is None:
        return in_checkpoint
    if not same or in_scratch.get("run_id") != in_checkpoint.get("run_id"):
        raise interrupted.occupied(in_scratch)
    return in_scratch


def _resumed_plan(found: dict, threads: int | None, memory_bytes: int | None) -> Plan:
    """The plan of an interrupted run on `threads` threads; all else in it stays.

    Raises DoesNotFit when `memory_bytes` is less than it needs, UsageError when a version with another plan began it.
    """
    plan = planned(found)
    if memory_bytes is not None:
        interrupted.check_memory(found, plan.peak_memory_bytes, memory_bytes)
    return replace(plan, threads=threads or plan.threads)


def _continued(request: RunRequest, found: dict, plan: Plan, swap: Sequence[str] | None) -> RunStart:
    """The continuation of the run that a manifest describes; `swap` are its scratch directories where they moved."""
    if not found["lanes"]:
        levels = LevelsStart(found["directory"], found["checkpoint"] is not None, is_resumed=True)
        return RunStart(request, plan, _renewed(request, found, []), levels=levels, interrupted=found)
    if not found.get("copy"):
        return _with_scratch(request, plan, found, list(swap or found["lanes"]))
    directories = list(swap or found["lanes"])
    why = None
    try:
        scratch = interrupted.find(directories)
        if scratch is None:
            why = "is gone"
        elif scratch.get("run_id") != found["run_id"]:
            why = "belongs to another run"
        else:
            check_scratch(scratch, directories)
    except InputOutputError as error:
        why = f"is not whole: {str(error).partition(';')[0]}"
    if why is None:
        return _with_scratch(request, plan, scratch, directories)
    return _with_new_scratch(request, plan, found, directories, why)


def _renewed(request: RunRequest, found: dict, directories: Sequence[str]) -> dict:
    """The manifest of a run that is continued, perhaps in other directories."""
    output = request.output or found["output"]
    fields = {name: value for name, value in found.items() if name not in _OF_ONE_DIRECTORY}
    price = request.usd_per_hour or found["request"]["usd_per_hour"]
    return fields | {"output": output if output == STDOUT else os.path.realpath(output),
                     "lanes": lanes.absolute(directories),
                     "request": found["request"] | {"usd_per_hour": price, "block_digits": request.block_digits}}


def _with_scratch(request: RunRequest, plan: Plan, found: dict, directories: list[str]) -> RunStart:
    """The continuation of a run in its scratch."""
    interrupted.check_lanes(found, directories)
    fields = _renewed(request, found, directories)
    if request.checkpoint is not None:
        _check_same_checkpoint(request.checkpoint, found)
        fields["checkpoint"] = os.path.abspath(request.checkpoint)
    copy = _copies(fields)
    levels = None if copy is None else LevelsStart(fields["checkpoint"], True, is_resumed=bool(copy))
    disks = ScratchDisks(tuple(directories), plan.disk.kind, found["reason"])
    # A process that was killed while it opened its files may have recorded them in the copy alone.
    parts = [*found.get("parts", []), *(copy or {}).get("parts", [])]
    found = found | {"parts": parts}
    return RunStart(request, plan, fields, ScratchStart(disks, found), levels, interrupted=found)


def _check_same_checkpoint(directory: str, found: dict) -> None:
    known = found["checkpoint"]
    if known is not None and os.path.realpath(known) != os.path.realpath(directory):
        #: Leave out `--checkpoint`: the run remembers it.
        raise UsageError(f"the run `{found['command']}` has its checkpoint in {known}",
                         "leave out --checkpoint, or name that directory")


def _copies(fields: dict) -> dict | None:
    """The manifest in the checkpoint directory, empty if there is none yet; None where no copies can be stored."""
    directory = fields["checkpoint"]
    if directory is None:
        return None
    try:
        lanes.check_checkpoint(directory, fields["lanes"])
        copy = read_manifest(directory)
    except InputOutputError as error:
        note(f"levels are not copied any more: {error}")
        return None
    if copy is not None and copy.get("run_id") != fields["run_id"]:
        note(f"levels are not copied any more: {directory} holds another run")
        return None
    return copy or {}


def _with_new_scratch(request: RunRequest, plan: Plan, copy: dict, directories: list[str], why: str) -> RunStart:
    """The continuation in a new scratch, from the levels of the checkpoint; `why` says what the old one lacks."""
    disks = lanes.examine(directories, plan.disk.kind)
    for directory in directories:
        there = read_manifest(directory)
        if there is not None and there.get("run_id") != copy["run_id"]:
            #: A new scratch would be made where another run lies. Name other directories with `--swap`.
            raise UsageError(f"{directory} holds another run, and the scratch of `{copy['command']}` is not there",
                             "name other directories with --swap")
    lanes.check_checkpoint(copy["directory"], directories)
    request = replace(request, checkpoint=copy["directory"])
    _check_room(request, plan, disks)
    note(f"the scratch of the run {why}: a new one begins in {', '.join(directories)}, "
         f"from the last level in {copy['directory']}")
    fields = _renewed(request, copy, directories)
    # Parts of the old scratch that appear later must not be taken for parts of this one.
    # The copy does not say how long the run took until now.
    fields |= {"run_id": interrupted.new_run_id(), "checkpoint": copy["directory"], "earlier_lost": True}
    levels = LevelsStart(copy["directory"], True, is_resumed=True)
    return RunStart(request, plan, fields, ScratchStart(disks), levels, interrupted=copy)
