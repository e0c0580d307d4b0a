"""Squarings modulo 2^p - 1 with the transform on disk: the interface of bigconst.arithmetic.memory.squarer.

A residue is stored in region 0, as transform data: its columns are transformed,
its rows are not.  An iteration squares the rows of region 0 into region 1, then
reads slabs from there, rounds them, propagates carries, transforms them again
and writes them to region 0.  What a pass reads stays intact until all that it
wrote is recorded: after a kill, the next process begins with the first unit
that is not recorded.

The carries out of the last columns enter the first ones.  So the first slab is
read twice: at the beginning for the carries out of it, and at the end to be
written with the carries into it.
"""

import time
from collections.abc import Callable

import numpy as np
from gmpy2 import mpz

from bigconst.arithmetic.disk.fetch import Fetch
from bigconst.arithmetic.disk.tiles import Tiles
from bigconst.arithmetic.dwttables import DwtTables, from_words, to_words
from bigconst.base.errors import Interrupted
from bigconst.kernels.dwt import columns_enter, columns_in, columns_on, columns_out
from bigconst.kernels.rows import FORWARD, MULTIPLY, SQUARE, rows, scratch_doubles
from bigconst.plans.dwtdisk import DwtDisk
from bigconst.runtime.arena import Arena
from bigconst.runtime.pipeline import RING, Pipeline, Together
from bigconst.runtime.recorder import FLUSH_S, Recorder, UnitLog
from bigconst.runtime.threads import Pool, split, thread_scratch
from bigconst.storage.volume import Volume


class DiskSquarer:
    """A residue modulo 2^p - 1, stored multiplied by 2^shift.  A context manager: leaving it ends the threads.

    Every method may raise ChecksumError, ReadError or InputOutputError, and Interrupted where `stop` asks for it.
    """

    def __init__(self, p: int, disk: DwtDisk, volume: Volume, recorder: Recorder,
                 note: Callable[[str, str, str], None] = lambda kind, where, message: None,
                 stop: Callable[[], bool] = lambda: False):
        """`volume` grows to disk.scratch_bytes; note(kind, where, message) is called for blocks that had to be read
        again."""
        self.p, self.disk = p, disk
        self.shift = 0
        self._tables = DwtTables(p, disk.shape)
        self._columns = self._tables.columns(self._tables.layout(16 * disk.tile_width, cached=False))
        self._volume, self._recorder, self._note = volume, recorder, note
        self._kept = Recorder()
        """the recorder of the run while the residue belongs to the chain, else one that records nothing"""
        self._stoppable, self._pipeline = Pipeline(stop), Pipeline()
        self._words = np.zeros(disk.shape.words, np.int32)
        self._arena = Arena(disk.workspace_bytes)
        self._pool = Pool(disk.threads)
        self._parts = split(disk.tile_width // disk.shape.block, disk.parts)
        if volume.size_bytes < disk.scratch_bytes:
            volume.resize(disk.scratch_bytes)
        self._regions = [Tiles(disk, i * disk.region_bytes, behind=False) for i in range(disk.regions)]
        # With the order of carries: records of a version that had another one are not taken up.
        self._cut = f"{disk.shape.height} x {disk.shape.width}, {disk.tile_width}, {disk.unit_rows}, carries by eights"
        self._base = self._iteration = self._noted_s = 0
        self._error = 0.0
        """largest |x - rint(x)| that `iterate` has not yet returned, that of an earlier process included"""
        self._steps: dict[str, UnitLog] = {}

    def __enter__(self) -> "DiskSquarer":
        return self

    def __exit__(self, *_exception) -> None:
        self._pool.close()

    # -- residues ------------------------------------------------------------------------

    def restore(self, value: int, shift: int, iteration: int) -> int:
        """Start from the residue `value` of an iteration, or from a later one that an earlier process left on the
        volume; returns the iteration reached."""
        known = self._recorder.fact("residue")
        if known is not None:
            fields, arrays = known
            if fields["cut"] == self._cut and fields["base"] <= iteration <= fields["iteration"]:
                self._base, self._iteration, self.shift = fields["base"], fields["iteration"], fields["shift"]
                self._error = fields["error"]
                self._regions[0].sums[:] = arrays["sums"]
                self._kept, self._noted_s = self._recorder, time.monotonic()
                self._catch_up()
                return self._iteration
        self.load(value, shift, iteration)
        return iteration

    def _catch_up(self) -> None:
        """Finish all iterations whose slabs an earlier process has begun to write: after them region 0 is intact."""
        while True:
            name = f"iteration {self._iteration + 1}"
            self._steps = {key: self._recorder.step(key) for key in (f"{name}, rows", f"{name}, slabs")}
            records = self._steps[f"{name}, slabs"].records
            if not records:
                return
            self._iterate(records[-1][0]["subtract"])

    def load(self, value: int, shift: int = 0, iteration: int | None = None) -> None:
        """Start from the residue `value`; `iteration` is its place in the chain, None for a residue that is not part of
        the chain and is not recorded."""
        if self._kept is self._recorder or self._recorder.fact("residue") is not None:
            self._recorder.restart([("nothing", {}, {})])       # before its data is overwritten
        self._kept, self._error, self._steps = Recorder(), 0.0, {}
        self.shift = shift % self.p
        to_words(value, self.shift, self.p, self._words)
        self._load_words()
        if iteration is not None:
            self._kept, self._base, self._iteration = self._recorder, iteration, iteration
            self._keep()

    def _keep(self) -> None:
        """Record the residue and discard all earlier records."""
        fields = {"cut": self._cut, "base": self._base, "iteration": self._iteration, "shift": self.shift,
                  "error": self._error}
        self._recorder.restart([("residue", fields, {"sums": self._regions[0].sums})])
        self._noted_s = time.monotonic()

    def value(self) -> mpz:
        """The present residue, 0 <= value < 2^p - 1, without the shift."""
        data = self._slab_buffers(2)

        def compute(slab: int) -> None:
            data[slab % 2][:self.disk.shape.paired_rows] *= 2.0         # as the row pass does
            self._pool.run(lambda a, b: columns_out(data[slab % 2].reshape(-1), a, b, self._first(slab),
                                                    *self._columns, self._words, self._buffer()), self._parts)

        self._pipeline.run(self.disk.slabs, lambda slab: self._read_slab(self._regions[0], slab, data[slab % 2]),
                           compute, lambda slab: _NOTHING)
        return from_words(self._words, self.shift, self.p)

    def _load_words(self) -> None:
        data = self._slab_buffers(RING)

        def compute(slab: int) -> None:
            self._pool.run(lambda a, b: columns_in(data[slab % RING].reshape(-1), a, b, self._first(slab),
                                                   *self._columns, self._words, self._buffer()), self._parts)

        self._pipeline.run(self.disk.slabs, lambda slab: _NOTHING, compute,
                           lambda slab: self._write_slab(self._regions[0], slab, data[slab % RING]))

    # -- squares and products ---------------------------------------------------------------

    def iterate(self, count: int, subtract: int) -> float:
        """Square `count` times, subtracting `subtract` each time; returns the largest |x - rint(x)|."""
        for _ in range(count):
            self._iterate(subtract)
        error, self._error = self._error, 0.0
        return error

    def _iterate(self, subtract: int) -> None:
        self.shift = 2 * self.shift % self.p
        name = f"iteration {self._iteration + 1}"
        try:
            self._rows(SQUARE, self._regions[1], name, self._stoppable)
            self._error = _largest(self._error, self._slabs(subtract, name, self._stoppable))
        except Interrupted:
            raise Interrupted(f"interrupted in {name}", "the same command goes on from there",
                              resumable=True) from None
        self._iteration += 1
        if self._kept is self._recorder and time.monotonic() - self._noted_s > FLUSH_S:
            self._keep()

    def _step(self, key: str) -> UnitLog:
        """The log of the pass of this name, which `_catch_up` may have opened already."""
        return self._steps.pop(key, None) or self._kept.step(key)

    def hold(self, factor: int) -> None:
        """Prepare for products by `factor`; the residue that was loaded is lost."""
        self.load(factor)
        self._rows(FORWARD, self._regions[2], "spectrum")

    def times(self, squarings: int = 0) -> float:
        """Square the residue, which is not part of the chain, so often, then multiply by the factor that is held;
        returns the largest |x - rint(x)|."""
        error = self.iterate(squarings, 0)
        self._rows(MULTIPLY, self._regions[1], "product")
        return _largest(error, self._slabs(0, "product"))

    # -- passes -------------------------------------------------------------------------------

    def _slab_buffers(self, count: int) -> list[np.ndarray]:
        disk = self.disk
        self._arena.release(0)      # a pass that failed has not released its memory
        return [self._arena.take(disk.rows * 16 * disk.tile_width).reshape(disk.rows, -1) for _ in range(count)]

    def _buffer(self) -> np.ndarray:
        """The buffer of the calling thread for column kernels."""
        return thread_scratch(self.disk.shape.buffer_doubles)

    def _first(self, slab: int) -> int:
        """First column of words in a slab."""
        return 8 * slab * self.disk.tile_width

    def _fetch(self, tiles: Tiles, requests: list, name: str) -> Fetch:
        """Start reading tiles; a tile that is bad twice is an error, it cannot be rebuilt."""
        return Fetch(self._volume, requests, tiles.sums, lambda kind, message: self._note(kind, name, message),
                     checked=True).start()

    def _read_slab(self, tiles: Tiles, slab: int, data: np.ndarray, name: str = "residue") -> Fetch:
        return self._fetch(tiles, [tiles.request(r, slab, data[r]) for r in range(self.disk.rows)], name)

    def _write_slab(self, tiles: Tiles, slab: int, data: np.ndarray):
        return self._volume.write([tiles.request(r, slab, data[r]) for r in range(self.disk.rows)], tiles.sums)

    def _rows(self, mode: int, to: Tiles, name: str, pipeline: Pipeline | None = None) -> None:
        """Row pass from region 0 to `to`: squares (SQUARE), products with the rows of region 2 (MULTIPLY), or the
        spectrum (FORWARD)."""
        disk, source, arena = self.disk, self._regions[0], self._arena
        arena.release(0)
        size = 16 * disk.shape.width
        mine = [arena.take(disk.unit_rows * size).reshape(disk.unit_rows, -1) for _ in range(RING)]
        theirs = [arena.take(disk.unit_rows * size).reshape(disk.unit_rows, -1)
                  for _ in range(2 if mode == MULTIPLY else 0)]

        def unit(i: int) -> range:
            return range(i * disk.unit_rows, min(disk.rows, (i + 1) * disk.unit_rows))

        def requests(tiles: Tiles, i: int, data: np.ndarray) -> list:
            return [tiles.request(row, slab, data[k].reshape(disk.slabs, -1)[slab]) for k, row in enumerate(unit(i))
                    for slab in sorted(range(disk.slabs), key=lambda slab, row=row: (slab + row) % disk.slabs)]

        def read(i: int):
            transfers = [self._fetch(source, requests(source, i, mine[i % RING]), name)]
            if theirs:
                transfers.append(self._fetch(self._regions[2], requests(self._regions[2], i, theirs[i % 2]), name))
            return Together(transfers)

        def compute(i: int) -> None:
            first = unit(i).start
            x = mine[i % RING].reshape(-1)
            other = theirs[i % 2].reshape(-1) if theirs else x

            def part(row: int) -> None:
                self._row(x, row - first, row, other, mode)

            self._pool.run(part, [(row,) for row in unit(i)])

        def sums(i: int) -> slice:
            return slice(unit(i).start * disk.slabs, unit(i).stop * disk.slabs)

        step = self._step(f"{name}, rows")
        for fields, arrays in step.records:
            to.sums[sums(fields["unit"])] = arrays["sums"]
        (pipeline or self._pipeline).run(
            -(-disk.rows // disk.unit_rows), read, compute,
            lambda i: self._volume.write(requests(to, i, mine[i % RING]), to.sums), step,
            lambda i: ({}, {"sums": to.sums[sums(i)].copy()}))
        step.flush()        # the slab pass overwrites what this pass has read

    def _row(self, x: np.ndarray, at: int, row: int, other: np.ndarray, mode: int) -> None:
        """Transform row `at` of x, which is row `row` of the transform."""
        s, width = self.disk.shape, self.disk.shape.width
        radices, base, twiddles, leaf_re, leaf_im = self._tables.rows
        size = 16 * (len(radices) + 2)
        data, factor = slice(at * 16 * width, (at + 1) * 16 * width), 2.0 if row < s.paired_rows else 1.0
        rows(x[data], 0, 1, 16 * width, width, radices, base, twiddles[row * size:(row + 1) * size], leaf_re, leaf_im,
             1.0 if mode == FORWARD else factor / s.words, mode, other[data], other[data],
             thread_scratch(scratch_doubles(radices)))

    def _slabs(self, subtract: int, name: str, pipeline: Pipeline | None = None) -> float:
        """Slab pass from region 1, which holds squares or products, to region 0: columns back, rounded, carried, and
        forward again; returns the largest |x - rint(x)|."""
        disk, source, to, arena = self.disk, self._regions[1], self._regions[0], self._arena
        height, blocks = disk.shape.height, disk.shape.block
        data = self._slab_buffers(RING)
        starts = arena.take(disk.parts * height * 8 * blocks).reshape(disk.parts, -1)
        # Carries into the first part of a slab, followed by those out of each part.
        carries = arena.take((disk.parts + 1) * height)
        stats = np.zeros((disk.parts, 8))
        after: dict[int, tuple[dict, np.ndarray]] = {}
        step = self._step(f"{name}, slabs")
        for fields, arrays in step.records:
            if fields["unit"]:
                to.sums[to.slab(fields["unit"] % disk.slabs)] = arrays["sums"]
        for fields, arrays in step.records[-1:]:
            stats[0, 0], carries[disk.parts * height:] = fields["error"], arrays["carries"]

        def compute(i: int) -> None:
            slab = i % disk.slabs
            x, first = data[i % RING].reshape(-1), self._first(slab)
            carries[:height] = carries[disk.parts * height:]

            def on(k: int, a: int, b: int) -> None:
                columns_on(x, a, b, first, *self._columns, self._words, 0, self._buffer(), starts[k], carries,
                           (k + 1) * height, stats[k], float(subtract), self.shift)

            def enter(k: int, a: int) -> None:
                columns_enter(x, a, first, *self._columns, self._words, 0, self._buffer(), starts[k], carries,
                              k * height, 1 if slab == 0 and k == 0 else 0)

            self._pool.run(on, [(k, a, b) for k, (a, b) in enumerate(self._parts)])
            if i:
                self._pool.run(enter, [(k, a) for k, (a, _) in enumerate(self._parts)])
            error = 0.0
            for each in stats[:, 0]:
                error = _largest(error, float(each))
            after[i] = {"error": error, "subtract": subtract}, carries[disk.parts * height:].copy()

        def write(i: int):
            return self._write_slab(to, i % disk.slabs, data[i % RING]) if i else _NOTHING

        def keep(i: int) -> tuple[dict, dict, dict]:
            fields, out = after.pop(i)
            return fields, {"sums": to.sums[to.slab(i % disk.slabs)]} if i else {}, {"carries": out}

        (pipeline or self._pipeline).run(
            disk.slabs + 1, lambda i: self._read_slab(source, i % disk.slabs, data[i % RING], name), compute, write,
            step, keep)
        step.flush()        # the next row pass overwrites what this pass has read
        error = 0.0
        for each in stats[:, 0]:
            error = _largest(error, float(each))
        return error


def _largest(a: float, b: float) -> float:
    """The larger of both; NaN if one of them is NaN."""
    return b if not b <= a and a == a else a


class _Nothing:
    """An empty transfer."""

    def wait(self) -> None:
        """Return at once."""


_NOTHING = _Nothing()
