"""Digit text <-> the 64-bit words of .ycd files.

A word holds 19 decimal or 16 hexadecimal digits, the first of them the most
significant; text[c*i .. c*i + c - 1] spells words[i], with c digits a word.  Only
whole words are handled here.

Eight characters at a time are one uint64, the first in the lowest byte.  19
decimal digits are taken as 3 + 8 + 8.  The host is little-endian.
"""

import numpy as np

from .characters import digit_value, eight_characters, two_words
from .integers import load_u64, store_u64
from .jit import helper, kernel

U64 = np.uint64

BLOCK = 128
"""Decimal words converted at a time; `scratch` arguments are uint64 arrays of three times this length."""


@helper
def _eight_decimals(value):
    """Eight ASCII digits of a value below 10^8: it is halved into fields of four, two and one digits.

    floor(v/10^4) = floor(109951163 v/2^40) is exact below 10^8, floor(v/100) = floor(10486 v/2^20) below 10^4, and
    floor(v/10) = floor(103 v/2^10) below 100; no product reaches into the next field.
    """
    high = ((value & U64(0xFFFFFFFF)) * U64(109951163)) >> U64(40)
    x = high | ((value - high * U64(10**4)) << U64(32))
    q = ((x * U64(10486)) >> U64(20)) & U64(0x0000007F0000007F)
    x = q | ((x - q * U64(100)) << U64(16))
    q = ((x * U64(103)) >> U64(10)) & U64(0x000F000F000F000F)
    return (q | ((x - q * U64(10)) << U64(8))) + U64(0x3030303030303030)


@helper
def _decimal_value(characters):
    """The value of eight ASCII digits, and a mask whose bits 7 of bytes are 0 if all of them are digits.

    A byte b is a digit if and only if x = b xor 0x30 <= 9: bit 7 of x | x + 0x76 is clear.  Only a byte that is no
    digit can carry into the next.
    """
    x = characters ^ U64(0x3030303030303030)
    foreign = (x + U64(0x7676767676767676)) | x
    x = (x * U64(10) + (x >> U64(8))) & U64(0x00FF00FF00FF00FF)
    x = (x * U64(100) + (x >> U64(16))) & U64(0x0000FFFF0000FFFF)
    return (x * U64(10**4) + (x >> U64(32))) & U64(0xFFFFFFFF), foreign & U64(0x8080808080808080)


@helper
def _write_decimals(text, words, scratch):
    """Returns the largest word; the text of words that are too large is none."""
    most, n = U64(0), words.size
    for done in range(0, n, BLOCK):
        count = min(BLOCK, n - done)
        block, out = words[done:done + count], text[19 * done:19 * (done + count)]
        for i in range(count):
            word = block[i]
            most = max(most, word)
            lead = word // U64(10**16)
            rest = word - lead * U64(10**16)
            middle = rest // U64(10**8)
            scratch[i] = lead
            scratch[BLOCK + i] = middle
            scratch[2 * BLOCK + i] = rest - middle * U64(10**8)
        for i in range(3 * BLOCK):
            scratch[i] = _eight_decimals(scratch[i])
        for i in range(count):
            # The first store goes five characters too far, and the next one over them.
            store_u64(out, 19 * i, scratch[i] >> U64(40))
            store_u64(out, 19 * i + 3, scratch[BLOCK + i])
            store_u64(out, 19 * i + 11, scratch[2 * BLOCK + i])
    return most


@helper
def _read_decimals(words, text):
    foreign = U64(0)
    for i in range(words.size):
        # Behind five zeros the first three characters are eight.
        lead, a = _decimal_value((load_u64(text, 19 * i) << U64(40)) | U64(0x3030303030))
        middle, b = _decimal_value(load_u64(text, 19 * i + 3))
        low, c = _decimal_value(load_u64(text, 19 * i + 11))
        foreign |= a | b | c
        words[i] = lead * U64(10**16) + middle * U64(10**8) + low
    return foreign


@helper
def _write_hexadecimals(text, words):
    for i in range(words.size):
        word = words[i]
        for half in range(2):
            value = word >> U64(32) if half == 0 else word & U64(0xFFFFFFFF)
            pair = (value & U64(0xFFFF)) | ((value >> U64(16)) << U64(32))
            store_u64(text, 16 * i + 8 * half, eight_characters(pair))


@helper
def _read_hexadecimals(words, text):
    foreign = U64(0)
    for i in range(words.size):
        word = U64(0)
        for half in range(2):
            pair, bad = two_words(load_u64(text, 16 * i + 8 * half))
            foreign |= bad
            word = (word << U64(32)) | ((pair >> U64(32)) << U64(16)) | (pair & U64(0xFFFF))
        words[i] = word
    return foreign


@kernel("int64(uint8[::1], Array(uint64, 1, 'C', readonly=True), uint64[::1], int64)")
def text_from_words(text, words, scratch, base):
    """Write the digits of `words` to text[:c*words.size]; returns -1, or the index of the first word that has more.

    The text is not to be used where a word, which has to be below 10^19 in base 10, has more digits.  About 60
    operations for a decimal word, 40 for a hexadecimal one.
    """
    if base == 16:
        _write_hexadecimals(text, words)
    elif _write_decimals(text, words, scratch) >= U64(10**19):
        for i in range(words.size):
            if words[i] >= U64(10**19):
                return i
    return -1


@kernel("int64(uint64[::1], Array(uint8, 1, 'C', readonly=True), int64)")
def read_words(words, text, base):
    """words <- text[:c*words.size]; returns -1, or the index of the first character that is no digit of `base`.

    Letters are lower case.  The words are not to be used where a character is foreign.
    """
    foreign = _read_decimals(words, text) if base == 10 else _read_hexadecimals(words, text)
    if foreign != U64(0):
        for j in range(text.size):
            if digit_value(text[j], base) < 0:
                return j
    return -1


def write_words(text: np.ndarray, words: np.ndarray, base: int) -> int:
    """Write the digits of `words` (uint64) to `text` (uint8, of exactly c*words.size bytes).

    Returns -1, or the index of the first word that has too many digits; the text is not to be used then.
    """
    return text_from_words(text, words, np.empty(3 * BLOCK, np.uint64), base)
