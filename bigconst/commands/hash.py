"""`bigconst hash FILE`: the digit hash and checksums that identify a digit file."""

import argparse

from bigconst.base.hardware import default_threads
from bigconst.base.screen import write
from bigconst.commands.reading import PassLine, add_common
from bigconst.runs.kernels import CHECKING, load

_EPILOG = """\
examples:
  bigconst hash phi.txt
  bigconst hash phi.txt.zst        the same: checksums are of the text
  bigconst hash phi.ycd            the same

The digit hash is floor(x*base^digits) mod 2^61-1, which the report shows, too.
"""


def add(commands: argparse._SubParsersAction) -> None:
    """Declare the command on an argparse subparsers object."""
    parser = commands.add_parser(
        "hash",
        help="digit hash and checksums of a digit file",
        description="Print digit hash, SHA-256 and xxh3-128 of FILE, in one pass.",
        epilog=_EPILOG,
    )
    add_common(parser, "FILE")


def run(arguments: argparse.Namespace) -> int:
    """Print digit hash and checksums.  Raises InputOutputError."""
    from bigconst.reading.source import DigitText

    with DigitText(arguments.file) as text:
        load(CHECKING)
        from bigconst.reading.hashes import hashes

        with PassLine(text.digits) as done:
            found = hashes(text, arguments.threads or default_threads(), done)
    for name, value in (("Digit hash", found.digit_hash), ("SHA-256", found.sha256), ("xxh3-128", found.xxh3)):
        write(f"{name + ':':<24}{value}")
    return 0
