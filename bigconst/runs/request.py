"""What is asked for: the plan of a command, its files, and what its manifest says of it."""

import argparse
import os
import shlex
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from bigconst.base.errors import DoesNotFit, UsageError
from bigconst.base.formats import ZST_SUFFIX
from bigconst.base.hardware import available_memory_bytes, default_threads
from bigconst.base.units import format_bytes
from bigconst.base.version import __version__
from bigconst.runs import held, lanes


def certified(arguments: argparse.Namespace) -> bool:
    """Whether there will be a certificate."""
    return not arguments.no_certificate and arguments.output != "-"


def text_path(arguments: argparse.Namespace, plan: Any) -> str:
    """Where the digits go, - being standard output."""
    suffix = ".txt" if plan.base == 10 else ".hex.txt"
    return arguments.output or plan.constant.file_stem + suffix


def _output(arguments: argparse.Namespace, plan: Any) -> str:
    return "-" if arguments.output == "-" else os.path.realpath(text_path(arguments, plan))


def is_zst(arguments: argparse.Namespace, plan: Any) -> bool:
    """Whether the digits are written as zstandard: by the name of the file, that of the target for a link."""
    return _output(arguments, plan).endswith(ZST_SUFFIX)


def digit_file_bytes(arguments: argparse.Namespace, plan: Any) -> int:
    """Room for the file of the digits; a compressed one is some kilobytes smaller."""
    if not is_zst(arguments, plan):
        return plan.text_bytes
    from bigconst.storage.zstfile import room_bytes

    return room_bytes(plan.text_bytes, plan.base)


def files_bytes(arguments: argparse.Namespace, plan: Any) -> int:
    """Room for digits and certificate where they become files."""
    if arguments.output == "-":
        return 0
    return digit_file_bytes(arguments, plan) + (plan.certificate_bytes if certified(arguments) else 0)


# -- plans ----------------------------------------------------------------------------

def planner(arguments: argparse.Namespace):
    """The plan of the request as a function of the kind of its disks, None where there are none."""
    from bigconst.base.constant import Constant
    from bigconst.plans.plan import make_plan

    memory_bytes = arguments.memory or available_memory_bytes() * 3 // 4

    def make(kind: str | None):
        return make_plan(
            Constant(arguments.kind, arguments.d),
            arguments.digits,
            arguments.base,
            arguments.threads or default_threads(),
            memory_bytes,
            workspace_bytes=arguments.workspace,
            disk=kind,
            certified=certified(arguments),
        )

    return make


def new_plan(arguments: argparse.Namespace, named: Sequence[str]):
    """The plan, and the disks it takes; None for a plan in memory, which leaves all disks alone."""
    make = planner(arguments)
    if not named:
        return make(None), None
    plan = make(arguments.disk or lanes.DEFAULT_KIND)
    if plan.disk is None:
        return plan, None
    disks = lanes.examine(named, arguments.disk)
    return plan if disks.kind == plan.disk.kind else make(disks.kind), disks


def resumed_plan(fields: dict, threads: int | None, memory_bytes: int | None):
    """The plan of an interrupted run, which does not change.

    Raises DoesNotFit when `memory_bytes` is less than it needs, UsageError when another version began it.
    """
    from bigconst.base.constant import Constant
    from bigconst.plans.plan import make_plan

    request = fields["request"]
    if fields["version"] != __version__:
        raise UsageError(f"{fields['directory']} holds a run of bigconst {fields['version']}, this is {__version__}",
                         "resume it with that version, or add --discard")
    plan = make_plan(Constant(request["kind"], request["d"]), request["digits"], request["base"], request["threads"],
                     request["memory_bytes"], workspace_bytes=request["workspace_bytes"], disk=request["disk"],
                     certified=request["certified"])
    if memory_bytes is not None and memory_bytes < plan.peak_memory_bytes:
        raise DoesNotFit(f"the run in {fields['directory']} needs {format_bytes(plan.peak_memory_bytes)} of memory, "
                         f"{format_bytes(memory_bytes)} are allowed", "allow more with --memory")
    return replace(plan, threads=threads or plan.threads)


# -- manifests ------------------------------------------------------------------------

def manifest(arguments: argparse.Namespace, plan: Any, disks: lanes.ScratchDisks | None) -> dict:
    """What the manifest says of a run that begins: enough to make its plan again, and to know the same command."""
    return {
        "run_id": held.new_run_id(),
        "version": __version__,
        "request": {"kind": plan.constant.kind, "d": plan.constant.d, "digits": plan.decimal_digits, "base": plan.base,
                    "threads": plan.threads if disks is None else plan.disk.threads,
                    "memory_bytes": plan.memory_bytes, "workspace_bytes": arguments.workspace,
                    "disk": None if disks is None else plan.disk.kind, "certified": plan.certified,
                    "usd_per_hour": arguments.usd_per_hour},
        "output": _output(arguments, plan),
        "reason": "" if disks is None else disks.reason,
        "lanes": [] if disks is None else absolute(disks.directories),
        "checkpoint": arguments.checkpoint and os.path.abspath(arguments.checkpoint),
        "command": shlex.join(["bigconst", *arguments.argv]),
    }


def absolute(directories: Sequence[str]) -> list[str]:
    """Their paths from the root."""
    return [os.path.abspath(directory) for directory in directories]


def is_test(found: dict) -> bool:
    """Whether a manifest is of a test of a Mersenne number, not of a constant."""
    return "exponent" in found["request"]


def is_same_run(arguments: argparse.Namespace, found: dict) -> bool:
    """Whether a manifest is of the run that is asked for: constant, digits, base, certificate and output."""
    if is_test(found):
        return False
    asked = (arguments.kind, arguments.d, arguments.digits, arguments.base, certified(arguments))
    known = tuple(found["request"][name] for name in ("kind", "d", "digits", "base", "certified"))
    return asked == known and _output(arguments, resumed_plan(found, None, None)) == found["output"]


# -- room -----------------------------------------------------------------------------

def check_room(arguments: argparse.Namespace, plan: Any, disks: lanes.ScratchDisks) -> None:
    """Raise DiskFull or InputOutputError unless scratch, files and copies have room."""
    directory = os.path.dirname(os.path.realpath(text_path(arguments, plan)))
    if arguments.output == "-" or not os.path.isdir(directory):     # opening the file says what is wrong with it
        directory = disks.directories[0]
    lanes.check_room(plan.disk.scratch_bytes, plan.disk.journal_bytes, disks.directories,
                     files_bytes(arguments, plan), directory)
    if arguments.checkpoint is not None:
        lanes.check_copies(plan.checkpoint_bytes, arguments.checkpoint)
