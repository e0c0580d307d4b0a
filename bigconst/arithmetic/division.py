"""Division of long numbers: the quotient rounded towards 0, and the exact remainder.

A divisor X of at most l words has at least l - s.  Its reciprocal R, near B^(l+k)/X, has k correct words and comes from
Newton's iteration, which doubles k:

    e  = R*X - B^(l+k)                   short, so it is computed modulo B^N + 1 with N little above l
    R' = R*B^(K-k) - R*e/B^(l+2k-K)      K <= 2k - s - 1

Only the leading K + 2s + 1 words of X matter for it, and of e the leading K - k + s.  A last step of the same kind
makes the quotient of Y*B^n from a reciprocal of half its length (A. H. Karp and P. Markstein, High-precision division
and square root, ACM TOMS 23, 1997): Q = Y*R, then Q*B^h + (Y*B^a - Q*X)*R.

Only so many leading words of X and Y matter for the quotient as it has itself, and s + 1 more.

Errors: with |R - B^(l+k)/X| <= 4 the next R is off by less than 1 from the iteration, and by 1 each from leading words
of X, those of e and the last division by a power of B: 4 again.  The quotient is off by less than 6 from the step and
by less than 1 from leading words of X and Y; its guard words settle that, or the sign of a remainder where they
cannot.  Where numbers are whole chunks (`round_up`), l + k and all cuts are; so has to be n.
"""

from dataclasses import dataclass, replace

from bigconst.arithmetic.machine import rounded_down

START_WORDS = 400
"""A reciprocal of at most so many words comes from the division of small integers."""
QUOTIENT_ERROR = 7
"""Bound on the error of a quotient before it is rounded, in units of its last guard word."""


@dataclass(frozen=True)
class DivisionBounds:
    """Lengths of a division, in words."""

    dividend: int
    divisor: int
    spare: int
    """the divisor is at least B^(divisor - spare)"""

    def above(self, cut: int) -> "DivisionBounds":
        """The lengths for a divisor without its `cut` lowest words."""
        return replace(self, divisor=self.divisor - cut)


def divide(machine, bounds: DivisionBounds, y, x, n: int, discarded: int = 0, exact: bool = True):
    """q = floor(|y|*B^n/|x|) with the sign of y/x, and y*B^n minus x*q, for y of at most bounds.dividend words.

    With `discarded`, x is multiplied by q with so many of the lowest words replaced by zeros; without `exact`, it is
    not, and q stands alone.
    """
    y, x, signs = y.magnitude(), x.magnitude(), (y, x)
    guard, lx, spare = machine.round_up(2), bounds.divisor, bounds.spare
    ly = max(bounds.dividend, lx - n)
    most = ly + n + guard - lx + spare              # words of the quotient, with guard words
    cut = rounded_down(machine, lx - spare - max(most, n + guard) - 1)
    high_y, high_x, l1, l2 = y.high(cut), x.high(cut), lx - cut, ly - cut
    h = rounded_down(machine, min(most // 2, max(n + guard, l1 - spare - 1)))
    k = machine.round_up(l1 + max(most - h, h + 1)) - l1
    r = machine.call("reciprocal", reciprocal, bounds.above(cut), high_x, k)

    with machine.stage("quotient"):
        cut = min(rounded_down(machine, l1 + h - n - guard - spare), rounded_down(machine, l2))
        below = l1 + k + h - n - guard - cut
        q = machine.products("leading", [(high_y.high(cut), r)], l2 - cut + k + spare + 1, discard=below).high(below)
        a = n + guard - h
        rest = machine.products("rest", [(q.negated(), high_x)], l1 + 1,
                                plus=[(1, high_y, a) if a >= 0 else (1, high_y.high(-a), 0)])
        cut = rounded_down(machine, l1 - h - spare)
        below = l1 + k - h - cut
        more = machine.products("trailing", [(rest.high(cut), r)], l1 + k + spare + 2 - cut, discard=below)
        q = machine.sum("sum", [(1, q, h), (1, more, -below), (QUOTIENT_ERROR, None, 0)], most + 2)

        def less(q):
            return machine.products("less", [(q.high(guard), x)], lx + 1, plus=[(-1, y, n)])

        q = machine.corrected("settled", q, guard, lambda low: None if low >= 2 * QUOTIENT_ERROR else -low, less)
        q = machine.sum("quotient", [(1, q, -guard)], most + 2 - guard)
        if not exact:
            return q.with_signs(*signs)
        cut = machine.view("cut", q, 1, zero_below=discarded) if discarded else q
        rest = machine.products("remainder", [(cut.negated(), x)], lx + discarded, plus=[(1, y, n)])
        return q.with_signs(*signs), rest.with_signs(signs[0])


def reciprocal(machine, bounds: DivisionBounds, x, words: int):
    """R near B^(l+words)/x for positive x of at most l = bounds.divisor words; l + words are whole chunks."""
    cut = rounded_down(machine, bounds.divisor - words - 2 * bounds.spare - 1)
    x, bounds = x.high(cut), bounds.above(cut)
    lx, spare = bounds.divisor, bounds.spare
    if words <= START_WORDS:
        return machine.integer("start", lambda value: machine.radix ** (lx + words) // value, words + spare + 1, of=x)
    below = machine.round_up(lx + (words + spare + 2) // 2) - lx
    r = machine.call("reciprocal", reciprocal, bounds, x, below)
    return machine.call("reciprocal step", step, bounds, x, r, below, words, numbered=True)


def step(machine, bounds: DivisionBounds, x, r, k: int, words: int):
    """R near B^(l+words)/x from R near B^(l+k)/x."""
    lx, spare = bounds.divisor, bounds.spare
    cut = rounded_down(machine, lx + k - words - spare)
    below = lx + 2 * k - words - cut
    length = lx + k + spare + 2 - cut
    with machine.stage("e"):
        spectrum = machine.spectrum("spectrum", r, max(lx + 1, length) + 1)
        e = machine.products("e", [(x, spectrum)], lx + 1, plus=[(-1, None, lx + k)])
    with machine.stage("product"):
        v = machine.products("v", [(e.high(cut), spectrum)], length, discard=below)
    with machine.stage("sum"):
        return machine.sum("R", [(1, r, words - k), (-1, v, -below)], words + spare + 1)

