"""Words <-> digit text.

A number is an int32 array of canonical words, word 0 least significant; its
text is a uint8 array of ASCII digits, most significant first:

    base 10   words below 10^5, 5 characters each
    base 16   words below 2^16, 4 characters each, lower case

text[c*i .. c*i + c - 1] spells words[n - 1 - i], with c characters a word.  Only
whole words are handled here; a digit count that is no multiple of c, headings
and line breaks are the caller's business.

Characters are made and read eight bytes at a time.  The arithmetic on one word
is branch free in 32- or 64-bit lanes, and runs over a small scratch block so
that LLVM vectorises it; only the 5-byte stride of decimal text is left to
scalar loads and stores.  The host is little-endian.
"""

import numpy as np

from .access import prefetch
from .characters import digit_value, eight_characters, two_words
from .integers import load_u64, store_u64
from .jit import helper, kernel

BLOCK = 512
"""Words converted at a time; `scratch` arguments are uint64 arrays of this length."""

CHARACTERS = {10: 5, 16: 4}
"""Characters of one word, by base."""

_AHEAD = 1024
"""How far the text is prefetched, in bytes."""

U32, U64 = np.uint32, np.uint64


# --- decimal ------------------------------------------------------------------------

@helper
def _five_characters(word):
    """Five ASCII digits of a word below 10^5 in the low bytes of a uint64, the leading digit lowest.

    d = floor(w/10^4) = floor(floor(w/16)/625) by a rounded-up reciprocal (exact
    below 10^5), then 4 = 2 + 2 digits in 16-bit fields, then 1 + 1 in bytes; all
    products fit in 32 bits.
    """
    lead = U32(U32((word >> U32(4)) * U32(6711)) >> U32(22))
    four = U32(word - U32(lead * U32(10000)))
    pair = U32(U32(four * U32(5243)) >> U32(19))
    pairs = U32(U32(four << U32(16)) - U32(pair * U32((100 << 16) - 1)))
    tens = U32(U32(U32(pairs * U32(103)) >> U32(10)) & U32(0x000F000F))
    digits = U32(U32(pairs << U32(8)) - U32(tens * U32((10 << 8) - 1)))
    return (U64(digits) << U64(8)) + U64(lead) + U64(0x3030303030)


@helper
def _join_fives(characters, scratch, count):
    """Write the low five bytes of each of `count` entries of `scratch` as characters, 40 of them in five stores.

    The prefetch also keeps LLVM from making this a loop of gathers, which is slower.
    """
    for i in range(count // 8):
        prefetch(characters, 40 * i + _AHEAD)
        a, b, c, d = (load_u64(scratch, 8 * i), load_u64(scratch, 8 * i + 1),
                      load_u64(scratch, 8 * i + 2), load_u64(scratch, 8 * i + 3))
        e, f, g, h = (load_u64(scratch, 8 * i + 4), load_u64(scratch, 8 * i + 5),
                      load_u64(scratch, 8 * i + 6), load_u64(scratch, 8 * i + 7))
        store_u64(characters, 40 * i, a | (b << U64(40)))
        store_u64(characters, 40 * i + 8, (b >> U64(24)) | (c << U64(16)) | (d << U64(56)))
        store_u64(characters, 40 * i + 16, (d >> U64(8)) | (e << U64(32)))
        store_u64(characters, 40 * i + 24, (e >> U64(32)) | (f << U64(8)) | (g << U64(48)))
        store_u64(characters, 40 * i + 32, (g >> U64(16)) | (h << U64(24)))
    for i in range(count // 8 * 8, count):
        five = load_u64(scratch, i)
        for j in range(5 * i, 5 * i + 5):
            characters[j] = np.uint8(five)
            five >>= U64(8)


@helper
def _split_fives(scratch, characters, count):
    """The inverse of `_join_fives`; bits 40 to 63 of an entry of `scratch` may hold parts of its neighbours."""
    for i in range(count // 8):
        prefetch(characters, 40 * i + _AHEAD)
        a, b, c = load_u64(characters, 40 * i), load_u64(characters, 40 * i + 8), load_u64(characters, 40 * i + 16)
        d, e = load_u64(characters, 40 * i + 24), load_u64(characters, 40 * i + 32)
        store_u64(scratch, 8 * i, a)
        store_u64(scratch, 8 * i + 1, (a >> U64(40)) | (b << U64(24)))
        store_u64(scratch, 8 * i + 2, b >> U64(16))
        store_u64(scratch, 8 * i + 3, (b >> U64(56)) | (c << U64(8)))
        store_u64(scratch, 8 * i + 4, (c >> U64(32)) | (d << U64(32)))
        store_u64(scratch, 8 * i + 5, d >> U64(8))
        store_u64(scratch, 8 * i + 6, (d >> U64(48)) | (e << U64(16)))
        store_u64(scratch, 8 * i + 7, e >> U64(24))
    for i in range(count // 8 * 8, count):
        five = U64(0)
        for j in range(5 * i + 4, 5 * i - 1, -1):
            five = (five << U64(8)) | U64(characters[j])
        store_u64(scratch, i, five)


@kernel("void(uint8[::1], int32[::1], uint64[::1])")
def decimal_from_words(text, words, scratch):
    """Write the decimal text of `words`, each in 0 .. 10^5 - 1, to text[:5*words.size].

    For 8 words about 22 vector instructions, then 13 loads and stores and 14 shifts.
    """
    done, n = 0, words.size
    while done < n:
        count = min(BLOCK, n - done)
        block = words[n - done - count:n - done]
        for j in range(count):
            scratch[j] = _five_characters(U32(block[U64(count - 1 - j)]))
        _join_fives(text[5 * done:5 * (done + count)], scratch, count)
        done += count


@helper
def _read_decimal_block(block, characters, scratch):
    """block <- the words of 5*block.size decimal characters, block.size <= BLOCK; returns 0 if all of them are digits.

    A byte b of text is a digit if and only if x = b xor 0x30 <= 9: bit 7 of
    x | x + 0x76 is clear.  Only a byte that is no digit can carry into the next.
    """
    count = block.size
    _split_fives(scratch, characters, count)
    foreign = U64(0)
    for j in range(count):
        x = (scratch[j] ^ U64(0x3030303030)) & U64(0xFFFFFFFFFF)
        foreign |= (x + U64(0x7676767676)) | x
        four = U32(x >> U64(8))
        pairs = U32(U32(four * U32(10)) + U32(four >> U32(8)))
        low = U32(U32(pairs >> U32(16)) & U32(0xFF))
        value = U32(U32(U32(x) & U32(0xFF)) * U32(10000)) + U32(U32(pairs & U32(0xFF)) * U32(100))
        block[U64(count - 1 - j)] = np.int32(U32(value + low))
    return foreign & U64(0x8080808080)


# --- hexadecimal --------------------------------------------------------------------

@kernel("void(uint8[::1], int32[::1])")
def hexadecimal_from_words(text, words):
    """Write the hexadecimal text of `words`, each in 0 .. 2^16 - 1, to text[:4*words.size].

    About 15 vector instructions for two words a lane.
    """
    pairs = words.size // 2
    odd = words.size - 2 * pairs
    for j in range(pairs):
        store_u64(text, 4 * odd + 8 * (pairs - 1 - j), eight_characters(load_u64(words, 2 * j)))
    if odd != 0:
        characters = eight_characters(U64(words[2 * pairs]) << U64(32))
        for j in range(4):
            text[j] = np.uint8(characters)
            characters >>= U64(8)


@helper
def _read_hexadecimal_block(block, characters):
    """block <- the words of 4*block.size hexadecimal characters; returns 0 if all of them are digits."""
    pairs = block.size // 2
    odd = block.size - 2 * pairs
    foreign = U64(0)
    for j in range(pairs):
        pair, bad = two_words(load_u64(characters, 4 * odd + 8 * j))
        foreign |= bad
        store_u64(block, 2 * (pairs - 1 - j), pair)
    if odd != 0:
        quad = U64(0x30303030)
        for j in range(3, -1, -1):
            quad = (quad << U64(8)) | U64(characters[j])
        pair, bad = two_words(quad)
        foreign |= bad
        block[2 * pairs] = np.int32(pair >> U64(32))
    return foreign


# --- text -> words ------------------------------------------------------------------

@helper
def read_block(block, characters, scratch, base):
    """block <- the words of the characters, block.size <= BLOCK; returns -1, or the index of the first non-digit."""
    if base == 10:
        foreign = _read_decimal_block(block, characters, scratch)
    else:
        foreign = _read_hexadecimal_block(block, characters)
    if foreign != U64(0):
        for j in range(characters.size):
            if digit_value(characters[j], base) < 0:
                return j
    return -1


@kernel("int64(int32[::1], Array(uint8, 1, 'C', readonly=True), uint64[::1], int64)")
def words_from_text(words, text, scratch, base):
    """words <- text[:c*words.size], c characters a word; returns -1, or the index of the first foreign character.

    A foreign character is one that is no digit of `base`; the words are not to be
    used then, and those of later blocks are not written.  About 20 (decimal) or 30
    (hexadecimal) vector instructions for 8 words or 8 pairs.
    """
    width = 5 if base == 10 else 4
    done, n = 0, words.size
    while done < n:
        count = min(BLOCK, n - done)
        first = width * done
        foreign = read_block(words[n - done - count:n - done], text[first:first + width * count], scratch, base)
        if foreign >= 0:
            return first + foreign
        done += count
    return -1


# --- both bases ---------------------------------------------------------------------

def write_text(text: np.ndarray, words: np.ndarray, base: int) -> None:
    """Write the digits of `words` (int32, canonical) to `text` (uint8, of exactly CHARACTERS[base]*words.size bytes).

    Any sub-range of words may be written by any thread: words[a:b] of n belong
    to text[c*(n - b):c*(n - a)], c = CHARACTERS[base].
    """
    if base == 10:
        decimal_from_words(text, words, np.empty(BLOCK, np.uint64))
    else:
        hexadecimal_from_words(text, words)


def read_text(words: np.ndarray, text: np.ndarray, base: int) -> int:
    """Read `text` (uint8, of exactly CHARACTERS[base]*words.size bytes, may be read-only) into `words` (int32).

    Returns -1, or the index in `text` of the first character that is no digit (upper
    case letters are not digits); in this case `words` is not to be used.
    """
    return words_from_text(words, text, np.empty(BLOCK, np.uint64), base)
