"""The files of a computation, from the words of the number and of its remainder, wherever these are."""

from collections.abc import Callable
from typing import Protocol

import numpy as np
import xxhash

from bigconst.arithmetic.words import Words
from bigconst.base.errors import FaultError
from bigconst.base.version import __version__
from bigconst.constants.bounds import Bounds
from bigconst.constants.digits import write_digits
from bigconst.constants.remainder import write_certificate
from bigconst.plans.certificate import Header, within_bound
from bigconst.plans.plan import Plan

COMPARED_WORDS = 2048

Read = Callable[[int, int], np.ndarray]
"""a function (start, stop) that returns words start .. stop-1 of a number, zeros beyond it; threads may call it"""


class Sink(Protocol):
    """A file of which pieces are written in any order."""

    def write_at(self, offset: int, data: memoryview) -> None:
        """Write `data` at `offset`."""


class Files:
    """Text and certificate of a plan."""

    def __init__(self, plan: Plan, bounds: Bounds, words: Words, text: Sink, certificate: Sink | None):
        self._plan, self._bounds, self._words = plan, bounds, words
        self._text, self._certificate = text, certificate
        self._hasher = xxhash.xxh3_128()

    def write_text(self, x: Read, residue: int) -> tuple[str, int]:
        """Write the digits of x; returns the last ones and the digit hash."""
        self._hasher.reset()
        return write_digits(self._plan, self._bounds, self._words, x, residue, self._text, self._hasher)

    def write_certificate(self, x: Read, r: Read, residue: int, is_positive: bool) -> None:
        """Write the certificate, after the text: `r` reads the magnitude of z^2 - d*B^(2*words) for the cut number z,
        of which follow residue and sign.

        Raises FaultError when it is not within its bounds.
        """
        plan, bounds, words, p = self._plan, self._bounds, self._words, self._words.modulus.p
        fmt, root = plan.format, plan.constant.root
        spare = plan.text_words * fmt.digits - plan.digits
        below = plan.words - plan.text_words
        # z is P*G, or 2*P*G - B^words for phi: what is published is the remainder divided by G^2, or by 4*G^2.
        whole, digits = divmod(2 * spare, fmt.digits)
        bits = 2 if root.kind == "phi" else 0

        def published(start: int, stop: int) -> np.ndarray:
            found = r(2 * below + whole + start, 2 * below + whole + stop + 2)
            return words.quotient(found, digits, bits)[:stop - start]

        def p_value(low: int, high: int) -> int:
            high = min(high, plan.text_words + 1)       # P has fewer words than r is stored in
            if low >= high:
                return 0
            top = min(below + high + 1, plan.words + 1)
            return words.to_int(words.quotient(x(below + low, top), spare, 0)[:high - low])

        if is_positive or not within_bound(root, plan.base, plan.digits, COMPARED_WORDS,
                                           lambda low, high: words.to_int(published(low, high)), p_value):
            raise FaultError("the remainder of the digits is not within its bounds")
        header = Header(root, plan.base, plan.digits, False, __version__, self._hasher.hexdigest())
        residue = residue * pow(4, -(bits // 2), p) * pow(bounds.guard_range, -2, p) % p
        write_certificate(words, header, published, residue, self._certificate)
