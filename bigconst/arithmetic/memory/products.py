"""Products of numbers, each one checked, each one repeated when a check fails.

A product is computed on the stored words; its round-off is measured in every
carry pass, and the caller's `verify` closes the algebra modulo 2^61 - 1: the
residues of a full product, or the identity that a wrapped product serves.  A
round-off above ROUNDOFF_LIMIT or a false identity counts as a fault, and the
product is repeated from its operands (arithmetic.faults); where the round-off is the
same again, as with structured data (a short period, say), with fewer digits a word.
"""

from collections.abc import Callable
from functools import lru_cache

import numpy as np

from bigconst.arithmetic.faults import ROUND_OFF, Faults, Wrong
from bigconst.arithmetic.memory.transform import Transform
from bigconst.arithmetic.words import Words
from bigconst.base.formats import WordFormat
from bigconst.kernels.linear import propagate
from bigconst.plans.shape import Shape, shape_for

ROUNDOFF_LIMIT = 0.4
COEFFICIENT_LIMIT = 2.0**49
"""Up to which the carry step divides exactly (kernels.columns)."""


class Products:
    """Checked products on one pool, in one word format; `emit` hears of faults."""

    def __init__(self, words: Words, emit: Callable):
        self.words = words
        self.format = words.format
        self.max_roundoff = 0.0
        self.faults = Faults(emit)
        self._transform = lru_cache(maxsize=4)(lambda shape: Transform(shape, words.pool))

    def transform(self, shape: Shape) -> Transform:
        """The transform of a shape, with its tables."""
        return self._transform(shape)

    @property
    def formats(self) -> tuple[WordFormat, ...]:
        """Words that a product is tried on, largest first."""
        return (self.format, *self.format.smaller())

    def rounded(self, stats: tuple[int, float, float]) -> int | Wrong:
        """The carry out of an inverse transform, if its rounding can be trusted."""
        top, error, peak = stats
        if error <= ROUNDOFF_LIMIT and peak < COEFFICIENT_LIMIT:
            self.max_roundoff = max(self.max_roundoff, error)
            return top
        return Wrong(ROUND_OFF, f"{error!r} {peak!r}", f"error {error:.3g}, coefficient {peak:.3g}")

    def _checked(self, where: str, out: np.ndarray, attempt: Callable[[WordFormat], int | Wrong],
                 verify: Callable[[int], bool]) -> None:
        """attempt(format) -> top carry, then verify(top), until `out` is right."""
        def once(_tries: int, level: int) -> Wrong | None:
            top = attempt(self.formats[level])
            if isinstance(top, Wrong):
                return top
            return None if verify(top) else wrong_residue(self.words.residue(out), self.formats[level])

        self.faults.repeat(where, once, len(self.formats))

    # -- on smaller words: slow, plain, outside the arena -----------------------

    def _full_small(self, a: np.ndarray, b: np.ndarray, fmt: WordFormat) -> np.ndarray | Wrong:
        """The whole product in stored words (len(a) + len(b) of them), computed on words of `fmt`."""
        a_small = self.words.regroup(a, self.format.digits, fmt.digits)
        b_small = a_small if b is a else self.words.regroup(b, self.format.digits, fmt.digits)
        shape = shape_for(len(a_small) + len(b_small))
        transform = self.transform(shape)
        data, product = _aligned(shape.data_bytes // 8), _aligned(shape.words // 2).view(np.int32)
        transform.forward(a_small, fmt.radix, data)
        if b is a:
            transform.square(data)
        else:
            spectrum = _aligned(shape.data_bytes // 8)
            transform.forward(b_small, fmt.radix, spectrum)
            transform.spectrum(spectrum)
            transform.multiply(data, spectrum)
        top = self.rounded(transform.inverse(data, product, fmt.radix))
        if isinstance(top, Wrong):
            return top
        propagate(product, 0, len(product), -top, fmt.radix)
        return self.words.regroup(product, fmt.digits, self.format.digits)[:len(a) + len(b)]

    # -- the three products of the ladder ----------------------------------------

    def square_wrapped(self, out: np.ndarray, a: np.ndarray, shape: Shape, work: np.ndarray, where: str,
                       verify: Callable[[int], bool]) -> None:
        """a^2 modulo B^N + 1, N = shape.words = len(out): out + top*B^N for verify(top).

        `verify` may change `out`; every attempt writes all of it.
        """
        transform = self.transform(shape)

        def attempt(fmt: WordFormat) -> int | Wrong:
            if fmt != self.format:
                full = self._full_small(a, a, fmt)
                return full if isinstance(full, Wrong) else self.words.wrap(out, full)
            transform.forward(a, fmt.radix, work)
            transform.square(work)
            return self.rounded(transform.inverse(work, out, fmt.radix))

        self._checked(where, out, attempt, verify)

    def spectrum(self, b: np.ndarray, shape: Shape, data: np.ndarray) -> None:
        """`data` becomes the spectrum of b for products of `shape`."""
        transform = self.transform(shape)
        transform.forward(b, self.format.radix, data)
        transform.spectrum(data)

    def multiply(self, out: np.ndarray, a: np.ndarray, b: np.ndarray, b_spectrum: np.ndarray, shape: Shape,
                 work: np.ndarray, where: str, verify: Callable[[], bool]) -> None:
        """out (shape.words) = a*b, unwrapped; `b_spectrum` as made by `spectrum`, and may share memory with out."""
        transform = self.transform(shape)
        tried = False

        def attempt(fmt: WordFormat) -> int | Wrong:
            nonlocal tried
            again, tried = tried, True
            if fmt != self.format:
                full = self._full_small(a, b, fmt)
                if isinstance(full, Wrong):
                    return full
                out[:len(full)] = full
                out[len(full):] = 0
                return 0
            if again:       # the spectrum may be what is wrong, or have been written over by `out`
                self.spectrum(b, shape, b_spectrum)
            transform.forward(a, fmt.radix, work)
            transform.multiply(work, b_spectrum)
            return self.rounded(transform.inverse(work, out, fmt.radix))

        # Balanced operands may reach one word further than they are long, and wrap.
        self._checked(where, out, attempt, lambda top: self.words.add_at(out, 0, -top) == 0 and verify())


def wrong_residue(value: int, fmt: WordFormat) -> Wrong:
    """A product that does not satisfy its identity."""
    return Wrong("residue", str(value), f"words of {fmt.digits} digits")


def _aligned(count: int) -> np.ndarray:
    """`count` doubles, 64-byte aligned."""
    raw = np.empty(count + 8)
    skip = -raw.ctypes.data // 8 % 8
    return raw[skip:skip + count]
