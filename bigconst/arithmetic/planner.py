"""Machines that carry out a program on lengths alone: what they leave is its trace.

`MemoryPlanner` accounts for arrays in memory, `DiskPlanner` for numbers and transforms on a volume.
"""

import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from bigconst.arithmetic.machine import MOST_MADE, Machine, Signed, most_made, one_or_several, several
from bigconst.base.errors import DoesNotFit
from bigconst.base.formats import WORDS
from bigconst.base.units import format_count
from bigconst.plans import diskplan
from bigconst.plans.accounts import FILES, Accounts, JournalAccounts
from bigconst.plans.certificate import Claim, Statement, certificate_bytes
from bigconst.plans.diskshape import LEAST_WORDS, DiskShape, disk_shape
from bigconst.plans.shape import FULL_WORDS_MAX, HALF_FACTOR, Shape, shape_for
from bigconst.plans.trace import FILES_STAGE, PAGE_BYTES, Call, Step, Trace


class TooSmall(Exception):
    """The workspace of a planner holds no transform that is long enough."""


@dataclass(frozen=True)
class PlannedNumber(Signed):
    """A number, or the high part of one, as a planner knows it."""

    name: str
    length: int
    """words, at most"""
    zeros: int = 0
    """how many of the lowest words are known to be zeros"""
    sign: int = 1
    """of no meaning"""

    def high(self, words: int) -> "PlannedNumber":
        """The part without the lowest words."""
        return replace(self, length=max(0, self.length - words))


@dataclass(frozen=True)
class PlannedSpectrum:
    """A transform that is kept."""

    name: str
    shape: Shape | DiskShape
    number: PlannedNumber
    """the number that it was made from, which a repetition needs"""


Operand = PlannedNumber | PlannedSpectrum


class Planner(Machine):
    """The steps of a program, with names and stages."""

    def __init__(self, base: int):
        super().__init__()
        self.radix = WORDS[base].radix
        self.steps: list[Step] = []
        self.calls: list[Call] = []
        self._numbers: dict[str, int] = {}
        self._segment = ""

    def call(self, name: str, program: Callable, *arguments, numbered: bool = False, entered: bool = False,
             least_bytes: int = 0):
        """What a program makes; the stages of a `numbered` call begin with its name and number."""
        path, title = self.named(name), name if entered else ""
        before = self._segment
        if numbered:
            self._numbers[name] = self._numbers.get(name, 0) + 1
            title = f"{name} {self._numbers[name]}"
        self._segment = title or self._segment
        with self._titled(*([title] if numbered else self._titles)), self.scope(path):
            made = program(self, *arguments)
        self._segment = before
        self._ended(path, title, made, is_part=numbered)
        return made

    def _ended(self, path: str, title: str, made: "PlannedNumber | tuple[PlannedNumber, ...] | None", **fields) -> None:
        names = tuple(each.name for each in several(made) if isinstance(each, PlannedNumber))
        self.calls.append(Call(path, title, names, len(self.steps), **fields))

    def corrected(self, name: str, x: PlannedNumber, count: int, correction: Callable[[int], int | None],
                  test: Callable[[PlannedNumber], PlannedNumber]) -> PlannedNumber:
        """x itself; `test` is hardly ever carried out."""
        with self._hardly_ever():
            test(x)
        return x

    def either(self, holds: Callable[[], bool], usual: Callable[[], None], in_doubt: Callable[[], None]) -> None:
        """Both: in_doubt() comes last, and has places, but neither traffic nor time."""
        usual()
        self._write_files()
        with self._hardly_ever(), self._doubt():
            in_doubt()
            self._write_files()

    @contextlib.contextmanager
    def _hardly_ever(self) -> Iterator[None]:
        """Around steps that have places, but neither traffic nor time."""
        first = len(self.steps)
        yield
        self.steps[first:] = [replace(step, passes=(), operations=(), journal_bytes=0, in_doubt=True)
                              for step in self.steps[first:]]

    def _write_files(self) -> None:
        """Add the steps for files that are still to come."""

    def trace(self, *results: PlannedNumber) -> Trace:
        """All steps until now; `results` are needed afterwards."""
        return Trace(tuple(self.steps), tuple(self.calls), tuple(result.name for result in results))

    def _add(self, operation: str, used: Sequence[Operand], out_bytes: int | None, **fields) -> Step:
        needed = [*used, *(each.number for each in used if isinstance(each, PlannedSpectrum))]
        name = self.named(operation)
        step = Step(name, self._stage, tuple(dict.fromkeys(each.name for each in needed)),
                    None if out_bytes is None else name, out_bytes or 0, segment=self._segment, **fields)
        self.steps.append(step)
        return step


def _transforms(terms: Sequence[tuple[PlannedNumber, Operand]]) -> tuple[
        int, list[PlannedNumber], list[PlannedSpectrum]]:
    """Transforms that are multiplied, the numbers that have to be transformed for it, and the spectra that are there;
    a square that stands alone has one transform."""
    kept = [b for _, b in terms if isinstance(b, PlannedSpectrum)]
    fresh = [number for a, b in terms for number in (a, b) if isinstance(number, PlannedNumber)]
    if len(terms) == 1 and terms[0][0] is terms[0][1]:
        return 1, fresh[:1], kept
    return 2 * len(terms), fresh, kept


def _room(operands: Sequence[PlannedNumber], length: int) -> int:
    """Words of a transform for a sum of so many words: a word more, for its sign, and whole operands."""
    return max(length + 1, *(each.length for each in operands))


def _full(terms: Sequence[tuple[PlannedNumber, Operand]], room: int) -> int:
    """Number of products that just fit a transform of so many words, and HALF_FACTOR for each whose operands may both
    fill it."""
    return sum(HALF_FACTOR if isinstance(b, PlannedNumber) and a.length + b.length > room else 1 for a, b in terms)


def _used(terms: Sequence[tuple[PlannedNumber, Operand]], plus: Sequence[tuple]) -> list[Operand]:
    """All operands of a sum of products."""
    return [*(each for term in terms for each in term), *(x for _, x, _ in plus if x is not None)]


def array_bytes(size_bytes: int) -> int:
    """Size of an array in an arena, in whole pages."""
    return -(-size_bytes // PAGE_BYTES) * PAGE_BYTES


class MemoryPlanner(Planner):
    """Numbers of 32-bit words and transforms in an arena, and the operations that make them."""

    most_made, in_memory = MOST_MADE, True

    @staticmethod
    def round_up(words: int) -> int:
        """A length that numbers may have."""
        return words

    def integer(self, name: str, make: Callable[..., int], length: int, zeros: int = 0,
                of: PlannedNumber | None = None) -> PlannedNumber:
        """An integer of at most `length` words, of either sign, so many of the lowest being zeros."""
        return self._number(self._add(name, [of] * (of is not None), array_bytes(4 * (length + 2)), words=length))

    def made(self, name: str, make: Callable, length: int, work: int, cost: tuple = ()) -> PlannedNumber:
        """A number that is computed by itself."""
        return self._number(self._add(name, (), array_bytes(4 * (length + 2)), words=length,
                                      temporary_bytes=array_bytes(work), operations=cost))

    def digits(self, name: str, length: int) -> PlannedNumber:
        """The digits of a file."""
        return self._number(self._add(name, (), array_bytes(4 * (length + 2)), words=length,
                                      operations=(("check text", length),)))

    def spectrum(self, name: str, number: PlannedNumber, room: int, terms: int = 1) -> PlannedSpectrum:
        """The transform of a number, for sums of so many products, of at most `room` words each."""
        shape = shape_for(room)
        step = self._add(name, (number,), array_bytes(shape.data_bytes), shape=shape, operands=2,
                         operations=(("forward", shape.words), ("spectrum", shape.words)))
        return PlannedSpectrum(step.name, shape, number)

    def products(self, name: str, terms: Sequence[tuple[PlannedNumber, Operand]], length: int, *, times: int = 1,
                 plus: Sequence[tuple] = (), cut: int = 0, discard: int = 0) -> PlannedNumber:
        """A sum of products, where a spectrum was that is not needed any more."""
        operands, fresh, kept = _transforms(terms)
        room = _room(fresh, length)
        shape = kept[0].shape if kept else shape_for(room)
        words, made = shape.words, len(fresh) - len(terms)
        own = len(fresh) if kept or operands == 1 else len(fresh) - 1      # the last spectrum makes room for the result
        operations = [("forward", words)] * len(fresh) + [("spectrum", words)] * (made if operands > 1 else 0)
        operations += [("square" if operands == 1 else "multiply", words)] * len(terms) + [("inverse", words)]
        operations += [("multiply small", words)] * (times != 1)
        operations += [("multiply small", x.length) for _, x, _ in plus if x is not None]
        return self._number(self._add(
            name, _used(terms, plus), array_bytes(4 * words), words=length, shape=shape, operands=operands,
            full=_full(terms, room),
            temporary_bytes=own * array_bytes(shape.data_bytes), temporary_count=own,
            shared_bytes=(len(fresh) - own) * array_bytes(shape.data_bytes),
            operations=(*operations, ("residue", words)), replaces=kept[0].name if kept else None))

    def sum(self, name: str, terms: Sequence[tuple[int, PlannedNumber | None, int]], length: int,
            halved: bool = False) -> PlannedNumber:
        """A sum of multiples."""
        used = [x for _, x, _ in terms if x is not None]
        return self._number(self._add(
            name, used, array_bytes(4 * (length + 1)), words=length,
            operations=(*[("multiply small", length)] * len(used), ("residue", length), *[("shift", length)] * halved)))

    def update(self, name: str, y: PlannedNumber, u: PlannedNumber, v: PlannedNumber, shifts: tuple[int, int],
               length: int) -> PlannedNumber:
        """Newton's iteration, in the array of y."""
        return self._number(self._add(name, (y, u, v), array_bytes(4 * (length + 2)), words=length, replaces=y.name,
                                      operations=(("update", length), ("residue", length))))

    def view(self, name: str, x: PlannedNumber, times: int, minus_at: int | None = None, zero_below: int = 0,
             divisor: int = 1) -> PlannedNumber:
        """`times` x, without its words below an index, minus a power of the radix: a number of its own."""
        operations = (("shift", x.length), ("multiply small", x.length)) if zero_below else ()
        return self._number(self._add(name, (x,), array_bytes(4 * (x.length + 1)), words=x.length,
                                      operations=operations))

    def low(self, name: str, x: PlannedNumber, count: int) -> PlannedNumber:
        """The lowest words, copied."""
        return self._number(self._add(name, (x,), array_bytes(4 * (count + 2)), words=count,
                                      operations=(("multiply small", count), ("residue", count))))

    def text(self, x: PlannedNumber, prefixes: Sequence[int] = ()) -> None:
        """The digit file, which is written beside what follows."""
        with self.stage(FILES_STAGE):
            self._add("text", (x,), None)

    def certificate(self, claim: Claim, statement: Statement, x: PlannedNumber, *numbers: PlannedNumber) -> None:
        """The certificate."""
        with self.stage(FILES_STAGE):
            self._add("certificate", (x, *numbers), None, file_bytes=certificate_bytes(claim, statement))

    @staticmethod
    def _number(step: Step) -> PlannedNumber:
        return PlannedNumber(step.name, step.words)


@lru_cache(maxsize=1 << 12)
def _shape(words: int, operands: int, added: int, full: int, base: int, chunk_words: int, workspace_bytes: int,
           threads: int, passes: int) -> DiskShape | None:
    """The shape for `words` words, on the largest words that are exact, of `operands` transforms and `added` numbers;
    None if the workspace is too small.

    Errors grow with the square root of the product of the operands' lengths; for `full` see _full.
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


@lru_cache(maxsize=1 << 10)
def memory_trace(base: int, program: Callable, *arguments) -> Trace:
    """The trace of a program in memory, whose results are needed afterwards.

    Numbers among the arguments are there before it begins.
    """
    machine = MemoryPlanner(base)
    made = machine.run(program, *[machine.integer("argument", lambda: 0, each.length)
                                  if isinstance(each, PlannedNumber) else each for each in arguments])
    return machine.trace(*several(made))


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
        self._base, self._threads, self._workspace_bytes, self._passes = base, threads, workspace_bytes, passes
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
        fits = not numbered and not entered and least_bytes <= self._workspace_bytes
        inside = memory_trace(self._base, program, *arguments) if fits else None
        if inside is None or inside.memory_bytes > self._workspace_bytes:
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
        operands, fresh, kept = _transforms(terms)
        accounts, journal = self._accounts, self._journal
        room = _room(fresh, length)
        longer = [(at, at + self.round_up(x.length)) for _, x, at in plus if x is not None]

        def parts(words: int) -> int:
            """Number of pieces in which numbers are added, which wrap after so many words."""
            return sum((end - 1) // words - at // words + 1 for at, end in longer)

        added = parts(self.round_up(room))
        shape = kept[0].shape if kept else self._shape(room, operands, added, _full(terms, room))
        added = max(added, parts(shape.stored_words))
        if shape.memory_bytes(operands, added) > self._workspace_bytes:
            raise TooSmall(length)
        passes = [each for number in fresh for each in accounts.forward(shape, number.length)]
        passes += accounts.rows(shape, operands) + accounts.inverse(
            shape, length - discard, sum(x.length for _, x, _ in plus if x is not None))
        journal_bytes = len(fresh) * journal.forward(shape) + journal.rows(shape) + journal.inverse(shape)
        return self._number(name, _used(terms, plus), length, accounts.packed(shape.stored_words - discard),
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
                       self._workspace_bytes, self._threads, self._passes)
        if found is None:
            raise TooSmall(words)
        return found
