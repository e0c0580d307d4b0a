"""Measurements of passes over disk without the disk: what processors do for a slab, a row, or a piece of a sum."""

import time
from collections.abc import Callable, Sequence
from functools import partial
from types import SimpleNamespace

import numpy as np

from bigconst.arithmetic.disk.linear import linear_pass
from bigconst.arithmetic.disk.machine import newton_sum
from bigconst.arithmetic.disk.number import Number
from bigconst.arithmetic.disk.operand import Operand
from bigconst.arithmetic.disk.passes import DiskTransform
from bigconst.arithmetic.disk.tiles import Tiles
from bigconst.arithmetic.disk.workspace import DiskWorkspace
from bigconst.arithmetic.words import Words
from bigconst.base.errors import Interrupted
from bigconst.base.formats import WORDS
from bigconst.base.hardware import available_memory_bytes
from bigconst.bench.turns import NotCounted, Turns
from bigconst.kernels.chunk import STORED
from bigconst.kernels.middle import middle_forward
from bigconst.kernels.pack import pack, packed_limbs
from bigconst.plans.diskplan import CHUNK_WORDS, LINEAR_PIECE_CHUNKS
from bigconst.plans.diskshape import DiskShape, disk_shape
from bigconst.runtime.arena import Arena
from bigconst.runtime.pipeline import Pipeline
from bigconst.runtime.threads import Pool

SIZES = ((1 << 24, 128 << 20), (1 << 28, 256 << 20))
"""Words of each transform that is measured, and the most workspace in bytes that it is cut for."""
LONG_ROWS = (1 << 33, 2 << 30)
"""Words and most workspace in bytes of a transform of which rows alone are measured, with all threads."""
DIGITS_SIZE = 1 << 28
"""Words of the transform that is measured with four digits a word, too."""
SUM_WORDS = 1 << 24
"""Words of the numbers whose sums are measured."""
PASS_WORDS = 1 << 24
"""Words of a pass that are timed, rounded up to whole units."""


def measure_slabs(turns: Turns, short: bool) -> None:
    """Measure the rates of slabs and rows; without long rows when `short`."""
    for words, workspace in SIZES:
        for digits in (5, 4) if words == DIGITS_SIZE else (5,):
            turns.note(f"passes over {words} words on disk")
            shape = _shape(words, workspace, digits, turns.threads)
            for threads in turns.counts if shape is not None else ():
                _measure_passes(turns, shape, threads, slabs=True, rows=digits == WORDS[10].digits)
    shape = None if short else _shape(*LONG_ROWS, WORDS[10].digits, turns.threads)
    if shape is not None:
        turns.note(f"rows of {shape.row_bytes >> 20} MiB")
        _measure_passes(turns, shape, turns.threads, slabs=False, rows=True)
    shape = _with_pass_between(turns.threads)
    for threads in turns.counts:
        with _Passes(shape, threads) as passes:
            units = shape.rows * shape.slabs // shape.inner_rows
            _measure(turns, shape, threads, {"slab between": (passes.between, units)})


def _shape(words: int, workspace: int, digits: int, threads: int) -> DiskShape | None:
    """The shape of a transform in two passes, cut for the memory there is; None if it does not fit."""
    limit = available_memory_bytes() // 8
    return disk_shape(words, 10, digits, CHUNK_WORDS["ssd"][10], min(limit, workspace), 2, threads, passes=2)


def measure_sums(turns: Turns) -> None:
    """Measure the rates of passes over the pieces of numbers."""
    words = SUM_WORDS
    turns.note(f"sums of {words} words on disk")
    for threads in turns.counts:
        with Pool(threads) as pool:
            sums = _Sums(pool, words)
            turns.measure(words, threads, {"sum": sums.add_up, "root": sums.root, "late": sums.late},
                          {"late": sums.late_words})


def _measure_passes(turns: Turns, shape: DiskShape, threads: int, *, slabs: bool, rows: bool) -> None:
    suffix = "" if shape.digits == WORDS[10].digits else f", {shape.digits}"
    count = shape.rows * shape.inner_rows
    with _Passes(shape, threads) as passes:
        calls = {}
        if slabs:
            calls |= {"slab forward" + suffix: (passes.forward, shape.slabs),
                      "slab back" + suffix: (passes.back, shape.slabs)}
        if rows:
            calls |= {"slab row": (passes.row, count), "slab product": (passes.product, count)}
        _measure(turns, shape, threads, calls)


def _measure(turns: Turns, shape: DiskShape, threads: int,
             calls: dict[str, tuple[Callable[[int], NotCounted], int]]) -> None:
    """Measure `calls` of a pass: by name, what does a given number of units, and how many units there are."""
    for name, (call, units) in calls.items():
        some = min(units, -(-units * PASS_WORDS // shape.words))
        turns.measure(shape.words, threads, {name: lambda call=call, some=some: call(some)},
                      {name: shape.words * some // units})


def _with_pass_between(threads: int) -> DiskShape:
    """The shortest transform that takes three passes in a workspace of 8 MiB."""
    shapes = (disk_shape(1 << log, 10, 5, 1 << 12, 8 << 20, 2, threads) for log in range(22, 36))
    return next(shape for shape in shapes if shape is not None and shape.inner_radices)


class _Done:
    """A transfer that has ended."""

    def wait(self) -> None:
        """Return at once."""


class _NoDisk:
    """A volume that moves nothing; it fills a buffer only when that is read into for the first time after `begin`."""

    size_bytes = 1 << 62
    read_bytes = written_bytes = 0

    def __init__(self, chunk: np.ndarray):
        self._chunk, self._filled = chunk, set()
        self._tile = np.zeros(2)
        self.filling_s = 0.0

    def begin(self, tile: np.ndarray) -> None:
        """Forget which buffers are filled; from now on those of tiles are filled with repetitions of `tile`."""
        self._tile = tile
        self.filling_s = 0.0
        self._filled.clear()

    def read(self, requests, _sums=None) -> _Done:
        """Fill each view that was not filled before with packed words (uint8) or a tile (float64)."""
        began = time.perf_counter()
        for request in requests:
            view = request.views[0]
            if view.ctypes.data not in self._filled:
                self._filled.add(view.ctypes.data)
                if view.dtype == np.uint8:
                    view.reshape(-1)[:len(self._chunk)] = self._chunk
                else:       # each buffer differs: transforms of repeated data are mostly zeros
                    at = len(self._filled) * 37 % (len(self._tile) // 2)
                    view[:] = np.resize(self._tile[at:], view.shape)
        self.filling_s += time.perf_counter() - began
        return _Done()

    def write(self, _requests, _sums=None) -> _Done:
        """Do nothing."""
        return _Done()


def _random_chunk(chunk_words: int) -> np.ndarray:
    """A chunk of random packed words, uint8."""
    chunk = np.empty(packed_limbs(chunk_words, 10**5), np.uint64)
    pack(chunk, np.random.default_rng(2).integers(0, 10**5, chunk_words, dtype=np.int32), 10**5)
    return chunk.view(np.uint8)


class _Number(Number):
    """A number whose chunks, which were never written, pass for right."""

    def _load(self, packed: np.ndarray, out: np.ndarray) -> tuple[int, int]:
        return super()._load(packed, out)[0], 0

    def _store(self, chunk: int, words: np.ndarray, packed: np.ndarray) -> None:
        super()._store(chunk, words, packed)
        self.sums[chunk] = 0


class _Transform(DiskTransform):
    """A transform whose tiles, which were never written, pass for right."""

    def _computed(self, compute: Callable, fetches: Sequence) -> None:
        compute()


class _Sums:
    """Passes over numbers of `words` words: the sum at the end of a level, the step from 1/sqrt(d) to the root, late
    carries."""

    def __init__(self, pool: Pool, words: int):
        chunk = CHUNK_WORDS["ssd"][10]
        chunks = words // chunk
        self._words = Words(WORDS[10], pool)
        volume, pieces = _NoDisk(_random_chunk(chunk)), LINEAR_PIECE_CHUNKS
        scratch = DiskWorkspace(volume, self._words, Arena(64 << 20), Pipeline())
        self._products = SimpleNamespace(scratch=scratch, words=self._words, disk=SimpleNamespace(piece_chunks=pieces))
        self._half = np.empty(pieces * chunk, np.int32)

        def number(count: int) -> Number:
            made = _Number(volume, self._words, 0, count * chunk, chunk)
            made.kinds[:] = STORED
            return made

        self._y, self._u, self._v, self._new = (number(count) for count in (
            chunks // 3, 2 * chunks // 3, 2 * chunks // 3, chunks))

    def add_up(self) -> None:
        """Add up y, u and v to a new y."""
        state = {"carry": 0}
        missing = self._new.chunks - self._y.chunks
        inputs = [(Operand(self._y), -missing, 0), (Operand(self._u), 0, 1), (Operand(self._v), 0, 1)]
        linear_pass(self._products, inputs, self._new, partial(newton_sum(self._words, missing, 1), self._new, state),
                    state, "")

    def root(self) -> None:
        """Multiply a number by 5 and halve it."""
        def compute(_first: int, pieces: list[np.ndarray]) -> np.ndarray:
            self._words.multiply_small(pieces[0], pieces[0], 5)
            half = self._half[:len(pieces[0])]
            self._words.shift_bits(half, pieces[0], 1)
            return half

        linear_pass(self._products, [(Operand(self._new), 0, 0)], self._new, compute, {}, "")

    def late(self) -> None:
        """Add 1 to every chunk."""
        number = self._new
        number.kinds[:] = STORED
        number.add([(chunk * number.chunk_words, 1) for chunk in range(number.chunks)])

    @property
    def late_words(self) -> int:
        """Words of the chunks that `late` changes."""
        return self._new.chunks * self._new.chunk_words


class _Passes:
    """The passes of a transform, each over a given number of units."""

    def __init__(self, shape: DiskShape, threads: int):
        rng = np.random.default_rng(2)
        self._shape, self._pool, self._left = shape, Pool(threads), 0
        self._coefficients = rng.integers(-10**9, 10**9, 1 << 16).astype(np.float64)
        self._large = 1e150 * self._coefficients
        self._volume = _NoDisk(_random_chunk(shape.chunk_words))
        words = Words(WORDS[10], self._pool)
        # As in a run, all passes use the same memory, so it is touched already.
        arena = Arena(shape.memory_bytes(2) + (1 << 20))
        self._scratch = DiskWorkspace(self._volume, words, arena, Pipeline(self._stop))
        self._transform = _Transform(shape, self._scratch)
        self._number = _Number(self._volume, words, 0, shape.stored_words, shape.chunk_words)

    def __enter__(self) -> "_Passes":
        return self

    def __exit__(self, *_exception) -> None:
        self._pool.close()

    def _stop(self) -> bool:
        self._left -= 1
        return self._left < 0

    def _some(self, units: int, call: Callable[[], object], tile: np.ndarray) -> NotCounted:
        """Do `units` units of a pass; returns the seconds of filling buffers, which do not count."""
        self._left = units
        self._volume.begin(tile)
        try:
            call()
        except Interrupted:
            self._scratch.arena.release(0)
        return NotCounted(self._volume.filling_s)

    def forward(self, units: int) -> NotCounted:
        """Transform packed words to slabs."""
        self._number.kinds[:] = STORED
        tiles = Tiles(self._shape, 0)
        return self._some(units, lambda: self._transform.forward(Operand(self._number), tiles), self._coefficients)

    def back(self, units: int) -> NotCounted:
        """Transform slabs back to packed words."""
        tiles = Tiles(self._shape, 0)
        return self._some(units, lambda: self._transform.inverse(tiles, self._number), self._coefficients)

    # Rows are transformed again and again in the same buffers.  Large coefficients become NaN, which takes as long as a
    # number; values near zero would take longer.

    def row(self, units: int) -> NotCounted:
        """Square rows."""
        tiles = Tiles(self._shape, 0)
        return self._some(units, lambda: self._transform.square(tiles), self._large)

    def product(self, units: int) -> NotCounted:
        """Multiply rows by other rows."""
        tiles, other = Tiles(self._shape, 0), Tiles(self._shape, 0)
        return self._some(units, lambda: self._transform.multiply((tiles, other, 1)), self._large)

    def between(self, units: int) -> NotCounted:
        """Transform the columns between slabs and rows."""
        tiles = Tiles(self._shape, 0)
        return self._some(units, lambda: self._transform.between(tiles, middle_forward), self._coefficients)
