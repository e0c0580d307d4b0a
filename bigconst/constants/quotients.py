"""What the programs of pi and e have in common: digits as a quotient, and the remainder that proves them.

A number is the limit of Y/X (plans.quotient), for integers that follow from the number of digits alone; so the quotient
of Y*B^words by X is exact, and its remainder is the certificate.
"""

from collections.abc import Callable

from bigconst.arithmetic.division import DivisionBounds, divide
from bigconst.arithmetic.machine import several
from bigconst.base.constant import LIMITS, Constant
from bigconst.constants.bounds import Bounds
from bigconst.plans.claim import Claim
from bigconst.plans.quotient import LEAST_GUARD, MARGIN, Quotient


def limit(name: str, algorithm: str, program: Callable) -> Constant:
    """The constant of this name, whose program calls `digits_of_quotient`."""
    number = LIMITS[name]
    return Constant(name, number.title, algorithm, number.floor, MARGIN, program, number, guard_digits=LEAST_GUARD)


def statement_of(bounds: Bounds) -> Quotient:
    """The statement about as few guard digits as fill a word; what they are is not known yet."""
    return Quotient(-(-(bounds.digits + LEAST_GUARD) // bounds.width) * bounds.width - bounds.digits, MARGIN)


def digits_of_quotient(machine, bounds: Bounds, name: str, fraction: Callable) -> None:
    """The digits of a limit, and their proof.

    fraction(machine, terms, length) makes X, of so many words, and Y, with so many terms (Quotient.terms).
    """
    claim, statement = Claim(LIMITS[name], bounds.base, bounds.digits), statement_of(bounds)
    x, *r = several(machine.call("quotient", _computed, bounds, claim, statement, fraction, entered=True))
    machine.text(x)
    if bounds.certified:
        machine.certificate(claim, statement, x, *r)


def _computed(machine, bounds: Bounds, claim: Claim, statement: Quotient, fraction: Callable):
    """floor(Y*B^words/X), and with a certificate the remainder of its leading words."""
    (r,) = statement.numbers(claim)
    length = r.words(bounds.base)       # X has at most as many digits as r, and two less at least; Y/X is below B
    divisor, dividend = fraction(machine, statement.terms(claim), length)
    lengths = DivisionBounds(length + 1, length, 3)
    kept = (claim.digits + statement.g) // claim.width
    return divide(machine, lengths, dividend, divisor, bounds.words, bounds.words - kept, bounds.certified)
