"""What machines have in common: numbers and spectra as values, and names of operations.

A program computes with the operations of a machine and knows no other place for its numbers.  It branches on lengths
alone, so that every machine, given the same lengths, carries out the same operations with the same names; what a
planner has found out about an operation is found again by its name.

    integer(name, make, length, of)                 the integer make(), which planners do not ask for, of either sign;
                                                    make(value) with the value of the number `of`, if there is one
    made(name, make, length, work, cost)            a number that make(products, memory) computes by itself: in memory
                                                    only, of which it may use so many bytes (arithmetic.splitting); its
                                                    cost is that of operations of estimates
    digits(name, length)                            the digits of a file that is certified, as a number
    spectrum(name, number, room, terms)             the transform of a number, for sums of so many products, of at most
                                                    `room` words each
    products(name, terms, length, times, plus)      times*(sum of a*b) + (sum of c*x*B^at) for pairs (a, b) in `terms`
                                                    and triples (c, x, at) in `plus`, by one inverse transform; it is
                                                    known to need no more than `length` words, however long its parts
                                                    are.  b may be a spectrum; x is None for 1; all may have any sign;
                                                    |c| <= 2^30 where there is an x.
                                                    `cut` is where its high part will begin, words below `discard` need
                                                    not stay
    sum(name, terms, length, halved)                sum of c*x*B^shift for triples (c, x, shift), known not to be below
                                                    0, or half of it, for one to three numbers x, the first one with
                                                    0 < c < 2^31, the others with |c| <= 2^30, and for powers of the
                                                    radix, where x is None; a shift below 0 cuts x
    update(name, y, u, v, shifts, length)           Newton's iteration of third order, without its products
    view(name, x, times, minus_at, ...)             a small multiple of x, to be squared, with low words cut
    low(name, x, count)                             the `count` lowest words of |x|, with the sign of x
    corrected(name, x, count, correction, test)     x, after a look at its low words
    call(name, program, ...)                        what another program makes
    agree(one, other)                               a check that sums of products of numbers are the same
    either(holds, usual, in_doubt)                  usual() where holds() is true, as it nearly always is, else
                                                    in_doubt(), for which planners have room, but neither traffic nor
                                                    time
    text(x, prefixes)                               the digits of x; a certificate may need the residues of those of the
                                                    first so many words
    certificate(claim, statement, x, *numbers)      their certificate, which comes after them (plans.certificate)

B is `radix`.  Lengths are bounds, in words.  A number has a sign, and a residue modulo 2^61 - 1 that belongs to it
since it was made; high(count) is the part without its lowest words, negated() the number with the other sign,
magnitude() without one, with_signs(*others) times the signs of others.
"""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from math import prod
from typing import TYPE_CHECKING

from bigconst.base.errors import FaultError

if TYPE_CHECKING:
    import numpy as np

    from bigconst.arithmetic.words import Words


class TooSmall(Exception):
    """The workspace of a planner has no room for a transform that is long enough, or for what memory has to hold."""


@dataclass(frozen=True)
class Sum:
    """A sum of products that is to be computed, divided by the sign of its last product."""

    lead: int
    """this sign"""
    factors: tuple[int, ...]
    """1 or -1 for each product of magnitudes"""
    plus: tuple[tuple, ...]
    """(c, x, at) for each c*|x|*B^at"""
    residue: int
    """the sum modulo 2^61 - 1"""

    @property
    def is_signed(self) -> bool:
        """Whether it may be below 0."""
        return len(self.factors) > 1 or bool(self.plus)


class Signed:
    """What numbers of all machines have in common: a sign, and words that can be read."""

    sign: int

    def value(self, start: int, stop: int) -> int:
        """The integer of words start .. stop-1 of the magnitude."""
        return self.source.to_int(self.read(start, stop))

    def negated(self):
        """The number with the other sign."""
        return replace(self, sign=-self.sign)

    def magnitude(self):
        """The number without its sign."""
        return replace(self, sign=1)

    def with_signs(self, *others):
        """The number, multiplied by the signs of others."""
        return replace(self, sign=self.sign * prod(each.sign for each in others))


def several(made) -> tuple:
    """What a program made, which may be one number, several or nothing, as a tuple."""
    return made if isinstance(made, tuple) else () if made is None else (made,)


def one_or_several(made: Sequence):
    """The inverse of `several`."""
    return tuple(made) if len(made) > 1 else next(iter(made), None)


def rounded_down(machine, words: int) -> int:
    """A length that is cut, rounded down to what numbers can be cut by."""
    unit = machine.round_up(1)
    return max(0, words) // unit * unit


MOST_MADE = 2_000_000
"""Words of the longest numbers that are made in memory of their own, where there is any: beyond that, products are
operations of the machine."""
MADE_SHARE = 16
"""They may be longer where there is much memory, of which they take such a part: traces are shorter then."""
MADE_BYTES, LEAST_MADE_BYTES = 180, 1 << 19
"""Bytes of memory that such a number needs for each of its words while it is made, and beyond that."""


def made_bytes(words: int) -> int:
    """Memory for numbers of so many words while they are made."""
    return MADE_BYTES * words + LEAST_MADE_BYTES


def most_made(workspace_bytes: int) -> int:
    """Words of the longest numbers that are made in so much memory; above MOST_MADE a power of two, so that what was
    planned for one machine is of use for others."""
    share = workspace_bytes // (MADE_SHARE * MADE_BYTES)
    return max(1, min(max(MOST_MADE, 1 << share.bit_length() >> 1),
                      (workspace_bytes - LEAST_MADE_BYTES) // (2 * MADE_BYTES)))


Source = Callable[[int, int], "np.ndarray"]
"""A function (start, stop) that returns words start .. stop-1 of a number that is read from a file; threads may call
it."""

IN_DOUBT = "in doubt"
"""Begins the names of what is hardly ever carried out."""


class Machine:
    """Names from scopes: those of calls and stages, then that of the operation, and its count in this scope."""

    radix: int
    in_memory = False
    """whether numbers are in memory, where people see no parts of a program but its numbered calls"""
    most_made: int
    """words of the longest numbers for which `made` has room"""
    lean: bool = False
    """whether less memory is worth more time, where all is in memory"""
    workspace_bytes: int | None = None
    """memory in which calls are made on disk; None where all is in memory"""
    _words: Words
    """operations on words, on machines that have any"""

    def __init__(self) -> None:
        self._scopes: list[str] = []
        self._counts: Counter[str] = Counter()
        self._titles: list[str] = []
        """what the names of stages begin with"""
        self._stage = ""
        """name for people of the stage that is under way"""

    def named(self, operation: str) -> str:
        """The full name of an operation or a scope that begins now."""
        name = "/".join([*self._scopes, operation])
        self._counts[name] += 1
        return name if self._counts[name] == 1 else f"{name} #{self._counts[name]}"

    @contextlib.contextmanager
    def scope(self, path: str) -> Iterator[None]:
        """A scope with this full name, within which all names begin with it."""
        before, self._scopes = self._scopes, [path]
        try:
            yield
        finally:
            self._scopes = before

    @contextlib.contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """A part of the run that people see, and a scope, which may be entered again."""
        before, self._stage = self._stage, ", ".join([*self._titles, name])
        try:
            with self.scope("/".join([*self._scopes, name])):
                yield
        finally:
            self._stage = before

    @contextlib.contextmanager
    def _titled(self, *titles: str) -> Iterator[None]:
        """Around stages whose names begin with these titles."""
        before, self._titles = self._titles, list(titles)
        try:
            yield
        finally:
            self._titles = before

    def _value(self, make: Callable[..., int], of) -> int:
        """The integer that `integer` stores."""
        return make() if of is None else make(of.sign * of.value(0, of.length))

    def _added(self, terms: Sequence[tuple]) -> tuple[list[tuple], list[tuple], int]:
        """The numbers of a sum, cut where they are shifted down, as (c*sign, x, shift), its powers of the radix as
        (c, at), and its residue."""
        words = self._words
        numbers = [(c * x.sign, x.high(max(0, -shift)), max(0, shift)) for c, x, shift in terms if x is not None]
        powers = [(c, at) for c, x, at in terms if x is None]
        residue = sum(c * x.residue * words.power(shift) for c, x, shift in numbers)
        return numbers, powers, residue + sum(c * words.power(at) for c, at in powers)

    def _wanted(self, terms: Sequence[tuple], times: int, plus: Sequence[tuple]) -> Sum:
        """What `products` has to compute, from pairs of numbers."""
        words, p = self._words, self._words.modulus.p
        signs = [a.sign * b.sign for a, b in terms]
        lead = signs[-1]
        factors = tuple(sign * lead for sign in signs)
        added = tuple((c * lead * (1 if x is None else x.sign), x, at) for c, x, at in plus)
        total = times * sum(f * a.residue * b.residue for f, (a, b) in zip(factors, terms, strict=True))
        total += sum(c * (1 if x is None else x.residue) * words.power(at) for c, x, at in added)
        return Sum(lead, factors, added, total % p)

    def _updated(self, y, u, v, shifts: tuple[int, int], length: int) -> int:
        """The residue of what `update` makes; what its floors discard is known."""
        words, (o, discarded) = self._words, shifts
        return (y.residue * words.power(length - y.length) - u.sign * u.quotient_residue(o, 2)
                + 3 * v.sign * v.quotient_residue(discarded, 8)) % words.modulus.p

    def _viewed(self, x, times: int, minus_at: int | None, zero_below: int, divisor: int) -> int:
        """The residue of what `view` makes."""
        words = self._words
        cut = words.to_int(x.read(0, zero_below + 1)) % (self.radix**zero_below * divisor)
        taken = 0 if minus_at is None else words.power(minus_at)
        return ((x.residue - cut) * times - taken) % words.modulus.p

    def corrected(self, name: str, x, count: int, correction: Callable[[int], int | None], test: Callable):
        """x plus the correction that its `count` lowest words ask for, less 1 where test(x) is positive then."""
        change = correction(x.value(0, count))
        if change is None:
            return x
        x = x.plus(change)
        return x.plus(-1) if test(x).is_positive else x

    def either(self, holds: Callable[[], bool], usual: Callable[[], None], in_doubt: Callable[[], None]) -> None:
        """Carry out usual() where holds() is true, else in_doubt()."""
        if holds():
            usual()
        else:
            with self._doubt():
                in_doubt()

    @contextlib.contextmanager
    def _doubt(self) -> Iterator[None]:
        """The scope of what is hardly ever carried out."""
        with self._titled(IN_DOUBT), self.scope("/".join([*self._scopes, IN_DOUBT])):
            yield

    def run(self, program: Callable, *arguments):
        """What program(machine, *arguments) makes, where it is all that the machine does."""
        return self.call(program.__name__, program, *arguments)

    def agree(self, one: Sequence[tuple], other: Sequence[tuple]) -> None:
        """Raise FaultError unless two sums of products, of pairs of numbers, have the same residue.  Planners, whose
        numbers have none, do nothing."""
        left, right = (sum(a.sign * b.sign * a.residue * b.residue for a, b in pairs) for pairs in (one, other))
        if (left - right) % self._words.modulus.p:
            #: Numbers that were made by different ways are not what each says of the other, though each was checked:
            #: memory changed in between. Test it (`bigconst stress`), then resume, or run it again.
            raise FaultError("two ways to a number do not agree")

    def forget(self, path: str) -> None:
        """Count all names in a scope from the beginning: it is entered once more."""
        for name in [name for name in self._counts if name.startswith(f"{path}/")]:
            del self._counts[name]

    def call(self, name: str, program: Callable, *arguments, numbered: bool = False, entered: bool = False,
             least_bytes: int = 0):
        """What program(machine, *arguments) makes, in a scope of its own.

        A `numbered` call is a part of the run that people see, and is computed once more where a fault in it cannot be
        repaired; it makes one number.  What an `entered` call makes is recorded on disk, as that of a numbered one is;
        what others make only where all of it fits memory, of which it takes `least_bytes` at least.  A call makes whole
        numbers, not parts or views of them.
        """
        with self.scope(self.named(name)):
            return program(self, *arguments)
