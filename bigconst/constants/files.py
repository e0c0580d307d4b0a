"""The files of a computation, from the words of its numbers, wherever these are."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Protocol

import numpy as np
import xxhash

from bigconst.arithmetic.limits import quotient_residues
from bigconst.arithmetic.packed import write_packed
from bigconst.arithmetic.residues import Prefixes
from bigconst.arithmetic.words import Words
from bigconst.base.errors import FaultError, OperandError
from bigconst.base.formats import HEADER_BYTES, packed_bytes
from bigconst.base.version import __version__
from bigconst.constants.bounds import Bounds
from bigconst.constants.digits import undecided, write_digits
from bigconst.constants.digitsource import DigitSource
from bigconst.constants.ladderproof import ladder_statement
from bigconst.plans.certificate import Header, Ladder, Remainder, Statement, within_bound
from bigconst.plans.claim import Claim
from bigconst.plans.plan import Plan
from bigconst.plans.quotient import Quotient

COMPARED_WORDS = 2048

Read = Callable[[int, int], np.ndarray]
"""a function (start, stop) that returns words start .. stop-1 of a number, zeros beyond it; threads may call it"""


class Sink(Protocol):
    """A file of which pieces are written in any order."""

    def write_at(self, offset: int, data: memoryview) -> None:
        """Write `data` at `offset`."""


class Nowhere:
    """A file of which nothing is kept."""

    def write_at(self, offset: int, data: memoryview) -> None:
        """Discard `data`."""


class Files:
    """Text and certificate of a plan."""

    def __init__(self, plan: Plan, bounds: Bounds, words: Words, text: Sink | DigitSource, certificate: Sink | None,
                 kept_chunks: int = 0):
        """`text` is where the digits go, or where they come from; without a file for the `certificate` all of it is
        checked, and nothing written; `kept_chunks` chunks of a number on disk are cached while it is read."""
        self._plan, self._bounds, self._words = plan, bounds, words
        self._text, self._certificate, self._kept = text, certificate or Nowhere(), kept_chunks
        self._hasher = xxhash.xxh3_128()

    def write_text(self, x, prefixes: Sequence[int]) -> tuple[str, int]:
        """Write the digits of x; returns the last ones and the digit hash.

        The certificate may need the residues of the digits in the first so many words.  Digits from a file are read
        once more instead; raises FaultError where they are not those of x.
        """
        self._hasher.reset()
        plan, width = self._plan, self._plan.format.digits
        counts = *(count * width for count in prefixes), plan.digits
        self._prefixes = Prefixes([self._words.modulus], plan.base, counts, plan.constant.floor)
        if isinstance(self._text, DigitSource):
            return self._text.check(x.residue, self._bounds, self._words, self._hasher, self._prefixes)
        return write_digits(plan, self._bounds, self._words, x.reader(self._kept), x.residue, self._text, self._hasher,
                            self._prefixes)

    def write_certificate(self, claim: Claim, statement: Statement, x, numbers: Sequence) -> None:
        """Write the certificate, after the text.  Raises FaultError when it does not prove the digits."""
        make = {Ladder: self._ladder, Remainder: self._remainder, Quotient: self._quotient}[type(statement)]
        statement, packed = make(claim, statement, x, *numbers)
        lenient = isinstance(self._text, DigitSource) and self._text.is_lenient
        header = Header(claim, statement, lenient, __version__, self._hasher.hexdigest())
        _write(self._words, header, packed, self._certificate)

    def _ladder(self, claim: Claim, lengths: Ladder, x, *kept) -> tuple[Ladder, list[tuple[Read, int]]]:
        """Statement, and words and residues of its numbers, from what the last level of a ladder keeps."""
        statement = ladder_statement(claim, lengths, self._bounds, x, *kept)
        if statement is None:
            raise FaultError("the certificate's parameters are out of their bounds")
        low_u, low_v = kept[2:]
        o, p = 3 * lengths.k - lengths.K, self._words.modulus.p
        rv, ru = _lowest(low_v, lengths.k + o, 8, self._kept), _lowest(low_u, o, 2, self._kept)
        prefixes = [self._prefixes.found[count][0] for count in statement.prefixes(claim)]
        left, right = statement.sides(claim, p, prefixes, {"rv": rv[1], "ru": ru[1]})
        if left != right:
            #: As for "the remainder of the digits is not within its bounds".
            raise FaultError("the ladder does not prove its digits", value=(left - right) % p)
        return statement, [rv, ru]

    def _quotient(self, claim: Claim, statement: Quotient, x, r) -> tuple[Statement, list[tuple[Read, int]]]:
        """Statement, and words and residue of its number, from the remainder of the leading words of x."""
        bounds, words = self._bounds, self._words
        kept = (claim.digits + statement.g) // claim.width
        below = bounds.words - kept
        guard = words.to_int(x.reader(self._kept)(below, bounds.words - bounds.text_words + 1))
        parts, missing = quotient_residues(claim, statement, [words.modulus], words.pool.threads)
        statement = replace(statement, G=guard % claim.base**statement.g, h=statement.padding(claim, missing))
        if statement.wrong(claim) is not None:
            raise undecided(claim.digits, claim.number.name)
        read, p = r.reader(self._kept), words.modulus.p

        def published(start: int, stop: int) -> np.ndarray:
            return read(start + below, stop + below)

        residue = r.residue * pow(words.power(below), -1, p) % p
        left, right = statement.sides(claim, p, self._prefixes.found[claim.digits],
                                      {"r": r.sign * residue, **{name: found[0] for name, found in parts.items()}})
        if left != right:
            #: As for "the remainder of the digits is not within its bounds".
            raise FaultError("the quotient does not prove its digits", value=(left - right) % p)
        return statement, [(published, residue)]

    def _remainder(self, claim: Claim, statement: Statement, x, r) -> tuple[Statement, list[tuple[Read, int]]]:
        """Statement, and words and residue of its number, from z^2 - d*B^(2*words) for the cut number z."""
        plan, bounds, words, p = self._plan, self._bounds, self._words, self._words.modulus.p
        spare, below = bounds.text_words * bounds.width - bounds.digits, bounds.words - bounds.text_words
        read_x, read_r = x.reader(self._kept), r.reader(self._kept)
        # z is P*G, or 2*P*G - B^words for phi: what is published is the remainder divided by G^2, or by 4*G^2.
        whole, digits = divmod(2 * spare, bounds.width)
        bits = 2 * (claim.doubled - 1)

        def published(start: int, stop: int) -> np.ndarray:
            found = read_r(2 * below + whole + start, 2 * below + whole + stop + 2)
            return words.quotient(found, digits, bits)[:stop - start]

        def p_value(low: int, high: int) -> int:
            high = min(high, bounds.text_words + 1)       # P has fewer words than r is stored in
            if low >= high:
                return 0
            top = min(below + high + 1, plan.words + 1)
            return words.to_int(words.quotient(read_x(below + low, top), spare, 0)[:high - low])

        if r.is_positive or not within_bound(claim, COMPARED_WORDS,
                                             lambda low, high: words.to_int(published(low, high)), p_value):
            raise OperandError("the remainder of the digits is not within its bounds")
        residue = r.residue * pow(4, -(bits // 2), p) * pow(bounds.guard_range, -2, p) % p
        return statement, [(published, residue)]


def _lowest(number, count: int, factor: int, kept_chunks: int) -> tuple[Read, int]:
    """A number, of which there are a few more words, modulo factor*B^count: its words 0 .. count, and its residue."""
    words, reader = number.source, number.reader(kept_chunks)
    above = number.value(count, number.length)
    residue = (number.residue - (above - above % factor) * words.power(count)) % words.modulus.p

    def read(start: int, stop: int) -> np.ndarray:
        found = np.array(reader(start, stop))
        if start <= count < stop:
            found[count - start] %= factor
        return found

    return read, residue


def _write(words: Words, header: Header, numbers: Sequence[tuple[Read, int]], file: Sink) -> None:
    """Write header and packed numbers to `file`, whose write_at takes pieces in any order.

    Of each number of the header, read(start, stop) returns words start .. stop-1.  Raises FaultError when they do not
    have the residue that is given with it.
    """
    hasher, offset = xxhash.xxh3_128(header.encode()), HEADER_BYTES
    for packed, (read, residue) in zip(header.numbers, numbers, strict=True):
        length = packed.words(header.base)
        if write_packed(words, length, read, file, hasher, offset) != residue:
            #: As for "a number in memory holds a word out of range".
            raise FaultError("a number of the certificate changed in memory")
        offset += packed_bytes(length, header.base)
    file.write_at(0, memoryview(header.encode(hasher.hexdigest())))
