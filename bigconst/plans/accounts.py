"""Accounts of a plan on disk: where things lie on the volume, what the passes read and write, what a journal takes.

Pure functions of shapes and lengths.
"""

from dataclasses import dataclass

from bigconst.base.formats import WORDS
from bigconst.plans.diskshape import DiskShape, batch_chunks, chunk_bytes


@dataclass(frozen=True)
class Traffic:
    """Bytes of scratch read and written."""

    read_bytes: int = 0
    written_bytes: int = 0

    def __add__(self, other: "Traffic") -> "Traffic":
        return Traffic(self.read_bytes + other.read_bytes, self.written_bytes + other.written_bytes)


FORWARD, BETWEEN, ROWS, BACK, LATE, LINEAR, FILES = "forward", "between", "rows", "back", "late", "linear", "files"
"""Kinds of passes: words to slabs of columns; the pass between slabs and rows; rows there and back; slabs to words;
the carries that arrive late behind them; sums and multiples; text and certificate."""


@dataclass(frozen=True)
class Pass:
    """Units of one kind that are read, computed and written, each while its neighbours are under way."""

    kind: str
    words: int
    """of the transform, in its own words; of the number in other passes"""
    digits: int
    """of such a word"""
    operands: int
    """2 where rows are multiplied by others"""
    reused_rows: int
    """that are written over rows which were read before, and so have to be safe soon; 0 where nothing is"""
    tiles: Traffic
    """of transform data"""
    packed: Traffic
    """of numbers"""
    tile_bytes: int = 0
    """of a block of transform data, which has a checksum"""
    tile_run_bytes: int = 0
    """of such blocks that lie together and are asked for together"""
    chunk_bytes: int = 0
    """the same of numbers"""
    chunk_run_bytes: int = 0

    @property
    def traffic(self) -> Traffic:
        """All of it."""
        return self.tiles + self.packed


class AddressSpace:
    """First fit on an address space that grows; `peak_bytes` is the most that was taken."""

    def __init__(self, unit: int):
        self._unit = unit
        self._taken: dict[str, tuple[int, int]] = {}
        self.peak_bytes = 0

    def take(self, **sizes: int) -> dict[str, int]:
        """Addresses of new things, each larger ones first."""
        for name, size in sorted(sizes.items(), key=lambda item: -item[1]):
            size = -(-size // self._unit) * self._unit
            at = 0
            for start, stop in sorted(self._taken.values()):
                if start - at >= size:
                    break
                at = max(at, stop)
            self._taken[name] = (at, at + size)
            self.peak_bytes = max(self.peak_bytes, at + size)
        return {name: self._taken[name][0] for name in sizes}

    def address(self, name: str) -> int:
        """Where a thing lies."""
        return self._taken[name][0]

    def free(self, *names: str) -> None:
        """Forget things."""
        for name in names:
            self._taken.pop(name, None)

    def rename(self, old: str, new: str) -> None:
        """Call a thing by another name."""
        self._taken[new] = self._taken.pop(old)


class Accounts:
    """Passes with their traffic, in chunks and tiles."""

    def __init__(self, chunk_words: int, base: int, piece_chunks: int = 1):
        """`piece_chunks` are the chunks that linear passes move together."""
        self._chunk_words, self._chunk_bytes = chunk_words, chunk_bytes(chunk_words, base)
        self._digits, self._piece_bytes = WORDS[base].digits, piece_chunks * self._chunk_bytes

    def packed(self, words: int) -> int:
        """Bytes of so many words."""
        return -(-words // self._chunk_words) * self._chunk_bytes

    def linear(self, read_words: int, written_words: int, kind: str = LINEAR) -> Pass:
        """Over numbers."""
        words = max(read_words, written_words) if kind == FILES else written_words
        return Pass(kind, words, self._digits, 1, 0, Traffic(),
                    Traffic(self.packed(read_words), self.packed(written_words)),
                    chunk_bytes=self._chunk_bytes, chunk_run_bytes=self._piece_bytes)

    def forward(self, shape: DiskShape, words: int) -> list[Pass]:
        """The slabs of an operand of so many words, and the pass between."""
        slabs = _of(FORWARD, shape, Traffic(0, shape.data_bytes), Traffic(self.packed(words), 0))
        return [slabs, *self._between(shape)]

    def rows(self, shape: DiskShape, operands: int) -> list[Pass]:
        """The row pass of a square (1) or a product (2)."""
        tiles = Traffic(operands * shape.data_bytes, shape.data_bytes)
        return [_of(ROWS, shape, tiles, Traffic(), operands, shape.row_bytes)]

    def inverse(self, shape: DiskShape, words: int) -> list[Pass]:
        """The pass between and the slabs back to a number of which so many words are stored."""
        # The first chunk of a run is read and written again when the carry from the run below is known.
        begins = min(2 * shape.rows, words * 2 * shape.rows // shape.stored_words + 1) * self._chunk_bytes
        return [*self._between(shape),
                _of(BACK, shape, Traffic(shape.data_bytes, 0), Traffic(0, self.packed(words))),
                _of(LATE, shape, Traffic(), Traffic(begins, begins))]

    @staticmethod
    def _between(shape: DiskShape) -> list[Pass]:
        if not shape.inner_radices:
            return []
        return [_of(BETWEEN, shape, Traffic(shape.data_bytes, shape.data_bytes), Traffic())]


def _of(kind: str, shape: DiskShape, tiles: Traffic, packed: Traffic, operands: int = 1,
        tile_run_bytes: int = 0) -> Pass:
    reused = shape.rows if kind in (ROWS, BETWEEN) else 0
    return Pass(kind, shape.words, shape.digits, operands, reused, tiles, packed, shape.tile_bytes,
                tile_run_bytes or shape.tile_bytes, chunk_bytes(shape.chunk_words, shape.base), shape.run_bytes)


RECORD_BYTES = 512
"""Of a record of the journal without its arrays: frame, names, layout."""
CHUNK_FACTS_BYTES = 25
"""Of a chunk: kind, checksum, residue, first word and last (arithmetic.disk.number)."""
CARRY_BYTES = 48
"""Of a carry that waits, as JSON with its place."""
SAFE_BYTES = 1 << 30
"""That a sum moves before its records are made safe, at least: in ten seconds (runtime.recorder) at 100 MB/s."""
EXTRA_LATE_CHUNKS = 8
"""That signs and wrapped words change behind an inverse, beside those where runs meet."""


class JournalAccounts:
    """Bytes that the passes leave in the journal at most, when no product is repeated."""

    def __init__(self, chunk_words: int, base: int):
        self._chunk_words, self._chunk_bytes = chunk_words, chunk_bytes(chunk_words, base)

    def number(self, words: int) -> int:
        """Of a finished number, with its parity."""
        return RECORD_BYTES + self._chunk_bytes + -(-words // self._chunk_words) * CHUNK_FACTS_BYTES

    def linear(self, words: int, piece_chunks: int) -> int:
        """Of a sum of so many words, with its parity whenever its records are made safe."""
        pieces = -(-words // (self._chunk_words * piece_chunks))
        moved = 4 * pieces * piece_chunks * self._chunk_bytes
        return (pieces * (RECORD_BYTES + piece_chunks * CHUNK_FACTS_BYTES)
                + min(pieces, 1 + moved // SAFE_BYTES) * self._chunk_bytes)

    def forward(self, shape: DiskShape) -> int:
        """Of the slabs of an operand, and the pass between."""
        return self._tiles(shape, shape.slabs) + self._between(shape)

    def rows(self, shape: DiskShape) -> int:
        """Of the row pass."""
        return self._tiles(shape, shape.rows * shape.inner_rows)

    def inverse(self, shape: DiskShape) -> int:
        """Of the pass between, the slabs back, the carries that arrive late and the finished number."""
        runs, chunks = 2 * shape.rows, shape.stored_words // self._chunk_words
        slabs = shape.slabs * (RECORD_BYTES + runs * CARRY_BYTES + self._chunk_bytes) + chunks * CHUNK_FACTS_BYTES
        # The new bytes of a chunk are written down whole; what still waits goes into the record of every batch.
        late = runs + EXTRA_LATE_CHUNKS
        batches = -(-late // batch_chunks(self._chunk_bytes, self._chunk_words)) + EXTRA_LATE_CHUNKS
        late_bytes = late * (self._chunk_bytes + CHUNK_FACTS_BYTES + 16)
        return (self._between(shape) + slabs + late_bytes + self.number(shape.stored_words)
                + batches * (RECORD_BYTES + late * CARRY_BYTES + self._chunk_bytes))

    def _between(self, shape: DiskShape) -> int:
        return self._tiles(shape, shape.rows * shape.slabs // shape.inner_rows) if shape.inner_radices else 0

    def _tiles(self, shape: DiskShape, units: int) -> int:
        """Checksums of all tiles, in the records of so many units."""
        return 8 * shape.rows * shape.slabs + units * RECORD_BYTES
