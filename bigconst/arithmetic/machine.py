"""What machines have in common: numbers and spectra as values, and names of operations.

A program computes with the operations of a machine and knows no other place for its numbers.  It branches on lengths
alone, so that every machine, given the same lengths, carries out the same operations with the same names; what a
planner has found out about an operation is found again by its name.

    integer(name, make, length)             the integer make(), which planners do not ask for
    spectrum(name, number, room)            the transform of a number, for products of at most `room` words
    products(name, terms, length, plus)     sum of c*a*b over the terms (c, a, b), plus c*B^at for (c, at) in `plus`;
                                            a and b are numbers, b may be a spectrum
    combine(name, terms, length, plus)      sum of c*floor(|x|/B^cut/divisor)*B^shift with the sign of x, over the
                                            terms (c, x, shift, cut, divisor)
    call(name, program, ...)                what another program makes
    rarely(program)                         a part that is hardly ever carried out, but has its place
    text(number), certificate(...)          files

B is `radix`.  Lengths are bounds, in words.
"""

import contextlib
from collections import Counter
from collections.abc import Iterator


class Machine:
    """Names from scopes: those of calls and stages, then that of the operation, and its count in this scope."""

    def __init__(self) -> None:
        self._scopes: list[str] = []
        self._counts: Counter[str] = Counter()

    @contextlib.contextmanager
    def scope(self, name: str) -> Iterator[None]:
        """A scope: within it all names begin with this one."""
        self._scopes.append(name)
        try:
            yield
        finally:
            self._scopes.pop()

    def named(self, operation: str) -> str:
        """The full name of an operation that begins now."""
        name = "/".join([*self._scopes, operation])
        self._counts[name] += 1
        return name if self._counts[name] == 1 else f"{name} #{self._counts[name]}"
