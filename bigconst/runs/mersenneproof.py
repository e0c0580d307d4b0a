"""Proofs of probable prime tests: residues kept while one runs, the file made afterwards, and files checked."""

import contextlib
import os
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from gmpy2 import invert, mpz

from bigconst.base.errors import DoesNotFit, InputOutputError, UsageError, VerificationError
from bigconst.base.units import format_bytes
from bigconst.mersenne import prooffile
from bigconst.mersenne.chain import ChainSquarer
from bigconst.mersenne.events import ProofChecked, ProofNews, Proving
from bigconst.mersenne.factor import PLAIN_BELOW, plain_residue
from bigconst.mersenne.gerbicz import CheckedSquarings
from bigconst.mersenne.keptresidues import KeptResidues
from bigconst.mersenne.proof import Multiplier, halved, middle
from bigconst.mersenne.prooffile import Proof, ProofFacts
from bigconst.mersenne.results import res64
from bigconst.mersenne.savefile import Saved, SaveFiles
from bigconst.mersenne.test import random_shift
from bigconst.plans.dwtshape import DwtShape, dwt_shape, longer
from bigconst.plans.proofplan import kept_bytes, kept_iterations, spans
from bigconst.runs.mersennescratch import in_memory
from bigconst.runs.mersennescreen import MersenneScreen
from bigconst.runs.signals import Stopper
from bigconst.storage.durable import WriteFailpoints, replace_file

_PLACES = WriteFailpoints("proof.write", "proof.sync", "proof.rename")
_REMEDY = "see that its disk is there and has room, then run the same command again"
SHORTER = 3
"""Halves that a proof may lose because a kept residue was wrong; each doubles the time of the check."""

MakeSquarer = Callable[[DwtShape], contextlib.AbstractContextManager[ChainSquarer]]


class Prover:
    """The proof of one test: what is kept while it runs, and what is made of it."""

    def __init__(self, p: int, power: int, directory: str, kept_directory: str, stem: str,
                 emit: Callable[[object], None]):
        """The proof goes to `directory`, residues meanwhile to `kept_directory`, under names that begin with `stem`."""
        self._p, self._power, self._directory, self._emit = p, power, directory, emit
        self._numbers = {iteration: r for r, iteration in enumerate(kept_iterations(p, power)[:-1], 1)}
        self._kept = KeptResidues(os.path.join(kept_directory, f"{stem}-{power}.kept"), p)
        self._part = os.path.join(kept_directory, f"{stem}-{power}{prooffile.SUFFIX}.part")

    def _say(self, text: str) -> None:
        self._emit(ProofNews(self._p, text))

    @property
    def landmarks(self) -> list[int]:
        """The iterations whose residues are kept, ascending."""
        return list(self._numbers)

    def check_room(self) -> None:
        """Raise DoesNotFit where the disk that the residues take is not free."""
        needed, directory = kept_bytes(self._p, self._power), os.path.dirname(self._kept.path) or "."
        free_bytes = needed
        with contextlib.suppress(OSError):      # the same error says more when a residue is written
            there = os.path.getsize(self._kept.path) if os.path.exists(self._kept.path) else 0
            free_bytes = there + shutil.disk_usage(directory).free
        if free_bytes < needed:
            #: A proof of the next lower power keeps half of the residues, and takes its checker twice the time.
            raise DoesNotFit(f"a proof of power {self._power} for M{self._p} keeps {format_bytes(needed)} of residues "
                             f"in {directory}, which has not so much room",
                             "make room there, or take --proof with a lower power, or `work --no-proof`")

    def begin(self) -> None:
        """Say what disk the residues take.  Raises DoesNotFit where it is not free."""
        self.check_room()
        size, directory = format_bytes(kept_bytes(self._p, self._power)), os.path.dirname(self._kept.path) or "."
        self._say(f"for a proof of power {self._power}, {size} of residues are kept in {directory} until the test ends")

    def keep(self, here: Saved) -> bool:
        """Keep the residue of a landmark; returns False, since that confirms nothing."""
        number = self._numbers.get(here.iteration)
        if number is not None:
            try:
                self._kept.store(number, here.residue)
            except OSError as error:
                self._say(f"cannot write {self._kept.path}: {error.strerror}; the proof will be shorter, the test goes "
                          "on")
        return False

    def prove(self, last: mpz, make_squarer: MakeSquarer, shape: DwtShape,
              stop: Callable[[], bool]) -> ProofFacts | None:
        """Make the proof that 3^(2^p) is `last`, check it, and name its file; None where no residue is right.

        Raises Interrupted, FaultError, InputOutputError.
        """
        proof = self._made(last, make_squarer, shape, stop)
        for _ in range(SHORTER + 1):
            if not proof.middles:
                break
            if proof.power < self._power:
                self._say(f"some of the residues kept for the proof are missing or wrong: it has power {proof.power} "
                          f"instead of {self._power}")
            if self._is_named(proof) or holds(proof, make_squarer, shape, self._directory, self._emit, stop):
                return self._named(proof)
            proof = replace(proof, middles=proof.middles[:-1])
        self._say("no proof, since residues that were kept for it are missing or wrong")
        return None

    def _made(self, last: mpz, make_squarer: MakeSquarer, shape: DwtShape, stop: Callable[[], bool]) -> Proof:
        """The proof, with as many middles as the residues allow."""
        proof = self._begun(last)
        done, products = 2**proof.power - proof.power - 1, 2**self._power - self._power - 1

        def tick() -> None:
            nonlocal done
            done += 1
            self._emit(Proving(self._p, self._power, done, products))

        with Multiplier(self._p, make_squarer, shape, longer, stop) as multiplier:
            for level in range(proof.power, self._power):
                found = middle(level, self._power, list(proof.challenges()), self._kept.read, multiplier, tick)
                if not found:       # missing, or 0, which no residue of a test is
                    break
                proof = replace(proof, middles=(*proof.middles, found))
                replace_file(self._part, prooffile.encode(proof), _PLACES, _REMEDY)
        return proof

    def _begun(self, last: mpz) -> Proof:
        """What an earlier process has made of the proof."""
        if os.path.exists(self._part):
            with contextlib.suppress(InputOutputError, UsageError):
                found, _ = prooffile.read(self._part)
                if (found.exponent, found.last) == (self._p, last) and found.power <= self._power:
                    return found
        return Proof(self._p, last, ())

    def _path(self, proof: Proof) -> str:
        return os.path.join(self._directory, f"{self._p}-{proof.power}{prooffile.SUFFIX}")

    def _is_named(self, proof: Proof) -> bool:
        """Whether an earlier process has checked just this proof, and named it."""
        with contextlib.suppress(OSError, InputOutputError, UsageError):
            return os.path.exists(self._path(proof)) and prooffile.read(self._path(proof))[0] == proof
        return False

    def _named(self, proof: Proof) -> ProofFacts:
        path, data = self._path(proof), prooffile.encode(proof)
        replace_file(path, data, _PLACES, _REMEDY)
        self._say(f"proof of power {proof.power}, checked: {path}")
        return ProofFacts(proof.power, proof.hash_bits, prooffile.md5(data), path)

    def remove(self) -> None:
        """Remove what was kept for the proof, not the proof."""
        self._kept.remove()
        with contextlib.suppress(OSError):
            os.unlink(self._part)


def holds(proof: Proof, make_squarer: MakeSquarer, shape: DwtShape, directory: str | None,
          emit: Callable[[object], None], stop: Callable[[], bool]) -> bool:
    """Whether a proof holds.

    The squarings that are left to do have save files in `directory`, if that is given, from which the next check of
    the same proof goes on.  Raises Interrupted, FaultError, InputOutputError.
    """
    p, done = proof.exponent, 0

    def tick() -> None:
        nonlocal done
        done += 1
        emit(ProofChecked(p, done, proof.power))

    with Multiplier(p, make_squarer, shape, longer, stop) as multiplier:
        a, b, count = halved(proof, multiplier, tick)
    if a == 0:
        return False
    with contextlib.ExitStack() as stack:
        saves = None
        if directory is not None:
            stem = f"check{p}-{proof.power}-{prooffile.md5(prooffile.encode(proof))[:8]}"
            saves = stack.enter_context(SaveFiles(directory, stem, CheckedSquarings.kind, p))
        found = CheckedSquarings(p, int(a), count, make_squarer=make_squarer, shape=shape, longer=longer,
                                 shift=random_shift(p), saves=saves, emit=emit, stop=stop).run()
        if saves is not None:
            saves.finish()
    return found == b


@dataclass(frozen=True)
class ProofVerdict:
    """What was found out about a proof."""

    proof: Proof
    md5: str
    """of the whole file"""
    seconds: float

    @property
    def is_probable_prime(self) -> bool:
        """Whether the test found a probable prime."""
        return self.proof.last == 9

    @property
    def res64(self) -> str:
        """The last 64 bits of the residue of type 1, as 16 hexadecimal digits."""
        modulus = (mpz(1) << self.proof.exponent) - 1
        return res64(self.proof.last * invert(9, modulus) % modulus)


def verify_proof(path: str, threads: int) -> ProofVerdict:
    """Check the proof in a file, in memory.

    What is left to do has save files beside it, if they can be written there; the same command goes on from them.
    Raises VerificationError where it does not hold; UsageError, InputOutputError, DoesNotFit, Interrupted, FaultError.
    """
    began_s = time.perf_counter()
    proof, digest = prooffile.read(path)
    p, directory = proof.exponent, os.path.dirname(path) or "."
    screen = MersenneScreen()
    with Stopper(screen.fields) as stop:
        stop.say = screen.say
        if p < PLAIN_BELOW:
            right = _plain_holds(proof)
        else:
            make_squarer = in_memory(p, spans(p, proof.power)[-1], threads)
            try:
                right = holds(proof, make_squarer, dwt_shape(p), directory if os.access(directory, os.W_OK) else None,
                              screen, stop)
            finally:
                screen.clear()
    if not right:
        #: The file is damaged or forged, or its test went wrong.
        raise VerificationError(f"{path} does not prove the residue of M{p} that it states", "do not believe it")
    return ProofVerdict(proof, digest, time.perf_counter() - began_s)


def _plain_holds(proof: Proof) -> bool:
    """Whether a proof about a number too small for a transform holds: its claim is computed."""
    return plain_residue(proof.exponent, 3, 0, proof.exponent) == proof.last
