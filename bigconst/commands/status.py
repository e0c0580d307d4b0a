"""`bigconst status DIR`: how far a run is."""

import argparse
import json

from bigconst.base.screen import write
from bigconst.base.units import format_bytes, format_count, format_seconds

_EPILOG = """\
examples:
  bigconst status swap
  bigconst status swap --short                   one line, for a status bar
  bigconst status queue                          the tests of queue/worktodo.txt, and who works on them
"""


def add(commands: argparse._SubParsersAction) -> None:
    """Declare the command on an argparse subparsers object."""
    parser = commands.add_parser(
        "status", help="how far a run or a queue is", epilog=_EPILOG,
        description="Say how far the run or the queue of a directory is, from any terminal, without disturbing it.")
    parser.add_argument("directory", metavar="DIR",
                        help="a scratch or --checkpoint directory of the run, or the directory of a worktodo.txt")
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--short", action="store_true", help="one line of less than 60 characters")
    form.add_argument("--json", action="store_true", help="all of it as JSON")


def run(arguments: argparse.Namespace) -> int:
    """Print how far the run or the queue is.  Raises the errors of bigconst.base.errors."""
    from bigconst.runs.status import run_status

    fields = run_status(arguments.directory)
    if arguments.json:
        write(json.dumps(fields, indent=2))
    elif arguments.short:
        write((_short_queue if "queue" in fields else _short)(fields))
    else:
        write((_long_queue if "queue" in fields else _long)(fields), end="")
    return 0


def _short(fields: dict) -> str:
    faults = f" {fields['faults']} faults" if fields["faults"] else ""
    return f"{fields['constant']} {100 * fields['share']:.1f}% {_left(fields, 'starting')}{faults}"[:59]


def _short_queue(fields: dict) -> str:
    left = len(fields["tests"])
    what = _left(fields, "ETA unknown") if left else "nothing left"
    return f"queue {fields['finished']}/{fields['finished'] + left} {what}, {fields['tests_running']} running"[:59]


def _left(fields: dict, unknown: str) -> str:
    if not fields["running"]:
        return "stopped"
    left = fields["remaining_s"]
    return unknown if left is None else f"{format_seconds(left)} left"


def _long_queue(fields: dict) -> str:
    left = fields["remaining_s"]
    head = [
        ("Queue", fields["queue"]),
        ("State", f"{fields['tests_running']} running" if fields["running"] else "stopped, `bigconst work` goes on"),
        ("Results", f"{fields['finished']}"),
        ("Tests left", f"{len(fields['tests'])}"),
        ("Remaining", "unknown" if left is None else f"about {format_seconds(left)}"),
    ]
    rows = [("line", "test", "done", "ms/iter", "ends in", "worker")]
    for each in fields["tests"]:
        rate, ends = each["ms_per_iteration"], each["remaining_s"]
        rows.append((str(each["line"]), f"{each['kind']} M{each['exponent']}", f"{100 * each['share']:.2f} %",
                     "" if rate is None else f"{rate:.3f}", "" if ends is None else format_seconds(ends),
                     each["worker"] or each["state"]))
    for each in fields["refused"]:
        rows.append((str(each["line"]), "", "", "", "", each["why"]))
    text = "".join(f"{name + ':':<24}{value}\n" for name, value in head)
    if len(rows) == 1:
        return text
    return text + "\n" + "".join(
        f"{line:>6}  {test:<18}{done:>9}{rate:>11}{ends:>16}  {worker}".rstrip() + "\n"
        for line, test, done, rate, ends, worker in rows)


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
