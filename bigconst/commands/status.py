"""`bigconst status DIR`: how far a run is."""

import argparse
import contextlib
import json

from bigconst.base.errors import InputOutputError
from bigconst.base.units import format_bytes, format_count, format_seconds
from bigconst.commands.resume import find
from bigconst.runs import held, request
from bigconst.runs.statusfile import read_status
from bigconst.runs.workdone import remaining_s

_EPILOG = """\
examples:
  bigconst status swap
  bigconst status swap --short                   one line, for a status bar
"""


def add(commands) -> None:
    """Declare the command on an argparse subparsers object."""
    parser = commands.add_parser(
        "status", help="how far a run is", epilog=_EPILOG,
        description="Say how far the run of a directory is, from any terminal, without disturbing it.")
    parser.add_argument("directory", metavar="DIR", help="a scratch or --checkpoint directory of the run")
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--short", action="store_true", help="one line of less than 60 characters")
    form.add_argument("--json", action="store_true", help="all of it as JSON")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Raises the errors of bigconst.base.errors."""
    from bigconst.storage.lock import is_locked

    found = _with_scratch(find(arguments.directory))
    counts = found.get("fault_counts", {})
    stage = "in memory" if not found["lanes"] else "the scratch is not there" if found.get("copy") else "starting"
    fields = {"stage": stage, "index": 0, "count": 0, "faults": sum(counts.values()), "share": 0.0,
              "elapsed_s": 0.0, "moved_bytes": 0, "bytes_per_s": 0.0}
    fields |= read_status(found["directory"])
    fields |= _subject(found)
    left_s = remaining_s(fields["share"], fields["elapsed_s"])
    fields |= {"running": is_locked(found["directory"]), "remaining_s": left_s,
               "fault_counts": counts, "saved": found.get("saved"), "command": found["command"]}
    if arguments.json:
        print(json.dumps(fields, indent=2))
    elif arguments.short:
        print(_short(fields))
    else:
        print(_long(fields), end="")
    return 0


def _subject(found: dict) -> dict:
    """What is computed; "constant" is short."""
    if request.is_test(found):
        asked = found["request"]
        return {"constant": f"M{asked['exponent']}", "kind": asked["kind"], "iterations": asked["iterations"]}
    plan = request.resumed_plan(found, None, None)
    return {"constant": plan.constant.name, "title": plan.constant.title, "digits": plan.digits, "base": plan.base}


def _with_scratch(found: dict) -> dict:
    """The manifest in the scratch where that of a checkpoint directory was found: the scratch knows more."""
    if found.get("copy"):
        with contextlib.suppress(InputOutputError):
            scratch = held.interrupted(found["lanes"])
            if scratch is not None and scratch.get("run_id") == found["run_id"]:
                return scratch | {"saved": found.get("saved")}
    return found


def _short(fields: dict) -> str:
    left = fields["remaining_s"]
    what = f"{format_seconds(left)} left" if left is not None else "starting"
    if not fields["running"]:
        what = "stopped"
    faults = f" {fields['faults']} faults" if fields["faults"] else ""
    return f"{fields['constant']} {100 * fields['share']:.1f}% {what}{faults}"[:59]


def _long(fields: dict) -> str:
    left = fields["remaining_s"]
    rows = [
        ("Run", fields["command"]),
        ("State", "running" if fields["running"] else "stopped, `bigconst resume` goes on"),
        *_subject_rows(fields),
        ("Stage", f"{fields['index']} of {fields['count']}: {fields['stage']}" if fields["count"] else fields["stage"]),
        ("Done", f"{100 * fields['share']:.1f} %"),
        ("Elapsed", format_seconds(fields["elapsed_s"])),
        ("Remaining", "unknown" if left is None else f"about {format_seconds(left)}"),
        ("Scratch traffic", f"{format_bytes(fields['moved_bytes'])}, {format_bytes(fields['bytes_per_s'])}/s"),
        ("Faults repaired", str(fields["faults"])),
    ]
    if fields["saved"] is not None:
        rows.append(("Last level saved", f"{fields['saved']['name']}, {fields['saved']['time']}"))
    return "".join(f"{name + ':':<24}{value}\n" for name, value in rows)


def _subject_rows(fields: dict) -> list[tuple[str, str]]:
    if "kind" in fields:
        return [("Number", fields["constant"]), ("Test", f"{fields['kind']}, {format_count(fields['iterations'])} "
                                                         "iterations")]
    return [("Constant", fields["title"]), ("Digits", f"{format_count(fields['digits'])} in base {fields['base']}")]
