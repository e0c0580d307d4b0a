"""What a test of a Mersenne number shows on the way: a line that is renewed on a terminal, plain lines elsewhere."""

import os
import time
from typing import Any

from bigconst.base.units import format_count, format_seconds
from bigconst.runs.statusline import StatusLine

QUIET_S = 1.0


class Screen:
    """Listener for the events of tests."""

    def __init__(self):
        self._line = StatusLine(quiet_s=QUIET_S)
        self._began_s = time.monotonic()
        self._run = ""
        self._last: Any = None

    def __call__(self, event: Any) -> None:
        from bigconst.base.events import Fault
        from bigconst.mersenne.events import Advanced, Repeated, Resumed

        match event:
            case Fault(kind, where, message):
                self._line.say(f"fault ({kind}) in {where}: {message}")
            case Resumed(exponent, iteration, bad):
                for path in bad:
                    self._line.say(f"{path} is damaged or wrong, kept as {os.path.basename(path)}.bad")
                self._line.say(f"M{exponent}{self._run}: going on from iteration {format_count(iteration)}")
            case Repeated(sentence, shape):
                self._line.say(f"{sentence}; once more, with {shape} words and another shift")
                self._run, self._last = ", second run", None
            case Advanced():
                self._last = event
                self._line.show(self.text())

    def text(self) -> str:
        """How far the test is."""
        at = self._last
        if at is None:
            return "starting"
        return (f"M{at.exponent}{self._run}: {format_count(at.iteration)}/{format_count(at.total)} "
                f"({100 * at.iteration / at.total:.2f} %), {at.ms_per_iteration:.3f} ms/iter, "
                f"ETA {format_seconds(at.left_s)}, round-off {at.roundoff:.4f}, res64 {at.res64:016X}")

    def say(self, text: str) -> None:
        """A line that stays."""
        self._line.say(text)

    def clear(self) -> None:
        """Call it before something else is printed."""
        self._line.clear()

    # What `bigconst.runs.signals.Stopper` asks for.

    @property
    def status(self) -> "Screen":
        return self

    def fields(self) -> dict:
        """For SIGUSR1."""
        at = self._last
        return {"stage": self.text(), "share": at.iteration / at.total if at else 0.0,
                "elapsed_s": time.monotonic() - self._began_s}
