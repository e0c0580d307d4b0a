"""Residues against Python integers, joined parts, and the distribution of random primes."""

import gmpy2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bigconst.arithmetic import residues as residue

RADIX = {10: 10**5, 16: 2**16}
WIDTH = {10: 5, 16: 4}
PRIMES = [3, 5, 65537, 99_991, 2**31 - 1, 2**61 - 1, (1 << 60) + 33, 2305843009213693921]
LENGTHS = [0, 1, 2, 3, 15, 16, 17, 511, 512, 513, 1023, 1024, 1025, 2047, 2048, 2049, 3000]


def spell(words, base):
    return "".join(format(int(w), "05d" if base == 10 else "04x") for w in reversed(words))


def value(digits, base):
    return int(gmpy2.mpz(digits, base)) if digits else 0


def characters(digits):
    return np.frombuffer(digits.encode(), np.uint8)


def edge_words(n, radix):
    one = np.zeros(n, np.int32)
    one[n - 1:] = 1
    return [np.zeros(n, np.int32), np.full(n, radix - 1, np.int32), one,
            np.where(np.arange(n) % 2, radix - 1, 0).astype(np.int32),
            np.random.default_rng(n).integers(0, radix, n).astype(np.int32)]


def test_the_primes_are_primes():
    assert all(gmpy2.is_prime(p) for p in PRIMES)


@pytest.mark.parametrize("base", RADIX)
@pytest.mark.parametrize("n", LENGTHS)
def test_words_and_text(base, n):
    moduli = [residue.Modulus(p) for p in PRIMES]
    for words in edge_words(n, RADIX[base]):
        digits = spell(words, base)
        expected = tuple(value(digits, base) % p for p in PRIMES)
        assert residue.residues_words(moduli, words, RADIX[base]) == expected
        assert residue.residues_text(moduli, characters(digits), base) == expected
        assert tuple(m.residue_words(words, RADIX[base]) for m in moduli) == expected


@pytest.mark.parametrize("base", RADIX)
def test_text_of_any_length_and_start(base):
    modulus = residue.Modulus(residue.random_prime())
    digits = spell(np.random.default_rng(3).integers(0, RADIX[base], 1100), base)
    for start in range(9):
        for stop in [*range(start, start + 30), *range(len(digits) - 7, len(digits) + 1)]:
            part = digits[start:stop]
            assert modulus.residue_text(characters(digits)[start:stop], base) == value(part, base) % modulus.p


@pytest.mark.parametrize("base", RADIX)
@pytest.mark.parametrize("length", [1, 4, 5, 23, 64])
def test_a_foreign_character_is_refused_with_its_index(base, length):
    modulus = residue.Modulus(2**61 - 1)
    for i in range(length):
        for c in b"/:;@`gAF \n.\x00\x80\xb1\xff" + (b"" if base == 16 else b"abcdef"):
            digits = bytearray(b"1" * length)
            digits[i] = c
            with pytest.raises(residue.ForeignCharacter) as caught:
                modulus.residue_text(np.frombuffer(bytes(digits), np.uint8), base)
            assert caught.value.index == i


def test_a_foreign_character_far_inside():
    modulus = residue.Modulus(2**61 - 1)
    for i in (0, 3, 2559, 2560, 2563, 9000, 10_002):
        page = np.full(10_003, ord("7"), np.uint8)
        page[i] = ord("x")
        with pytest.raises(residue.ForeignCharacter) as caught:
            modulus.residue_text(page, 10)
        assert caught.value.index == i


@given(st.sampled_from([10, 16]), st.integers(0, 2500), st.lists(st.integers(0, 2500), max_size=4),
       st.integers(0, 2**32))
def test_parts_join_to_the_whole(base, n, cuts, seed):
    radix = RADIX[base]
    words = np.random.default_rng(seed).integers(0, radix, n).astype(np.int32)
    modulus = residue.Modulus(residue.random_prime())
    whole = value(spell(words, base), base) % modulus.p
    edges = sorted({0, n, *(c for c in cuts if c < n)})
    parts = [(modulus.residue_words(words[a:b], radix), b - a) for a, b in zip(edges, edges[1:], strict=False)]
    assert modulus.join(reversed(parts), radix) == whole
    page = characters(spell(words, base))
    edges = sorted({0, page.size, *(c for c in cuts if c < page.size)})
    parts = [(modulus.residue_text(page[a:b], base), b - a) for a, b in zip(edges, edges[1:], strict=False)]
    assert modulus.join(parts, base) == whole


def test_a_changed_word_changes_the_residue():
    words = np.random.default_rng(8).integers(0, 99_999, 5000).astype(np.int32)
    modulus = residue.Modulus(residue.random_prime())
    before = modulus.residue_words(words, 10**5)
    for j in (0, 1, 1023, 1024, 2500, 4999):
        words[j] += 1
        after = modulus.residue_words(words, 10**5)
        assert (after - before) % modulus.p == modulus.power(10**5, j)
        words[j] -= 1


def test_power():
    modulus = residue.Modulus((1 << 60) + 33)
    assert modulus.power(10, 2 * 10**12) == int(gmpy2.powmod(10, 2 * 10**12, modulus.p))


@pytest.mark.parametrize("p", [-7, 0, 1, 2, 4, 1 << 60, (1 << 61) + 1])
def test_modulus_refuses(p):
    with pytest.raises(ValueError):
        residue.Modulus(p)


def test_random_primes_have_their_size_and_differ():
    primes = [residue.random_prime() for _ in range(200)]
    assert all(gmpy2.is_prime(p) and 1 << 60 < p < 1 << 61 for p in primes)
    assert len(set(primes)) == 200
    # the upper half holds 0.494 of the primes; six standard deviations
    assert abs(sum(p >> 59 & 1 for p in primes) - 99) < 43


@pytest.mark.parametrize("bits", [2, 3, 5, 8])
def test_random_primes_are_uniform(bits):
    """Chi-square against the exact distribution; after-gap sampling would give 127 and 131 very different shares."""
    population = [p for p in range(1 << bits - 1, 1 << bits) if gmpy2.is_prime(p)]
    draws = 300 * len(population)
    counts = dict.fromkeys(population, 0)
    for _ in range(draws):
        counts[residue.random_prime(bits)] += 1
    chi_square = sum((c - 300) ** 2 / 300 for c in counts.values())
    freedom = len(population) - 1
    assert chi_square < freedom + 7 * (2 * freedom) ** 0.5 + 10, counts
