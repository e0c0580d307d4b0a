"""Tests of Mersenne numbers: requests, results that need no test, save files, and a second run that verifies."""

import contextlib
import os
import random
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field, replace

from gmpy2 import invert, mpz

from bigconst.base.errors import DoesNotFit, InputOutputError, Interrupted, UsageError, VerificationError
from bigconst.base.units import format_count
from bigconst.mersenne.events import Repeated
from bigconst.mersenne.factor import PLAIN_BELOW, plain_residue, small_factor, smallest_divisor
from bigconst.mersenne.repetition import Comparison, Residues, landmarks
from bigconst.mersenne.results import sentence
from bigconst.mersenne.savefile import Saved, SaveFiles
from bigconst.mersenne.test import ChainOutcome, chain_of, outcome, random_shift
from bigconst.plans.dwtshape import DwtShape, dwt_shape, lengths, longer
from bigconst.plans.mersenneplan import DEFAULT_SAVE_EVERY_S
from bigconst.plans.proofplan import kept_iterations
from bigconst.runs.kernels import SQUARINGS, load
from bigconst.runs.mersenneproof import Prover
from bigconst.runs.mersennescratch import ChainIdentity, Resources, check_fits, goes_to_disk, squarers


@dataclass(frozen=True)
class MersenneRequest:
    """A request to test 2^exponent - 1; None leaves a choice to the program."""

    kind: str
    """LL, PRP-3, or Cert for squarings that certify a proof"""
    exponent: int
    threads: int
    iterations: int | None = None
    """number of squarings from the start; None for all squarings of the test"""
    shift: int | None = None
    """rotation of the residue in bits; random by default"""
    words: int | None = None
    """length of the transform; the shortest safe one by default"""
    look_for_factors: bool = True
    save_every_s: float = DEFAULT_SAVE_EVERY_S
    """seconds between save files"""
    directory: str = "."
    """directory of the save files"""
    verify: bool = False
    """whether the test runs twice, the second time with another shift and length"""
    resources: Resources = field(default_factory=Resources)
    usd_per_hour: float | None = None
    """price of this machine"""
    double_check: bool = False
    """whether it has save files of its own, so that nothing of a first test of the exponent gets into it"""
    proof: int | None = None
    """power of the proof to make of a PRP test"""

    @property
    def full(self) -> int:
        """Iterations of the whole test."""
        return {"LL": self.exponent - 2, "PRP-3": self.exponent, "Cert": self.iterations}[self.kind]

    @property
    def total(self) -> int:
        """Iterations that are asked for."""
        return self.full if self.iterations is None else self.iterations

    @property
    def stem(self) -> str:
        """The name of its save files without their endings."""
        part = ("-dc" if self.double_check else "") + ("" if self.iterations is None else f"-{self.iterations}")
        return f"{self.kind.partition('-')[0].lower()}{self.exponent}{part}"

    @property
    def start(self) -> int:
        """The residue that is squared first.  Raises InputOutputError where it is in a file that is not as it should
        be."""
        return {"LL": 4, "PRP-3": 3}.get(self.kind) or _certificate_start(self.directory, self.exponent)

    def as_fields(self) -> dict:
        """The fields that a manifest stores, from which `resumed` makes the request again."""
        fields = asdict(replace(self, directory=os.path.abspath(self.directory), resources=Resources()))
        del fields["resources"]
        return fields


def resumed(found: dict, resources: Resources, *, threads: int | None = None, directory: str | None = None,
            usd_per_hour: float | None = None) -> MersenneRequest:
    """The request of an interrupted test, from the manifest of its scratch; None leaves a setting as it was."""
    request = MersenneRequest(**found["request"]["again"])
    return replace(request, threads=threads or request.threads, directory=directory or request.directory,
                   usd_per_hour=usd_per_hour or request.usd_per_hour, resources=resources)


def _certificate_start(directory: str, p: int) -> int:
    """The residue in the file M<p>.cert, ceil(p/8) bytes, least byte first."""
    path, size_bytes = os.path.join(directory, f"M{p}.cert"), (p + 7) // 8
    remedy = "put the residue there that came with the assignment"
    try:
        with open(path, "rb") as file:
            data = file.read(size_bytes + 1)
    except OSError as error:
        raise InputOutputError(f"cannot read {path}: {error.strerror}", remedy) from error
    value = mpz(int.from_bytes(data, "little"))
    if len(data) != size_bytes or not 0 < value < (mpz(1) << p) - 1:
        #: It has to have ceil(P/8) bytes, the least one first.
        raise InputOutputError(f"{path} is not a residue modulo 2^{p}-1 of {format_count(size_bytes)} bytes", remedy)
    return int(value)


def _check_proof(request: MersenneRequest) -> None:
    """Raise UsageError for a proof that a test cannot have."""
    p, power = request.exponent, request.proof
    if request.iterations is not None:
        #: A proof is of all squarings of a test.
        raise UsageError("a proof needs the whole test", "leave out --iterations or --proof")
    if p < PLAIN_BELOW:
        #: Such tests are done by plain integers, in no time.
        raise UsageError(f"M{p} is too small for a proof", f"those from {PLAIN_BELOW} on can have one")
    try:
        kept_iterations(p, power)
    except ValueError:
        #: Halved so often, two residues of the test would be the same.
        raise UsageError(f"M{p} is too small for a proof of power {power}", "ask for a lower power") from None


def check(request: MersenneRequest) -> None:
    """Raise UsageError for an exponent, length, number of iterations or proof that no test can have."""
    p = request.exponent
    if p >= PLAIN_BELOW:
        dwt_shape(p, request.words)
    if request.total > request.full:
        #: `--iterations` may ask for a part of them, not for more.
        raise UsageError(f"the test of M{p} has {format_count(request.full)} iterations", "ask for no more of them")
    if request.proof is not None:
        _check_proof(request)


@dataclass(frozen=True)
class Start:
    """What becomes of a test that begins now."""

    hindrance: str | None = None
    """why it cannot, as a message: what it needs is not there"""
    on_disk: bool = False
    """whether its transform goes to the scratch directories, which one test at a time can use"""


def start_of(request: MersenneRequest, elsewhere: bool = False) -> Start:
    """What would become of a test if it began now, its squarings on another machine or here; nothing is changed."""
    try:
        check(request)
        if request.kind == "Cert":
            _ = request.start
        found = Start(on_disk=not elsewhere and request.exponent >= PLAIN_BELOW and goes_to_disk(
            _chain(request, request.stem, dwt_shape(request.exponent, request.words)), request.threads,
            request.resources))
        if request.proof is not None:
            prover_of(request).check_room()
        return found
    except (DoesNotFit, InputOutputError, UsageError) as error:
        return Start(str(error))


def _chain(request: MersenneRequest, stem: str, shape: DwtShape) -> ChainIdentity:
    return ChainIdentity(request.kind, request.exponent, request.total, shape.words, stem, request.as_fields())


def prover_of(request: MersenneRequest, emit: Callable[[object], None] = lambda event: None) -> Prover:
    """What makes the proof of a test."""
    return Prover(request.exponent, request.proof, request.directory, (*request.resources.swap, request.directory)[0],
                  request.stem, emit)


def known(request: MersenneRequest) -> str | None:
    """The result line for a composite exponent or a small factor; None where a test is needed."""
    p = request.exponent
    if (d := smallest_divisor(p)) is not None:
        value = f" = {2**d - 1}" if d <= 64 else ""
        return f"M{p} is composite: 2^{p}-1 is divisible by 2^{d}-1{value}"
    if not request.look_for_factors or request.iterations is not None or p < PLAIN_BELOW:
        return None
    factor = small_factor(p)
    return None if factor is None else f"M{p} is composite: 2^{p}-1 is divisible by {factor}"


@contextlib.contextmanager
def completed(request: MersenneRequest, stop: Callable[[], bool], emit: Callable[[object], None], *,
              locked: bool = False) -> Iterator[ChainOutcome]:
    """A context that gives the outcome of a test; its save files are removed when the block ends without an exception.

    With `locked` the caller has the lock of the save files (mersenne.savefile.lock).
    Raises Interrupted, FaultError, InputOutputError; VerificationError where two runs differ.
    """
    if request.exponent < PLAIN_BELOW:
        yield _plain_twice(request) if request.verify else _plain(request)
        return
    try:
        with contextlib.ExitStack() as stack:
            run = _MersenneRun(request, stop, emit, stack, locked)
            yield run.twice() if request.verify else run.once()
            run.remove()
    except KeyboardInterrupt:
        raise Interrupted("interrupted", "the same command goes on from the last save", resumable=True) from None


Watched = dict[int, Callable[[Saved], bool]]
"""By iteration, what receives its point (Chain's `at_landmark`)."""


class _MersenneRun:
    """A test with its transform and its save files, which `stack` closes."""

    def __init__(self, request: MersenneRequest, stop: Callable[[], bool], emit: Callable[[object], None],
                 stack: contextlib.ExitStack, locked: bool):
        self._request, self._stop, self._emit, self._stack = request, stop, emit, stack
        load(SQUARINGS)
        self._files: list[SaveFiles] = []
        self._saves = self._open_saves(request.stem, locked)
        self._residues = Residues(request.directory, request.stem)
        self._prover = None if request.proof is None else prover_of(request, emit)

    def _open_saves(self, stem: str, locked: bool = False) -> SaveFiles:
        self._files.append(self._stack.enter_context(
            SaveFiles(self._request.directory, stem, self._request.kind, self._request.exponent, locked=locked)))
        return self._files[-1]

    def once(self, watched: Watched | None = None) -> ChainOutcome:
        """The outcome of one run, and of a proof that is asked for."""
        request = self._request
        shift = random_shift(request.exponent) if request.shift is None else request.shift
        if self._prover is not None:
            self._prover.begin()
        return self._outcome(request.stem, self._shape(), shift, self._saves, watched or {}, self._prover)

    def twice(self) -> ChainOutcome:
        """The outcome of a first run that a second one has confirmed, residue by residue."""
        request, stem = self._request, f"{self._request.stem}-verify"
        shape = self._another(self._shape())
        # Checked now, not only when the first run has ended.
        check_fits(_chain(request, stem, shape), request.threads, request.resources)
        places = landmarks(request.total)
        first = self.once(dict.fromkeys(places, self._residues.note))
        shift = ((request.shift or 0) + 1 + random.randrange(request.exponent - 1)) % request.exponent
        self._emit(Repeated(sentence(first), shape))
        saves = self._open_saves(stem)
        comparison = Comparison(self._residues.read(), saves, request.stem)
        second = self._outcome(stem, shape, shift, saves, dict.fromkeys(places, comparison.at_landmark), None)
        comparison.at_end(first, second)
        return replace(first, verified=True)

    def _shape(self) -> DwtShape:
        """The transform of a first run."""
        return dwt_shape(self._request.exponent, self._request.words)

    def _another(self, shape: DwtShape) -> DwtShape:
        """The next longer transform; where the exponent does not fill it, the next shorter one, if that can hold it."""
        p, found = self._request.exponent, longer(shape)
        if found is not None and found.min_exponent <= p:
            return found
        return max((each for each in lengths() if each.words < shape.words and each.max_exponent >= p),
                   key=lambda each: each.words, default=shape)

    def _outcome(self, stem: str, shape: DwtShape, shift: int, saves: SaveFiles, watched: Watched,
                 prover: Prover | None) -> ChainOutcome:
        request, p = self._request, self._request.exponent
        kept = {} if prover is None else dict.fromkeys(prover.landmarks, prover.keep)

        def at_landmark(here: Saved) -> bool:
            return any([each[here.iteration](here) for each in (watched, kept) if here.iteration in each])

        with squarers(_chain(request, stem, shape), request.threads, request.resources, self._stop,
                      self._emit) as (make_squarer, emit):
            options = {"make_squarer": make_squarer, "shape": shape, "longer": longer, "shift": shift, "saves": saves,
                       "save_every_s": request.save_every_s, "emit": emit, "stop": self._stop,
                       "landmarks": sorted({*watched, *kept}), "at_landmark": at_landmark}
            found = outcome(chain_of(request.kind, p, request.start, request.iterations, **options))
            if prover is None:
                return found
            last = 9 * found.residue % ((mpz(1) << p) - 1)
            return replace(found, proof=prover.prove(last, make_squarer, shape, self._stop))

    def remove(self) -> None:
        """Remove everything that was saved."""
        for saves in self._files:
            saves.finish()
        if self._request.verify:
            self._residues.remove()
        if self._prover is not None:
            self._prover.remove()


def _plain(request: MersenneRequest) -> ChainOutcome:
    """The outcome for an exponent too small for a transform."""
    p, is_ll, iterations = request.exponent, request.kind == "LL", request.total
    if p == 2:      # 2^p - 1 = 3 is prime, but neither test shows it: one needs odd p, 3 is the base of the other
        residue = mpz(0 if is_ll else 1)
    else:
        residue = plain_residue(p, request.start, 2 if is_ll else 0, iterations)
        if request.kind == "PRP-3" and iterations == request.full:
            residue = residue * invert(9, 2**p - 1) % (2**p - 1)
    return ChainOutcome(request.kind, p, iterations, residue, iterations == request.full, 0, 0, 0.0)


def _plain_twice(request: MersenneRequest) -> ChainOutcome:
    first = _plain(request)
    if _plain(request).residue != first.residue:
        #: One of them is wrong: do not report the result. Test this machine's memory, then run it again.
        raise VerificationError(f"two computations of M{request.exponent} differ", "test this machine's memory")
    return replace(first, verified=True)
