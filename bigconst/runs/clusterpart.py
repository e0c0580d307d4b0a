"""A part of a Mersenne test as a function of small arguments: what a worker of a cluster does for some minutes."""

import time
from dataclasses import dataclass, replace

import xxhash
from gmpy2 import invert, mpz

from bigconst.base.errors import Interrupted, UsageError
from bigconst.base.version import __version__
from bigconst.mersenne.prooffile import residue_bytes
from bigconst.mersenne.savefile import Damaged, Saved, SavesInMemory, decode, encode
from bigconst.mersenne.test import ChainOutcome, chain_of, outcome, random_shift
from bigconst.plans.dwtshape import dwt_shape, longer
from bigconst.runs.kernels import SQUARINGS, load
from bigconst.runs.mersennescratch import in_memory

EVERYTHING = "*"
_left: set[str] = set()


def leave(run: str) -> None:
    """Have parts of a coordinator's run, or EVERYTHING, give back what they have soon."""
    _left.add(run)


@dataclass(frozen=True)
class PartOfTest:
    """What a worker is asked for."""

    kind: str
    """LL, PRP-3 or Cert"""
    exponent: int
    start: int
    """the residue that is squared first"""
    iterations: int | None
    """squarings of a Cert"""
    save: bytes
    """the save file from which it goes on; empty for the beginning"""
    seconds: float
    """after which it gives back what it has at the next point that a check has confirmed"""
    threads: int
    kept: tuple[int, ...]
    """iterations of which the residue is given back, for a proof"""
    run: str
    """names the run of the coordinator, for `leave`"""
    version: str = __version__


@dataclass(frozen=True)
class PartReturned:
    """What a worker gives back."""

    save: bytes
    """the content of a save file, of a point that a check has confirmed"""
    finished: bool
    kept: dict[int, bytes]
    """residues by iteration, least byte first"""
    kept_checksum: str
    words: int
    """length of the transform"""
    roundoff: float
    """largest |x - rint(x)|"""
    seconds: float


def _check_version(part: PartOfTest) -> None:
    if part.version != __version__:
        #: What is compared and saved may differ: install one version everywhere.
        raise UsageError(f"it has bigconst {__version__}, not {part.version}", "install one version everywhere")


def is_right(part: PartOfTest) -> bool:
    """Whether the residue that a part begins with can be right, as far as that is seen without squarings.

    Raises UsageError where coordinator and worker have other versions of the program.
    """
    _check_version(part)
    chain = chain_of(part.kind, part.exponent, part.start, part.iterations, shape=dwt_shape(part.exponent),
                     longer=longer, make_squarer=None)
    return chain.is_right(decode(part.save))


def run_part(part: PartOfTest) -> PartReturned:
    """Go on with a test for some time, less if it is asked to `leave`.

    Raises UsageError where coordinator and worker have other versions of the program; FaultError, DoesNotFit.
    """
    _check_version(part)
    load(SQUARINGS)
    began_s, p = time.monotonic(), part.exponent
    saves, kept = SavesInMemory(decode(part.save) if part.save else None), {}

    def keep(here: Saved) -> bool:
        kept[here.iteration] = residue_bytes(here.residue, p)
        return False

    shape = dwt_shape(p)
    chain = chain_of(
        part.kind, p, part.start, part.iterations, shape=shape, longer=longer, shift=random_shift(p), saves=saves,
        make_squarer=in_memory(p, part.iterations or p, part.threads),
        leave=lambda: bool(_left & {part.run, EVERYTHING}) or time.monotonic() - began_s >= part.seconds,
        save_every_s=float("inf"),
        landmarks=part.kept, at_landmark=keep)
    finished = True
    try:
        outcome(chain)
    except Interrupted:
        finished = False
    newest = saves.newest
    kept = {at: data for at, data in kept.items() if at <= newest.iteration}
    return PartReturned(encode(newest), finished, kept, checksum(kept), chain.words, chain.max_roundoff,
                        time.monotonic() - began_s)


def checksum(kept: dict[int, bytes]) -> str:
    """The checksum of residues."""
    found = xxhash.xxh3_128()
    for iteration, data in sorted(kept.items()):
        found.update(f"{iteration}:".encode() + data)
    return found.hexdigest()


def finished_outcome(part: PartOfTest, done: PartReturned, saved: Saved) -> ChainOutcome:
    """The outcome of a test whose last point is `saved`."""
    residue = saved.residue
    if part.kind == "PRP-3":
        modulus = (mpz(1) << part.exponent) - 1
        residue = residue * invert(9, modulus) % modulus
    return ChainOutcome(part.kind, part.exponent, saved.iteration, residue, True, done.words, saved.shift,
                        done.roundoff, dict(saved.errors))


def resaved(done: PartReturned) -> Saved:
    """The point that a worker gives back.  Raises Damaged where its checksum, or that of the residues, is wrong."""
    if checksum(done.kept) != done.kept_checksum:
        raise Damaged
    return replace(decode(done.save), verified=True)
