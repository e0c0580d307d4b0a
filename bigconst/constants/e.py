"""e = (c + 1)/(c - 1), by the continued fraction [2; 6, 10, 14, ...] of c = coth(1/2), or by the series of 1/k!."""

from functools import partial

from bigconst.constants.entry import Entry, Way
from bigconst.constants.quotients import REMAINDER, quotient_constant

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
    (Way("(c + 1)/(c - 1), c = coth(1/2) = [2; 6, 10, 14, ...], by products of matrices (docs/series.md)",
         "L. Euler, De fractionibus continuis dissertatio (1744)",
         "two digits for each digit of the denominators", 0.3, REMAINDER, "fraction"),
     Way("the sum of 1/k!", "I. Newton, De analysi per aequationes (1669)",
         "as many as k has", 0.6, REMAINDER, "factorials")),
    partial(quotient_constant, "e"),
)
