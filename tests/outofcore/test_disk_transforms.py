"""Transforms on disk against gmpy2, modulo B^N + 1; every volume here watches what is read and written when."""

from dataclasses import replace
from math import prod

import numpy as np
import pytest
from disk_parts import PAGE_BYTES, check_records, chunky_words, scratch_of, stored, value_of, whole
from gmpy2 import mpz
from hypothesis import given
from hypothesis import strategies as st

from bigconst.arithmetic.disk.number import Number
from bigconst.arithmetic.disk.operand import Operand
from bigconst.arithmetic.disk.passes import DiskTransform
from bigconst.arithmetic.disk.tiles import Tiles
from bigconst.plans.diskshape import SPARE_ROWS, DiskShape, chunk_bytes, disk_shape

SEEDS = st.integers(0, 2**32 - 1)
D = 2**31 - 1


def shape(base, digits, outer, inner, middle, row, tile, chunk, threads=1):
    return DiskShape(base, digits, outer, inner, middle, row, tile, chunk, threads)


SHAPES = [
    shape(10, 5, (8,), (), (), (8,), 32, 256),                  # two slabs
    shape(10, 5, (8,), (), (), (8,), 64, 64),                   # one slab, runs of eight chunks
    shape(10, 5, (8, 4), (), (2,), (8,), 32, 128),
    shape(10, 5, (8, 3), (), (), (4, 4), 64, 512),
    shape(10, 5, (8, 5), (), (4,), (8,), 32, 256),
    shape(10, 5, (8, 7), (), (), (8,), 32, 64),
    shape(10, 5, (8, 3, 5), (), (), (8,), 32, 256),
    shape(10, 5, (8,), (2,), (), (8,), 32, 256),                # a pass between
    shape(10, 5, (8, 3), (4,), (2,), (8,), 64, 512),
    shape(10, 5, (8,), (8,), (), (8,), 32, 256),
    shape(10, 5, (8, 7), (2,), (), (8,), 64, 512),              # rows of one tile
    shape(10, 4, (8,), (), (5,), (8,), 160, 512),
    shape(10, 4, (8, 3), (), (5,), (8,), 160, 1024),
    shape(10, 4, (8, 3), (2,), (5,), (8,), 160, 1024),
    shape(10, 3, (8,), (), (5,), (8,), 160, 256),
    shape(10, 3, (8, 3), (), (5,), (8,), 320, 768),
    shape(10, 3, (8,), (4,), (5,), (8,), 160, 768),
    shape(16, 4, (8,), (), (), (8,), 32, 256),
    shape(16, 4, (8, 4, 5), (), (), (8,), 64, 256),
    shape(16, 4, (8, 7), (2,), (), (8,), 32, 256),
    shape(16, 3, (8, 3), (), (), (8,), 32, 64),
    shape(16, 3, (8,), (4, 4), (), (8,), 64, 192),
]


def case(s: DiskShape) -> str:
    return f"{s.base}^{s.digits}-{s}".replace(" ", "")


def run_edges(s: DiskShape, rng) -> np.ndarray:
    """Words whose borders of runs are just half the radix, or just less, so that balancing carries or does not."""
    radix = 10**5 if s.base == 10 else 2**16
    words = rng.integers(0, radix, s.stored_words)
    for at in range(0, s.stored_words, s.run_words):
        words[at - 1] = radix // 2 - rng.integers(0, 2)
        words[at] = rng.choice([0, radix // 2 - 1, radix // 2, radix - 1])
    words[-1] = 0
    return words.astype(np.int32)


KINDS = ("full", "edges", "half", "third", "zero", "nines")


def operands(s: DiskShape, rng) -> dict[str, np.ndarray]:
    """Full operands, shorter ones, and those that structure makes hard, by KINDS; stored words, whole chunks."""
    radix = 10**5 if s.base == 10 else 2**16
    full = rng.integers(0, radix, s.stored_words).astype(np.int32)
    full[-1] = radix // 3
    half = chunky_words(rng, s.stored_words // s.chunk_words // 2, s.chunk_words, radix)
    half[-1] = radix - 1        # carries into the half above, which is not there
    third = chunky_words(rng, max(1, s.stored_words // s.chunk_words // 3), s.chunk_words, radix)
    nines = np.full(s.stored_words // s.chunk_words // 2 * s.chunk_words, radix - 1, np.int32)
    return dict(zip(KINDS, (full, run_edges(s, rng), half, third, np.zeros(s.chunk_words, np.int32), nines),
                    strict=True))


def room(s: DiskShape) -> int:
    """Bytes for a number, or for tiles."""
    return max(s.region_bytes, s.stored_words // s.chunk_words * chunk_bytes(s.chunk_words, s.base))


class Bench:
    """One transform on a watched volume: an operand, another, tiles of both and a result, each with its room."""

    def __init__(self, scratch, s: DiskShape):
        self.room = room(s)
        self.shape, self.scratch, self.transform = s, scratch, DiskTransform(s, scratch)
        self.radix = scratch.words.format.radix

    def operand(self, words, place: int, **changes) -> Operand:
        return Operand(stored(self.scratch, words, self.shape.chunk_words, place * self.room), **changes)

    def tiles(self, operand: Operand, place: int) -> Tiles:
        tiles = Tiles(self.shape, place * self.room)
        self.transform.forward(operand, tiles)
        return tiles

    def result(self, tiles: Tiles, factor: int = 1, first: int = 0) -> tuple[Number, int]:
        number = Number(self.scratch.volume, self.scratch.words, 4 * self.room, self.shape.stored_words,
                        self.shape.chunk_words, first)
        top, error, peak = self.transform.inverse(tiles, number, factor)
        assert error < 0.1 and peak < 2.0**49
        return number, top

    def square(self, operand: Operand, factor: int = 1, first: int = 0) -> tuple[Number, int]:
        tiles = self.tiles(operand, 2)
        self.transform.square(tiles)
        return self.result(tiles, factor, first)

    def same(self, number: Number, top: int, expected: mpz) -> bool:
        power = mpz(self.radix) ** self.shape.stored_words
        return (value_of(number) + top * power - expected) % (power + 1) == 0


def bench(s: DiskShape, seed: int = 0):
    """A bench whose arena is as large as the shape says."""
    return scratch_of(s.base, 5 * room(s), s.threads, s.memory_bytes(2), seed)


def kinds_of(i: int) -> list:
    """Parameters (shape, kinds of operands) of shape i: two kinds in turn and those that run edges make hard; for every
    other shape the rest, which is slow."""
    quick = {KINDS[i % 6], KINDS[(i + i // 6 + 3) % 6], "edges"}
    return [pytest.param(SHAPES[i], quick, id=case(SHAPES[i])),
            *([pytest.param(SHAPES[i], {*KINDS} - quick, id=f"{case(SHAPES[i])}, the rest", marks=pytest.mark.slow)]
              if i % 2 else [])]


@pytest.mark.parametrize("s,kinds", [case for i in range(len(SHAPES)) for case in kinds_of(i)])
def test_squares_wrap_modulo_the_length(s, kinds):
    rng = np.random.default_rng(s.words)
    with bench(s) as scratch:
        b = Bench(scratch, s)
        for words in (words for kind, words in operands(s, rng).items() if kind in kinds):
            value = whole(words, b.radix)
            factor = int(rng.choice([1, 2, 12345, D]))
            number, top = b.square(b.operand(words, 0), factor)
            assert b.same(number, top, factor * value * value)
            check_records(number)


@pytest.mark.parametrize("s", [pytest.param(s, marks=[pytest.mark.slow] * (i % 2), id=case(s))
                               for i, s in enumerate(SHAPES[::2])])
def test_products_of_two_operands_and_a_kept_spectrum(s):
    rng = np.random.default_rng(s.words)
    with bench(s, 1) as scratch:
        b = Bench(scratch, s)
        left, right = operands(s, rng), operands(s, rng)
        for kind, partners in (("full", ("full", "third")), ("edges", ("edges", "half")), ("nines", ("nines", "zero"))):
            other = b.tiles(b.operand(right[kind], 1), 3)
            kept = scratch.volume.data[3 * b.room:4 * b.room].copy()
            for words in (left[partner] for partner in partners):
                tiles = b.tiles(b.operand(words, 0), 2)
                b.transform.multiply((tiles, other, 1))
                number, top = b.result(tiles)
                assert b.same(number, top, whole(right[kind], b.radix) * whole(words, b.radix))
            assert np.array_equal(kept, scratch.volume.data[3 * b.room:4 * b.room])


@pytest.mark.parametrize("s", SHAPES[::4], ids=case)
def test_halves_make_a_whole_product_that_does_not_wrap(s):
    rng = np.random.default_rng(s.words)
    with bench(s, 2) as scratch:
        b = Bench(scratch, s)
        half = s.stored_words // s.chunk_words // 2 * s.chunk_words
        for x, y in ((b.radix - 1, b.radix - 1), (b.radix - 1, 1), (0, 5)):
            words = rng.integers(0, b.radix, half).astype(np.int32)
            words[::2], words[-1] = x, x
            with_y = np.full(half, y, np.int32)
            other = b.tiles(b.operand(with_y, 1), 3)
            tiles = b.tiles(b.operand(words, 0), 2)
            b.transform.multiply((tiles, other, 1))
            number, top = b.result(tiles)
            # Balanced operands may reach one word further than they are long; what wraps is taken back.
            assert number.add([(0, -top)]) == 0
            assert value_of(number) == whole(words, b.radix) * whole(with_y, b.radix)
            check_records(number)


@pytest.mark.parametrize("s", SHAPES[1::4], ids=case)
def test_changed_operands(s):
    """Every change that the run makes on the way into a transform."""
    rng = np.random.default_rng(s.words)
    with bench(s, 3) as scratch:
        b = Bench(scratch, s)
        chunk = s.chunk_words
        words = rng.integers(0, b.radix, (s.stored_words // chunk // 2 - 1) * chunk).astype(np.int32)
        words[-1] = b.radix - 1
        value, power, last = whole(words, b.radix), mpz(b.radix), len(words) // chunk - 1
        below = last * chunk - 3
        cut = power**below * s.base
        for changes, expected in (
            ({"complement": True}, power ** len(words) - 1 - value),
            ({"first": last}, value // power ** (last * chunk)),
            ({"double": True, "minus_one_at": last * chunk}, 2 * value - power ** (last * chunk)),
            ({"zero_below": below, "divisor": s.base, "double": True, "minus_one_at": last * chunk},
             2 * (value - value % cut) - power ** (last * chunk)),
        ):
            number, top = b.square(b.operand(words, 0, **changes))
            assert b.same(number, top, expected**2), changes


@pytest.mark.parametrize("s", SHAPES[2::5], ids=case)
def test_chunks_that_are_not_wanted_are_not_written(s):
    rng = np.random.default_rng(s.words)
    with bench(s, 4) as scratch:
        b = Bench(scratch, s)
        words = operands(s, rng)["full"]
        number, top = b.square(b.operand(words, 0))
        result, kept = 4 * b.room // PAGE_BYTES, number.read(0, number.length)
        for first in (1, number.chunks // 2, number.chunks):
            scratch.volume.written.clear()
            upper, upper_top = b.square(b.operand(words, 0), first=first)
            pages = [page for page in scratch.volume.written if page >= result]
            assert max(pages, default=0) < result + (number.chunks - first) * (
                upper.chunk_bytes // PAGE_BYTES)
            assert len(set(pages)) <= (number.chunks - first) * (upper.chunk_bytes // PAGE_BYTES)
            p = scratch.words.modulus.p
            power = scratch.words.power(first * s.chunk_words)
            # The part that is left out may lie a little outside its words: a late carry stays in its residue.
            total = upper.residue(0, first) + upper.residue(first) * power
            wrapped = scratch.words.power(s.stored_words)
            assert (total + upper_top * wrapped - number.residue() - top * wrapped) % p == 0
            if first < number.chunks:
                assert whole(kept[first * s.chunk_words:], b.radix) - value_of(upper, first) in (-1, 0, 1)


@pytest.mark.parametrize("s", SHAPES[::2], ids=case)
def test_no_tile_is_written_over_before_it_was_read(s):
    """However late transfers happen, and though rows move through a region little larger than they are."""
    rng = np.random.default_rng(s.words)
    with bench(s, s.words) as scratch:
        b, volume = Bench(scratch, s), scratch.volume
        first, second = (b.operand(operands(s, rng)[kind], i) for i, kind in enumerate(("full", "edges")))
        for multiplies in (False, True):
            other = b.tiles(second, 3)
            tiles = b.tiles(first, 2)
            volume.written.clear()
            volume.lost.clear()
            b.transform.multiply((tiles, other, 1)) if multiplies else b.transform.square(tiles)
            assert not volume.lost
            region = range(2 * b.room // PAGE_BYTES, (2 * b.room + s.region_bytes) // PAGE_BYTES)
            assert set(volume.written) <= set(region)
            # As many as there are, each once.
            assert len(volume.written) == len(set(volume.written)) == s.data_bytes // PAGE_BYTES
            b.result(tiles)
            assert not [page for page in volume.lost if page in region]


@pytest.mark.parametrize("s", SHAPES, ids=case)
def test_tiles_lie_apart_and_within_their_region(s):
    tiles = Tiles(s, 12 * PAGE_BYTES)
    view = np.empty(s.tile_bytes, np.uint8)
    for behind in (True, False):
        requests = [tiles.request(row, slab, view, behind) for row in range(s.rows) for slab in range(s.slabs)]
        addresses = sorted(request.address for request in requests)
        assert all(b - a >= s.tile_bytes for a, b in zip(addresses, addresses[1:], strict=False))
        low = 12 * PAGE_BYTES + (SPARE_ROWS * s.slabs * s.tile_bytes if behind else 0)
        assert addresses[0] == low and addresses[-1] + s.tile_bytes == low + s.data_bytes
        assert low + s.data_bytes <= 12 * PAGE_BYTES + s.region_bytes
        assert sorted(request.index for request in requests) == list(range(s.rows * s.slabs))
        assert len(tiles.sums) == s.rows * s.slabs


@pytest.mark.parametrize("s", [SHAPES[4], SHAPES[10], SHAPES[13]], ids=case)
def test_thread_counts_give_identical_bytes(s):
    found = []
    for threads in (1, 2, 3):
        shape = replace(s, threads=threads)
        with bench(shape, threads) as scratch:
            b = Bench(scratch, shape)
            tiles = b.tiles(b.operand(operands(s, np.random.default_rng(0))["full"], 0), 2)
            b.transform.square(tiles)
            data = scratch.volume.data[2 * b.room:2 * b.room + s.region_bytes].copy()
            number, top = b.result(tiles, 3)
            found.append((data.tobytes(), number.read(0, number.length).tobytes(), top))
    assert found[0] == found[1] == found[2]


@given(seed=SEEDS, words=st.integers(1, 300_000), chunk=st.sampled_from([256, 512, 1024]), data=st.data(),
       workspace=st.integers(19, 23), passes=st.sampled_from([2, 3]), operands=st.sampled_from([1, 2]))
def test_any_planned_shape(seed, words, chunk, data, workspace, passes, operands):
    base, digits = data.draw(st.sampled_from([(10, 5), (10, 4), (10, 3), (16, 4), (16, 3)]))
    s = disk_shape(words, base, digits, chunk, 1 << workspace, operands, 1, passes)
    if s is None or s.region_bytes > 1 << 26:
        return
    rng = np.random.default_rng(seed)
    radix = 10**5 if base == 10 else 2**16
    length = -(-min(words, s.stored_words // 2) // chunk) * chunk
    packed = s.stored_words // chunk * chunk_bytes(chunk, base)
    with scratch_of(base, 3 * s.region_bytes + 3 * packed, 1, s.memory_bytes(operands), seed) as scratch:
        transform = DiskTransform(s, scratch)
        values = [rng.integers(0, radix, length).astype(np.int32) for _ in range(2)]
        numbers = [stored(scratch, value, chunk, i * packed) for i, value in enumerate(values)]
        tiles = [Tiles(s, 3 * packed + i * s.region_bytes) for i in range(2)]
        transform.forward(Operand(numbers[0]), tiles[0])
        if operands == 1:
            transform.square(tiles[0])
            numbers[1], values[1] = numbers[0], values[0]
        else:
            transform.forward(Operand(numbers[1]), tiles[1])
            transform.multiply((*tiles, 1))
        number = Number(scratch.volume, scratch.words, 2 * packed, s.stored_words, chunk)
        top, error, _ = transform.inverse(tiles[0], number)
        power = mpz(radix) ** s.stored_words
        product = whole(values[0], radix) * whole(values[1], radix)
        assert error < 0.1 and (value_of(number) + top * power - product) % (power + 1) == 0


def test_shapes_of_these_tests_are_what_they_are_meant_to_be():
    assert {(s.base, s.digits, s.passes) for s in SHAPES} >= {(10, 5, 2), (10, 5, 3), (10, 4, 2), (10, 4, 3),
                                                              (10, 3, 2), (10, 3, 3), (16, 4, 2), (16, 4, 3),
                                                              (16, 3, 2), (16, 3, 3)}
    assert {s.slabs == 1 for s in SHAPES} == {True, False}
    assert {prod(s.outer_radices) % n == 0 for s in SHAPES for n in (3, 5, 7)} == {True, False}
    for s in SHAPES:
        assert s.run_words % s.chunk_words == 0 and s.slabs * s.tile_width == s.width
        assert s.row_width % s.tile_width == 0
