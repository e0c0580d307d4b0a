"""The checksum of blocks against its definition, and its guarantees."""

import numpy as np
import pytest
from oracle_checksum import KEYS, STEPS
from oracle_checksum import checksum as by_definition

from bigconst.arithmetic import tables
from bigconst.arithmetic.residues import Modulus
from bigconst.kernels.checksum import NO_SUMS, absorb_tiles, checksum, fold
from bigconst.kernels.chunk import load_chunk, store_chunk
from bigconst.kernels.columns import columns_forward, columns_inverse
from bigconst.kernels.middle import middle_forward, middle_inverse
from bigconst.plans.diskshape import chunk_bytes


def folded(sums: np.ndarray, size_bytes: int) -> list[int]:
    out = np.empty(sums.size // 8, np.uint64)
    fold(sums.reshape(1, -1), out, size_bytes)
    return out.tolist()


@pytest.mark.parametrize("lines", [1, 2, 3, 16, 64, 1000])
def test_the_definition_for_any_views(lines):
    rng = np.random.default_rng(lines)
    for data in (rng.integers(0, 256, 64 * lines, dtype=np.uint8), np.zeros(8 * lines), np.full(16 * lines, 2**32 - 1,
                                                                                               np.uint32)):
        assert checksum(data) == by_definition(data)
        bytes_ = data.view(np.uint8)
        cut = 64 * int(rng.integers(lines))
        assert checksum(bytes_[:cut], bytes_[cut:]) == checksum(data)


def test_every_change_within_four_bytes_is_noticed():
    """Also where h + 2^32 and l + 1, by which it is multiplied, have as many factors 2 as they can have."""
    rng = np.random.default_rng(5)
    halves = [0, 1, 2**31, 2**32 - 1, 2**31 - 1, 0xFFFF0000]
    wanted = rng.choice(halves, (8, 8, 2)).astype(np.uint32)       # t: 8 lines, 8 lanes, lower and upper half
    keys = (KEYS + STEPS * np.arange(8, dtype=np.uint64)[:, None]).view(np.uint32).reshape(8, 8, 2)
    data = (wanted - keys).reshape(-1)
    errors = [1 << bit for bit in range(32)] + [0xFF << shift for shift in (0, 8, 16, 24)] + [2**32 - 1, 3 << 30]
    right = checksum(data)
    for at in range(data.size):
        for error in errors:
            changed = data.copy()
            changed[at] ^= np.uint32(error)
            assert checksum(changed) != right


def test_what_disks_do_is_noticed():
    rng = np.random.default_rng(6)
    data = rng.integers(0, 256, (64, 4096), dtype=np.uint8)
    right = checksum(data)
    for _ in range(50):
        a, b = rng.choice(64, 2, replace=False)
        changed = data.copy()
        changed[[a, b]] = changed[[b, a]]                   # sectors swapped
        assert checksum(changed) != right
        changed = data.copy()
        changed[a] = 0                                      # a sector of zeros
        assert checksum(changed) != right
        changed[a] = data[b]                                # one written twice
        assert checksum(changed) != right
        changed = np.roll(data, 64 * int(rng.integers(1, 100)))
        assert checksum(changed) != right
        changed = data.copy()
        changed.view(np.uint64)[:, a * 8] ^= np.uint64(1 << 63)     # a bit of the bus that is stuck
        assert checksum(changed) != right


@pytest.mark.parametrize("words", [256, 768, 1024, 1 << 14])
@pytest.mark.parametrize("radix,base", [(10**5, 10), (2**16, 16)])
def test_chunks(radix, base, words):
    rng = np.random.default_rng(words)
    data, limbs = rng.integers(0, radix, words, dtype=np.int32), rng.integers(
        0, 2**63, chunk_bytes(words, base) // 8, dtype=np.uint64)
    before = rng.integers(0, 2**63, limbs.size, dtype=np.uint64)
    parity, found, residue, modulus = before.copy(), np.zeros(1, np.uint64), np.zeros(1, np.uint64), Modulus(2**61 - 1)
    assert store_chunk(data, limbs, radix, parity, found, residue, *modulus.tables(radix)) == 0
    assert np.array_equal(parity, before ^ limbs)
    assert found.tolist() == [by_definition(limbs)]
    assert int(residue[0]) == sum(int(word) * pow(radix, j, modulus.p) for j, word in enumerate(data)) % modulus.p
    out, found = np.empty_like(data), np.zeros(1, np.uint64)
    assert load_chunk(out, limbs, radix, found) == data.max()
    assert np.array_equal(out, data) and found.tolist() == [by_definition(limbs)]
    data[words // 2] += 1 << 17         # what does not fit is packed wrongly
    assert store_chunk(data, limbs, radix, parity, found, residue, *modulus.tables(radix)) != 0


@pytest.mark.parametrize("radices", [(8,), (8, 3), (8, 4, 4)])
def test_columns(radices):
    height, width, block = int(np.prod(radices)), 64, 8
    rng, table = np.random.default_rng(height), np.array(radices, np.int64)
    words = rng.integers(0, 10**5, 16 * height * width, dtype=np.int32)
    twiddles, buffer = tables.column_twiddles(radices), np.empty(16 * (height * block + 1))
    # Streaming stores want whole cache lines.
    whole = np.empty(16 * height * width + 8)
    x = whole[-whole.ctypes.data // 8 % 8:][:16 * height * width]
    sums = np.zeros((2, 8 * height), np.uint64)
    for part, (start, stop) in enumerate([(0, 24), (24, 64)]):
        columns_forward(words, len(words), 10**5, x, height, 16 * width, width, table, twiddles, start, stop, block,
                        sums[part], buffer)
    rows = [by_definition(row) for row in x.reshape(height, -1)]
    assert folded(sums.sum(axis=0), 128 * width) == rows
    sums[:] = 0
    space = np.empty(len(words) + 16, np.int32)
    out = space[-space.ctypes.data // 4 % 16:][:len(words)]
    columns_inverse(x, height, 16 * width, width, table, twiddles, 0, width, block, out, 1e5, np.zeros(2 * height),
                    np.zeros(2), sums[0], buffer)
    assert folded(sums[0], 128 * width) == rows


@pytest.mark.parametrize("kernel", [middle_forward, middle_inverse])
@pytest.mark.parametrize("radices", [(8,), (2, 5), (8, 4, 3)])
@pytest.mark.parametrize("tile", [32, 128])
def test_middle_columns(kernel, radices, tile):
    height, width, block = int(np.prod(radices)), 64, 8
    height_in_tiles = height * width // tile
    x = np.random.default_rng(height).random(16 * height * width)
    twiddles = tables.level_twiddles(radices, 1, 7)
    tiles = [by_definition(each) for each in x.reshape(height_in_tiles, -1)]
    before, after = np.zeros((2, 8 * height_in_tiles), np.uint64)
    for start, stop in [(0, 16), (16, 64)]:
        kernel(x, height, 16 * width, np.array(radices, np.int64), twiddles, start, stop, block, tile, before, after,
               np.empty(16 * height * block))
    assert folded(before, 128 * tile) == tiles
    tiles = [by_definition(each) for each in x.reshape(height_in_tiles, -1)]
    assert folded(after, 128 * tile) == tiles
    sums = np.zeros(8 * height_in_tiles, np.uint64)
    absorb_tiles(sums, x, 16 * tile, 0, height_in_tiles)
    assert folded(sums, 128 * tile) == tiles
    kernel(x, height, 16 * width, np.array(radices, np.int64), twiddles, 0, 64, block, tile, NO_SUMS, NO_SUMS,
           np.empty(16 * height * block))
