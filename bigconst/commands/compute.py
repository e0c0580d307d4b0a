"""`bigconst phi` and `bigconst sqrt D`: digits of a square root into a file."""

import argparse
import os
import sys
from collections.abc import Callable
from typing import Any

from bigconst.base.constant import MAX_D
from bigconst.base.errors import UsageError
from bigconst.base.units import format_bytes, parse_count, parse_size
from bigconst.commands.options import (
    MIN_WORKSPACE_BYTES,
    add_background_options,
    add_price_option,
    add_threads_option,
    argument,
)
from bigconst.runs import held, lanes, request
from bigconst.runs.carryout import carry_out, show_report
from bigconst.runs.continuing import continued
from bigconst.runs.places import Places
from bigconst.runs.priority import lower_priority
from bigconst.runs.report import DISK_KINDS
from bigconst.runs.statusline import print_path

_PHI_EPILOG = """\
examples:
  bigconst phi --digits 1e8                      100 million digits into phi.txt
  bigconst phi --digits 1e8 --base 16            the same precision in hexadecimal, into phi.hex.txt
  bigconst phi --digits 1e9 --output phi.txt.zst compressed: 0.43 byte a digit
  bigconst phi --digits 1000 --output -          digits on the screen
  bigconst phi --digits 2e9 --plan               memory and transforms, without computing
  bigconst phi --digits 2e12 --swap /mnt         with a scratch directory for what memory does not hold
  bigconst phi --digits 2e12 --swap /mnt --checkpoint /data
                                                 with copies of finished levels on a disk that is safer
"""
_SQRT_EPILOG = """\
examples:
  bigconst sqrt 2 --digits 1e8                   100 million digits into sqrt2.txt
  bigconst sqrt 3 --digits 1M --output root.txt --json root.json
"""


def add(commands) -> None:
    """Declare both commands on an argparse subparsers object."""
    phi = commands.add_parser(
        "phi",
        help="digits of the golden ratio",
        description="Compute the golden ratio (1 + sqrt 5)/2 = 1.618... to N digits after the point.",
        epilog=_PHI_EPILOG,
    )
    phi.set_defaults(kind="phi", d=5)
    sqrt = commands.add_parser(
        "sqrt",
        help="digits of the square root of an integer",
        description="Compute the square root of the integer D to N digits after the point.",
        epilog=_SQRT_EPILOG,
    )
    sqrt.add_argument("d", metavar="D", type=argument(parse_count, 1, MAX_D), help="integer, 1 <= D < 2^31")
    sqrt.set_defaults(kind="sqrt")
    for parser in (phi, sqrt):
        _add_options(parser)
        parser.set_defaults(run=run)


def _add_options(parser: argparse.ArgumentParser) -> None:
    digits = "decimal digits after the point: 100000000, 1e8, 100_000_000 or 100M"
    base = "16 writes as many hexadecimal digits as N decimal ones are worth (default 10)"
    memory = "most memory to use, like 512MiB or 8GB (default: 75 %% of what is available)"
    workspace = "most memory for the working arrays alone, from 1MiB: what it does not hold goes to the disk"
    swap = "scratch directory for what memory does not hold; repeat it for more disks (default: swap/, if it is there)"
    checkpoint = "directory on another disk for copies of finished levels, from which a run goes on without its scratch"
    disk = "kind of the scratch disks (default: ask the system; --plan assumes hdd)"
    output = "default phi.txt, sqrt2.txt, ... (.hex.txt in base 16); .zst compresses it; - is standard output"
    parser.add_argument("--digits", metavar="N", required=True, type=argument(parse_count, 1), help=digits)
    parser.add_argument("--base", type=int, choices=(10, 16), default=10, help=base)
    add_threads_option(parser)
    parser.add_argument("--memory", metavar="SIZE", type=argument(parse_size, 1), help=memory)
    workspace_size = argument(parse_size, MIN_WORKSPACE_BYTES, show=format_bytes)
    parser.add_argument("--workspace", metavar="SIZE", type=workspace_size, help=workspace)
    parser.add_argument("--swap", metavar="DIR", action="append", help=swap)
    parser.add_argument("--disk", choices=tuple(DISK_KINDS), help=disk)
    parser.add_argument("--checkpoint", metavar="DIR", help=checkpoint)
    parser.add_argument("--discard", action="store_true", help="remove an interrupted run from these directories")
    parser.add_argument("--output", metavar="FILE", help=output)
    parser.add_argument("--force", action="store_true", help="replace files that exist")
    parser.add_argument("--no-certificate", action="store_true", help="do not write FILE.cert, the proof of the digits")
    parser.add_argument("--json", metavar="FILE", help="write the report as JSON, too")
    add_price_option(parser)
    add_background_options(parser)
    parser.add_argument("--plan", action="store_true", help="print what would be done and stop")


def run(arguments: argparse.Namespace) -> int:
    """Plan, compute, write, report.  Raises the errors of bigconst.base.errors."""
    if arguments.nice:
        lower_priority()
    if arguments.plan:
        _print_plan(arguments)
    else:
        show_report(compute(arguments), arguments)
    return 0


def compute(arguments: argparse.Namespace, listener: Callable[[Any], None] | None = None) -> dict:
    """Plan, compute and write; the report.  `listener` hears the events in place of the screen."""
    import bigconst.plans.plan  # noqa: F401

    named = lanes.directories(arguments.swap)
    note = lanes.check_checkpoint(arguments.checkpoint, named) if arguments.checkpoint is not None else None
    if arguments.discard:
        held.discard([*named, *_checkpoint(arguments)])
    found, copy = held.interrupted(named), held.interrupted(_checkpoint(arguments))
    going_on = _going_on(arguments, found, copy)
    if going_on is not None:
        return carry_out(arguments, *continued(arguments, going_on, named if arguments.swap else None), listener)
    plan, disks = request.new_plan(arguments, named)
    fields = request.manifest(arguments, plan, disks)
    depot = fields["checkpoint"]
    if disks is not None:
        if found is not None:
            raise _held(found)
        request.check_room(arguments, plan, disks)
    elif depot is None and named and found is None and os.path.isdir(named[0]):
        depot = os.path.abspath(named[0])
    outside = arguments.checkpoint is not None
    places = Places(fields, disks, depot, outside, note=note if disks is not None else None)
    return carry_out(arguments, plan, places, listener)


def _checkpoint(arguments: argparse.Namespace) -> list[str]:
    return [] if arguments.checkpoint is None else [arguments.checkpoint]


def _going_on(arguments: argparse.Namespace, found: dict | None, copy: dict | None) -> dict | None:
    """Which manifest this command goes on from: that of the scratch, or that of the checkpoint where it is gone.

    Raises UsageError where a directory is taken by a run that this one would destroy.
    """
    same = found is not None and request.is_same_run(arguments, found)
    if copy is None:
        return found if same else None
    if not request.is_same_run(arguments, copy):
        raise _held(copy)
    if found is None:
        return copy
    if not same or found.get("run_id") != copy.get("run_id"):
        raise _held(found)
    return found


def _held(found: dict) -> UsageError:
    return UsageError(f"{found['directory']} holds the interrupted run `{found['command']}`",
                      f"resume it with `bigconst resume {found['directory']}`, or add --discard")


def _print_plan(arguments: argparse.Namespace) -> None:
    """Touches no disk: directories need not be there, and hard disks are assumed."""
    if arguments.json:
        raise UsageError("--plan writes no report", "leave out --json")
    if arguments.events is not None:
        raise UsageError("--plan has no events", "leave out --events")
    named = lanes.directories(arguments.swap)
    plan = request.planner(arguments)(arguments.disk or lanes.DEFAULT_KIND)
    rows = plan.describe()
    if request.is_zst(arguments, plan):
        rows.append(("Compressed digit file", format_bytes(request.digit_file_bytes(arguments, plan))))
    if plan.disk is not None:
        rows.append(("Scratch directories", ", ".join(named) or "none yet, name them with --swap DIR"))
        if arguments.output != "-":
            files = format_bytes(request.files_bytes(arguments, plan))
            rows.append(("Room for files", f"{files} on their own file system, or beside the scratch"))
    print_path("".join(f"{name + ':':<24}{value}\n" for name, value in rows), sys.stdout)
