"""Euler's constant, by the algorithm of R. P. Brent and E. M. McMillan with Bessel functions.

    gamma = S/I - K/I^2 - log x,   I, S = sums of x^(2k)/k!^2 and of H_k*x^(2k)/k!^2 over k < N
    K = 1/(4x) * sum of (2k)!^3/(k!^4*(16x)^(2k)) over k < 2x

It is off by less than 24*exp(-8x) for N >= 4.9706258x + 1 (R. P. Brent and F. Johansson, A bound for the error term in
the Brent-McMillan algorithm, Math. Comp. 84, 2015).
"""

from decimal import Decimal, localcontext
from functools import partial
from math import log

from bigconst.arithmetic.division import DivisionBounds, divide
from bigconst.arithmetic.leading import Kept, leading_numbers
from bigconst.arithmetic.machine import rounded_down, several
from bigconst.arithmetic.splitting import Part
from bigconst.arithmetic.terms import HarmonicTerms, SeriesTerms, words_of
from bigconst.base.constant import Constant, Limit
from bigconst.constants.bounds import Bounds
from bigconst.constants.entry import Entry, Way
from bigconst.constants.quotients import floor_of_limit
from bigconst.plans.limits import BY
from bigconst.plans.logarithms import log_by_sum
from bigconst.plans.polynomials import PRECISION
from bigconst.plans.series import Hypergeometric, words_for_log10

SECOND = "second-parameter"
"""The formula with another x."""
GUARD_WORDS = 4
"""Words that numbers have below what their errors are counted in."""
ERROR = 100
"""Bound on the error of what is computed, in units of its last word."""
SPARE = 3
"""Words by which divisors may be shorter than their bounds say."""


def parameter(bounds: Bounds, is_second: bool) -> int:
    """x with 24*exp(-8x) below a hundredth of the last word, of the primes 2, 3 and 5; a second one is a tenth larger,
    at least."""
    found = smooth(max(10, int((bounds.words * log(bounds.radix) + 10) / 8 * (1 + 1e-9)) + 1))
    return smooth(max(found + 1, found * 11 // 10)) if is_second else found


def smooth(least: int) -> int:
    """The least number from here on that has no primes but 2, 3 and 5."""
    found, fives = 2 * least, 1
    while fives < 2 * least:
        threes = fives
        while threes < 2 * least:
            twos = threes << max(0, (-(-least // threes) - 1).bit_length())
            found, threes = min(found, twos), 3 * threes
        fives *= 5
    return found


def gamma(machine, bounds: Bounds, is_second: bool) -> None:
    """The digits of Euler's constant."""
    machine.text(machine.call("gamma", value, bounds, parameter(bounds, is_second), entered=True))


def value(machine, bounds: Bounds, x: int):
    """gamma as words."""
    ratio, rest = several(machine.call("bessel functions", bessel, bounds, x))
    formula = log_by_sum(x, 1)
    logarithm = machine.call("logarithm", floor_of_limit, bounds,
                             Limit(f"log {x}", f"Logarithm of {x}", int(formula.value), formula))
    with machine.stage("gamma"):
        return machine.sum("x", [(1, ratio, 0), (-1, logarithm, 0), (-1, rest, 0)], bounds.words + 1)


def bessel(machine, bounds: Bounds, x: int):
    """S/I and K/I^2, both times B^words."""
    terms, stop, kept = HarmonicTerms(x), -(-x * 4970626 // 1000000) + 2, Kept.on(machine, bounds.words + GUARD_WORDS)
    q, t, u = several(machine.call("sums", leading_numbers, terms, Part(stop - 1, stop, 1), ("Q", "T", "U"), kept))
    cut = kept.cut(terms, Part(stop - 1, stop, 1))
    with localcontext(PRECISION):
        log10_q = terms.log10("Q", 1, stop)
        # I(2x) is near exp(2x)/sqrt(4*pi*x), and S not above I*(log x + 1).
        log10_v = log10_q + (2 * Decimal(x) - (Decimal(x) * 12).ln() / 2) / Decimal(10).ln() + Decimal("0.1")
        log10_u = log10_v + (Decimal(x).ln() + 1).log10()
    words_q, words_v, words_u = (words_for_log10(each, machine.radix) - cut for each in (log10_q, log10_v, log10_u))
    with machine.stage("ratio"):
        v = machine.sum("V", [(1, q, 0), (1, t, 0)], words_v)
    ratio = machine.call("ratio", divide, DivisionBounds(words_u, words_v, SPARE), u, v, bounds.words, 0, False)
    # K/I^2 is less than B^-(words/2), so that half of all words are enough for it.
    half = Kept.on(machine, bounds.words // 2 + GUARD_WORDS)
    asymptotic = SeriesTerms(Hypergeometric((-1, 6, -12, 8), (0, 32 * x * x), (-1, 6, -12, 8)))
    k_q, k_t = several(machine.call("asymptotic series", leading_numbers, asymptotic, Part(2 * x - 1, 2 * x, 1),
                                    ("Q", "T"), half))
    words_k = words_of(asymptotic, "Q", 1, 2 * x, machine.radix) + 1 - half.cut(asymptotic, Part(2 * x - 1, 2 * x, 1))
    cut_q, cut_v = (rounded_down(machine, words - half.words) for words in (words_q, words_v))
    words_q, words_v = words_q - cut_q, words_v - cut_v
    above, below = 2 * words_q + words_k, 2 * words_v + words_k + 1
    with machine.stage("rest"):
        k_n = machine.sum("K", [(1, k_q, 0), (1, k_t, 0)], words_k)
        q, v = q.high(cut_q), v.high(cut_v)
        dividend = machine.products("dividend", [(machine.products("Q squared", [(q, q)], 2 * words_q), k_n)], above)
        divisor = machine.products("divisor", [(machine.products("V squared", [(v, v)], 2 * words_v), k_q)], below,
                                   times=4)
        divisor = machine.sum("divisor", [(x, divisor, 0)], below)
    rest = machine.call("rest", divide, DivisionBounds(above, below, 2 * SPARE), dividend, divisor,
                        bounds.words + 2 * (cut_q - cut_v), 0, False)
    return ratio, rest


def constant(formula: str = "brent-mcmillan") -> Constant:
    """Euler's constant with the usual parameter, or with a second one."""
    is_second = formula == SECOND
    return Constant(f"gamma{BY}{SECOND}" if is_second else "gamma", "Euler's constant",
                    "Brent and McMillan's algorithm by binary splitting", 0, ERROR, partial(gamma, is_second=is_second))


_WAY = ("S/I - K/I^2 - log x, with sums of H_k x^(2k)/k!^2 and x^(2k)/k!^2",
        "R. P. Brent and E. M. McMillan (1980); R. P. Brent and F. Johansson (2015)",
        "0.7 digits a term", 20.0, "none: its exact numbers are 25 times as long; --verify computes it twice")
ENTRY = Entry(
    "gamma",
    "digits of Euler's constant",
    "Compute Euler's constant, the limit of 1 + 1/2 + ... + 1/n - log n = 0.5772156..., to N digits after the\n"
    "point.  There is no certificate of useful size: every product is checked, and --verify computes all of it\n"
    "once more with another parameter.",
    """\
  bigconst gamma --digits 1e6                    a million digits into gamma.txt
  bigconst gamma --digits 1e6 --verify           and once more with another parameter, to be compared
""",
    (Way(*_WAY, "brent-mcmillan"), Way(_WAY[0] + ", x a tenth larger", *_WAY[1:], SECOND)),
    constant,
    is_verified_twice=True,
)
