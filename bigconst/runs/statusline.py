"""One line on stderr that is renewed on a terminal; elsewhere the same as a plain line now and then."""

import sys
import time
from typing import TextIO

from bigconst.runs.progress import terminal_columns

LINE_EVERY_S = 30.0
"""Between lines where there is no terminal."""


def print_line(text: str) -> None:
    """A plain line on stderr, where nothing is renewed."""
    print(text, file=sys.stderr, flush=True)


def print_path(text: str, stream: TextIO) -> None:
    """Text with paths in it, which may hold bytes that are no text."""
    print(text.encode(errors="backslashreplace").decode(), end="", file=stream, flush=True)


class StatusLine:
    """`quiet_s` keeps a terminal empty at first, so that short work stays silent."""

    def __init__(self, stream: TextIO | None = None, quiet_s: float = 0.0, every_s: float = LINE_EVERY_S):
        self._stream = stream or sys.stderr
        self._terminal = self._stream.isatty()
        self._quiet_s, self._every_s = quiet_s, every_s
        self._began_s = self._shown_s = time.monotonic()
        self._drawn = False

    def show(self, text: str) -> None:
        """How far it is now."""
        now_s = time.monotonic()
        if self._terminal and now_s - self._began_s >= self._quiet_s:
            # What is wider than the terminal could not be taken back.
            line = text[:terminal_columns(self._stream) - 1]
            print("\r" + line, end="\x1b[K", file=self._stream, flush=True)
            self._drawn = True
        elif not self._terminal and now_s - self._shown_s >= self._every_s:
            self.say(text)
            self._shown_s = now_s

    def say(self, text: str) -> None:
        """A line that stays."""
        self.clear()
        print(text, file=self._stream, flush=True)

    def clear(self) -> None:
        """Call it before something else is printed."""
        if self._drawn:
            print("\r\x1b[K", end="", file=self._stream, flush=True)
            self._drawn = False
