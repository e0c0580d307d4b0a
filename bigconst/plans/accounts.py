"""Accounts of a plan on disk: bytes that passes read and write, bytes that the journal takes.

No disk is touched here: everything follows from shapes and lengths.
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
"""Kinds of passes, in this order: words to slabs of columns; the pass between slabs and rows; rows forward, multiplied
and back; slabs to words; the carries from run to run, which are added after those slabs; sums and multiples of numbers;
text and certificate."""


@dataclass(frozen=True)
class Pass:
    """A pass over units of one kind: while a unit is computed, the next one is read and the one before is written."""

    kind: str
    words: int
    """words of the transform; in passes over numbers alone, words of the number"""
    digits: int
    """digits of such a word"""
    operands: int
    """transforms whose rows are multiplied: 1 for a square, 2 for each product; else 1"""
    tiles: Traffic
    """bytes of transform data that are read and written"""
    packed: Traffic
    """bytes of packed numbers that are read and written"""
    tile_bytes: int = 0
    """size of a tile, the block of transform data that has a checksum"""
    tile_run_bytes: int = 0
    """size of the tiles that lie together and are requested together"""
    chunk_bytes: int = 0
    """size of a chunk, the block of a packed number that has a checksum"""
    chunk_run_bytes: int = 0
    """size of the chunks that lie together and are requested together"""

    @property
    def traffic(self) -> Traffic:
        """All bytes that the pass reads and writes."""
        return self.tiles + self.packed


class Accounts:
    """Makes passes with their traffic, counted in whole chunks and tiles."""

    def __init__(self, chunk_words: int, base: int, piece_chunks: int = 1):
        """`piece_chunks` is the number of chunks that linear passes move together."""
        self._chunk_words, self._chunk_bytes = chunk_words, chunk_bytes(chunk_words, base)
        self._digits, self._piece_bytes = WORDS[base].digits, piece_chunks * self._chunk_bytes

    def packed(self, words: int) -> int:
        """Bytes that so many words take on the volume, in whole packed chunks."""
        return -(-words // self._chunk_words) * self._chunk_bytes

    def linear(self, read_words: int, written_words: int, kind: str = LINEAR) -> Pass:
        """A pass over numbers that reads and writes so many words; `kind` is LINEAR or FILES."""
        words = max(read_words, written_words) if kind == FILES else written_words
        return Pass(kind, words, self._digits, 1, Traffic(),
                    Traffic(self.packed(read_words), self.packed(written_words)),
                    chunk_bytes=self._chunk_bytes, chunk_run_bytes=self._piece_bytes)

    def forward(self, shape: DiskShape, words: int) -> list[Pass]:
        """The passes that transform the columns of an operand of so many words: slabs, and the pass between if the
        shape has one."""
        slabs = _of(FORWARD, shape, Traffic(0, shape.data_bytes), Traffic(self.packed(words), 0))
        return [slabs, *self._between(shape)]

    def rows(self, shape: DiskShape, operands: int) -> list[Pass]:
        """The row pass of a square (1 operand) or a sum of products (2 for each)."""
        tiles = Traffic(operands * shape.data_bytes, shape.data_bytes)
        return [_of(ROWS, shape, tiles, Traffic(), operands, shape.row_bytes)]

    def inverse(self, shape: DiskShape, words: int, added_words: int = 0) -> list[Pass]:
        """The passes from rows back to a number of which so many words are stored, while numbers of `added_words` are
        added: the pass between if the shape has one, slabs, and late carries."""
        # When the carry from the run below is known, the first chunk of a run is read, its lowest pages are written.
        begins = min(2 * shape.rows, words * 2 * shape.rows // shape.stored_words + 1)
        return [*self._between(shape),
                _of(BACK, shape, Traffic(shape.data_bytes, 0), Traffic(self.packed(added_words), self.packed(words))),
                _of(LATE, shape, Traffic(), Traffic(begins * self._chunk_bytes,
                                                    begins * min(LATE_BYTES, self._chunk_bytes)))]

    @staticmethod
    def _between(shape: DiskShape) -> list[Pass]:
        if not shape.inner_radices:
            return []
        return [_of(BETWEEN, shape, Traffic(shape.data_bytes, shape.data_bytes), Traffic())]


def _of(kind: str, shape: DiskShape, tiles: Traffic, packed: Traffic, operands: int = 1,
        tile_run_bytes: int = 0) -> Pass:
    return Pass(kind, shape.words, shape.digits, operands, tiles, packed, shape.tile_bytes,
                tile_run_bytes or shape.tile_bytes, chunk_bytes(shape.chunk_words, shape.base), shape.run_bytes)


RECORD_BYTES = 512
"""Journal bytes of a record without its arrays: frame, names, layout."""
CHUNK_FACTS_BYTES = 25
"""Journal bytes of what is known of a chunk: kind, checksum, residue, first word and last (arithmetic.disk.number)."""
CARRY_BYTES = 48
"""Journal bytes of a carry that is not yet added: JSON, with its place in the number."""
SAFE_BYTES = 1 << 30
"""Least bytes that a sum moves between two flushes of its records: ten seconds (runtime.recorder) at 100 MB/s."""
LATE_BYTES = 8192
"""Bytes of the pages that hold the lowest words of a chunk, with those that a carry seldom reaches."""
EXTRA_LATE_CHUNKS = 8
"""Chunks that the sign and wrapped words change after an inverse transform, besides those at the borders of runs."""


class JournalAccounts:
    """Upper bounds on the bytes that passes leave in the journal when no product is repeated."""

    def __init__(self, chunk_words: int, base: int):
        self._chunk_words, self._chunk_bytes = chunk_words, chunk_bytes(chunk_words, base)

    def number(self, words: int) -> int:
        """Bytes for the record of a finished number, with its parity."""
        return RECORD_BYTES + self._chunk_bytes + -(-words // self._chunk_words) * CHUNK_FACTS_BYTES

    def linear(self, words: int, piece_chunks: int) -> int:
        """Bytes for a sum of so many words: the records of its pieces, and its parity at every flush."""
        pieces = -(-words // (self._chunk_words * piece_chunks))
        moved = 4 * pieces * piece_chunks * self._chunk_bytes
        return (pieces * (RECORD_BYTES + piece_chunks * CHUNK_FACTS_BYTES)
                + min(pieces, 1 + moved // SAFE_BYTES) * self._chunk_bytes)

    def forward(self, shape: DiskShape) -> int:
        """Bytes for the slabs of an operand, and for the pass between if there is one."""
        return self._tiles(shape, shape.slabs) + self._between(shape)

    def rows(self, shape: DiskShape) -> int:
        """Bytes for the row pass."""
        return self._tiles(shape, shape.rows * shape.inner_rows)

    def inverse(self, shape: DiskShape) -> int:
        """Bytes for the pass between, the slabs back to words, the late carries and the finished number."""
        runs, chunks = 2 * shape.rows, shape.stored_words // self._chunk_words
        slabs = shape.slabs * (RECORD_BYTES + runs * CARRY_BYTES + self._chunk_bytes) + chunks * CHUNK_FACTS_BYTES
        # The pages that late carries change are recorded, and with every batch the carries not yet added.
        late = runs + EXTRA_LATE_CHUNKS
        batches = -(-late // batch_chunks(self._chunk_bytes, self._chunk_words)) + EXTRA_LATE_CHUNKS
        pages = min(LATE_BYTES, self._chunk_bytes)
        late_bytes = runs * pages + 2 * EXTRA_LATE_CHUNKS * self._chunk_bytes + late * (CHUNK_FACTS_BYTES + 32)
        return (self._between(shape) + slabs + late_bytes + self.number(shape.stored_words)
                + batches * (RECORD_BYTES + late * CARRY_BYTES + pages))

    def _between(self, shape: DiskShape) -> int:
        return self._tiles(shape, shape.rows * shape.slabs // shape.inner_rows) if shape.inner_radices else 0

    def _tiles(self, shape: DiskShape, units: int) -> int:
        """Bytes for the records of so many units, with the checksums of all tiles."""
        return 8 * shape.rows * shape.slabs + units * RECORD_BYTES
