"""The part of a plan that lies on disk: levels, the place of every number and transform, and the traffic.

Pure functions.  Numbers are cut into chunks of `chunk_words` packed words.  The
sizes of all levels on disk are whole chunks, so that a number is shifted by
numbering its chunks anew.  All addresses on the volume are decided here:
regions are allocated and freed in the order in which the run uses them.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property

from bigconst.base.errors import DoesNotFit
from bigconst.base.formats import PACKED_PIECE_WORDS, TEXT_PIECE_BYTES, WORDS
from bigconst.base.units import format_bytes, format_count, format_seconds
from bigconst.plans.accounts import FILES, Accounts, AddressSpace, JournalAccounts, Pass, Traffic
from bigconst.plans.diskshape import DiskShape, chunk_bytes, disk_shape

CHUNK_WORDS = {"hdd": {10: 1 << 19, 16: 1 << 19}, "ssd": {10: 1 << 16, 16: 1 << 16}}
"""Words of a chunk, the shortest contiguous run of packed words, by kind of disk and base; fewer where memory is short.
In base 10 they take 1.06 MiB on hard disks and 136 KiB on solid state, and tiles then have at least 8 MiB and 1 MiB."""
MIN_CHUNK_WORDS = 1 << 8
CHUNK_RECORD_BYTES = 160
"""Memory for each chunk of the result: checksum, residue and border words of all numbers that exist at a time."""
PARITY_CHUNKS = 10
"""Memory, in chunks, for the parities of all numbers that exist at a time and of units not yet recorded."""
LINEAR_PIECE_WORDS = 1 << 20
"""Most words of a piece of a linear pass, unless one chunk is longer."""
MIN_WORKSPACE_BYTES = 1 << 20

FULL_WORDS_MAX = {(10, 5): 1 << 30, (10, 4): 1 << 42, (10, 3): 1 << 48, (16, 4): 1 << 32, (16, 3): 1 << 43}
"""Longest square of a full operand whose rounding errors stay below 0.3, by (base, digits) (docs/word-size.md)."""
HALF_FACTOR = 4
"""A product of two operands that fill half of the transform may be this many times longer."""

RAID_BYTES_PER_S = 594e6
"""Speed at which the six hard disks of the run of July 2015, one RAID0, were read (swap/README.md)."""


@dataclass(frozen=True)
class DiskLevel:
    """One step of the ladder on disk; `places` are the addresses of the numbers and transforms that it uses."""

    words_in: int
    words_out: int
    residual: DiskShape
    product: DiskShape
    places: Mapping[str, int]


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
    memory_words: int
    """words of the last level of the ladder that is computed in memory; 0 for a perfect square"""
    levels: tuple[DiskLevel, ...]
    square: DiskShape
    """transform of the certificate's square, and of the square that settles a last digit"""
    places: Mapping[str, int]
    """addresses of the last y, of x and r, and of the transform of the last square"""
    scratch_bytes: int
    passes: tuple[tuple[str, tuple[Pass, ...]], ...]
    """name and passes of every stage"""

    @cached_property
    def stages(self) -> tuple[tuple[str, Traffic], ...]:
        """Name and traffic of every stage."""
        return tuple((name, sum((each.traffic for each in passes), Traffic())) for name, passes in self.passes)

    @cached_property
    def traffic(self) -> Traffic:
        """Bytes that all stages read and write."""
        return sum((traffic for _, traffic in self.stages), Traffic())

    @property
    def shapes(self) -> list[DiskShape]:
        """Shapes of all transforms on disk."""
        return [s for level in self.levels for s in (level.residual, level.product)] + [self.square]

    @property
    def kept_bytes(self) -> int:
        """Scratch that is needed while files are written: up to the ends of x and r."""
        pages = [("x", self.words + 1), ("r", self.square.stored_words)]
        return max(self.places[name] + -(-words // self.chunk_words) * self.chunk_bytes for name, words in pages)

    @property
    def used_bytes(self) -> int:
        """Most memory that a pass uses of the workspace."""
        return max([s.memory_bytes(operands) for level in self.levels
                    for s, operands in ((level.residual, 1), (level.product, 2))]
                   + [self.square.memory_bytes(1), self.piece_chunks * _linear_bytes(self.chunk_words, self.base)])

    @property
    def files_bytes(self) -> int:
        """Memory for writing text and certificate, after the workspace has been given back."""
        return _files_bytes(self.chunk_words, self.threads)

    @property
    def stripe_bytes(self) -> int:
        """The shortest contiguous piece of transform data: one lane takes it whole."""
        return min(shape.tile_bytes for shape in self.shapes)

    @property
    def chunk_bytes(self) -> int:
        """Size of a packed chunk."""
        return chunk_bytes(self.chunk_words, self.base)

    @property
    def piece_chunks(self) -> int:
        """Chunks of a piece of a linear pass."""
        return _piece_chunks(self.chunk_words, self.base, self.workspace_bytes)

    @property
    def longest_unit_bytes(self) -> int:
        """Most bytes that are read and written for one unit: a slab, a row, a piece of a sum.  An unfinished unit costs
        no more than this when the run is resumed."""
        of_sum = 4 * self.piece_chunks * self.chunk_bytes       # y, u, v and the new y
        return max([s.unit_bytes(operands) for level in self.levels
                    for s, operands in ((level.residual, 1), (level.product, 2))]
                   + [self.square.unit_bytes(1), of_sum])

    @property
    def journal_bytes(self) -> int:
        """Most bytes that the journal takes, beside the scratch on the first lane, unless a product is repeated."""
        accounts = JournalAccounts(self.chunk_words, self.base)
        if self.memory_words == 0:      # a perfect square, which takes no transform
            return 4 * accounts.number(self.words + 1) + 2 * self.chunk_bytes

        def product(shape: DiskShape, operands: int) -> int:
            return operands * accounts.forward(shape) + accounts.rows(shape) + accounts.inverse(shape)

        last = accounts.linear(self.words + 1, self.piece_chunks) + product(self.square, 1)
        steps = [product(level.residual, 1) + product(level.product, 2) + product(level.product, 1)
                 + accounts.linear(level.words_out, self.piece_chunks) for level in self.levels]
        # Each journal begins with a finished number; the next one is complete before this one is deleted.
        return max([last, *steps]) + 2 * accounts.number(self.words + 1)

    def smaller(self, shape: DiskShape, operands: int) -> list[DiskShape]:
        """Shapes for a number as long on smaller words, the largest of them first, for data that rounds badly.  Only
        those that fit the memory of this plan are returned."""
        found = [disk_shape(shape.stored_words, self.base, digits, self.chunk_words, self.used_bytes, operands,
                            self.threads) for digits in range(shape.digits - 1, 2, -1)]
        return [shape for shape in found if shape is not None]

    def describe(self) -> list[tuple[str, str]]:
        """The plan as rows to print: label and text."""
        rows = []
        for i, level in enumerate(self.levels, 1):
            rows.append((f"Level {i}", f"{format_count(level.words_in)} -> {format_count(level.words_out)} words"))
            rows += [("  residual", _line(level.residual)), ("  products", _line(level.product))]
        rows.append(("Certificate", _line(self.square)))
        traffic = self.traffic
        return rows + [
            ("Disks", {"hdd": "hard disks (--disk ssd where they are not)", "ssd": "solid state"}[self.kind]),
            ("Smallest runs", f"{format_bytes(self.stripe_bytes)} of transform data, "
                              f"{format_bytes(min(s.run_bytes for s in self.shapes))} of packed digits"),
            ("Stripe unit", format_bytes(self.stripe_bytes)),
            ("Scratch", f"{format_bytes(self.scratch_bytes)} ({self.scratch_bytes} bytes)"),
            ("Scratch traffic", f"{format_bytes(traffic.read_bytes)} read, {format_bytes(traffic.written_bytes)} "
                                "written"),
            ("Longest unit", f"{format_bytes(self.longest_unit_bytes)} moved, "
                             f"{format_seconds(self.longest_unit_bytes / RAID_BYTES_PER_S)} at "
                             f"{RAID_BYTES_PER_S / 1e6:.0f} MB/s, six hard disks of 2015"),
            ("Journal", f"at most {format_bytes(self.journal_bytes)} on the first lane"),
        ]


def _linear_bytes(chunk_words: int, base: int) -> int:
    """Working memory of a linear pass for each chunk of a piece: four numbers, packed twice and as words."""
    return 8 * chunk_bytes(chunk_words, base) + 16 * chunk_words + 4 * 8192


def _piece_chunks(chunk_words: int, base: int, workspace_bytes: int) -> int:
    """Chunks of a piece of a linear pass."""
    return max(1, min(LINEAR_PIECE_WORDS // chunk_words, workspace_bytes // _linear_bytes(chunk_words, base)))


def _files_bytes(chunk_words: int, threads: int) -> int:
    """Memory for writing files: a piece of text and its words for each of 4*(threads + 2) slots (runtime.stream), and
    for each of the threads + 2 threads that make them."""
    return 5 * (threads + 2) * (TEXT_PIECE_BYTES + 4 * (PACKED_PIECE_WORDS + chunk_words))


def _line(shape: DiskShape) -> str:
    return (f"{shape}, {shape.base}^{shape.digits}, {shape.passes} passes, {format_bytes(shape.tile_bytes)} runs, "
            f"{format_bytes(shape.run_bytes)} packed")


# --- the plan ---------------------------------------------------------------------------

@dataclass(frozen=True)
class DiskRequest:
    """The requirements that a plan on disk has to meet."""

    base: int
    threads: int
    kind: str
    target: int
    """least words of the result after the point"""
    text_words: int
    overlap: int
    guard: int
    """words by which a residual may be longer than its operand"""
    is_integer: bool
    certified: bool
    process_bytes: int
    """memory of the program itself"""
    memory_bytes: int
    """memory for working arrays and chunk records"""
    workspace_bytes: int
    """memory for working arrays alone"""


def make_disk_plan(request: DiskRequest, sizes: Callable[[int], list[int]],
                   arena_bytes: Callable[[int, int], int]) -> DiskPlan:
    """The plan of a ladder to at least `request.target` words.

    sizes(words)              words of all levels of a ladder in memory that ends with so many words
    arena_bytes(k, words)     memory of that ladder, whose last level is k -> words
    Chunks as long as the disks want are tried first, with transforms of two passes, then of three; after them shorter
    chunks.  Raises DoesNotFit when no transform that long fits the memory, or none is exact.
    """
    plan = _search(request, sizes, arena_bytes)
    if plan is not None:
        return plan
    what = f"{format_count(request.target)} words on disk need at least"
    memory = _least(lambda size: _search(replace(request, memory_bytes=size, workspace_bytes=size), sizes, arena_bytes))
    if memory > request.memory_bytes:
        needed = _whole_mib(memory + request.process_bytes)
        #: The message has the value that `--memory` or `--workspace` needs at least. More is faster: less is moved.
        raise DoesNotFit(f"{what} {needed} of memory", f"allow it with --memory {needed}")
    workspace = _least(lambda size: _search(replace(request, workspace_bytes=size), sizes, arena_bytes))
    #: As for "… words on disk need at least …MiB of memory".
    raise DoesNotFit(f"{what} {_whole_mib(workspace)} of working memory",
                     f"allow it with --workspace {_whole_mib(workspace)}")


def _whole_mib(size_bytes: int) -> str:
    """A size rounded up to whole MiB, written as an option takes it."""
    return f"{-(-size_bytes >> 20)}MiB"


def _least(plan: Callable[[int], DiskPlan | None]) -> int:
    """A size in bytes for which plan(size) is not None, less than a tenth above the least one."""
    size = MIN_WORKSPACE_BYTES
    while plan(size) is None:
        size *= 2
    smaller = size * 15 // 16
    while size > MIN_WORKSPACE_BYTES and plan(smaller) is not None:
        size, smaller = smaller, smaller * 15 // 16
    return size


def _search(request: DiskRequest, sizes: Callable, arena_bytes: Callable) -> DiskPlan | None:
    preferred = CHUNK_WORDS[request.kind][request.base]
    shorter = [preferred >> i for i in range(1, 20) if preferred >> i >= MIN_CHUNK_WORDS]
    for chunk, passes in ((preferred, 2), (preferred, 3), *((c, 2) for c in shorter), *((c, 3) for c in shorter)):
        builder = _Builder(request, chunk, passes)
        if builder.ladder(sizes, arena_bytes):
            return builder.finish()
    return None


class _Builder:
    """Builds the plan for one length of chunks and one number of passes, or finds that the memory is not enough."""

    def __init__(self, request: DiskRequest, chunk: int, passes: int):
        self.request, self.chunk, self.passes = request, chunk, passes
        self.base, self.guard = request.base, request.guard
        self.target = -(-request.target // chunk) * chunk
        self.record_bytes = (self.target // chunk * CHUNK_RECORD_BYTES
                             + PARITY_CHUNKS * chunk_bytes(chunk, self.base))
        self.workspace_bytes = min(request.workspace_bytes, request.memory_bytes - self.record_bytes)
        self.steps: list[tuple[int, int, DiskShape, DiskShape]] = []
        self.memory_words = 0
        self.square: DiskShape | None = None

    def _shape(self, words: int, operands: int) -> DiskShape | None:
        """The shape, on the largest words that are exact, of a square whose operand fills it (1 operand) or a product
        that just fits it (2); None if the workspace is too small, DoesNotFit if it is too long for all words."""
        for fmt in (WORDS[self.base], *WORDS[self.base].smaller()):
            shape = disk_shape(words, self.base, fmt.digits, self.chunk, self.workspace_bytes, operands,
                               self.request.threads, self.passes)
            longest = FULL_WORDS_MAX[self.base, fmt.digits] * (HALF_FACTOR if operands == 2 else 1)
            if shape is None or shape.words <= longest:
                return shape
        #: No transform of doubles can round right at this size. Ask for fewer digits.
        raise DoesNotFit(f"a transform of {format_count(shape.words)} words is longer than the longest that is exact, "
                         f"{format_count(longest)}", "ask for fewer digits")

    def ladder(self, sizes: Callable, arena_bytes: Callable) -> bool:
        """Choose the levels, the last one first; False when something does not fit."""
        files_bytes = _files_bytes(self.chunk, self.request.threads)
        if (_linear_bytes(self.chunk, self.base) > self.workspace_bytes
                or files_bytes + self.record_bytes > self.request.memory_bytes):
            return False
        words = self.target
        self.square = self._shape(2 * words - self.request.text_words + self.guard + 3, 1)
        if self.square is None:
            return False
        while not self.request.is_integer:
            below = sizes(words)
            if arena_bytes(below[-2] if len(below) > 1 else 0, words) <= self.workspace_bytes:
                self.memory_words = words
                break
            k = -(-(words + self.request.overlap) // (3 * self.chunk)) * self.chunk
            if k >= words:
                return False
            residual, product = self._shape(k + self.guard + 1, 1), self._shape(2 * (k + self.guard), 2)
            if residual is None or product is None:
                return False
            self.steps.append((k, words, residual, product))
            words = k
        self.steps.reverse()
        return True

    def finish(self) -> DiskPlan:
        """The plan, with addresses and traffic."""
        shapes = [self.square, *(shape for _, _, *pair in self.steps for shape in pair)]
        space = AddressSpace(min(shape.tile_bytes for shape in shapes))
        accounts = Accounts(self.chunk, self.base, _piece_chunks(self.chunk, self.base, self.workspace_bytes))
        space.take(y=accounts.packed(self.memory_words))
        stages = [] if self.request.is_integer else [("ladder in memory", (accounts.linear(0, self.memory_words),))]
        levels = []
        for i, step in enumerate(self.steps, 1):
            levels.append(DiskLevel(*step, self._level_places(space, accounts, *step)))
            stages += [(f"level {i}, {name}", tuple(passes)) for name, passes in self._level_passes(accounts, *step)]
        places = {"y": space.address("y")} | space.take(x=accounts.packed(self.target + 1))
        space.free("y")
        # r is needed longer than the tiles of its square, so it gets the lower address: the volume is cut behind it.
        places |= space.take(r=accounts.packed(self.square.stored_words))
        places |= space.take(square=self.square.region_bytes)
        if self.request.is_integer:     # a perfect square: only x takes space
            space = AddressSpace(self.square.tile_bytes)
            places = space.take(y=0, r=0, square=0, x=accounts.packed(self.target + 1))
        return DiskPlan(self.request.kind, self.base, self.request.threads, self.chunk, self.target,
                        self.workspace_bytes, self.record_bytes, self.memory_words, tuple(levels), self.square, places,
                        space.peak_bytes, tuple(stages + self._last_stages(accounts)))

    def _level_places(self, space: AddressSpace, accounts: Accounts, k: int, words: int, residual: DiskShape,
                      product: DiskShape) -> dict[str, int]:
        """Addresses of one level, allocated and freed in the order of the run; y then names the new approximation."""
        packed = accounts.packed
        places = {"y": space.address("y")}
        places |= space.take(residual=residual.region_bytes, e=packed(residual.stored_words))
        space.free("residual")
        places |= space.take(spectrum=product.region_bytes, work=product.region_bytes, u=packed(product.stored_words),
                             v=packed(product.stored_words - 4 * k + words))
        space.free("spectrum", "work", "e")
        places |= space.take(next=packed(words))
        space.free("y", "u", "v")
        space.rename("next", "y")
        return places

    def _level_passes(self, accounts: Accounts, k: int, words: int, residual: DiskShape,
                      product: DiskShape) -> list[tuple[str, list[Pass]]]:
        """Name and passes of each stage of a level."""
        guard, discarded = self.guard, 4 * k - words
        v_words = 2 * k + 3 * guard - discarded
        return [
            ("e", accounts.forward(residual, k) + accounts.rows(residual, 1) + accounts.inverse(residual, k + guard)),
            ("u", accounts.forward(product, k + guard) + accounts.forward(product, k) + accounts.rows(product, 2)
             + accounts.inverse(product, 2 * (k + guard))),
            ("v", accounts.forward(product, k + 2 * guard) + accounts.rows(product, 2)
             + accounts.inverse(product, v_words)),
            ("sum", [accounts.linear(2 * (k + guard) - (3 * k - words) + v_words + k, words)]),
        ]

    def _last_stages(self, accounts: Accounts) -> list[tuple[str, tuple[Pass, ...]]]:
        """Name and passes of each stage after the ladder."""
        certified, length = self.request.certified, 2 * self.target - self.request.text_words + 1
        if self.request.is_integer:
            read = accounts.linear(1, 0, FILES)        # the chunk of the integer part, all others being zeros
            return [("root", (accounts.linear(0, 1),)), *([("remainder", ())] if certified else []),
                    ("files", (read, read))]
        remainder = (accounts.forward(self.square, self.target + 1) + accounts.rows(self.square, 1)
                     + accounts.inverse(self.square, length))
        return [("root", (accounts.linear(self.target, self.target + 1),)),
                *([("remainder", tuple(remainder))] if certified else []),
                ("files", (accounts.linear(self.target + 1 + (length if certified else 0), 0, FILES),))]
