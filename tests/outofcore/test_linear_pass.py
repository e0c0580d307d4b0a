"""Passes over chunks against plain arrays: pieces, shifts, words above, and buffers that are used again."""

import numpy as np
import pytest
from disk_parts import check_records, chunky_words, products_of, stored
from hypothesis import given
from hypothesis import strategies as st

from bigconst.arithmetic.disk.linear import linear_pass
from bigconst.arithmetic.disk.number import Number
from bigconst.arithmetic.disk.operand import Operand
from bigconst.base.errors import ChecksumError
from bigconst.plans.diskshape import disk_shape

CHUNK = 256
SHAPES = {base: disk_shape(1 << 14, base, digits, CHUNK, 4 << 20, 2, 1) for base, digits in ((10, 5), (16, 4))}
LINEAR_BYTES = 8 * 4096 + 16 * CHUNK + 4 * 8192
"""Workspace for each chunk of a piece."""


def words_from(words: np.ndarray, start: int, stop: int) -> np.ndarray:
    """Words start .. stop-1 of a number, zeros outside."""
    out = np.zeros(stop - start, np.int64)
    low, high = max(start, 0), min(stop, len(words))
    if low < high:
        out[low - start:high - start] = words[low:high]
    return out


@given(base=st.sampled_from([10, 16]), seed=st.integers(0, 2**32 - 1), piece_chunks=st.integers(1, 5),
       lengths=st.lists(st.integers(1, 14), min_size=1, max_size=3), out_chunks=st.integers(1, 14), data=st.data())
def test_every_piece_sees_its_words(base, seed, piece_chunks, lengths, out_chunks, data):
    rng = np.random.default_rng(seed)
    with products_of(SHAPES[base], piece_chunks * LINEAR_BYTES, seed) as (products, _):
        assert products.disk.piece_chunks == piece_chunks
        radix = products.words.format.radix
        given_words = [chunky_words(rng, chunks, CHUNK, radix) for chunks in lengths]
        ahead = [data.draw(st.integers(-6, 6)) for _ in lengths]
        above = [data.draw(st.integers(0, 1)) for _ in lengths]
        numbers = [stored(products.scratch, words, CHUNK, i << 20) for i, words in enumerate(given_words)]
        out = Number(products.scratch.volume, products.words, 8 << 20, out_chunks * CHUNK - 3, CHUNK)
        seen = []

        def compute(first, pieces):
            size = piece_chunks * CHUNK
            for piece, words, shift, more in zip(pieces, given_words, ahead, above, strict=True):
                start = first * CHUNK + shift * CHUNK
                needed = words[:max(0, (out_chunks + shift) * CHUNK)]
                assert np.array_equal(piece[:size], words_from(needed, start, start + size))
                assert np.array_equal(piece[size:], words_from(words, start + size, start + size + more))
            seen.append(first)
            # The result is made in the memory of the first input.
            result = pieces[0][:size]
            for piece in pieces[1:]:
                result[:] = (result + piece[:size].astype(np.int64)) % radix
            return result

        linear_pass(products, list(zip(map(Operand, numbers), ahead, above, strict=True)), out, compute, {}, "a pass")
        assert seen == list(range(0, out_chunks, piece_chunks))
        expected = sum(words_from(words, shift * CHUNK, (out_chunks + shift) * CHUNK)
                       for words, shift in zip(given_words, ahead, strict=True)) % radix
        assert np.array_equal(out.read(0, out_chunks * CHUNK), expected)
        check_records(out)


def test_inputs_stay_as_they_are_and_the_memory_comes_back():
    with products_of(SHAPES[10], 2 * LINEAR_BYTES) as (products, _):
        words = np.arange(9 * CHUNK, dtype=np.int32)
        number = stored(products.scratch, words, CHUNK)
        out = Number(products.scratch.volume, products.words, 1 << 20, 9 * CHUNK, CHUNK)
        mark = products.scratch.arena.mark()
        linear_pass(products, [(Operand(number), 0, 0)], out, lambda first, pieces: np.zeros_like(pieces[0]), {},
                    "a pass")
        assert products.scratch.arena.mark() == mark
        assert np.array_equal(number.read(0, 9 * CHUNK), words) and not out.kinds.any()


@pytest.mark.parametrize("damaged", [(0,), (4,), (8,), (0, 1), (4, 8)])
def test_one_damaged_chunk_is_rebuilt_and_two_stop_the_pass(damaged):
    with products_of(SHAPES[10], 2 * LINEAR_BYTES) as (products, _):
        words = np.arange(1, 9 * CHUNK + 1)
        number = stored(products.scratch, words, CHUNK)
        out = Number(products.scratch.volume, products.words, 1 << 20, 9 * CHUNK, CHUNK)
        for chunk in damaged:
            products.scratch.volume.data[chunk * 4096 + 100] ^= 4
        copy = [(Operand(number), 0, 0)], out, lambda first, pieces: pieces[0], {}, "a pass"
        if len(damaged) > 1:
            with pytest.raises(ChecksumError):
                linear_pass(products, *copy)
        else:
            linear_pass(products, *copy)
            assert np.array_equal(out.read(0, 9 * CHUNK), words)
        assert not products.scratch.volume.under_way
