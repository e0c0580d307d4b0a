"""Pi, by Chudnovsky's series and a unit near sqrt 10005, or by Ramanujan's and one near sqrt 2 (plans.limits)."""

from functools import partial

from bigconst.constants.entry import Entry, Way
from bigconst.constants.quotients import REMAINDER, quotient_constant

ENTRY = Entry(
    "pi",
    "digits of pi",
    "Compute pi = 3.14159... to N digits after the point.",
    """\
  bigconst pi --digits 1e8                       100 million digits into pi.txt, with their proof
  bigconst pi --digits 1000 --output -           digits on the screen
  bigconst pi --digits 1e8 --base 16             the same precision in hexadecimal, into pi.hex.txt
  bigconst pi --digits 1e9 --memory 2GiB --swap scratch
                                                 with a scratch directory for what memory does not hold
  bigconst pi --digits 1e8 --formula ramanujan --output second.txt
                                                 the same digits from another series
""",
    (Way("426880 sqrt 10005/pi = sum A(k) p(1)..p(k)/(q(1)..q(k)), by binary splitting (docs/series.md)",
         "D. V. and G. V. Chudnovsky, Approximations according to Ramanujan (1988)",
         "14.18 digits a term", 1.0, REMAINDER, "chudnovsky"),
     Way("9801 sqrt 2/(4 pi) = sum (1103 + 26390k) (4k)!/(k!^4 396^(4k))",
         "S. Ramanujan, Modular equations and approximations to pi (1914)",
         "7.98 digits a term", 1.3, REMAINDER, "ramanujan")),
    partial(quotient_constant, "pi"),
)
