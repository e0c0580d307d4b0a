"""The machine whose numbers are chunks of packed words on a volume (arithmetic.machine).

Lengths that programs ask `round_up` for are whole chunks, so that a number is shifted by reading it from another chunk
on, and sums are one pass over chunks.  The result of a call that people see is recorded, and then everything before it
is forgotten; a later process that runs the program again does not enter the call.
"""

import contextlib
import functools
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import numpy as np

from bigconst.arithmetic.disk.linear import linear_pass
from bigconst.arithmetic.disk.number import Number
from bigconst.arithmetic.disk.operand import Operand
from bigconst.arithmetic.disk.products import DiskProducts, DiskTerm
from bigconst.arithmetic.disk.reader import Reader
from bigconst.arithmetic.disk.stages import Stages
from bigconst.arithmetic.disk.tiles import Tiles
from bigconst.arithmetic.disk.values import DiskNumber, DiskSpectrum
from bigconst.arithmetic.faults import wrong_of
from bigconst.arithmetic.machine import Machine, Source, most_made, one_or_several, several
from bigconst.arithmetic.memory.machine import MemoryMachine
from bigconst.arithmetic.words import Words
from bigconst.base.errors import FaultError, ReadError
from bigconst.kernels.linear import set_all
from bigconst.plans.certificate import Claim, Statement
from bigconst.plans.trace import Call, Step
from bigconst.runtime.levelstore import LevelStore


def recorded(operation: Callable) -> Callable:
    """An operation machine.operation(name, ...) that makes a number, from one that is given the step of this name in
    the trace, and its name in the journal and for people: where an earlier process has finished it, it is not carried
    out."""
    @functools.wraps(operation)
    def made(machine: "DiskMachine", name: str, *arguments, **options) -> DiskNumber:
        step, where = machine._step(name)
        known = machine._recalled(step.name)
        return known or machine._known(operation(machine, step, where, *arguments, **options))

    return made


class DiskMachine(Machine):
    """Carries out a program as the plan's trace says."""

    def __init__(self, products: DiskProducts, stages: Stages, store: LevelStore | None, stop: Callable[[], bool],
                 source: Source | None = None):
        """`store` receives levels that are computed in memory; `source` has the digits that are certified."""
        super().__init__()
        self.radix = products.words.format.radix
        self.levels: list[dict] = []
        """records of the levels that were computed in memory"""
        self.text_of: tuple[DiskNumber, Sequence[int]] | None = None
        """the number whose digits are to be written when the program has ended, and prefixes (arithmetic.machine)"""
        self.certificate_of: tuple[Claim, Statement, DiskNumber, tuple[DiskNumber, ...]] | None = None
        """claim, statement, x and numbers of their certificate"""
        self._disk, self._trace = products.disk, products.disk.trace
        self.workspace_bytes = self._disk.workspace_bytes
        self.most_made = most_made(self.workspace_bytes)
        self._products, self._words, self._stages = products, products.words, stages
        self._store, self._stop, self._source = store, stop, source
        self._calls = {call.path: call for call in self._trace.calls}
        self._seen = {call.results: call for call in self._trace.calls if call.title}
        self._turn = ""
        self._uses = Counter((step.stage, step.name.rpartition("/")[2].partition(" #")[0])
                             for step in self._trace.steps)
        self._made: dict[str, DiskNumber] = {}
        """finished numbers by name, at least those that live when the last call that people see has ended"""
        finished = products.scratch.recorder.fact("finished")
        self._past: int = finished[0]["end"] if finished else 0
        """number of steps before the end of that call: their results that are still needed are recorded"""

    def round_up(self, words: int) -> int:
        """A length in whole chunks."""
        return -(-words // self._disk.chunk_words) * self._disk.chunk_words

    # -- names and places ---------------------------------------------------------------------

    @contextlib.contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """A part of the run that people see, with its events and its record."""
        with super().stage(name), self._stages.stage(self._stage):
            yield

    def _step(self, operation: str) -> tuple[Step, str]:
        """The step, and its name in the journal and for people."""
        step = self._trace.by_name[self.named(operation)]
        where = self._stage if self._stage.endswith(f" {operation}") else f"{self._stage}, {operation}"
        return step, (where if self._uses[self._stage, operation] == 1 else step.name) + self._turn

    def _place(self, step: Step) -> int:
        return self._disk.places[step.name]

    def _recalled(self, name: str) -> DiskNumber | None:
        """The result of a step before the end of the last call that people see; None for a later step."""
        if self._trace.positions[name] >= self._past:
            return None
        if name not in self._made and (known := self._products.noted(name)) is not None:
            number, fields = known
            self._made[name] = DiskNumber(name, Operand(number, complement=fields["complement"]), fields["sign"],
                                          fields["residue"])
        return self._made.get(name, DiskNumber(name, None))

    def _known(self, number: DiskNumber) -> DiskNumber:
        self._made[number.name] = number
        return number

    # -- operations -----------------------------------------------------------------------------

    @recorded
    def integer(self, step: Step, where: str, make: Callable[..., int], length: int, zeros: int = 0,
                of: DiskNumber | None = None) -> DiskNumber:
        """The integer make(), or make(value of `of`), times radix^zeros."""
        def fill(number: Number) -> int:
            value = self._value(make, of)
            if zeros:
                number.add([(zeros, abs(value))])
            else:
                words = self._words.from_int(abs(value), length)
                number.store(lambda start, stop: words[start:stop])
            return 1 if value >= 0 else -1

        return self._filled(step, where, length, fill)

    @recorded
    def digits(self, step: Step, where: str, length: int) -> DiskNumber:
        """The digits of the file that is certified, as a number."""
        def fill(number: Number) -> int:
            number.store(self._source)
            return 1

        return self._filled(step, where, length, fill)

    def _filled(self, step: Step, where: str, length: int, fill: Callable[[Number], int]) -> DiskNumber:
        """The number that fill(number) writes, unless that is recorded; it returns the sign."""
        if (known := self._products.noted(where)) is not None:
            number, sign = known[0], known[1]["sign"]
        else:
            number = self._products.number(self._place(step), length, name=where)
            sign = fill(number)
            self._products.note(where, number, sign)
        return DiskNumber(step.name, Operand(number), sign, number.residue())

    def spectrum(self, name: str, number: DiskNumber, room: int, terms: int = 1) -> DiskSpectrum:
        """The transform of a number, for sums of so many products, of at most `room` words each."""
        step, where = self._step(name)
        if self._trace.deaths[step.name] < self._past:
            return DiskSpectrum(None, number)
        return DiskSpectrum(self._products.spectrum(number.operand, step.shape, self._place(step), where), number)

    @recorded
    def products(self, step: Step, where: str, terms: Sequence[tuple[DiskNumber, DiskNumber | DiskSpectrum]],
                 length: int, *, times: int = 1, plus: Sequence[tuple] = (), cut: int = 0,
                 discard: int = 0) -> DiskNumber:
        """times*(sum of a*b) + (sum of c*x*B^at), computed modulo B^N + 1, N >= length, and accepted when the identity
        holds modulo 2^61 - 1; words below `discard` are not stored."""
        wanted = self._wanted([(a, b.number if isinstance(b, DiskSpectrum) else b) for a, b in terms], times, plus)
        rooms = (Tiles(step.shape, self._disk.places[step.temporary] + i * step.shape.region_bytes)
                 for i in range(step.temporary_count))

        def term(a: DiskNumber, b: DiskNumber | DiskSpectrum) -> DiskTerm:
            if isinstance(b, DiskSpectrum):
                return DiskTerm(a.operand, b.number.operand, next(rooms), b.tiles, True)
            is_square = a is b and len(terms) == 1
            return DiskTerm(a.operand, b.operand, next(rooms), None if is_square else next(rooms), False)

        operand, sign = self._products.sum_of_products(
            [term(a, b) for a, b in terms], wanted, length, step, self._place(step), discard // self._disk.chunk_words,
            times, where)
        return DiskNumber(step.name, operand, sign * wanted.lead, sign * wanted.residue % self._words.modulus.p)

    @recorded
    def sum(self, step: Step, where: str, terms: Sequence[tuple[int, DiskNumber | None, int]], length: int,
            halved: bool = False) -> DiskNumber:
        """The sum of c*x*B^shift, which is not below 0, or half of it; shifts of numbers are whole chunks."""
        words, size = self._words, self._disk.chunk_words
        numbers, powers, total = self._added(terms)
        made, half = (np.empty(self._disk.piece_chunks * size, np.int32) for _ in range(2))

        def compute(_out: Number, state: dict, first: int, pieces: list[np.ndarray]) -> np.ndarray:
            carry, above = 0, 0         # the word above the piece, modulo 2; pieces have it if the sum is halved
            for i, ((c, _, _), piece) in enumerate(zip(numbers, pieces, strict=True)):
                above += c * int(piece[-1])
                add = words.add_multiple if i else words.multiply_small
                carry += add(made, piece[:len(made)], c)
            carry += words.add_at(made, 0, state["carry"])
            for c, at in powers:
                at -= first * size
                if 0 <= at < len(made):
                    carry += words.add_at(made, at, c)
                above += c * (at == len(made))
            state["carry"] = int(carry)
            if not halved:
                return made
            if first == 0:
                state["odd"] = int(made[0]) & 1
            words.shift_bits(half, made, 1, (above + carry) & 1)
            return half

        def residue(state: dict) -> int:
            p = words.modulus.p
            return ((total - state["odd"]) * pow(2, -1, p) if halved else total) % p

        inputs = [(x.operand, -shift // size, int(halved)) for _, x, shift in numbers]
        return self._summed(step, where, length, inputs, compute, residue)

    @recorded
    def update(self, step: Step, where: str, y: DiskNumber, u: DiskNumber, v: DiskNumber, shifts: tuple[int, int],
               length: int) -> DiskNumber:
        """y*B^(K-k) - floor(u/B^o/2) + 3*floor(v/B^discarded/8) for shifts = (o, discarded), K = length."""
        size, (o, discarded) = self._disk.chunk_words, shifts
        missing, residue = (length - y.length) // size, self._updated(y, u, v, shifts, length)
        inputs = [(y.operand, -missing, 0), (u.operand, o // size, 1), (v.operand, discarded // size, 1)]
        return self._summed(step, where, length, inputs, newton_sum(self._words, missing, u.sign),
                            lambda state: residue)

    def _summed(self, step: Step, where: str, length: int, inputs: list[tuple[Operand, int, int]], compute: Callable,
                residue: Callable[[dict], int]) -> DiskNumber:
        """The number that linear_pass makes with compute(number, state, first, pieces), of residue(state)."""
        for attempt in self._products.attempts(where):
            with attempt:
                state = {"carry": 0, "odd": 0}
                number = self._products.number(self._place(step), length,
                                               name=f"{where}, attempt {attempt.tries + 1}")

                def piece(first: int, pieces: list[np.ndarray], number: Number = number,
                          state: dict = state) -> np.ndarray:
                    return compute(number, state, first, pieces)

                linear_pass(self._products, inputs, number, piece, state, number.name)
                if state["carry"] != 0:
                    raise FaultError("a sum does not fit its words", value=state["carry"])
                if (found := number.residue()) != residue(state):
                    #: As for "a number in memory holds a word out of range".
                    raise FaultError("a sum does not have the residue of its parts", value=found)
                return DiskNumber(step.name, Operand(number), 1, found)

    def view(self, name: str, x: DiskNumber, times: int, minus_at: int | None = None, zero_below: int = 0,
             divisor: int = 1) -> DiskNumber:
        """times*x - B^minus_at, where of x the words below an index are taken for 0, and that word is rounded down to a
        multiple of `divisor`; made while x is read.  `times` is 1 or 2."""
        if x.operand is None:
            return x
        residue = self._viewed(x, times, minus_at, zero_below, divisor)
        operand = Operand(x.number, zero_below=zero_below, divisor=divisor, double=times == 2, minus_one_at=minus_at)
        return DiskNumber(x.name, operand, 1, residue)

    @recorded
    def low(self, step: Step, where: str, x: DiskNumber, count: int) -> DiskNumber:
        """The `count` lowest words of |x|, with the sign of x."""
        size = self._disk.chunk_words

        def compute(_out: Number, _state: dict, first: int, pieces: list[np.ndarray]) -> np.ndarray:
            set_all(pieces[0][max(0, count - first * size):], 0)
            return pieces[0]

        residue = x.low_residue(count)
        return replace(self._summed(step, where, count, [(x.operand, 0, 0)], compute, lambda state: residue),
                       sign=x.sign)

    def corrected(self, name: str, x: DiskNumber, count: int, correction: Callable[[int], int | None],
                  test: Callable[[DiskNumber], DiskNumber]) -> DiskNumber:
        """x plus the correction that its `count` lowest words ask for (arithmetic.machine)."""
        return x if x.operand is None else self._known(super().corrected(name, x, count, correction, test))

    def text(self, x: DiskNumber, prefixes: Sequence[int] = ()) -> None:
        """The digit file."""
        self.text_of = x, prefixes

    def certificate(self, claim: Claim, statement: Statement, x: DiskNumber, *numbers: DiskNumber) -> None:
        """The certificate."""
        self.certificate_of = claim, statement, x, numbers

    # -- calls, which are recorded and found again ------------------------------------------------

    def call(self, name: str, program: Callable, *arguments, numbered: bool = False, entered: bool = False,
             least_bytes: int = 0):
        """What a program makes, unless an earlier process has recorded that."""
        path = self.named(name)
        call = self._calls[path]
        if call.end <= self._past:
            return one_or_several([self._recalled(name) for name in call.results])
        shown = self._seen.get(call.results)
        if shown is not None and (copied := self._products.copied(shown.title)) is not None:
            return self._finished(shown, one_or_several([
                DiskNumber(name, Operand(number, complement=fields["complement"]), fields["sign"], fields["residue"])
                for name, (number, fields) in zip(shown.results, copied, strict=True)]))
        if not call.title:
            with self.scope(path):
                return program(self, *arguments)
        made = (self._in_memory(call, program, arguments) if call.is_in_memory
                else self._entered(call, program, arguments, again=numbered))
        return self._finished(call, made)

    def _finished(self, call: Call, made):
        """Record what a call made, with all numbers that are needed after it, and forget everything else."""
        self._past = call.end
        self._made |= {number.name: number for number in several(made)}
        self._made = {name: number for name, number in self._made.items() if self._trace.deaths[name] >= call.end}
        live = {name: (number.number, {"sign": number.sign, "residue": number.residue,
                                       "complement": number.operand.complement})
                for name, number in self._made.items()}
        self._products.restart({"end": call.end}, live)
        if set(call.results) == set(live):      # everything after it is computed from them alone
            self._products.copy(call.title, [live[name] for name in call.results])
        return made

    def _entered(self, call: Call, program: Callable, arguments: tuple, again: bool) -> DiskNumber:
        """The result of a call; with `again`, where something within it is beyond repair, it is computed once more, for
        which its arguments are enough."""
        recorder, arena = self._products.scratch.recorder, self._products.scratch.arena
        key, mark = f"{call.title}, again", arena.mark()
        if not again:
            return self._once(call, program, arguments)
        if recorder.fact(key) is None:
            try:
                return self._once(call, program, arguments)
            except (FaultError, ReadError) as error:
                self._products.faults.note("level", call.title,
                                           f"{wrong_of(error).message}, so the level begins anew")
                arena.release(mark)
                recorder.note(key, {})
                self.forget(call.path)
        self._turn = ", again"
        try:
            return self._once(call, program, arguments)
        finally:
            self._turn = ""

    def _once(self, call: Call, program: Callable, arguments: tuple) -> DiskNumber:
        with self._titled(*[call.title] * call.is_part), self.scope(call.path):
            return program(self, *arguments)

    def _in_memory(self, call: Call, program: Callable, arguments: tuple):
        """The results of a call that fits memory, on the volume."""
        products, arena = self._products, self._products.scratch.arena
        with self._stages.stage(call.title):
            for attempt in products.attempts(call.title):
                with attempt:
                    machine = MemoryMachine(self._disk.memory[call.path], products.products, arena, lambda event: None,
                                            store=self._store, stop=self._stop, owner=call.path)
                    given = [machine.argument(Reader(each.operand, 64), each.sign, each.residue)
                             if isinstance(each, DiskNumber) else each for each in arguments]
                    made = []
                    for name, found in zip(call.results, several(machine.run(program, *given)), strict=True):
                        number = products.number(self._disk.places[name], len(found.words), name=name)
                        number.store(found.read)
                        made.append(DiskNumber(name, Operand(number), found.sign, found.residue))
                    self.levels += machine.records
                    break
            arena.release(0)
        return one_or_several(made)


def newton_sum(words: Words, missing: int, sign: int) -> Callable:
    """What linear_pass computes for y*B^m - sign*floor(u/2) + 3*floor(v/8), where B^m are `missing` chunks."""
    def compute(out: Number, state: dict, first: int, pieces: list[np.ndarray]) -> np.ndarray:
        piece, above_u, above_v = pieces
        fresh = min(len(piece), max(0, missing - first) * out.chunk_words)
        last = len(piece) - max(0, first * out.chunk_words + len(piece) - out.length)
        piece = piece[:last]
        carry = words.newton_update(piece, fresh, above_u[:last + 1], above_v[:last + 1], sign)
        state["carry"] = int(carry + words.add_at(piece, 0, state["carry"]))
        return piece

    return compute
