"""Numbers on disk against Python's integers."""

import contextlib

import numpy as np
import pytest
from disk_parts import check_records, chunky_words, scratch_of, stored, to_words, value_of, whole
from gmpy2 import mpz
from hypothesis import given
from hypothesis import strategies as st

from bigconst.arithmetic.disk import number as numbers
from bigconst.arithmetic.disk.fetch import Fetch
from bigconst.arithmetic.disk.number import Number
from bigconst.arithmetic.disk.products import sign_magnitude
from bigconst.arithmetic.disk.rowpasses import RowPasses
from bigconst.arithmetic.packed import page_buffer
from bigconst.base.errors import ChecksumError, FaultError
from bigconst.kernels.chunk import NINES, STORED, ZEROS
from bigconst.storage.volume import BlockRequest

CHUNK = 64
BATCH = 5
"""Chunks that these numbers handle at a time, so that short ones have several batches."""
P = 2**61 - 1
SEEDS = st.integers(0, 2**32 - 1)


@pytest.fixture(scope="module", params=[10, 16])
def scratch(request):
    with scratch_of(request.param) as scratch, pytest.MonkeyPatch.context() as patch:
        patch.setattr("bigconst.arithmetic.disk.number.batch_chunks", lambda packed_bytes, chunk_words: BATCH)
        yield scratch


@given(seed=SEEDS, length=st.integers(1, 40 * CHUNK), address=st.integers(0, 9), data=st.data())
def test_stored_and_read_in_any_range(scratch, seed, length, address, data):
    rng = np.random.default_rng(seed)
    words = chunky_words(rng, -(-length // CHUNK), CHUNK, scratch.words.format.radix)[:length]
    number = stored(scratch, words, CHUNK, 4096 * address)
    padded = np.pad(words, (0, number.chunks * CHUNK - length))
    check_records(number)
    for _ in range(4):
        start = data.draw(st.integers(0, len(padded) - 1))
        stop = data.draw(st.integers(start + 1, len(padded)))
        assert np.array_equal(number.read(start, stop), padded[start:stop])
        low, high = start // CHUNK, stop // CHUNK
        assert number.residue(low, high) == whole(padded[low * CHUNK:high * CHUNK], number.radix) % P
    assert number.residue() == whole(words, number.radix) % P
    for outside in (-2, -1, number.chunks, number.chunks + 1):
        assert number.first_word(outside) == number.last_word(outside) == 0


def test_uniform_chunks_are_neither_written_nor_read(scratch):
    radix = scratch.words.format.radix
    words = np.repeat(np.array([0, radix - 1, 5, radix - 1, 0], np.int32), CHUNK)
    scratch.volume.written.clear()
    scratch.volume.read_pages.clear()
    number = stored(scratch, words, CHUNK, 4096)
    assert number.kinds.tolist() == [ZEROS, NINES, STORED, NINES, ZEROS]
    assert np.array_equal(number.read(0, 5 * CHUNK), words)
    # Chunk 2 lies where it would lie with all others stored.
    assert scratch.volume.written == scratch.volume.read_pages == [3]


def sparse(data, rng, chunks, radix):
    """Values to add anywhere: units, carries, powers and long ones, of both signs."""
    out = []
    for _ in range(data.draw(st.integers(0, 12))):
        at = data.draw(st.one_of(st.integers(0, chunks * CHUNK), st.integers(0, chunks).map(lambda c: c * CHUNK)))
        value = data.draw(st.one_of(st.sampled_from([0, 1, -1, 2, -2, radix - 1, -radix, 2**63, -(2**62)]),
                                    st.integers(-(2**200), 2**200)))
        out.append((at, value))
    return out


@given(seed=SEEDS, chunks=st.integers(1, 9), data=st.data(),
       kinds=st.sampled_from(["zero nines random edges", "zero", "nines", "zero nines", "edges"]))
def test_sums_of_any_values(scratch, seed, chunks, data, kinds):
    rng = np.random.default_rng(seed)
    radix = scratch.words.format.radix
    words = chunky_words(rng, chunks, CHUNK, radix, kinds)
    number = stored(scratch, words, CHUNK)
    values = sparse(data, rng, chunks, radix)
    top = number.add(values)
    total = whole(words, radix) + sum(value * mpz(radix) ** at for at, value in values)
    assert value_of(number) + top * mpz(radix) ** (chunks * CHUNK) == total
    check_records(number)


@pytest.mark.parametrize("chunks", [1, 2, BATCH + 1, 3 * BATCH])
def test_a_unit_ripples_through_everything(scratch, chunks):
    """Also through more chunks than are handled at a time."""
    radix = scratch.words.format.radix
    whole = mpz(radix) ** (chunks * CHUNK)
    for start, value in ((whole - 1, 1), (mpz(0), -1), (whole - 2, 2), (mpz(1), -2)):
        number = stored(scratch, to_words(start, chunks * CHUNK, radix), CHUNK)
        top = number.add([(0, value)])
        assert top == (1 if value > 0 else -1)
        assert value_of(number) == (start + value) % whole
        check_records(number)


def test_a_unit_into_every_chunk_at_once(scratch):
    radix, chunks = scratch.words.format.radix, 3 * BATCH + 1
    for word, value in ((radix - 1, 1), (0, -1), (radix - 1, -1), (0, 1), (7, 3)):
        words = np.full(chunks * CHUNK, word, np.int32)
        number = stored(scratch, words, CHUNK)
        values = [(c * CHUNK, value) for c in range(chunks)]
        top = number.add(values)
        total = whole(words, radix) + sum(value * mpz(radix) ** at for at, value in values)
        assert value_of(number) + top * mpz(radix) ** (chunks * CHUNK) == total
        check_records(number)


@given(seed=SEEDS, chunks=st.integers(2, 8), first=st.integers(0, 8), data=st.data())
def test_chunks_below_the_first_leave_only_residues(scratch, seed, chunks, first, data):
    first = min(first, chunks - 1)
    rng = np.random.default_rng(seed)
    radix = scratch.words.format.radix
    words = chunky_words(rng, chunks, CHUNK, radix, "zero nines random random edges")
    scratch.volume.written.clear()
    number = stored(scratch, words, CHUNK, 8192, first)
    assert set(scratch.volume.written) <= set(range(2, 2 + chunks - first))
    assert number.residue() == whole(words, radix) % P
    values = sparse(data, rng, chunks, radix)
    top = number.add(values)
    low = sum(value * mpz(radix) ** at for at, value in values if at < first * CHUNK)
    high = sum(value * mpz(radix) ** (at - first * CHUNK) for at, value in values if at >= first * CHUNK)
    upper, power = whole(words[first * CHUNK:], radix), mpz(radix) ** (first * CHUNK)
    # Late carries below stay there: the value of that part may leave its words, as its residue says.
    assert number.residue(0, first) == (whole(words[:first * CHUNK], radix) + low) % P
    assert value_of(number, first) + top * mpz(radix) ** ((chunks - first) * CHUNK) == upper + high
    assert (number.residue(0, first) + number.residue(first) * power + top * mpz(radix) ** (chunks * CHUNK)
            - whole(words, radix) - low - high * power) % P == 0
    check_records(number, first)


@given(seed=SEEDS, chunks=st.integers(1, 5), top=st.integers(-(2**40), 2**40) | st.integers(-3, 3),
       kinds=st.sampled_from(["zero nines random edges", "zero", "nines"]), nudge=st.integers(-3, 3))
def test_sign_and_magnitude(scratch, seed, chunks, top, kinds, nudge):
    rng = np.random.default_rng(seed)
    radix = scratch.words.format.radix
    words = chunky_words(rng, chunks, CHUNK, radix, kinds)
    words[0] = (words[0] + nudge) % radix
    power = mpz(radix) ** (chunks * CHUNK)
    value = whole(words, radix) + top * power
    number = stored(scratch, words, CHUNK)
    sign = sign_magnitude(number, top)
    magnitude = value_of(number) if sign > 0 else power - 1 - value_of(number)
    assert (sign * magnitude - value) % (power + 1) == 0
    assert 0 <= 2 * magnitude <= power + 2 and sign in (1, -1)
    check_records(number)


def test_the_residue_without_canonical_words_terminates(scratch):
    """B^N = -1: wrapping its carry alternates between all zero and all largest words."""
    radix, length = scratch.words.format.radix, 3 * CHUNK
    power = mpz(radix) ** length
    for words, top in ((mpz(0), 1), (power - 1, -1), (power - 5, -radix + 6), (mpz(4), -3)):
        number = stored(scratch, to_words(words, length, radix), CHUNK)
        value = words + top * power
        sign = sign_magnitude(number, top)
        magnitude = value_of(number) if sign > 0 else power - 1 - value_of(number)
        assert (sign * magnitude - value) % (power + 1) == 0
        assert 2 * magnitude <= power
        check_records(number)
    assert sign_magnitude(stored(scratch, np.zeros(length, np.int32), CHUNK), 1) == -1


def test_a_word_that_is_none_is_a_fault():
    with scratch_of(10) as scratch:
        number = stored(scratch, np.arange(2 * CHUNK), CHUNK)
        packed = np.full(4096, 0xFF, np.uint8)
        scratch.volume.write([number.request(1, _at_a_page(packed))], number.sums).wait()
        assert np.array_equal(number.read(0, CHUNK), np.arange(CHUNK))
        with pytest.raises(FaultError, match="a word out of range"):
            number.read(CHUNK, CHUNK + 1)


def damage(number, chunk: int, bit: int = 57) -> None:
    number.volume.data[number.request(chunk, np.empty(0)).address + bit // 8] ^= 1 << bit % 8


@given(seed=SEEDS, data=st.data())
def test_a_damaged_chunk_is_rebuilt_from_all_others(scratch, seed, data):
    rng = np.random.default_rng(seed)
    chunks = data.draw(st.integers(1, 4 * BATCH))
    words = chunky_words(rng, chunks, CHUNK, scratch.words.format.radix)
    number = stored(scratch, words, CHUNK, 4096)
    number.add([(int(rng.integers(len(words) - CHUNK // 2)), int(rng.integers(-9, 9))) for _ in range(5)])
    before = number.read(0, len(words))
    there = [c for c in range(chunks) if number.is_stored(c)]
    for chunk in rng.choice(there, min(3, len(there)), replace=False).tolist():
        damage(number, chunk, int(rng.integers(8 * number.chunk_bytes)))
        assert np.array_equal(number.read(0, len(words)), before)
        check_records(number)       # what is on the disk, too


def test_what_was_mended_is_told(scratch):
    told = []
    number = Number(scratch.volume, scratch.words, 0, 3 * CHUNK, CHUNK, name="y", note=lambda *all_: told.append(all_))
    number.store(lambda start, stop: np.arange(1 + start, 1 + stop, dtype=np.int32))
    damage(number, 2)
    assert number.read(2 * CHUNK, 2 * CHUNK + 1)[0] == 2 * CHUNK + 1
    [(kind, where, message)] = told
    assert kind == "checksum" and where == "y" and "not what was written" in message and message.endswith("rebuilt")


def test_a_read_that_fails_once_is_read_again(scratch, monkeypatch):
    told = []
    number = Number(scratch.volume, scratch.words, 0, 3 * CHUNK, CHUNK, name="y", note=lambda *all_: told.append(all_))
    number.store(lambda start, stop: np.arange(1 + start, 1 + stop, dtype=np.int32))
    original, left = type(scratch.volume).move, [1]

    def move(self, writes, *rest):
        if not writes and left and left.pop():
            raise ChecksumError("a block is not what was written")
        original(self, writes, *rest)

    monkeypatch.setattr(type(scratch.volume), "move", move)
    assert number.read(0, 3 * CHUNK).tolist() == list(range(1, 3 * CHUNK + 1))
    assert [fault[0] for fault in told] == ["checksum"] and told[0][2].endswith("right when it was read again")


def test_two_damaged_chunks_are_not_read(scratch):
    number = stored(scratch, np.arange(1, 4 * CHUNK + 1), CHUNK)
    damage(number, 2)
    damage(number, 3)
    assert number.read(0, 2 * CHUNK)[0] == 1
    for chunk in (2, 3):
        with pytest.raises(ChecksumError):
            number.read(0, chunk * CHUNK + 1)
        with pytest.raises(ChecksumError):
            number.add([(chunk * CHUNK, 1)])


def test_a_copy_in_pieces_is_put_back(scratch):
    rng = np.random.default_rng(8)
    words = chunky_words(rng, 4 * BATCH, CHUNK, scratch.words.format.radix)
    number = stored(scratch, words, CHUNK)
    pieces = [{name: array.copy() for name, array in piece.items()} for piece in number.pieces()]
    assert len(pieces) > 1
    other = Number(scratch.volume, scratch.words, 1 << 20, len(words), CHUNK)
    other.know(slice(None), number.known(slice(None)) | {"parity": number.parity})
    for piece in pieces:
        other.put(piece)
    assert np.array_equal(other.read(0, len(words)), words)
    check_records(other)
    pieces[1]["packed"] = pieces[1]["packed"] ^ 1
    with pytest.raises(FaultError, match="not what was computed"):
        other.put(pieces[1])


def test_a_new_number_is_zero(scratch):
    number = Number(scratch.volume, scratch.words, 0, 5 * CHUNK + 1, CHUNK)
    assert number.chunks == 6 and value_of(number) == number.residue() == 0
    number.add([(5 * CHUNK, 3)])
    assert value_of(number) == 3 * mpz(number.radix) ** (5 * CHUNK)
    assert number.kinds.tolist() == [ZEROS] * 5 + [STORED]


def _at_a_page(data: np.ndarray) -> np.ndarray:
    from bigconst.arithmetic.packed import page_buffer

    out = page_buffer(len(data))
    out[:] = data
    return out


@pytest.mark.parametrize("wrong", [0, 1, 2])
def test_what_a_computation_met_otherwise_is_read_again(scratch, wrong):
    """Blocks with another checksum in the computation `wrong` times: all are read again once, then it is a fault."""
    blocks = np.random.default_rng(3).integers(0, 2**63, (2, 512), dtype=np.uint64)
    memory, sums = page_buffer(2 * 4096).reshape(2, -1), np.zeros(2, np.uint64)
    memory[:] = blocks.view(np.uint8)
    requests = [BlockRequest(4096 * i, [memory[i]], i) for i in range(2)]
    scratch.volume.write(requests, sums).wait()
    notes, met = [], []
    fetches = [Fetch(scratch.volume, [request], sums, lambda *note: notes.append(note)).start() for request in requests]
    for fetch in fetches:
        fetch.wait()

    def compute():
        met.append(memory.copy())
        memory[:] = 0                   # as transforms in place overwrite what they read
        return [[sums[0]], [sums[1] ^ np.uint64(len(met) <= wrong)]]

    passes = RowPasses.__new__(RowPasses)
    with pytest.raises(FaultError, match="read right had another") if wrong == 2 else contextlib.nullcontext():
        passes._computed(compute, fetches)
    assert len(met) == min(2, wrong + 1) and all((each == blocks.view(np.uint8)).all() for each in met)
    assert [kind for kind, _ in notes] == ["checksum"] * (wrong > 0)


def test_a_chunk_that_was_packed_wrongly(scratch, monkeypatch):
    number, packed = Number(scratch.volume, scratch.words, 0, CHUNK, CHUNK), page_buffer(4096)
    words = np.arange(CHUNK, dtype=np.int32)
    right = numbers.store_chunk
    monkeypatch.setattr(numbers, "store_chunk", lambda *arguments: right(*arguments) | 1)
    with pytest.raises(FaultError, match="^a chunk was packed wrongly"):
        number.set_chunk(0, words, packed)
    # Words of a bad transform cannot be packed; the check of its round-off reports them.
    words[5] = -1
    assert number.set_chunk(0, words, packed)
