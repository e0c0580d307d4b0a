"""The progress of a Mersenne test on stderr: a line that is renewed on a terminal, plain lines elsewhere."""

import contextlib
import os
import time
from collections.abc import Callable, Iterator

from bigconst.base.events import Fault, together
from bigconst.base.units import format_count, format_seconds
from bigconst.mersenne.events import (
    Advanced,
    Concluded,
    PartDone,
    PartFailed,
    ProofChecked,
    ProofNews,
    Proving,
    Repeated,
    Resumed,
)
from bigconst.runs.eventsfile import EventsFile
from bigconst.runs.statusline import StatusLine

QUIET_S = 1.0


class MersenneScreen:
    """A listener that shows the events of tests."""

    def __init__(self):
        self._line = StatusLine(quiet_s=QUIET_S)
        self._began_s = time.monotonic()
        self._run = ""
        self._last: Advanced | None = None

    def __call__(self, event: object) -> None:
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
            case ProofNews(exponent, text):
                self._line.say(f"M{exponent}: {text}")
            case Proving(exponent, power, done, products):
                self._line.show(f"M{exponent}: making a proof of power {power}, product {done} of {products}")
            case ProofChecked(exponent, done, power):
                self._run, self._last = ", check of the proof", None
                self._line.show(f"M{exponent}: checking the proof, half {done} of {power}")
            case PartDone(_, exponent, iteration, total, worker, seconds) if iteration < total:
                self._line.say(f"M{exponent}: iteration {format_count(iteration)} of {format_count(total)}, after "
                               f"{format_seconds(seconds)} of {worker}")
            case PartFailed(_, exponent, _, worker, why):
                self._line.say(f"M{exponent}: {worker} {why}; its part is done again")
            case Concluded():       # another test may follow
                self.clear()
                self._run, self._last, self._began_s = "", None, time.monotonic()
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
        """Print a line that stays."""
        self._line.say(text)

    def clear(self) -> None:
        """Remove the renewed line; to be called before anything else is printed."""
        self._line.clear()

    def fields(self) -> dict:
        """How far the test is, for SIGUSR1 (`bigconst.runs.signals.Stopper`)."""
        at = self._last
        return {"stage": self.text(), "share": at.iteration / at.total if at else 0.0,
                "elapsed_s": time.monotonic() - self._began_s}


@contextlib.contextmanager
def listening(events_path: str | None) -> Iterator[tuple[MersenneScreen, Callable[[object], None]]]:
    """A context that gives a screen, and a listener that shows events there and writes them to a file, if one is named.

    Raises UsageError or InputOutputError where the file cannot be opened.
    """
    screen = MersenneScreen()
    if events_path is None:
        yield screen, screen
        return
    with EventsFile(events_path) as events:
        events.say = screen.say
        yield screen, together(screen, events)
