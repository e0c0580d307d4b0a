"""Digit files and certificates made the slow way, from gmpy2 alone and docs/certificate.md; every field can be forged.

Constants go by their names, "phi" or "sqrt D".  Nothing here refuses anything: wrong values are what it is for.
"""

import dataclasses
import json
import random
import re

from gmpy2 import isqrt, mpz
from xxhash import xxh3_128_hexdigest

ZEROS = "0" * 32
WIDTH = {10: 5, 16: 4}
"""Digits of a word, c."""


def radicand(constant: str) -> int:
    return int(constant.removeprefix("sqrt "))


def floor(constant: str, base: int, n: int) -> int:
    """P = floor(x b^n)."""
    scale = mpz(base) ** n
    if constant == "phi":
        return int((scale + isqrt(5 * scale * scale)) // 2)
    return int(isqrt(radicand(constant) * scale * scale))


def remainder(constant: str, base: int, n: int, p: int) -> int:
    """The r that fits `p` by the identity, of either sign."""
    scale, p = mpz(base) ** n, mpz(p)
    if constant == "phi":
        return int(scale * scale + p * scale - p * p)
    return int(radicand(constant) * scale * scale - p * p)


def bound(constant: str, base: int, n: int, p: int) -> int:
    """The largest r of a right `p`."""
    return 2 * p - base**n if constant == "phi" else 2 * p


def digit_text(p: int, base: int, n: int, layout: str = "I.F", end: str = "\n") -> bytes:
    """The text of P with n digits after the point."""
    digits = mpz(p).digits(base).rjust(n + 1, "0")
    whole, fraction = digits[:-n], digits[-n:]
    return (layout.replace("I", whole).replace("F", fraction) + end).encode()


def folded(text: bytes) -> bytes:
    """`text` in lines of five groups, with every kind of white space."""
    lines = [text[i:i + 50] for i in range(0, len(text), 50)]
    return b" " + b"\r\n".join(b" ".join(line[j:j + 10] for j in range(0, 50, 10)) + b"\t" for line in lines) + b"\n\n"


def refusal(text: bytes, base: int, lenient: bool = False) -> int:
    """The exit code for a text that does not fit its certificate: 1, or 3 where it is not digits at all."""
    content = text.removesuffix(b"\n")
    if lenient:
        content = re.sub(rb"[ \t\r\n]", b"", text.removeprefix(b"\xef\xbb\xbf"))
        content = re.sub(rb"[A-F]", lambda letter: letter[0].lower(), content)
    digit = "[0-9]" if base == 10 else "[0-9a-f]"
    return 1 if re.fullmatch(rf"{digit}+(\.{digit}+)?".encode(), content) else 3


def words_of(r: int, base: int, n: int) -> list[int]:
    """The words of r modulo B^L, least significant first; L = ceil((n + 6)/c)."""
    c = WIDTH[base]
    count = -(-(n + 6) // c)
    digits = (mpz(r) % mpz(base) ** (c * count)).digits(base).rjust(c * count, "0")
    return [int(digits[i:i + c], base) for i in range(c * (count - 1), -1, -c)]


def pack(words: list[int], base: int) -> bytes:
    """Any number of words, filled up to whole groups; they may exceed B as far as their bits go."""
    if base == 16:
        packed = b"".join(word.to_bytes(2, "little") for word in words)
        return packed + bytes(-len(packed) % 8)
    groups = []
    for start in range(0, len(words), 64):
        group = (words[start:start + 64] + [0] * 64)[:64]
        groups.append(b"".join((word % 2**16).to_bytes(2, "little") for word in group))
        groups.append(sum(word // 2**16 << j for j, word in enumerate(group)).to_bytes(8, "little"))
    return b"".join(groups)


def put_word(packed: bytearray, base: int, j: int, word: int) -> None:
    """Replace word j of a packed r."""
    if base == 16:
        packed[2 * j:2 * j + 2] = word.to_bytes(2, "little")
        return
    at, j = j // 64 * 136, j % 64
    packed[at + 2 * j:at + 2 * j + 2] = (word % 2**16).to_bytes(2, "little")
    bits = int.from_bytes(packed[at + 128:at + 136], "little") & ~(1 << j) | word >> 16 << j
    packed[at + 128:at + 136] = bits.to_bytes(8, "little")


def fields(constant: str, base: int, n: int, text: bytes, /, **changed) -> dict:
    """The header of a certificate, the checksum of the file still zero."""
    return {"format": "bigconst-certificate/1", "constant": constant, "base": base, "digits": n, "lenient": False,
            "version": "0", "text_xxh3": xxh3_128_hexdigest(text), "file_xxh3": ZEROS} | changed


def assemble(line: str | bytes, packed: bytes) -> bytes:
    """The file of a header line and r; zeros as the line's file_xxh3 give way to the checksum of the file."""
    line = line.encode("ascii") if isinstance(line, str) else line
    file = line.ljust(4095) + b"\n" + packed
    before, key, behind = file.partition(b'"file_xxh3"')
    return before + key + behind.replace(ZEROS.encode(), xxh3_128_hexdigest(file).encode(), 1)


def certificate(constant: str, base: int, n: int, text: bytes, r: int | None = None, /, *,
                packed: bytes | None = None, **changed) -> bytes:
    """The certificate of a text: r is the right one unless given, as a number or packed; header fields by name."""
    if packed is None:
        if r is None:
            r = remainder(constant, base, n, floor(constant, base, n))
        packed = pack(words_of(r, base, n), base)
    return assemble(json.dumps(fields(constant, base, n, text, **changed)), packed)


def checksums_pass(text: bytes, file: bytes) -> bool:
    """Whether both checksums in the header are right, which is all that they can tell."""
    header = json.loads(file[:4096])
    zeroed = file[:4096].replace(header["file_xxh3"].encode(), ZEROS.encode()) + file[4096:]
    return (header["text_xxh3"], header["file_xxh3"]) == (xxh3_128_hexdigest(text), xxh3_128_hexdigest(zeroed))


# --- format 2 ---------------------------------------------------------------------------

def words_for(bound: int, radix: int) -> int:
    """Smallest count with radix^count >= bound."""
    count = 0
    while radix**count < bound:
        count += 1
    return count


def lengths(constant: str, base: int, n: int) -> tuple[int, int]:
    """k and K of the program's certificates in memory."""
    d, radix = radicand_of(constant), base ** WIDTH[base]
    K = -(-n // WIDTH[base]) + words_for(6 * d * radix**2, radix)
    return -(-(K + words_for(1000 * d, radix)) // 3), K


def radicand_of(constant: str) -> int:
    return 5 if constant == "phi" else radicand(constant)


def margins(d: int) -> tuple[int, int, int]:
    """Bounds on |c|, on |c2|, and of L."""
    return 5 * d + 2, 76 * d * (int(isqrt(d)) + 1), 10 * d


@dataclasses.dataclass
class Ladder:
    """A statement about P, true or false; fields are those of docs/certificate.md."""

    constant: str
    base: int
    n: int
    P: int
    k: int
    K: int
    s: int
    c: int
    c2: int
    L: int
    ru: int
    rv: int

    @property
    def d(self) -> int:
        return radicand_of(self.constant)

    @property
    def radix(self) -> mpz:
        return mpz(self.base) ** WIDTH[self.base]

    @property
    def o(self) -> int:
        return 3 * self.k - self.K

    @property
    def G(self) -> mpz:
        return mpz(self.base) ** (self.K * WIDTH[self.base] - self.n)

    def words_of_text(self) -> tuple[mpz, mpz]:
        """A without c, and X."""
        B, k, w = self.radix, self.k, WIDTH[self.base]
        xk, x = (mpz(self.P) // mpz(self.base) ** (self.n - j * w) for j in (k, 2 * k))
        return (2 * xk - B**k, 2 * x - B ** (2 * k)) if self.constant == "phi" else (xk, x)

    def difference(self) -> mpz:
        """Of the sides of the identity, over the integers."""
        B, k, o, d = self.radix, self.k, self.o, self.d
        a, x = self.words_of_text()
        A, T, Z = a + self.c, 4, 2 * self.G * self.P + self.L
        if self.constant == "phi":
            T, Z = 8, Z - B**self.K
        F = A * A - d * B ** (2 * k)
        left = T * d * B ** (k + o) * Z + 4 * B**k * A * F + 3 * d * d * self.rv
        right = 8 * d * A * B ** (3 * k) + 4 * self.s * d * d * B**k * self.ru
        return left - right - 3 * F * (2 * (A * B**k - x) + self.c2)

    def is_within_bounds(self) -> bool:
        """Whether everything but the identity holds."""
        B, k, K, o, d, w = self.radix, self.k, self.K, self.o, self.d, WIDTH[self.base]
        c, c2, margin = margins(d)
        return (isqrt(d) ** 2 != d and k >= 8 and 2 * k * w <= self.n and 1 <= K - -(-self.n // w) <= 8 and o >= 1
                and B**o >= 1000 * d and self.s in (1, -1) and abs(self.c) <= c and abs(self.c2) <= c2
                and margin <= self.L <= 2 * self.G - margin and 0 <= self.ru < 2 * B**o
                and 0 <= self.rv < 8 * B ** (k + o)
                and self.P // mpz(self.base) ** self.n == floor(self.constant, self.base, 0))

    def numbers(self) -> list[tuple[str, int, int]]:
        """Name, digits and value of each number."""
        w = WIDTH[self.base]
        return [("rv", (self.k + self.o + 1) * w, self.rv), ("ru", (self.o + 1) * w, self.ru)]

    def parameters(self) -> dict:
        return {name: int(getattr(self, name)) for name in ("k", "K", "s", "c", "c2")} | {"L": str(self.L)}

    def file(self, text: bytes, **changed) -> bytes:
        """The certificate of a text; header fields by name."""
        return certificate_2(self.constant, self.base, self.n, text, "ladder", self.parameters(), self.numbers(),
                             **changed)


def ladder(constant: str, base: int, n: int, k: int = 0, K: int = 0, off: int | None = None) -> Ladder:
    """The true statement that a level from k to K words leaves behind, begun `off` units beside B^k/sqrt(d)."""
    k, K = (k, K) if K else lengths(constant, base, n)
    d, B = radicand_of(constant), mpz(base) ** WIDTH[base]
    y = isqrt(B ** (2 * k) // d) + (random.randrange(-4, 5) if off is None else off)
    o, E = 3 * k - K, d * y * y - B ** (2 * k)
    s, e = 1 if E >= 0 else -1, abs(E)
    u = y * e
    uh = u // B**k
    v = uh * e
    y_K = y * B ** (K - k) - s * (u // (2 * B**o)) + 3 * (v // (8 * B ** (k + o)))
    G = mpz(base) ** (K * WIDTH[base] - n)
    P, L = divmod(B**K + 5 * y_K if constant == "phi" else 2 * d * y_K, 2 * G)
    made = Ladder(constant, base, n, int(P), k, K, s, 0, 0, int(L), int(u % (2 * B**o)), int(v % (8 * B ** (k + o))))
    a, x = made.words_of_text()
    return dataclasses.replace(made, c=int(d * y - a), c2=int(s * d * uh - 2 * (d * y * B**k - x)))


def fields_2(constant: str, base: int, n: int, text: bytes, statement: str, parameters: dict,
             numbers: list[tuple[str, int, int]], /, **changed) -> dict:
    """The header of a certificate of format 2, the checksum of the file still zero."""
    return {"format": "bigconst-certificate/2", "constant": constant, "base": base, "digits": n, "lenient": False,
            "version": "0", "statement": statement, "parameters": parameters,
            "numbers": [[name, digits] for name, digits, _ in numbers], "text_xxh3": xxh3_128_hexdigest(text),
            "file_xxh3": ZEROS} | changed


def certificate_2(constant: str, base: int, n: int, text: bytes, statement: str, parameters: dict,
                  numbers: list[tuple[str, int, int]], /, **changed) -> bytes:
    """A certificate of format 2."""
    packed = b"".join(pack(number_words(value, base, digits), base) for _, digits, value in numbers)
    return assemble(json.dumps(fields_2(constant, base, n, text, statement, parameters, numbers, **changed)), packed)


def number_words(value: int, base: int, digits: int) -> list[int]:
    """The words of a number of so many digits, least significant first; the last takes what exceeds it."""
    radix, count = base ** WIDTH[base], -(-digits // WIDTH[base])
    spelled = mpz(value).digits(base).rjust(count * WIDTH[base], "0")
    low = spelled[len(spelled) - (count - 1) * WIDTH[base]:] if count > 1 else ""
    words = [int(low[i:i + WIDTH[base]], base) for i in range(len(low) - WIDTH[base], -1, -WIDTH[base])]
    return [*words, int(mpz(value) // mpz(radix) ** (count - 1))]


def unpack(packed: bytes, base: int, count: int) -> tuple[int, bytes]:
    """The value of a packed number of so many words, and the bytes behind it."""
    size = -(-count // 64) * 136 if base == 10 else -(-count // 4) * 8
    words = []
    for at in range(0, size, 136 if base == 10 else 2):
        if base == 16:
            words.append(int.from_bytes(packed[at:at + 2], "little"))
        else:
            top = int.from_bytes(packed[at + 128:at + 136], "little")
            words += [int.from_bytes(packed[at + 2 * j:at + 2 * j + 2], "little") + (top >> j & 1) * 2**16
                      for j in range(64)]
    spelled = "".join(mpz(word).digits(base).rjust(WIDTH[base], "0") for word in reversed(words))
    return int(mpz(spelled, base)), packed[size:]


def proves(text: bytes, file: bytes) -> bool:
    """Whether a certificate proves its text, over the integers: no prime is drawn."""
    header = json.loads(file[:4096])
    constant, base, n = header["constant"], header["base"], header["digits"]
    whole, _, fraction = text.removesuffix(b"\n").decode().partition(".")
    p, rest, values = int(mpz(whole + fraction, base)), file[4096:], {}
    for name, digits in header["numbers"]:
        values[name], rest = unpack(rest, base, -(-digits // WIDTH[base]))
    if rest or len(fraction) != n or not checksums_pass(text, file):
        return False
    if header["statement"] == "remainder":
        return values["r"] == remainder(constant, base, n, p) and 0 <= values["r"] <= bound(constant, base, n, p)
    parameters = header["parameters"] | {"L": int(header["parameters"]["L"])}
    claim = Ladder(constant, base, n, p, **parameters, **values)
    return claim.is_within_bounds() and claim.difference() == 0 and header["numbers"] == [
        [name, digits] for name, digits, _ in claim.numbers()]
