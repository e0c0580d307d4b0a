"""Transforms that do not fit memory: how one is cut into tiles, and which passes it takes.

Pure functions.  A transform of N words is N/16 vectors (docs/layout.md), seen
as `rows` outer rows of `width` vectors.  Two passes transform it: slabs of
columns (all rows, `tile_width` columns), then whole rows in memory.  Where rows
do not fit memory, a pass between these two splits each row into `inner_rows`
shorter rows, by slabs again.  A tile is `tile_width` vectors of one row: the
unit in which transform data is read and written.
"""

from dataclasses import dataclass
from functools import cached_property
from math import prod

from bigconst.base.formats import WORDS
from bigconst.plans.shape import LANES, ROW_LOG, VECTOR_BYTES, powers_of_two_radices

ODD_PARTS = {1: (), 3: (3,), 5: (5,), 7: (7,), 9: (3, 3), 15: (3, 5), 21: (3, 7), 25: (5, 5), 27: (3, 3, 3),
             35: (5, 7), 45: (3, 3, 5), 63: (3, 3, 7), 75: (3, 5, 5), 105: (3, 5, 7)}
"""Odd parts of a length and their radices: neighbouring lengths are at most 9.4 % apart."""

MAX_ROWS = 1024
"""Most rows of a slab: eight of its columns then fit the second-level cache."""
MIN_TILE_WIDTH = 32         # 4 KiB, a page
LEAST_WORDS = 1 << 13
"""Words of the shortest transform: 8 rows of 64 vectors."""
SPARE_ROWS = 4
"""Rows of a region beyond those of its data: a pass over rows writes each row so many places away from where it lay,
over rows that it has read before."""
ROW_BUFFERS, READ_BUFFERS, INNER_BUFFERS = 3, 2, 3
"""Rows that are changed, rows of every other operand, and slabs of the pass between, that are in memory at once: one
is read, one computed, and what is changed is written."""


@dataclass(frozen=True)
class DiskShape:
    """A right-angle transform on disk, in words of `digits` digits of `base`."""

    base: int
    digits: int
    outer_radices: tuple[int, ...]
    inner_radices: tuple[int, ...]
    """radices of the pass between slabs and rows; () where there is none"""
    middle_radices: tuple[int, ...]
    """radices of the columns of a row in memory"""
    row_radices: tuple[int, ...]
    tile_width: int
    chunk_words: int
    threads: int

    @cached_property
    def rows(self) -> int:
        """Number of outer rows."""
        return prod(self.outer_radices)

    @cached_property
    def inner_rows(self) -> int:
        """Number of rows into which the pass between splits each outer row."""
        return prod(self.inner_radices)

    @cached_property
    def sub_width(self) -> int:
        """Vectors of a row of the row kernel."""
        return LANES * prod(self.row_radices)

    @cached_property
    def row_width(self) -> int:
        """Vectors of a row that is transformed in memory."""
        return prod(self.middle_radices) * self.sub_width

    @cached_property
    def width(self) -> int:
        """Vectors of an outer row."""
        return self.inner_rows * self.row_width

    @property
    def words(self) -> int:
        """Words of the transform, the exponent of its modulus X^N + 1."""
        return 2 * LANES * self.rows * self.width

    @property
    def stored_words(self) -> int:
        """Length of the transform in words as numbers are stored."""
        return self.words * self.digits // WORDS[self.base].digits

    @cached_property
    def slabs(self) -> int:
        """Number of slabs of columns, and of tiles in an outer row."""
        return self.width // self.tile_width

    @property
    def passes(self) -> int:
        """Number of passes from words to spectrum: 2, or 3 with the pass between."""
        return 3 if self.inner_radices else 2

    @cached_property
    def tile_bytes(self) -> int:
        """Size of a tile, which is contiguous on disk."""
        return VECTOR_BYTES * self.tile_width

    @cached_property
    def run_words(self) -> int:
        """Stored words of a run: those of one row and one half of the number in a slab, which are contiguous."""
        return 8 * self.tile_width * self.digits // WORDS[self.base].digits

    @cached_property
    def run_bytes(self) -> int:
        """Size of a packed run."""
        return self.run_words // self.chunk_words * chunk_bytes(self.chunk_words, self.base)

    @property
    def data_bytes(self) -> int:
        """Size of all tiles."""
        return VECTOR_BYTES * self.rows * self.width

    @property
    def region_bytes(self) -> int:
        """Size of all tiles on the volume, with the spare rows."""
        return VECTOR_BYTES * (self.rows + SPARE_ROWS) * self.width

    @property
    def row_bytes(self) -> int:
        """Size of a row that is transformed in memory."""
        return VECTOR_BYTES * self.row_width

    @property
    def slab_bytes(self) -> int:
        """Memory for a pass over slabs: transform data and packed runs twice, words once."""
        tiles = self.rows * self.tile_width
        regroup = 0 if self.digits == WORDS[self.base].digits else 4 * self.run_words * self.threads
        return tiles * (2 * VECTOR_BYTES + 64) + 4 * self.rows * self.run_bytes + regroup

    def memory_bytes(self, operands: int, added: int = 0) -> int:
        """Working memory of a square (1 operand) or a sum of products (2 for each), to which numbers are added."""
        inner = INNER_BUFFERS * self.inner_rows * self.tile_bytes if self.inner_radices else 0
        slab = self.slab_bytes + added * 4 * self.rows * self.run_bytes
        return max(slab, row_buffers(operands) * self.row_bytes, inner) + 16 * 4096

    def unit_bytes(self, operands: int) -> int:
        """Bytes that the longest unit of its passes reads and writes, with so many transforms multiplied."""
        slab = self.rows * (self.tile_bytes + 2 * self.run_bytes)
        between = 2 * self.inner_rows * self.tile_bytes if self.inner_radices else 0
        return max(slab, between, (operands + 1) * self.row_bytes)

    def __str__(self) -> str:
        parts = [self.outer_radices, self.inner_radices, self.middle_radices + self.row_radices + (8, 8)]
        text = " * ".join(f"({'*'.join(map(str, part))})" for part in parts if part)
        return f"{self.words} = 2 * {text}"


def row_buffers(operands: int) -> int:
    """Rows that are in memory at once where so many transforms are multiplied."""
    return ROW_BUFFERS + READ_BUFFERS * (operands - 1)


def chunk_bytes(chunk_words: int, base: int) -> int:
    """Size of a chunk of packed words on the volume, a multiple of a page."""
    size = chunk_words // 64 * 136 if base == 10 else 2 * chunk_words
    return -(-size // 4096) * 4096


def batch_chunks(packed_bytes: int, chunk_words: int) -> int:
    """Number of chunks that are changed or stored together, in memory beside the workspace: at least one, at most 64,
    and at most 16 MiB for them in packed form and as words."""
    return max(1, min(64, (16 << 20) // (packed_bytes + 4 * chunk_words)))


def _splits(exponent: int, least: int) -> list[int]:
    """Exponents of two of the outer rows, most rows first, that leave at least 2^least for a row.

    The first radix is 8; an exponent that leaves a single 2 for the other radices is left out.
    """
    return [a for a in range(exponent, 2, -1) if a - 3 != 1 and exponent - a >= least]


def _row_radices(odd: int, exponent: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """(middle, row) radices of a row of odd * 2^exponent vectors."""
    row_log = min(exponent, ROW_LOG)
    middle = powers_of_two_radices(exponent - row_log) + (() if odd == 1 else (odd,))
    return middle, powers_of_two_radices(row_log - 3)


def _candidates(words: int, odd_in_row: int):
    """(odd part of the outer rows, exponent of two) of the least length from `words` on for each odd part, shortest
    first."""
    vectors = -(-words // (2 * LANES))
    found = []
    for odd in ODD_PARTS:
        exponent = max(6, (-(-vectors // (odd * odd_in_row)) - 1).bit_length())
        found += [(odd * odd_in_row << exponent, odd, exponent)]
    return [(odd, exponent) for _, odd, exponent in sorted(found)]


def disk_shape(stored_words: int, base: int, digits: int, chunk_words: int, workspace_bytes: int, operands: int,
               threads: int, passes: int = 3, added: int = 0) -> DiskShape | None:
    """The shortest transform of at least `stored_words` words that `workspace_bytes` allow, or None.

    Every run of packed words is at least a chunk long.  Each length is tried with
    two passes first, then with three if `passes` is 3.
    """
    fmt = WORDS[base]
    # With 4 or 3 digits a word, a factor 5 in the row makes every run a whole number of stored words of five digits.
    odd_in_row = 5 if base == 10 and digits != fmt.digits else 1
    for odd, exponent in _candidates(-(-stored_words * fmt.digits // digits), odd_in_row):
        for wanted in range(2, passes + 1):
            best = _fit(base, digits, odd, odd_in_row, exponent, chunk_words, workspace_bytes, operands, threads,
                        wanted, added)
            if best is not None:
                return best
    return None


def _fit(base: int, digits: int, odd: int, odd_in_row: int, exponent: int, chunk_words: int, workspace_bytes: int,
         operands: int, threads: int, passes: int, added: int) -> DiskShape | None:
    """The shape of one length with the most outer rows and, among those, the widest tiles; None if none fits."""
    longest_row = workspace_bytes // (row_buffers(operands) * VECTOR_BYTES)
    stored = WORDS[base].digits
    # The narrowest tile of whole pages whose runs are whole chunks.
    narrowest = MIN_TILE_WIDTH
    while 8 * narrowest * odd_in_row * digits // stored < chunk_words:
        narrowest *= 2
    for a in _splits(exponent, 6):
        rows = odd << a
        if rows > MAX_ROWS or rows * narrowest * odd_in_row * VECTOR_BYTES > workspace_bytes:
            continue
        outer = (8,) + powers_of_two_radices(a - 3) + ODD_PARTS[odd]
        for b in range(1, min(11, exponent - a - 5)) if passes == 3 else (0,):
            log = exponent - a - b
            if odd_in_row << log > longest_row or narrowest > 1 << log:
                continue
            middle, row = _row_radices(odd_in_row, log)
            width = 1 << log
            while width >= narrowest:
                shape = DiskShape(base, digits, outer, powers_of_two_radices(b) if b else (), middle, row,
                                  odd_in_row * width, chunk_words, threads)
                if shape.run_words % chunk_words == 0 and shape.memory_bytes(operands, added) <= workspace_bytes:
                    return shape
                width //= 2
    return None
