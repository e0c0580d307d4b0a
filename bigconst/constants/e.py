"""e = (c + 1)/(c - 1), by the continued fraction [2; 6, 10, 14, ...] of c = coth(1/2)."""

from bigconst.arithmetic.machine import several
from bigconst.arithmetic.splitting import numbers_of_terms
from bigconst.arithmetic.terms import FractionTerms
from bigconst.constants.bounds import Bounds
from bigconst.constants.entry import Entry
from bigconst.constants.quotients import digits_of_quotient, limit


def e(machine, bounds: Bounds) -> None:
    """The digits of e, and their proof."""
    digits_of_quotient(machine, bounds, "e", fraction)


def fraction(machine, terms: tuple[int], length: int):
    """X, of so many words, and Y of plans.quotient."""
    count, = terms
    u, v = several(numbers_of_terms(machine, FractionTerms(), 1, count + 1, ("a", "c")))
    with machine.stage("fraction"):
        return machine.sum("X", [(1, u, 0), (-1, v, 0)], length), machine.sum("Y", [(1, u, 0), (1, v, 0)], length + 1)


E = limit("e", "continued fraction of coth(1/2) by binary splitting, one exact division", e)

ENTRY = Entry(
    "e",
    "digits of e",
    "Compute e = 2.71828... to N digits after the point.",
    """\
  bigconst e --digits 1e8                        100 million digits into e.txt, with their proof
  bigconst e --digits 1000 --output -            digits on the screen
  bigconst e --digits 1e9 --memory 2GiB --swap scratch
                                                 with a scratch directory for what memory does not hold
""",
    "(c + 1)/(c - 1), c = coth(1/2) = [2; 6, 10, 14, ...], by products of matrices (docs/series.md)",
    "L. Euler, De fractionibus continuis dissertatio (1744)",
    "two digits for each digit of the denominators",
    0.3,
    "the remainder of the exact division that made the digits",
    lambda: E,
)
