"""What machines have in common: numbers and spectra as values, and names of operations.

A program computes with the operations of a machine and knows no other place for its numbers.  It branches on lengths
alone, so that every machine, given the same lengths, carries out the same operations with the same names; what a
planner has found out about an operation is found again by its name.

    integer(name, make, length)                     the integer make(), which planners do not ask for
    spectrum(name, number, room)                    the transform of a number, for products of at most `room` words
    square(name, c, z, minus, length)               c*z^2 - b*B^at for minus = (b, at), which is known to need no more
                                                    than `length` words
    product(name, a, spectrum, length)              a times the number of which this is the spectrum; `cut` is where
                                                    its high part will begin, words below `discard` need not stay
    update(name, y, u, v, shifts, length)           Newton's iteration of third order, without its products
    scaled(name, x, times, length)                  a small multiple of a number, or half of it
    view(name, x, times, minus_at, ...)             the same, to be squared, with low words cut
    corrected(name, x, count, correction, test)     x, after a look at its low words
    call(name, program, ...)                        what another program makes
    text(number), certificate(r, x)                 files

B is `radix`.  Lengths are bounds, in words.  A number has a sign, a residue modulo 2^61 - 1 that belongs to it since it
was made, and high(count), the part without its lowest words.
"""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bigconst.arithmetic.words import Words


class Machine:
    """Names from scopes: those of calls and stages, then that of the operation, and its count in this scope."""

    _words: Words
    """operations on words, on machines that have any"""

    def __init__(self) -> None:
        self._scopes: list[str] = []
        self._counts: Counter[str] = Counter()

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
        with self.scope("/".join([*self._scopes, name])):
            yield

    def corrected(self, name: str, x, count: int, correction: Callable[[int], int | None], test: Callable):
        """x plus the correction that its `count` lowest words ask for, less 1 where test(x) is positive then."""
        change = correction(self._words.to_int(x.read(0, count)))
        if change is None:
            return x
        x = x.plus(change)
        return x.plus(-1) if test(x).is_positive else x

    def run(self, program: Callable, *arguments):
        """What program(machine, *arguments) makes, where it is all that the machine does."""
        return self.call(program.__name__, program, *arguments)

    def forget(self, path: str) -> None:
        """Count all names in a scope from the beginning: it is entered once more."""
        for name in [name for name in self._counts if name.startswith(f"{path}/")]:
            del self._counts[name]

    def call(self, name: str, program: Callable, *arguments, numbered: bool = False, entered: bool = False):
        """What program(machine, *arguments) makes, in a scope of its own.

        A `numbered` call is a part of the run that people see, and is computed once more where a fault in it cannot be
        repaired.  What an `entered` call makes is recorded on disk, as that of a numbered one is; what others make only
        where all of it fits memory.
        """
        with self.scope(self.named(name)):
            return program(self, *arguments)
