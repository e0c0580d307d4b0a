"""The first difference between two digit files."""

from collections.abc import Callable

import numpy as np

from bigconst.reading.source import DigitText, in_pieces
from bigconst.runtime.stream import slots
from bigconst.storage.digitfile import all_digits


class _Differ(Exception):
    """Ends the pass at the first digit that differs."""

    def __init__(self, first: int):
        self.first = first


def _equal(a: np.ndarray, b: np.ndarray) -> int:
    """How many characters of two uint8 arrays of one length are equal before the first that differs."""
    eights = len(a) // 8 * 8
    at = eights
    if (different := a[:eights].view(np.uint64) != b[:eights].view(np.uint64)).any():
        at = 8 * int(different.argmax())
    while at < len(a) and a[at] == b[at]:
        at += 1
    return at


def first_difference(a: DigitText, b: DigitText, threads: int,
                     done: Callable[[int], None] = lambda digits: None) -> int | None:
    """Number, from 0, of the first digit after the point that differs; None if the digits that both have are equal.

    Integer parts are not compared.  `done` receives the number of digits compared.  Raises InputOutputError when a
    file cannot be read or changes meanwhile, or when one of the characters that were compared is no digit.
    """
    if a.piece_bytes < b.piece_bytes:
        a, b = b, a
    common = min(a.digits, b.digits)
    buffers = np.empty((min(slots(threads), len(a.pieces(0, common))), a.piece_bytes), dtype=np.uint8)
    # Equal characters need to be checked once; the same character may be a digit for one text alone.
    checked = a if a.base <= b.base else b

    def make(slot: int, start: int, digits: np.ndarray) -> tuple[int, bool]:
        others = buffers[slot][:len(digits)]
        b.read(start, others)
        equal = _equal(digits, others)
        return equal, all_digits(digits[:equal], checked.base, others[:equal])

    def take(start: int, digits: np.ndarray, made: tuple[int, bool]) -> None:
        equal, right = made
        if not right:
            checked.check(start, digits[:equal])
        if equal < len(digits):
            for text in (a, b):
                text.digits_at(start + equal, 1)
            raise _Differ(start + equal)

    try:
        in_pieces(a, 0, common, threads, make, take, done)
    except _Differ as different:
        a.check_unchanged()
        return different.first
    finally:
        b.check_unchanged()
    return None
