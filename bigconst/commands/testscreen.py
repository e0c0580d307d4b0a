"""What a test of a Mersenne number shows on the way: a line that is renewed on a terminal, plain lines elsewhere."""

import os
import sys
import time
from typing import Any, TextIO

from bigconst.units import format_count, format_seconds

LINE_EVERY_S = 30.0
"""Between progress lines where there is no terminal."""


class Screen:
    """Listener for the events of tests."""

    def __init__(self, stream: TextIO | None = None, line_every_s: float = LINE_EVERY_S):
        self._stream = stream or sys.stderr
        self._terminal = self._stream.isatty()
        self._line_every_s = line_every_s
        self._began_s = self._shown_s = time.monotonic()
        self._drawn = False
        self._run = ""
        self._last: Any = None

    def __call__(self, event: Any) -> None:
        from bigconst.events import Fault
        from bigconst.mersenne.events import Advanced, Repeated, Resumed

        match event:
            case Fault(kind, where, message):
                self._line(f"fault ({kind}) in {where}: {message}")
            case Resumed(exponent, iteration, bad):
                for path in bad:
                    self._line(f"{path} is damaged or wrong, kept as {os.path.basename(path)}.bad")
                self._line(f"M{exponent}{self._run}: going on from iteration {format_count(iteration)}")
            case Repeated(sentence, shape):
                self._line(f"{sentence}; once more, with {shape} words and another shift")
                self._run, self._last = ", second run", None
            case Advanced():
                self._last = event
                now_s = time.monotonic()
                if self._terminal and now_s - self._began_s > 1.0:
                    print("\r" + self.text(), end="\x1b[K", file=self._stream, flush=True)
                    self._drawn = True
                elif not self._terminal and now_s - self._shown_s >= self._line_every_s:
                    self._line(self.text())
                    self._shown_s = now_s

    def text(self) -> str:
        """How far the test is."""
        at = self._last
        if at is None:
            return "starting"
        return (f"M{at.exponent}{self._run}: {format_count(at.iteration)}/{format_count(at.total)} "
                f"({100 * at.iteration / at.total:.2f} %), {at.ms_per_iteration:.3f} ms/iter, "
                f"ETA {format_seconds(at.left_s)}, round-off {at.roundoff:.4f}, res64 {at.res64:016X}")

    def _line(self, text: str) -> None:
        self.clear()
        print(text, file=self._stream, flush=True)

    def clear(self) -> None:
        """Call it before something else is printed."""
        if self._drawn:
            print("\r\x1b[K", end="", file=self._stream, flush=True)
            self._drawn = False

    # What `bigconst.commands.signals.Stopper` asks for.

    @property
    def status(self) -> "Screen":
        return self

    def fields(self) -> dict:
        """For SIGUSR1."""
        at = self._last
        return {"stage": self.text(), "share": at.iteration / at.total if at else 0.0,
                "elapsed_s": time.monotonic() - self._began_s}
