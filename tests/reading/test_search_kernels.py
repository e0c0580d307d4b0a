"""The kernels of searching and counting against bytes.find, Counter and groupby; every foreign character."""

import itertools
import random
from collections import Counter

import numpy as np
import pytest

from bigconst.kernels.search import BLOCK, QUADS, count_triples, find_borders, find_pattern, longest_run

CHARACTERS = {10: b"0123456789", 16: b"0123456789abcdef"}


def array(data: bytes) -> np.ndarray:
    return np.frombuffer(data, dtype=np.uint8)


def borders_of(pattern: bytes) -> np.ndarray:
    borders = np.empty(len(pattern), dtype=np.int32)
    find_borders(borders, array(pattern))
    return borders


def find(text: bytes, pattern: bytes, base: int = 10) -> int:
    return find_pattern(array(text), array(pattern), borders_of(pattern), base)


def triples_of(text: bytes, base: int = 10) -> np.ndarray:
    quads, few = np.zeros(QUADS, np.uint32), np.zeros(1 << 12, np.uint32)
    assert count_triples(quads, few, array(text), base) == -1
    four = quads.reshape(16, 16, 16, 16)
    return few.reshape(16, 16, 16) + four.sum(axis=3) + four.sum(axis=0)


def texts(base: int):
    rng = random.Random(base)
    for length in [*range(1, 40), BLOCK - 1, BLOCK, BLOCK + 1, BLOCK + 3, 2 * BLOCK + 2, 1000, 5000]:
        for few in (1, 2, 3, base):
            yield bytes(rng.choices(CHARACTERS[base][-few:], k=length))


def test_borders_are_those_of_the_definition():
    for pattern in map(bytes, itertools.product(b"01", repeat=9)):
        for i, border in enumerate(borders_of(pattern)):
            head = pattern[:i + 1]
            assert border == max(k for k in range(i + 1) if head[:k] == head[len(head) - k:])


@pytest.mark.parametrize("base", [10, 16])
def test_the_first_occurrence_is_that_of_bytes_find(base):
    rng = random.Random(2)
    hits = misses = 0
    for text in texts(base):
        for length in (1, 2, 3, 4, 5, 8, 13, 300):
            start = rng.randrange(len(text))
            for pattern in (text[start:start + length], text[start:start + length] + text[:1],
                            bytes(rng.choices(CHARACTERS[base], k=length))):
                assert find(text, pattern, base) == text.find(pattern), (text, pattern)
                hits, misses = hits + (pattern in text), misses + (pattern not in text)
    assert hits > 1000 and misses > 1000


@pytest.mark.parametrize("length", [1, 2, 4, 9, 100])
def test_a_pattern_at_every_place(length):
    pattern = b"7" * (length - 1) + b"9"
    for at in range(3 * BLOCK):
        text = b"1" * at + pattern + b"1" * 5
        assert find(text, pattern) == at
        assert find(text[:-6], pattern) == -1


@pytest.mark.parametrize("base", [10, 16])
@pytest.mark.parametrize("at", [0, 1, 7, 8, 200, BLOCK + 5, 2 * BLOCK + 9])
def test_every_foreign_character_ends_both(base, at):
    for character in set(range(256)) - set(CHARACTERS[base]):
        text = b"5" * at + bytes([character]) + b"5" * 30 + b"!" + b"5" * 270
        assert find(text, b"56", base) == -2 - at
        assert find(text, b"5", base) == (0 if at else -2)
        assert count_triples(np.zeros(QUADS, np.uint32), np.zeros(1 << 12, np.uint32), array(text), base) == at


@pytest.mark.parametrize("base", [10, 16])
def test_triples_are_those_of_a_counter(base):
    for text in texts(base):
        found = triples_of(text, base)
        expected = Counter(text[i:i + 3].decode() for i in range(len(text) - 2))
        assert {f"{a:x}{b:x}{c:x}": n for (a, b, c), n in np.ndenumerate(found) if n} == expected


def test_runs_are_those_of_groupby():
    for text in texts(10):
        lengths = [len(list(run)) for _, run in itertools.groupby(text)]
        out = np.zeros(4, dtype=np.int64)
        longest_run(out, array(text))
        first = lengths.index(max(lengths))
        assert out.tolist() == [max(lengths), sum(lengths[:first]), lengths[0], lengths[-1]], text
