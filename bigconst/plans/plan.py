"""The plan of a run: pure functions from the request to one value with all decisions.

A number x is stored as an integer near x*B^K in words of radix B (10^5, or 2^16
in base 16).  `make_plan` fixes K, the levels of the Newton ladder, the shape of
every transform and the memory; nothing is decided later.  The bounds below are
derived in docs/newton.md, those of `SQUARE_WORDS_MAX` in docs/word-size.md.
"""

from dataclasses import dataclass
from math import isqrt

from bigconst.base.constant import Constant
from bigconst.base.errors import DoesNotFit
from bigconst.base.formats import WORDS, WordFormat, certificate_bytes, packed_bytes
from bigconst.base.units import format_bytes, format_count, hex_digits
from bigconst.plans.diskplan import DiskPlan, DiskRequest, make_disk_plan
from bigconst.plans.shape import Shape, shape_for

START_WORDS = 400
"""The ladder starts from an integer square root of at most this many words."""

Y_ERROR = 5
"""Bound on |y_k - B^k/sqrt(d)| at every level."""

SQUARE_WORDS_MAX = 1 << 30
"""Longest square of a full operand in radix 10^5 whose rounding errors stay below 0.3: that of the certificate."""

PROCESS_BYTES = 260 << 20
"""Memory of the interpreter, numba, its kernels, tables and the buffers of two threads, before any digit."""

DISK_PROCESS_BYTES = 216 << 20
"""Memory of the interpreter, numba, its kernels and tables in a run on disk; buffers for files are counted apart."""


@dataclass(frozen=True)
class Level:
    """One step of the ladder: from `words_in` to `words_out` correct words."""

    words_in: int
    words_out: int
    residual: Shape
    """transform for e = d*y^2 - B^(2k) modulo B^N + 1"""
    product: Shape
    """transform for u = y*e and v = top(u)*e, unwrapped"""


@dataclass(frozen=True)
class Plan:
    """Everything a run needs to know."""

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
    """levels of the ladder that are computed in memory"""
    arena_bytes: int
    peak_memory_bytes: int
    certified: bool = True
    """whether the certificate is written, in addition to the digits"""
    disk: DiskPlan | None = None
    """the levels on disk and all that follows them; None for a run in memory"""

    @property
    def format(self) -> WordFormat:
        """Word format of all stored numbers."""
        return WORDS[self.base]

    @property
    def text_words(self) -> int:
        """Words after the point that contain written digits."""
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

    @property
    def checkpoint_bytes(self) -> int:
        """Most bytes that copies of finished levels take: the last level and the root, beside the level before, a third
        as long, which is not yet deleted."""
        return packed_bytes(self.words, self.base) * 7 // 3

    @property
    def mode(self) -> str:
        """The words "in memory" or "on disk"."""
        return "in memory" if self.disk is None else "on disk"

    def describe(self) -> list[tuple[str, str]]:
        """The plan as rows to print: label and text."""
        rows = [
            ("Constant", self.constant.title),
            ("Algorithm", self.constant.algorithm),
            ("Digits", f"{format_count(self.digits)} in base {self.base}"),
            ("Radix", f"{self.base}^{self.format.digits}, {format_count(self.words)} words"),
            ("Threads", str(self.threads)),
        ]
        if self.disk is not None:
            rows.append(("In memory", f"{len(self.levels)} levels, {format_count(self.disk.memory_words)} words"))
            rows += self.disk.describe()
        else:
            for i, level in enumerate(self.levels, 1):
                rows.append((f"Level {i}", f"{format_count(level.words_in)} -> {format_count(level.words_out)} words"))
                rows.append(("  residual", str(level.residual)))
                rows.append(("  products", str(level.product)))
        rows += [
            ("Mode", self.mode),
            ("Working memory", f"{format_bytes(self.peak_memory_bytes)} of {format_bytes(self.memory_bytes)}"),
            ("Digit file", format_bytes(self.text_bytes)),
            ("Certificate", format_bytes(self.certificate_bytes) if self.certified else "none"),
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
    """Arena bytes of a level, without y: e, u, the work array and the spectrum of e."""
    return (_piece(4 * level.residual.words) + _piece(4 * level.product.words)
            + _piece(max(level.residual.data_bytes, level.product.data_bytes)) + _piece(level.product.data_bytes))


def settling_shape(words: int, guard_words: int) -> Shape:
    """Shape of the exact square that decides a last digit (constants.root)."""
    return shape_for(words + guard_words + 3)


def _sizes(target: int, overlap: int) -> list[int]:
    """Sizes in words of all approximations of a ladder, from its start up to `target`."""
    sizes = [target]
    while sizes[-1] > START_WORDS:
        sizes.append(-(-(sizes[-1] + overlap) // 3))
    return sizes[::-1]


def _level(k: int, k_out: int, guard: int) -> Level:
    return Level(k, k_out, shape_for(k + guard + 1), shape_for(2 * (k + guard)))


def _ladder(target: int, overlap: int, guard: int) -> tuple[Level, ...]:
    sizes = _sizes(target, overlap)
    return tuple(_level(k, k_out, guard) for k, k_out in zip(sizes, sizes[1:], strict=False))


def make_plan(constant: Constant, digits: int, base: int, threads: int, memory_bytes: int, *,
              workspace_bytes: int | None = None, disk: str | None = None, certified: bool = True) -> Plan:
    """The plan for `digits` decimal digits of `constant`, or for base 16 the hexadecimal digits that hold as much.

    memory_bytes     bound on the process
    workspace_bytes  bound on the working arrays alone
    disk             "hdd" or "ssd" where there is scratch, for what memory does not hold; else None
    certified        whether the certificate is wanted, in addition to the digits
    Raises DoesNotFit when the run needs more memory than allowed, or a transform
    too long to be exact.
    """
    words = WORDS[base]
    d = constant.d
    written = hex_digits(digits) if base == 16 else digits
    text_words = -(-written // words.digits)
    guard_words = words_for((Y_ERROR + 1) * d * words.radix, words.radix)
    overlap = words_for(1000 * d, words.radix)
    guard = words_for(8 * Y_ERROR * (isqrt(d) + 1), words.radix)
    target = text_words + guard_words
    allowed = min(memory_bytes - PROCESS_BYTES, workspace_bytes or memory_bytes)
    arena = _arena_bytes(target, overlap, guard, constant.is_integer)
    common = (constant, digits, base, threads, memory_bytes, written)
    if arena <= allowed and settling_shape(target, guard).words <= SQUARE_WORDS_MAX:
        levels = () if constant.is_integer else _ladder(target, overlap, guard)
        return Plan(*common, target, overlap, guard, levels, arena, arena + PROCESS_BYTES, certified)
    if disk is None:
        _refuse(constant, digits, settling_shape(target, guard).words, arena, memory_bytes, workspace_bytes)

    def arena_of(k: int, k_out: int) -> int:
        """Arena bytes of the ladder in memory whose last level is k -> k_out."""
        return _piece(4 * (k_out + 2)) + (level_bytes(_level(k, k_out, guard)) if k else 0)

    on_disk = make_disk_plan(
        DiskRequest(base, threads, disk, target, text_words, overlap, guard, constant.is_integer, certified,
                    DISK_PROCESS_BYTES, memory_bytes - DISK_PROCESS_BYTES, workspace_bytes or memory_bytes),
        lambda top: _sizes(top, overlap), arena_of)
    levels = _ladder(on_disk.memory_words, overlap, guard) if on_disk.memory_words else ()
    arena = arena_of(levels[-1].words_in if levels else 0, on_disk.memory_words)
    peak = DISK_PROCESS_BYTES + max(arena, on_disk.used_bytes, on_disk.files_bytes) + on_disk.record_bytes
    return Plan(*common, on_disk.words, overlap, guard, levels, arena, peak, certified, on_disk)


def _arena_bytes(target: int, overlap: int, guard: int, is_integer: bool) -> int:
    """Arena bytes of a run in memory: y, and the largest of what each level needs and of what follows the ladder, the
    root and the square that settles a digit (hardly ever needed)."""
    settling = settling_shape(target, guard)
    number = _piece(4 * (target + 2))
    levels = () if is_integer else _ladder(target, overlap, guard)
    return number + max([number + _piece(4 * settling.words) + _piece(settling.data_bytes)]
                        + [level_bytes(level) for level in levels])


def _refuse(constant: Constant, digits: int, square_words: int, arena_bytes: int, memory_bytes: int,
            workspace_bytes: int | None):
    """Raise DoesNotFit with the reason why a run without scratch does not fit memory."""
    remedy = "name a scratch directory with --swap DIR, or ask for fewer digits"
    if square_words > SQUARE_WORDS_MAX:
        #: Beyond this size only a run on disk is exact: name scratch directories with `--swap`.
        raise DoesNotFit(f"{format_count(digits)} digits need a square of {format_count(square_words)} words, "
                         f"the longest that is exact in memory has {format_count(SQUARE_WORDS_MAX)}", remedy)
    needed, allowed = arena_bytes + PROCESS_BYTES, memory_bytes
    if needed <= allowed:
        needed, allowed = arena_bytes, workspace_bytes
    #: Name scratch directories with `--swap`, which do what memory cannot; or allow more with `--memory` (without it,
    #: 75 % of what is available).
    raise DoesNotFit(f"{format_count(digits)} digits of {constant.name} need {format_bytes(needed)} of memory, "
                     f"{format_bytes(allowed)} are allowed", remedy + ", or allow more with --memory")
