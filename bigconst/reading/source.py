"""A strict digit file, and work on all of its digits in pieces.

Integer part, point, digits, newline, and nothing else: what the commands here
tell are positions, which mean nothing in a file of another layout.  Digits are
counted from 0 here, positions that people see from 1.
"""

import os
import re
from collections.abc import Callable
from typing import Any

import numpy as np

from bigconst.base.errors import InputOutputError, UsageError
from bigconst.base.units import format_count
from bigconst.runtime.stream import in_order, slots
from bigconst.storage.digitfile import open_digits

_HEAD = re.compile(rb"([0-9a-f]{1,40})\.")
_SAMPLE_DIGITS = 4096
"""Without a letter among so many, digits are decimal: a random hexadecimal text has none with probability 1e-836."""
_REMEDY = "name a file of integer part, point, digits and a newline, as bigconst writes it"
DIGITS = {10: b"0123456789", 16: b"0123456789abcdef"}
"""The characters of each base."""


class DigitText:
    """The digits of an open file, text or zstandard.

    Raises InputOutputError when there is no such file or when it is no strict digit file; what its digits are is seen
    when they are read.
    """

    def __init__(self, path: str):
        self.path = path
        self._file = open_digits(path)
        self.piece_bytes = self._file.piece_bytes
        """of text that are read at once, at multiples of it"""
        try:
            self._locate()
        except BaseException:
            self._file.__exit__()
            raise

    def _locate(self) -> None:
        size = self._file.text_bytes
        if size == 0:
            raise InputOutputError(f"{self.path} is empty", _REMEDY)
        head = _HEAD.match(self._file.raw(0, min(size, 64)))
        if head is None:
            raise InputOutputError(f"{self.path} does not begin with an integer part and a point", _REMEDY)
        self.whole = head[1].decode()
        """The integer part."""
        self._before = head.end()
        if self._file.raw(size - 1, size) != b"\n":
            raise InputOutputError(f"{self.path} does not end with a newline, it may be cut short",
                                   "copy it again, or add the newline if no digit is missing")
        self.digits = size - 1 - self._before
        """Digits after the point."""
        if self.digits == 0:
            raise InputOutputError(f"{self.path} has no digits after the point", _REMEDY)
        sample = self.whole.encode() + self._file.raw(self._before, min(self._before + _SAMPLE_DIGITS, size - 1))
        self.base = 16 if ".hex.txt" in os.path.basename(self.path) or re.search(rb"[a-f]", sample) else 10
        """10 or 16, by the name of the file and its first digits."""

    def __enter__(self) -> "DigitText":
        return self

    def __exit__(self, *_exception) -> None:
        self._file.__exit__()

    def read(self, first: int, buffer: np.ndarray) -> None:
        """Fill a uint8 buffer with the digits from `first` on, all of which must be there; they are not checked."""
        self._file.read_into(buffer, self._before + first)

    def digits_at(self, first: int, count: int) -> str:
        """`count` digits from `first` on, checked.  0 <= first, first + count <= digits."""
        buffer = np.empty(count, dtype=np.uint8)
        self.read(first, buffer)
        self.check(first, buffer)
        return buffer.tobytes().decode()

    def check(self, first: int, digits: np.ndarray) -> None:
        """InputOutputError names the first character that is no digit; `first` is the digit that digits[0] is."""
        data = digits.tobytes()
        if foreign := data.translate(None, DIGITS[self.base])[:1]:
            position = format_count(first + data.index(foreign) + 1)
            raise InputOutputError(f"{self.path}: character {chr(foreign[0])!r} as digit {position} after the point "
                                   f"is none of base {self.base}", _REMEDY)

    def check_position(self, position: int) -> None:
        """UsageError names the last position when this one (from 1) is beyond it."""
        if position > self.digits:
            raise UsageError(f"{self.path} has no position {format_count(position)}",
                             f"its last one is {format_count(self.digits)}")

    def check_unchanged(self) -> None:
        """InputOutputError when the file was written to since it was opened."""
        self._file.check_unchanged()

    def pieces(self, first: int, stop: int) -> list[tuple[int, int]]:
        """Ranges of digits that cover first .. stop-1, cut where the text is at multiples of piece_bytes."""
        size = self.piece_bytes
        begin = (self._before + first) // size * size
        cuts = range(begin + size - self._before, stop, size)
        borders = [first, *cuts, stop]
        return list(zip(borders, borders[1:], strict=False))


def in_pieces(text: DigitText, first: int, stop: int, threads: int, make: Callable[[int, int, np.ndarray], Any],
              take: Callable[[int, np.ndarray, Any], None], done: Callable[[int], None] = lambda digits: None) -> None:
    """Work on the digits first .. stop-1: take(start, digits, make(slot, start, digits)), taken in order.

    `digits` are the digits from `start` on, uint8, not checked.  `make` runs on several threads, each slot
    (0 .. slots(threads)-1) at one time in one of them.  `done` is told how many digits have been taken.
    """
    ranges = text.pieces(first, stop)
    buffers = np.empty((min(slots(threads), len(ranges)), text.piece_bytes), dtype=np.uint8)

    def read(i: int, slot: int) -> tuple:
        start, end = ranges[i]
        digits = buffers[slot][:end - start]
        text.read(start, digits)
        return start, digits, make(slot, start, digits)

    def taken(result: tuple) -> None:
        take(*result)
        done(result[0] + len(result[1]) - first)

    in_order(threads, len(ranges), read, taken)
    text.check_unchanged()
