"""The machine whose numbers are words in memory (arithmetic.machine).

Every operation checks its identity modulo 2^61 - 1.  A number carries its residue along from the operation that made
it; it is never computed anew from memory, which may have changed.
"""

import contextlib
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np

from bigconst.arithmetic.machine import MOST_MADE, Machine, Signed, Source, one_or_several, several
from bigconst.arithmetic.memory.products import Products, Term
from bigconst.arithmetic.packed import pieces
from bigconst.arithmetic.words import Words
from bigconst.base import failpoints
from bigconst.base.errors import FaultError, Interrupted
from bigconst.base.events import StageDone, StageStarted
from bigconst.kernels.pack import pack, packed_limbs, unpack
from bigconst.plans.certificate import Claim, Statement
from bigconst.plans.shape import Shape
from bigconst.plans.trace import Call, Step, Trace
from bigconst.runtime.arena import Arena
from bigconst.runtime.levelstore import LevelStore

SAVE_S = 10.0
"""A finished level is saved when the last save was at least so many seconds ago."""

STORED_NAME = "memory"
"""Name of these levels in a level store."""


@dataclass(frozen=True)
class MemoryNumber(Signed):
    """A number in memory: sign and magnitude, lowest words first."""

    name: str
    words: np.ndarray
    sign: int
    residue: int
    """residue of the magnitude modulo 2^61 - 1"""
    source: Words
    cut: tuple[int, int] = (0, 0)
    """a number of words, and the residue of so many lowest words, which was found when the number was checked"""

    @property
    def length(self) -> int:
        """Number of words."""
        return len(self.words)

    @property
    def is_positive(self) -> bool:
        """Whether it is greater than 0."""
        return self.sign > 0 and bool(self.words.any())

    def high(self, count: int) -> "MemoryNumber":
        """The part without the `count` lowest words, rounded towards 0."""
        return replace(self, words=self.words[count:], residue=self._above(count), cut=(0, 0))

    def quotient_residue(self, count: int, divisor: int) -> int:
        """Residue of the magnitude divided by radix^count * divisor, rounded down; `divisor` divides the radix."""
        p = self.source.modulus.p
        return (self._above(count) - int(self.words[count] % divisor)) * pow(divisor, -1, p) % p

    def _above(self, count: int) -> int:
        p = self.source.modulus.p
        return (self.residue - self.low_residue(count)) * pow(self.source.power(count), -1, p) % p

    def low_residue(self, count: int) -> int:
        """Residue of the `count` lowest words."""
        source, (known, low) = self.source, self.cut
        if count < known:
            return source.residue(self.words[:count])
        return (low + source.residue(self.words[known:count]) * source.power(known)) % source.modulus.p

    def plus(self, value: int) -> "MemoryNumber":
        """The number plus a small integer, in its place."""
        self.source.add_at(self.words, 0, value)
        return replace(self, residue=(self.residue + value) % self.source.modulus.p)

    def read(self, start: int, stop: int) -> np.ndarray:
        """Words start .. stop-1, zeros beyond the number."""
        found = self.words[start:stop]
        return found if len(found) == stop - start else np.pad(found, (0, stop - start - len(found)))

    def reader(self, kept_chunks: int) -> Callable[[int, int], np.ndarray]:
        """`read`, for threads that read near each other."""
        return self.read


@dataclass(frozen=True)
class MemorySpectrum:
    """A transform in memory of a number, which a repetition needs."""

    data: np.ndarray
    shape: Shape
    number: MemoryNumber


class Outputs(Protocol):
    """The files that a program makes."""

    def text(self, x: MemoryNumber, prefixes: Sequence[int]) -> None:
        """Begin with the digit file."""

    def certificate(self, claim: Claim, statement: Statement, x: MemoryNumber, numbers: Sequence[MemoryNumber]) -> None:
        """Make the certificate."""


class MemoryMachine(Machine):
    """Carries out a program as its trace says, in arrays of one arena."""

    def __init__(self, trace: Trace, products: Products, arena: Arena, emit: Callable, *,
                 outputs: Outputs | None = None, store: LevelStore | None = None, source: Source | None = None,
                 stop: Callable[[], bool] = lambda: False, save_last: bool = True, owner: str = "",
                 lean: bool = False):
        """`source` has the digits that are certified.

        `store` receives numbered calls that took long, the last one only with `save_last`, and returns those of
        earlier processes that belong to the same `owner`: several machines may use one after the other.

        When stop() is true after a numbered call, Interrupted is raised, after saving its result if there is a store.
        """
        super().__init__()
        self.radix, self.lean = products.format.radix, lean
        self.records: list[dict] = []
        self._trace, self._products, self._words = trace, products, products.words
        self._memory = arena.take(trace.memory_bytes, np.uint8)
        self._emit, self._outputs, self._store, self._source, self._stop = emit, outputs, store, source, stop
        self._parts = {name: index for index, (_, name) in enumerate(trace.parts, 1)}
        self._saved_last = [call for call in trace.calls if call.is_part][-1:] if not save_last else []
        self._calls = {call.path: call for call in trace.calls}
        self._saved_s, self._owner = time.perf_counter(), owner

    most_made, in_memory = MOST_MADE, True

    @staticmethod
    def round_up(words: int) -> int:
        """A length that numbers may have."""
        return words

    # -- arrays -------------------------------------------------------------------------

    def _array(self, name: str) -> np.ndarray:
        offset, size = self._trace.arrays[name]
        return self._memory[offset:offset + size]

    def _step(self, operation: str) -> Step:
        return self._trace.by_name[self.named(operation)]

    def _words_of(self, step: Step) -> np.ndarray:
        """The array of a number that ends where its array does, but for a word: so that nothing moves when it grows."""
        whole = self._array(step.name).view(np.int32)
        return whole[len(whole) - 1 - step.words:len(whole) - 1]

    # -- operations -----------------------------------------------------------------------

    def integer(self, name: str, make: Callable[..., int], length: int, zeros: int = 0,
                of: MemoryNumber | None = None) -> MemoryNumber:
        """The integer make(), or make(value of `of`), times radix^zeros."""
        step, words = self._step(name), self._words
        value = self._value(make, of)
        out = self._words_of(step)
        out[:zeros] = 0
        out[zeros:] = words.from_int(abs(value), length - zeros)
        return MemoryNumber(step.name, out, 1 if value >= 0 else -1, abs(value) * words.power(zeros) % words.modulus.p,
                            words)

    def made(self, name: str, make: Callable[[Products, np.ndarray], tuple[np.ndarray, int, int]], length: int,
             work: int, cost: tuple = ()) -> MemoryNumber:
        """The number whose words, sign and residue make(products, memory) returns."""
        step = self._step(name)
        with self._shown(step.name, "terms"):
            found, sign, residue = make(self._products, self._array(step.temporary))
        out = self._words_of(step)
        out[:len(found)] = found
        out[len(found):] = 0
        return replace(self._summed(step, out, residue), sign=sign)

    def digits(self, name: str, length: int) -> MemoryNumber:
        """The digits of the file that is certified, as a number."""
        step = self._step(name)
        out = self._words_of(step)

        def piece(start: int, stop: int) -> None:
            out[start:stop] = self._source(start, stop)

        self._words.pool.run(piece, pieces(length))
        return MemoryNumber(step.name, out, 1, self._words.residue(out), self._words)

    def argument(self, read: Callable[[int, int], np.ndarray], sign: int, residue: int) -> MemoryNumber:
        """A number that is there before the program begins, whose words read(start, stop) returns."""
        step = self._step("argument")
        out = self._words_of(step)
        for start, stop in pieces(len(out)):
            out[start:stop] = read(start, stop)
        if self._words.residue(out) != residue:
            #: As for "a number in memory holds a word out of range".
            raise FaultError("an operand does not have its residue any more")
        return MemoryNumber(step.name, out, sign, residue, self._words)

    def spectrum(self, name: str, number: MemoryNumber, room: int, terms: int = 1) -> MemorySpectrum:
        """The transform of a number, for sums of so many products, of at most `room` words each."""
        step = self._step(name)
        data = self._array(step.name).view(np.float64)[:step.shape.data_bytes // 8]
        self._products.spectrum(number.words, step.shape, data)
        return MemorySpectrum(data, step.shape, number)

    def products(self, name: str, terms: Sequence[tuple[MemoryNumber, MemoryNumber | MemorySpectrum]], length: int, *,
                 times: int = 1, plus: Sequence[tuple] = (), cut: int = 0, discard: int = 0) -> MemoryNumber:
        """times*(sum of a*b) + (sum of c*x*B^at), computed modulo B^N + 1, N >= length, and accepted when the identity
        holds modulo 2^61 - 1."""
        step, words, cut = self._step(name), self._words, cut or discard
        wanted = self._wanted([(a, b.number if isinstance(b, MemorySpectrum) else b) for a, b in terms], times, plus)
        out = self._array(step.name).view(np.int32)[:step.shape.words]
        rooms = np.split(self._array(step.temporary), step.temporary_count)
        rooms = iter([*rooms, self._array(step.shared)] if step.shared_bytes else rooms)
        end = length if wanted.is_signed else len(out)

        def room() -> np.ndarray:
            return next(rooms).view(np.float64)[:step.shape.data_bytes // 8]

        def term(factor: int, a: MemoryNumber, b: MemoryNumber | MemorySpectrum) -> Term:
            if isinstance(b, MemorySpectrum):
                return Term(a.words, b.number.words, room(), b.data, True, factor)
            return Term(a.words, b.words, room(), None if a is b and len(terms) == 1 else room(), factor=factor)

        def verify(top: int) -> tuple[int, int] | None:
            if times != 1:
                top = times * top + words.multiply_small(out, out, times)
            for c, x, at in wanted.plus:
                top += words.add_wrapped(out, None if x is None else x.words, at, c)
            sign = words.sign_magnitude(out, top) if wanted.is_signed else 1
            # Balanced operands may reach one word further than they are long, and wrap.
            if not wanted.is_signed and words.add_at(out, 0, -top) != 0 or out[end:].any():
                return None
            low, high = words.residue(out[:cut]), words.residue(out[cut:end])
            holds = (sign * (low + high * words.power(cut)) - wanted.residue) % words.modulus.p == 0
            return (sign, low) if holds else None

        sign, low = self._products.sum_of_products(
            out, [term(factor, *pair) for factor, pair in zip(wanted.factors, terms, strict=True)], step.shape,
            step.stage, verify)
        return MemoryNumber(step.name, out[:length], sign * wanted.lead, sign * wanted.residue % words.modulus.p, words,
                            (cut, low))

    def sum(self, name: str, terms: Sequence[tuple[int, MemoryNumber | None, int]], length: int,
            halved: bool = False) -> MemoryNumber:
        """The sum of c*x*B^shift, which is not below 0, or half of it."""
        step, words = self._step(name), self._words
        numbers, powers, residue = self._added(terms)
        out = made = self._words_of(step)
        if halved:      # needs another array: that of a single x, which has a word to spare, if x dies here
            x, shift = terms[0][1:]
            is_last = self._trace.deaths[x.name] == self._trace.positions[step.name]
            in_place = is_last and len(numbers) == 1 and shift == 0 and length == x.length + 1
            made = self._array(x.name).view(np.int32)[-length:] if in_place else np.empty(length, np.int32)
        for i, (c, x, at) in enumerate(numbers):
            piece = x.words[:length - at]
            place, above = made[at:at + len(piece)], at + len(piece)
            if i == 0:
                made[:at] = made[above:] = 0
            carry = words.multiply_small(place, piece, c) if i == 0 else words.add_multiple(place, piece, c)
            words.add_at(made, above, carry)
        for c, at in powers:
            words.add_at(made, at, c)
        if halved:
            residue = (residue - int(made[0]) % 2) * pow(2, -1, words.modulus.p)
            words.shift_bits(out, made, 1)
        return self._summed(step, out, residue)

    def update(self, name: str, y: MemoryNumber, u: MemoryNumber, v: MemoryNumber, shifts: tuple[int, int],
               length: int) -> MemoryNumber:
        """y*B^(K-k) - floor(u/B^o/2) + 3*floor(v/B^discarded/8) for shifts = (o, discarded), K = length."""
        step, (o, discarded) = self._step(name), shifts
        new, residue = self._words_of(step), self._updated(y, u, v, shifts, length)
        self._words.newton_update(new, length - y.length, u.words[o:], v.words[discarded:], u.sign)
        return self._summed(step, new, residue)

    def _summed(self, step: Step, out: np.ndarray, residue: int) -> MemoryNumber:
        """The number in an array, which must have this residue."""
        if failpoints.ACTIVE:
            failpoints.touch("sum.words", step.stage, out, self.radix)
        residue %= self._words.modulus.p
        if self._words.residue(out) != residue:
            raise FaultError("a sum does not have the residue of its parts")
        return MemoryNumber(step.name, out, 1, residue, self._words)

    def view(self, name: str, x: MemoryNumber, times: int, minus_at: int | None = None, zero_below: int = 0,
             divisor: int = 1) -> MemoryNumber:
        """times*x - B^minus_at, where of x the words below an index are taken for 0, and that word is rounded down to a
        multiple of `divisor`."""
        words, step = self._words, self._step(name)
        z, residue = self._words_of(step), self._viewed(x, times, minus_at, zero_below, divisor)
        low = int(x.words[zero_below]) // divisor * divisor
        z[:zero_below] = 0
        words.multiply_small(z[zero_below + 1:], x.words[zero_below + 1:], times)
        z[zero_below] = low
        if times != 1:
            carry, z[zero_below] = divmod(low * times, self.radix)
            words.add_at(z, zero_below + 1, carry)
        if minus_at is not None:
            words.add_at(z, minus_at, -1)
        return MemoryNumber(step.name, z, x.sign, residue, words)

    def low(self, name: str, x: MemoryNumber, count: int) -> MemoryNumber:
        """The `count` lowest words of |x|, with the sign of x."""
        step = self._step(name)
        out = self._words_of(step)
        self._words.multiply_small(out, x.words[:count], 1)         # a copy, made by all threads
        return replace(self._summed(step, out, x.low_residue(count)), sign=x.sign)

    def text(self, x: MemoryNumber, prefixes: Sequence[int] = ()) -> None:
        """The digit file."""
        self._outputs.text(x, prefixes)

    def certificate(self, claim: Claim, statement: Statement, x: MemoryNumber, *numbers: MemoryNumber) -> None:
        """The certificate."""
        self._outputs.certificate(claim, statement, x, numbers)

    # -- calls, which are saved and found again --------------------------------------------

    def call(self, name: str, program: Callable, *arguments, numbered: bool = False, entered: bool = False,
             least_bytes: int = 0):
        """What a program makes, unless an earlier process has saved that."""
        path = self.named(name)
        call = self._calls[path]
        if (saved := self._stored(call)) is not None:
            return saved
        with self.scope(path):
            return self._level(call, program, arguments) if numbered else program(self, *arguments)

    @contextlib.contextmanager
    def _shown(self, part: str, name: str) -> Iterator[None]:
        """A part of the run, with its events, if it is one that people see."""
        if part not in self._parts:
            yield
            return
        index, began = self._parts[part], time.perf_counter()
        self._emit(StageStarted(name, index, len(self._parts)))
        yield
        self._emit(StageDone(name, index, len(self._parts), time.perf_counter() - began))

    def _level(self, call: Call, program: Callable, arguments: tuple):
        """The results of a numbered call, with its events, its record and its place in the store."""
        step = self._trace.by_name[call.results[0]]
        name = f"{step.words * self._products.format.digits} digits"
        began, largest = time.perf_counter(), self._products.max_roundoff
        self._products.max_roundoff = 0.0
        with self._shown(call.path, name):
            made = program(self, *arguments)
            if failpoints.ACTIVE:
                failpoints.touch("level.words", name, several(made)[0].words, self.radix)
        self.records.append({"name": name, "words": step.words, "seconds": time.perf_counter() - began,
                             "max_roundoff": self._products.max_roundoff})
        self._products.max_roundoff = max(self._products.max_roundoff, largest)
        stopped = self._stop()
        due = stopped or time.perf_counter() - self._saved_s >= SAVE_S
        if self._store is not None and due and call not in self._saved_last:
            self._save(call, several(made))
            self._saved_s = time.perf_counter()
        if stopped:
            raise Interrupted(resumable=True)
        return made

    def _save(self, call: Call, numbers: Sequence[MemoryNumber]) -> None:
        """Store the words of what a call made, packed."""
        def packed() -> Iterator[dict]:
            for number in numbers:
                for start, stop in pieces(number.length):
                    limbs = np.empty(packed_limbs(stop - start, self.radix), np.uint64)
                    pack(limbs, number.words[start:stop], self.radix)
                    yield {"packed": limbs}

        known = [[number.length, number.sign, int(number.residue)] for number in numbers]
        self._store.save(STORED_NAME, {"owner": self._owner, "call": call.results, "numbers": known}, {}, packed())

    def _stored(self, call: Call):
        """The results of a call if they are what the store has newest and intact."""
        while self._store is not None and (found := self._store.newest()) is not None:
            fields, _, packed = found
            # Levels that were saved on disk have other names, and neither owner nor call.
            if fields["name"] != STORED_NAME or (
                    fields["owner"], tuple(fields["call"])) != (self._owner, call.results):
                break
            made = [self._load(name, *known, packed)
                    for name, known in zip(call.results, fields["numbers"], strict=True)]
            if None not in made:
                return one_or_several(made)
            self._products.faults.note("residue", f"level of {fields['numbers'][0][0]} words",
                                       "what was saved is not what was computed")
            self._store.reject()
        return None

    def _load(self, name: str, length: int, sign: int, residue: int, packed: Iterator[dict]) -> MemoryNumber | None:
        """The number of this name from the next pieces; None if it is not the one that was stored."""
        words, largest = self._words_of(self._trace.by_name[name]), 0
        if length != len(words):
            return None
        for start, stop in pieces(length):
            # Arrays from a file are read-only; the kernel is compiled for writable ones alone.
            largest = max(largest, unpack(words[start:stop], next(packed)["packed"].copy(), self.radix))
        intact = largest < self.radix and self._words.residue(words) == residue
        return MemoryNumber(name, words, sign, residue, self._words) if intact else None
