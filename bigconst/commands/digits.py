"""`bigconst digits FILE`: some of the digits of a file."""

import argparse

from bigconst.base.screen import write
from bigconst.base.units import format_count, parse_count
from bigconst.commands.options import argument
from bigconst.commands.reading import add_common, load_for

DEFAULT_COUNT = 100
_BLOCK_DIGITS = 1_000_000
"""digits that are read and printed at once: a whole number of lines"""

_EPILOG = """\
examples:
  bigconst digits phi.txt                          the first hundred digits after the point
  bigconst digits phi.txt --from 1e6 --count 50
  bigconst digits phi.txt --from 999_901 --raw     digits alone, in one line

Position 1 is the first digit after the point.
"""


def add(commands: argparse._SubParsersAction) -> None:
    """Declare the command on an argparse subparsers object."""
    parser = commands.add_parser(
        "digits",
        help="show digits of a file, from any position",
        description="Show digits of FILE; nothing else of it is read.",
        epilog=_EPILOG,
    )
    add_common(parser, "FILE", threads=False)
    parser.add_argument("--from", dest="position", metavar="N", type=argument(parse_count, 1), default=1,
                        help="position of the first one (default 1)")
    parser.add_argument("--count", metavar="N", type=argument(parse_count, 1),
                        help=f"how many (default {DEFAULT_COUNT}, or as many as there are)")
    parser.add_argument("--raw", action="store_true", help="without groups, positions and lines")


def run(arguments: argparse.Namespace) -> int:
    """Print the digits.  Raises UsageError beyond the end of the file, InputOutputError."""
    from bigconst.reading.lines import LINE_DIGITS, digit_line
    from bigconst.reading.source import DigitText

    with DigitText(arguments.file) as text:
        first = arguments.position - 1
        text.check_position(arguments.position)
        count = arguments.count or min(DEFAULT_COUNT, text.digits - first)
        text.check_position(first + count)
        if count > _BLOCK_DIGITS:
            load_for(text)
        for start in range(first, first + count, _BLOCK_DIGITS):
            block = text.digits_at(start, min(_BLOCK_DIGITS, first + count - start))
            if arguments.raw:
                write(block, end="")
                continue
            if start == first:
                write(f"Digits {format_count(first + 1)} to {format_count(first + count)} of "
                      f"{format_count(text.digits)} (base {text.base}):")
            ends = range(LINE_DIGITS, len(block) + LINE_DIGITS, LINE_DIGITS)
            write("\n".join(digit_line(block[end - LINE_DIGITS:end], start + min(end, len(block))) for end in ends))
        if arguments.raw:
            write("")
        text.check_unchanged()
    return 0
