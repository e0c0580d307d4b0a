"""The part of a plan that lies on disk: levels, the place of every number and transform, and the traffic.

Numbers are cut into chunks of `chunk_words` packed words.  The sizes of all levels on disk are whole chunks, so that a
number is shifted by numbering its chunks anew.  Addresses on the volume follow from the lifetimes in the trace.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from bigconst.base.formats import PACKED_PIECE_WORDS, TEXT_PIECE_BYTES
from bigconst.base.units import format_bytes, format_count, format_seconds
from bigconst.plans.accounts import JournalAccounts, Pass, Traffic
from bigconst.plans.diskshape import DiskShape, chunk_bytes, disk_shape
from bigconst.plans.trace import Trace, transform_rows

CHUNK_WORDS = {"hdd": {10: 1 << 19, 16: 1 << 19}, "ssd": {10: 1 << 16, 16: 1 << 16}}
"""Words of a chunk, the shortest contiguous run of packed words, that a kind of disk needs, by base; fewer where memory
is short.  In base 10 they take 1.06 MiB on hard disks and 136 KiB on solid state, and tiles then have at least 8 MiB
and 1 MiB."""
MIN_CHUNK_WORDS = 1 << 8
MAX_CHUNK_WORDS = 1 << 20
"""The longest chunks: 2.1 MiB packed in base 10, and tiles of 16 MiB.  Each flush of records has a parity as long."""
LONGER_CHUNKS_COST = 1.01
"""Most that a plan with longer chunks moves, and takes up, of what it would with the chunks that its disks need."""
CHUNK_RECORD_BYTES = 160
"""Memory for each chunk of the result: checksum, residue and border words of all numbers that exist at a time."""
CHUNK_KNOWN_BYTES = 32
"""Memory for what is known of each chunk of a number: checksum, residue, border words, and a copy of some of it."""
PARITY_CHUNKS = 10
"""Memory, in chunks, for the parities of all numbers that exist at a time and of units not yet recorded; each thread
needs one more for the number that it writes."""
LINEAR_INPUTS = 3
"""Most numbers that a linear pass reads."""
LINEAR_PIECE_CHUNKS = 16
"""Most chunks of a piece of a linear pass.  Its record has a parity, as long as one chunk."""
MIN_WORKSPACE_BYTES = 1 << 20

RAID_BYTES_PER_S = 594e6
"""Speed at which the six hard disks of the run of July 2015, one RAID0, were read (swap/README.md)."""


@dataclass(frozen=True)
class DiskPlan:
    """Everything a run needs to know about its scratch and the computation there."""

    kind: str
    """hdd or ssd, the kind of disk that chunks and tiles were chosen for"""
    base: int
    threads: int
    chunk_words: int
    words: int
    """K: words after the point"""
    workspace_bytes: int
    """bound on the working arrays"""
    record_bytes: int
    """memory for what is known of each chunk, and for parities"""
    trace: Trace
    memory: Mapping[str, Trace] = field(default_factory=dict)
    """what is computed in memory, by the paths of calls"""

    @cached_property
    def _placed(self) -> tuple[dict[str, int], int]:
        return self.trace.placed(self.stripe_bytes)

    @property
    def places(self) -> Mapping[str, int]:
        """Addresses on the volume, by names of the trace."""
        return self._placed[0]

    @property
    def scratch_bytes(self) -> int:
        """Size of the volume."""
        return self._placed[1]

    @property
    def passes(self) -> tuple[tuple[str, tuple[Pass, ...]], ...]:
        """Name and passes of every stage."""
        return tuple((name, tuple(each for step in steps for each in step.passes))
                     for name, steps in self.trace.stages())

    @cached_property
    def stages(self) -> tuple[tuple[str, Traffic], ...]:
        """Name and traffic of every stage."""
        return tuple((name, sum((each.traffic for each in passes), Traffic())) for name, passes in self.passes)

    @cached_property
    def traffic(self) -> Traffic:
        """Bytes that all stages read and write."""
        return sum((traffic for _, traffic in self.stages), Traffic())

    @cached_property
    def shapes(self) -> frozenset[tuple[DiskShape, int, int]]:
        """The shape, the operands and the numbers added of all transforms on disk."""
        return frozenset((step.shape, step.operands, step.added) for step in self.trace.steps if step.shape is not None)

    @property
    def used_bytes(self) -> int:
        """Most memory that a pass uses of the workspace."""
        return max([self.piece_chunks * linear_bytes(self.chunk_words, self.base),
                    *(shape.memory_bytes(operands, added) for shape, operands, added in self.shapes)])

    @property
    def files_bytes(self) -> int:
        """Memory for writing text and certificate, after the workspace has been given back."""
        return files_bytes_of(self.chunk_words, self.threads)

    @property
    def stripe_bytes(self) -> int:
        """The shortest contiguous piece of transform data: one lane takes it whole."""
        return min((shape.tile_bytes for shape, *_ in self.shapes), default=self.chunk_bytes)

    @property
    def chunk_bytes(self) -> int:
        """Size of a packed chunk."""
        return chunk_bytes(self.chunk_words, self.base)

    @property
    def piece_chunks(self) -> int:
        """Chunks of a piece of a linear pass."""
        return piece_chunks_of(self.chunk_words, self.base, self.workspace_bytes)

    @property
    def longest_unit_bytes(self) -> int:
        """Most bytes that are read and written for one unit: a slab, a row, a piece of a sum.  An unfinished unit costs
        no more than this when the run is resumed."""
        of_sum = 4 * self.piece_chunks * self.chunk_bytes       # y, u, v and the new y
        return max([of_sum, *(shape.unit_bytes(operands) for shape, operands, _ in self.shapes)])

    @property
    def journal_bytes(self) -> int:
        """Most bytes that the journal takes, beside the scratch on the first lane, unless a product is repeated."""
        # Each journal begins with the numbers that are needed; the next one is complete before this one is deleted.
        accounts = JournalAccounts(self.chunk_words, self.base)
        known = self.trace.alive(lambda step: step.words and accounts.number(step.words), before=True)
        begin = max((known[call.end] for call in self.trace.calls if call.title), default=0)
        return (max(sum(step.journal_bytes for step in steps) for steps in self.trace.segments())
                + 2 * max(begin, accounts.number(self.words + 1)))

    def smaller(self, shape: DiskShape, operands: int, added: int) -> list[DiskShape]:
        """Shapes for a number as long on smaller words, the largest of them first, for data that rounds badly.  Only
        those that fit the memory of this plan are returned."""
        found = [disk_shape(shape.stored_words, self.base, digits, self.chunk_words, self.used_bytes, operands,
                            self.threads, added=added) for digits in range(shape.digits - 1, 2, -1)]
        return [shape for shape in found if shape is not None]

    @property
    def known_bytes(self) -> int:
        """Most memory that is taken by what is known of the chunks of all numbers that exist at a time."""
        return max(self.trace.alive(
            lambda step: step.words and step.words // self.chunk_words * CHUNK_KNOWN_BYTES + 2 * self.chunk_bytes))

    @cached_property
    def repetition(self) -> tuple[int, int]:
        """Bytes moved and bytes of scratch, beyond what is planned, for the product that costs most when it has to be
        repeated: on smaller words, if its data rounds badly and the memory is enough for them."""
        moved = grown = 0
        # Long series have thousands of products and few kinds of them.
        for shape, operands, added, passes in {(step.shape, step.operands, step.added, step.passes)
                                               for step in self.trace.steps if step.shape is not None}:
            once = sum((each.traffic for each in passes), Traffic())
            now = next(iter(self.smaller(shape, operands, added)), shape)
            moved = max(moved, (once.read_bytes + once.written_bytes) * now.words // shape.words)
            if now is not shape:
                number = now.stored_words // self.chunk_words * self.chunk_bytes
                grown = max(grown, operands * now.region_bytes + number)
        return moved, grown

    def describe(self) -> list[tuple[str, str]]:
        """The plan as rows to print: label and text."""
        in_memory: dict[str, list[tuple[int, int]]] = {}
        for call in self.trace.calls:
            if call.is_in_memory:
                in_memory.setdefault(call.title.rstrip(" 0123456789").capitalize(), []).append((
                    max(self.trace.by_name[name].words for name in call.results),
                    sum(each.is_part for each in self.memory[call.path].calls)))
        rows = []
        for title, calls in in_memory.items():
            words, steps = map(max, zip(*calls, strict=True))
            shown = [f"{len(calls)} times"] * (len(calls) > 1) + [f"{steps} steps"] * bool(steps)
            rows.append((title, ", ".join([*shown, f"{format_count(words)} words"])))
        rows += transform_rows(self.trace, _line)
        (moved, grown), traffic = self.repetition, self.traffic
        run = min((shape.run_bytes for shape, *_ in self.shapes), default=self.chunk_bytes)
        return rows + [
            ("Disks", {"hdd": "hard disks (--disk ssd where they are not)", "ssd": "solid state"}[self.kind]),
            ("Smallest runs", f"{format_bytes(self.stripe_bytes)} of transform data, "
                              f"{format_bytes(run)} of packed digits"),
            ("Stripe unit", format_bytes(self.stripe_bytes)),
            ("Scratch", f"{format_bytes(self.scratch_bytes)} ({self.scratch_bytes} bytes)"),
            ("Scratch traffic", f"{format_bytes(traffic.read_bytes)} read, {format_bytes(traffic.written_bytes)} "
                                "written"),
            ("Longest unit", f"{format_bytes(self.longest_unit_bytes)} moved, "
                             f"{format_seconds(self.longest_unit_bytes / RAID_BYTES_PER_S)} at "
                             f"{RAID_BYTES_PER_S / 1e6:.0f} MB/s, six hard disks of 2015"),
            ("One repetition", f"at most {format_bytes(moved)} moved, {format_seconds(moved / RAID_BYTES_PER_S)} "
                               f"there; on smaller words {format_bytes(grown)} more scratch"),
            ("Journal", f"at most {format_bytes(self.journal_bytes)} on the first lane"),
        ]


def linear_bytes(chunk_words: int, base: int) -> int:
    """Working memory of a linear pass for each chunk of a piece: its inputs and the result, packed twice and as words.
    """
    return (LINEAR_INPUTS + 1) * (2 * chunk_bytes(chunk_words, base) + 4 * chunk_words + 8192)


def piece_chunks_of(chunk_words: int, base: int, workspace_bytes: int) -> int:
    """Chunks of a piece of a linear pass."""
    return max(1, min(LINEAR_PIECE_CHUNKS, workspace_bytes // linear_bytes(chunk_words, base)))


def files_bytes_of(chunk_words: int, threads: int) -> int:
    """Memory for writing files: a piece of text and its words for each of 4*(threads + 2) slots (runtime.stream), and
    for each of the threads + 2 threads that make them."""
    return 5 * (threads + 2) * (TEXT_PIECE_BYTES + 4 * (PACKED_PIECE_WORDS + chunk_words))


def _line(shape: DiskShape) -> str:
    return (f"{shape}, {shape.base}^{shape.digits}, {shape.passes} passes, {format_bytes(shape.tile_bytes)} runs, "
            f"{format_bytes(shape.run_bytes)} packed")
