"""The sum of a series whose terms are known multiples of integers (plans.factorials), without ever making the numbers
that binary splitting alone makes, which have a known factor in common.

With w(k), the product of p(i)/q(i) over i = 1 .. k, and w(k)*(b/a)^k = F(k), or -F(k), the C*D*F(k) for k = s .. e have
a known factor g in common, D = D(K): the product of the primes l above a bound that divide all of them, as often as
they do.  With T/Q, the sum of the terms s + 1 .. e relative to w(s), of which the first one comes from those terms
alone, and the second one from the sums of the halves of a range,

    U(s, e) = C*D*F(s)/g(s, e) * b^(e - s)*T/Q
    U(s, e) = U(s, m)*b^(e - m)*g(s, m)/g(s, e) + U(m, e)*a^(m - s)*g(m, e)/g(s, e)

are integers.  The first one is an exact quotient, of which leading digits are enough.  For s = 0 and e = K the factor g
is 1, and U(0, K) is C*D*b^K times the sum of the series.
"""

from dataclasses import dataclass, field
from decimal import Decimal, localcontext
from functools import cache, cached_property, partial

from bigconst.arithmetic.division import DivisionBounds, divide
from bigconst.arithmetic.leading import Kept, leading_numbers
from bigconst.arithmetic.machine import TooSmall, made_bytes, several
from bigconst.arithmetic.primes import PrimeProduct, product_of_primes
from bigconst.arithmetic.splitting import NODE_BYTES, Part
from bigconst.arithmetic.terms import SeriesTerms, words_of
from bigconst.plans.factorials import Factorials, below, between, passed
from bigconst.plans.formula import ReducedSeries, Series
from bigconst.plans.polynomials import PRECISION, log10_product, value
from bigconst.plans.series import words_for_log10

LEVELS, MOST_LEVELS = 2, 12
"""How often the terms are halved, at least and at most: with more levels numbers are shorter, but there are more of
primes."""
LOWEST = 2
"""Primes count that are above so many times the terms of a range: with smaller ones sums are shorter, but what they are
multiplied by is longer."""
GUARD_WORDS = 40
"""Words of factors beyond those of a quotient."""
WIDER_WORDS, WIDEST_WORDS = 20, 40
"""Words by which a quotient is longer than an integer, as it is planned, and at most: T may have as many more words, or
less, than Q by their bounds."""
RANGE_BYTES, HELD_BYTES = 42, 24
"""Bytes of memory that a range without halves takes at most for each word of its Q: in all, and beside a number that is
made in memory of its own."""
POWER_BYTES = 12
"""Bytes that a power takes at least in memory for each of its words: a transform and the power."""
SPARE = 4
"""Words by which Q may be shorter than its bound."""


@dataclass(frozen=True)
class _Tree:
    """The terms of a series, in 2^levels ranges: the first one is longer by the rest, all others are equal."""

    series: Series
    count: int
    """number of terms; k = 0 is one more"""
    levels: int
    most_made: int
    """words of the longest numbers that are made in memory of their own"""

    @property
    def size(self) -> int:
        """Terms of a range."""
        return self.count >> self.levels

    @property
    def rest(self) -> int:
        """Terms by which the first range is longer."""
        return self.count - (self.size << self.levels)

    @property
    def factorials(self) -> Factorials:
        """What its terms are made of."""
        return self.series.factorials

    def low(self, level: int) -> int:
        """Primes above this one count at a level; no two rises or falls are at the same k for them."""
        return max(LOWEST * self.size << level, self.factorials.most**2)

    def end(self, level: int, index: int) -> int:
        """The last k of a range."""
        return self.rest + ((index + 1) * self.size << level)

    def start(self, level: int, index: int) -> int:
        """The k before the first term of a range."""
        return self.end(level, index - 1) if index else 0

    def terms(self, level: int) -> int:
        """Terms of the longest range of a level."""
        return (self.size << level) + self.rest

    def log_factor(self, level: int) -> float:
        """Bound of log C*D*F(s)/g at a level."""
        return (below(self.factorials, self.low(level), self.count)
                + passed(self.factorials.falls, self.terms(level), self.count, self.low(level)))

    @cached_property
    def log_sums(self) -> tuple[Decimal, ...]:
        """Bound of log10 |U| by levels, at the widest."""
        return tuple(map(self._log_sum, range(self.levels + 1)))

    def _log_sum(self, level: int) -> Decimal:
        series = self.series
        with localcontext(PRECISION):
            # The first terms of ranges are largest at one end.
            first = max(_relative_sum(series, k) for k in (1, self.count))
            return (Decimal(self.log_factor(level)) / Decimal(10).ln() + first.log10()
                    + self.terms(level) * Decimal(self.factorials.b).log10() + Decimal("0.01"))


def _relative_sum(series: Series, k: int) -> Decimal:
    """Bound of |T/Q| for terms from k on: the first one, and those after it, each smaller by the ratio of terms."""
    with localcontext(PRECISION):
        rest = 1 - Decimal(series.ratio.numerator) / series.ratio.denominator
        first = abs(Decimal(value(series.terms.t, k))) / value(series.terms.q, k) / rest
        return max(first, series.limit) if k < max(series.start, 2) else first


@dataclass(frozen=True)
class _Range:
    """A range of a level; those that have the same lengths are equal."""

    tree: _Tree
    level: int
    index: int = field(compare=False)
    is_first: bool

    @classmethod
    def of(cls, tree: _Tree, level: int, index: int) -> "_Range":
        """The range of this index."""
        return cls(tree, level, index, index == 0)

    def title(self, machine) -> str:
        """Name for people of the stage in which its sum is made; in memory alike ranges have one."""
        return "sum" if machine.in_memory else f"sum {self.index + 1} of {1 << self.tree.levels - self.level}"

    @property
    def bounds(self) -> tuple[int, int, int]:
        """First k, the k after the last one, and the prime above which primes count."""
        return (self.tree.start(self.level, self.index), self.tree.end(self.level, self.index) + 1,
                self.tree.low(self.level))

    def halves(self) -> "tuple[_Range, _Range]":
        """Those of the level below."""
        return (_Range.of(self.tree, self.level - 1, 2 * self.index),
                _Range.of(self.tree, self.level - 1, 2 * self.index + 1))

    def leading(self) -> PrimeProduct:
        """C*D*F(s)/g of the range, without C."""
        tree = self.tree
        return PrimeProduct(tree.factorials, tree.count, tree.log_factor(self.level), whole=self.bounds)

    def relative(self, half: "_Range", second: bool) -> PrimeProduct:
        """g of a half, divided by that of the range."""
        tree, factorials = self.tree, self.tree.factorials
        low, high = half.bounds[2], self.bounds[2]
        size = (between(factorials, low, high, tree.count)
                + passed(factorials.rises if second else factorials.falls, tree.terms(half.level), tree.count, high))
        return PrimeProduct(factorials, tree.count, size, whole=self.bounds, half=half.bounds)


@dataclass(frozen=True)
class _Powers:
    """Powers of a and of b for the terms of a range of each level but the highest ones; None for those of 1."""

    tree: _Tree
    a: tuple
    b: tuple

    @classmethod
    def of(cls, machine, tree: _Tree) -> "_Powers":
        """Those of a tree: b^K follows from the last one."""
        factorials = tree.factorials
        return cls(tree, _ladder(machine, tree, factorials.a, tree.levels - 1),
                   _ladder(machine, tree, factorials.b, tree.levels))


def _ladder(machine, tree: _Tree, base: int, last: int) -> tuple:
    """base^(size*2^level) for the levels up to `last`."""
    if base == 1 or last < 0:
        return (None,) * (last + 1)
    found = [machine.call("power", power, base, tree.size, least_bytes=POWER_BYTES * _power_words(
        machine, base, tree.size))]
    for level in range(1, last + 1):
        with machine.stage("power"):
            found.append(machine.products("square", [(found[-1], found[-1])],
                                          _power_words(machine, base, tree.size << level)))
    return tuple(found)


def reduced_sum(machine, series: ReducedSeries, count: int):
    """C*D*b^count times the sum of the series, and C*D*b^count."""
    tree = _Tree(series, count, _levels(machine, series, count), machine.most_made)
    firsts = [_Range.of(tree, level, 0) for level in range(tree.levels + 1)]
    products = [firsts[0].leading(), *(each.relative(each.halves()[0], False) for each in firsts[1:])]
    factors = tuple(product_of_primes(machine, "denominator", each, tree.most_made) if tree.factorials.minima else None
                    for each in products)
    powers = _Powers.of(machine, tree)
    found = _sum(machine, firsts[-1], powers, factors)
    with machine.stage("denominator"):
        words = _power_words(machine, tree.factorials.b, count)
        most = words_for_log10(series.log10_q(count), machine.radix)
        product = _times_rest(machine, tree, tree.factorials.b, powers.b[-1], tree.levels)
        for one, factor in zip(products, factors, strict=True):
            words = min(most, words + one.words(machine.radix))
            product = _product(machine, "product", factor, product, most if factor is factors[-1] else words)
        return found, _multiple(machine, product, tree.factorials.constant, most)


def _product(machine, name: str, one, other, words: int):
    """one*other, where None stands for 1."""
    if one is None or other is None:
        return other if one is None else one
    return machine.products(name, [(one, other)], words)


def _multiple(machine, number, times: int, words: int):
    return number if times == 1 else machine.sum("multiple", [(times, number, 0)], words)


def _levels(machine, series: Series, count: int) -> int:
    """How often the terms are halved: until the numbers of a range are made in memory."""
    levels, terms = LEVELS, SeriesTerms(series.terms)
    if machine.in_memory and not machine.lean and series.factorials.minima:
        levels = 0      # more levels take time for the primes of D

    def needed() -> int:
        tree = _Tree(series, count, levels, 0)
        words = min(words_of(terms, "Q", count + 1 - tree.terms(0), count + 1, machine.radix),
                    2 * words_for_log10(tree.log_sums[0], machine.radix))
        return max(RANGE_BYTES * words, made_bytes(min(words, machine.most_made)) + HELD_BYTES * words)

    if machine.workspace_bytes is not None:
        while levels < MOST_LEVELS and 4 << levels < count and needed() > machine.workspace_bytes:
            levels += 1
    return levels


def _power_words(machine, root: int, exponent: int) -> int:
    with localcontext(PRECISION):
        return words_for_log10(exponent * Decimal(root).log10() + Decimal("0.01"), machine.radix)


def _times_rest(machine, tree: _Tree, base: int, number, level: int):
    """The power of a level, times that for the rest of the terms."""
    if number is None or not tree.rest:
        return number
    return machine.products("power", [(number, machine.integer("rest", partial(pow, base, tree.rest), _power_words(
        machine, base, tree.rest)))], _power_words(machine, base, tree.terms(level)))


def _sum(machine, one: _Range, powers: _Powers, factors: tuple):
    """U of a range; `factors` are those of D for the first range of each level."""
    words, factor = words_for_log10(one.tree.log_sums[one.level], machine.radix), factors[one.level]
    if one.level == 0:
        return machine.call("range", _leaf, one, powers.b[0], factor, least_bytes=NODE_BYTES * words)
    left, right = (_sum(machine, half, powers, factors) for half in one.halves())
    return machine.call("sum", _joined, one, words, powers.a[one.level - 1], powers.b[one.level - 1], factor, left,
                        right, least_bytes=NODE_BYTES * words)


def _joined(machine, one: _Range, words: int, a_power, b_power, factor, left, right):
    tree, (first, second) = one.tree, one.halves()

    def scale(half: _Range, is_second: bool, power, power_words: int):
        """g of a half relative to that of the range, times a power, and its length."""
        relative = one.relative(half, is_second)
        if one.is_first and not is_second:
            primes = factor
        else:
            primes = product_of_primes(machine, "primes", relative, tree.most_made)
        length = power_words + (0 if primes is None else relative.words(machine.radix))
        with machine.stage(one.title(machine)):
            return _product(machine, "scale", primes, power, length), length

    if a_power is not None and one.is_first:
        with machine.stage("power"):
            a_power = _times_rest(machine, tree, tree.factorials.a, a_power, first.level)
    a, b = (_power_words(machine, base, count) for base, count in (
        (tree.factorials.a, tree.terms(first.level)), (tree.factorials.b, tree.size << second.level)))
    left_scale, _ = scale(first, False, b_power, b)
    right_scale, length = scale(second, True, a_power, a)
    length += words_for_log10(tree.log_sums[second.level], machine.radix)
    with machine.stage(one.title(machine)):
        # The second product is much shorter, so that both together would take as long, and more room.
        right = machine.products("second half", [(right, right_scale)], min(words, length))
        return machine.products("U", [(left, left_scale)], words, plus=[(1, right, 0)])


def _leaf(machine, one: _Range, power, factor):
    tree, (start, stop, _) = one.tree, one.bounds
    series, length = tree.series, words_for_log10(tree.log_sums[0], machine.radix)
    factorials, scale_words = tree.factorials, _power_words(machine, tree.factorials.b, tree.terms(0))
    with machine.stage("quotient"):
        if one.is_first:
            power = _times_rest(machine, tree, factorials.b, power, 0)
    scale = factor if one.is_first else product_of_primes(machine, "primes", one.leading(), tree.most_made)
    scale_words += 0 if scale is None else one.leading().words(machine.radix)
    with machine.stage("quotient"):
        scale = _multiple(machine, _product(machine, "scale", scale, power, scale_words), factorials.constant,
                          scale_words)
    if series.terms.p[-1] < 0 and start % 2:
        scale = scale.negated()
    terms, part = SeriesTerms(series.terms), Part(stop - start - 1, tree.count + 1, start + 1)
    kept = Kept.on(machine, max(length, scale_words) + 2 * GUARD_WORDS, alike=True)
    q, t = several(machine.call("terms", leading_numbers, terms, part, ("Q", "T"), kept, tree.most_made))
    cut = kept.cut(terms, part)
    with localcontext(PRECISION):
        q_log = log10_product(series.terms.q, stop - 1) - log10_product(series.terms.q, start) + Decimal("1e-6")
        q_words, t_words = (words_for_log10(each, machine.radix) - cut for each in (
            q_log, q_log + _relative_sum(series, start + 1).log10() + Decimal("0.01")))
    if one.is_first and series.first:
        with machine.stage("quotient"):
            t = machine.sum("N", [(series.first, q, 0), (1, t, 0)], t_words)
    found = machine.call("sum", exact_quotient, scale, t, q, (scale_words, t_words, q_words), length)
    residues = cache(partial(_residues, series, start + 1, stop, series.first if one.is_first else 0))
    q, t = (machine.integer(name, lambda i=i: residues()[i], words_for_log10(Decimal(19), machine.radix))
            for i, name in enumerate(("Q modulo p", "N modulo p")))
    machine.agree([(found, q)], [(scale, t)])
    return found


def _residues(series: Series, start: int, stop: int, first: int) -> tuple[int, int]:
    """Q and first*Q + T modulo the prime of checks, by the recurrence of terms."""
    from bigconst.arithmetic.words import MERSENNE_61  # here alone: plans need no kernels

    found = SeriesTerms(series.terms).residues(start, stop, MERSENNE_61)
    return found["Q"], (first * found["Q"] + found["T"]) % MERSENNE_61


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


def exact_quotient(machine, scale, number, divisor, lengths: tuple[int, int, int], length: int):
    """scale*number/divisor, an integer of at most so many words, in memory, where leading words of number and divisor
    are enough.  Raises TooSmall on disk.

    The three have at most as many words as `lengths` says, and the divisor hardly less.  What is planned depends on the
    length of the scale and on that of the integer alone.
    """
    if not machine.in_memory:
        raise TooSmall(length)      # its shifts are no whole chunks
    keep = max(length, lengths[0]) + GUARD_WORDS
    more = WIDER_WORDS - (lengths[1] - lengths[2])   # words behind the point, of which the integer has none

    def leading(name: str, x, words: int):
        """x*B^(keep - words), of `keep` words."""
        return machine.sum(name, [(1, x.magnitude(), keep - words)], keep)

    with machine.stage("quotient"):
        high, top, below = (leading(name, x, words) for name, x, words in
                            zip(("scale", "number", "divisor"), (scale, number, divisor), lengths, strict=True))
        dividend = machine.products("dividend", [(high, top)], 2 * keep, discard=keep).high(keep)
    quotient = divide(machine, DivisionBounds(keep, keep, SPARE), dividend, below, lengths[0] + WIDER_WORDS, 0, False)
    with machine.stage("quotient"):
        # It is near an integer times B^more, and no farther off than B^(more - 2): its factors have more words than the
        # integer.
        found = machine.sum("near", [(1, quotient, 0), (1, None, more - 1)], length + WIDEST_WORDS + 1)
        return machine.sum("exact", [(1, found, -more)], length).with_signs(scale, number, divisor)
