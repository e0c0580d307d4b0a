"""Passes over the rows of transforms on disk, in memory or by way of slabs of shorter rows.

A row is transformed by middle columns and the row kernel, with twiddles for its own angle.  A row that does not fit
memory is cut by the pass between, slab by slab.  Every pass moves the rows by SPARE_ROWS places.
"""

from collections.abc import Callable, Sequence
from math import prod

import numpy as np

from bigconst.arithmetic import tables
from bigconst.arithmetic.disk.fetch import Fetch
from bigconst.arithmetic.disk.tiles import Tiles
from bigconst.arithmetic.disk.workspace import DiskWorkspace
from bigconst.arithmetic.memory.transform import TASK_WORDS, TASKS
from bigconst.base import failpoints
from bigconst.base.errors import ChecksumError, FaultError
from bigconst.kernels.checksum import absorb_tiles, fold
from bigconst.kernels.middle import middle_forward, middle_inverse
from bigconst.kernels.rows import FORWARD, MULTIPLY, MULTIPLY_ADD, SQUARE, multiply_spectra, rows, scratch_doubles
from bigconst.plans.diskshape import READ_BUFFERS, SPARE_ROWS, DiskShape
from bigconst.plans.shape import BUFFER_BYTES, MAX_BLOCK, VECTOR_BYTES
from bigconst.runtime.pipeline import RING, Together
from bigconst.runtime.recorder import UnitLog
from bigconst.runtime.threads import split
from bigconst.storage.volume import BlockRequest


def block_of(height: int, width: int) -> int:
    """Vectors of a row that a column kernel takes at a time."""
    block = MAX_BLOCK
    while block > 4 and block * height * VECTOR_BYTES > BUFFER_BYTES:
        block //= 2
    return min(block, width)


def _durable(step: UnitLog, i: int, units_a_row: int) -> None:
    """Return when the units of the row are durable whose place the row of unit i takes, SPARE_ROWS rows on."""
    below = i // units_a_row - SPARE_ROWS + 1
    step.durable(below * units_a_row - 1, (below + 1) * units_a_row - 1)


class RowPasses:
    """The passes over rows of transforms of one shape."""

    def __init__(self, shape: DiskShape, scratch: DiskWorkspace):
        self.shape, self._scratch = shape, scratch
        self._pool = scratch.words.pool
        self._angles = tables.child_numerators(shape.outer_radices, *tables.ROOT)
        self._row_radices = np.array(shape.row_radices, np.int64)
        self._base, self._leaf_re, self._leaf_im = tables.row_base(shape.row_radices)

    @staticmethod
    def _tasks(vectors: int) -> int:
        return min(TASKS, max(1, 16 * vectors // TASK_WORDS))

    def _fetch(self, tiles: Tiles, requests: list[BlockRequest], name: str) -> Fetch:
        """Start reading tiles; a tile that is bad twice is an error, it cannot be rebuilt."""
        return Fetch(self._scratch.volume, requests, tiles.sums,
                     lambda kind, message: self._scratch.note(kind, name, message)).start()

    def _sums(self, tasks: int, tiles: int) -> np.ndarray:
        """Sums of the checksums of some tiles for each of some tasks, 0 at first."""
        return np.zeros((tasks, 8 * tiles), np.uint64)

    def _folded(self, sums: np.ndarray) -> np.ndarray:
        """The checksums of tiles, from what all tasks have added to their sums."""
        found = np.empty(sums.shape[1] // 8, np.uint64)
        fold(sums, found, self.shape.tile_bytes)
        return found

    def _computed(self, compute: Callable[[], Sequence[np.ndarray]], fetches: Sequence[Fetch]) -> None:
        """Call compute(), which returns the checksums of the blocks of each fetch as it has met them; once more where
        they are not right, after all blocks, which it may have overwritten, were read again.

        Raises FaultError if they are wrong then, too, and what `Fetch.again` raises.
        """
        def differences() -> list[ChecksumError | None]:
            return [fetch.difference(found) for fetch, found in zip(fetches, compute(), strict=True)]

        if any(errors := differences()):
            for fetch, error in zip(fetches, errors, strict=True):
                fetch.again(error)
            if any(differences()):
                #: As for "a sum does not fit its words".
                raise FaultError("data that was read right had another checksum in the computation")

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
            return [which.request(row, first + t, parts[t], place) for t in self._tile_order(row, first)]

        fetches: dict[int, list[Fetch]] = {}

        def read(i: int):
            fetches[i] = [self._fetch(other, requests(other, i, data[i % READ_BUFFERS], other.behind), name)
                          for other, data in zip(others, theirs, strict=True)]
            fetches[i].append(self._fetch(tiles, requests(tiles, i, mine[i % RING], behind), name))
            return Together(fetches[i])

        def compute(i: int) -> None:
            row, first = unit(i)
            twiddles = self._row_tables(*self._row_angle(row, first // tiles_a_row))
            x, read = mine[i % RING], [data[i % READ_BUFFERS] for data in theirs]
            mode = SQUARE if last is None else MULTIPLY if len(terms) == 1 else MULTIPLY_ADD

            def product() -> list[np.ndarray]:
                found = [self._row_pass(data, FORWARD, None, None, twiddles)[0] for data in read]
                for j, (_, _, factor) in enumerate(terms[:-1]):
                    self._multiply_spectra(read[0], read[2 * j], read[2 * j + 1], factor, j > 0)
                before, made[:] = self._row_pass(x, mode, read[-1] if read else None, read[0] if read else None,
                                                 twiddles)
                return [each[order] for each in (*found, before)]

            order, made = self._tile_order(row, first), np.empty(tiles_a_row, np.uint64)
            self._computed(product, fetches.pop(i))
            tiles.sums[sums(i)] = made

        def sums(i: int) -> slice:
            row, first = unit(i)
            return slice(row * s.slabs + first, row * s.slabs + first + tiles_a_row)

        step = self._scratch.recorder.step(f"{name}, rows")
        for fields, arrays in step.records:
            tiles.sums[sums(fields["unit"])] = arrays["sums"]

        def write(i: int):
            # This overwrites a row that was read SPARE_ROWS rows ago, whose result has to be durable.
            _durable(step, i, s.inner_rows)
            return volume.write(requests(tiles, i, mine[i % RING], not behind))

        self._scratch.pipeline.run(count, read, compute, write, step, lambda i: ({}, {"sums": tiles.sums[sums(i)]}))
        step.flush()        # the next pass over rows writes where this one read
        tiles.behind = not behind
        arena.release(mark)

    def _multiply_spectra(self, out: np.ndarray, a: np.ndarray, b: np.ndarray, factor: int, adds: bool) -> None:
        width = self.shape.row_width
        self._pool.run(multiply_spectra, [(out, a, b, float(factor), start, stop, adds)
                                          for start, stop in split(width, self._tasks(width))])

    def _tile_order(self, row: int, first: int) -> list[int]:
        """The tiles of a row in memory, which are those from `first` on of an outer row, in order of their addresses.
        """
        s = self.shape
        return sorted(range(s.slabs // s.inner_rows), key=lambda t: (first + t + row) % s.slabs)

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
                  twiddles: tuple) -> tuple[np.ndarray, np.ndarray | None]:
        """Transform a row in memory: middle columns, sub-rows, and the columns back unless the mode is FORWARD.

        Returns the checksums of its tiles before and, if it was transformed back, afterwards.
        """
        s = self.shape
        height, stride = s.row_width // s.sub_width, 16 * s.sub_width
        second, third = (x if each is None else each for each in (other, added))

        before, _ = self._columns(middle_forward, x, s.middle_radices, stride, s.sub_width, twiddles[0], (True, False))
        self._pool.run(rows, [
            (x, start, stop, stride, s.sub_width, self._row_radices, self._base, twiddles[1], self._leaf_re,
             self._leaf_im, 2.0 / s.words, mode, second, third)
            for start, stop in split(height, self._tasks(s.row_width))],
            scratch_doubles(s.row_radices))
        after = None
        if mode != FORWARD:
            _, after = self._columns(middle_inverse, x, s.middle_radices, stride, s.sub_width, twiddles[0],
                                     (False, True))
        if failpoints.ACTIVE:
            failpoints.touch("row.data", f"{s.words} words", x)
        return before, after

    def _columns(self, kernel: Callable, x: np.ndarray, radices: tuple[int, ...], stride: int, width: int,
                 twiddles: np.ndarray, checked: tuple[bool, bool]) -> list[np.ndarray | None]:
        """A middle pass over all columns of x, if there are radices; the checksums of its tiles before and afterwards,
        where `checked` asks for them."""
        tile = self.shape.tile_width
        tiles = len(x) // (16 * tile)
        height = prod(radices)
        block = block_of(height, width)
        table = np.array(radices, np.int64)
        parts = split(width if radices else tiles, self._tasks(len(x) // 16), block if radices else 1)
        sums = [self._sums(len(parts), tiles) if wanted else np.empty((len(parts), 0), np.uint64) for wanted in checked]
        if radices:
            self._pool.run(kernel, [(x, height, stride, table, twiddles, start, stop, block, tile, before, after)
                                    for (start, stop), before, after in zip(parts, *sums, strict=True)],
                           16 * height * block)
            if failpoints.ACTIVE:
                failpoints.touch("middle.data", f"{self.shape.words} words", x)
        else:       # such a row is short
            self._pool.run(absorb_tiles, [(part, x, 16 * tile, start, stop)
                                          for (start, stop), part in zip(parts, max(sums, key=np.size), strict=True)])
        return [self._folded(part) if wanted else None for part, wanted in zip(sums, checked, strict=True)]

    # -- the pass between ------------------------------------------------------------------

    def between(self, tiles: Tiles, kernel: Callable, name: str = "") -> None:
        """The pass between: slabs of the columns of each outer row through `kernel`, middle_forward or middle_inverse.
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

        fetches: dict[int, Fetch] = {}

        def read(i: int) -> Fetch:
            fetches[i] = self._fetch(tiles, requests(i, behind), name)
            return fetches[i]

        def compute(i: int) -> None:
            row, _ = unit(i)
            twiddles = tables.level_twiddles(s.inner_radices, *self._outer_angle(row))

            def columns() -> list[np.ndarray]:
                before, made[:] = self._columns(kernel, data[i % RING].reshape(-1), s.inner_radices, 16 * s.tile_width,
                                                s.tile_width, twiddles, (True, True))
                return [before]

            made = np.empty(s.inner_rows, np.uint64)
            self._computed(columns, [fetches.pop(i)])
            tiles.sums[sums(i)] = made

        def sums(i: int) -> np.ndarray:
            row, slab = unit(i)
            return row * s.slabs + np.arange(s.inner_rows) * slabs + slab

        step = self._scratch.recorder.step(name)
        for fields, arrays in step.records:
            tiles.sums[sums(fields["unit"])] = arrays["sums"]

        def write(i: int):
            _durable(step, i, slabs)
            return volume.write(requests(i, not behind))

        self._scratch.pipeline.run(s.rows * slabs, read, compute, write, step,
                                   lambda i: ({}, {"sums": tiles.sums[sums(i)]}))
        step.flush()        # the next pass over rows writes where this one read
        tiles.behind = not behind
        arena.release(mark)
