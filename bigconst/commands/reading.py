"""Common parts of the commands that read digit files: arguments and progress."""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from bigconst.base.units import format_count, format_rate
from bigconst.commands.options import add_threads_option
from bigconst.runs.kernels import READING, load
from bigconst.runs.statusline import StatusLine

if TYPE_CHECKING:
    from bigconst.reading.source import DigitText

SHOW_EVERY_S = 0.2
QUIET_S = 1.0


def add_common(parser: argparse.ArgumentParser, *files: str, threads: bool = True) -> None:
    """Positional files, and --threads unless `threads` is false."""
    for name in files:
        parser.add_argument(name.lower(), metavar=name, help="digits: text, .zst or .ycd (the first file of a set)")
    if threads:
        add_threads_option(parser)


def load_for(*texts: DigitText) -> None:
    """Load the kernels by which long parts of these files are read fast, where one of them has any."""
    if any(text.is_packed for text in texts):
        load(READING)


class PassLine:
    """A line on the terminal that says, after a second, how far a pass over `digits` digits is.

    It is called with the number of digits that are done.
    """

    def __init__(self, digits: int):
        self._digits = digits
        self._line = StatusLine(quiet_s=QUIET_S)
        self._began_s = self._shown_s = time.monotonic()

    def __call__(self, digits: int) -> None:
        now_s = time.monotonic()
        if now_s - self._shown_s >= SHOW_EVERY_S:
            self._shown_s = now_s
            rate = format_rate(digits / (now_s - self._began_s))
            self._line.show(f"{100 * digits / self._digits:.1f} %, {format_count(digits)} digits, {rate}")

    def __enter__(self) -> Callable[[int], None]:
        return self

    def __exit__(self, *_exception) -> None:
        self._line.clear()
