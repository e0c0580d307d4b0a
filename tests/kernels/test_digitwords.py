"""Digit text <-> 64-bit words against Python's own formatting; too large words, foreign characters, nothing outside."""

import numpy as np
import pytest

from bigconst.base.formats import YCD_WORD_DIGITS as WORD_DIGITS
from bigconst.kernels.digitwords import read_words, write_words

BASES = {10: (10**19, "019d"), 16: (2**64, "016x")}


def some_words(base: int) -> np.ndarray:
    """Words at which digits carry, with random ones."""
    radix = BASES[base][0]
    edges = {power * factor + more for power in (base**k for k in range(WORD_DIGITS[base])) for factor in (1, base // 2)
             for more in (-1, 0, 1)}
    edges |= {0, radix - 1, radix // 2}
    return np.concatenate([np.array(sorted(edges), dtype=np.uint64),
                           np.random.default_rng(1).integers(0, radix - 1, 999, dtype=np.uint64)])


@pytest.mark.parametrize("base", BASES)
def test_both_ways_and_nothing_outside(base):
    words, width = some_words(base), WORD_DIGITS[base]
    for count in (0, 1, 2, len(words)):
        page = np.full(width * count + 14, 7, dtype=np.uint8)
        text = page[5:5 + width * count]
        assert write_words(text, words[:count], base) == -1
        assert text.tobytes().decode() == "".join(format(word, BASES[base][1]) for word in words[:count].tolist())
        assert (page[:5] == 7).all() and (page[5 + width * count:] == 7).all()
        back = np.zeros(count, dtype=np.uint64)
        assert read_words(back, text, base) == -1 and (back == words[:count]).all()


@pytest.mark.parametrize("word", [10**19, 10**19 + 1, 2**63 + 2**62, 2**64 - 1])
def test_a_decimal_word_of_twenty_digits_is_found(word):
    words = some_words(10)[:50].copy()
    words[[17, 31]] = word
    assert write_words(np.empty(950, dtype=np.uint8), words, 10) == 17


@pytest.mark.parametrize("base", BASES)
def test_every_foreign_character_at_every_place(base):
    width = WORD_DIGITS[base]
    good = set(b"0123456789abcdef"[:base])
    words = np.empty(3, dtype=np.uint64)
    for place in range(width, 2 * width):
        text = np.full(3 * width, ord("5"), dtype=np.uint8)
        for character in range(256):
            text[place] = character
            assert read_words(words, text, base) == (-1 if character in good else place)
