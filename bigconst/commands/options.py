"""Options that several commands have."""

import argparse
from collections.abc import Callable
from typing import TypeVar

from bigconst.base.constant import Constant
from bigconst.base.errors import UsageError
from bigconst.base.hardware import MAX_THREADS
from bigconst.base.units import parse_count, parse_price
from bigconst.constants.entry import Entry

Number = TypeVar("Number", int, float)


def argument(parse: Callable[[str], Number], low: int, high: int | None = None,
             show: Callable[[int], str] = str) -> Callable[[str], Number]:
    """An argparse type that shows the error message of `parse`, and checks low <= value <= high, printed by `show`."""

    def convert(text: str) -> Number:
        try:
            value = parse(text)
        except UsageError as error:
            #: The option's value is wrong in the way the rest of the message says; look for that below.
            raise argparse.ArgumentTypeError(str(error)) from None
        if value < low or (high is not None and value > high):
            wanted = f"at least {show(low)}" if high is None else f"from {show(low)} to {show(high)}"
            #: The message says from where to where values go.
            raise argparse.ArgumentTypeError(f"{text!r} is out of range; it must be {wanted}")
        return value

    return convert


def add_constant(parser: argparse.ArgumentParser, entry: Entry) -> None:
    """What stands behind the word of a constant, and its formulas; `constant_of` makes it of the parsed arguments."""
    parser.set_defaults(entry=entry, operands=(), formula=None)
    if entry.operand is not None:
        parser.add_argument("operands", metavar=entry.operand.metavar, nargs=1, help=entry.operand.text)
    if entry.formulas:
        parser.add_argument("--formula", choices=entry.formulas,
                            help="which formula to use, see bigconst constants (default: the fastest)")


def constant_of(arguments: argparse.Namespace) -> Constant:
    """The constant of a parser to which `add_constant` has added what it takes."""
    return arguments.entry.constant(arguments.operands, arguments.formula)


def add_threads_option(parser: argparse.ArgumentParser) -> None:
    """--threads, None for all processors."""
    parser.add_argument("--threads", metavar="N", type=argument(parse_count, 1, MAX_THREADS),
                        help="number of threads (default: all processors it may use)")


def add_price_option(parser: argparse.ArgumentParser, remembered: str = "") -> None:
    """--usd-per-hour; `remembered` is what its help adds about a resumed run."""
    parser.add_argument("--usd-per-hour", metavar="X", type=argument(parse_price, 0),
                        help=f"price of this machine, like 1.38: dollars go into the report{remembered}")


def add_background_options(parser: argparse.ArgumentParser) -> None:
    """--events and --nice."""
    parser.add_argument("--events", metavar="FILE",
                        help="append what happens to FILE, one JSON object a line (docs/events.md)")
    parser.add_argument("--nice", action="store_true", help="lowest priority: leave processors and disks to others")


