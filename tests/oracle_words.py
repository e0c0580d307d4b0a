"""Slow, obvious conversions between word arrays and gmpy2 integers, shared by the tests."""

import numpy as np
from gmpy2 import mpz

WIDTHS = {base**width: (base, width) for base in (10, 16) for width in range(1, 6)}
"""Digits of a word, by radix."""
DIGITS = np.frombuffer(b"0123456789abcdef", np.uint8)


def to_mpz(words, radix: int) -> mpz:
    """The value of little-endian words, which need not be canonical."""
    words = np.asarray(words)
    if radix in WIDTHS and len(words) and words.min() >= 0 and words.max() < radix:
        return _from_digits(words[::-1], *WIDTHS[radix])
    values = [mpz(int(w)) for w in words]
    power = mpz(radix)
    while len(values) > 1:
        if len(values) % 2:
            values.append(mpz(0))
        values = [low + high * power for low, high in zip(values[::2], values[1::2], strict=True)]
        power *= power
    return values[0] if values else mpz(0)


def _from_digits(words, base: int, width: int) -> mpz:
    """Canonical words, most significant first, by way of their text."""
    digits = np.empty((len(words), width), np.uint8)
    for place in range(width - 1, -1, -1):
        words, digits[:, place] = np.divmod(words, base)
    return mpz(DIGITS[digits].tobytes().decode(), base)


def aligned_int32(count: int) -> np.ndarray:
    """`count` zeroed int32 on a 64-byte boundary."""
    raw = np.zeros(count + 16, dtype=np.int32)
    skip = -raw.ctypes.data // 4 % 16
    return raw[skip:skip + count]


def aligned_float64(count: int) -> np.ndarray:
    """`count` doubles on a 64-byte boundary, NaN so that unwritten ones show."""
    raw = np.full(count + 8, np.nan)
    skip = -raw.ctypes.data // 8 % 8
    return raw[skip:skip + count]


def tree_angles(radices, root) -> list[list]:
    """The angles of the nodes at every depth below a polynomial of angle `root`: those of b are (b + j)/r."""
    levels = [[root]]
    for r in radices:
        levels.append([(angle + j) / r for angle in levels[-1] for j in range(r)])
    return levels
