"""Reading a file of digits piece by piece: where the digits are is decided here, what they mean elsewhere.

The content of a file is I.F, IF or F, with I the integer part, F the digits after
the point, and an optional newline at the end; in a lenient file spaces, tabs and
line ends may stand anywhere, a byte order mark at the beginning, and hexadecimal
digits may be upper case.  A file is that text, the text compressed with zstandard
(storage.zstfile), or its digits in the words of .ycd (storage.ycdfile), which may
be a set of files.  `open_digits` tells them apart by their first bytes, and all
else treats them alike.  Offsets are those in the text.

A file that is not digits is one that cannot be read (InputOutputError), and never
a check that failed: storage.layouts says what it is.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bigconst.base.errors import InputOutputError, VerificationError
from bigconst.base.formats import TEXT_PIECE_BYTES
from bigconst.base.units import format_count
from bigconst.storage.regularfile import open_regular, read_exactly, unchanged
from bigconst.storage.ycdformat import YCD_MAGIC

WHITE = b" \t\r\n"
MARK = b"\xef\xbb\xbf"
"""The byte order mark of UTF-8."""
END_DIGITS = 4096
"""Digits at either end of a file that are looked at before anything is told about it."""
_LOWER = bytes.maketrans(b"ABCDEF", b"abcdef")
ZST_MAGIC = b"\x28\xb5\x2f\xfd"
"""First bytes of a zstandard file."""


def all_digits(characters: np.ndarray, base: int, scratch: np.ndarray | None = None) -> bool:
    """Whether all characters (uint8) are digits of `base`, lower case: some passes of vectors, 10 to 20 GB/s.

    `scratch`, of the same shape, is overwritten, and spares the time to get memory.
    """
    if not len(characters):
        return True
    if characters.min() < ord("0") or characters.max() > (ord("9") if base == 10 else ord("f")):
        return False
    # What lies between "9" and "a" comes to 0 .. 38 here, digits to 246 .. 255, letters to 39 .. 44.
    return base == 10 or bool(np.subtract(characters, np.uint8(ord("9") + 1), out=scratch).min() >= 39)


def check_digits(path: str, first: int, characters: np.ndarray, base: int) -> None:
    """Raise InputOutputError, which names the first character (uint8) that is no digit of `base`.

    characters[0] is digit `first` after the point, from 0.
    """
    if not all_digits(characters, base):
        from bigconst.storage.layouts import foreign

        right = np.zeros(256, dtype=bool)
        right[list(b"0123456789abcdef"[:base])] = True
        at = int(right[characters].argmin())
        raise foreign(path, characters, at, first + at + 1, base)


@dataclass(frozen=True)
class Piece:
    """Bytes start..stop-1 of the text, which hold digits first..first+count-1 of F (from 0)."""

    start: int
    stop: int
    skip: int
    """content bytes of the piece that belong to I and the point"""
    first: int
    count: int


class _StrictPieces(Sequence):
    """The pieces of a strict file, each made only when it is asked for: there may be a million."""

    def __init__(self, end: int, before: int):
        self._end, self._before = end, before

    def __len__(self) -> int:
        return -(-self._end // TEXT_PIECE_BYTES)

    def __getitem__(self, index: int) -> Piece:
        if not -len(self) <= index < len(self):
            raise IndexError(index)
        start = index % len(self) * TEXT_PIECE_BYTES
        stop = min(start + TEXT_PIECE_BYTES, self._end)
        skip = min(stop - start, max(0, self._before - start))
        return Piece(start, stop, skip, max(start - self._before, 0), stop - start - skip)


class _PlainText:
    """The text of a file that is not compressed."""

    base = None
    """A text does not say what base its digits have."""
    piece_bytes = 1 << 20
    """At this size the buffers of two threads, and some more, stay in a third-level cache: half the time of 2 MiB."""

    def __init__(self, fd: int, size_bytes: int, path: str):
        self._fd, self._path = fd, path
        self.text_bytes = size_bytes

    def read_into(self, buffer: np.ndarray, offset: int) -> None:
        read_exactly(self._fd, buffer, offset, self._path)


class DigitFile:
    """An open digit file, made by `open_digits`; `digits` and `pieces` are known after `locate`."""

    def __init__(self, path: str, fd: int, info: os.stat_result, text, lenient: bool):
        """`text` has text_bytes, its length; piece_bytes, at whose multiples it is best read; base, or None where the
        file does not say it; and read_into(buffer, offset), which several threads may call at once."""
        self.path = path
        self.lenient = lenient
        self._fd, self._info, self._text = fd, info, text
        self.text_bytes: int = text.text_bytes
        self.piece_bytes: int = text.piece_bytes
        self.base: int | None = text.base
        """base that a .ycd says; None for others"""
        self.digits = self._before = 0
        self._to_lower: bytes | None = None
        self.pieces: Sequence[Piece] = []

    def __enter__(self) -> "DigitFile":
        return self

    def __exit__(self, *_exception) -> None:
        os.close(self._fd)

    def check_unchanged(self) -> None:
        """Raise InputOutputError when the file was written to since it was opened."""
        unchanged(self._info, self._fd, self.path)

    def read_into(self, buffer: np.ndarray, offset: int) -> None:
        """Fill a uint8 buffer with the bytes of the text from `offset` on, which all have to be there."""
        self._text.read_into(buffer, offset)

    def raw(self, start: int, stop: int) -> bytes:
        """Bytes start .. stop-1 of the text."""
        buffer = np.empty(stop - start, dtype=np.uint8)
        self.read_into(buffer, start)
        return buffer.tobytes()

    def _strict_end(self) -> int:
        """Offset at which the newline at the end of a strict file is, or would be."""
        end = self.text_bytes
        return end - 1 if end and self.raw(end - 1, end) == b"\n" else end

    def _content(self, raw: bytes, start: int) -> bytes:
        """What counts of the bytes of a lenient text from `start` on."""
        return (raw if start else raw.removeprefix(MARK)).translate(self._to_lower, WHITE)

    def _lenient_blocks(self) -> list[tuple[int, int, int]]:
        """(start, stop, content bytes) of every block; this takes a pass over the whole text."""
        borders = [*range(0, self.text_bytes, TEXT_PIECE_BYTES), self.text_bytes]
        return [(a, b, len(self._content(self.raw(a, b), a))) for a, b in zip(borders, borders[1:], strict=False)]

    def _head(self, end: int, base: int) -> bytes:
        """The beginning of the content: digits, and perhaps a point after the first of them.

        Raises InputOutputError for anything else.
        """
        raw = self.raw(0, min(end, TEXT_PIECE_BYTES if self.lenient else END_DIGITS))
        head = self._content(raw, 0) if self.lenient else raw
        whole = head.partition(b".")[0]
        if not whole or not all_digits(np.frombuffer(whole, dtype=np.uint8), base):
            from bigconst.storage.layouts import unreadable

            shown = raw.removeprefix(MARK).lstrip(WHITE) or raw if self.lenient else raw
            raise unreadable(self.path, shown[:END_DIGITS], head, base)
        if self.lenient:
            from bigconst.storage.layouts import table

            if error := table(self.path, raw[:END_DIGITS]):
                raise error
        return head

    def locate(self, integer_part: str, base: int, digits: int | None) -> None:
        """Find F, which must have `digits` digits of `base`, or any number of them if that is None.

        Raises VerificationError when the file cannot be one of `digits` digits of a number with this integer part,
        InputOutputError when it does not begin and end with digits.
        """
        if self.base not in (None, base):
            #: The file is of another base than the command, or the certificate, says.
            raise VerificationError(f"{self.path} has digits of base {self.base}, not {base}",
                                    f"say --base {self.base}, or name its certificate")
        self._to_lower = _LOWER if base == 16 else None
        end = self.text_bytes if self.lenient else self._strict_end()
        head = self._head(end, base)
        blocks = self._lenient_blocks() if self.lenient else []
        content = sum(kept for _, _, kept in blocks) if self.lenient else end
        part = integer_part.encode()
        if b"." in head:
            before = head.index(b".") + 1
        elif digits is not None:
            before = len(part) if content - digits == len(part) else 0
        else:
            before = len(part) if head.startswith(part) else 0
        if head[:before].removesuffix(b".") not in (part, b""):
            #: The file is of another constant or base.
            raise VerificationError(f"{self.path} does not begin with {integer_part}.")
        self.digits, self._before = content - before, before
        self.pieces = self._lenient_pieces(blocks, before) if self.lenient else _StrictPieces(end, before)
        if self.digits < 1:
            raise InputOutputError(f"{self.path} has no digits after the point", "name another file")
        for first in (0, max(0, self.digits - END_DIGITS)):
            check_digits(self.path, first, np.frombuffer(self.digits_at(first, END_DIGITS), dtype=np.uint8), base)
        if digits not in (None, self.digits):
            #: The file is cut off or has too much. Compare its size with what it should be, copy it again.
            raise VerificationError(f"{self.path} has {format_count(self.digits)} characters after the point, the "
                                    f"certificate says {format_count(digits)} digits")

    @staticmethod
    def _lenient_pieces(blocks: list[tuple[int, int, int]], before: int) -> list[Piece]:
        pieces, first = [], -before
        for start, stop, kept in blocks:
            skip = min(kept, max(0, -first))
            pieces.append(Piece(start, stop, skip, max(first, 0), kept - skip))
            first += kept
        return pieces

    def read(self, piece: Piece, buffer: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """All bytes of a piece, which lie in `buffer`, and its digits of F; both uint8.  Raises InputOutputError."""
        raw = buffer[:piece.stop - piece.start]
        self.read_into(raw, piece.start)
        content = raw
        if self.lenient:
            content = np.frombuffer(self._content(raw.tobytes(), piece.start), dtype=np.uint8)
            if len(content) != piece.skip + piece.count:
                raise InputOutputError(f"{self.path} changed while it was read", "let nothing write to it")
        return raw, content[piece.skip:piece.skip + piece.count]

    def rest(self) -> bytes:
        """The bytes after the last piece: the newline at the end of a strict file, or nothing."""
        end = self.pieces[-1].stop
        return self.raw(end, self.text_bytes)

    def digits_at(self, first: int, count: int) -> bytes:
        """Digits first .. first+count-1 of F (from 0), as far as there are any."""
        if not self.lenient:
            stop = max(first, min(first + count, self.digits))
            return self.raw(self._before + first, self._before + stop)
        out = b""
        for piece in self.pieces:
            low, high = max(first, piece.first), min(first + count, piece.first + piece.count)
            if low < high:
                content = self._content(self.raw(piece.start, piece.stop), piece.start)[piece.skip:]
                out += content[low - piece.first:high - piece.first]
        return out


def open_digits(path: str, lenient: bool = False) -> DigitFile:
    """Open a digit file, text, zstandard or .ycd, whatever its name is.

    Raises InputOutputError when it cannot be read, is zstandard that is damaged or has to be decompressed first, or
    .ycd that is damaged or not the first file of a whole set.
    """
    fd, info = open_regular(path)

    def read(start: int, stop: int) -> bytes:
        buffer = np.empty(stop - start, dtype=np.uint8)
        read_exactly(fd, buffer, start, path)
        return buffer.tobytes()

    try:
        text = _PlainText(fd, info.st_size, path)
        beginning = read(0, min(len(YCD_MAGIC), info.st_size))
        if beginning.startswith(ZST_MAGIC):
            from bigconst.storage.zstfile import ZstReader

            text = ZstReader(info.st_size, read, path)
        elif beginning == YCD_MAGIC:
            from bigconst.storage.ycdfile import YcdReader

            text = YcdReader(path)
        return DigitFile(path, fd, info, text, lenient)
    except BaseException:
        os.close(fd)
        raise
