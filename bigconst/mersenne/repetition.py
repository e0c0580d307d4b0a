"""Intermediate residues of a test, stored so that a second run with another shift and length can be compared with it.

A line of the file STEM.residues:

    3375 4f0c2a9d1e88b7a3 5d21c07fee001122      iteration, hash of its residue, hash of the line before this field

A run that goes back writes lines again; the last line of an iteration counts.
"""

import contextlib
import os

import xxhash
from gmpy2 import mpz

from bigconst.base.errors import InputOutputError, VerificationError
from bigconst.base.units import format_count
from bigconst.mersenne.savefile import Saved, SaveFiles
from bigconst.mersenne.test import ChainOutcome
from bigconst.storage.durable import WriteFailpoints, append_line

COUNT = 64
"""Parts of a chain at whose ends residues are compared."""
_PLACES = WriteFailpoints("residue.append", "residue.sync")
_REMEDY = "see that its disk is there and has room, then run the same command again"


def landmarks(total: int) -> list[int]:
    """The iterations at which two runs of `total` iterations are compared, besides the last one; ascending."""
    return sorted({total * k // COUNT for k in range(1, COUNT)} - {0, total})


def _hash(residue: mpz) -> str:
    return xxhash.xxh3_64_hexdigest(int(residue).to_bytes((residue.bit_length() + 7) // 8, "little"))


class Residues:
    """The file STEM.residues of a run; `note` and `read` raise InputOutputError."""

    def __init__(self, directory: str, stem: str):
        self._path = os.path.join(directory, f"{stem}.residues")

    def note(self, here: Saved) -> bool:
        """Add a line for this point; returns False, since writing a residue does not confirm it."""
        text = f"{here.iteration} {_hash(here.residue)}"
        append_line(self._path, f"{text} {_check(text)}", _PLACES, _REMEDY)
        return False

    def read(self) -> dict[int, str]:
        """Hashes of residues by iteration; damaged lines are ignored."""
        try:
            with open(self._path, encoding="ascii", errors="replace") as file:
                lines = [line.rstrip("\n").rpartition(" ") for line in file]
        except FileNotFoundError:
            return {}
        except OSError as error:
            raise InputOutputError(f"cannot read {self._path}: {error.strerror}", _REMEDY) from error
        pairs = [text.split() for text, _, check in lines if check == _check(text)]
        return {int(iteration): found for iteration, found in pairs}

    def remove(self) -> None:
        """Remove the file."""
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self._path)


def _check(text: str) -> str:
    return xxhash.xxh3_64_hexdigest(text.encode("ascii", "replace"))


class Comparison:
    """Comparison of a second run, whose save files are `saves`, with the hashes that the first run left."""

    def __init__(self, expected: dict[int, str], saves: SaveFiles, first_stem: str):
        self._expected, self._saves, self._first_stem = expected, saves, first_stem

    def at_landmark(self, here: Saved) -> bool:
        """True if both runs have this residue, False if the first left no hash of it.

        Raises VerificationError if they differ.
        """
        expected = self._expected.get(here.iteration)
        if expected is not None and expected != _hash(here.residue):
            raise self._differs(here.exponent, here.iteration)
        return expected is not None

    def at_end(self, first: ChainOutcome, second: ChainOutcome) -> None:
        """Compare the last residues in full.  Raises VerificationError if they differ."""
        if first.residue != second.residue:
            raise self._differs(first.exponent, first.iterations)

    def _differs(self, exponent: int, iteration: int) -> VerificationError:
        """The error for a difference at `iteration`; removes what the second run saved after the last agreement."""
        agreed = [each for each in self._expected if each < iteration]
        last = max(agreed, default=0)
        self._saves.drop_after(last)
        before = (f"after they agreed at {len(agreed)} points, the last one iteration {format_count(last)}"
                  if agreed else "the first point that they share")
        #: `--verify` found a wrong run. The same command repeats the second one from the last point that agrees; if it
        #: differs again, the first one was wrong: remove the save files that the message names, and begin anew.
        return VerificationError(
            f"the two runs of M{exponent} differ at iteration {format_count(iteration)}, {before}",
            "the same command repeats the second run from there; if it differs again, remove "
            f"{self._first_stem}.* and {self._saves.stem}.* and begin anew")
