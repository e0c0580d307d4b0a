"""Words of a finished number for several threads at once."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from disk_parts import chunky_words, scratch_of, stored
from hypothesis import given
from hypothesis import strategies as st

from bigconst.arithmetic.disk.operand import Operand
from bigconst.arithmetic.disk.reader import Reader
from bigconst.base.errors import ChecksumError

CHUNK = 64
CHUNKS = 12


@pytest.fixture(params=[10, 16])
def number(request):
    with scratch_of(request.param) as scratch:
        radix = scratch.words.format.radix
        yield stored(scratch, chunky_words(np.random.default_rng(4), CHUNKS, CHUNK, radix), CHUNK, 4096)


def expected(number, operand, start, stop):
    words = number.read(operand.first * CHUNK, CHUNKS * CHUNK)
    if operand.complement:
        words = number.radix - 1 - words
    return np.pad(words, (0, max(0, stop - len(words))))[start:stop]


@given(kept=st.integers(1, 20), complement=st.booleans(), first=st.integers(0, 3),
       ranges=st.lists(st.tuples(st.integers(0, (CHUNKS + 3) * CHUNK), st.integers(1, 5 * CHUNK)), min_size=1))
def test_any_stretch_by_any_thread(kept, complement, first, ranges):
    with scratch_of(10) as scratch:
        number = stored(scratch, chunky_words(np.random.default_rng(kept), CHUNKS, CHUNK, 10**5), CHUNK)
        operand = Operand(number, first, complement=complement)
        read = Reader(operand, kept)
        with ThreadPoolExecutor(4) as pool:
            found = list(pool.map(lambda r: read(r[0], r[0] + r[1]), ranges))
        for (start, size), words in zip(ranges, found, strict=True):
            assert np.array_equal(words, expected(number, operand, start, start + size))


def test_many_threads_read_nothing_twice(number):
    volume = number.volume
    volume.read_pages.clear()
    read = Reader(Operand(number), CHUNKS + 1)
    with ThreadPoolExecutor(8) as pool:
        stretches = [(at, at + 40) for at in range(0, CHUNKS * CHUNK - 40, 7)]
        found = list(pool.map(lambda stretch: read(*stretch), stretches))
    stored_chunks = [c for c in range(CHUNKS) if number.is_stored(c)]
    assert sorted(volume.read_pages) == [1 + c for c in stored_chunks]
    for (start, stop), words in zip(stretches, found, strict=True):
        assert np.array_equal(words, number.read(start, stop))


def test_what_is_returned_belongs_to_the_caller(number):
    read = Reader(Operand(number), 4)
    first = read(5, 100)
    kept = first.copy()
    first[:] = -1
    assert np.array_equal(read(5, 100), kept)


@pytest.mark.parametrize("count", [1, 2])
def test_damaged_chunks_are_rebuilt_or_an_error_for_everyone_who_wants_them(number, count):
    damaged = [c for c in range(CHUNKS) if number.is_stored(c)][:count]
    for chunk in damaged:
        number.volume.data[4096 * (1 + chunk)] ^= 1
    read = Reader(Operand(number), CHUNKS)

    def failure(chunk):
        try:
            read(chunk * CHUNK + 3, chunk * CHUNK + 9)
        except ChecksumError as error:
            return error

    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(failure, list(range(CHUNKS)) * 4))
    lost = damaged if count > 1 else []
    assert [isinstance(error, ChecksumError) for error in found] == [c in lost for c in range(CHUNKS)] * 4
