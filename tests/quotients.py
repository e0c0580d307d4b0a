"""Certificates of limits made with gmpy2 alone from docs/certificate.md and docs/series.md; every number can be forged.

Formulas are written as they are in books, with terms as functions.
"""

import dataclasses
import random
from collections.abc import Callable
from fractions import Fraction as Rational
from functools import lru_cache
from math import prod

import gmpy2
from certificates import WIDTH, certificate_2, digit_text
from gmpy2 import fac, mpz


@dataclasses.dataclass(frozen=True)
class Sum:
    """first + the sum of t(k)/q(k) times all p(i)/q(i) before it, which gains rate/10000 decimals a term at least."""

    p: Callable
    q: Callable
    t: Callable
    rate: int
    first: int = 0
    spare: int = 12

    def count(self, m: int, base: int) -> int:
        return max(1, -(-(places(m, base) + self.spare) * 10000 // self.rate))

    def pair(self, count: int) -> tuple[mpz, mpz]:
        _, q, t = series(1, count + 1, self)
        return self.first * q + t, q


@dataclasses.dataclass(frozen=True)
class Unit:
    """Powers of a + b*sqrt d, near sqrt d."""

    a: int
    b: int
    d: int
    rate: int

    def count(self, m: int, base: int) -> int:
        return -(-(places(m, base) + 2) * 10000 // self.rate)

    def pair(self, power: int) -> tuple[mpz, mpz]:
        above, below = mpz(1), mpz(0)
        for bit in bin(power)[2:]:
            above, below = above * above + self.d * below * below, 2 * above * below
            if bit == "1":
                above, below = self.a * above + self.b * self.d * below, self.b * above + self.a * below
        return above, below


class Fraction:
    """[2; 6, 10, ...]."""

    def count(self, m: int, base: int) -> int:
        low, high = 19, 20
        while w(high) ** 2 < mpz(base) ** (m + 2):
            low, high = high, 2 * high
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if w(middle) ** 2 < mpz(base) ** (m + 2) else (low, middle)
        return high

    def pair(self, count: int) -> tuple[mpz, mpz]:
        (u, _), (v, _) = matrices(1, count + 1)
        return u + v, u - v


class Factorials(Sum):
    """1 + 1/1! + 1/2! + ..., as many as are seen to be enough."""

    def count(self, m: int, base: int) -> int:
        # (k + 1)! >= 10^(places + 13).
        wanted, count, product = mpz(10) ** (places(m, base) + self.spare + 1), 1, mpz(2)
        while product < wanted:
            count += 1
            product *= count + 1
        return max(8, count)


def places(m: int, base: int) -> int:
    return m if base == 10 else -(-m * 120412 // 100000)


def acoth(x: int) -> tuple[Callable, Callable, Callable]:
    """log((x + 1)/(x - 1)) = 2x/8 times the sum (odd x), by u = x + 1 and v = x - 1."""
    u, v = x + 1, x - 1
    q = 3 * x * x * (u * v) ** 2 // 8

    def t(k: int) -> int:
        n = k - 1
        found = 2 * (u * u - 14 * u * v + v * v) * (u * u + 4 * u * v + v * v) * n
        found += u**4 - 14 * u**3 * v - 94 * u * u * v * v - 14 * u * v**3 + v**4
        assert found % 8 == 0
        return -found // 8

    return lambda k: k * (2 * k - 1), lambda k: q * (6 * k - 5) * (6 * k - 1), t


def _pi(k: int) -> int:
    return -(6 * k - 5) * (2 * k - 1) * (6 * k - 1)


PI = Sum(_pi, lambda k: k**3 * (640320**3 // 24), lambda k: _pi(k) * (13591409 + 545140134 * k), 141816, 13591409, 18)


def _ramanujan(k: int) -> int:
    return 8 * (4 * k - 3) * (2 * k - 1) * (4 * k - 1)


_A = (-3143448000, 156286859400, -3292502315430, 38721705264979, -282805786014979, 1352700034136826, -4348596587040104,
      9451223531851808, -13684352515879536, 12632254526031264, -6719460725627136, 1565994397644288)
_C = 17325, -536620, 6004944, -30494304, 76613904, -92809152, 43203456
_B, _R = 1043320250 * 5208**4 - 935999**4, 935999**4

FORMULAS: dict[str, tuple[int, list[tuple[int, list, list]]]] = {
    "pi": (1, [(426880, [Unit(4001, 40, 10005, 78063)], [PI])]),
    "pi by ramanujan": (4, [(9801, [Unit(3, 2, 2, 15311)], [Sum(
        _ramanujan, lambda k: k**3 * 396**4, lambda k: _ramanujan(k) * (1103 + 26390 * k), 79825, 1103, 18)])]),
    "e": (1, [(1, [Fraction()], [])]),
    "e by factorials": (1, [(1, [Factorials(lambda k: 1, lambda k: k, lambda k: 1, 0, 1)], [])]),
    "log 2": (2, [(1, [Sum(lambda k: k * (2 * k - 1), lambda k: 216 * (6 * k - 1) * (6 * k - 5),
                           lambda k: 1794 * k - 297, 35897)], [])]),
    "log 2 by sum": (4, [(34996, [Sum(*acoth(8749), 244810)], []),
                         (468, [Sum(lambda k: 2 * k * (2 * k - 1),
                                    lambda k: 3 * 26**2 * 675**2 // 4 * (6 * k - 5) * (6 * k - 1),
                                    lambda k: 15 * 26**4 - 25 * 26**2 + 8 + 2 * (9 * 26**4 - 15 * 26**2 + 4) * (k - 1),
                                    93178)], []),
                         (-4801, [Sum(*acoth(4801), 229172)], [])]),
    "zeta3": (48, [(1, [Sum(
        lambda k: -k**5 * (2*k - 1)**3 * (3*k - 1) * (3*k - 2) * (4*k - 1) * (4*k - 3) * (6*k - 1) * (6*k - 5),
        lambda k: 270 * prod(9*k - i for i in (1, 2, 4, 5, 7, 8)) * prod(10*k - i for i in (1, 3, 7, 9))
        * prod(12*k - i for i in (1, 5, 7, 11)),
        lambda k: sum(c * k**i for i, c in enumerate(_A)), 118557)], [])]),
    "zeta3 by wedeniwski": (10368, [(1, [Sum(
        lambda k: k**5 * (2*k - 1)**3, lambda k: -24 * (3*k + 1) * (3*k + 2) * (4*k + 1)**3 * (4*k + 3)**3,
        lambda k: k**5 * (2*k - 1)**3 * (126392*k**5 + 412708*k**4 + 531578*k**3 + 336367*k**2 + 104000*k + 12463),
        50437, 12463)], [])]),
    "catalan by zuniga": (6, [(1, [Sum(
        lambda k: -128 * k**3 * (2*k - 1) * (3*k - 1) * (3*k - 2) * (6*k - 1) * (6*k - 5),
        lambda k: 5 * prod(10*k - i for i in (1, 3, 7, 9)) * prod(12*k - i for i in (1, 5, 7, 11)),
        lambda k: sum(c * k**i for i, c in enumerate(_C)), 40969)], [])]),
    "catalan": (2, [(1, [Sum(lambda k: 32 * k**3 * (2*k - 1), lambda k: 9 * (6*k - 1)**2 * (6*k - 5)**2,
                             lambda k: 580*k*k - 184*k + 15, 22606)], [])]),
    "lemniscate": (935999, [(5208, [Sum(lambda k: -(4*k - 3) * _B, lambda k: 4 * k * _R, lambda k: -(4*k - 3) * _B,
                                        104330, 1)],
                             [Sum(lambda k: (8*k - 3) * (8*k - 7), lambda k: 1658944 * k * k,
                                  lambda k: k * k * (55296*k - 53536), 44136)])]),
}
"""Divisor and products of each number: (c, parts above the stroke, parts below)."""


COMMON: dict[str, list[tuple[int, int, list[str]]]] = {
    "pi": [(640320**3, 1, [])],
    "pi by ramanujan": [(396**4, 1, [])],
    "log 2": [(36, 1, ["1/6"])],
    "log 2 by sum": [(Rational(3 * x**2 * (x**2 - 1)**2, 6 * 8).numerator, 1, ["1/6"]) for x in (8749, 26, 4801)],
    "zeta3": [(1, 720, ["1/12", "1/10", "1/9", "4/9", "11/12"])],
    "catalan": [(1, 1, ["1/6", "1/6", "5/6"])],
    "catalan by zuniga": [(1, 120, ["1/12", "1/10", "11/12"])],
}
"""b, C and the places of D for each series of numbers that can be reduced."""


APERY = Sum(lambda k: -k**3, lambda k: 2 * k * k * (2 * k - 1), lambda k: 1, 6020)
"""2/5 of zeta(3), by his own series."""


@lru_cache(maxsize=16)
def value(constant: str, bits: int) -> gmpy2.mpfr:
    """The number to so many bits, by MPFR where it knows it."""
    name, _, _ = constant.partition(" by ")
    with gmpy2.context(precision=bits + 64):
        match name.split():
            case ["pi"]:
                return gmpy2.const_pi()
            case ["e"]:
                return gmpy2.exp(1)
            case ["gamma"]:
                return gmpy2.const_euler()
            case ["catalan"]:
                return gmpy2.const_catalan()
            case ["zeta3"]:
                n, q = APERY.pair(int(bits / 2) + 100)
                return 5 * gmpy2.mpfr(n) / (2 * q)
            case ["lemniscate"]:
                return 2 * gmpy2.const_pi() / gmpy2.agm(1, gmpy2.sqrt(gmpy2.mpfr(2)))
            case ["log", ratio]:
                a, _, b = ratio.partition("/")
                return gmpy2.log(gmpy2.mpfr(int(a))) - gmpy2.log(gmpy2.mpfr(int(b or 1)))
    raise ValueError(constant)


def floor_of(constant: str, base: int, digits: int) -> mpz:
    """floor(x*base^digits), from more digits than that takes."""
    bits = int(digits * (4 if base == 16 else 3.3220)) + 100
    bits = -(-bits // 4096) * 4096
    with gmpy2.context(precision=bits + 64):
        return mpz(gmpy2.floor(value(constant, bits) * gmpy2.mpfr(mpz(base) ** digits)))


def terms(constant: str, base: int, n: int, g: int) -> tuple[int, ...]:
    """Terms of all parts; of each product those below the stroke first."""
    return tuple(part.count(n + g, base) for _, above, below in FORMULAS[constant][1] for part in (*below, *above))


def w(count: int) -> mpz:
    return fac(2 * count) // (2 * fac(count))


def fraction(constant: str, counts: tuple[int, ...], reduced: bool = False) -> tuple[mpz, mpz]:
    """X and Y."""
    divisor, products = FORMULAS[constant]
    rest, x, y, common = iter(counts), mpz(1), mpz(0), iter(COMMON.get(constant, []))

    def pair(part, count: int) -> tuple[mpz, mpz]:
        n, q = part.pair(count)
        if not reduced or not isinstance(part, Sum):
            return n, q
        b, c, places = next(common)
        denominator = c * mpz(b)**count * prod((lcm_up_to(int(count / Rational(x))) for x in places), start=mpz(1))
        assert denominator * n % q == 0
        return denominator * n // q, denominator

    for c, above, below in products:
        down, up = ([pair(part, next(rest)) for part in parts] for parts in (below, above))
        u = prod([q for _, q in up] + [n for n, _ in down])
        x, y = x * u, y * u + c * x * prod([n for n, _ in up] + [q for _, q in down])
    return divisor * x, y


@lru_cache(maxsize=64)
def lcm_up_to(n: int) -> mpz:
    """lcm(1, 2, .. n): a prime is in it for each of its powers up to n."""
    return prod((gmpy2.primorial(int(gmpy2.iroot(n, i)[0])) for i in range(1, n.bit_length() + 1)), start=mpz(1))


def shortage(constant: str, counts: tuple[int, ...]) -> gmpy2.mpfr:
    """By how much D is shorter than its bound, x + 0.94*sqrt x for each place, as a decimal logarithm."""
    found = gmpy2.mpfr(0, 120)
    with gmpy2.context(precision=120):
        for (_, _, places), count in zip(COMMON[constant], counts, strict=False):
            for x in places:
                y = count / Rational(x)
                root = gmpy2.sqrt(gmpy2.mpfr(gmpy2.mpq(y)))
                found += (gmpy2.mpq(y) + gmpy2.mpfr("0.94") * root
                          - gmpy2.log(gmpy2.mpfr(lcm_up_to(int(y))))) / gmpy2.log(gmpy2.mpfr(10))
    return found


def is_padded(constant: str, reduced: bool) -> bool:
    """Whether the certificate has h."""
    return reduced and any(places for _, _, places in COMMON.get(constant, []))


def series(start: int, stop: int, terms: Sum = PI) -> tuple[mpz, mpz, mpz]:
    """P, Q, T."""
    if stop - start <= 0:
        return mpz(1), mpz(1), mpz(0)
    if stop - start == 1:
        q, sign = mpz(terms.q(start)), 1 if terms.q(start) > 0 else -1
        return sign * mpz(terms.p(start)), sign * q, sign * mpz(terms.t(start))
    middle = (start + stop) // 2
    (p1, q1, t1), (p2, q2, t2) = series(start, middle, terms), series(middle, stop, terms)
    return p1 * p2, q1 * q2, t1 * q2 + p1 * t2


def matrices(start: int, stop: int) -> tuple[tuple[mpz, mpz], tuple[mpz, mpz]]:
    """The product of (4k - 2, 1; 1, 0), row by row."""
    if stop - start == 1:
        return (mpz(4 * start - 2), mpz(1)), (mpz(1), mpz(0))
    middle = (start + stop) // 2
    ((a, b), (c, d)), ((e, f), (g, h)) = matrices(start, middle), matrices(middle, stop)
    return (a * e + b * g, a * f + b * h), (c * e + d * g, c * f + d * h)


def digits_of_r(base: int, x: mpz) -> int:
    """The length of r, from X itself, or from what stands for it."""
    with gmpy2.context(precision=120):
        return int(gmpy2.ceil(gmpy2.log(gmpy2.mpfr(x)) / gmpy2.log(base) + gmpy2.mpfr("0.001")))


@dataclasses.dataclass
class Quotient:
    """A statement about P, true or false."""

    constant: str
    base: int
    n: int
    g: int
    reduced: bool
    P: int
    G: int
    r: int
    X: mpz
    Y: mpz
    size: int
    """digits of r"""
    h: int = 0
    """X and Y are multiplied by b^h"""

    @property
    def scale(self) -> mpz:
        """b^(n+g)."""
        return mpz(self.base) ** (self.n + self.g)

    @property
    def is_true(self) -> bool:
        """Whether it is right, as a statement."""
        d = self.P * mpz(self.base) ** self.g + self.G
        return (d * self.X + self.r == self.scale * self.Y and 0 <= self.r < mpz(self.base) ** self.size
                and 1000 <= self.G <= self.base**self.g - 1000)

    def fitted(self) -> "Quotient":
        """The r with which the identity holds, of any sign and length."""
        d = self.P * mpz(self.base) ** self.g + self.G
        return dataclasses.replace(self, r=int(self.scale * self.Y - d * self.X))

    def files(self, **changed) -> tuple[bytes, bytes]:
        """Text and certificate; r as far as there is room for it."""
        text = digit_text(self.P, self.base, self.n)
        words = -(-self.size // WIDTH[self.base])
        r = self.r % (mpz(self.base) ** (WIDTH[self.base] * (words - 1)) * (2**17 if self.base == 10 else 2**16))
        parameters = {"g": self.g, "G": str(self.G), "reduced": self.reduced}
        if is_padded(self.constant, self.reduced):
            parameters["h"] = self.h
        return text, certificate_2(self.constant, self.base, self.n, text, "quotient",
                                   parameters | changed.pop("more", {}), [("r", self.size, int(r))], **changed)


@lru_cache(maxsize=64)
def quotient(constant: str, base: int, n: int, g: int = 20, reduced: bool = False) -> Quotient:
    """The true statement about n digits, with r below X."""
    counts = terms(constant, base, n, g)
    x, y = fraction(constant, counts, reduced)
    size, h = digits_of_r(base, w(*counts) * 122 // 100 if constant == "e" else x), 0
    if is_padded(constant, reduced):
        missing = shortage(constant, counts)
        h, size = int(gmpy2.floor(missing / gmpy2.log10(base))), digits_of_r(base, gmpy2.mpfr(x, 120) * 10**missing)
        x, y = x * mpz(base)**h, y * mpz(base)**h
    d, r = divmod(mpz(base) ** (n + g) * y, x)
    P, G = divmod(d, mpz(base) ** g)
    return Quotient(constant, base, n, g, reduced, int(P), int(G), int(r), x, y, size, h)


# --- forgeries ----------------------------------------------------------------------------

def of_units(rng: random.Random, honest: Quotient) -> Quotient:
    """Digits some units off, r fitted or left."""
    moved = dataclasses.replace(honest, P=honest.P + rng.choice([1, -1, 2, honest.base ** rng.randrange(honest.n)]))
    return rng.choice([moved, moved.fitted()])


def of_guard(rng: random.Random, honest: Quotient) -> Quotient:
    """G elsewhere, so that r leaves its range, or G out of its own."""
    most = honest.base**honest.g
    G = rng.choice([honest.G + 10**6, honest.G - 10**6, 0, 999, most - 999, most, rng.randrange(most)])
    return dataclasses.replace(honest, G=max(0, G)).fitted()


def of_terms(rng: random.Random, honest: Quotient) -> Quotient:
    """Fewer terms or a lower power, and digits that follow from them."""
    counts = list(terms(honest.constant, honest.base, honest.n, honest.g))
    which = rng.randrange(len(counts))
    counts[which] -= min(counts[which] - 2, rng.choice([1, 5, 40]))
    x, y = (each * mpz(honest.base)**honest.h for each in fraction(honest.constant, tuple(counts), honest.reduced))
    d, r = divmod(honest.scale * y, x)
    P, G = divmod(d, mpz(honest.base) ** honest.g)
    return dataclasses.replace(honest, P=int(P), G=int(G), r=int(r))


def of_r(rng: random.Random, honest: Quotient) -> Quotient:
    """Another r, or one that differs by a power of the radix."""
    radix = honest.base ** WIDTH[honest.base]
    return dataclasses.replace(honest, r=rng.choice([
        int(honest.X) - honest.r, honest.r + 1, max(0, honest.r - 1), honest.r ^ 1 << rng.randrange(honest.n),
        honest.r + radix ** rng.randrange(1, honest.size // WIDTH[honest.base])]))


def of_reduction(_rng: random.Random, honest: Quotient) -> Quotient:
    """The other kind of X under the same r."""
    return dataclasses.replace(honest, reduced=not honest.reduced)


def of_padding(rng: random.Random, honest: Quotient) -> Quotient:
    """A longer or a shorter X, with all that follows from it: r may be longer than X, or X than r."""
    more = rng.choice([-2, 2, 40]) if honest.h >= 2 else 40
    x, y, r = (each * mpz(honest.base) ** max(more, 0) // mpz(honest.base) ** max(-more, 0)
               for each in (honest.X, honest.Y, honest.r))
    return dataclasses.replace(honest, X=x, Y=y, r=int(r), h=honest.h + more)


KINDS = {"units": of_units, "guard": of_guard, "terms": of_terms, "r": of_r, "reduction": of_reduction,
         "padding": of_padding}
