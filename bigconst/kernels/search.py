"""Searching and counting in digit text, one piece at a time.

Text is a uint8 array of ASCII digits of base 10 or 16, lower case; any other
character is foreign and ends a kernel.  Matches and runs across the border of two
pieces are the caller's business.

Most of a random text can be skipped by tests of whole blocks of characters, which
LLVM vectorises; only a block in which something may be found is examined
character by character.
"""

import numpy as np

from .characters import digit_value, two_words
from .integers import load_u64
from .jit import helper, kernel

BLOCK = 256
"""Characters that are skipped at once."""

QUADS = 1 << 16
"""Entries of a table indexed by four digits of four bits each, the first one highest; for three digits, 1 << 12."""

U8, U32, U64 = np.uint8, np.uint32, np.uint64

_TEXT = "Array(uint8, 1, 'C', readonly=True)"


# --- searching ------------------------------------------------------------------------

@kernel(f"void(int32[::1], {_TEXT})")
def find_borders(borders, pattern):
    """borders[i] <- length of the longest proper prefix of pattern[:i+1] that is also its suffix.  O(pattern.size).

        D. E. Knuth, J. H. Morris, V. R. Pratt, Fast pattern matching in strings, SIAM J. Comput. 6 (1977), 323-350.
    """
    length = 0
    borders[0] = 0
    for i in range(1, pattern.size):
        while length > 0 and pattern[length] != pattern[i]:
            length = np.int64(borders[length - 1])
        if pattern[length] == pattern[i]:
            length += 1
        borders[i] = length


@helper
def _is_quiet(text, at, pattern, reach, letters):
    """Whether none of the BLOCK characters from `at` on is foreign, or begins a match of the start of the pattern.

    The start is the first reach + 1 characters, reach = min(3, pattern.size - 1); `text` has `reach` characters beyond
    the block.  `letters` is 6 for base 16, 0 for base 10.  About 20 vector instructions for 32 characters.
    """
    first, second = text[at:at + BLOCK], text[at + min(1, reach):at + min(1, reach) + BLOCK]
    third, fourth = text[at + min(2, reach):at + min(2, reach) + BLOCK], text[at + reach:at + reach + BLOCK]
    a, b, c, d = pattern[0], pattern[min(1, reach)], pattern[min(2, reach)], pattern[reach]
    found = U8(0)
    for j in range(BLOCK):
        x = first[j]
        other = U8(U8(U8(x ^ a) | U8(second[j] ^ b)) | U8(U8(third[j] ^ c) | U8(fourth[j] ^ d)))
        foreign = U8(U8(x - U8(48)) > U8(9)) & U8(U8(x - U8(97)) >= letters)
        found = U8(found | U8(U8(other == U8(0)) | foreign))
    return found == U8(0)


@kernel(f"int64({_TEXT}, {_TEXT}, int32[::1], int64)")
def find_pattern(text, pattern, borders, base):
    """Index of the first occurrence of the pattern; -1 if there is none; -2 - i for a foreign text[i] before it.

    The automaton of Knuth, Morris and Pratt, which takes O(text.size) for any text; while no part of the pattern is
    matched, it skips quiet blocks (`_is_quiet`).  pattern.size >= 1, `borders` from `find_borders`.
    """
    n, reach = text.size, min(3, pattern.size - 1)
    letters = U8(6) if base == 16 else U8(0)
    at = matched = 0
    while at < n:
        if matched == 0:
            while at + BLOCK + reach <= n and _is_quiet(text, at, pattern, reach, letters):
                at += BLOCK
        stop = min(at + BLOCK, n)
        while at < stop:
            character = text[at]
            if digit_value(character, base) < 0:
                return -2 - at
            while matched > 0 and pattern[matched] != character:
                matched = np.int64(borders[matched - 1])
            if pattern[matched] == character:
                matched += 1
            at += 1
            if matched == pattern.size:
                return at - matched
    return -1


# --- counting -------------------------------------------------------------------------

@helper
def _four_bits(characters, base):
    """Eight ASCII digits as 8 x 4 bits, the first one highest, and a mask that is 0 if all of them are digits."""
    if base == 10:
        # See text._read_decimal_block for the mask.
        v = characters ^ U64(0x3030303030303030)
        foreign = ((v + U64(0x7676767676767676)) | v) & U64(0x8080808080808080)
        v = ((v << U64(4)) | (v >> U64(8))) & U64(0x00FF00FF00FF00FF)
        v = ((v << U64(8)) | (v >> U64(16))) & U64(0x0000FFFF0000FFFF)
        return ((v << U64(16)) | (v >> U64(32))) & U64(0xFFFFFFFF), foreign
    words, foreign = two_words(characters)
    return (words >> U64(16)) | (words & U64(0xFFFF)), foreign


@kernel(f"int64(uint32[::1], uint32[::1], {_TEXT}, int64)")
def count_triples(quads, triples, text, base):
    """Count all triples of neighbouring digits; returns -1, or the index of the first foreign character.

    With a foreign character the counts are not to be used.  Two triples are counted at a time: quads[abcd] counts abc
    and bcd, triples[abc] abc alone.  Both tables are added to.  text.size < 2^32.

    About 20 (decimal) or 30 (hexadecimal) instructions and four counters for eight characters.
    """
    n = text.size
    last = n // 8 * 8
    recent = foreign = U64(0)
    for i in range(0, last, 8):
        eight, bad = _four_bits(load_u64(text, i), base)
        foreign |= bad
        recent = (recent << U64(32)) | eight
        if i > 0:
            quads[(recent >> U64(24)) & U64(0xFFFF)] += U32(1)
        quads[(recent >> U64(16)) & U64(0xFFFF)] += U32(1)
        quads[(recent >> U64(8)) & U64(0xFFFF)] += U32(1)
        quads[recent & U64(0xFFFF)] += U32(1)
    if foreign != U64(0):
        for i in range(last):
            if digit_value(text[i], base) < 0:
                return i
    for i in range(last, n):
        digit = digit_value(text[i], base)
        if digit < 0:
            return i
        recent = (recent << U64(4)) | U64(digit)
        if i >= 2:
            triples[recent & U64(0xFFF)] += U32(1)
    return -1


@kernel(f"void(int64[::1], {_TEXT})")
def longest_run(out, text):
    """out <- length and index of the first longest run of equal characters, lengths of the first and the last run.

    A run longer than L >= 2 that begins in [at, at + L - 1) covers at + L - 2 .. at + L: where these three characters
    are not equal, no other one need be examined.  text.size >= 1; about text.size/(L - 1) steps on random text.
    """
    n = text.size
    length = index = at = np.int64(0)
    while at + length < n:
        border = at + length
        if length >= 2:
            # An unsigned index spares the test for a negative one, which would count from the end.
            last, middle, first = text[U64(border)], text[U64(border - 1)], text[U64(border - 2)]
            if (last ^ middle) | (middle ^ first):
                at = border - 1
                continue
        character, start, stop = text[border], border, border + 1
        while start > at and text[start - 1] == character:
            start -= 1
        while stop < n and text[stop] == character:
            stop += 1
        if stop - start > length:
            length, index = stop - start, start
        at = stop
    lead = tail = np.int64(1)
    while lead < n and text[lead] == text[0]:
        lead += 1
    while tail < n and text[n - 1 - tail] == text[n - 1]:
        tail += 1
    out[0], out[1], out[2], out[3] = length, index, lead, tail
