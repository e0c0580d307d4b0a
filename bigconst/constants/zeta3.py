"""Zeta(3), the sum of 1/k^3, by series that come nearer faster (plans.limits)."""

from functools import partial

from bigconst.constants.entry import Entry, Way
from bigconst.constants.quotients import REMAINDER, quotient_constant

ENTRY = Entry(
    "zeta3",
    "digits of zeta(3), Apery's constant",
    "Compute zeta(3) = 1 + 1/8 + 1/27 + ... = 1.2020569... to N digits after the point.",
    """\
  bigconst zeta3 --digits 1e7                    ten million digits into zeta3.txt, with their proof
  bigconst zeta3 --digits 1e7 --formula wedeniwski --output second.txt
                                                 the same digits from another series
""",
    (Way("a series whose terms have 14 linear factors above and below (docs/series.md)",
         "J. Zuniga, series for zeta(3), number vi (2023)", "11.86 digits a term", 2.6, REMAINDER, "zuniga"),
     Way("10368 zeta(3) = 12463 + sum of terms with k^5 (2k - 1)^3 above",
         "S. Wedeniwski, The value of zeta(3) to 1,000,000 places (1998)",
         "5.04 digits a term", 3.6, REMAINDER, "wedeniwski"),
     Way("64 zeta(3) = 77 + sum of (-1)^k k!^10 (205k^2 + 250k + 77)/(2k + 1)!^5",
         "T. Amdeberhan and D. Zeilberger, Hypergeometric series acceleration via the WZ method (1997)",
         "3.01 digits a term", 4.0, REMAINDER, "amdeberhan")),
    partial(quotient_constant, "zeta3"),
)
