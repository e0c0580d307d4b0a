"""Digit files and certificates made the slow way, from gmpy2 alone and docs/certificate.md; every field can be forged.

Constants go by their names, "phi" or "sqrt D".  Nothing here refuses anything: wrong values are what it is for.
"""

import json
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
