"""The first difference between two digit files."""

from collections.abc import Callable

import numpy as np

from bigconst.reading.source import DigitText, in_pieces
from bigconst.runtime.stream import slots


class _Differ(Exception):
    """Ends the pass at the first digit that differs."""

    def __init__(self, first: int):
        self.first = first


def first_difference(a: DigitText, b: DigitText, threads: int,
                     done: Callable[[int], None] = lambda digits: None) -> int | None:
    """Number, from 0, of the first digit after the point that differs; None if the digits that both have are equal.

    Integer parts are not compared.  `done` receives the number of digits compared.  Raises InputOutputError when a
    file cannot be read or changes meanwhile.
    """
    if a.piece_bytes < b.piece_bytes:
        a, b = b, a
    common = min(a.digits, b.digits)
    buffers = np.empty((min(slots(threads), len(a.pieces(0, common))), a.piece_bytes), dtype=np.uint8)

    def make(slot: int, start: int, digits: np.ndarray) -> int | None:
        others = buffers[slot][:len(digits)]
        b.read(start, others)
        different = digits != others
        return start + int(different.argmax()) if different.any() else None

    def take(start: int, digits: np.ndarray, found: int | None) -> None:
        if found is not None:
            raise _Differ(found)

    try:
        in_pieces(a, 0, common, threads, make, take, done)
    except _Differ as different:
        a.check_unchanged()
        return different.first
    finally:
        b.check_unchanged()
    return None
