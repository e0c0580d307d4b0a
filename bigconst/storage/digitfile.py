"""Reading a file of digits piece by piece: where the digits are is decided once, what they mean elsewhere.

The content of a file is I.F, IF or F, I the integer part and F the digits after
the point, with an optional newline at the end; in a lenient file spaces, tabs
and line ends may stand anywhere.
"""

import os
import stat
from dataclasses import dataclass

import numpy as np

from bigconst.errors import InputOutputError, VerificationError

PIECE_BYTES = 2 << 20
WHITE = b" \t\r\n"
_HEAD_BYTES = 64


def open_regular(path: str) -> tuple[int, os.stat_result]:
    """A descriptor for reading and its stat; InputOutputError names what is wrong with the file."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError as error:
        raise InputOutputError(f"cannot read {path}: {error.strerror}", "name a file that is there") from error
    info = os.fstat(fd)
    if not stat.S_ISREG(info.st_mode):
        os.close(fd)
        raise InputOutputError(f"{path} is a directory or device", "name a file")
    return fd, info


def read_exactly(fd: int, buffer: np.ndarray, offset: int, path: str) -> None:
    """Fill a uint8 buffer from `offset` of the file; InputOutputError if the file has become shorter."""
    view, done = memoryview(buffer), 0
    while done < len(view):
        try:
            count = os.preadv(fd, [view[done:]], offset + done)
        except OSError as error:
            raise InputOutputError(f"cannot read {path}: {error.strerror}", "check its disk") from error
        if count == 0:
            raise InputOutputError(f"{path} became shorter while it was read", "let nothing write to it")
        done += count


def unchanged(before: os.stat_result, fd: int, path: str) -> None:
    """Raise InputOutputError when the file is not what it was."""
    after = os.fstat(fd)
    if (before.st_size, before.st_mtime_ns, before.st_ino) != (after.st_size, after.st_mtime_ns, after.st_ino):
        raise InputOutputError(f"{path} changed while it was read", "let nothing write to it and verify again")


@dataclass(frozen=True)
class Piece:
    """Bytes start..stop-1 of the file, which hold digits first..first+count-1 of F (from 0)."""

    start: int
    stop: int
    skip: int
    """content bytes of the piece that belong to I and the point"""
    first: int
    count: int


class DigitFile:
    """An open digit file; `digits` is known after `locate`."""

    def __init__(self, path: str, lenient: bool = False):
        self.path = path
        self.lenient = lenient
        self._fd, self._info = open_regular(path)
        self.size_bytes = self._info.st_size
        self.digits = 0
        self.pieces: list[Piece] = []

    def __enter__(self) -> "DigitFile":
        return self

    def __exit__(self, *_exception) -> None:
        os.close(self._fd)

    def check_unchanged(self) -> None:
        """Raise InputOutputError when the file was written to since it was opened."""
        unchanged(self._info, self._fd, self.path)

    def _raw(self, start: int, stop: int) -> bytes:
        buffer = np.empty(stop - start, dtype=np.uint8)
        read_exactly(self._fd, buffer, start, self.path)
        return buffer.tobytes()

    def _blocks(self) -> list[tuple[int, int, int]]:
        """(start, stop, content bytes) of every block; in a lenient file this takes a pass."""
        end = self.size_bytes
        if not self.lenient and end and self._raw(end - 1, end) == b"\n":
            end -= 1
        borders = [*range(0, end, PIECE_BYTES), end]
        pairs = zip(borders, borders[1:], strict=False)
        if not self.lenient:
            return [(a, b, b - a) for a, b in pairs]
        return [(a, b, len(self._raw(a, b).translate(None, WHITE))) for a, b in pairs]

    def locate(self, integer_part: str, digits: int | None) -> None:
        """Find F, which must have `digits` digits, or any number for None.

        Raises VerificationError when the file cannot be one of `digits` digits
        of a number with this integer part.
        """
        blocks = self._blocks()
        content = sum(kept for _, _, kept in blocks)
        head = self._raw(0, min(self.size_bytes, PIECE_BYTES if self.lenient else _HEAD_BYTES))
        head = (head.translate(None, WHITE) if self.lenient else head.rstrip(b"\n"))[:_HEAD_BYTES]
        part = integer_part.encode()
        if b"." in head:
            if head[:head.index(b".")] != part:
                raise VerificationError(f"{self.path} does not begin with {integer_part}.")
            before = len(part) + 1
        elif digits is not None:
            before = content - digits if content > digits else 0
            if before not in (0, len(part)) or head[:before] != part[:before]:
                raise VerificationError(f"{self.path} does not have {digits} digits after {integer_part}.")
        else:
            before = len(part) if head.startswith(part) else 0
        self.digits = content - before
        if self.digits < 1 or digits not in (None, self.digits):
            raise VerificationError(f"{self.path} has {max(self.digits, 0)} digits after the point"
                                    + (f", the certificate says {digits}" if digits is not None else ""))
        self.pieces, first = [], -before
        for start, stop, kept in blocks:
            skip = min(kept, max(0, -first))
            self.pieces.append(Piece(start, stop, skip, max(first, 0), kept - skip))
            first += kept

    def read(self, piece: Piece, buffer: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(all bytes of the piece, its digits of F), uint8; the first lie in `buffer`."""
        raw = buffer[:piece.stop - piece.start]
        read_exactly(self._fd, raw, piece.start, self.path)
        content = raw
        if self.lenient:
            content = np.frombuffer(raw.tobytes().translate(None, WHITE), dtype=np.uint8)
            if len(content) != piece.skip + piece.count:
                raise InputOutputError(f"{self.path} changed while it was read", "let nothing write to it")
        return raw, content[piece.skip:piece.skip + piece.count]

    def rest(self) -> bytes:
        """What follows the last piece: the newline at the end of a strict file."""
        end = self.pieces[-1].stop
        return self._raw(end, self.size_bytes)

    def digits_at(self, first: int, count: int) -> bytes:
        """Digits first .. first+count-1 of F (from 0)."""
        out = b""
        for piece in self.pieces:
            low, high = max(first, piece.first), min(first + count, piece.first + piece.count)
            if low < high:
                if self.lenient:
                    content = self._raw(piece.start, piece.stop).translate(None, WHITE)[piece.skip:]
                    out += content[low - piece.first:high - piece.first]
                else:
                    at = piece.start + piece.skip + low - piece.first
                    out += self._raw(at, at + high - low)
        return out
