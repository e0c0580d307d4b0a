"""`bigconst phi`, `bigconst sqrt D` and the other constants: digits into a file."""

from __future__ import annotations

import argparse
import os
import shlex
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from bigconst.base.errors import UsageError
from bigconst.base.hardware import DISK_KINDS
from bigconst.base.screen import note, result, write
from bigconst.base.units import format_bytes, parse_count, parse_size
from bigconst.commands.options import (
    add_background_options,
    add_constant,
    add_price_option,
    add_threads_option,
    argument,
    constant_of,
)
from bigconst.constants.registry import CONSTANTS
from bigconst.plans import diskplan

if TYPE_CHECKING:
    from bigconst.runs.request import RunRequest


def add(commands: argparse._SubParsersAction) -> None:
    """Declare a command for each entry on an argparse subparsers object."""
    for entry in CONSTANTS.values():
        parser = commands.add_parser(entry.word, help=entry.help, description=entry.description,
                                     epilog=f"examples:\n{entry.examples}")
        add_constant(parser, entry)
        _add_options(parser)
        parser.set_defaults(verify=False)
        if entry.is_verified_twice:
            parser.add_argument("--verify", action="store_true", help="compute the digits once more by the other "
                                f"formula, into FILE{SECOND_SUFFIX}, and compare")


SECOND_SUFFIX = ".second"
"""What the name of the file of --verify ends in."""


def _add_options(parser: argparse.ArgumentParser) -> None:
    digits = "decimal digits after the point: 100000000, 1e8, 100_000_000 or 100M"
    base = "16 writes ceil(N log 10/log 16) hexadecimal digits, worth N decimal ones (default: 10)"
    memory = "most memory to use, like 512MiB, 8GiB or 8GB (default: 75 %% of what is available)"
    workspace = ("most memory for the working arrays alone, from 1MiB; what it does not hold goes to the disk "
                 "(default: as --memory allows)")
    swap = "scratch directory for what memory does not hold; repeat it for more disks (default: swap, if it is there)"
    checkpoint = "directory on another disk for copies of finished levels, from which a run goes on without its scratch"
    disk = "kind of the scratch disks (default: ask the system; --plan assumes hdd)"
    output = ("file for the digits; .zst or .ycd compresses them, - is standard output "
              "(default: phi.txt, sqrt2.txt, and so on; .hex.txt in base 16)")
    block = "digits of each file of a set of .ycd, `phi - 0.ycd`, `phi - 1.ycd` and so on (default: one file)"
    parser.add_argument("--digits", metavar="N", required=True, type=argument(parse_count, 1), help=digits)
    parser.add_argument("--base", type=int, choices=(10, 16), default=10, help=base)
    add_threads_option(parser)
    parser.add_argument("--memory", metavar="SIZE", type=argument(parse_size, 1), help=memory)
    parser.add_argument("--workspace", metavar="SIZE", type=workspace_bytes, help=workspace)
    parser.add_argument("--swap", metavar="DIR", action="append", help=swap)
    parser.add_argument("--disk", choices=tuple(DISK_KINDS), help=disk)
    parser.add_argument("--checkpoint", metavar="DIR", help=checkpoint)
    parser.add_argument("--discard", action="store_true",
                        help="remove the interrupted run that these directories hold, and begin (default: refuse)")
    parser.add_argument("--output", metavar="FILE", help=output)
    parser.add_argument("--block-digits", metavar="N", type=argument(parse_count, 1), help=block)
    parser.add_argument("--force", action="store_true", help="replace files that exist (default: refuse)")
    parser.add_argument("--no-certificate", action="store_true",
                        help="do not write FILE.cert, the proof of the digits (default: write it)")
    parser.add_argument("--json", metavar="FILE", help="write the report into FILE as JSON, too")
    add_price_option(parser)
    add_background_options(parser)
    parser.add_argument("--plan", action="store_true", help="print what would be done and stop")


def workspace_bytes(text: str) -> int:
    """The value of --workspace."""
    return argument(parse_size, diskplan.MIN_WORKSPACE_BYTES, show=format_bytes)(text)


def run(arguments: argparse.Namespace) -> int:
    """Compute and write the digits and print the report.  Raises the errors of bigconst.base.errors."""
    from bigconst.runs.compute import compute
    from bigconst.runs.priority import lower_priority
    from bigconst.runs.start import start

    if arguments.nice:
        lower_priority()
    request = _request(arguments)
    if arguments.verify and request.to_stdout:
        #: `--verify` compares two files. Name one with `--output`.
        raise UsageError("--verify needs a file to compare", "name one with --output FILE")
    if arguments.plan:
        print_plan(request)
        return 0
    show = partial(show_report, to_stderr=request.to_stdout)
    compute(start(request), show=show)
    if arguments.verify:
        _compute_again(arguments, request, show)
    return 0


def _compute_again(arguments: argparse.Namespace, request: RunRequest, show: Callable) -> None:
    """Compute the digits by another formula, too.  Raises VerificationError where they differ; both files stay then."""
    from bigconst.base.hardware import default_threads
    from bigconst.commands.compare import compared
    from bigconst.runs.compute import compute
    from bigconst.runs.start import start

    first, other = arguments.entry.formulas
    if arguments.formula == other:
        other = first
    second = request.output_path + SECOND_SUFFIX
    compute(start(replace(request, constant=arguments.entry.constant(arguments.operands, other), output=second,
                          force=True, report=None, block_digits=None, started_s=time.perf_counter())), show=show)
    same = compared(request.first_path, second, request.threads or default_threads())
    result(f"{request.text_path}: {same} by {other}")
    os.unlink(second)


def _request(arguments: argparse.Namespace) -> RunRequest:
    from bigconst.runs.request import RunRequest

    return RunRequest(
        constant_of(arguments), arguments.digits, arguments.base, arguments.threads, arguments.memory,
        arguments.workspace, tuple(arguments.swap or ()), arguments.disk, arguments.checkpoint, arguments.discard,
        arguments.output, arguments.force, not arguments.no_certificate, arguments.json, arguments.events,
        arguments.usd_per_hour, command_line(arguments), arguments.started_s,
        block_digits=arguments.block_digits)


def command_line(arguments: argparse.Namespace) -> str:
    """The command as a shell takes it."""
    return shlex.join(["bigconst", *arguments.argv])


def show_report(report: dict, to_stderr: bool) -> None:
    """Print the report: on stdout, or on stderr where the digits are on stdout."""
    from bigconst.runs.report import format_report
    (note if to_stderr else result)(format_report(report).rstrip("\n"))


def print_plan(request: RunRequest) -> None:
    """Print the plan.  It touches no disk: directories need not exist, and their disks are taken for hard disks."""
    from bigconst.runs import lanes
    from bigconst.runs.start import plan_without_disks

    if request.report:
        #: Reports and events are about a run that takes place. Leave out `--json` and `--events`; the plan is on
        #: standard output.
        raise UsageError("--plan writes no report", "leave out --json")
    if request.events is not None:
        #: As for "--plan writes no report".
        raise UsageError("--plan has no events", "leave out --events")
    plan = plan_without_disks(request)
    rows = plan.describe()
    if request.is_zst or request.is_ycd:
        rows.append(("Compressed digit file", format_bytes(request.digit_file_bytes(plan))))
    if plan.disk is not None:
        named = lanes.directories(request.swap)
        rows.append(("Scratch directories", ", ".join(named) or "none yet, name them with --swap DIR"))
        if not request.to_stdout:
            files = format_bytes(request.files_bytes(plan))
            rows.append(("Room for files", f"{files} on their own file system, or beside the scratch"))
    write("".join(f"{name + ':':<24}{value}\n" for name, value in rows), end="")
