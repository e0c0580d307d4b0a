"""Catalan's constant, 1 - 1/9 + 1/25 - ..., by series that come nearer faster (plans.limits)."""

from functools import partial

from bigconst.constants.entry import Entry, Way
from bigconst.constants.quotients import REMAINDER, quotient_constant

ENTRY = Entry(
    "catalan",
    "digits of Catalan's constant",
    "Compute Catalan's constant 1 - 1/9 + 1/25 - ... = 0.9159655... to N digits after the point.",
    """\
  bigconst catalan --digits 1e7                  ten million digits into catalan.txt, with their proof
  bigconst catalan --digits 1e7 --formula zuniga --output second.txt
                                                 the same digits from another series
""",
    (Way("2 G = sum of (580k^2 - 184k + 15) 32^(k-1) .../(9^k ...), degree 4 (docs/series.md)",
         "Kh. and T. Hessami Pilehrood, Bivariate identities for Hurwitz zeta values (2010)",
         "2.26 digits a term", 3.7, REMAINDER, "pilehrood"),
     Way("a series whose terms have 8 linear factors above and below (docs/series.md)",
         "J. Zuniga, series for Catalan's constant (2023)", "4.10 digits a term", 4.4, REMAINDER, "zuniga")),
    partial(quotient_constant, "catalan"),
)
