"""The plan of a run: one value with all decisions, which constants.planning makes of a request.

A number x is stored as an integer near x*B^K in words of radix B (10^5, or 2^16 in base 16).  The plan has K and the
trace of the constant's program, from which everything else follows.  The bound `SQUARE_WORDS_MAX` is derived in
docs/word-size.md.
"""

import hashlib
from dataclasses import dataclass
from functools import cached_property
from heapq import nlargest

from bigconst.base.constant import Constant, integer_text
from bigconst.base.formats import WORDS, WordFormat, packed_bytes
from bigconst.base.units import format_bytes, format_count
from bigconst.plans.diskplan import DiskPlan
from bigconst.plans.shape import FULL_WORDS_MAX, HALF_FACTOR
from bigconst.plans.trace import Trace, transform_rows

SQUARE_WORDS_MAX = FULL_WORDS_MAX[10, 5]
"""Longest square of a full operand in memory, in either base."""

RECORDS = 5
"""Form of what a run stores to be resumed; to be counted up where a program could misread what another has stored."""

PROCESS_BYTES = 260 << 20
"""Memory of the interpreter, numba, its kernels, tables and the buffers of two threads, before any digit."""

DISK_PROCESS_BYTES = 216 << 20
"""Memory of the interpreter, numba, its kernels and tables in a run on disk; buffers for files are counted apart."""


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
    trace: Trace
    """the program's operations"""
    certified: bool = True
    """whether the certificate is written, in addition to the digits"""
    disk: DiskPlan | None = None
    """where they are carried out on disk; None for a run in memory"""
    lean: bool = False
    """whether a run in memory takes less of it, and more time"""

    @cached_property
    def arena_bytes(self) -> int:
        """Memory for numbers and transforms of what is computed in memory."""
        inside = self.disk.memory.values() if self.disk is not None else [self.trace]
        return max((trace.memory_bytes for trace in inside), default=0)

    @property
    def peak_memory_bytes(self) -> int:
        """Most memory that the process takes."""
        if self.disk is None:
            return PROCESS_BYTES + self.arena_bytes
        return DISK_PROCESS_BYTES + self.disk.record_bytes + max(
            self.arena_bytes, self.disk.used_bytes, self.disk.files_bytes)

    @property
    def square_words(self) -> int:
        """Length of a square of a full operand that rounds as badly as the worst transform in memory; 0 without any."""
        transforms = (step for step in self.trace.steps if step.shape is not None)
        return max((step.shape.words * step.full // HALF_FACTOR for step in transforms), default=0)

    @property
    def fingerprint(self) -> str:
        """Hash of everything that a run goes by and stores: a program with the same one can continue the run."""
        on_disk = self.disk and (
            self.disk.chunk_words, self.disk.piece_chunks, self.disk.stripe_bytes, self.disk.places,
            [trace.what_is_made for trace in self.disk.memory.values()])
        return fingerprint(self.constant.name, self.digits, self.base, self.words, self.trace.what_is_made, on_disk)

    @property
    def format(self) -> WordFormat:
        """Word format of all stored numbers."""
        return WORDS[self.base]

    @property
    def text_words(self) -> int:
        """Words after the point that contain written digits."""
        return -(-self.digits // self.format.digits)

    @property
    def integer_part(self) -> str:
        """The text before the point."""
        return integer_text(self.constant.floor, self.base)

    @property
    def text_bytes(self) -> int:
        """Size of the digit file: integer part, point, digits, newline."""
        return len(self.integer_part) + 1 + self.digits + 1

    @property
    def certificate_bytes(self) -> int:
        """Size of the certificate (docs/certificate.md); 0 where none is written."""
        return next((step.file_bytes for step in self.trace.steps if step.file_bytes), 0)

    @property
    def checkpoint_bytes(self) -> int:
        """Most bytes that copies of finished parts take: the newest ones of the ladder or the tree, and of the root or
        the quotient, beside one before them that is not yet deleted."""
        made = [sum(self.trace.by_name[name].words for name in call.results) for call in self.trace.calls if call.title]
        return sum(packed_bytes(words, self.base) for words in nlargest(3, made))

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
        rows += self.disk.describe() if self.disk is not None else transform_rows(self.trace, str)
        rows += [
            ("Mode", self.mode),
            ("Working memory", f"{format_bytes(self.peak_memory_bytes)} of {format_bytes(self.memory_bytes)}"),
            ("Digit file", format_bytes(self.text_bytes)),
            ("Certificate", format_bytes(self.certificate_bytes) if self.certified else "none"),
        ]
        return rows


def fingerprint(*parts: object) -> str:
    """Hash of parts of a plan, which are told apart by how they are printed, and of the form of records."""
    return hashlib.sha256(repr((RECORDS, *parts)).encode()).hexdigest()[:32]
