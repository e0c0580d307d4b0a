"""Products of numbers, each one checked, each one repeated on smaller words when a check fails.

A product is computed on the stored words; its round-off is measured in every
carry pass, and the caller's `verify` closes the algebra modulo 2^61 - 1: the
residues of a full product, or the identity that a wrapped product serves.  A
round-off above ROUNDOFF_LIMIT or a false identity counts as a fault; the
product is then repeated from its operands with fewer digits a word, which
structured data (a short period, say) may need, and which an error of the
hardware survives once.
"""

from collections import Counter
from collections.abc import Callable, Iterable
from functools import lru_cache

import numpy as np

from bigconst.arithmetic.transform import Transform
from bigconst.arithmetic.words import Words
from bigconst.errors import FaultError
from bigconst.events import Fault
from bigconst.formats import WordFormat
from bigconst.kernels.linear import propagate
from bigconst.shape import Shape, shape_for

ROUNDOFF_LIMIT = 0.4
COEFFICIENT_LIMIT = 2.0**49
"""Up to which the carry step divides exactly (kernels.columns)."""


class Products:
    """Checked products on one pool, in one word format; `emit` hears of faults."""

    def __init__(self, words: Words, emit: Callable):
        self.words = words
        self.format = words.format
        self.max_roundoff = 0.0
        self.faults: Counter = Counter()
        self._emit = emit
        self._transform = lru_cache(maxsize=4)(lambda shape: Transform(shape, words.pool))

    def transform(self, shape: Shape) -> Transform:
        """The transform of a shape, with its tables."""
        return self._transform(shape)

    @property
    def formats(self) -> tuple[WordFormat, ...]:
        """Words that a product is tried on, largest first."""
        return (self.format, *self.format.smaller())

    def rounded(self, stats: tuple[int, float, float], where: str) -> int | None:
        """The carry out of an inverse transform, or None when its rounding cannot be trusted."""
        top, error, peak = stats
        if error <= ROUNDOFF_LIMIT and peak < COEFFICIENT_LIMIT:
            self.max_roundoff = max(self.max_roundoff, error)
            return top
        self._fault("round-off", where, f"error {error:.3g}, coefficient {peak:.3g}")
        return None

    def _fault(self, kind: str, where: str, message: str) -> None:
        self.faults[kind] += 1
        self._emit(Fault(kind, where, message))

    def checked(self, where: str, formats: Iterable[WordFormat], attempt: Callable[[WordFormat], int | None],
                verify: Callable[[int], bool]) -> None:
        """attempt(format) -> top carry or None, then verify(top), over ever smaller words."""
        for fmt in formats:
            top = attempt(fmt)
            if top is None:
                continue
            if verify(top):
                return
            self._fault("residue", where, f"words of {fmt.digits} digits")
        raise FaultError(f"{where}: wrong with words of every size, so an operand, the memory or the program is")

    # -- on smaller words: slow, plain, outside the arena -----------------------

    def _full_small(self, a: np.ndarray, b: np.ndarray, fmt: WordFormat, where: str) -> np.ndarray | None:
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
        top = self.rounded(transform.inverse(data, product, fmt.radix), where)
        if top is None:
            return None
        propagate(product, 0, len(product), -top, fmt.radix)
        return self.words.regroup(product, fmt.digits, self.format.digits)[:len(a) + len(b)]

    # -- the three products of the ladder ----------------------------------------

    def square_wrapped(self, out: np.ndarray, a: np.ndarray, shape: Shape, work: np.ndarray, where: str,
                       verify: Callable[[int], bool]) -> None:
        """a^2 modulo B^N + 1, N = shape.words = len(out): out + top*B^N for verify(top).

        `verify` may change `out`; every attempt writes all of it.
        """
        transform = self.transform(shape)

        def attempt(fmt: WordFormat) -> int | None:
            if fmt != self.format:
                full = self._full_small(a, a, fmt, where)
                return None if full is None else self.words.wrap(out, full)
            transform.forward(a, fmt.radix, work)
            transform.square(work)
            return self.rounded(transform.inverse(work, out, fmt.radix), where)

        self.checked(where, self.formats, attempt, verify)

    def spectrum(self, b: np.ndarray, shape: Shape, data: np.ndarray) -> None:
        """`data` becomes the spectrum of b for products of `shape`."""
        transform = self.transform(shape)
        transform.forward(b, self.format.radix, data)
        transform.spectrum(data)

    def multiply(self, out: np.ndarray, a: np.ndarray, b: np.ndarray, b_spectrum: np.ndarray, shape: Shape,
                 work: np.ndarray, where: str, verify: Callable[[], bool]) -> None:
        """out (shape.words) = a*b, unwrapped; `b_spectrum` as made by `spectrum`, and may share memory with out."""
        transform = self.transform(shape)

        def attempt(fmt: WordFormat) -> int | None:
            if fmt != self.format:
                full = self._full_small(a, b, fmt, where)
                if full is None:
                    return None
                out[:len(full)] = full
                out[len(full):] = 0
                return 0
            transform.forward(a, fmt.radix, work)
            transform.multiply(work, b_spectrum)
            return self.rounded(transform.inverse(work, out, fmt.radix), where)

        # Balanced operands may reach one word further than they are long, and wrap.
        self.checked(where, self.formats, attempt, lambda top: self.words.add_at(out, 0, -top) == 0 and verify())


def _aligned(count: int) -> np.ndarray:
    """`count` doubles, 64-byte aligned."""
    raw = np.empty(count + 8)
    skip = -raw.ctypes.data // 8 % 8
    return raw[skip:skip + count]
