"""The format and the mathematics of certificates: header, statements, identities and bounds (docs/certificate.md).

Pure: bytes and integers, no files, no arrays.
"""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import isqrt, log2
from typing import ClassVar

from bigconst.base.constant import Limit, Root
from bigconst.base.errors import UsageError, VerificationError
from bigconst.base.formats import HEADER_BYTES, WORDS, YCD_SUFFIX, ZST_SUFFIX, packed_bytes
from bigconst.plans.claim import Claim, Packed
from bigconst.plans.limits import limit
from bigconst.plans.ownseries import is_own
from bigconst.plans.quotient import Quotient

FORMAT, FORMAT_1 = "bigconst-certificate/2", "bigconst-certificate/1"
MAX_DIGITS = 10**18
MAX_PRIMES = 16
"""Random primes that a verification may use."""
MAX_GUARD_WORDS = 8
"""Most words of a ladder's result below the published ones that a certificate may speak of."""
_ZEROS = "0" * 32
_FIRST_OF_SET = re.compile(rf" - 0+{re.escape(YCD_SUFFIX)}\Z")


def certificate_path(text_path: str) -> str:
    """Path of the certificate of a digit file.

    phi.txt and phi.txt.zst share phi.txt.cert; that of phi.ycd, and of the set that begins with phi - 0.ycd, is
    phi.ycd.cert.
    """
    return _FIRST_OF_SET.sub(YCD_SUFFIX, text_path).removesuffix(ZST_SUFFIX) + ".cert"


@dataclass(frozen=True)
class Remainder:
    """The statement that r, the remainder of P as a root, is within its bounds.

    P^2 + r = d*b^(2n) and 0 <= r <= 2P for a root, P^2 + r = b^(2n) + P*b^n and 0 <= r <= 2P - b^n for phi.
    """

    name: ClassVar[str] = "remainder"

    def wrong(self, claim: Claim) -> str | None:
        """The condition that the statement does not meet for this claim; None where it meets all of them."""
        return None if isinstance(claim.number, Root) else "the constant is a root"

    def numbers(self, claim: Claim) -> tuple[Packed, ...]:
        """The numbers in the certificate, in their order there."""
        return (Packed("r", claim.digits + 6),)

    def prefixes(self, claim: Claim) -> tuple[int, ...]:
        """Numbers of leading digits after the point, ascending, whose residues the identity needs."""
        return (claim.digits,)

    def sides(self, claim: Claim, p: int, prefixes: Sequence[int], numbers: Mapping[str, int]) -> tuple[int, int]:
        """Both sides of the identity modulo p, from residues of the integers that the prefixes of the text spell, with
        the integer part, and of the numbers."""
        text, power, d = prefixes[-1], pow(claim.base, claim.digits, p), claim.number.d
        left = (text * text + numbers["r"]) % p
        return left, (power * (power + text) if claim.doubled == 2 else d * power * power) % p

    def describe(self, claim: Claim) -> tuple[str, str, list[str]]:
        """Both sides as formulas, and the bounds that were checked."""
        if claim.doubled == 2:
            return "P^2 + r", "b^2n + P b^n", ["0 <= r <= 2P - b^n"]
        return "P^2 + r", f"{claim.number.d} b^2n", ["0 <= r <= 2P"]

    def difference_bits(self, claim: Claim) -> float:
        """Bits of the largest difference of the sides."""
        return 2 * claim.digits * log2(claim.base) + 34


@dataclass(frozen=True)
class Ladder:
    """The statement that the digits are what one step of third order makes of their first third."""

    name: ClassVar[str] = "ladder"

    k: int
    """words after the point that the step began with"""
    K: int
    """words after the point that it ended with"""
    s: int
    """sign of u"""
    c: int
    """what the first k words lack of d*y"""
    c2: int
    """what the first 2k words lack of u"""
    L: int
    """the digits of twice the result below those of P"""

    @staticmethod
    def limits(d: int) -> tuple[int, int, int]:
        """The largest |c|, the largest |c2|, and the distance that L keeps from both ends of its range."""
        return 5 * d + 2, 76 * d * (isqrt(d) + 1), 10 * d

    def guard(self, claim: Claim) -> int:
        """2*G: the power of the base below the digits of P, twice.  K must be within its bounds."""
        return 2 * claim.base ** (self.K * claim.width - claim.digits)

    @staticmethod
    def short(claim: Claim, k: int, K: int) -> str | None:
        """The condition on lengths that k and K do not meet; None where they meet all of them."""
        n, w, d, o = claim.digits, claim.width, claim.number.d, 3 * k - K
        if isqrt(d) ** 2 == d:
            return "d is no square"
        if k < 8 or 2 * k * w > n:
            return "8 <= k <= n/(2w)"
        if not 1 <= K - -(-n // w) <= MAX_GUARD_WORDS:
            return f"1 <= K - n/w <= {MAX_GUARD_WORDS}"
        # The base to the power of 45 is above 1000*2^31.
        if o < 1 or claim.base ** (w * min(o, 9)) < 1000 * d:
            return "B^(3k-K) >= 1000 d"
        return None

    def wrong(self, claim: Claim) -> str | None:
        """As of Remainder."""
        if not isinstance(claim.number, Root):
            return "the constant is a root"
        if (found := self.short(claim, self.k, self.K)) is not None:
            return found
        c, c2, margin = self.limits(claim.number.d)
        if abs(self.s) != 1:
            return "s is 1 or -1"
        if abs(self.c) > c:
            return f"|c| <= {c}"
        if abs(self.c2) > c2:
            return f"|c2| <= {c2}"
        size = self.guard(claim)
        return None if margin <= self.L <= size - margin else f"{margin} <= L <= {size - margin}"

    def numbers(self, claim: Claim) -> tuple[Packed, ...]:
        """As of Remainder: v modulo 8*B^(k+o), u modulo 2*B^o, where o = 3k - K."""
        o = 3 * self.k - self.K
        return (Packed("rv", (self.k + o + 1) * claim.width, 8), Packed("ru", (o + 1) * claim.width, 2))

    def prefixes(self, claim: Claim) -> tuple[int, ...]:
        """As of Remainder."""
        return self.k * claim.width, 2 * self.k * claim.width, claim.digits

    def sides(self, claim: Claim, p: int, prefixes: Sequence[int], numbers: Mapping[str, int]) -> tuple[int, int]:
        """As of Remainder: Halley's step, multiplied by 8*d^2*B^(k+o)."""
        d, m, k, o = claim.number.d, claim.doubled, self.k, 3 * self.k - self.K
        b = pow(claim.base, claim.width, p)
        bk, bk2, bo = pow(b, k, p), pow(b, 2 * k, p), pow(b, o, p)
        # 2x - 1 for phi, x for a root: the first k words, the first 2k, and twice all digits with those below.
        a = m * prefixes[0] - (m - 1) * bk + self.c
        x = m * prefixes[1] - (m - 1) * bk2
        z = self.guard(claim) * prefixes[2] + self.L - (m - 1) * pow(b, self.K, p)
        f = a * a - d * bk2
        left = 4 * m * d * bk * bo * z + 4 * bk * a * f + 3 * d * d * numbers["rv"]
        right = 8 * d * a * bk * bk2 + 4 * self.s * d * d * bk * numbers["ru"] + 3 * f * (2 * (a * bk - x) + self.c2)
        return left % p, right % p

    def describe(self, claim: Claim) -> tuple[str, str, list[str]]:
        """As of Remainder."""
        c, c2, margin = self.limits(claim.number.d)
        return (f"{4 * claim.doubled} d B^(k+o) Z + 4 B^k A F + 3 d^2 rv",
                "8 d A B^3k + 4 s d^2 B^k ru + 3 F (2 (A B^k - X) + c2)",
                [f"k = {self.k}, K = {self.K}", f"|c| = {abs(self.c)} <= {c}", f"|c2| = {abs(self.c2)} <= {c2}",
                 f"{margin} <= L = {self.L} <= {self.guard(claim) - margin}", "ru < 2 B^o, rv < 8 B^(k+o)"])

    def difference_bits(self, claim: Claim) -> float:
        """As of Remainder."""
        return 4 * self.k * claim.width * log2(claim.base) + 2 * log2(claim.number.d) + 5


Statement = Remainder | Ladder | Quotient

_PARAMETERS: dict[str, dict[str, type]] = {
    "remainder": {}, "ladder": {"k": int, "K": int, "s": int, "c": int, "c2": int, "L": str},
    "quotient": {"g": int, "G": str, "reduced": bool}}
"""Parameters of the statements, and their types in the header: what may exceed the integers of JSON readers is text."""
_PADDING = {"h": int}
"""What quotients have beside them where X is known by a bound only."""
_MOST_DIGITS = {"L": 45, "G": 121}
"""Most digits of those that are text."""


def _parameters(claim: Claim, statement: Statement) -> dict[str, int | str]:
    """The parameters of a statement as the header has them."""
    return {name: kind(getattr(statement, name)) for name, kind in _types(claim, statement).items()}


def _types(claim: Claim, statement: Statement) -> dict[str, type]:
    """The types of a statement's parameters."""
    is_padded = isinstance(statement, Quotient) and statement.is_padded(claim)
    return _PARAMETERS[statement.name] | (_PADDING if is_padded else {})


@dataclass(frozen=True)
class Header:
    """The first line of a certificate file."""

    claim: Claim
    statement: Statement
    lenient: bool
    version: str
    text_xxh3: str

    @property
    def constant(self) -> Root | Limit:
        """The number whose digits the text is said to hold."""
        return self.claim.number

    @property
    def base(self) -> int:
        """The base of the digits."""
        return self.claim.base

    @property
    def digits(self) -> int:
        """Number of digits after the point."""
        return self.claim.digits

    @property
    def numbers(self) -> tuple[Packed, ...]:
        """The numbers that follow, each in whole groups."""
        return self.statement.numbers(self.claim)

    @property
    def size_bytes(self) -> int:
        """Size of the certificate file."""
        return certificate_bytes(self.claim, self.statement)

    def encode(self, file_xxh3: str = _ZEROS) -> bytes:
        """The 4096 bytes in front of the numbers.  The checksum of the file is taken with zeros in its own place."""
        line = json.dumps({
            "format": FORMAT, "constant": self.constant.name, "base": self.base, "digits": self.digits,
            "lenient": self.lenient, "version": self.version, "statement": self.statement.name,
            "parameters": _parameters(self.claim, self.statement),
            "numbers": [[number.name, number.digits] for number in self.numbers], "text_xxh3": self.text_xxh3,
            "file_xxh3": file_xxh3})
        return line.encode("ascii").ljust(HEADER_BYTES - 1) + b"\n"


def certificate_bytes(claim: Claim, statement: Statement) -> int:
    """Size of a certificate file."""
    return HEADER_BYTES + sum(packed_bytes(number.words(claim.base), claim.base)
                              for number in statement.numbers(claim))


def _number(name: object, own: Limit | None) -> Root | Limit:
    """The number of this name: `phi`, `sqrt D` with 1 <= D < 2^31, a limit, or one's own series, which is given."""
    if own is not None:
        if name != own.name:
            #: The digits are of another number, or of another series: `--series` takes the file that the run had.
            raise VerificationError(f"the certificate is for {str(name)[:40]!r}, not for the series in the file",
                                    "name the file that the digits were computed from")
        return own
    if isinstance(name, str) and is_own(name):
        #: Whoever verifies digits of a series has to know which one: name its file with `--series`.
        raise UsageError("the certificate is for a series of somebody's own", "name its file with --series FILE")
    if name == "phi":
        return Root("phi", 5)
    if isinstance(name, str) and (found := limit(name)) is not None:
        return found
    if isinstance(name, str) and re.fullmatch("sqrt [1-9][0-9]{0,9}", name) and (d := int(name[5:])) < 2**31:
        return Root("sqrt", d)
    #: As for "the certificate's header hides its checksum".
    raise VerificationError(f"the certificate is for an unknown constant, {str(name)[:40]!r}",
                            "it is damaged or made by something else")


def _refuse(what: str) -> VerificationError:
    #: It is damaged, cut off, or no certificate at all: a certificate begins with a line that
    #: [certificate.md](certificate.md) describes.
    return VerificationError(f"the certificate's header {what}", "the file is damaged, or is not a certificate")


_NAMES_1 = ("format", "constant", "base", "digits", "lenient", "version", "text_xxh3", "file_xxh3")
_NAMES = (*_NAMES_1, "statement", "parameters", "numbers")


def _unique(pairs: list) -> dict:
    """An object whose keys are all different."""
    if len({key for key, _ in pairs}) != len(pairs):
        raise ValueError("keys")
    return dict(pairs)


def decode_header(block: bytes, own: Limit | None = None) -> tuple[Header, str, bytes]:
    """The header in `block` (4096 bytes), its file checksum, and the block with that checksum replaced by zeros.

    `own` is the series whose digits they are, if it is of somebody's own.  Format 1 is read, too.  Raises
    VerificationError for anything that is not exactly the documented form, UsageError for a series that is not given.
    """
    if not re.fullmatch(rb"[ -~]{4095}\n", block):
        raise _refuse("is not a line of 4096 bytes")
    try:
        fields = json.loads(block.decode("ascii"), object_pairs_hook=_unique)
    except (ValueError, RecursionError):
        raise _refuse("is not the JSON object it should be") from None
    if not isinstance(fields, dict) or fields.get("format") not in (FORMAT, FORMAT_1):
        raise _refuse(f"does not say {FORMAT}")
    if sorted(fields) != sorted(_NAMES if fields["format"] == FORMAT else _NAMES_1):
        raise _refuse("is not the JSON object it should be")
    base, digits = fields["base"], fields["digits"]
    if type(base) is not int or base not in WORDS:
        raise _refuse("names no base 10 or 16")
    if type(digits) is not int or not 1 <= digits <= MAX_DIGITS:
        raise _refuse("names no possible number of digits")
    if type(fields["lenient"]) is not bool or type(fields["version"]) is not str:
        raise _refuse("has a field of a wrong type")
    for name in ("text_xxh3", "file_xxh3"):
        if type(fields[name]) is not str or not re.fullmatch("[0-9a-f]{32}", fields[name]):
            raise _refuse(f"has no checksum {name}")
    # Escaped spellings of the key are not looked for, so they are refused.
    key = block.find(b'"file_xxh3"')
    at = block.find(fields["file_xxh3"].encode(), key)
    if key < 0 or at < 0:
        raise _refuse("hides its checksum")
    zeroed = block[:at] + _ZEROS.encode() + block[at + 32:]
    claim = Claim(_number(fields["constant"], own), base, digits)
    statement = _statement({"statement": "remainder", "parameters": {}, **fields}, claim)
    return (Header(claim, statement, fields["lenient"], fields["version"], fields["text_xxh3"]), fields["file_xxh3"],
            zeroed)


def _statement(fields: dict, claim: Claim) -> Statement:
    """The statement of a header, whose parameters are within their bounds, and whose numbers are those it needs."""
    name, found = fields["statement"], fields["parameters"]
    if type(name) is not str or name not in _PARAMETERS:
        raise _refuse("makes no known statement")
    types = {key: type(value) for key, value in found.items()} if isinstance(found, dict) else None
    if types != _PARAMETERS[name] and (name != Quotient.name or types != _PARAMETERS[name] | _PADDING):
        raise _refuse(f"has other parameters than the statement {name!r}")
    found = dict(found)
    for key, most in _MOST_DIGITS.items():
        if key in found:
            if not re.fullmatch("[1-9][0-9]*", found[key]) or len(found[key]) > most:
                raise _refuse(f"has {'an' if key == 'L' else 'a'} {key} that is no number of at most {most} digits")
            found[key] = int(found[key])
    statement = {"remainder": Remainder, "ladder": Ladder, "quotient": Quotient}[name](**found)
    if (condition := statement.wrong(claim)) is not None:
        #: The numbers in the header do not prove anything: it was damaged, or made by something else.
        raise VerificationError(f"the certificate's parameters are out of their bounds: not {condition}",
                                "it is damaged or made by something else")
    if types != _types(claim, statement):
        raise _refuse(f"has other parameters than the statement {name!r}")
    wanted = [[number.name, number.digits] for number in statement.numbers(claim)]
    numbers = fields.get("numbers", wanted)
    if numbers != wanted or any(type(number[1]) is not int for number in numbers):
        raise _refuse(f"has other numbers than the statement {name!r} needs")
    return statement


def error_probability(claim: Claim, statement: Statement, primes: int) -> float:
    """Bound on the probability that a false identity passes `primes` random primes in (2^60, 2^61)."""
    return (statement.difference_bits(claim) / 60 / 2.75e16) ** primes


def within_bound(claim: Claim, step: int, r_value: Callable[[int, int], int],
                 p_value: Callable[[int, int], int]) -> bool:
    """Whether r <= 2P - b^n (phi) or r <= 2P (a root).

    r_value(low, high) and p_value(low, high) return words low .. high-1 of r and of P as one integer; P is counted in
    the words in which r is stored.  Words are compared from the top down, `step` at a time; the first or second step
    decides as a rule.
    """
    radix = WORDS[claim.base].radix
    at, rest = divmod(claim.digits, claim.width)
    taken = claim.base**rest if claim.doubled == 2 else 0
    difference = 0
    high = Remainder().numbers(claim)[0].words(claim.base)
    while high > 0:
        low = (high - 1) // step * step
        subtracted = taken * radix ** (at - low) if low <= at < high else 0
        difference = difference * radix ** (high - low) + 2 * p_value(low, high) - r_value(low, high) - subtracted
        # All words below together amount to more than -2 and less than 2 units of word `low`.
        if abs(difference) >= 2:
            return difference > 0
        high = low
    return difference >= 0
