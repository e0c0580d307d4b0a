"""`bigconst certify FILE --constant C`: a certificate for digits that another program computed."""

import argparse
import os

from bigconst.base.screen import result
from bigconst.base.units import format_bytes, format_count, format_seconds
from bigconst.commands.options import add_threads_option
from bigconst.constants.registry import parse

_EPILOG = """\
examples:
  bigconst certify "Phi - Dec - Phi.txt" --constant phi
  bigconst certify root.txt --constant "sqrt 2" --base 16
  bigconst certify book.txt --constant phi --lenient       digits in lines and groups
  bigconst certify mine.txt --constant phi --locate        if they are wrong, from where on
"""


def add(commands: argparse._SubParsersAction) -> None:
    """Declare the command on an argparse subparsers object."""
    parser = commands.add_parser(
        "certify",
        help="make a certificate for a digit file from elsewhere",
        description="Check a digit file with one squaring and write its certificate, or say that it is wrong.\n"
                    "Integer part, point and a newline at the end may be missing; without a point, a file that\n"
                    "begins with the integer part is taken to hold it.  Works in memory.",
        epilog=_EPILOG,
    )
    parser.add_argument("file", metavar="FILE", help="digits as text")
    parser.add_argument("--constant", metavar="C", required=True, help='phi or "sqrt 2"')
    parser.add_argument("--base", type=int, choices=(10, 16), default=10, help="of the digits (default 10)")
    parser.add_argument("--lenient", action="store_true", help="skip spaces, tabs, line breaks and a byte order mark, "
                        "and take hexadecimal digits in upper case")
    parser.add_argument("--locate", action="store_true", help="if the digits are wrong, compute them and compare")
    add_threads_option(parser)
    parser.add_argument("--force", action="store_true", help="replace a certificate that exists")


def run(arguments: argparse.Namespace) -> int:
    """Certify the digits.  Raises VerificationError where they are wrong, UsageError, InputOutputError."""
    from bigconst.runs.certify import CertifyRequest, certify

    constant = parse(arguments.constant)
    path, rebuilt = certify(CertifyRequest(arguments.file, constant, arguments.base, arguments.lenient,
                                           arguments.threads, arguments.force, arguments.locate))
    size = format_bytes(os.path.getsize(path))
    result(f"{arguments.file}: {format_count(rebuilt.digits)} digits of {constant.title} are right\n"
           f"{path}: {size} ({format_seconds(rebuilt.seconds)})")
    return 0
