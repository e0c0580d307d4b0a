"""The format and the mathematics of certificates: header, identity and bounds (docs/certificate.md).

Pure: bytes and integers, no files, no arrays.
"""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from math import log

from bigconst.base.constant import Root
from bigconst.base.errors import VerificationError
from bigconst.base.formats import HEADER_BYTES, WORDS, ZST_SUFFIX, remainder_words

FORMAT = "bigconst-certificate/1"
MAX_DIGITS = 10**18
MAX_PRIMES = 16
"""Random primes that a verification may use."""
_ZEROS = "0" * 32


def certificate_path(text_path: str) -> str:
    """Path of the certificate of a digit file: phi.txt and phi.txt.zst share phi.txt.cert."""
    return text_path.removesuffix(ZST_SUFFIX) + ".cert"


@dataclass(frozen=True)
class Header:
    """The first line of a certificate file."""

    constant: Root
    base: int
    digits: int
    lenient: bool
    version: str
    text_xxh3: str

    def encode(self, file_xxh3: str = _ZEROS) -> bytes:
        """The 4096 bytes in front of r.  The checksum of the file is taken with zeros in its own place."""
        line = json.dumps({"format": FORMAT, "constant": self.constant.name, "base": self.base, "digits": self.digits,
                           "lenient": self.lenient, "version": self.version, "text_xxh3": self.text_xxh3,
                           "file_xxh3": file_xxh3})
        return line.encode("ascii").ljust(HEADER_BYTES - 1) + b"\n"

    @property
    def words(self) -> int:
        """Number of words in which r is stored."""
        return remainder_words(self.base, self.digits)


def _root(name: object) -> Root:
    """The root of which `name` is the name: `phi`, or `sqrt D` with 1 <= D < 2^31."""
    if name == "phi":
        return Root("phi", 5)
    if isinstance(name, str) and re.fullmatch("sqrt [1-9][0-9]{0,9}", name) and (d := int(name[5:])) < 2**31:
        return Root("sqrt", d)
    #: As for "the certificate's header hides its checksum".
    raise VerificationError(f"the certificate is for an unknown constant, {str(name)[:40]!r}",
                            "it is damaged or made by something else")


def decode_header(block: bytes) -> tuple[Header, str, bytes]:
    """The header in `block` (4096 bytes), its file checksum, and the block with that checksum replaced by zeros.

    Raises VerificationError for anything that is not exactly the documented form.
    """
    def refuse(what: str) -> VerificationError:
        #: It is damaged, cut off, or no certificate at all: a certificate begins with a line that
        #: [certificate.md](certificate.md) describes.
        return VerificationError(f"the certificate's header {what}", "the file is damaged, or is not a certificate")

    if not re.fullmatch(rb"[ -~]{4095}\n", block):
        raise refuse("is not a line of 4096 bytes")
    names = ("format", "constant", "base", "digits", "lenient", "version", "text_xxh3", "file_xxh3")

    def unique(pairs: list) -> dict:
        if sorted(key for key, _ in pairs) != sorted(names):
            raise ValueError("keys")
        return dict(pairs)

    try:
        fields = json.loads(block.decode("ascii"), object_pairs_hook=unique)
    except (ValueError, RecursionError):
        raise refuse("is not the JSON object it should be") from None
    if not isinstance(fields, dict) or fields["format"] != FORMAT:
        raise refuse(f"does not say {FORMAT}")
    base, digits = fields["base"], fields["digits"]
    if type(base) is not int or base not in WORDS:
        raise refuse("names no base 10 or 16")
    if type(digits) is not int or not 1 <= digits <= MAX_DIGITS:
        raise refuse("names no possible number of digits")
    if type(fields["lenient"]) is not bool or type(fields["version"]) is not str:
        raise refuse("has a field of a wrong type")
    for name in ("text_xxh3", "file_xxh3"):
        if type(fields[name]) is not str or not re.fullmatch("[0-9a-f]{32}", fields[name]):
            raise refuse(f"has no checksum {name}")
    # Escaped spellings of the key are not looked for, so they are refused.
    key = block.find(b'"file_xxh3"')
    at = block.find(fields["file_xxh3"].encode(), key)
    if key < 0 or at < 0:
        raise refuse("hides its checksum")
    zeroed = block[:at] + _ZEROS.encode() + block[at + 32:]
    header = Header(_root(fields["constant"]), base, digits, fields["lenient"], fields["version"],
                    fields["text_xxh3"])
    return header, fields["file_xxh3"], zeroed


def sides(root: Root, base: int, digits: int, p_residue: int, r_residue: int, prime: int) -> tuple[int, int]:
    """Both sides of P^2 + r = b^(2n) + P*b^n, or P^2 + r = d*b^(2n), modulo `prime`."""
    power = pow(base, digits, prime)
    left = (p_residue * p_residue + r_residue) % prime
    if root.kind == "phi":
        return left, (power * power + p_residue * power) % prime
    return left, root.d * power * power % prime


def error_probability(base: int, digits: int, primes: int) -> float:
    """Bound on the probability that a false identity passes `primes` random primes in (2^60, 2^61)."""
    bits = 2 * digits * log(base, 2) + 34
    return (bits / 60 / 2.75e16) ** primes


def within_bound(root: Root, base: int, digits: int, step: int, r_value: Callable[[int, int], int],
                 p_value: Callable[[int, int], int]) -> bool:
    """Whether r <= 2P - b^n (phi) or r <= 2P (a root).

    r_value(low, high) and p_value(low, high) return words low .. high-1 of r and of P as one integer; P is counted in
    the words in which r is stored.  Words are compared from the top down, `step` at a time; the first or second step
    decides as a rule.
    """
    fmt = WORDS[base]
    at, rest = divmod(digits, fmt.digits)
    taken = base**rest if root.kind == "phi" else 0
    difference = 0
    high = remainder_words(base, digits)
    while high > 0:
        low = (high - 1) // step * step
        subtracted = taken * fmt.radix ** (at - low) if low <= at < high else 0
        difference = (difference * fmt.radix ** (high - low) + 2 * p_value(low, high) - r_value(low, high)
                      - subtracted)
        # All words below together amount to more than -2 and less than 2 units of word `low`.
        if abs(difference) >= 2:
            return difference > 0
        high = low
    return difference >= 0
