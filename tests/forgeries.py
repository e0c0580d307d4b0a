"""Forged certificates of ladders, made with gmpy2 by all the freedom that a forger has, and the rule solved exactly.

`accepted` finds every P that the rule of docs/certificate.md lets pass for one A, whatever the other numbers are; a
forger can do no better.  `forged` makes files, of which all but few are false; what is true in spite of the change may
pass.
"""

import dataclasses
import random
from collections.abc import Callable, Iterator

from certificates import (
    WIDTH,
    Ladder,
    certificate_2,
    digit_text,
    floor,
    ladder,
    margins,
    radicand_of,
    remainder,
)
from gmpy2 import gcd, invert, isqrt, mpz


def ceil_div(a, b):
    return -(-a // b)


@dataclasses.dataclass(frozen=True)
class Rule:
    """The rule for numbers of so many words, with words of `width` digits and bounds that may be others."""

    constant: str
    base: int
    width: int
    n: int
    k: int
    K: int
    c: int
    """bound on |c|"""
    c2: int
    margin: int
    """distance of L from the ends of its range"""

    @classmethod
    def of(cls, constant: str, base: int, n: int, k: int, K: int, width: int = 0, **changed) -> "Rule":
        c, c2, margin = margins(radicand_of(constant))
        return cls(constant, base, width or WIDTH[base], n, k, K, **{"c": c, "c2": c2, "margin": margin} | changed)

    def accepted(self, A) -> Iterator[tuple[int, int, int]]:
        """(P, least L, largest L) for every P that passes with this A for some X, c, c2, s, ru and rv; divisibility by
        d^2 is not asked for, so that some do not.

        With B the radix and q = B^(K-2k) the identity says M = 3 d^2 rv - 4 s d^2 B^k ru, which lies between -8 and 32
        d^2 B^(k+o), for M = 8dAB^(3k) + 6FAB^k - 4B^kAF - 6FX + 3F c2 - T d B^(k+o) Z; and Z = m' X q + r,
        0 <= r < 2q, since X is what the text has down to word 2k; m' is 2 for a root, 1 for phi.
        """
        d, k, K, B = radicand_of(self.constant), self.k, self.K, mpz(self.base) ** self.width
        phi = self.constant == "phi"
        o, G = 3 * k - K, mpz(self.base) ** (K * self.width - self.n)
        T, m = (8, 1) if phi else (4, 2)
        Bk, B2k, q = B**k, B ** (2 * k), B ** (K - 2 * k)
        F = A * A - d * B2k
        fixed, unit, window = 8 * d * A * B ** (3 * k) + 2 * F * A * Bk, T * d * B ** (k + o), 8 * d * d * B ** (k + o)
        slack, slope = 3 * abs(F) * self.c2, 6 * F + unit * m * q
        if slope <= 0:
            raise ValueError("A is far from everything")
        low = max(ceil_div(fixed - slack - unit * 2 * q - 4 * window, slope), (A - self.c) * Bk)
        high = min((fixed + slack + window) // slope, (A + self.c + 2) * Bk)
        for X in range(int(low), int(high) + 1):
            if phi and (X + B2k) % 2:
                continue
            words = (X + B2k) // 2 // Bk if phi else X // Bk
            if abs(A - (2 * words - Bk if phi else words)) > self.c:
                continue
            first = max((fixed - 6 * F * X - slack - 4 * window) // unit + 1, m * X * q)
            last = min(ceil_div(fixed - 6 * F * X + slack + window, unit) - 1, m * X * q + 2 * q - 1)
            if first > last:
                continue
            first, last = (z + B**K if phi else z for z in (first, last))
            for P in range(int(first // (2 * G)), int(last // (2 * G)) + 1):
                least, most = max(first - 2 * G * P, self.margin), min(last - 2 * G * P, 2 * G - self.margin)
                if least <= most:
                    yield P, int(least), int(most)

    @property
    def true(self) -> int:
        return floor(self.constant, self.base, self.n)


# --- numbers that fit a claim -------------------------------------------------------------

def fitted(claim: Ladder) -> Ladder:
    """The claim with the c2, ru and rv, in or out of their ranges, that make the identity true; c2 alone changes where
    d^2 would not divide otherwise."""
    d, k, B = claim.d, claim.k, claim.radix
    bare = dataclasses.replace(claim, ru=0, rv=0)
    a, _ = claim.words_of_text()
    F = (a + claim.c) ** 2 - d * B ** (2 * k)
    rest = bare.difference()            # = 4 s d^2 B^k ru - 3 d^2 rv, once c2 is right
    common = gcd(3 * F, d * d)
    if rest % (d * d):
        if rest % common:
            return claim
        step = int(rest // common * invert(3 * F // common, d * d // common) % (d * d // common))
        step -= d * d // common if 2 * step > d * d // common else 0
        bare = dataclasses.replace(bare, c2=claim.c2 + step)
        rest = bare.difference()
    wanted = rest // (d * d)
    for ru in range(3):
        if (4 * claim.s * B**k * ru - wanted) % 3 == 0:
            return dataclasses.replace(bare, ru=ru, rv=int((4 * claim.s * B**k * ru - wanted) // 3))
    return bare


def wrapped(claim: Ladder) -> Ladder:
    """The claim with ru and rv cut to the words that a file has for them."""
    B = claim.radix
    return dataclasses.replace(claim, ru=int(claim.ru % (2 * B**claim.o)),
                               rv=int(claim.rv % (8 * B ** (claim.k + claim.o))))


# --- kinds of forgeries -------------------------------------------------------------------

def of_units(rng: random.Random, honest: Ladder, other: Ladder) -> Ladder:
    """Digits some units off, with everything else refitted in one of several ways."""
    units = rng.choice([1, -1, 2, -3, 15, -75, honest.base ** rng.randrange(honest.n), rng.randrange(1, 10**6)])
    moved = dataclasses.replace(honest, P=honest.P + units)
    if moved.P // mpz(honest.base) ** honest.n != honest.P // mpz(honest.base) ** honest.n:
        return dataclasses.replace(honest, P=honest.P + 1)
    match rng.randrange(4):
        case 0:     # the identity is true again, with an L out of its range
            return dataclasses.replace(moved, L=int((honest.L - 2 * honest.G * units) % mpz(10) ** 1000))
        case 1:
            return fitted(moved)
        case 2:
            return wrapped(fitted(moved))
    return moved


def of_sign(rng: random.Random, honest: Ladder, other: Ladder) -> Ladder:
    turned = dataclasses.replace(honest, s=rng.choice([-honest.s, 0, 3, -3]))
    return rng.choice([turned, fitted(turned), wrapped(fitted(turned))])


def of_bounds(rng: random.Random, honest: Ladder, other: Ladder) -> Ladder:
    """c, c2 or L at its bound, a step within, or a step beyond."""
    c, c2, margin = margins(honest.d)
    size = int(2 * honest.G)
    name, values = rng.choice([
        ("c", [c, -c, c + 1, -c - 1, rng.randrange(-c, c + 1), 100 * honest.d]),
        ("c2", [c2, -c2, c2 + 1, -c2 - 1, rng.randrange(-c2, c2 + 1)]),
        ("L", [margin, margin - 1, size - margin, size - margin + 1, 0, size, rng.randrange(size)])])
    moved = dataclasses.replace(honest, **{name: rng.choice(values)})
    return rng.choice([moved, fitted(moved), wrapped(fitted(moved))])


def of_other_words(rng: random.Random, honest: Ladder, other: Ladder) -> Ladder:
    """Digits of which the first third is taken from another place, or what is said of it."""
    w, n, k = WIDTH[honest.base], honest.n, honest.k
    scale = mpz(honest.base) ** n
    spelled = mpz(honest.P % scale).digits(honest.base).rjust(n, "0")
    at = rng.choice([k * w, 2 * k * w - k * w // 2, rng.randrange(1, n - k * w), 1, w])
    if rng.randrange(2):
        mixed = spelled[at:at + k * w] + spelled[k * w:]
        moved = dataclasses.replace(honest, P=int(honest.P // scale * scale + mpz(mixed, honest.base)))
    else:
        shifted = mpz(spelled[at:at + k * w], honest.base) - mpz(spelled[:k * w], honest.base)
        moved = dataclasses.replace(honest, c=int((honest.c + shifted) % mpz(10) ** 1000))
    return rng.choice([moved, fitted(moved), wrapped(fitted(moved))])


def of_lengths(rng: random.Random, honest: Ladder, other: Ladder) -> Ladder:
    """k or K lied about, within their bounds and beyond, with wrong digits or right ones."""
    k = max(1, honest.k + rng.choice([-honest.k // 2, -2, -1, 0, 1, 2, honest.k // 2]))
    K = honest.K + rng.choice([-3, -2, -1, 0, 1, 2, 3, 4, 9])
    K = max(K, -(-honest.n // WIDTH[honest.base]))
    if 3 * k - K < 0 or k * WIDTH[honest.base] > honest.n // 2 + 1:
        k = honest.k
    if 3 * k - K < 0:
        K = honest.K
    moved = dataclasses.replace(honest, k=k, K=K, L=int(honest.L % (2 * mpz(honest.base) ** (
        K * WIDTH[honest.base] - honest.n)) or 1), P=honest.P + rng.choice([0, 1, -1]))
    return rng.choice([wrapped(moved), wrapped(fitted(moved)), fitted(moved)])


def of_numbers(rng: random.Random, honest: Ladder, other: Ladder) -> Ladder:
    """ru and rv at their bounds and beyond, in each other's place, or those of another file."""
    B, k, o = honest.radix, honest.k, honest.o
    most = {"ru": int(2 * B**o), "rv": int(8 * B ** (k + o))}
    name = rng.choice(["ru", "rv"])
    values = [0, 1, most[name] - 1, most[name], most[name] + 1, getattr(honest, name) + most[name],
              getattr(honest, name) ^ 1 << rng.randrange(20), getattr(other, name) % most[name]]
    moved = dataclasses.replace(honest, **{name: rng.choice(values)}, P=honest.P + rng.choice([0, 0, 1, -1]))
    if rng.randrange(4) == 0:
        moved = dataclasses.replace(moved, ru=int(other.ru % most["ru"]), rv=int(other.rv % most["rv"]))
    return moved


KINDS: dict[str, Callable[[random.Random, Ladder, Ladder], Ladder]] = {
    "units": of_units, "sign": of_sign, "bounds": of_bounds, "leading words": of_other_words, "k and K": of_lengths,
    "ru and rv": of_numbers}


def files_of(claim: Ladder) -> tuple[bytes, bytes]:
    """Text and certificate, whose checksums are right."""
    text = digit_text(claim.P, claim.base, claim.n)
    w, top = WIDTH[claim.base], 2**17 if claim.base == 10 else 2**16
    numbers = []
    for name, digits, value in claim.numbers():
        highest = claim.radix ** (-(-digits // w) - 1)
        numbers.append((name, digits, int(value % (highest * top))))      # what a file has room for
    return text, certificate_2(claim.constant, claim.base, claim.n, text, "ladder", claim.parameters(), numbers)


def wide_c(rng: random.Random, base: int, n: int) -> Ladder:
    """Wrong digits of the root of 2^31 - 1 that satisfy the identity with all that an earlier draft of the bounds asked
    for: |c| <= 100d, an overlap of two words, L down to 4d, and c2 as now.

    With fewer guard words than the program takes there are many.  c2 makes d divide what has to be divided, and brings
    L into its range; L makes d^2 divide it.
    """
    constant, words, guard = "sqrt 2147483647", -(-n // WIDTH[base]), 2 if base == 10 else 3
    words += -(words + guard + 2) % 3
    n, K = words * WIDTH[base], words + guard
    k, d, B = (K + 2) // 3, radicand_of(constant), mpz(base) ** WIDTH[base]
    rule, G = Rule.of(constant, base, n, k, K, c=100 * d, margin=4 * d), mpz(base) ** (guard * WIDTH[base])
    unit = 4 * d * B ** (k + 2)
    for _ in range(500):
        A = isqrt(d * B ** (2 * k)) + rng.randrange(-90 * d, 90 * d)
        for P, least, most in rule.accepted(A):
            a, X = Ladder(constant, base, n, P, k, K, 1, 0, 0, 1, 0, 0).words_of_text()
            F = A * A - d * B ** (2 * k)
            bare = 8 * d * A * B ** (3 * k) + 2 * F * A * B**k - 6 * F * X
            c2 = (unit * (2 * G * P + (least + most + d) // 2) - bare) // (3 * F)
            c2 -= (c2 + bare * invert(3 * F, d)) % d
            reached = bare + 3 * F * c2
            L = reached // unit - 2 * G * P - d
            L += ((reached // d - 8 * B ** (k + 2) * G * P) * invert(4 * B ** (k + 2), d) - L) % d
            claim = fitted(Ladder(constant, base, n, P, k, K, 1, int(A - a), int(c2), int(L), 0, 0))
            if P != rule.true and wrapped(claim) == claim and claim.c2 == c2 and abs(c2) <= rule.c2 \
                    and 4 * d <= L <= 2 * G - 4 * d:
                return claim
    raise AssertionError("no wrong digits satisfy the identity")


def of_format_1(rng: random.Random, constant: str, base: int, n: int) -> tuple[bytes, bytes]:
    """Numbers of a remainder under a header that says ladder, or a remainder of wrong digits in format 2."""
    p = floor(constant, base, n) + rng.choice([1, -1, base ** rng.randrange(n // 2)])
    text, r = digit_text(p, base, n), remainder(constant, base, n, p)
    claim = ladder(constant, base, n)
    capacity = mpz(base) ** (-(-(n + 6) // WIDTH[base]) * WIDTH[base])
    numbers = [("r", n + 6, int(r % capacity))]
    match rng.randrange(3):
        case 0:
            return text, certificate_2(constant, base, n, text, "remainder", {}, numbers)
        case 1:
            return text, certificate_2(constant, base, n, text, "ladder", claim.parameters(), numbers)
    names = [[name, digits] for name, digits, _ in claim.numbers()]
    return text, certificate_2(constant, base, n, text, "ladder", claim.parameters(), numbers, numbers=names)
