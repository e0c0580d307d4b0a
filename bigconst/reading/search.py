"""Where a pattern of digits occurs first."""

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
    """The first digit, from `first` on and counted from 0, where `pattern` begins; None if it is not in the text.

    At least one digit, all of the base of the text.  Raises InputOutputError when a character before it is no digit.
    """
    wanted = np.frombuffer(pattern.encode(), dtype=np.uint8)
    borders = np.empty(len(wanted), dtype=np.int32)
    find_borders(borders, wanted)
    before = len(pattern) - 1
    last = b""
    """The end of all that was taken: the pattern may begin there and go on in the next piece."""

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
