"""Machines that carry out a program on lengths alone: what they leave is its trace.

`MemoryPlanner` accounts for arrays in memory; for numbers and transforms on a volume see `arithmetic.diskplanner`.
"""

import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from bigconst.arithmetic.machine import MOST_MADE, Machine, Signed, several
from bigconst.base.formats import WORDS
from bigconst.plans.certificate import Claim, Statement, certificate_bytes
from bigconst.plans.diskshape import DiskShape
from bigconst.plans.shape import HALF_FACTOR, Shape, shape_for
from bigconst.plans.trace import FILES_STAGE, PAGE_BYTES, Call, Step, Trace


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

    def agree(self, one: Sequence[tuple], other: Sequence[tuple]) -> None:
        """Nothing."""

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


def transforms_of(terms: Sequence[tuple[PlannedNumber, Operand]]) -> tuple[
        int, list[PlannedNumber], list[PlannedSpectrum]]:
    """Transforms that are multiplied, the numbers that have to be transformed for it, and the spectra that are there;
    a square that stands alone has one transform."""
    kept = [b for _, b in terms if isinstance(b, PlannedSpectrum)]
    fresh = [number for a, b in terms for number in (a, b) if isinstance(number, PlannedNumber)]
    if len(terms) == 1 and terms[0][0] is terms[0][1]:
        return 1, fresh[:1], kept
    return 2 * len(terms), fresh, kept


def room_of(operands: Sequence[PlannedNumber], length: int) -> int:
    """Words of a transform for a sum of so many words: a word more, for its sign, and whole operands."""
    return max(length + 1, *(each.length for each in operands))


def full_of(terms: Sequence[tuple[PlannedNumber, Operand]], room: int) -> int:
    """Number of products that just fit a transform of so many words, and HALF_FACTOR for each whose operands may both
    fill it."""
    return sum(HALF_FACTOR if isinstance(b, PlannedNumber) and a.length + b.length > room else 1 for a, b in terms)


def used_by(terms: Sequence[tuple[PlannedNumber, Operand]], plus: Sequence[tuple]) -> list[Operand]:
    """All operands of a sum of products."""
    return [*(each for term in terms for each in term), *(x for _, x, _ in plus if x is not None)]


def array_bytes(size_bytes: int) -> int:
    """Size of an array in an arena, in whole pages."""
    return -(-size_bytes // PAGE_BYTES) * PAGE_BYTES


class MemoryPlanner(Planner):
    """Numbers of 32-bit words and transforms in an arena, and the operations that make them."""

    most_made, in_memory = MOST_MADE, True

    def __init__(self, base: int, *, lean: bool = False):
        super().__init__(base)
        self.lean = lean

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
        operands, fresh, kept = transforms_of(terms)
        room = room_of(fresh, length)
        shape = kept[0].shape if kept else shape_for(room)
        words, made = shape.words, len(fresh) - len(terms)
        own = len(fresh) if kept or operands == 1 else len(fresh) - 1      # the last spectrum makes room for the result
        operations = [("forward", words)] * len(fresh) + [("spectrum", words)] * (made if operands > 1 else 0)
        operations += [("square" if operands == 1 else "multiply", words)] * len(terms) + [("inverse", words)]
        operations += [("multiply small", words)] * (times != 1)
        operations += [("multiply small", x.length) for _, x, _ in plus if x is not None]
        return self._number(self._add(
            name, used_by(terms, plus), array_bytes(4 * words), words=length, shape=shape, operands=operands,
            full=full_of(terms, room),
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


@lru_cache(maxsize=1 << 10)
def memory_trace(base: int, program: Callable, *arguments) -> Trace:
    """The trace of a program in memory, whose results are needed afterwards.

    Numbers among the arguments are there before it begins.
    """
    machine = MemoryPlanner(base)
    made = machine.run(program, *[machine.integer("argument", lambda: 0, each.length)
                                  if isinstance(each, PlannedNumber) else each for each in arguments])
    return machine.trace(*several(made))
