"""Machines that carry out a program on lengths alone: what they leave is its trace.

`MemoryPlanner` accounts for arrays in memory, `DiskPlanner` for numbers and transforms on a volume.
"""

import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from bigconst.arithmetic.machine import Machine
from bigconst.base.errors import DoesNotFit
from bigconst.base.formats import WORDS
from bigconst.base.units import format_count
from bigconst.plans.accounts import FILES, Accounts, JournalAccounts
from bigconst.plans.diskshape import DiskShape, disk_shape
from bigconst.plans.shape import Shape, shape_for
from bigconst.plans.trace import Step, Trace

FULL_WORDS_MAX = {(10, 5): 1 << 30, (10, 4): 1 << 42, (10, 3): 1 << 48, (16, 4): 1 << 32, (16, 3): 1 << 43}
"""Longest square of a full operand whose rounding errors stay below 0.3, by (base, digits) (docs/word-size.md)."""
HALF_FACTOR = 4
"""A product of two operands that fill half of the transform may be this many times longer."""


class TooSmall(Exception):
    """The workspace of a planner holds no transform that is long enough."""


@dataclass(frozen=True)
class PlannedNumber:
    """A number, or the high part of one, as a planner knows it."""

    name: str
    length: int
    """words, at most"""
    zeros: int = 0
    """how many of the lowest words are known to be zeros"""

    def high(self, words: int) -> "PlannedNumber":
        """The part without the lowest words."""
        return replace(self, length=self.length - words)


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
        self._stage, self._titles, self._numbers = "", list[str](), dict[str, int]()
        self._segment = ""

    @contextlib.contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """A part of the run that people see, and a scope."""
        before, self._stage = self._stage, ", ".join([*self._titles, name])
        with self.scope(name):
            yield
        self._stage = before

    def call(self, name: str, program: Callable, *arguments, numbered: bool = False):
        """What program(machine, *arguments) makes, in a scope of its own.

        The stages of a `numbered` call begin with its name and number.
        """
        with self.scope(name):
            if not numbered:
                return program(self, *arguments)
            self._numbers[name] = self._numbers.get(name, 0) + 1
            self._titles.append(f"{name} {self._numbers[name]}")
            before, self._segment = self._segment, self._titles[-1]
            try:
                return program(self, *arguments)
            finally:
                self._segment = before
                self._titles.pop()

    def rarely(self, program: Callable[[], object]) -> None:
        """A part that is hardly ever carried out: it has a place, but neither traffic nor time."""
        first = len(self.steps)
        program()
        self.steps[first:] = [replace(step, passes=(), operations=(), journal_bytes=0) for step in self.steps[first:]]

    def trace(self, *results: PlannedNumber) -> Trace:
        """All steps until now; `results` are needed afterwards."""
        return Trace(tuple(self.steps), tuple(result.name for result in results))

    def _add(self, operation: str, used: Sequence[Operand], out_bytes: int | None, **fields) -> Step:
        needed = [*used, *(each.number for each in used if isinstance(each, PlannedSpectrum))]
        name = self.named(operation)
        step = Step(name, self._stage, tuple(dict.fromkeys(each.name for each in needed)),
                    None if out_bytes is None else name, out_bytes or 0, segment=self._segment, **fields)
        self.steps.append(step)
        return step


def _operands(terms: Sequence[tuple[int, PlannedNumber, Operand]]) -> list[Operand]:
    return [each for _, a, b in terms for each in (a, b)]


def _is_square(terms: Sequence[tuple[int, PlannedNumber, Operand]]) -> bool:
    return len(terms) == 1 and terms[0][1] is terms[0][2]


def _spectrum(operands: Sequence[Operand]) -> PlannedSpectrum | None:
    return next((each for each in operands if isinstance(each, PlannedSpectrum)), None)


def array_bytes(size_bytes: int) -> int:
    """Size of an array in an arena, in whole pages."""
    return -(-size_bytes // 4096) * 4096


class MemoryPlanner(Planner):
    """Numbers of 32-bit words and transforms in an arena, and the operations that make them."""

    @staticmethod
    def round_up(words: int) -> int:
        """A length that numbers may have."""
        return words

    def integer(self, name: str, make: Callable[[], int], length: int, zeros: int = 0) -> PlannedNumber:
        """An integer of at most `length` words, so many of the lowest being zeros."""
        return self._number(self._add(name, (), array_bytes(4 * (length + 2)), words=length))

    def spectrum(self, name: str, number: PlannedNumber, room: int) -> PlannedSpectrum:
        """The transform of a number, for products of at most `room` words."""
        shape = shape_for(room)
        step = self._add(name, (number,), array_bytes(shape.data_bytes), shape=shape, operands=2,
                         operations=(("forward", shape.words), ("spectrum", shape.words)))
        return PlannedSpectrum(step.name, shape, number)

    def products(self, name: str, terms: Sequence[tuple[int, PlannedNumber, Operand]], length: int, *,
                 plus: Sequence[tuple[int, int]] = (), wrapped: bool = False, discard: int = 0) -> PlannedNumber:
        """A sum of products; of a wrapped one it is known that it needs no more than `length` words."""
        operands, square = _operands(terms), _is_square(terms)
        kept = _spectrum(operands)
        shape = kept.shape if kept is not None else shape_for(length + 1 if wrapped else length)
        words = shape.words
        small = (("multiply small", words),) if terms[0][0] != 1 else ()
        step = self._add(
            name, operands, array_bytes(4 * words), temporary_bytes=array_bytes(shape.data_bytes), words=length,
            shape=shape, operands=1 if square else 2, replaces=None if kept is None else kept.name,
            operations=(("forward", words), ("square" if square else "multiply", words), ("inverse", words), *small,
                        ("residue", words)))
        return self._number(step)

    def combine(self, name: str, terms: Sequence[tuple[int, PlannedNumber, int, int, int]], length: int, *,
                plus: Sequence[tuple[int, int]] = (), over: int = 1) -> PlannedNumber:
        """A sum of multiples of numbers, divided by `over`, without a transform."""
        if len(terms) > 1:
            operations = (("update", length), ("residue", length))
        else:
            operations = (("multiply small", length), ("residue", length), *((("shift", length),) * (over != 1)))
        step = self._add(name, [term[1] for term in terms], array_bytes(4 * (length + 2)), words=length,
                         operations=operations, replaces=terms[0][1].name if len(terms) > 1 else None)
        return self._number(step)

    def view(self, name: str, x: PlannedNumber, times: int, minus_at: int | None = None, zero_below: int = 0,
             divisor: int = 1) -> PlannedNumber:
        """`times` x, without its words below an index, minus a power of the radix: a number of its own."""
        operations = (("shift", x.length), ("multiply small", x.length)) if zero_below else ()
        return self._number(self._add(name, (x,), array_bytes(4 * (x.length + 1)), words=x.length,
                                      operations=operations))

    def text(self, x: PlannedNumber) -> None:
        """The digit file."""
        self._add("text", (x,), None, words=x.length)

    def certificate(self, r: PlannedNumber, x: PlannedNumber) -> None:
        """The certificate: r, whose bound is compared with x."""
        self._add("certificate", (r, x), None, words=r.length)

    @staticmethod
    def _number(step: Step) -> PlannedNumber:
        return PlannedNumber(step.name, step.words)


@lru_cache(maxsize=1 << 12)
def _shape(words: int, operands: int, base: int, chunk_words: int, workspace_bytes: int, threads: int,
           passes: int) -> DiskShape | None:
    """The shape, on the largest words that are exact, of a square whose operand fills it (1 operand) or a product that
    just fits it (2); None if the workspace is too small.

    Raises DoesNotFit if it is too long for all words.
    """
    for fmt in (WORDS[base], *WORDS[base].smaller()):
        shape = disk_shape(words, base, fmt.digits, chunk_words, workspace_bytes, operands, threads, passes)
        longest = FULL_WORDS_MAX[base, fmt.digits] * (HALF_FACTOR if operands == 2 else 1)
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
    made = program(machine, *[machine.integer("argument", lambda: 0, each.length)
                              if isinstance(each, PlannedNumber) else each for each in arguments])
    return machine.trace(*(made if isinstance(made, tuple) else (made,)))


class DiskPlanner(Planner):
    """Packed numbers in chunks and transforms in tiles on a volume; what fits the workspace is computed in memory.

    Lengths are whole chunks where the program asks for it.  Raises TooSmall where the workspace has no room.
    """

    def __init__(self, base: int, threads: int, chunk_words: int, workspace_bytes: int, passes: int,
                 piece_chunks: int):
        super().__init__(base)
        self.chunk_words, self.memory = chunk_words, Trace(())
        self._base, self._threads, self._workspace_bytes, self._passes = base, threads, workspace_bytes, passes
        self._piece_chunks = piece_chunks
        self._accounts = Accounts(chunk_words, base, piece_chunks)
        self._journal = JournalAccounts(chunk_words, base)

    def round_up(self, words: int) -> int:
        """A length in whole chunks."""
        return -(-words // self.chunk_words) * self.chunk_words

    def call(self, name: str, program: Callable, *arguments, numbered: bool = False):
        """What a program makes: as one step if it fits memory and is not `numbered`."""
        inside = memory_trace(self._base, program, *arguments)
        if numbered or inside.memory_bytes > self._workspace_bytes:
            return super().call(name, program, *arguments, numbered=numbered)
        given = [each for each in arguments if isinstance(each, PlannedNumber)]
        self.memory = inside
        length = inside.steps[-1].words
        with self.stage(f"{name} in memory"):
            passes = [self._accounts.linear(each.length, 0) for each in given]
            return self._number(f"{name} in memory", given, length, self._accounts.packed(length),
                                passes=(*passes, self._accounts.linear(0, length)),
                                journal_bytes=self._journal.number(length))

    def integer(self, name: str, make: Callable[[], int], length: int, zeros: int = 0) -> PlannedNumber:
        """An integer of at most `length` words, so many of the lowest being zeros, which are not written."""
        return replace(self._number(name, (), length, self._accounts.packed(length),
                                    passes=(self._accounts.linear(0, length - zeros),)), zeros=zeros)

    def spectrum(self, name: str, number: PlannedNumber, room: int) -> PlannedSpectrum:
        """The transform of a number, for products of at most `room` words."""
        shape = self._shape(room, 2)
        step = self._add(name, (number,), shape.region_bytes, shape=shape, operands=2,
                         passes=tuple(self._accounts.forward(shape, number.length)),
                         journal_bytes=self._journal.forward(shape))
        return PlannedSpectrum(step.name, shape, number)

    def products(self, name: str, terms: Sequence[tuple[int, PlannedNumber, Operand]], length: int, *,
                 plus: Sequence[tuple[int, int]] = (), wrapped: bool = False, discard: int = 0) -> PlannedNumber:
        """A sum of products; its words below `discard` are not stored."""
        operands, count = _operands(terms), 1 if _is_square(terms) else 2
        kept = _spectrum(operands)
        shape = kept.shape if kept is not None else self._shape(length + 1 if wrapped else length, count)
        fresh = [each for each in operands if isinstance(each, PlannedNumber)][:count]
        passes = [each for number in (fresh[:1] if count == 1 else fresh)
                  for each in self._accounts.forward(shape, number.length)]
        passes += self._accounts.rows(shape, count) + self._accounts.inverse(shape, length - discard)
        journal = (len(fresh[:1] if count == 1 else fresh) * self._journal.forward(shape) + self._journal.rows(shape)
                   + self._journal.inverse(shape))
        return self._number(name, operands, length, self._accounts.packed(shape.stored_words - discard),
                            passes=tuple(passes), journal_bytes=journal, temporary_bytes=shape.region_bytes,
                            shape=shape, operands=count)

    def combine(self, name: str, terms: Sequence[tuple[int, PlannedNumber, int, int, int]], length: int, *,
                plus: Sequence[tuple[int, int]] = (), over: int = 1) -> PlannedNumber:
        """A sum of multiples of numbers, divided by `over`, in one pass."""
        read = sum(x.length - cut for _, x, _, cut, _ in terms)
        return self._number(name, [term[1] for term in terms], length, self._accounts.packed(length),
                            passes=(self._accounts.linear(read, length),),
                            journal_bytes=self._journal.linear(length, self._piece_chunks))

    @staticmethod
    def view(name: str, x: PlannedNumber, times: int, minus_at: int | None = None, zero_below: int = 0,
             divisor: int = 1) -> PlannedNumber:
        """`times` x, without its words below an index, minus a power of the radix, made while x is read."""
        return replace(x)

    def text(self, x: PlannedNumber) -> None:
        """The digit file."""
        self._add("text", (x,), None, passes=(self._accounts.linear(x.length - x.zeros, 0, FILES),))

    def certificate(self, r: PlannedNumber, x: PlannedNumber) -> None:
        """The certificate: r, whose bound is compared with x."""
        self._add("certificate", (r, x), None, passes=(self._accounts.linear(r.length - r.zeros, 0, FILES),))

    def _number(self, name: str, used: Sequence[Operand], length: int, out_bytes: int, **fields) -> PlannedNumber:
        return PlannedNumber(self._add(name, used, out_bytes, words=length, **fields).name, length)

    def _shape(self, words: int, operands: int) -> DiskShape:
        found = _shape(words, operands, self._base, self.chunk_words, self._workspace_bytes, self._threads,
                       self._passes)
        if found is None:
            raise TooSmall(words)
        return found
