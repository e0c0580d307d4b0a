"""Transforms on disk: slabs of columns from packed words, rows in memory, and back to packed words.

The kernels are those of memory.  A slab (`tile_width` columns of all outer
rows) is laid out in memory as a transform of its own with as many rows.  Before
it is transformed, carries across the ends of its runs of words are applied, so
that each run stands by itself; on the way back, the carries out of its runs
enter those of the next slab.  A row is transformed by middle columns and the
row kernel, with twiddles for its own angle.  Every pass reads one unit ahead
and writes one behind (runtime.pipeline).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from math import prod

import numpy as np

from bigconst.arithmetic import tables
from bigconst.arithmetic.disk.fetch import Fetch
from bigconst.arithmetic.disk.number import Number
from bigconst.arithmetic.disk.operand import Operand
from bigconst.arithmetic.disk.tiles import Tiles
from bigconst.arithmetic.memory.products import COEFFICIENT_LIMIT
from bigconst.arithmetic.memory.transform import TASK_WORDS, TASKS
from bigconst.arithmetic.words import Words
from bigconst.base import failpoints
from bigconst.base.formats import WORDS
from bigconst.kernels.columns import columns_forward, columns_inverse, resolve_carries
from bigconst.kernels.linear import add_multiple, multiply_small, regroup
from bigconst.kernels.middle import middle_forward, middle_inverse
from bigconst.kernels.rows import FORWARD, MULTIPLY, MULTIPLY_ADD, SQUARE, multiply_spectra, rows
from bigconst.plans.diskshape import READ_BUFFERS, SPARE_ROWS, DiskShape
from bigconst.plans.shape import BUFFER_BYTES, MAX_BLOCK, VECTOR_BYTES
from bigconst.runtime.arena import Arena
from bigconst.runtime.pipeline import RING, Pipeline, Together
from bigconst.runtime.recorder import Recorder
from bigconst.runtime.threads import split, thread_scratch
from bigconst.storage.volume import BlockRequest, Volume


@dataclass(frozen=True)
class DiskWorkspace:
    """The volume, the memory and the services that all passes of a run share."""

    volume: Volume
    words: Words
    arena: Arena
    pipeline: Pipeline
    recorder: Recorder = field(default_factory=Recorder)
    note: Callable[[str, str, str], None] = lambda kind, where, message: None
    """called with (kind, where, message) for blocks that were bad and have been repaired"""


def _block(height: int, width: int) -> int:
    """Vectors of a row that a column kernel takes at a time."""
    block = MAX_BLOCK
    while block > 4 and block * height * VECTOR_BYTES > BUFFER_BYTES:
        block //= 2
    return min(block, width)


@dataclass(frozen=True)
class Addend:
    """A number that is added, times a small factor, to what an inverse transform makes."""

    operand: Operand
    factor: int
    """absolutely at most 2^30"""
    shift: int
    """chunks by which it is shifted up, or down where this is below 0"""

    def fetch(self, wanted: Sequence[tuple[int, np.ndarray]]) -> Fetch:
        """Start reading what is added to chunks, given as pairs (chunk, packed)."""
        return self.operand.number.fetch([
            (self.operand.first + chunk - self.shift, packed) for chunk, packed in wanted
            if chunk >= self.shift and self.operand.is_stored(chunk - self.shift)])

    def add(self, run: np.ndarray, first: int, packed: np.ndarray) -> int:
        """Add to a run of words that begins with chunk `first`; returns the carry out of it."""
        number, carry, size = self.operand.number, 0, self.operand.number.chunk_words
        words = np.empty(size, np.int32)
        for i, chunk in enumerate(range(first - self.shift, first - self.shift + len(packed))):
            part = run[i * size:(i + 1) * size]
            if 0 <= chunk < self.operand.chunks:
                self.operand.fill(chunk, packed[i], words)
                carry = add_multiple(part, words, self.factor, carry, number.radix)
            elif carry:
                carry = number.words.add_at(part, 0, carry)
        return carry


class DiskTransform:
    """Transforms of one shape on disk."""

    def __init__(self, shape: DiskShape, scratch: DiskWorkspace):
        self.shape, self._scratch = shape, scratch
        self._pool = scratch.words.pool
        self._stored = WORDS[shape.base]
        self._radix = shape.base**shape.digits
        self._outer = np.array(shape.outer_radices, np.int64)
        self._outer_twiddles = tables.column_twiddles(shape.outer_radices)
        self._angles = tables.child_numerators(shape.outer_radices, *tables.ROOT)
        self._row_radices = np.array(shape.row_radices, np.int64)
        self._base, self._leaf_re, self._leaf_im = tables.row_base(shape.row_radices)
        self._run_chunks = shape.run_words // shape.chunk_words
        self._block = _block(shape.rows, shape.tile_width)
        self._buffer_doubles = 16 * (shape.rows * self._block + 1)
        self._parts = split(shape.tile_width, self._tasks(shape.rows * shape.tile_width), self._block)

    @staticmethod
    def _tasks(vectors: int) -> int:
        return min(TASKS, max(1, 16 * vectors // TASK_WORDS))

    def _first_chunk(self, run: int, slab: int) -> int:
        """First chunk of a run of a slab; runs are numbered by half (real, imaginary), then by row."""
        return (run * self.shape.slabs + slab) * self._run_chunks

    def _fetch(self, tiles: Tiles, requests: list[BlockRequest], name: str) -> Fetch:
        """Start reading tiles; a tile that is bad twice is an error, it cannot be rebuilt."""
        return Fetch(self._scratch.volume, requests, tiles.sums,
                     lambda kind, message: self._scratch.note(kind, name, message))

    # -- slabs: words to tiles --------------------------------------------------------

    def forward(self, operand: Operand, tiles: Tiles, name: str = "") -> None:
        """Transform the columns of an operand into tiles, slab by slab; then the pass between if there is one."""
        s, arena = self.shape, self._scratch.arena
        tiles.behind = True
        step = self._scratch.recorder.step(f"{name}, forward")
        for fields, arrays in step.records:
            tiles.sums[tiles.slab(fields["unit"])] = arrays["sums"]
        mark = arena.mark()
        # A short operand has no imaginary part; balancing may add a word above it, which has to be in the real part.
        runs = s.rows if operand.chunks < self._run_chunks * s.slabs * s.rows else 2 * s.rows
        words = arena.take(runs * 8 * s.tile_width, np.int32).reshape(runs, -1)
        packed = [arena.take(runs * s.run_bytes, np.uint8).reshape(runs, self._run_chunks, -1) for _ in range(2)]
        data = [arena.take(s.rows * 16 * s.tile_width).reshape(s.rows, -1) for _ in range(2)]
        volume = self._scratch.volume

        def read(slab: int):
            first = ((run, i, self._first_chunk(run, slab) + i) for run in range(runs)
                     for i in range(self._run_chunks))
            return operand.number.fetch([(operand.first + c, packed[slab % 2][run, i])
                                         for run, i, c in first if operand.is_stored(c)])

        def compute(slab: int) -> None:
            self._pool.run(lambda run: self._fill(operand, words[run], packed[slab % 2][run],
                                                  self._first_chunk(run, slab)), [(run,) for run in range(runs)])
            flat, out = words.reshape(-1), data[slab % 2].reshape(-1)

            self._pool.run(columns_forward, [
                (flat, len(flat), self._radix, out, s.rows, 16 * s.tile_width, s.tile_width, self._outer,
                 self._outer_twiddles, start, stop, self._block) for start, stop in self._parts], self._buffer_doubles)
            if failpoints.ACTIVE:
                failpoints.touch("slab.data", name, out)

        def write(slab: int):
            return volume.write([tiles.request(r, slab, data[slab % 2][r]) for r in range(s.rows)], tiles.sums)

        self._scratch.pipeline.run(s.slabs, read, compute, write, step,
                                   lambda i: ({}, {"sums": tiles.sums[tiles.slab(i)]}))
        arena.release(mark)
        if s.inner_radices:
            self.between(tiles, middle_forward, f"{name}, forward between")

    def _fill(self, operand: Operand, run: np.ndarray, packed: np.ndarray, first: int) -> None:
        """Fill a run of words such that balancing takes no carry from the run before it in memory, which is not its
        neighbour in the number, and gives none to the next: carries across its ends are applied here."""
        stored, size = run, self.shape.chunk_words
        if len(run) != self.shape.run_words:
            stored = thread_scratch(self.shape.run_words // 2 + 1).view(np.int32)[:self.shape.run_words]
        for i in range(self._run_chunks):
            operand.fill(first + i, packed[i], stored[i * size:(i + 1) * size])
        if stored is not run:
            regroup(run, stored, self._stored.digits, self.shape.digits, self.shape.base)
        if 2 * int(run[-1]) >= self._radix:
            run[-1] -= self._radix
        run[0] += operand.carries_into(first)

    # -- slabs: tiles to words ---------------------------------------------------------

    def inverse(self, tiles: Tiles, number: Number, factor: int = 1, name: str = "",
                plus: Sequence["Addend"] = ()) -> tuple[int, float, float]:
        """Transform tiles back into a number of shape.stored_words words, multiplied by `factor` < 2^31, to which
        numbers are added.

        Returns (top, error, peak): the value is number + top * radix^words; error and peak are the largest
        |x - rint(x)| and |x| of the coefficients x before they are multiplied.
        """
        s, arena = self.shape, self._scratch.arena
        if s.inner_radices:
            self.between(tiles, middle_inverse, f"{name}, back between")
        mark = arena.mark()
        runs = 2 * s.rows
        words = arena.take(runs * 8 * s.tile_width, np.int32).reshape(runs, -1)
        packed = [arena.take(runs * s.run_bytes, np.uint8).reshape(runs, self._run_chunks, -1) for _ in range(2)]
        data = [arena.take(s.rows * 16 * s.tile_width).reshape(s.rows, -1) for _ in range(2)]
        added = [[arena.take(runs * s.run_bytes, np.uint8).reshape(runs, self._run_chunks, -1) for _ in range(2)]
                 for _ in plus]
        volume = self._scratch.volume
        stats = np.zeros((len(self._parts), 2))
        into = [0] * runs
        changed: list[list[BlockRequest]] = [[] for _ in range(runs)]
        after: dict[int, tuple[dict, np.ndarray]] = {}
        step = self._scratch.recorder.step(f"{name}, back")
        for fields, arrays in step.records:
            number.know(self._chunks(fields["unit"]), arrays)
            into, stats[0] = fields["into"], fields["stats"]

        def read(slab: int):
            slot, chunks = slab % 2, [(run, i) for run in range(runs) for i in range(self._run_chunks)]
            return Together([
                self._fetch(tiles, [tiles.request(r, slab, data[slot][r]) for r in range(s.rows)], name),
                *(addend.fetch([(self._first_chunk(run, slab) + i, room[slot][run, i]) for run, i in chunks])
                  for addend, room in zip(plus, added, strict=True))])

        def compute(slab: int) -> None:
            out = self._columns_back(data[slab % 2].reshape(-1), words.reshape(-1), stats)
            if failpoints.ACTIVE:
                failpoints.touch("slab.words", name, words, self._radix)
                failpoints.touch("slab.carries", name, out)

            def finish(run: int) -> None:
                first, carry = self._first_chunk(run, slab), factor * int(out[run])
                stored = self._stored_words(words[run])
                if factor != 1:
                    carry += multiply_small(stored, stored, factor, 0, self._stored.radix)
                for addend, read in zip(plus, added, strict=True):
                    carry += addend.add(stored, first, read[slab % 2][run])
                if into[run]:
                    carry += number.words.add_at(stored, 0, into[run])
                changed[run], into[run] = self._pack(number, stored, packed[slab % 2][run], first), carry

            self._pool.run(finish, [(run,) for run in range(runs)])
            after[slab] = {"into": list(into), "stats": stats.max(axis=0).tolist()}, number.parity.copy()

        def write(slab: int):
            return volume.write([request for requests in changed for request in requests], number.sums)

        def keep(slab: int) -> tuple[dict, dict, dict]:
            now, parity = after.pop(slab)
            return now, number.known(self._chunks(slab)), {"parity": parity}

        self._scratch.pipeline.run(s.slabs, read, compute, write, step, keep)
        step.flush()        # from here on the tiles may be overwritten
        arena.release(mark)
        run_words = s.slabs * s.run_words
        error, peak = stats.max(axis=0)
        top = into[-1]
        if peak < COEFFICIENT_LIMIT:        # above it, chunks may hold values outside 0 .. radix-1
            top += number.add([((run + 1) * run_words, carry) for run, carry in enumerate(into[:-1])])
        return top, float(error), float(peak)

    def _chunks(self, slab: int) -> np.ndarray:
        """Numbers of the chunks in all runs of a slab."""
        first = (np.arange(2 * self.shape.rows) * self.shape.slabs + slab) * self._run_chunks
        return (first[:, None] + np.arange(self._run_chunks)).ravel()

    def _columns_back(self, data: np.ndarray, words: np.ndarray, stats: np.ndarray) -> np.ndarray:
        """Transform a slab back into words; returns the carries out of its runs."""
        s = self.shape
        carries = np.zeros((len(self._parts), 2 * s.rows))

        self._pool.run(columns_inverse, [
            (data, s.rows, 16 * s.tile_width, s.tile_width, self._outer, self._outer_twiddles, start, stop, self._block,
             words, float(self._radix), carries[i], stats[i])
            for i, (start, stop) in enumerate(self._parts)], self._buffer_doubles)
        out = np.empty(2 * s.rows, np.int64)
        ends = np.array([stop for _, stop in self._parts], np.int64)
        resolve_carries(words, carries.reshape(-1), ends, s.rows, s.tile_width, self._radix, out)
        return out

    def _stored_words(self, run: np.ndarray) -> np.ndarray:
        """A run in words as numbers have them."""
        if len(run) == self.shape.run_words:
            return run
        stored = thread_scratch(self.shape.run_words // 2 + 1).view(np.int32)[:self.shape.run_words]
        regroup(stored, run, self.shape.digits, self._stored.digits, self.shape.base)
        return stored

    def _pack(self, number: Number, run: np.ndarray, packed: np.ndarray, first: int) -> list[BlockRequest]:
        """Pack a run of words into chunks of the number from `first` on; returns the requests that write them."""
        size = self.shape.chunk_words
        return [number.request(first + i, packed[i]) for i in range(self._run_chunks)
                if number.set_chunk(first + i, run[i * size:(i + 1) * size], packed[i])]

    # -- rows ---------------------------------------------------------------------------

    def square(self, tiles: Tiles, name: str = "") -> None:
        """Row pass: forward, square, back."""
        self._rows([(tiles, None, 1)], name)

    def multiply(self, *terms: tuple[Tiles, Tiles, int], name: str = "") -> None:
        """Row pass: forward, the sum of factor*tiles*other for (tiles, other, factor), back into the tiles of the last
        term, whose factor is 1; all other tiles are left unchanged.  Factors are 1 or -1."""
        self._rows(terms, name)

    def _rows(self, terms: Sequence[tuple[Tiles, Tiles | None, int]], name: str) -> None:
        s, arena, volume = self.shape, self._scratch.arena, self._scratch.volume
        mark = arena.mark()
        count = s.rows * s.inner_rows
        tiles_a_row = s.slabs // s.inner_rows
        tiles, last, _ = terms[-1]
        others = [each for term in terms[:-1] for each in term[:2]] + ([] if last is None else [last])
        mine = [arena.take(16 * s.row_width) for _ in range(RING)]
        theirs = [[arena.take(16 * s.row_width) for _ in range(READ_BUFFERS)] for _ in others]
        behind = tiles.behind

        def unit(i: int) -> tuple[int, int]:
            """Outer row and first tile of unit i: ascending rows where they move to lower addresses, else descending
            ones, so that no row is overwritten before it is read."""
            i = i if behind else count - 1 - i
            return i // s.inner_rows, i % s.inner_rows * tiles_a_row

        def requests(which: Tiles, i: int, data: np.ndarray, place: bool) -> list[BlockRequest]:
            row, first = unit(i)
            parts = data.reshape(tiles_a_row, -1)
            order = sorted(range(tiles_a_row), key=lambda t: (first + t + row) % s.slabs)   # by address
            return [which.request(row, first + t, parts[t], place) for t in order]

        def read(i: int):
            transfers = [self._fetch(tiles, requests(tiles, i, mine[i % RING], behind), name)]
            transfers += [self._fetch(other, requests(other, i, data[i % READ_BUFFERS], other.behind), name)
                          for other, data in zip(others, theirs, strict=True)]
            return Together(transfers)

        def compute(i: int) -> None:
            row, first = unit(i)
            twiddles = self._row_tables(*self._row_angle(row, first // tiles_a_row))
            x, read = mine[i % RING], [data[i % READ_BUFFERS] for data in theirs]
            for data in read:
                self._row_pass(data, FORWARD, None, None, twiddles)
            for j, (_, _, factor) in enumerate(terms[:-1]):
                self._multiply_spectra(read[0], read[2 * j], read[2 * j + 1], factor, j > 0)
            mode = SQUARE if last is None else MULTIPLY if len(terms) == 1 else MULTIPLY_ADD
            self._row_pass(x, mode, read[-1] if read else None, read[0] if read else None, twiddles)

        def sums(i: int) -> slice:
            row, first = unit(i)
            return slice(row * s.slabs + first, row * s.slabs + first + tiles_a_row)

        step = self._scratch.recorder.step(f"{name}, rows")
        for fields, arrays in step.records:
            tiles.sums[sums(fields["unit"])] = arrays["sums"]

        def write(i: int):
            # This overwrites a row that was read SPARE_ROWS rows ago, whose result has to be durable.
            step.durable((i // s.inner_rows - SPARE_ROWS + 1) * s.inner_rows - 1)
            return volume.write(requests(tiles, i, mine[i % RING], not behind), tiles.sums)

        self._scratch.pipeline.run(count, read, compute, write, step, lambda i: ({}, {"sums": tiles.sums[sums(i)]}))
        step.flush()        # the next pass over rows writes where this one read
        tiles.behind = not behind
        arena.release(mark)

    def _multiply_spectra(self, out: np.ndarray, a: np.ndarray, b: np.ndarray, factor: int, adds: bool) -> None:
        width = self.shape.row_width
        self._pool.run(multiply_spectra, [(out, a, b, float(factor), start, stop, adds)
                                          for start, stop in split(width, self._tasks(width))])

    def _outer_angle(self, row: int) -> tuple[int, int]:
        numerators, denominator = self._angles
        return int(numerators[row]), denominator

    def _row_angle(self, row: int, inner: int) -> tuple[int, int]:
        if not self.shape.inner_radices:
            return self._outer_angle(row)
        numerators, denominator = tables.child_numerators(self.shape.inner_radices, *self._outer_angle(row))
        return int(numerators[inner]), denominator

    def _row_tables(self, numerator: int, denominator: int) -> tuple[np.ndarray, np.ndarray]:
        """Twiddles of the middle columns and of the sub-rows of a row."""
        s = self.shape
        if not s.middle_radices:
            return np.empty(0), tables.row_twiddles(np.array([numerator], np.int64), denominator, s.row_radices)
        return (tables.level_twiddles(s.middle_radices, numerator, denominator),
                tables.row_twiddles(*tables.child_numerators(s.middle_radices, numerator, denominator), s.row_radices))

    def _row_pass(self, x: np.ndarray, mode: int, other: np.ndarray | None, added: np.ndarray | None,
                  twiddles: tuple) -> None:
        """Transform a row in memory: middle columns, sub-rows, and the columns back unless the mode is FORWARD."""
        s = self.shape
        height, stride = s.row_width // s.sub_width, 16 * s.sub_width
        second, third = (x if each is None else each for each in (other, added))

        self._columns(middle_forward, x, s.middle_radices, stride, s.sub_width, twiddles[0])
        self._pool.run(rows, [
            (x, start, stop, stride, s.sub_width, self._row_radices, self._base, twiddles[1], self._leaf_re,
             self._leaf_im, 2.0 / s.words, mode, second, third)
            for start, stop in split(height, self._tasks(s.row_width))],
            16 * (len(s.row_radices) + 1))
        if mode != FORWARD:
            self._columns(middle_inverse, x, s.middle_radices, stride, s.sub_width, twiddles[0])
        if failpoints.ACTIVE:
            failpoints.touch("row.data", f"{s.words} words", x)

    def _columns(self, kernel: Callable, x: np.ndarray, radices: tuple[int, ...], stride: int, width: int,
                 twiddles: np.ndarray) -> None:
        """A middle pass over all columns of x."""
        if not radices:
            return
        height = prod(radices)
        block = _block(height, width)
        table = np.array(radices, np.int64)

        self._pool.run(kernel, [(x, height, stride, table, twiddles, start, stop, block)
                                for start, stop in split(width, self._tasks(height * width), block)],
                       16 * height * block)
        if failpoints.ACTIVE:
            failpoints.touch("middle.data", f"{self.shape.words} words", x)

    # -- the pass between ------------------------------------------------------------------

    def between(self, tiles: Tiles, kernel: Callable, name: str = "") -> None:
        """The pass between: slabs of the columns of each outer row through `kernel`, middle_forward or middle_inverse.

        Like every pass over rows it moves them by SPARE_ROWS places.
        """
        s, arena, volume = self.shape, self._scratch.arena, self._scratch.volume
        mark = arena.mark()
        slabs = s.slabs // s.inner_rows
        data = [arena.take(16 * s.inner_rows * s.tile_width).reshape(s.inner_rows, -1) for _ in range(RING)]
        behind = tiles.behind

        def unit(i: int) -> tuple[int, int]:
            i = i if behind else s.rows * slabs - 1 - i
            return divmod(i, slabs)

        def requests(i: int, place: bool) -> list[BlockRequest]:
            row, slab = unit(i)
            return [tiles.request(row, t * slabs + slab, data[i % RING][t], place) for t in range(s.inner_rows)]

        def compute(i: int) -> None:
            row, _ = unit(i)
            twiddles = tables.level_twiddles(s.inner_radices, *self._outer_angle(row))
            self._columns(kernel, data[i % RING].reshape(-1), s.inner_radices, 16 * s.tile_width, s.tile_width,
                          twiddles)

        def sums(i: int) -> np.ndarray:
            row, slab = unit(i)
            return row * s.slabs + np.arange(s.inner_rows) * slabs + slab

        step = self._scratch.recorder.step(name)
        for fields, arrays in step.records:
            tiles.sums[sums(fields["unit"])] = arrays["sums"]

        def write(i: int):
            step.durable((i // slabs - SPARE_ROWS + 1) * slabs - 1)
            return volume.write(requests(i, not behind), tiles.sums)

        self._scratch.pipeline.run(s.rows * slabs, lambda i: self._fetch(tiles, requests(i, behind), name), compute,
                                   write, step, lambda i: ({}, {"sums": tiles.sums[sums(i)]}))
        step.flush()        # the next pass over rows writes where this one read
        tiles.behind = not behind
        arena.release(mark)
