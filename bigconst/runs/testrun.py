"""One test of a Mersenne number as the commands run it: what is known without one, the save files, a second run."""

import contextlib
import os
import random
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from bigconst.base.errors import Interrupted, UsageError
from bigconst.base.units import format_count
from bigconst.runs.kernels import load_test_kernels
from bigconst.runs.testscratch import ChainIdentity, Space, check_fits, squarers

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
    verify: bool = False
    """Run it twice, the second time with another shift and length."""
    space: Space = field(default_factory=Space)
    usd_per_hour: float | None = None
    """price of the machine, where it was told"""

    @property
    def full(self) -> int:
        """Iterations of the whole test."""
        return self.exponent - 2 if self.kind == "LL" else self.exponent

    @property
    def total(self) -> int:
        """Iterations that are asked for."""
        return self.full if self.iterations is None else self.iterations

    @property
    def stem(self) -> str:
        """Of the names of its save files."""
        part = "" if self.iterations is None else f"-{self.iterations}"
        return f"{'ll' if self.kind == 'LL' else 'prp'}{self.exponent}{part}"


def check(request: Request) -> None:
    """Raises UsageError for what cannot be tested."""
    from bigconst.mersenne.factor import PLAIN_BELOW
    from bigconst.plans.dwtshape import dwt_shape

    p = request.exponent
    if p >= PLAIN_BELOW:
        dwt_shape(p, request.words)
    if request.total > request.full:
        raise UsageError(f"the test of M{p} has {format_count(request.full)} iterations", "ask for no more of them")


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
    """Run the test and hand its ChainOutcome to `use`; what it saved is removed when that has come back.

    Raises Interrupted, FaultError, InputOutputError; VerificationError where two runs differ.
    """
    from bigconst.mersenne.factor import PLAIN_BELOW

    if request.exponent < PLAIN_BELOW:
        use(_plain_twice(request) if request.verify else _plain(request))
        return
    try:
        with contextlib.ExitStack() as stack:
            run_ = _Run(request, stop, emit, stack)
            use(run_.twice() if request.verify else run_.once())
            run_.remove()
    except KeyboardInterrupt:
        raise Interrupted("interrupted", "the same command goes on from the last save", resumable=True) from None


class _Run:
    """A test with its transform and its save files, whose closing is left to `stack`."""

    def __init__(self, request: Request, stop: Callable[[], bool], emit: Callable, stack: contextlib.ExitStack):
        from bigconst.mersenne.repetition import Residues

        self._request, self._stop, self._emit, self._stack = request, stop, emit, stack
        load_test_kernels()
        self._files: list[Any] = []
        self._saves = self._open_saves(request.stem)
        self._residues = Residues(request.directory, request.stem)

    def _open_saves(self, stem: str):
        from bigconst.mersenne.savefile import SaveFiles

        self._files.append(self._stack.enter_context(
            SaveFiles(self._request.directory, stem, self._request.kind, self._request.exponent)))
        return self._files[-1]

    def once(self, at_landmark: Callable[[Any], bool] | None = None):
        """The outcome."""
        from bigconst.mersenne.test import random_shift

        request = self._request
        shift = random_shift(request.exponent) if request.shift is None else request.shift
        return self._outcome(request.stem, self._shape(), shift, self._saves, at_landmark)

    def twice(self):
        """The outcome of a first run that a second one has confirmed, residue by residue."""
        from bigconst.mersenne.events import Repeated
        from bigconst.mersenne.repetition import Comparison
        from bigconst.mersenne.results import sentence

        request, stem = self._request, f"{self._request.stem}-verify"
        shape = self._another(self._shape())
        check_fits(self._chain(stem, shape), request.threads, request.space)    # not when the first one is through
        first = self.once(self._residues.note)
        shift = ((request.shift or 0) + 1 + random.randrange(request.exponent - 1)) % request.exponent
        self._emit(Repeated(sentence(first), shape))
        saves = self._open_saves(stem)
        comparison = Comparison(self._residues.read(), saves, request.stem)
        second = self._outcome(stem, shape, shift, saves, comparison.at_landmark)
        comparison.at_end(first, second)
        return replace(first, verified=True)

    def _shape(self):
        """The transform of a first run."""
        from bigconst.plans.dwtshape import dwt_shape

        return dwt_shape(self._request.exponent, self._request.words)

    def _chain(self, stem: str, shape: Any) -> ChainIdentity:
        request = self._request
        return ChainIdentity(request.kind, request.exponent, request.total, shape.words, stem, again(request))

    def _another(self, shape: Any):
        """The next longer transform; where the exponent does not fill it, the next shorter one, if that can hold it."""
        from bigconst.plans.dwtshape import lengths, longer

        p, found = self._request.exponent, longer(shape)
        if found is not None and found.min_exponent <= p:
            return found
        return max((each for each in lengths() if each.words < shape.words and each.max_exponent >= p),
                   key=lambda each: each.words, default=shape)

    def _outcome(self, stem: str, shape: Any, shift: int, saves: Any, at_landmark: Callable[[Any], bool] | None):
        from bigconst.mersenne.repetition import landmarks
        from bigconst.mersenne.test import LucasLehmer, Prp3, outcome
        from bigconst.plans.dwtshape import longer

        request, p = self._request, self._request.exponent
        options = {} if at_landmark is None else {
            "landmarks": landmarks(request.total), "at_landmark": at_landmark}
        with squarers(self._chain(stem, shape), request.threads, request.space, self._stop,
                      self._emit) as (make_squarer, emit):
            return outcome((LucasLehmer if request.kind == "LL" else Prp3)(
                p, make_squarer=make_squarer, shape=shape, longer=longer, iterations=request.iterations,
                shift=shift, saves=saves, save_every_s=request.save_every_s, emit=emit, stop=self._stop, **options))

    def remove(self) -> None:
        """Everything that was saved."""
        for saves in self._files:
            saves.finish()
        if self._request.verify:
            self._residues.remove()


def again(request: Request) -> dict:
    """What a manifest keeps of a request."""
    fields = asdict(replace(request, directory=os.path.abspath(request.directory), space=Space()))
    del fields["space"]
    return fields


def _plain(request: Request):
    """The outcome for an exponent too small for a transform."""
    from gmpy2 import invert, mpz

    from bigconst.mersenne.factor import plain_residue
    from bigconst.mersenne.test import ChainOutcome

    p, is_ll, iterations = request.exponent, request.kind == "LL", request.total
    if p == 2:      # divides 4 - 4, 3 and 9
        residue = mpz(0 if is_ll else 1)
    else:
        residue = plain_residue(p, 4 if is_ll else 3, 2 if is_ll else 0, iterations)
        if not is_ll and iterations == request.full:
            residue = residue * invert(9, 2**p - 1) % (2**p - 1)
    return ChainOutcome(request.kind, p, iterations, residue, iterations == request.full, 0, 0, 0.0)


def _plain_twice(request: Request):
    from bigconst.base.errors import VerificationError

    first = _plain(request)
    if _plain(request).residue != first.residue:
        raise VerificationError(f"two computations of M{request.exponent} differ", "test this machine's memory")
    return replace(first, verified=True)
