"""Certificates of pi and e made with gmpy2 alone from docs/certificate.md; every number can be forged."""

import dataclasses
import random
from functools import lru_cache

import gmpy2
from certificates import WIDTH, certificate_2, digit_text
from gmpy2 import fac, mpz


def terms(constant: str, base: int, n: int, g: int) -> tuple[int, ...]:
    """N and j of pi, J of e."""
    m = n + g
    if constant == "pi":
        places = m if base == 10 else -(-m * 120412 // 100000)
        return -(-(places + 18) * 10000 // 141816) + 1, -(-(places + 2) * 10000 // 78063)
    low, high = 19, 20
    while w(high) ** 2 < mpz(base) ** (m + 2):
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if w(middle) ** 2 < mpz(base) ** (m + 2) else (low, middle)
    return (high,)


def w(count: int) -> mpz:
    return fac(2 * count) // (2 * fac(count))


def fraction(constant: str, counts: tuple[int, ...], reduced: bool = False) -> tuple[mpz, mpz]:
    """X and Y."""
    if constant == "e":
        (u, _), (v, _) = matrices(1, counts[0] + 1)
        return u - v, u + v
    count, power = counts
    _, q, t = series(1, count)
    t += 13591409 * q
    if reduced:
        factor = fac(count - 1) ** 3
        q, t = q * mpz(24) ** (count - 1), t * mpz(24) ** (count - 1)
        assert q % factor == 0 and t % factor == 0
        q, t = q // factor, t // factor
    above, below = mpz(1), mpz(0)
    for bit in bin(power)[2:]:
        above, below = above * above + 10005 * below * below, 2 * above * below
        if bit == "1":
            above, below = 4001 * above + 400200 * below, 40 * above + 4001 * below
    return t * below, 426880 * above * q


def series(start: int, stop: int) -> tuple[mpz, mpz, mpz]:
    """P, Q, T of Chudnovsky's series."""
    if stop - start <= 0:
        return mpz(1), mpz(1), mpz(0)
    if stop - start == 1:
        p = -mpz(6 * start - 5) * (2 * start - 1) * (6 * start - 1)
        return p, mpz(start) ** 3 * (640320**3 // 24), p * (13591409 + 545140134 * start)
    middle = (start + stop) // 2
    (p1, q1, t1), (p2, q2, t2) = series(start, middle), series(middle, stop)
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
        return text, certificate_2(self.constant, self.base, self.n, text, "quotient",
                                   parameters | changed.pop("more", {}), [("r", self.size, int(r))], **changed)


@lru_cache(maxsize=64)
def quotient(constant: str, base: int, n: int, g: int = 20, reduced: bool = False) -> Quotient:
    """The true statement about n digits, with r below X."""
    counts = terms(constant, base, n, g)
    x, y = fraction(constant, counts, reduced)
    d, r = divmod(mpz(base) ** (n + g) * y, x)
    P, G = divmod(d, mpz(base) ** g)
    size = digits_of_r(base, x if constant == "pi" else w(*counts) * 122 // 100)
    return Quotient(constant, base, n, g, reduced, int(P), int(G), int(r), x, y, size)


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
    x, y = fraction(honest.constant, tuple(counts), honest.reduced)
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


KINDS = {"units": of_units, "guard": of_guard, "terms": of_terms, "r": of_r, "reduction": of_reduction}
