"""The plan of a run: pure functions from the request to a value that says all of it.

A number x is held as an integer near x*B^K in words of radix B (10^5, or 2^16
in base 16).  `make_plan` fixes K, the levels of the Newton ladder, the shape of
every transform and the memory; nothing is decided later.  The bounds below are
derived in docs/newton.md, those of `SQUARE_WORDS_MAX` in docs/word-size.md.
"""

from dataclasses import dataclass
from math import isqrt

from bigconst.constant import Constant
from bigconst.errors import DoesNotFit
from bigconst.formats import WORDS, WordFormat, certificate_bytes
from bigconst.shape import Shape, shape_for
from bigconst.units import format_bytes, format_count, hex_digits

START_WORDS = 400
"""The ladder starts from an integer square root of at most this many words."""

Y_ERROR = 5
"""Bound on |y_k - B^k/sqrt(d)| at every level."""

SQUARE_WORDS_MAX = 1 << 30
"""Longest square of a full operand in radix 10^5 whose rounding errors stay below 0.3: that of the certificate."""

PROCESS_BYTES = 260 << 20
"""What the interpreter, numba, its kernels, tables and the buffers of two threads take before any digit."""


@dataclass(frozen=True)
class Level:
    """One step of the ladder: from `words_in` to `words_out` correct words."""

    words_in: int
    words_out: int
    residual: Shape
    """of e = d*y^2 - B^(2k) modulo B^N + 1"""
    product: Shape
    """of u = y*e and v = top(u)*e, unwrapped"""


@dataclass(frozen=True)
class Plan:
    """Everything a run in memory needs to know."""

    constant: Constant
    decimal_digits: int
    base: int
    threads: int
    memory_bytes: int
    digits: int
    """digits after the point, in `base`"""
    words: int
    """K: words after the point that are computed"""
    overlap_words: int
    residual_guard_words: int
    """|e| has at most this many words more than y"""
    levels: tuple[Level, ...]
    arena_bytes: int
    peak_memory_bytes: int

    @property
    def format(self) -> WordFormat:
        """Of all stored numbers."""
        return WORDS[self.base]

    @property
    def text_words(self) -> int:
        """Words that the written digits reach into."""
        return -(-self.digits // self.format.digits)

    @property
    def x_error(self) -> int:
        """Bound on the error of the result in units of its last word."""
        return (Y_ERROR + 1) * self.constant.d

    @property
    def integer_part(self) -> str:
        """The text before the point."""
        return self.constant.integer_text(self.base)

    @property
    def text_bytes(self) -> int:
        """Size of the digit file: integer part, point, digits, newline."""
        return len(self.integer_part) + 1 + self.digits + 1

    @property
    def certificate_bytes(self) -> int:
        """Size of the certificate: header and packed remainder (docs/certificate.md)."""
        return certificate_bytes(self.base, self.digits)

    def describe(self) -> list[tuple[str, str]]:
        """Printable rows."""
        rows = [
            ("Constant", self.constant.title),
            ("Algorithm", self.constant.algorithm),
            ("Digits", f"{format_count(self.digits)} in base {self.base}"),
            ("Radix", f"{self.base}^{self.format.digits}, {format_count(self.words)} words"),
            ("Threads", str(self.threads)),
        ]
        for i, level in enumerate(self.levels, 1):
            rows.append((f"Level {i}", f"{format_count(level.words_in)} -> {format_count(level.words_out)} words"))
            rows.append(("  residual", str(level.residual)))
            rows.append(("  products", str(level.product)))
        rows += [
            ("Mode", "in memory"),
            ("Working memory", f"{format_bytes(self.peak_memory_bytes)} of {format_bytes(self.memory_bytes)}"),
            ("Digit file", format_bytes(self.text_bytes)),
            ("Certificate", format_bytes(self.certificate_bytes)),
        ]
        return rows


def words_for(bound: int, radix: int) -> int:
    """Smallest count with radix^count >= bound."""
    count, power = 0, 1
    while power < bound:
        power *= radix
        count += 1
    return count


def _piece(size_bytes: int) -> int:
    return -(-size_bytes // 4096) * 4096


def level_bytes(level: Level) -> int:
    """Arena beside y: e, u, the work array and the spectrum of e."""
    return (_piece(4 * level.residual.words) + _piece(4 * level.product.words)
            + _piece(max(level.residual.data_bytes, level.product.data_bytes)) + _piece(level.product.data_bytes))


def settling_shape(words: int, guard_words: int) -> Shape:
    """Of the exact square that decides a last digit (arithmetic.root)."""
    return shape_for(words + guard_words + 3)


def _ladder(target: int, overlap: int, guard: int) -> tuple[Level, ...]:
    sizes = [target]
    while sizes[-1] > START_WORDS:
        sizes.append(-(-(sizes[-1] + overlap) // 3))
    sizes.reverse()
    return tuple(Level(k, k_out, shape_for(k + guard + 1), shape_for(2 * (k + guard)))
                 for k, k_out in zip(sizes, sizes[1:], strict=False))


def make_plan(constant: Constant, digits: int, base: int, threads: int, memory_bytes: int) -> Plan:
    """The plan for `digits` decimal digits of `constant` (their worth in hexadecimal ones for base 16).

    Raises DoesNotFit when it needs more than `memory_bytes`, or a longer
    transform than the words allow.
    """
    words = WORDS[base]
    d = constant.d
    written = hex_digits(digits) if base == 16 else digits
    text_words = -(-written // words.digits)
    guard_words = words_for((Y_ERROR + 1) * d * words.radix, words.radix)
    overlap = words_for(1000 * d, words.radix)
    residual_guard = words_for(8 * Y_ERROR * (isqrt(d) + 1), words.radix)
    target = text_words + guard_words
    levels = () if constant.is_integer else _ladder(target, overlap, residual_guard)
    settling = settling_shape(target, residual_guard)
    if settling.words > SQUARE_WORDS_MAX:
        raise DoesNotFit(f"{format_count(digits)} digits need a square of {format_count(settling.words)} words, "
                         f"the longest that is exact has {format_count(SQUARE_WORDS_MAX)}", "ask for fewer digits")
    number = _piece(4 * (target + 2))
    # After the ladder its last level makes room for the root and, hardly ever needed, the square that settles a digit.
    arena = number + max([number + _piece(4 * settling.words) + _piece(settling.data_bytes)]
                         + [level_bytes(level) for level in levels])
    peak = arena + PROCESS_BYTES
    if peak > memory_bytes:
        raise DoesNotFit(f"{format_count(digits)} digits of {constant.name} need {format_bytes(peak)} of memory, "
                         f"{format_bytes(memory_bytes)} are allowed")
    return Plan(constant, digits, base, threads, memory_bytes, written, target, overlap, residual_guard, levels, arena,
                peak)
