"""The sum of a series whose numbers have a known factor in common, without it, and without ever making them whole.

For pi, N = Q*(A(0) + T/Q) and Q have (K!)^3/24^K in common, more than half of N: root^K times the sum of K terms is an
integer M, and so is root^k times the product of p(i)/q(i) over i = 1 .. k, which is c(k).  The terms are cut into
pieces; with the P, Q and T of a piece that begins after the term k and ends with the term l,

    M(l) = M(k)*root^(l - k) + c(k)*root^(l - k)*T/Q,    c(l) = c(k)*root^(l - k)*P/Q

where the last product of each is an exact quotient: its leading digits are enough.
"""

from decimal import Decimal, localcontext
from functools import partial

from bigconst.arithmetic.division import DivisionBounds, divide
from bigconst.arithmetic.machine import rounded_down, several
from bigconst.arithmetic.splitting import NODE_BYTES, numbers_of_terms
from bigconst.arithmetic.terms import SeriesTerms, words_of
from bigconst.plans.formula import Series
from bigconst.plans.polynomials import PRECISION, log10_product, value
from bigconst.plans.series import words_for_log10

PIECES = 4
"""Pieces into which the terms are cut: with more of them numbers are shorter, but c grows."""
GUARD_WORDS = 40
"""Words of factors beyond those of a quotient: the bound of T may be 15 words too long at 10^13 digits."""
POWER_BYTES = 12
"""Bytes that a power takes at least in memory for each of its words: a transform and the power."""
SPARE = 4
"""Words by which Q may be shorter than its bound."""


def reduced_sum(machine, series: Series, count: int):
    """M(count) and root^count."""
    terms, step = SeriesTerms(series.terms), count // PIECES
    cuts = [0, *(count - (PIECES - 1 - i) * step for i in range(PIECES))]

    def words(size: Decimal) -> int:
        return words_for_log10(size, machine.radix)

    with localcontext(PRECISION):
        log10_root = Decimal(series.root).log10()
        log10_limit = series.limit.log10() + Decimal("0.01")
        steps = [words((stop - start) * log10_root + Decimal("0.01"))
                 for start, stop in zip(cuts, cuts[1:], strict=False)]
        powers = [words(stop * log10_root + Decimal("0.01")) for stop in cuts[1:]]
        sums = [words(stop * log10_root + log10_limit) for stop in cuts[1:]]
        factors = [words(log10_factor(series, stop)) for stop in cuts[1:]]
        # |T/Q| is at most the first term of a piece, and those after it.
        parts = [words(log10_factor(series, start) + (stop - start) * log10_root + log10_first(series, start + 1))
                 for start, stop in zip(cuts, cuts[1:], strict=False)]
    root = machine.call("power", power, series.root, step, least_bytes=POWER_BYTES * steps[-1])
    total = factor = whole = None
    for i, (start, stop) in enumerate(zip(cuts, cuts[1:], strict=False)):
        wanted = "QT" if i + 1 == PIECES else "PQT"
        *p, q, t = several(numbers_of_terms(machine, terms, start + 1, stop + 1, tuple(wanted), count + 1))
        lengths = {name: words_of(terms, name, start + 1, stop + 1, machine.radix) + 2 for name in "PQT"}
        with machine.stage(f"piece {i + 1}"):
            if i == 0:
                scale = whole = root if stop == step else machine.products(
                    "power", [(root, machine.integer("rest", partial(pow, series.root, stop - step),
                                                     steps[0] - steps[1] + 2))], steps[0])
                t = machine.sum("N", [(series.first, q, 0), (1, t, 0)], lengths["T"])
            else:
                scale = machine.products("scale", [(factor, root)], factors[i - 1] + steps[i])
        scale_words = steps[0] if i == 0 else factors[i - 1] + steps[i]
        made = exact_quotient(machine, "sum", (scale, scale_words), (t, lengths["T"]), (q, lengths["Q"]),
                              sums[0] if i == 0 else parts[i])
        factor = exact_quotient(machine, "factor", (scale, scale_words), (p[0], lengths["P"]), (q, lengths["Q"]),
                                factors[i]) if p else None
        with machine.stage(f"piece {i + 1}"):
            if i == 0:
                total = made
            else:
                total = machine.products("M", [(total, root)], sums[i], plus=[(1, made, 0)])
                whole = machine.products("root^k", [(whole, root)], powers[i])
    return total, whole


def log10_factor(series: Series, k: int) -> Decimal:
    """log10 of a bound of |c(k)|."""
    with localcontext(PRECISION):
        found = k * Decimal(series.root).log10() + Decimal("0.01")
        return found + (log10_product(series.terms.p, k) - log10_product(series.terms.q, k) if k else 0)


def log10_first(series: Series, k: int) -> Decimal:
    """log10 of a bound of the sum of t(i)/q(i) times p's and q's from the term k on."""
    with localcontext(PRECISION):
        ratio = Decimal(series.ratio.numerator) / series.ratio.denominator
        return (abs(Decimal(value(series.terms.t, k))) / value(series.terms.q, k) / (1 - ratio)).log10()


def power(machine, base: int, exponent: int):
    """base^exponent, by squaring."""
    with localcontext(PRECISION):
        length = words_for_log10(exponent * Decimal(base).log10() + Decimal("0.01"), machine.radix)
    if length <= 64:
        return machine.integer("power", lambda: base**exponent, length)
    half = machine.call("power", power, base, exponent // 2, least_bytes=POWER_BYTES * length // 2)
    with machine.stage("power"):
        square = machine.products("square", [(half, half)], length)
        if exponent % 2 == 0:
            return square
        return machine.products("power", [(square, machine.integer("base", lambda: base, words_for_log10(
            Decimal(base).log10() + Decimal("0.01"), machine.radix)))], length)


def exact_quotient(machine, name: str, scale: tuple, number: tuple, divisor: tuple, length: int):
    """scale*number/divisor, an integer of at most so many words, from numbers and bounds of their lengths."""
    return machine.call(name, _exact_quotient, scale[0], number[0], divisor[0], (scale[1], number[1], divisor[1]),
                        length, least_bytes=NODE_BYTES * length)


def _exact_quotient(machine, scale, number, divisor, lengths: tuple[int, int, int], length: int):
    keep, two = length + GUARD_WORDS, machine.round_up(2)       # the quotient has as many words behind the point
    cuts = [rounded_down(machine, words - keep) for words in lengths]
    high = [each.high(cut) for each, cut in zip((scale, number, divisor), cuts, strict=True)]
    own = [words - cut for words, cut in zip(lengths, cuts, strict=True)]
    below = rounded_down(machine, own[0] + own[1] - keep)
    with machine.stage("quotient"):
        dividend = machine.products("dividend", [(high[0], high[1])], own[0] + own[1], discard=below).high(below)
    shift = cuts[0] + cuts[1] + below - cuts[2] + two
    if shift < 0:
        dividend, shift, own[1] = dividend.high(-shift), 0, own[1] + shift
    bounds = DivisionBounds(own[0] + own[1] - below, own[2], SPARE)
    quotient = divide(machine, bounds, dividend, high[2], shift, 0, False)
    with machine.stage("quotient"):
        # It is near an integer times B^two, and no farther off than B^(two - 2): its factors have more words than the
        # integer.
        found = machine.sum("near", [(1, quotient.magnitude(), 0), (1, None, two - 1)], length + two + 1)
        found = machine.sum("exact", [(1, found, -two)], length).with_signs(scale, number, divisor)
    machine.agree([(found, divisor)], [(scale, number)])
    return found
