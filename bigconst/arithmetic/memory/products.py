"""Products of numbers, each one checked, each one repeated when a check fails.

A product is computed on the stored words; its round-off is measured in every
carry pass, and the caller's `verify` checks the algebra modulo 2^61 - 1: the
residues of a full product, or the identity in which a wrapped product occurs.
A round-off above ROUNDOFF_LIMIT or a false identity counts as a fault, and the
product is repeated from its operands (arithmetic.faults).  Where the round-off
is the same again, as with structured data (a short period, say), the product is
repeated with fewer digits a word.
"""

from collections.abc import Callable
from functools import lru_cache
from typing import TypeVar

import numpy as np

from bigconst.arithmetic.faults import ROUND_OFF, Faults, Wrong
from bigconst.arithmetic.memory.transform import Transform
from bigconst.arithmetic.words import Words
from bigconst.base import failpoints
from bigconst.base.formats import WordFormat
from bigconst.kernels.propagate import propagate
from bigconst.plans.shape import Shape, shape_for

T = TypeVar("T")

ROUNDOFF_LIMIT = 0.4
COEFFICIENT_LIMIT = 2.0**49
"""Bound on the coefficients below which the carry step divides exactly (kernels.columns)."""


class Products:
    """Checked products on one pool, in one word format; `emit` receives an event for every fault."""

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
        """Word formats that a product is tried in, largest words first."""
        return (self.format, *self.format.smaller())

    def rounded(self, stats: tuple[int, float, float]) -> int | Wrong:
        """The carry out of an inverse transform, given its (carry, error, peak), or Wrong if its rounding cannot be
        trusted."""
        top, error, peak = stats
        if error <= ROUNDOFF_LIMIT and peak < COEFFICIENT_LIMIT:
            self.max_roundoff = max(self.max_roundoff, error)
            return top
        return Wrong(ROUND_OFF, f"{error!r} {peak!r}", f"error {error:.3g}, coefficient {peak:.3g}")

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
                       verify: Callable[[int], T]) -> T:
        """a^2 modulo B^N + 1, N = shape.words = len(out), as out + top*B^N; returns verify(top), which is false for a
        wrong square.

        `verify` may change `out`; every attempt writes all of it.
        """
        transform = self.transform(shape)
        for attempt in self.faults.attempts(where, len(self.formats)):
            with attempt:
                fmt = self.formats[attempt.level]
                if fmt != self.format:
                    full = self._full_small(a, a, fmt)
                    top = full if isinstance(full, Wrong) else self.words.wrap(out, full)
                else:
                    transform.forward(a, fmt.radix, work)
                    transform.square(work)
                    top = self.rounded(transform.inverse(work, out, fmt.radix))
                if failpoints.ACTIVE:
                    failpoints.touch("square.words", where, out, self.format.radix)
                if isinstance(top, Wrong):
                    attempt.fail(top)
                elif found := verify(top):
                    return found
                else:
                    attempt.fail(wrong_residue(self.words.residue(out), fmt))

    def spectrum(self, b: np.ndarray, shape: Shape, data: np.ndarray) -> None:
        """Write the spectrum of b for products of `shape` into `data` (shape.data_bytes)."""
        transform = self.transform(shape)
        transform.forward(b, self.format.radix, data)
        transform.spectrum(data)

    def multiply(self, out: np.ndarray, a: np.ndarray, b: np.ndarray, b_spectrum: np.ndarray, shape: Shape,
                 work: np.ndarray, where: str, verify: Callable[[], T]) -> T:
        """out (shape.words) = a*b, unwrapped; returns verify(), which is false for a wrong product.

        `b_spectrum` is as made by `spectrum`, and may share memory with out.
        """
        transform = self.transform(shape)
        for attempt in self.faults.attempts(where, len(self.formats)):
            with attempt:
                fmt = self.formats[attempt.level]
                if fmt != self.format:
                    top = self._multiply_small(out, a, b, fmt)
                else:
                    if attempt.tries:   # the spectrum may be what is wrong, or have been written over by `out`
                        self.spectrum(b, shape, b_spectrum)
                    transform.forward(a, fmt.radix, work)
                    transform.multiply(work, b_spectrum)
                    top = self.rounded(transform.inverse(work, out, fmt.radix))
                if failpoints.ACTIVE:
                    failpoints.touch("product.words", where, out, self.format.radix)
                if isinstance(top, Wrong):
                    attempt.fail(top)
                # Balanced operands may reach one word further than they are long, and wrap.
                elif self.words.add_at(out, 0, -top) == 0 and (found := verify()):
                    return found
                else:
                    attempt.fail(wrong_residue(self.words.residue(out), fmt))

    def _multiply_small(self, out: np.ndarray, a: np.ndarray, b: np.ndarray, fmt: WordFormat) -> int | Wrong:
        """out = a*b on words of `fmt`; the carry out of it, which is 0."""
        full = self._full_small(a, b, fmt)
        if isinstance(full, Wrong):
            return full
        out[:len(full)] = full
        out[len(full):] = 0
        return 0


def wrong_residue(value: int, fmt: WordFormat) -> Wrong:
    """The failed attempt at a product that does not satisfy its identity; `value` is the product's residue."""
    return Wrong("residue", str(value), f"words of {fmt.digits} digits")


def _aligned(count: int) -> np.ndarray:
    """An uninitialised array of `count` doubles, 64-byte aligned."""
    raw = np.empty(count + 8)
    skip = -raw.ctypes.data // 8 % 8
    return raw[skip:skip + count]
