"""`bigconst plot FILE --output PNG`: a picture of digits, or of the run that a report is about."""

import argparse
import json
import os

from bigconst.base.errors import UsageError
from bigconst.base.hardware import default_threads
from bigconst.base.screen import write
from bigconst.commands.picture import check_library
from bigconst.storage.atomicfile import AtomicFile

MAX_REPORT_BYTES = 1 << 26

_EPILOG = """\
examples:
  bigconst plot phi.txt --output phi.png         how often each digit comes, and a walk along the digits
  bigconst plot run.json --output run.png        timeline of the run whose report --json wrote: what it computed,
                                                 read, wrote and waited for

The walk takes one step for each digit, in one of ten directions (sixteen in base 16): 0 is to the right, and the others
follow anticlockwise.  Needs matplotlib: pip install 'bigconst[plot]'
"""


def add(commands: argparse._SubParsersAction) -> None:
    """Declare the command on an argparse subparsers object."""
    parser = commands.add_parser(
        "plot", help="a picture of digits or of a run", epilog=_EPILOG,
        description="Draw the digits of FILE, or the run whose report (--json) it is, into a PNG of 1000 x 700 pixels.")
    parser.add_argument("file", metavar="FILE", help="digits (.txt, .zst or .ycd), or a report in JSON")
    parser.add_argument("--output", metavar="PNG", required=True, help="the picture")
    parser.add_argument("--force", action="store_true", help="replace a picture that exists")


def run(arguments: argparse.Namespace) -> int:
    """Draw the picture and write it.  Raises UsageError, InputOutputError."""
    check_library("plot")
    if arguments.output == "-":
        raise UsageError("a picture needs a file", "name it, like --output phi.png")
    if os.path.realpath(arguments.output) == os.path.realpath(arguments.file):
        raise UsageError("--output is the file itself", "give the picture another name")
    with AtomicFile(arguments.output, force=arguments.force) as file:
        report = _read_report(arguments.file)
        if report is not None:
            from bigconst.commands.plottimeline import timeline_png

            data = timeline_png(report)
        else:
            from bigconst.commands.plotdigits import digits_png

            data = digits_png(arguments.file, default_threads())
        file.write_at(0, data)
        file.commit()
    write(f"{file.path}: {len(data):,} bytes")
    return 0


def _read_report(path: str) -> object | None:
    """The JSON value in a file; None where the file does not begin with "{", as digits never do.

    Raises InputOutputError, UsageError for JSON that is damaged.
    """
    from bigconst.storage.regularfile import open_regular

    with open(open_regular(path)[0], "rb") as file:
        if not file.read(1).startswith(b"{"):
            return None
        text = b"{" + file.read(MAX_REPORT_BYTES)
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        #: As for "this JSON is not a report (…)".
        raise UsageError(f"{path} is JSON that is damaged or cut off", "plot another report") from None
