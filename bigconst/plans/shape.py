"""Transform lengths: which exist, and how one is cut into rows and columns.

Pure functions.  A shape of `words` real words is a right-angle transform of
words/2 complex points, stored as `height` rows of `width` vectors of 8 points.
"""

from dataclasses import dataclass
from functools import lru_cache

ODD_PARTS = {1: (), 3: (3,), 5: (5,), 7: (7,), 9: (3, 3), 15: (3, 5), 21: (3, 7), 25: (5, 5)}
"""Odd parts of a length and their radices: neighbouring lengths are at most 14.3 % apart."""

FULL_WORDS_MAX = {(10, 5): 1 << 30, (10, 4): 1 << 42, (10, 3): 1 << 48, (16, 4): 1 << 32, (16, 3): 1 << 43}
"""Longest square of a full operand whose rounding errors stay below 0.3, by (base, digits) (docs/word-size.md)."""
HALF_FACTOR = 4
"""A product of two operands that fill half of the transform may be this many times longer."""

LANES = 8
VECTOR_BYTES = 128
ROW_LOG = 12          # rows of 4096 vectors, 512 KiB: they stay in a second-level cache of 1 MiB
BUFFER_BYTES = 1 << 20
MAX_BLOCK = 8
PAD_VECTORS = 4       # keeps the rows' starts out of the same cache sets


def powers_of_two_radices(exponent: int) -> tuple[int, ...]:
    """2^exponent as radices 8 and 4, and one 2 for 2^1."""
    if exponent == 1:
        return (2,)
    fours = -exponent % 3
    return (8,) * ((exponent - 2 * fours) // 3) + (4,) * fours


@dataclass(frozen=True)
class Shape:
    """A transform of `height` rows of `width` vectors.

    height = product of column_radices, 8 first; width = 8 * product of row_radices.
    """

    column_radices: tuple[int, ...]
    row_radices: tuple[int, ...]
    height: int
    width: int

    @property
    def words(self) -> int:
        """Real words, the exponent N of the modulus X^N + 1."""
        return 2 * LANES * self.height * self.width

    @property
    def stride(self) -> int:
        """Doubles from one row to the next."""
        return 16 * (self.width + PAD_VECTORS)

    @property
    def data_bytes(self) -> int:
        """Bytes of one array of transform data."""
        return 8 * self.stride * self.height

    @property
    def block(self) -> int:
        """Vectors of a row in one slab of columns."""
        block = MAX_BLOCK
        while block > 2 and block * self.height * VECTOR_BYTES > BUFFER_BYTES:
            block //= 2
        return block

    def __str__(self) -> str:
        columns = "*".join(map(str, self.column_radices)) or "1"
        rows = "*".join(map(str, self.row_radices + (8, 8)))
        return f"{self.words} = 2 * ({columns}) * ({rows})"


def _shape(odd: int, exponent: int) -> Shape:
    """The shape with height*width = 64 * odd * 2^exponent."""
    row_log = min(exponent, ROW_LOG - 3)
    if exponent - row_log == 1:
        row_log -= 1
    column_log = exponent - row_log
    columns = (8,) + powers_of_two_radices(column_log) + ODD_PARTS[odd]
    return Shape(columns, powers_of_two_radices(row_log), (8 * odd) << column_log, 8 << row_log)


@lru_cache(maxsize=256)
def shape_for(words: int) -> Shape:
    """The shortest shape of at least `words` words."""
    best = None
    for odd in ODD_PARTS:
        exponent = max(0, (-(-words // (16 * 64 * odd)) - 1).bit_length())
        shape = _shape(odd, exponent)
        if best is None or shape.words < best.words:
            best = shape
    return best
