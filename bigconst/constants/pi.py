"""Pi, by the series of D. V. and G. V. Chudnovsky and a unit near sqrt 10005.

    426880*sqrt(10005)/pi = T/Q,   p/q near sqrt 10005,   pi near 426880*p*Q/(T*q)
"""

from bigconst.arithmetic.machine import several
from bigconst.arithmetic.splitting import numbers_of_terms
from bigconst.arithmetic.terms import SeriesTerms, words_of
from bigconst.constants.bounds import Bounds
from bigconst.constants.entry import Entry
from bigconst.constants.quotients import digits_of_quotient, limit
from bigconst.plans.series import CHUDNOVSKY, UNIT, log10_unit, unit_power, words_for_log10

SMALL_POWER = 1000
"""Powers of the unit up to this one are small integers."""


def pi(machine, bounds: Bounds) -> None:
    """The digits of pi, and their proof."""
    digits_of_quotient(machine, bounds, "pi", fraction)


def fraction(machine, terms: tuple[int, int], length: int):
    """X, of so many words, and Y of plans.quotient."""
    (count, power), series = terms, SeriesTerms(CHUDNOVSKY)
    q, t = several(numbers_of_terms(machine, series, 1, count, ("Q", "T")))
    above, below = several(machine.call("unit", unit, power))
    with machine.stage("fraction"):
        t = machine.sum("T", [(CHUDNOVSKY.a[0], q, 0), (1, t, 0)], words_of(series, "Q", 1, count, machine.radix) + 2)
        x = machine.products("X", [(t, below)], length)
        y = machine.products("Y", [(q, above)], length + 1, times=426880)
    return x, y


def unit(machine, power: int):
    """Both parts of a power of the unit (plans.series.UNIT): p + q*sqrt d, by doubling, p^2 - d*q^2 being 1."""
    a, b, d = UNIT
    length = words_for_log10(log10_unit(power), machine.radix)
    if power <= SMALL_POWER:
        return (machine.integer("p", lambda: unit_power(power)[0], length),
                machine.integer("q", lambda: unit_power(power)[1], length))
    p, q = several(machine.call("unit", unit, power // 2))
    with machine.stage(f"unit to the power of {power}"):
        p, q = (machine.products("p doubled", [(p, p)], length, times=2, plus=[(-1, None, 0)]),
                machine.products("q doubled", [(p, q)], length, times=2))
        if power % 2:
            p, q = (machine.sum("p", [(a, p, 0), (b * d, q, 0)], length),
                    machine.sum("q", [(a, q, 0), (b, p, 0)], length))
    return p, q


PI = limit("pi", "Chudnovsky's series by binary splitting, one exact division", pi)

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
""",
    "426880 sqrt 10005/pi = sum A(k) p(1)..p(k)/(q(1)..q(k)), by binary splitting (docs/series.md)",
    "D. V. and G. V. Chudnovsky, Approximations and complex multiplication according to Ramanujan (1988)",
    "14.18 digits a term",
    1.0,
    "the remainder of the exact division that made the digits",
    lambda: PI,
)
