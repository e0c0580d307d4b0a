"""A strict digit file, and work on all of its digits in pieces.

A strict file holds integer part, point, digits, newline, and nothing else: the
commands that read it report positions, which would mean nothing in another
layout.  Digits are counted from 0 here; positions that people see from 1.
"""

import os
import re
from collections.abc import Callable
from typing import TypeVar

import numpy as np

from bigconst.base.errors import InputOutputError, UsageError
from bigconst.base.units import format_count
from bigconst.runtime.stream import in_order, slots
from bigconst.storage.digitfile import END_DIGITS, check_digits, open_digits

_HEAD = re.compile(rb"([0-9a-f]{1,40})\.")
DIGITS = {10: b"0123456789", 16: b"0123456789abcdef"}
"""The characters of each base."""

T = TypeVar("T")


class DigitText:
    """The digits of an open file, text, zstandard or .ycd.

    Raises InputOutputError when there is no such file or when it is no strict digit file.  Digits at both ends are
    checked, so that a text in lines or with other line ends is refused; those between them not until they are read.
    """

    def __init__(self, path: str):
        self.path = path
        self._file = open_digits(path)
        self.piece_bytes = self._file.piece_bytes
        """bytes of text that are best read at once, beginning at a multiple of that number"""
        try:
            self._locate()
        except BaseException:
            self._file.__exit__()
            raise

    def _locate(self) -> None:
        size = self._file.text_bytes
        sample = self._file.raw(0, min(size, END_DIGITS))
        head = _HEAD.match(sample)
        if head is None:
            from bigconst.storage.layouts import unreadable

            raise unreadable(self.path, sample, sample)
        self.whole = head[1].decode()
        """The integer part."""
        self._before = head.end()
        rest = self._file.raw(max(self._before, size - END_DIGITS), size)
        tail = rest.removesuffix(b"\n")
        end = size - (len(rest) - len(tail))
        self.digits = end - self._before
        """Number of digits after the point."""
        sample = sample[self._before:end]
        # Without a letter among its first digits the text is decimal: in a random hexadecimal one that happens with
        # probability 1e-830.  Words behind few digits have letters, too.
        letter = re.match(rb"[0-9.]*[a-f]", head[0] + sample)
        named = 16 if ".hex.txt" in os.path.basename(self.path) or letter else 10
        self.base = self._file.base or named
        """10 or 16, as the file says, else according to its name and its first digits."""
        if self.digits == 0:
            #: As for "… is empty".
            raise InputOutputError(f"{self.path} has no digits after the point", "name another file")
        self.check(0, np.frombuffer(sample, dtype=np.uint8))
        self.check(self.digits - len(tail), np.frombuffer(tail, dtype=np.uint8))
        if len(rest) == len(tail):
            raise InputOutputError(f"{self.path} does not end with a newline, it may be cut short",
                                   "copy it again, or add the newline if no digit is missing")

    @property
    def is_packed(self) -> bool:
        """Whether kernels, where they are loaded, read it faster."""
        return self._file.base is not None

    def __enter__(self) -> "DigitText":
        return self

    def __exit__(self, *_exception) -> None:
        self._file.__exit__()

    def read(self, first: int, buffer: np.ndarray) -> None:
        """Fill a uint8 buffer with the characters from digit `first` on, without checking that they are digits.

        The text must be long enough.  Raises InputOutputError.
        """
        self._file.read_into(buffer, self._before + first)

    def digits_at(self, first: int, count: int) -> str:
        """`count` digits from `first` on, checked.  0 <= first, first + count <= digits.  Raises InputOutputError."""
        buffer = np.empty(count, dtype=np.uint8)
        self.read(first, buffer)
        self.check(first, buffer)
        return buffer.tobytes().decode()

    def check(self, first: int, digits: np.ndarray) -> None:
        """Raise InputOutputError, which names the first character that is no digit; digits[0] is digit `first`."""
        check_digits(self.path, first, digits, self.base)

    def check_position(self, position: int) -> None:
        """Raise UsageError, which names the last position, when `position` (from 1) is beyond it."""
        if position > self.digits:
            raise UsageError(f"{self.path} has no position {format_count(position)}",
                             f"its last one is {format_count(self.digits)}")

    def check_unchanged(self) -> None:
        """Raise InputOutputError when the file was written to since it was opened."""
        self._file.check_unchanged()

    def pieces(self, first: int, stop: int) -> list[tuple[int, int]]:
        """Ranges (start, stop) that cover digits first .. stop-1, cut at multiples of piece_bytes of the text."""
        size = self.piece_bytes
        begin = (self._before + first) // size * size
        cuts = range(begin + size - self._before, stop, size)
        borders = [first, *cuts, stop]
        return list(zip(borders, borders[1:], strict=False))


def in_pieces(text: DigitText, first: int, stop: int, threads: int, make: Callable[[int, int, np.ndarray], T],
              take: Callable[[int, np.ndarray, T], None], done: Callable[[int], None] = lambda digits: None) -> None:
    """Call take(start, digits, make(slot, start, digits)) for each piece of the digits first .. stop-1, in order.

    `digits` are the characters of the piece that begins with digit `start`, uint8, not checked.  `make` runs on
    several threads, but never at once with the same slot (0 .. slots(threads)-1).  `done` receives the number of
    digits taken so far.  Raises InputOutputError when the file cannot be read or changes meanwhile.
    """
    ranges = text.pieces(first, stop)
    buffers = np.empty((min(slots(threads), len(ranges)), text.piece_bytes), dtype=np.uint8)

    def read(i: int, slot: int) -> tuple[int, np.ndarray, T]:
        start, end = ranges[i]
        digits = buffers[slot][:end - start]
        text.read(start, digits)
        return start, digits, make(slot, start, digits)

    def taken(result: tuple[int, np.ndarray, T]) -> None:
        take(*result)
        done(result[0] + len(result[1]) - first)

    in_order(threads, len(ranges), read, taken)
    text.check_unchanged()
