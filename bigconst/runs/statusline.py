"""A line on stderr that is renewed on a terminal; elsewhere it is printed as a plain line now and then."""

import time
from typing import TextIO

from bigconst.base.screen import Notes, printable
from bigconst.runs.progress import terminal_columns

LINE_EVERY_S = 30.0
"""seconds between lines where there is no terminal"""


class StatusLine:
    """A line that says how far some work is.

    A terminal shows it after `quiet_s` seconds, so that short work stays silent; elsewhere it is printed every
    `every_s` seconds.
    """

    def __init__(self, stream: TextIO | None = None, quiet_s: float = 0.0, every_s: float = LINE_EVERY_S):
        self._stream = Notes(stream)
        self._terminal = self._stream.isatty()
        self._quiet_s, self._every_s = quiet_s, every_s
        self._began_s = self._shown_s = time.monotonic()
        self._drawn = False

    def show(self, text: str) -> None:
        """Show `text`, which says how far the work is now."""
        now_s = time.monotonic()
        if self._terminal and now_s - self._began_s >= self._quiet_s:
            # A line wider than the terminal wraps, and could not be removed.
            line = printable(text)[:terminal_columns(self._stream) - 1]
            print("\r" + line, end="\x1b[K", file=self._stream, flush=True)
            self._drawn = True
        elif not self._terminal and now_s - self._shown_s >= self._every_s:
            self.say(text)
            self._shown_s = now_s

    def say(self, text: str) -> None:
        """Print a line that stays."""
        self.clear()
        print(printable(text), file=self._stream, flush=True)

    def clear(self) -> None:
        """Remove the line; to be called before anything else is printed."""
        if self._drawn:
            print("\r\x1b[K", end="", file=self._stream, flush=True)
            self._drawn = False
