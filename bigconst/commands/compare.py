"""`bigconst compare A B`: where two digit files differ first."""

import argparse

from bigconst.base.errors import VerificationError
from bigconst.base.hardware import default_threads
from bigconst.base.screen import write
from bigconst.base.units import format_count
from bigconst.commands.reading import PassLine, add_common, load_for

_EPILOG = """\
examples:
  bigconst compare phi.txt other.txt
  bigconst compare phi.txt phi.txt.zst               text and compressed
  bigconst compare phi.txt "phi - 0.ycd"             text and a set of .ycd
  bigconst compare short.txt phi.txt --prefix        one may have more digits

Exit code 0: the same digits; 1: not the same.  Position 1 is the first digit after the point.
"""


def add(commands: argparse._SubParsersAction) -> None:
    """Declare the command on an argparse subparsers object."""
    parser = commands.add_parser(
        "compare",
        help="the first difference of two digit files",
        description="Compare the digits of A and B, and show the first one that differs.",
        epilog=_EPILOG,
    )
    add_common(parser, "A", "B")
    parser.add_argument("--prefix", action="store_true", help="the same when one begins with all digits of the other")


def run(arguments: argparse.Namespace) -> int:
    """Compare two files.  Raises VerificationError when they differ, InputOutputError."""
    write(compared(arguments.a, arguments.b, arguments.threads or default_threads(), arguments.prefix))
    return 0


def compared(path: str, other: str, threads: int, prefix: bool = False) -> str:
    """A line about files that agree.  Raises what `run` raises."""
    from bigconst.reading.difference import first_difference
    from bigconst.reading.lines import surroundings
    from bigconst.reading.source import DigitText

    with DigitText(path) as a, DigitText(other) as b:
        if a.whole != b.whole:
            raise VerificationError(f"integer parts differ: {a.whole} in {a.path}, {b.whole} in {b.path}",
                                    "these are different numbers")
        load_for(a, b)
        with PassLine(min(a.digits, b.digits)) as done:
            found = first_difference(a, b, threads, done)
        if found is not None:
            width = max(len(a.path), len(b.path))
            write("\n".join([f"{text.path:<{width}}  {surroundings(text, found, 1)}" for text in (a, b)]))
            #: One of the files is wrong: `bigconst verify` says which. Before that position they agree.
            raise VerificationError(f"{a.path} and {b.path} differ at position {format_count(found + 1)}",
                                    "bigconst verify says which one is right")
        if a.digits == b.digits:
            return f"the same {format_count(a.digits)} digits"
        short, long = sorted((a, b), key=lambda text: text.digits)
        lengths = (f"{short.path} ends after {format_count(short.digits)} digits, {long.path} begins with them and has "
                   f"{format_count(long.digits)}")
        if not prefix:
            raise VerificationError(lengths, "--prefix takes that as the same")
        return lengths
