"""Transforms on disk: slabs of columns from packed words, rows in memory, and back to packed words.

The kernels are those of memory.  A slab (`tile_width` columns of all outer
rows) is laid out in memory as a transform of its own with as many rows.  Before
it is transformed, carries across the ends of its runs of words are applied, so
that each run stands by itself; on the way back, the carries out of its runs
enter those of the next slab, and numbers may be added.  The passes over rows
are in `rowpasses`.  Every pass reads one unit ahead and writes one behind
(runtime.pipeline).
"""

from collections.abc import Sequence

import numpy as np

from bigconst.arithmetic import tables
from bigconst.arithmetic.disk.fetch import Fetch
from bigconst.arithmetic.disk.number import Number
from bigconst.arithmetic.disk.operand import Addend, Operand
from bigconst.arithmetic.disk.rowpasses import RowPasses, block_of
from bigconst.arithmetic.disk.tiles import Tiles
from bigconst.arithmetic.disk.workspace import DiskWorkspace
from bigconst.arithmetic.memory.products import COEFFICIENT_LIMIT
from bigconst.base import failpoints
from bigconst.base.formats import WORDS
from bigconst.kernels.columns import columns_forward, columns_inverse, resolve_carries
from bigconst.kernels.linear import multiply_small, regroup
from bigconst.kernels.middle import middle_forward, middle_inverse
from bigconst.plans.diskshape import DiskShape
from bigconst.runtime.pipeline import Together
from bigconst.runtime.threads import split, thread_scratch
from bigconst.storage.volume import BlockRequest


class DiskTransform(RowPasses):
    """Transforms of one shape on disk: slabs, and the passes over rows."""

    def __init__(self, shape: DiskShape, scratch: DiskWorkspace):
        super().__init__(shape, scratch)
        self._stored = WORDS[shape.base]
        self._radix = shape.base**shape.digits
        self._outer = np.array(shape.outer_radices, np.int64)
        self._outer_twiddles = tables.column_twiddles(shape.outer_radices)
        self._run_chunks = shape.run_words // shape.chunk_words
        self._block = block_of(shape.rows, shape.tile_width)
        self._buffer_doubles = 16 * shape.rows * self._block
        self._parts = split(shape.tile_width, self._tasks(shape.rows * shape.tile_width), self._block)

    def _first_chunk(self, run: int, slab: int) -> int:
        """First chunk of a run of a slab; runs are numbered by half (real, imaginary), then by row."""
        return (run * self.shape.slabs + slab) * self._run_chunks

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
            sums = self._sums(len(self._parts), s.rows)

            self._pool.run(columns_forward, [
                (flat, len(flat), self._radix, out, s.rows, 16 * s.tile_width, s.tile_width, self._outer,
                 self._outer_twiddles, start, stop, self._block, part)
                for (start, stop), part in zip(self._parts, sums, strict=True)], self._buffer_doubles)
            tiles.sums[tiles.slab(slab)] = self._folded(sums)
            if failpoints.ACTIVE:
                failpoints.touch("slab.data", name, out)

        def write(slab: int):
            return volume.write([tiles.request(r, slab, data[slab % 2][r]) for r in range(s.rows)])

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
                plus: Sequence[Addend] = ()) -> tuple[int, float, float]:
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
        fetches: dict[int, Fetch] = {}
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
            fetches[slab] = self._fetch(tiles, [tiles.request(r, slab, data[slot][r]) for r in range(s.rows)], name)
            return Together([
                fetches[slab],
                *(addend.fetch([(self._first_chunk(run, slab) + i, room[slot][run, i]) for run, i in chunks])
                  for addend, room in zip(plus, added, strict=True))])

        def compute(slab: int) -> None:
            out = self._columns_back(data[slab % 2].reshape(-1), words.reshape(-1), stats, fetches.pop(slab))
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
            return volume.write([request for requests in changed for request in requests])

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

    def _columns_back(self, data: np.ndarray, words: np.ndarray, stats: np.ndarray, fetch: Fetch) -> np.ndarray:
        """Transform a slab back into words; returns the carries out of its runs."""
        s = self.shape

        def back() -> list[np.ndarray]:
            carries[:], new[:], sums = 0, stats, self._sums(len(self._parts), s.rows)
            self._pool.run(columns_inverse, [
                (data, s.rows, 16 * s.tile_width, s.tile_width, self._outer, self._outer_twiddles, start, stop,
                 self._block, words, float(self._radix), carries[i], new[i], sums[i])
                for i, (start, stop) in enumerate(self._parts)], self._buffer_doubles)
            return [self._folded(sums)]

        carries, new = np.empty((len(self._parts), 2 * s.rows)), np.empty_like(stats)
        self._computed(back, [fetch])
        stats[:] = new
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
