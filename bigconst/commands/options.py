"""Options that several commands have."""

import argparse

from bigconst.base.errors import UsageError
from bigconst.base.hardware import MAX_THREADS
from bigconst.base.units import parse_count, parse_price

MIN_WORKSPACE_BYTES = 1 << 20


def argument(parse, low: int, high: int | None = None, show=str):
    """An argparse type that keeps the sentence of `parse` and checks low <= value <= high, printed by `show`."""

    def convert(text: str) -> int:
        try:
            value = parse(text)
        except UsageError as error:
            raise argparse.ArgumentTypeError(str(error)) from None
        if value < low or (high is not None and value > high):
            wanted = f"at least {show(low)}" if high is None else f"from {show(low)} to {show(high)}"
            raise argparse.ArgumentTypeError(f"{text!r} is out of range; it must be {wanted}")
        return value

    return convert


def add_threads_option(parser: argparse.ArgumentParser) -> None:
    """--threads, None for all processors."""
    parser.add_argument("--threads", metavar="N", type=argument(parse_count, 1, MAX_THREADS),
                        help="default: all processors")


def add_price_option(parser: argparse.ArgumentParser, remembered: str = "") -> None:
    """--usd-per-hour; `remembered` is what its help says of a run that goes on."""
    parser.add_argument("--usd-per-hour", metavar="X", type=argument(parse_price, 0),
                        help=f"price of this machine: dollars go into the report{remembered}")


def add_background_options(parser: argparse.ArgumentParser) -> None:
    """--events and --nice."""
    parser.add_argument("--events", metavar="FILE", help="append what happens to FILE, one JSON object a line")
    parser.add_argument("--nice", action="store_true", help="leave processors and disks to all others")
