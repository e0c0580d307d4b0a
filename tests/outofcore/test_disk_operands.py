"""What a transform reads, whole and run by run, against the integer that it stands for."""

import numpy as np
import pytest
from disk_parts import chunky_words, scratch_of, stored
from gmpy2 import mpz
from hypothesis import assume, given
from hypothesis import strategies as st
from oracle_words import to_mpz

from bigconst.arithmetic.disk.operand import Operand
from bigconst.arithmetic.disk.passes import DiskTransform
from bigconst.arithmetic.packed import page_buffer
from bigconst.plans.diskshape import DiskShape

SEEDS = st.integers(0, 2**32 - 1)
CHUNK = 64
FORMATS = [(10, 5), (10, 4), (10, 3), (16, 4), (16, 3)]


def expected(words, radix: int, changes: dict) -> mpz:
    """The integer, change by change."""
    value, length = to_mpz(words, radix), len(words)
    if changes.get("complement"):
        value = mpz(radix) ** length - 1 - value
    unit = changes.get("divisor", 1) * mpz(radix) ** changes.get("zero_below", 0)
    value -= value % unit
    if changes.get("double"):
        value *= 2
    if changes.get("minus_one_at") is not None:
        value -= mpz(radix) ** changes["minus_one_at"]
    return value


def any_changes(data, base: int, chunks: int, chunk_words: int) -> dict:
    """Some of the changes, together."""
    changes = {}
    if data.draw(st.booleans()):
        changes["complement"] = True
    if data.draw(st.booleans()):
        changes["zero_below"] = data.draw(st.integers(0, chunks * chunk_words - 1)
                                          | st.integers(0, chunks - 1).map(lambda c: c * chunk_words)
                                          | st.integers(1, chunks).map(lambda c: c * chunk_words - 1))
        changes["divisor"] = base ** data.draw(st.integers(0, 4 if base == 10 else 3))
    if data.draw(st.booleans()):
        changes["double"] = True
    if data.draw(st.booleans()):
        changes["minus_one_at"] = chunk_words * data.draw(st.integers(0, chunks - 1))
    return changes


def filled(operand: Operand, chunks: int) -> np.ndarray:
    """Words of the first chunks, as a pass reads them: what is not stored is not read."""
    number, out = operand.number, np.empty(chunks * operand.number.chunk_words, np.int32)
    for c in range(chunks):
        packed = page_buffer(number.chunk_bytes)
        packed[:] = 0xFF
        if operand.is_stored(c):
            number.volume.read([number.request(operand.first + c, packed)], number.sums).wait()
        operand.fill(c, packed, out[c * number.chunk_words:(c + 1) * number.chunk_words])
    return out


@pytest.fixture(scope="module", params=[10, 16])
def scratch(request):
    with scratch_of(request.param) as scratch:
        yield scratch


@given(seed=SEEDS, chunks=st.integers(1, 7), first=st.integers(0, 3), beyond=st.integers(1, 3), data=st.data())
def test_every_combination_of_changes(scratch, seed, chunks, first, beyond, data):
    base, radix = scratch.words.format.base, scratch.words.format.radix
    words = chunky_words(np.random.default_rng(seed), first + chunks, CHUNK, radix)
    changes = any_changes(data, base, chunks, CHUNK)
    value = expected(words[first * CHUNK:], radix, {**changes, "minus_one_at": None})
    at = changes.get("minus_one_at")
    assume(at is None or value // mpz(radix) ** at % radix > 0)
    operand = Operand(stored(scratch, words, CHUNK), first, **changes)
    assert operand.chunks == chunks
    out = filled(operand, chunks + beyond)
    assert out.min() >= 0 and out.max() < radix
    assert to_mpz(out, radix) == expected(words[first * CHUNK:], radix, changes)
    for c in range(chunks + beyond):
        above_half = c > 0 and 2 * out[c * CHUNK - 1] >= radix
        assert operand.carries_into(c) == above_half


@pytest.mark.parametrize("words,zero_below,carries", [
    ([0, 0, 49999], 0, False), ([0, 0, 50000], 0, True), ([99999, 99999, 99999], 3, False),
    ([1, 2, 50009], 2, True), ([0, 0, 74999], 2, True), ([0, 0, 24999], 2, False), ([0, 0, 25000], 2, False),
])
def test_a_carry_into_the_next_chunk_is_known_without_reading(words, zero_below, carries):
    with scratch_of(10) as scratch:
        padded = np.zeros(2 * CHUNK, np.int32)
        padded[CHUNK - 3:CHUNK] = words
        number = stored(scratch, padded, CHUNK)
        at = CHUNK - 3 + zero_below if zero_below else 0
        scratch.volume.read_pages.clear()
        assert Operand(number, zero_below=at).carries_into(1) == carries
        assert not Operand(number).carries_into(0)
        assert scratch.volume.read_pages == []


def test_what_is_zero_is_not_read(scratch):
    radix = scratch.words.format.radix
    number = stored(scratch, chunky_words(np.random.default_rng(1), 5, CHUNK, radix, "random"), CHUNK)
    operand = Operand(number, 1, zero_below=2 * CHUNK)
    assert [operand.is_stored(c) for c in range(6)] == [False, False, True, True, False, False]
    operand = Operand(number, zero_below=2 * CHUNK - 1)
    assert [operand.is_stored(c) for c in range(6)] == [False, True, True, True, True, False]


def runs_of(base: int, digits: int, run_chunks: int, chunk_words: int) -> DiskShape:
    """A shape of which only the runs matter."""
    tile = run_chunks * chunk_words * (5 if base == 10 else 4) // digits // 8
    return DiskShape(base, digits, (8,), (), (), (8,), tile, chunk_words, 1)


def balanced(run: np.ndarray, radix: int) -> mpz:
    """A run as the column kernel loads it, by itself: digits from half the radix on go down by it, with a carry to the
    next word of the run and none beyond its end."""
    up = 2 * run.astype(np.int64) >= radix
    assert not up[-1], "a carry would leave the run"
    return to_mpz(run - radix * up + np.concatenate([[0], up[:-1]]), radix)


@pytest.mark.parametrize("base,digits", FORMATS)
@given(seed=SEEDS, run_chunks=st.integers(1, 3), chunks=st.integers(1, 7), first=st.integers(0, 2), data=st.data(),
       kinds=st.sampled_from(["zero nines random edges", "edges"]))
def test_runs_stand_for_the_number_by_themselves(base, digits, seed, run_chunks, chunks, first, data, kinds):
    chunk = 64 * 15         # whole words of every size
    shape = runs_of(base, digits, run_chunks, chunk)
    assert shape.run_words == run_chunks * chunk
    with scratch_of(base, 1 << 16, arena_bytes=1 << 16) as scratch:
        stored_radix = scratch.words.format.radix
        words = chunky_words(np.random.default_rng(seed), first + chunks, chunk, stored_radix, kinds)
        changes = any_changes(data, base, chunks, chunk)
        value = expected(words[first * chunk:], stored_radix, {**changes, "minus_one_at": None})
        at = changes.get("minus_one_at")
        assume(at is None or value // mpz(stored_radix) ** at % stored_radix > 0)
        operand = Operand(stored(scratch, words, chunk), first, **changes)
        transform = DiskTransform(shape, scratch)
        total, radix = mpz(0), base**digits
        for run in range(-(-(chunks + 1) // run_chunks) + 1):
            packed = page_buffer(run_chunks * operand.number.chunk_bytes).reshape(run_chunks, -1)
            for c in range(run_chunks):
                if operand.is_stored(run * run_chunks + c):
                    request = operand.number.request(first + run * run_chunks + c, packed[c])
                    scratch.volume.read([request], operand.number.sums).wait()
            out = np.empty(8 * shape.tile_width, np.int32)
            transform._fill(operand, out, packed, run * run_chunks)
            total += balanced(out, radix) * mpz(radix) ** (run * len(out))
        assert total == expected(words[first * chunk:], stored_radix, changes)
