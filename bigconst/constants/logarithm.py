"""Logarithms of rational numbers of small primes, by sums of fast series or by one series (plans.logarithms)."""

import re
from math import gcd

from bigconst.base.constant import Constant
from bigconst.base.errors import UsageError
from bigconst.constants.entry import Entry, NumberBehind, Way
from bigconst.constants.quotients import REMAINDER, quotient_constant
from bigconst.plans.limits import SINGLE_LOGARITHMS, formulas_of
from bigconst.plans.logarithms import MOST, PRIMES, exponents

_PRIMES_TEXT = f"{', '.join(map(str, PRIMES[:-1]))} and {PRIMES[-1]}"


def parse_ratio(text: str) -> str:
    """A or A/B in lowest terms; raises UsageError for what has no logarithm here."""
    match = re.fullmatch("([0-9]{1,10})(?:/([0-9]{1,10}))?", text)
    a, b = (int(match[1]), int(match[2] or 1)) if match else (0, 0)
    if not b < a < MOST or b < 1:
        #: The number whose logarithm is wanted is above 1: an integer, or a ratio like `3/2`.
        raise UsageError(f"log {text[:40]} is none that can be had", "write an integer A > 1 or a ratio A/B > 1, both "
                                                                   "below 2^31")
    a, b = a // gcd(a, b), b // gcd(a, b)
    if exponents(a, b) is None:
        #: There are fast series for the logarithms of some primes, and so of all numbers that have no others.
        raise UsageError(f"log {text} has other primes than {_PRIMES_TEXT}",
                         "write a number whose prime factors are among these")
    return str(a) if b == 1 else f"{a}/{b}"


def logarithm(ratio: str, formula: str | None = None) -> Constant:
    """The logarithm of A or A/B; raises UsageError where there is no such formula for it."""
    name = f"log {ratio}"
    if formula is not None and formula not in formulas_of(name):
        singles = ", ".join(map(str, SINGLE_LOGARITHMS))
        #: A series by itself is known for the logarithms of a few primes only.
        raise UsageError(f"there is no single series for {name}",
                         f"there is one for log {singles}; leave --formula out")
    return quotient_constant(name, formula)


ENTRY = Entry(
    "log",
    "digits of a logarithm",
    "Compute the natural logarithm of N, or of A/B, to as many digits after the point.  Prime factors are\n"
    f"among {_PRIMES_TEXT}.",
    """\
  bigconst log 2 --digits 1e7                    ten million digits into log2.txt, with their proof
  bigconst log 10 --digits 1e7
  bigconst log 3/2 --digits 1e6                  into log3_2.txt
  bigconst log 2 --digits 1e7 --formula single --output second.txt
                                                 the same digits from another series
""",
    (Way("a series for log 2, log 3 or log 5; for log 3 the next one is faster, and used",
         "docs/series.md", "3.59 digits a term for log 2", 1.5, REMAINDER, "single"),
     Way("sums of L(x) = log (x + 1)/(x - 1), like log 2 = 9 L(26) - L(4801) + 4 L(8749)",
         "series: arXiv 2506.08245", "9.3, 22.9 and 24.5 digits a term for log 2", 1.7, REMAINDER, "sum"),
     Way("a sum of other logarithms", "as of sum", "as of sum", 2.2, REMAINDER, "other-sum")),
    logarithm,
    NumberBehind("A/B", f"A/B or A above 1, of the primes {_PRIMES_TEXT}", parse_ratio, "2"),
)
