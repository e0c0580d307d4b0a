"""Squares and products on disk, each one checked, and repeated from its packed operands when a check fails.

Products on smaller words need space that is not planned; the volume grows at its end for it.
"""

from collections.abc import Callable, Iterator
from dataclasses import asdict
from functools import lru_cache
from typing import TypeVar

from bigconst.arithmetic.disk.number import NINES, ZEROS, Number
from bigconst.arithmetic.disk.operand import Operand
from bigconst.arithmetic.disk.passes import DiskTransform, DiskWorkspace
from bigconst.arithmetic.disk.tiles import Tiles
from bigconst.arithmetic.faults import Attempt, Wrong
from bigconst.arithmetic.memory.products import Products, wrong_residue
from bigconst.plans.diskplan import DiskPlan
from bigconst.plans.diskshape import DiskShape, chunk_bytes
from bigconst.runtime.levelstore import LevelStore

T = TypeVar("T")


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

    def note(self, name: str, number: Number, alone: bool = False, **fields) -> None:
        """Record a number as finished; `alone` discards all earlier records."""
        recorder = self.scratch.recorder
        keep = recorder.restart if alone else recorder.note
        keep(name, {"address": number.address, "length": number.length, "first": number.first, **fields},
             number.known(slice(None)) | {"parity": number.parity})

    def noted(self, name: str) -> tuple[Number, dict] | None:
        """The number that was recorded under this name, and the fields recorded with it; None if there is none."""
        found = self.scratch.recorder.fact(name)
        if found is None:
            return None
        fields, arrays = found
        number = self.number(fields["address"], fields["length"], fields["first"], name)
        number.know(slice(None), arrays)
        self._reach(number.end)
        return number, fields

    def finish(self, name: str, number: Number, residue: int) -> None:
        """Record a number from which alone everything after it is computed, and copy it to a store outside."""
        self.note(name, number, alone=True, residue=residue)
        if self.store is not None and self.store.outside:
            fields = {"address": number.address, "length": number.length, "first": number.first, "residue": residue}
            self.store.save(name, fields, number.known(slice(None)) | {"parity": number.parity}, number.pieces())

    def finished(self, name: str) -> tuple[Number, int] | None:
        """The number recorded by `finish`, or else its copy in the store, written back to the volume; and its residue.

        None if there is neither.
        """
        if (known := self.noted(name)) is not None:
            return known[0], known[1]["residue"]
        copy = self.store.newest() if self.store is not None and self.store.outside else None
        if copy is None or copy[0]["name"] != name:
            return None
        fields, arrays, pieces = copy
        number = self.number(fields["address"], fields["length"], fields["first"], name)
        number.know(slice(None), arrays)
        self._reach(number.end)
        number.put(pieces)
        self.note(name, number, alone=True, residue=fields["residue"])
        return number, fields["residue"]

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

    def _checked(self, where: str, shape: DiskShape, operands: int, compute: Callable,
                 verify: Callable[[Number, int], T]) -> T:
        """verify(number, top) of the first result of compute(shape, planned, tries, name) -> (number, (top, error,
        peak)) for which it is not false."""
        shapes = {s.digits: s for s in (shape, *self.disk.smaller(shape, operands))}
        formats = [fmt for fmt in self.products.formats if fmt.digits in shapes]
        for attempt in self.attempts(where, len(formats)):
            with attempt:
                now = shapes[formats[attempt.level].digits]
                name = f"{where}, {now.digits} digits" + (f", attempt {attempt.tries + 1}" if attempt.tries else "")
                number, stats = compute(now, now is shape, attempt.tries, name)
                top = self.products.rounded(stats)
                if isinstance(top, Wrong):
                    attempt.fail(top)
                elif found := verify(number, top):
                    return found
                else:
                    attempt.fail(wrong_residue(number.residue(), formats[attempt.level]))

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

    def multiply(self, a: Operand, b: Operand, spectrum: Tiles, work: int, place: int, first: int, where: str,
                 verify: Callable[[Number], bool]) -> Number:
        """The product a*b, unwrapped; its chunks below `first` are not stored.

        `spectrum` is what the method of this name made of b, `work` the address of tiles, `place` that of the product.
        """
        if (known := self.noted(where)) is not None and verify(known[0]):
            return known[0]

        def compute(shape: DiskShape, planned: bool, tries: int, name: str):
            transform = self.transform(shape)
            if planned:
                other, tiles = spectrum, Tiles(shape, work)
                number = self.number(place, shape.stored_words, first, name)
            else:
                other, tiles = (Tiles(shape, self._grow(shape.region_bytes, f"{name}, {use}"))
                                for use in ("spectrum", "work"))
                number = self._grown_number(shape, first, name)
            if tries or not planned:        # after a fault the spectrum may be what is wrong
                transform.forward(b, other, f"{name}, b")
            transform.forward(a, tiles, f"{name}, a")
            transform.multiply(tiles, other, name)
            return number, transform.inverse(tiles, number, 1, name)

        # A balanced operand may be one word longer than the number; then the product wraps.
        product = self._checked(
            where, spectrum.shape, 2, compute,
            lambda number, top: number if number.add([(0, -top)]) == 0 and verify(number) else None)
        self.note(where, product)
        return product

    def residual(self, z: Operand, z_residue: int, a: int, b: int, at: int, length: int, shape: DiskShape, work: int,
                 place: int, where: str) -> tuple[Operand, int, int]:
        """|a*z^2 - b*B^at|, known to need at most `length` words, with its sign and residue.

        Computed modulo B^N + 1, N = shape.stored_words > length; `work` is the address of tiles, `place` that of
        the number.  Accepted when a*z^2 = sign*result + b*B^at holds modulo 2^61 - 1.
        """
        words, p = self.words, self.words.modulus.p
        if (known := self.noted(where)) is not None:
            number, fields = known
            return Operand(number, complement=fields["sign"] < 0), fields["sign"], fields["residue"]

        def compute(now: DiskShape, planned: bool, _tries: int, name: str):
            transform = self.transform(now)
            tiles = Tiles(now, work if planned else self._grow(now.region_bytes, f"{name}, work"))
            number = (self.number(place, now.stored_words, 0, name) if planned else self._grown_number(now, 0, name))
            transform.forward(z, tiles, name)
            transform.square(tiles, name)
            return number, transform.inverse(tiles, number, a, name)

        def verify(number: Number, top: int) -> tuple[Operand, int, int] | None:
            # B^at is -B^(at-N) where it wraps.
            wrapped = (at, -b) if at < number.length else (at - number.length, b)
            sign = sign_magnitude(number, top + number.add([wrapped]))
            result = Operand(number, complement=sign < 0)
            if not _fits(result, length):
                return None
            residue = number.residue()
            if sign < 0:
                residue = words.power(number.length) - 1 - residue
            holds = (a * z_residue * z_residue - sign * residue - b * words.power(at)) % p == 0
            return (result, sign, residue % p) if holds else None

        result, sign, residue = self._checked(where, shape, 1, compute, verify)
        self.note(where, result.number, sign=sign, residue=residue)
        return result, sign, residue


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
