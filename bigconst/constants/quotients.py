"""Programs of numbers with a formula: integers X and Y, digits as their quotient, and the remainder that proves them.

A number is the limit of Y/X (plans.formula), for integers that follow from the number of digits alone; so the quotient
of Y*B^words by X is exact, and its remainder is the certificate.
"""

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal, localcontext
from functools import partial

from bigconst.arithmetic.division import DivisionBounds, divide
from bigconst.arithmetic.machine import several
from bigconst.arithmetic.reduced import reduced_sum
from bigconst.arithmetic.splitting import NODE_BYTES, numbers_of_terms
from bigconst.arithmetic.terms import FractionTerms, SeriesTerms
from bigconst.base.constant import Constant, Limit
from bigconst.constants.bounds import Bounds
from bigconst.plans.claim import Claim
from bigconst.plans.formula import Coth, Formula, FormulaPart, ReducedSeries, Series, UnitRoot
from bigconst.plans.limits import BY, formulas_of, limit
from bigconst.plans.polynomials import PRECISION
from bigconst.plans.quotient import LEAST_GUARD, MARGIN, Quotient
from bigconst.plans.series import words_for_log10

REMAINDER = "the remainder of the exact division that made the digits"
"""What certificates of these numbers are."""
SMALL_POWER = 1000
"""Powers of the unit up to this one are small integers."""
REDUCED_DIGITS = 3 * 10**7
"""From so many digits on numbers are made without what they have in common, where that is known."""
MOST_TIMES = 2**30
"""Numbers are multiplied by integers below this one word by word."""


def quotient_constant(name: str, formula: str | None = None) -> Constant:
    """The constant of this name, by the first of its formulas or by the one of this name, which there is."""
    is_first = formula in (None, formulas_of(name)[0])
    return constant_of_limit(limit(name if is_first else f"{name}{BY}{formula}"))


def constant_of_limit(number: Limit) -> Constant:
    """The constant of a number with a formula."""
    algorithm = f"{' and '.join(dict.fromkeys(part.method for part in number.formula.parts))}, one exact division"
    return Constant(number.name, number.title, algorithm, number.floor, MARGIN,
                    partial(digits_of_quotient, number=number), number, guard_digits=LEAST_GUARD)


def statement_of(bounds: Bounds, formula: Formula) -> Quotient:
    """The statement about as few guard digits as fill a word; what they are is not known yet."""
    guard = -(-(bounds.digits + LEAST_GUARD) // bounds.width) * bounds.width - bounds.digits
    return Quotient(guard, MARGIN, bounds.digits >= REDUCED_DIGITS and formula.reduced is not None)


def digits_of_quotient(machine, bounds: Bounds, number: Limit) -> None:
    """The digits of a limit, and their proof."""
    claim, statement = Claim(number, bounds.base, bounds.digits), statement_of(bounds, number.formula)
    x, *r = several(machine.call("quotient", _computed, bounds, claim, statement, entered=True))
    machine.text(x)
    if bounds.certified:
        machine.certificate(claim, statement, x, *r)


def floor_of_limit(machine, bounds: Bounds, number: Limit):
    """floor(x*B^words) for a limit x; `bounds` says no more than how many words."""
    bounds = replace(bounds, digits=bounds.words * bounds.width, certified=False)
    return _computed(machine, bounds, Claim(number, bounds.base, bounds.digits),
                     statement_of(bounds, number.formula))


def _computed(machine, bounds: Bounds, claim: Claim, statement: Quotient):
    """floor(Y*B^words/X), and with a certificate the remainder of its leading words."""
    (r,) = statement.numbers(claim)
    length = r.words(bounds.base)       # X has at most as many digits as r, and two less at least; Y/X is below B
    divisor, dividend = fraction(machine, statement.formula(claim), statement.counts(claim))
    if statement.is_padded(claim):
        with machine.stage("fraction"):
            padding = machine.integer("padding", partial(_padding, claim, statement),
                                      statement.padding_words(claim, machine.radix))
            divisor, dividend = (machine.products(name, [(number, padding)], words) for name, number, words in (
                ("X", divisor, length), ("Y", dividend, length + 1)))
    lengths = DivisionBounds(length + 1, length, 3)
    kept = (claim.digits + statement.g) // claim.width
    return divide(machine, lengths, dividend, divisor, bounds.words, bounds.words - kept, bounds.certified)


def _padding(claim: Claim, statement: Quotient) -> int:
    """b^h."""
    from bigconst.arithmetic.limits import shortage  # here alone: plans need no kernels

    return claim.base ** statement.padding(claim, shortage(claim, statement, 1))


Sized = tuple[object, Decimal]
"""A number, and log10 of a bound of its magnitude."""


def fraction(machine, formula: Formula, counts: Sequence[int]):
    """X and Y of plans.quotient."""
    pairs = [_numbers_of_part(machine, part, count) for part, count in zip(formula.parts, counts, strict=True)]

    def words(size: Decimal) -> int:
        return words_for_log10(size, machine.radix)

    def product_of(c: int, factors: Sequence[Sized]) -> Sized:
        """c times a product."""
        (number, size), *rest = factors
        with localcontext(PRECISION):
            if c >= MOST_TIMES:
                more = Decimal(c).log10()
                rest.append((machine.integer("factor", lambda: c, words(more)), more))
                c = 1
            for i, (factor, more) in enumerate(rest):
                times = c if i + 1 == len(rest) else 1
                size += more + Decimal(times).log10()
                number = machine.products("product", [(number, factor)], words(size), times=times)
            if c != 1 and not rest:
                size += Decimal(c).log10()
                number = machine.sum("multiple", [(c, number, 0)], words(size))
        return number, size

    def multiple(c: int, factor: Sized) -> Sized:
        number, size = product_of(abs(c), [factor])
        return (number.negated() if c < 0 else number), size

    def sum_of(one: tuple[int, Sized, Sized], other: tuple[int, Sized, Sized]) -> tuple[Sized, Sized]:
        """x*u and c*y*u + d*v*x, of (c, y, x) and (d, v, u)."""
        (c, y, x), (d, v, u) = one, other
        (y, y_size), (v, v_size) = multiple(c, y), multiple(d, v)
        with localcontext(PRECISION):
            size = max(y_size + u[1], v_size + x[1]) + Decimal(2).log10()
        return product_of(1, [x, u]), (machine.products("sum", [(y, u[0]), (v, x[0])], words(size)), size)

    with machine.stage("fraction"):
        (x, _), (y, _) = formula.fraction(pairs, product_of, sum_of)
        return x, y


def _numbers_of_part(machine, part: FormulaPart, count: int) -> tuple[Sized, Sized]:
    """N and Q of so many terms."""
    with localcontext(PRECISION):
        q = part.log10_q(count) + Decimal("1e-5")
        n = q + part.limit.log10() + Decimal("0.1")     # of few terms it may be larger than in the limit
    made = _PROGRAMS[type(part)](machine, part, count, words_for_log10(n, machine.radix),
                                 words_for_log10(q, machine.radix))
    return tuple(zip(made, (n, q), strict=True))


def _series(machine, series: Series, count: int, n_words: int, _q_words: int):
    q, t = several(numbers_of_terms(machine, SeriesTerms(series.terms), 1, count + 1, ("Q", "T")))
    if series.first == 0:
        return t, q
    with machine.stage("fraction"):
        added = [(series.first, q, 0), (1, t, 0)]
        return machine.sum("N", added if series.first > 0 else added[::-1], n_words), q


def _reduced(machine, series: ReducedSeries, count: int, n_words: int, _q_words: int):
    return several(machine.call("reduced sum", reduced_sum, series, count, least_bytes=NODE_BYTES * n_words))


def _coth(machine, _part: Coth, count: int, n_words: int, q_words: int):
    u, v = several(numbers_of_terms(machine, FractionTerms(), 1, count + 1, ("a", "c")))
    with machine.stage("fraction"):
        return (machine.sum("N", [(1, u, 0), (1, v, 0)], n_words), machine.sum("Q", [(1, u, 0), (-1, v, 0)], q_words))


def _root(machine, part: UnitRoot, power: int, _n_words: int, _q_words: int):
    return several(machine.call("unit", unit, part, power))


def unit(machine, part: UnitRoot, power: int):
    """N and Q of a power of the unit, by doubling, N^2 - d*Q^2 being 1."""
    length = words_for_log10(part.log10_q(power) + Decimal(4 * part.d).log10() / 2, machine.radix)
    if power <= SMALL_POWER:
        return (machine.integer("n", lambda: part.power(power)[0], length),
                machine.integer("q", lambda: part.power(power)[1], length))
    n, q = several(machine.call("unit", unit, part, power // 2))
    with machine.stage(f"unit to the power of {power}"):
        n, q = (machine.products("n doubled", [(n, n)], length, times=2, plus=[(-1, None, 0)]),
                machine.products("q doubled", [(n, q)], length, times=2))
        if power % 2:
            a, b, d = part.a, part.b, part.d
            n, q = (machine.sum("n", [(a, n, 0), (b * d, q, 0)], length),
                    machine.sum("q", [(a, q, 0), (b, n, 0)], length))
    return n, q


_PROGRAMS = {Series: _series, ReducedSeries: _reduced, Coth: _coth, UnitRoot: _root}
