"""One test of a Mersenne number as the commands run it: what is known without one, the save files, the screen."""

import os
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TextIO

from bigconst.commands.signals import Stopper
from bigconst.errors import Interrupted, UsageError
from bigconst.units import format_count, format_seconds

LINE_EVERY_S = 30.0
"""Between progress lines where there is no terminal."""

DEFAULT_SAVE_EVERY_S = 600.0


@dataclass(frozen=True)
class Request:
    """What to test and how."""

    kind: str
    """LL or PRP-3"""
    exponent: int
    threads: int
    iterations: int | None = None
    shift: int | None = None
    words: int | None = None
    look_for_factors: bool = True
    save_every_s: float = DEFAULT_SAVE_EVERY_S
    directory: str = "."

    @property
    def stem(self) -> str:
        """Of the names of its save files."""
        part = "" if self.iterations is None else f"-{self.iterations}"
        return f"{'ll' if self.kind == 'LL' else 'prp'}{self.exponent}{part}"


def backend() -> tuple[Callable, Callable, Callable]:
    """(dwt_shape, longer, Squarer), with compiled kernels."""
    from bigconst.arithmetic.squarer import Squarer
    from bigconst.dwtshape import dwt_shape, longer

    return dwt_shape, longer, Squarer


def check(request: Request) -> None:
    """Raises UsageError for what cannot be tested."""
    from bigconst.dwtshape import dwt_shape
    from bigconst.mersenne.factor import PLAIN_BELOW

    p = request.exponent
    if p >= PLAIN_BELOW:
        dwt_shape(p, request.words)
    full = p - 2 if request.kind == "LL" else p
    if request.iterations is not None and request.iterations > full:
        raise UsageError(f"the test of M{p} has {format_count(full)} iterations", "ask for no more of them")


def known(request: Request) -> str | None:
    """The result line where no test is needed: a composite exponent, a small factor."""
    from bigconst.mersenne.factor import PLAIN_BELOW, small_factor, smallest_divisor

    p = request.exponent
    if (d := smallest_divisor(p)) is not None:
        value = f" = {2**d - 1}" if d <= 64 else ""
        return f"M{p} is composite: 2^{p}-1 is divisible by 2^{d}-1{value}"
    if not request.look_for_factors or request.iterations is not None or p < PLAIN_BELOW:
        return None
    factor = small_factor(p)
    return None if factor is None else f"M{p} is composite: 2^{p}-1 is divisible by {factor}"


def carry_out(request: Request, stop: Callable[[], bool], emit: Callable[[Any], None],
              use: Callable[[Any], None]) -> None:
    """Run the test and hand its Outcome to `use`; what it saved is removed when that has come back.

    Raises Interrupted, FaultError, InputOutputError.
    """
    from bigconst.mersenne.factor import PLAIN_BELOW
    from bigconst.mersenne.savefile import SaveFiles
    from bigconst.mersenne.test import LucasLehmer, Prp3, outcome, random_shift

    p = request.exponent
    if p < PLAIN_BELOW:
        use(_plain(request))
        return
    dwt_shape, longer, squarer = backend()
    shift = random_shift(p) if request.shift is None else request.shift
    with SaveFiles(request.directory, request.stem, request.kind, p) as saves:
        chain = (LucasLehmer if request.kind == "LL" else Prp3)(
            p, make_squarer=lambda shape: squarer(p, shape, request.threads), shape=dwt_shape(p, request.words),
            longer=longer, iterations=request.iterations, shift=shift, saves=saves,
            save_every_s=request.save_every_s, emit=emit, stop=stop)
        try:
            use(outcome(chain))
        except KeyboardInterrupt:
            raise Interrupted("interrupted", "the same command goes on from the last save", resumable=True) from None
        saves.finish()


def _plain(request: Request):
    """The outcome for an exponent too small for a transform."""
    from gmpy2 import invert, mpz

    from bigconst.mersenne.factor import plain_residue
    from bigconst.mersenne.test import Outcome

    p, is_ll = request.exponent, request.kind == "LL"
    full = p - 2 if is_ll else p
    iterations = full if request.iterations is None else request.iterations
    if p == 2:      # divides 4 - 4, 3 and 9
        residue = mpz(0 if is_ll else 1)
    else:
        residue = plain_residue(p, 4 if is_ll else 3, 2 if is_ll else 0, iterations)
        if not is_ll and iterations == full:
            residue = residue * invert(9, 2**p - 1) % (2**p - 1)
    return Outcome(request.kind, p, iterations, residue, iterations == full, 0, 0, 0.0)


class RunStopper(Stopper):
    """A second signal right behind the first is the same request: `timeout` sends two."""

    _SAME_S = 1.0
    _asked_s = 0.0

    def _stop(self, number: int, frame) -> None:
        if self._asked and time.monotonic() - self._asked_s < self._SAME_S:
            return
        self._asked_s = time.monotonic()
        super()._stop(number, frame)


class Screen:
    """Listener for the events of tests: a line that is renewed on a terminal, plain lines elsewhere."""

    def __init__(self, stream: TextIO | None = None, line_every_s: float = LINE_EVERY_S):
        self._stream = stream or sys.stderr
        self._terminal = self._stream.isatty()
        self._line_every_s = line_every_s
        self._began_s = self._shown_s = time.monotonic()
        self._drawn = False
        self._last: Any = None

    def __call__(self, event: Any) -> None:
        from bigconst.events import Fault
        from bigconst.mersenne.chain import Advanced, Resumed

        match event:
            case Fault(kind, where, message):
                self._line(f"fault ({kind}) in {where}: {message}")
            case Resumed(exponent, iteration, bad):
                for path in bad:
                    self._line(f"{path} is damaged or wrong, kept as {os.path.basename(path)}.bad")
                self._line(f"M{exponent}: going on from iteration {format_count(iteration)}")
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
        return (f"M{at.exponent}: {format_count(at.iteration)}/{format_count(at.total)} "
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
