"""`bigconst resume DIR` goes on with an interrupted run; `bigconst status DIR` says how far one is."""

import argparse
import contextlib
import fcntl
import json
import os

from bigconst.commands import compute, scratch
from bigconst.commands.compute import MAX_THREADS, argument
from bigconst.errors import UsageError
from bigconst.units import format_bytes, format_count, format_seconds, parse_count, parse_size

_RESUME_EPILOG = """\
examples:
  bigconst resume /mnt/a                         any scratch directory of the run
  bigconst resume /mnt/x --swap /mnt/x --swap /mnt/y --output /data/phi.txt
                                                 after the disks were mounted elsewhere
"""
_STATUS_EPILOG = """\
examples:
  bigconst status swap
  bigconst status swap --short                   one line, for a status bar
"""


def add(commands) -> None:
    """Declare both commands on an argparse subparsers object."""
    common = {"formatter_class": argparse.RawDescriptionHelpFormatter, "allow_abbrev": False}
    resume = commands.add_parser(
        "resume", help="go on with an interrupted run", epilog=_RESUME_EPILOG, **common,
        description="Go on with the run that a scratch directory holds, from the last unit that was finished.")
    resume.add_argument("directory", metavar="DIR", help="a scratch directory of the run")
    resume.add_argument("--swap", metavar="DIR", action="append",
                        help="all its scratch directories in their order, where they have moved")
    resume.add_argument("--threads", metavar="N", type=argument(parse_count, 1, MAX_THREADS), help="default: as before")
    resume.add_argument("--memory", metavar="SIZE", type=argument(parse_size, 1), help="must hold what the plan needs")
    resume.add_argument("--output", metavar="FILE", help="default: as before")
    resume.add_argument("--force", action="store_true", help="replace files that exist")
    resume.add_argument("--json", metavar="FILE", help="write the report as JSON, too")
    resume.add_argument("--debug", action="store_true", help="show the traceback of an error")
    resume.set_defaults(run=run_resume)
    status = commands.add_parser(
        "status", help="how far a run is", epilog=_STATUS_EPILOG, **common,
        description="Say how far the run of a scratch directory is, from any terminal, without disturbing it.")
    status.add_argument("directory", metavar="DIR", help="a scratch directory of the run")
    form = status.add_mutually_exclusive_group()
    form.add_argument("--short", action="store_true", help="one line of less than 60 characters")
    form.add_argument("--json", action="store_true", help="all of it as JSON")
    status.add_argument("--debug", action="store_true", help="show the traceback of an error")
    status.set_defaults(run=run_status)


def _find(directory: str, lanes: list[str] | None = None) -> dict:
    found = scratch.interrupted([*(lanes or []), directory])
    if found is None:
        raise UsageError(f"{directory} holds no run", "begin one with bigconst phi --swap DIR")
    return found


def run_resume(arguments: argparse.Namespace) -> int:
    """Raises the errors of bigconst.errors."""
    found = _find(arguments.directory, arguments.swap)
    if arguments.swap:
        if len(arguments.swap) != len(found["lanes"]):
            raise UsageError(f"the run has {len(found['lanes'])} scratch directories, {len(arguments.swap)} are named",
                             "name all of them, in the order of the first command")
        found["lanes"] = [os.path.abspath(directory) for directory in arguments.swap]
    elif found["directory"] != found["lanes"][0]:
        if len(found["lanes"]) > 1:
            raise UsageError(f"{found['directory']} has moved from {found['lanes'][0]}",
                             "name all scratch directories with --swap, in the order of the first command")
        found["lanes"] = [found["directory"]]
    arguments.output = arguments.output or found["output"]
    arguments.no_certificate = not found["request"]["certified"]
    plan, disks = compute.resumed_plan(found, arguments.threads, arguments.memory)
    return compute.carry_out(arguments, plan, disks, found)


def run_status(arguments: argparse.Namespace) -> int:
    """Raises the errors of bigconst.errors."""
    found = _find(arguments.directory)
    fields = {"stage": "starting", "index": 0, "count": 0, "faults": 0, "share": 0.0, "elapsed_s": 0.0,
              "moved_bytes": 0, "bytes_per_s": 0.0}
    with contextlib.suppress(OSError, ValueError), open(os.path.join(found["directory"], scratch.STATUS_NAME)) as file:
        fields |= json.load(file)
    plan, _ = compute.resumed_plan(found, None, None)
    fields |= {"constant": plan.constant.name, "digits": plan.digits, "base": plan.base,
               "running": _is_running(found["directory"]), "remaining_s": _remaining_s(fields),
               "command": found["command"]}
    if arguments.json:
        print(json.dumps(fields, indent=2))
    elif arguments.short:
        print(_short(fields))
    else:
        print(_long(fields, plan), end="")
    return 0


def _remaining_s(fields: dict) -> float | None:
    share = fields["share"]
    return fields["elapsed_s"] * (1 - share) / share if share > 0 else None


def _short(fields: dict) -> str:
    left = fields["remaining_s"]
    what = f"{format_seconds(left)} left" if left is not None else "starting"
    if not fields["running"]:
        what = "stopped"
    faults = f" {fields['faults']} faults" if fields["faults"] else ""
    return f"{fields['constant']} {100 * fields['share']:.1f}% {what}{faults}"[:59]


def _long(fields: dict, plan) -> str:
    left = fields["remaining_s"]
    rows = [
        ("Run", fields["command"]),
        ("State", "running" if fields["running"] else "stopped, `bigconst resume` goes on"),
        ("Constant", plan.constant.title),
        ("Digits", f"{format_count(plan.digits)} in base {plan.base}"),
        ("Stage", f"{fields['index']} of {fields['count']}: {fields['stage']}"),
        ("Done", f"{100 * fields['share']:.1f} %"),
        ("Elapsed", format_seconds(fields["elapsed_s"])),
        ("Remaining", "unknown" if left is None else f"about {format_seconds(left)}"),
        ("Scratch traffic", f"{format_bytes(fields['moved_bytes'])}, {format_bytes(fields['bytes_per_s'])}/s"),
        ("Faults repaired", str(fields["faults"])),
    ]
    return "".join(f"{name + ':':<24}{value}\n" for name, value in rows)


def _is_running(directory: str) -> bool:
    """Whether a process holds the lock of the directory."""
    from bigconst.storage.lane import LOCK_NAME

    with contextlib.suppress(FileNotFoundError), open(os.path.join(directory, LOCK_NAME)) as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False
