"""Words <-> text against Python's own formatting; foreign characters at every position; nothing written outside."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bigconst.kernels import text

BASES = {10: (10**5, "05d"), 16: (2**16, "04x")}
LENGTHS = [0, 1, 2, 3, 7, 8, 9, 15, 16, 17, 63, 64, 65, 511, 512, 513, 1023, 1024, 1025, 1537]


def spell(words, base):
    return "".join(format(int(w), BASES[base][1]) for w in reversed(words)).encode()


def edge_words(n, radix):
    one = np.zeros(n, np.int32)
    one[n // 2:n // 2 + 1] = 1
    return {
        "zeros": np.zeros(n, np.int32),
        "all B-1": np.full(n, radix - 1, np.int32),
        "alternating": np.where(np.arange(n) % 2, radix - 1, 0).astype(np.int32),
        "one": one,
        "random": np.random.default_rng(n).integers(0, radix, n).astype(np.int32),
    }


@pytest.mark.parametrize("base", BASES)
@pytest.mark.parametrize("n", LENGTHS)
def test_both_ways_and_nothing_outside(base, n):
    radix, width = BASES[base][0], text.CHARACTERS[base]
    for words in edge_words(n, radix).values():
        page = np.full(width * n + 21, 7, np.uint8)
        inside = page[9:9 + width * n]
        text.write_text(inside, words, base)
        assert inside.tobytes() == spell(words, base)
        back = np.full(n + 8, -3, np.int32)
        assert text.read_text(back[4:4 + n], inside, base) == -1
        assert np.array_equal(back[4:4 + n], words)
        assert (page[:9] == 7).all() and (page[9 + width * n:] == 7).all()
        assert (back[:4] == -3).all() and (back[4 + n:] == -3).all()


@pytest.mark.parametrize("base", BASES)
def test_every_word(base):
    radix = BASES[base][0]
    words = np.arange(radix, dtype=np.int32)
    page = np.empty(text.CHARACTERS[base] * radix, np.uint8)
    text.write_text(page, words, base)
    assert page.tobytes() == spell(words, base)
    back = np.empty_like(words)
    assert text.read_text(back, page, base) == -1
    assert np.array_equal(back, words)


@pytest.mark.parametrize("base", BASES)
@pytest.mark.parametrize("n", [1, 2, 5, 16, 27])
def test_every_foreign_character_at_every_position(base, n):
    digits = b"0123456789" if base == 10 else b"0123456789abcdef"
    page = np.frombuffer(spell(edge_words(n, BASES[base][0])["random"], base), np.uint8).copy()
    words = np.empty(n, np.int32)
    for i in range(page.size):
        good = page[i]
        for c in range(256):
            page[i] = c
            assert text.read_text(words, page, base) == (-1 if c in digits else i), (i, c)
        page[i] = good


@pytest.mark.parametrize("base", BASES)
def test_first_of_several_foreign_characters(base):
    n = 1500
    width = text.CHARACTERS[base]
    good = np.frombuffer(spell(edge_words(n, BASES[base][0])["random"], base), np.uint8)
    words = np.empty(n, np.int32)
    rng = np.random.default_rng(5)
    for i in rng.integers(0, width * n, 300):
        page = good.copy()
        page[i] = rng.choice(list(b"/:@`gA \n.\x00\xb0\xff"))
        page[min(i + 1, page.size - 1)] = ord("!")
        page[rng.integers(i, page.size)] = ord("-")
        assert text.read_text(words, page, base) == i


@given(st.sampled_from(list(BASES)), st.integers(0, 1200), st.data())
def test_pieces_by_themselves_make_the_whole(base, n, data):
    radix, width = BASES[base][0], text.CHARACTERS[base]
    words = np.random.default_rng(n).integers(0, radix, n).astype(np.int32)
    a = data.draw(st.integers(0, n))
    page = np.zeros(width * n, np.uint8)
    text.write_text(page[width * (n - a):], words[:a], base)
    text.write_text(page[:width * (n - a)], words[a:], base)
    assert page.tobytes() == spell(words, base)
    back = np.zeros(n, np.int32)
    assert text.read_text(back[a:], page[:width * (n - a)], base) == -1
    assert text.read_text(back[:a], page[width * (n - a):], base) == -1
    assert np.array_equal(back, words)
