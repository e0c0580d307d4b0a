"""Squares and products on disk, each one checked, and repeated from its packed operands when a check fails.

Products on smaller words need space that is not planned; the volume grows at its end for it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache

import numpy as np

from bigconst.arithmetic.disk.number import Number
from bigconst.arithmetic.disk.operand import Addend, Operand
from bigconst.arithmetic.disk.passes import DiskTransform
from bigconst.arithmetic.disk.tiles import Tiles
from bigconst.arithmetic.disk.workspace import DiskWorkspace
from bigconst.arithmetic.faults import Attempt, Wrong
from bigconst.arithmetic.machine import Sum
from bigconst.arithmetic.memory.products import Products, wrong_residue
from bigconst.kernels.chunk import NINES, ZEROS
from bigconst.plans.diskplan import DiskPlan
from bigconst.plans.diskshape import DiskShape, chunk_bytes
from bigconst.plans.trace import Step
from bigconst.runtime.levelstore import LevelStore


class DiskProducts:
    """Checked products on one volume."""

    def __init__(self, disk: DiskPlan, scratch: DiskWorkspace, products: Products, store: LevelStore | None = None):
        """`store` receives copies of finished numbers if it lies outside the scratch."""
        self.disk, self.scratch, self.products, self.store = disk, scratch, products, store
        self.words, self.faults = scratch.words, products.faults
        self.transform = lru_cache(maxsize=2)(lambda shape: DiskTransform(shape, scratch))

    def number(self, address: int, length: int, first: int = 0, name: str = "") -> Number:
        """A new number on the volume."""
        return Number(self.scratch.volume, self.words, address, length, self.disk.chunk_words, first, name,
                      self.scratch.recorder, self.scratch.note)

    @staticmethod
    def _fact(number: Number, **fields) -> tuple[dict, dict]:
        """What is recorded of a finished number, beside `fields`: fields and arrays."""
        return ({"address": number.address, "length": number.length, "first": number.first, **fields},
                number.known(slice(None)) | {"parity": number.parity})

    def note(self, name: str, number: Number, sign: int) -> None:
        """Record a finished number; a later process does not write it again, where something else may lie by then."""
        self.scratch.recorder.note(name, *self._fact(number, sign=sign))

    def noted(self, name: str) -> tuple[Number, dict] | None:
        """The finished number that was recorded under this name, and the fields recorded with it; None if there is
        none."""
        found = self.scratch.recorder.fact(name)
        return found and (self._recalled(name, *found), found[0])

    def _recalled(self, name: str, fields: dict, arrays: dict) -> Number:
        number = self.number(fields["address"], fields["length"], fields["first"], name)
        number.know(slice(None), arrays)
        self._reach(number.end)
        return number

    def restart(self, fields: dict, numbers: dict[str, tuple[Number, dict]]) -> None:
        """Record, in place of everything before, `fields` as "finished", and numbers with their fields by name."""
        found = [(name, *self._fact(number, **more)) for name, (number, more) in numbers.items()]
        self.scratch.recorder.restart([("finished", fields, {}), *found])

    def copy(self, name: str, numbers: Sequence[tuple[Number, dict]]) -> None:
        """Copy numbers with their fields, from which alone everything after them is computed, to a store outside."""
        if self.store is None or not self.store.outside:
            return
        facts = [self._fact(number, **fields) for number, fields in numbers]
        self.store.save(name, {"numbers": [fields for fields, _ in facts]},
                        {f"{i} {key}": array for i, (_, arrays) in enumerate(facts) for key, array in arrays.items()},
                        ({**piece, "number": np.array(i)} for i, (number, _) in enumerate(numbers)
                         for piece in number.pieces()))

    def copied(self, name: str) -> list[tuple[Number, dict]] | None:
        """The numbers of the newest copy in the store if it has this name, written back to the volume, and their
        fields; else None."""
        copy = self.store.newest() if self.store is not None and self.store.outside else None
        if copy is None or copy[0]["name"] != name:
            return None
        told, arrays, pieces = copy
        numbers = [self._recalled(name, fields, {key.partition(" ")[2]: array for key, array in arrays.items()
                                                 if key.partition(" ")[0] == str(i)})
                   for i, fields in enumerate(told["numbers"])]
        for piece in pieces:
            numbers[int(piece["number"])].put(piece)
        return list(zip(numbers, told["numbers"], strict=True))

    def _grow(self, size_bytes: int, name: str) -> int:
        """Address of so many bytes at the end of the volume, which grows; a resumed run receives the same address."""
        recorder, unit = self.scratch.recorder, self.disk.stripe_bytes
        known = recorder.fact(name)
        address = known[0]["address"] if known else -(-self.scratch.volume.size_bytes // unit) * unit
        self._reach(address + size_bytes)
        if known is None:
            recorder.note(name, {"address": address})
        return address

    def _reach(self, size_bytes: int) -> None:
        """Enlarge the volume to at least this size."""
        if size_bytes > self.scratch.volume.size_bytes:
            self.scratch.volume.resize(size_bytes)

    def _grown_number(self, shape: DiskShape, first: int, name: str) -> Number:
        size = (shape.stored_words // shape.chunk_words - first) * chunk_bytes(shape.chunk_words, shape.base)
        return self.number(self._grow(size, f"{name}, place"), shape.stored_words, first, name)

    def attempts(self, where: str, levels: int = 1) -> Iterator[Attempt]:
        """`Faults.attempts`, with those that a resumed run remembers: their places hold something else by now."""
        recorder, arena, key = self.scratch.recorder, self.scratch.arena, f"{where}, wrong"
        known, mark = recorder.fact(key), arena.mark()
        for attempt in self.faults.attempts(
                where, levels, [Wrong(**wrong) for wrong in known[0]["wrongs"]] if known else (),
                lambda wrongs: recorder.note(key, {"wrongs": [asdict(wrong) for wrong in wrongs]})):
            arena.release(mark)     # what a failed attempt took
            yield attempt

    def spectrum(self, b: Operand, shape: DiskShape, address: int, where: str) -> Tiles:
        """Tiles at `address` with b after `forward`, for products of this shape."""
        tiles = Tiles(shape, address)
        for attempt in self.attempts(where):
            with attempt:
                self.transform(shape).forward(b, tiles, f"{where}, attempt {attempt.tries + 1}")
                return tiles

    def sum_of_products(self, terms: Sequence["DiskTerm"], wanted: Sum, length: int, step: Step, place: int,
                        discarded: int, times: int, where: str) -> tuple[Operand, int]:
        """The magnitude and the sign, 1 or -1, of a sum that needs at most `length` words; its chunks below `discarded`
        are not stored.

        Computed modulo B^N + 1, N = stored_words >= length, by the shape of the step, in the tiles of the terms, with
        the result at `place`.  Accepted when it is short enough and its residue is that of the sum.
        """
        if (known := self.noted(where)) is not None:
            number, fields = known
            return Operand(number, complement=fields["sign"] < 0), fields["sign"]
        shapes = {s.digits: s for s in (step.shape, *self.disk.smaller(step.shape, step.operands, step.added))}
        formats = [fmt for fmt in self.products.formats if fmt.digits in shapes]
        for attempt in self.attempts(where, len(formats)):
            with attempt:
                shape = shapes[formats[attempt.level].digits]
                name = f"{where}, {shape.digits} digits" + (f", attempt {attempt.tries + 1}" if attempt.tries else "")
                planned = shape is step.shape
                number = (self.number(place, shape.stored_words, discarded, name) if planned
                          else self._grown_number(shape, discarded, name))
                stats = self._compute(number, shape, terms, wanted, planned, attempt.tries > 0, times, name)
                top = self.products.rounded(stats)
                if isinstance(top, Wrong):
                    attempt.fail(top)
                elif (sign := self._verified(number, top, wanted, length)) is not None:
                    self.note(where, number, sign)
                    return Operand(number, complement=sign < 0), sign
                else:
                    attempt.fail(wrong_residue(number.residue(), formats[attempt.level]))

    def _compute(self, number: Number, shape: DiskShape, terms: Sequence["DiskTerm"], wanted: Sum, planned: bool,
                 again: bool, times: int, name: str) -> tuple[int, float, float]:
        """Compute the sum, but for powers of the radix, into `number`; returns what `DiskTransform.inverse` does."""
        transform, made = self.transform(shape), []
        for i, (term, factor) in enumerate(zip(terms, wanted.factors, strict=True)):
            part = f"{name}, {i}" if len(terms) > 1 else name
            work, spectrum = term.work, term.spectrum
            if not planned:
                work = Tiles(shape, self._grow(shape.region_bytes, f"{part}, work"))
                spectrum = spectrum and Tiles(shape, self._grow(shape.region_bytes, f"{part}, spectrum"))
            # After a fault the spectrum may be what is wrong.
            if spectrum is not None and (again or not planned or not term.is_ready):
                transform.forward(term.b, spectrum, f"{part}, b")
            transform.forward(term.a, work, f"{part}, a")
            made.append((work, spectrum, factor))
        if made[0][1] is None:
            transform.square(made[0][0], name)
        else:
            transform.multiply(*made, name=name)
        chunks = number.chunks
        plus = []
        for c, x, at in wanted.plus:
            if x is not None:
                shift = at // number.chunk_words
                # B^N is -1.
                plus += [Addend(x.operand, -c if turns % 2 else c, shift - turns * chunks)
                         for turns in range(shift // chunks, (shift + x.operand.reach - 1) // chunks + 1)]
        return transform.inverse(made[-1][0], number, times, name, plus)

    def _verified(self, number: Number, top: int, wanted: Sum, length: int) -> int | None:
        """Add the powers of the radix that a sum has, and reduce it to sign and magnitude; returns the sign, None if
        it is not the wanted sum."""
        powers = []
        for c, x, at in wanted.plus:
            if x is None:
                turns, at = divmod(at, number.length)
                powers.append((at, -c if turns % 2 else c))
        if wanted.is_signed:
            sign = sign_magnitude(number, top + number.add(powers))
        # A balanced operand may be one word longer than the number; then the product wraps.
        elif number.add([(0, -top)]) == 0:
            sign = 1
        else:
            return None
        result = Operand(number, complement=sign < 0)
        found = number.residue() if sign > 0 else self.words.power(number.length) - 1 - number.residue()
        right = (sign * found - wanted.residue) % self.words.modulus.p == 0
        return sign if right and (not wanted.is_signed or _fits(result, length)) else None


@dataclass(frozen=True)
class DiskTerm:
    """A product in a sum: its operands, and tiles for their transforms."""

    a: Operand
    b: Operand
    work: Tiles
    """for the transform of a"""
    spectrum: Tiles | None
    """for that of b; None for a square, which stands alone"""
    is_ready: bool
    """whether the transform of b is there"""


def sign_magnitude(number: Number, top: int) -> int:
    """number + top*B^N modulo B^N + 1 as sign and magnitude, |value| < B^N/2; returns 1 or -1.

    For -1 the magnitude is the number's complement (see `Operand`), so that it need not be written again.
    """
    for _ in range(3):
        if top == 0:
            break
        top = number.add([(0, -top)])
    else:
        # The residue B^N, which is -1, has no canonical words: its carry wraps for ever.  The number becomes B^N - 2
        # instead, the complement of the magnitude 1.
        for chunk in range(number.chunks):
            number.fill(chunk, NINES)
        number.add([(0, -1)])
        return -1
    if 2 * number.last_word(number.chunks - 1) < number.radix:
        return 1
    # B^N + 1 - words = complement(words - 2)
    number.add([(0, -2)])
    return -1


def _fits(operand: Operand, length: int) -> bool:
    """Whether all words from `length` on are zero."""
    number = operand.number
    chunk, at = divmod(length, number.chunk_words)
    empty = NINES if operand.complement else ZEROS
    beyond = chunk + 1 if at else chunk
    if (number.kinds[beyond:] != empty).any():
        return False
    if not at or chunk >= number.chunks:
        return True
    words = number.read(length, (chunk + 1) * number.chunk_words)
    return bool((words == (number.radix - 1 if operand.complement else 0)).all())
