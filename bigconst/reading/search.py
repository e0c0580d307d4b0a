"""The first occurrence of a pattern of digits."""

from collections.abc import Callable

import numpy as np

from bigconst.kernels.search import find_borders, find_pattern
from bigconst.reading.source import DigitText, in_pieces


class _Found(Exception):
    """Ends the pass: nothing after this digit matters."""

    def __init__(self, first: int):
        self.first = first


def find(text: DigitText, pattern: str, first: int, threads: int,
         done: Callable[[int], None] = lambda digits: None) -> int | None:
    """Number, from 0, of the digit at which `pattern` begins first, from digit `first` on; None if it does not occur.

    `pattern` has at least one digit, all of the base of the text.  `done` receives the number of digits searched.
    Raises InputOutputError when a character before the pattern is no digit.
    """
    wanted = np.frombuffer(pattern.encode(), dtype=np.uint8)
    borders = np.empty(len(wanted), dtype=np.int32)
    find_borders(borders, wanted)
    before = len(pattern) - 1
    last = b""
    """Last digits of the pieces taken so far: the pattern may begin there and end in the next piece."""

    def make(slot: int, start: int, digits: np.ndarray) -> int:
        return find_pattern(digits, wanted, borders, text.base)

    def take(start: int, digits: np.ndarray, found: int) -> None:
        nonlocal last
        across = (last + digits[:before].tobytes()).find(wanted.tobytes())
        if across >= 0:
            raise _Found(start - len(last) + across)
        if found < -1:
            text.check(start, digits)
        if found >= 0:
            raise _Found(start + found)
        if before:
            last = (last + digits[-before:].tobytes())[-before:]

    try:
        in_pieces(text, first, text.digits, threads, make, take, done)
    except _Found as found:
        text.check_unchanged()
        return found.first
    return None
