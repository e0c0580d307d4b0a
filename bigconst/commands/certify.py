"""`bigconst certify FILE --constant C`: a certificate for digits that another program computed."""

import argparse
import os

from bigconst.base.hardware import DISK_KINDS
from bigconst.base.screen import result
from bigconst.base.units import format_bytes, format_count, format_seconds, parse_size
from bigconst.commands.compute import command_line, print_plan, workspace_bytes
from bigconst.commands.options import add_threads_option, argument
from bigconst.constants.registry import parse

_EPILOG = """\
examples:
  bigconst certify "Phi - Dec - Phi.txt" --constant phi
  bigconst certify root.txt --constant "sqrt 2" --base 16
  bigconst certify book.txt --constant phi --lenient       digits in lines and groups
  bigconst certify mine.txt --constant phi --locate        if they are wrong, from where on
  bigconst certify long.txt --constant phi --swap /mnt     for more digits than memory holds
"""


def add(commands: argparse._SubParsersAction) -> None:
    """Declare the command on an argparse subparsers object."""
    parser = commands.add_parser(
        "certify",
        help="make a certificate for a digit file from elsewhere",
        description="Check a digit file with one squaring and write its certificate, or say that it is wrong.\n"
                    "Integer part, point and a newline at the end may be missing; without a point, a file that\n"
                    "begins with the integer part is taken to hold it.  What memory does not hold goes to scratch\n"
                    "disks, and can be resumed.",
        epilog=_EPILOG,
    )
    parser.add_argument("file", metavar="FILE", help="digits: text, .zst or .ycd (the first file of a set)")
    parser.add_argument("--constant", metavar="C", required=True, help='phi or "sqrt 2"')
    parser.add_argument("--base", type=int, choices=(10, 16), default=10, help="of the digits (default 10)")
    parser.add_argument("--lenient", action="store_true", help="skip spaces, tabs, line breaks and a byte order mark, "
                        "and take hexadecimal digits in upper case")
    parser.add_argument("--locate", action="store_true",
                        help="if the digits are wrong, compute them in memory and compare")
    add_threads_option(parser)
    parser.add_argument("--memory", metavar="SIZE", type=argument(parse_size, 1),
                        help="most memory to use, like 512MiB, 8GiB or 8GB (default: 75 %% of what is available)")
    parser.add_argument("--workspace", metavar="SIZE", type=workspace_bytes,
                        help="most memory for the working arrays alone, from 1MiB (default: as --memory allows)")
    parser.add_argument("--swap", metavar="DIR", action="append",
                        help="scratch directory for what memory does not hold; repeat it for more disks")
    parser.add_argument("--disk", choices=tuple(DISK_KINDS),
                        help="kind of the scratch disks (default: ask the system; --plan assumes hdd)")
    parser.add_argument("--discard", action="store_true",
                        help="remove the interrupted run that these directories hold, and begin (default: refuse)")
    parser.add_argument("--force", action="store_true", help="replace a certificate that exists")
    parser.add_argument("--plan", action="store_true", help="print what would be done and stop")


def run(arguments: argparse.Namespace) -> int:
    """Certify the digits.  Raises VerificationError where they are wrong, UsageError, InputOutputError."""
    from bigconst.runs.certify import certify, request_for

    request = request_for(
        parse(arguments.constant), arguments.file, arguments.base, arguments.lenient, threads=arguments.threads,
        memory_bytes=arguments.memory, workspace_bytes=arguments.workspace, swap=tuple(arguments.swap or ()),
        disk=arguments.disk, discard=arguments.discard, force=arguments.force, command=command_line(arguments),
        started_s=arguments.started_s)
    if arguments.plan:
        print_plan(request)
    else:
        show(request, certify(request, arguments.locate))
    return 0


def show(request, certified) -> None:
    """Print what was certified."""
    from bigconst.plans.certificate import certificate_path

    path = certificate_path(request.source)
    result(f"{request.source}: {format_count(certified.digits)} digits of {request.constant.title} are right\n"
           f"{path}: {format_bytes(os.path.getsize(path))} ({format_seconds(certified.seconds)})")
