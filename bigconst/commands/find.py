"""`bigconst find FILE PATTERN`: the first position of a pattern of digits."""

import argparse
import re
import sys

from bigconst.base.errors import UsageError, VerificationError
from bigconst.base.hardware import default_threads
from bigconst.base.screen import note, write
from bigconst.base.units import format_count, parse_count
from bigconst.commands.options import argument
from bigconst.commands.reading import PassLine, add_common
from bigconst.runs.kernels import READING, load

MAX_PATTERN = 10**6
"""digits of the longest pattern"""

_EPILOG = """\
examples:
  bigconst find phi.txt 141592                   the position where 141592 begins for the first time
  bigconst find phi.txt 141592 --from 123_457    the next one
  bigconst find phi.txt - < pattern              a long pattern, from standard input

Standard output is the position alone.  Position 1 is the first digit after the point.  Exit code 1: not found.
"""


def add(commands: argparse._SubParsersAction) -> None:
    """Declare the command on an argparse subparsers object."""
    parser = commands.add_parser(
        "find",
        help="the first position of a pattern in a digit file",
        description="Print the position of the first occurrence of PATTERN after the point.",
        epilog=_EPILOG,
    )
    add_common(parser, "FILE")
    parser.add_argument("pattern", metavar="PATTERN", help="up to a million digits; - is standard input")
    parser.add_argument("--from", dest="position", metavar="N", type=argument(parse_count, 1), default=1,
                        help="first position where it may begin (default 1)")


def run(arguments: argparse.Namespace) -> int:
    """Search the pattern.  Raises VerificationError when it does not occur, UsageError, InputOutputError."""
    from bigconst.reading.source import DIGITS, DigitText

    with DigitText(arguments.file) as text:
        text.check_position(arguments.position)
        pattern = _pattern(arguments.pattern, text.base, DIGITS[text.base].decode())
        load(READING)
        from bigconst.reading.lines import surroundings
        from bigconst.reading.search import find

        first = arguments.position - 1
        with PassLine(text.digits - first) as done:
            found = find(text, pattern, first, arguments.threads or default_threads(), done)
        name = pattern if len(pattern) <= 40 else f"{pattern[:20]}.. ({format_count(len(pattern))} digits)"
        if found is None:
            where = f"digits {format_count(first + 1)} to {format_count(text.digits)}" if first else (
                f"the {format_count(text.digits)} digits")
            #: All digits were searched. A pattern of n digits needs about 10^n of them, 16^n in hexadecimal.
            raise VerificationError(f"{name} not found in {where} of {arguments.file}",
                                    "search more digits, or a shorter pattern")
        write(f"{found + 1}")
        note(f"{name} is at position {format_count(found + 1)}: {surroundings(text, found, len(pattern))}")
    return 0


def _pattern(given: str, base: int, characters: str) -> str:
    """The digits to search for.  Raises UsageError unless all of them are digits of the base."""
    pattern = sys.stdin.read(MAX_PATTERN + 2).strip() if given == "-" else given
    pattern = pattern.lower() if base == 16 else pattern
    if not re.fullmatch(f"[{characters}]+", pattern):
        #: A pattern is digits alone, without point and spaces.
        raise UsageError(f"{pattern[:40]!r} is not a pattern of digits of base {base}", f"use {characters} only")
    if len(pattern) > MAX_PATTERN:
        raise UsageError(f"the pattern is longer than {format_count(MAX_PATTERN)} digits", "search a part of it")
    return pattern
