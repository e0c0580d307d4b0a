"""The sum of a series whose terms are known multiples of integers (plans.factorials), without ever making the numbers
that binary splitting alone makes, which have a known factor in common.

With w(k), the product of p(i)/q(i) over i = 1 .. k, the product root^k*w(k) is F(k), or -F(k).  The F(k) for k = s .. e
have a known factor g in common: the product of the primes l above a bound that divide all of them, as often as they do.
With T/Q, the sum of the terms s + 1 .. e relative to w(s), of which the first one comes from those terms alone, and the
second one from the sums of the halves of a range,

    U(s, e) = F(s)/g(s, e) * root^(e - s)*T/Q
    U(s, e) = U(s, m)*root^(e - m)*g(s, m)/g(s, e) + U(m, e)*g(m, e)/g(s, e)

are integers.  The first one is an exact quotient, of which leading digits are enough.  For s = 0 the factor g is 1, and
U(0, K) is root^K times the sum of the series.
"""

from dataclasses import dataclass, field
from decimal import Decimal, localcontext
from functools import cached_property, partial

from bigconst.arithmetic.division import DivisionBounds, divide
from bigconst.arithmetic.machine import TooSmall, made_bytes, several
from bigconst.arithmetic.primes import PrimeProduct, product_of_primes
from bigconst.arithmetic.splitting import NODE_BYTES, numbers_of_terms
from bigconst.arithmetic.terms import SeriesTerms, words_of
from bigconst.plans.factorials import below, between, passed
from bigconst.plans.formula import Series
from bigconst.plans.polynomials import PRECISION, value
from bigconst.plans.series import words_for_log10

LEVELS, MOST_LEVELS = 2, 10
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
RANGE_BYTES, HELD_BYTES = 34, 24
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

    def low(self, level: int) -> int:
        """Primes above this one count at a level."""
        return LOWEST * self.size << level

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
        """Bound of log F(s)/g at a level."""
        jumps = self.series.factorials
        return (below(jumps, self.low(level), self.count)
                + passed(jumps.falls, self.terms(level), self.count, self.low(level)))

    @cached_property
    def log_sums(self) -> tuple[Decimal, ...]:
        """Bound of log10 |U| by levels, at the widest."""
        return tuple(map(self._log_sum, range(self.levels + 1)))

    def _log_sum(self, level: int) -> Decimal:
        series = self.series
        with localcontext(PRECISION):
            # |T/Q| is at most the first term of a range, and those after it; t has a higher degree than q.
            rest = 1 - Decimal(series.ratio.numerator) / series.ratio.denominator
            first = abs(Decimal(value(series.terms.t, self.count))) / value(series.terms.q, self.count) / rest
            return (Decimal(self.log_factor(level)) / Decimal(10).ln() + max(first, series.limit).log10()
                    + self.terms(level) * Decimal(series.root).log10() + Decimal("0.01"))


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
        """F(s)/g of the range."""
        tree = self.tree
        return PrimeProduct(tree.series.factorials, tree.count, tree.log_factor(self.level), whole=self.bounds)

    def relative(self, half: "_Range", second: bool) -> PrimeProduct:
        """g of a half, divided by that of the range."""
        tree, jumps = self.tree, self.tree.series.factorials
        low, high = half.bounds[2], self.bounds[2]
        size = (between(jumps, low, high, tree.count)
                + passed(jumps.rises if second else jumps.falls, tree.terms(half.level), tree.count, high))
        return PrimeProduct(jumps, tree.count, size, whole=self.bounds, half=half.bounds)


def reduced_sum(machine, series: Series, count: int):
    """root^count times the sum of the series, and root^count."""
    tree = _Tree(series, count, _levels(machine, series, count), machine.most_made)
    powers = [machine.call("power", power, series.root, tree.size, least_bytes=POWER_BYTES * _power_words(
        machine, series.root, tree.size))]
    for level in range(1, tree.levels + 1):
        with machine.stage("power"):
            powers.append(machine.products("square", [(powers[-1], powers[-1])],
                                           _power_words(machine, series.root, tree.size << level)))
    found = _sum(machine, _Range.of(tree, tree.levels, 0), powers)
    with machine.stage("power"):
        return found, _times_rest(machine, tree, powers[-1], tree.levels)


def _levels(machine, series: Series, count: int) -> int:
    """How often the terms are halved: until the numbers of a range are made in memory."""
    levels, terms = LEVELS, SeriesTerms(series.terms)

    def needed() -> int:
        longest = _Tree(series, count, levels, 0).terms(0)
        words = words_of(terms, "Q", count + 1 - longest, count + 1, machine.radix)
        return max(RANGE_BYTES * words, made_bytes(min(words, machine.most_made)) + HELD_BYTES * words)

    if machine.workspace_bytes is not None:
        while levels < MOST_LEVELS and 4 << levels < count and needed() > machine.workspace_bytes:
            levels += 1
    return levels


def _power_words(machine, root: int, exponent: int) -> int:
    with localcontext(PRECISION):
        return words_for_log10(exponent * Decimal(root).log10() + Decimal("0.01"), machine.radix)


def _times_rest(machine, tree: _Tree, number, level: int):
    """The power of a level, times that for the rest of the terms."""
    if not tree.rest:
        return number
    root, terms = tree.series.root, tree.terms(level)
    return machine.products("power", [(number, machine.integer("rest", partial(pow, root, tree.rest), _power_words(
        machine, root, tree.rest)))], _power_words(machine, root, terms))


def _sum(machine, one: _Range, powers):
    """U of a range."""
    words = words_for_log10(one.tree.log_sums[one.level], machine.radix)
    if one.level == 0:
        return machine.call("range", _leaf, one, powers[0], least_bytes=NODE_BYTES * words)
    left, right = (_sum(machine, half, powers) for half in one.halves())
    return machine.call("sum", _joined, one, words, powers[one.level - 1], left, right, least_bytes=NODE_BYTES * words)


def _joined(machine, one: _Range, words: int, power, left, right):
    first, second = one.halves()
    if not one.is_first:
        relative = one.relative(first, False)
        primes = product_of_primes(machine, "primes", relative, one.tree.most_made)
        with machine.stage(one.title(machine)):
            power = machine.products("scale", [(power, primes)], relative.words(machine.radix) + _power_words(
                machine, one.tree.series.root, one.tree.size << first.level))
    relative = one.relative(second, True)
    primes = product_of_primes(machine, "primes", relative, one.tree.most_made)
    with machine.stage(one.title(machine)):
        # The second product is much shorter, so that both together would take as long, and more room.
        right = machine.products("second half", [(right, primes)], min(words, relative.words(
            machine.radix) + words_for_log10(one.tree.log_sums[second.level], machine.radix)))
        return machine.products("U", [(left, power)], words, plus=[(1, right, 0)])


def _leaf(machine, one: _Range, power):
    tree, (start, stop, _) = one.tree, one.bounds
    series, terms = tree.series, SeriesTerms(tree.series.terms)
    q, t = several(numbers_of_terms(machine, terms, start + 1, stop, ("Q", "T"), tree.count + 1,
                                   tree.most_made))
    q_words, t_words = (words_of(terms, name, start + 1, stop, machine.radix) for name in "QT")
    with machine.stage("quotient"):
        if one.is_first:
            t_words = max(t_words, words_for_log10(terms.log10("Q", 1, stop) + Decimal(series.first + 1).log10(),
                                                   machine.radix))
            t = machine.sum("N", [(series.first, q, 0), (1, t, 0)], t_words)
            scale = _times_rest(machine, tree, power, 0)
            scale_words = _power_words(machine, series.root, tree.terms(0))
    if not one.is_first:
        scale = product_of_primes(machine, "primes", one.leading(), tree.most_made)
        scale_words = one.leading().words(machine.radix) + _power_words(machine, series.root, tree.size)
        with machine.stage("quotient"):
            scale = machine.products("scale", [(scale, power)], scale_words)
        if series.terms.p[-1] < 0 and start % 2:
            scale = scale.negated()
    return machine.call("sum", exact_quotient, scale, t, q, (scale_words, t_words, q_words), words_for_log10(
        tree.log_sums[0], machine.radix))


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
    """scale*number/divisor, an integer of at most so many words, in memory.  Raises TooSmall on disk.

    The three have at most as many words as `lengths` says, and the divisor hardly less.  What is planned depends on the
    length of the scale and on that of the integer alone.
    """
    if not machine.in_memory:
        raise TooSmall(length)      # its shifts are no whole chunks
    keep = max(length, lengths[0]) + GUARD_WORDS
    more = WIDER_WORDS - (lengths[1] - lengths[2])      # words behind the point, of which the integer has none

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
        found = machine.sum("exact", [(1, found, -more)], length).with_signs(scale, number, divisor)
    machine.agree([(found, divisor)], [(scale, number)])
    return found
