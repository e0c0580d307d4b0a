"""Products of numbers, each one checked, each one repeated when a check fails.

A product is computed on the stored words; its round-off is measured in every
carry pass, and the caller's `verify` checks the algebra modulo 2^61 - 1: the
residues of a full product, or the identity in which a wrapped product occurs.
A round-off above ROUNDOFF_LIMIT or a false identity counts as a fault, and the
product is repeated from its operands (arithmetic.faults).  Where the round-off
is the same again, as with structured data (a short period, say), the product is
repeated with fewer digits a word.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
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

    def __init__(self, words: Words, emit: Callable, faults: Faults | None = None):
        self.words = words
        self.format = words.format
        self.max_roundoff = 0.0
        self.faults = faults or Faults(emit)
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

    def _sum_small(self, out: np.ndarray, terms: Sequence["Term"], fmt: WordFormat) -> int | Wrong:
        """out + top*B^N = the sum of products modulo B^N + 1, N = len(out), computed on words of `fmt`; returns top."""
        out[:], top = 0, 0
        for term in terms:
            full = self._full_small(term.a, term.b, fmt)
            if isinstance(full, Wrong):
                return full
            top += self.words.add_wrapped(out, full, 0, term.factor)
        return top

    # -- sums of products ---------------------------------------------------------

    def sum_of_products(self, out: np.ndarray, terms: Sequence["Term"], shape: Shape, where: str,
                        verify: Callable[[int], T]) -> T:
        """The sum of factor*a*b modulo B^N + 1, N = shape.words = len(out), as out + top*B^N, by one inverse transform;
        returns verify(top), which is false for a wrong sum.

        `verify` may change `out`; every attempt writes all of it.
        """
        transform = self.transform(shape)
        for attempt in self.faults.attempts(where, len(self.formats)):
            with attempt:
                fmt = self.formats[attempt.level]
                if fmt != self.format:
                    top = self._sum_small(out, terms, fmt)
                else:
                    for term in terms:
                        # After a fault the spectrum may be what is wrong, or have been written over by `out`.
                        if term.spectrum is not None and (attempt.tries or not term.is_ready):
                            self.spectrum(term.b, shape, term.spectrum)
                        transform.forward(term.a, fmt.radix, term.work)
                    self._rows(transform, terms)
                    top = self.rounded(transform.inverse(terms[-1].work, out, fmt.radix))
                if failpoints.ACTIVE:
                    failpoints.touch("product.words", where, out, self.format.radix)
                if isinstance(top, Wrong):
                    attempt.fail(top)
                elif found := verify(top):
                    return found
                else:
                    attempt.fail(wrong_residue(self.words.residue(out), fmt))

    @staticmethod
    def _rows(transform: Transform, terms: Sequence["Term"]) -> None:
        """Row passes: the sum is left where the last term's transform was."""
        *others, last = terms
        for term in others:
            transform.spectrum(term.work)
            transform.multiply_spectra(others[0].work, term.work, term.spectrum, term.factor, term is not others[0])
        if last.spectrum is None:
            transform.square(last.work)
        else:
            transform.multiply(last.work, last.spectrum, others[0].work if others else None)

    def spectrum(self, b: np.ndarray, shape: Shape, data: np.ndarray) -> None:
        """Write the spectrum of b for products of `shape` into `data` (shape.data_bytes)."""
        transform = self.transform(shape)
        transform.forward(b, self.format.radix, data)
        transform.spectrum(data)


@dataclass(frozen=True)
class Term:
    """A product in a sum: its operands, and arrays for their transforms (shape.data_bytes)."""

    a: np.ndarray
    b: np.ndarray
    work: np.ndarray
    """for the transform of a"""
    spectrum: np.ndarray | None = None
    """for the spectrum of b, which may share memory with the result; None for a square, which stands alone"""
    is_ready: bool = False
    """whether the spectrum is there"""
    factor: int = 1
    """1 or -1; 1 in the last term"""


def wrong_residue(value: int, fmt: WordFormat) -> Wrong:
    """The failed attempt at a product that does not satisfy its identity; `value` is the product's residue."""
    return Wrong("residue", str(value), f"words of {fmt.digits} digits")


def _aligned(count: int) -> np.ndarray:
    """An uninitialised array of `count` doubles, 64-byte aligned."""
    raw = np.empty(count + 8)
    skip = -raw.ctypes.data // 8 % 8
    return raw[skip:skip + count]
