"""The lemniscate constant 2*omega, the length of the curve r^2 = cos(2t) (plans.limits)."""

from functools import partial

from bigconst.constants.entry import Entry, Way
from bigconst.constants.quotients import REMAINDER, quotient_constant

ENTRY = Entry(
    "lemniscate",
    "digits of the lemniscate constant, 5.244...",
    "Compute the length of the lemniscate, 4 times the integral of 1/sqrt(1 - x^4) from 0 to 1, which is\n"
    "5.2441151..., to N digits after the point.",
    """\
  bigconst lemniscate --digits 1e7               ten million digits into lemniscate.txt, with their proof
  bigconst lemniscate --digits 1e7 --formula gauss --output second.txt
                                                 the same digits from other series
""",
    (Way("1043320250^(-1/4)/sum of (55296k - 53536) .../1658944^k; the root by a binomial series",
         "a series of Ramanujan's kind (docs/series.md)", "4.41 digits a term", 2.1, REMAINDER, "fourth-root"),
     Way("8 arcsl(1/2) + 4 arcsl(7/23), arcsl x the integral of 1/sqrt(1 - x^4) from 0 to x",
         "C. F. Gauss, Werke III", "1.20 and 2.07 digits a term", 6.8, REMAINDER, "gauss")),
    partial(quotient_constant, "lemniscate"),
)
