"""The planner of programs on disk (arithmetic.planner): numbers and transforms on a volume."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from bigconst.arithmetic.machine import TooSmall, most_made, one_or_several, several
from bigconst.arithmetic.planner import (
    Operand,
    PlannedNumber,
    PlannedSpectrum,
    Planner,
    full_of,
    memory_trace,
    room_of,
    transforms_of,
    used_by,
)
from bigconst.base.errors import DoesNotFit
from bigconst.base.formats import WORDS
from bigconst.base.units import format_count
from bigconst.plans import diskplan
from bigconst.plans.accounts import FILES, Accounts, JournalAccounts
from bigconst.plans.certificate import Claim, Statement, certificate_bytes
from bigconst.plans.diskshape import LEAST_WORDS, DiskShape, disk_shape
from bigconst.plans.shape import FULL_WORDS_MAX, HALF_FACTOR
from bigconst.plans.trace import FILES_STAGE, Call, Step, Trace


@lru_cache(maxsize=1 << 12)
def _shape(words: int, operands: int, added: int, full: int, base: int, chunk_words: int, workspace_bytes: int,
           threads: int, passes: int) -> DiskShape | None:
    """The shape for `words` words, on the largest words that are exact, of `operands` transforms and `added` numbers;
    None if the workspace is too small.

    Errors grow with the square root of the product of the operands' lengths; for `full` see planner.full_of.
    Raises DoesNotFit if it is too long for all words.
    """
    for fmt in (WORDS[base], *WORDS[base].smaller()):
        shape = disk_shape(words, base, fmt.digits, chunk_words, workspace_bytes, operands, threads, passes, added)
        longest = FULL_WORDS_MAX[base, fmt.digits] * HALF_FACTOR // full
        if shape is None or shape.words <= longest:
            return shape
    #: No transform of doubles can round right at this size. Ask for fewer digits.
    raise DoesNotFit(f"a transform of {format_count(shape.words)} words is longer than the longest that is exact, "
                     f"{format_count(longest)}", "ask for fewer digits")


@dataclass(frozen=True)
class _Planned:
    """A call that was planned."""

    path: str
    segment: str
    """where it began"""
    steps: tuple[Step, ...]
    calls: tuple[Call, ...]
    first: int
    """number of steps before its own"""
    made: PlannedNumber | tuple[PlannedNumber, ...]


IN_MEMORY = " in memory"
"""Ends the titles of calls that are computed in memory, but for their numbers."""


class DiskPlanner(Planner):
    """Packed numbers in chunks and transforms in tiles on a volume; what fits the workspace is computed in memory.

    Lengths are whole chunks where the program asks for it.  Raises TooSmall where the workspace has no room.
    """

    def __init__(self, base: int, threads: int, chunk_words: int, workspace_bytes: int, passes: int,
                 piece_chunks: int):
        super().__init__(base)
        self.chunk_words = chunk_words
        self.memory: dict[str, Trace] = {}
        """what is computed in memory, by the paths of calls"""
        self._planned: dict[tuple, _Planned] = {}
        """calls without numbers among their arguments, by name, program and arguments"""
        self._base, self._threads, self.workspace_bytes, self._passes = base, threads, workspace_bytes, passes
        self._piece_chunks = piece_chunks
        self.most_made = most_made(workspace_bytes)
        self._in_memory: dict[str, int] = {}
        """how many calls of a name are computed in memory"""
        self._files: list[tuple[str, tuple[PlannedNumber, ...], int]] = []
        """name, numbers and bytes of files that are written at the end"""
        self._accounts = Accounts(chunk_words, base, piece_chunks)
        self._journal = JournalAccounts(chunk_words, base)

    def round_up(self, words: int) -> int:
        """A length in whole chunks."""
        return -(-words // self.chunk_words) * self.chunk_words

    def call(self, name: str, program: Callable, *arguments, numbered: bool = False, entered: bool = False,
             least_bytes: int = 0):
        """What a program makes: as one step if it fits memory, unless it has to be `entered`, or is `numbered`."""
        given = [each for each in arguments if isinstance(each, PlannedNumber)]
        key = (name, program, arguments)
        if not given and not numbered and not entered:
            if key in self._planned:
                return self._again(self._planned[key], self.named(name))
            first, before, segment = len(self.steps), len(self.calls), self._segment
            made = self._call(name, program, arguments, given, numbered, entered, least_bytes)
            self._planned[key] = _Planned(self.calls[-1].path, segment, tuple(self.steps[first:]),
                                          tuple(self.calls[before:]), first, made)
            return made
        return self._call(name, program, arguments, given, numbered, entered, least_bytes)

    def _again(self, planned: "_Planned", path: str):
        """What a call makes that has been planned already, in another scope and with other numbers in titles."""
        first, titles = len(self.steps), {planned.segment: self._segment}

        def renamed(name: str | None) -> str | None:
            return path + name[len(planned.path):] if name is not None else None

        def retitled(title: str) -> str:
            if title not in titles:
                name, memory, _ = title.partition(IN_MEMORY)
                titles[title] = self._title_in_memory(name) if memory else title
            return titles[title]

        for step in planned.steps:
            self.steps.append(replace(step, name=renamed(step.name), stage=retitled(step.stage), out=renamed(step.out),
                                      segment=retitled(step.segment), replaces=renamed(step.replaces),
                                      reads=tuple(map(renamed, step.reads))))
        for call in planned.calls:
            self.calls.append(replace(call, path=renamed(call.path), title=retitled(call.title),
                                      results=tuple(map(renamed, call.results)), end=call.end - planned.first + first))
            if call.is_in_memory:
                self.memory[renamed(call.path)] = self.memory[call.path]
        return one_or_several([replace(each, name=renamed(each.name)) for each in several(planned.made)])

    def _title_in_memory(self, name: str) -> str:
        """The title of the next call of this name that is computed in memory."""
        self._in_memory[name] = count = self._in_memory.get(name, 0) + 1
        return name + IN_MEMORY + (f" {count}" if count > 1 else "")

    def _call(self, name: str, program: Callable, arguments: tuple, given: list[PlannedNumber], numbered: bool,
              entered: bool, least_bytes: int):
        fits = not numbered and not entered and least_bytes <= self.workspace_bytes
        # What is planned for one call holds for others with numbers as long.
        inside = memory_trace(self._base, program, *[
            replace(each, name="argument") if isinstance(each, PlannedNumber) else each for each in arguments
        ]) if fits else None
        if inside is None or inside.memory_bytes > self.workspace_bytes:
            made = super().call(name, program, *arguments, numbered=numbered, entered=entered)
            if numbered:        # it may be carried out again, from its arguments
                last = self.steps[-1]
                self.steps[-1] = replace(last, reads=tuple(dict.fromkeys([*last.reads, *(x.name for x in given)])))
            return made
        title, made = self._title_in_memory(name), []
        before, path = (self._segment, self._stage), self.named(name)
        self.memory[path] = inside
        self._segment = self._stage = title
        passes = [self._accounts.linear(each.length, 0) for each in given]
        with self.scope(path):
            for result in inside.results:
                length = inside.by_name[result].words
                made.append(self._number(title, given, length, self._accounts.packed(length),
                                         passes=(*passes, self._accounts.linear(0, length)),
                                         journal_bytes=self._journal.number(length)))
                passes = []
        found = one_or_several(made)
        self._ended(path, title, found, is_in_memory=True)
        self._segment, self._stage = before
        return found

    def integer(self, name: str, make: Callable[..., int], length: int, zeros: int = 0,
                of: PlannedNumber | None = None) -> PlannedNumber:
        """An integer of at most `length` words, of either sign, so many of the lowest being zeros, which are not
        written."""
        given = [of] * (of is not None)
        passes = self._accounts.linear(sum(each.length for each in given), length - zeros),
        return replace(self._number(name, given, length, self._accounts.packed(length), passes=passes,
                                    journal_bytes=self._journal.number(length)), zeros=zeros)

    def made(self, name: str, make: Callable, length: int, work: int, cost: tuple = ()) -> PlannedNumber:
        """Raises TooSmall: such a number fits memory, or else there is too little of it."""
        raise TooSmall(length)

    def digits(self, name: str, length: int) -> PlannedNumber:
        """The digits of a file, packed."""
        return self._number(name, (), length, self._accounts.packed(length),
                            passes=(self._accounts.linear(0, length),), journal_bytes=self._journal.number(length))

    def spectrum(self, name: str, number: PlannedNumber, room: int, terms: int = 1) -> PlannedSpectrum:
        """The transform of a number, for sums of so many products, of at most `room` words each."""
        shape = self._shape(room, 2 * terms, 0, terms)
        step = self._add(name, (number,), shape.region_bytes, shape=shape, operands=2,
                         passes=tuple(self._accounts.forward(shape, number.length)),
                         journal_bytes=self._journal.forward(shape))
        return PlannedSpectrum(step.name, shape, number)

    def products(self, name: str, terms: Sequence[tuple[PlannedNumber, Operand]], length: int, *, times: int = 1,
                 plus: Sequence[tuple] = (), cut: int = 0, discard: int = 0) -> PlannedNumber:
        """A sum of products; its words below `discard` are not stored."""
        operands, fresh, kept = transforms_of(terms)
        accounts, journal = self._accounts, self._journal
        room = room_of(fresh, length)
        longer = [(at, at + self.round_up(x.length)) for _, x, at in plus if x is not None]

        def parts(words: int) -> int:
            """Number of pieces in which numbers are added, which wrap after so many words."""
            return sum((end - 1) // words - at // words + 1 for at, end in longer)

        added = parts(self.round_up(room))
        shape = kept[0].shape if kept else self._shape(room, operands, added, full_of(terms, room))
        added = max(added, parts(shape.stored_words))
        if shape.memory_bytes(operands, added) > self.workspace_bytes:
            raise TooSmall(length)
        passes = [each for number in fresh for each in accounts.forward(shape, number.length)]
        passes += accounts.rows(shape, operands) + accounts.inverse(
            shape, length - discard, sum(x.length for _, x, _ in plus if x is not None))
        journal_bytes = len(fresh) * journal.forward(shape) + journal.rows(shape) + journal.inverse(shape)
        return self._number(name, used_by(terms, plus), length, accounts.packed(shape.stored_words - discard),
                            passes=tuple(passes), journal_bytes=journal_bytes, shape=shape, operands=operands,
                            temporary_bytes=len(fresh) * shape.region_bytes, temporary_count=len(fresh), added=added,
                            replaces=kept[0].name if kept else None)

    def sum(self, name: str, terms: Sequence[tuple[int, PlannedNumber | None, int]], length: int,
            halved: bool = False) -> PlannedNumber:
        """A sum of multiples, in one pass.  Raises ValueError for more numbers than a pass has buffers for."""
        used = [(x, shift) for _, x, shift in terms if x is not None]
        if len(used) > diskplan.LINEAR_INPUTS:
            raise ValueError(f"{name}: a sum has at most {diskplan.LINEAR_INPUTS} numbers")
        read = sum(min(x.length + min(0, shift), length - max(0, shift)) for x, shift in used)
        return self._linear(name, [x for x, _ in used], read, length)

    def update(self, name: str, y: PlannedNumber, u: PlannedNumber, v: PlannedNumber, shifts: tuple[int, int],
               length: int) -> PlannedNumber:
        """Newton's iteration, in one pass."""
        return self._linear(name, (y, u, v), y.length + u.length - shifts[0] + v.length - shifts[1], length)

    def _linear(self, name: str, used: Sequence[PlannedNumber], read: int, length: int) -> PlannedNumber:
        return self._number(name, used, length, self._accounts.packed(length),
                            passes=(self._accounts.linear(read, length),),
                            journal_bytes=self._journal.linear(length, self._piece_chunks))

    @staticmethod
    def view(name: str, x: PlannedNumber, times: int, minus_at: int | None = None, zero_below: int = 0,
             divisor: int = 1) -> PlannedNumber:
        """`times` x, without its words below an index, minus a power of the radix, made while x is read."""
        return replace(x)

    def low(self, name: str, x: PlannedNumber, count: int) -> PlannedNumber:
        """The lowest words, copied in one pass."""
        return self._linear(name, (x,), count, count)

    def text(self, x: PlannedNumber, prefixes: Sequence[int] = ()) -> None:
        """The digit file, which is written at the end: an interrupted run would write it again."""
        self._files.append(("text", (x,), 0))

    def certificate(self, claim: Claim, statement: Statement, x: PlannedNumber, *numbers: PlannedNumber) -> None:
        """The certificate, which is written after the text."""
        self._files.append(("certificate", (*numbers, x), certificate_bytes(claim, statement)))

    def _write_files(self) -> None:
        with self.stage(FILES_STAGE):
            for name, numbers, size in self._files:
                read = numbers if name == "text" else numbers[:-1]      # of x only a few words
                words = sum(self.round_up(each.length - each.zeros) for each in read)
                self._add(name, numbers, None, passes=(self._accounts.linear(words, 0, FILES),), file_bytes=size)
        self._files.clear()

    def trace(self, *results: PlannedNumber) -> Trace:
        """All steps until now, and the files."""
        self._write_files()
        return super().trace(*results)

    def _number(self, name: str, used: Sequence[Operand], length: int, out_bytes: int, **fields) -> PlannedNumber:
        return PlannedNumber(self._add(name, used, out_bytes, words=length, **fields).name, length)

    def _shape(self, words: int, operands: int, added: int, full: int) -> DiskShape:
        found = _shape(max(words, LEAST_WORDS), operands, added, full, self._base, self.chunk_words,
                       self.workspace_bytes, self._threads, self._passes)
        if found is None:
            raise TooSmall(words)
        return found
