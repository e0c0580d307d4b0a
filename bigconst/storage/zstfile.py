"""Digit text as zstandard: independent frames and a table of them at the end, which is the "seekable format" of zstd.

    frame of FRAME_BYTES of text | skippable frame that fills up its slot | ... | last frame | table

A slot has room for any digits of its base, so that frames can be written in any order, and more than once, like pieces
of text; the filling is 0.7 % of the file.  The table is a skippable frame:

    <I 0x184D2A5E> <I bytes that follow> { <I bytes in the file> <I bytes of text> } * frames
    <I frames> <B descriptor> <I 0x8F92EAB1>

Descriptor 0x80 says that each entry ends in four bytes of checksum, which other programs write.  Skippable frames
have entries, too, of 0 bytes of text.  The command `zstd -d` restores the text.
"""

import mmap
import os
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import zstandard

from bigconst.base.errors import FaultError, InputOutputError
from bigconst.base.formats import TEXT_PIECE_BYTES
from bigconst.storage.atomicfile import BLOCK_BYTES, AtomicFile

FRAME_BYTES = TEXT_PIECE_BYTES
"""Bytes of text in a frame: the pieces that digits are written in."""
MAX_FRAME_BYTES = 16 << 20
"""Bytes of text in the largest frame that is read: it takes as much memory."""
MAX_FRAMES = 1 << 24
"""Entries of the longest table that is read, 0.2 GB."""

_TABLE_MAGIC = 0x184D2A5E
_FILL_MAGIC = 0x184D2A50
_END_MAGIC = 0x8F92EAB1
_SKIPPABLE = range(0x184D2A50, 0x184D2A60)
_FOOTER_BYTES = 9
_HEAD_BYTES = 8
_HAS_CHECKSUMS = 0x80
_SPARE_BYTES = 4096
"""Room for all that is not digits, four times as much as needed: 22 bytes for header and checksum of a frame, less than
50 for each of its 16 blocks, and 8 for the head of the skippable frame."""
_DAMAGED = "take another copy of it, or compute it again"


# -- writing --------------------------------------------------------------------------

def _room_bytes(text_bytes: int, base: int) -> int:
    """Bytes that no frame of digits exceeds: the best prefix code takes 34/10 bits at most for one of 10 characters,
    and 4 for one of 16."""
    eighths = {10: 34, 16: 40}[base]
    return -(-text_bytes * eighths // 80) + _SPARE_BYTES


def _slot_bytes(base: int) -> int:
    return -(-_room_bytes(FRAME_BYTES, base) // BLOCK_BYTES) * BLOCK_BYTES


def room_bytes(text_bytes: int, base: int) -> int:
    """Bytes that suffice for the file of a text; all but some kilobytes of them are used."""
    before = (text_bytes - 1) // FRAME_BYTES
    entries = 2 * before + 1
    return (before * _slot_bytes(base) + _room_bytes(text_bytes - before * FRAME_BYTES, base)
            + _HEAD_BYTES + 8 * entries + _FOOTER_BYTES)


def compressed(data: memoryview) -> bytes:
    """`data` as one frame.

    Digits have no repetitions worth finding: hardly any are searched for, and all the gain is in the Huffman code.
    """
    parameters = zstandard.ZstdCompressionParameters(strategy=zstandard.STRATEGY_FAST, window_log=21, hash_log=6,
                                                     min_match=7, write_content_size=True, write_checksum=True)
    return zstandard.ZstdCompressor(compression_params=parameters).compress(data)


def _head(magic: int, length: int) -> bytes:
    return magic.to_bytes(4, "little") + length.to_bytes(4, "little")


class ZstText(AtomicFile):
    """An `AtomicFile` whose `write_at` compresses the text; after `commit`, `size_bytes` is the size of the file.

    The text, of `text_bytes` bytes in `base`, comes in pieces of FRAME_BYTES at multiples of it, in any order and from
    any thread; the last piece may be shorter.  A piece may be written again.
    """

    def __init__(self, path: str | os.PathLike, text_bytes: int, base: int, force: bool = False):
        self._text_bytes = text_bytes
        self._base = base
        self._slot_bytes = _slot_bytes(base)
        self._sizes = np.zeros(-(-text_bytes // FRAME_BYTES), dtype=np.int64)
        self._idle: list[memoryview] = []       # memory for slots, as many as threads were writing at once
        super().__init__(path, room_bytes(text_bytes, base), force)

    def write_at(self, offset: int, data: memoryview) -> None:
        """Compress a piece of text and write its frame; raises FaultError if the frame is too long to be of digits."""
        data = memoryview(data).cast("B")
        index, odd = divmod(offset, FRAME_BYTES)
        if odd or len(data) != min(FRAME_BYTES, self._text_bytes - offset):
            raise ValueError(f"{len(data)} bytes at {offset} are no frame")
        frame = compressed(data)
        if len(frame) + _HEAD_BYTES > _room_bytes(len(data), self._base):
            #: What was to be compressed is not a text of digits: memory was damaged. Run it again; if it comes back,
            #: test the memory.
            raise FaultError(f"the text from byte {offset} on does not compress as digits do")
        if index == len(self._sizes) - 1:
            super().write_at(index * self._slot_bytes, memoryview(frame))
        else:
            slot = self._fill(frame)
            super().write_at(index * self._slot_bytes, slot)
            self._idle.append(slot)
        self._sizes[index] = len(frame)

    def _fill(self, frame: bytes) -> memoryview:
        """The frame and the filling of its slot, in aligned memory, which is written past the page cache."""
        try:
            slot = self._idle.pop()
        except IndexError:
            slot = memoryview(mmap.mmap(-1, self._slot_bytes))
        filled = len(frame) + _HEAD_BYTES
        slot[:len(frame)] = frame
        slot[len(frame):filled] = _head(_FILL_MAGIC, self._slot_bytes - filled)
        slot[filled:] = bytes(self._slot_bytes - filled)
        return slot

    def _table(self) -> bytes:
        count = len(self._sizes)
        entries = np.zeros((2 * count - 1, 2), dtype="<u4")
        entries[::2, 0] = self._sizes
        entries[1::2, 0] = self._slot_bytes - self._sizes[:-1]
        entries[::2, 1] = FRAME_BYTES
        entries[-1, 1] = self._text_bytes - (count - 1) * FRAME_BYTES
        footer = len(entries).to_bytes(4, "little") + bytes(1) + _END_MAGIC.to_bytes(4, "little")
        return _head(_TABLE_MAGIC, entries.nbytes + len(footer)) + entries.tobytes() + footer

    def commit(self) -> None:
        """Write the table, give back what was reserved too much, and commit.

        Raises ValueError when the text is not complete, which is a mistake of the caller.
        """
        if not self._sizes.all():
            raise ValueError(f"{np.count_nonzero(self._sizes == 0)} pieces of the text are missing")
        end = (len(self._sizes) - 1) * self._slot_bytes + int(self._sizes[-1])
        table = self._table()
        super().write_at(end, memoryview(table))
        self.size_bytes = end + len(table)
        try:
            os.ftruncate(self._fd, self.size_bytes)
        except OSError as error:
            raise self._failure("cannot write", error) from error
        super().commit()


# -- reading --------------------------------------------------------------------------

@dataclass(frozen=True)
class SeekTable:
    """Positions of the frames with text in the file and in the text, in bytes; all arrays int64."""

    file_at: np.ndarray
    """offset of each frame in the file, where the skippable ones after it belong to it, and the end of the last one"""
    frame_bytes: np.ndarray
    """size of each frame, without the skippable ones"""
    text_at: np.ndarray
    """offset of each frame's text, and the end of the last one"""

    @property
    def text_bytes(self) -> int:
        """Length of the whole text."""
        return int(self.text_at[-1])


def read_table(size_bytes: int, read: Callable[[int, int], bytes], path: str) -> SeekTable:
    """The table of a zstandard file of `size_bytes`, of which read(start, stop) gives bytes; `path` is for messages.

    Raises InputOutputError when the file has no table, a damaged one, or too many or too long frames.
    """
    footer = read(max(0, size_bytes - _FOOTER_BYTES), size_bytes)
    if len(footer) < _FOOTER_BYTES or int.from_bytes(footer[5:], "little") != _END_MAGIC:
        #: It was made by another program, or is cut off; `zstd -d` tells which, and its output can be read.
        raise InputOutputError(f"{path} is zstandard without a seek table at its end",
                               "decompress it first with `zstd -d`, which also tells if it is cut off")
    count, descriptor = int.from_bytes(footer[:4], "little"), footer[4]
    width = 12 if descriptor & _HAS_CHECKSUMS else 8
    start = size_bytes - _FOOTER_BYTES - count * width - _HEAD_BYTES
    if count > MAX_FRAMES:
        #: It was made by another program. Decompress it with `zstd -d`, and use the text.
        raise InputOutputError(f"{path} has {count} frames, more than {MAX_FRAMES}", "decompress it with `zstd -d`")
    if descriptor & ~_HAS_CHECKSUMS & ~3 or count < 1 or start < 1:
        #: Copy it again from where it came; `zstd -t` tells whether more than the table is damaged.
        raise InputOutputError(f"the seek table of {path} is damaged", _DAMAGED)
    if read(start, start + _HEAD_BYTES) != _head(_TABLE_MAGIC, count * width + _FOOTER_BYTES):
        raise InputOutputError(f"the seek table of {path} is damaged", _DAMAGED)
    data = np.frombuffer(read(start + _HEAD_BYTES, start + _HEAD_BYTES + count * width), dtype="<u4")
    entries = data.reshape(count, width // 4).astype(np.int64)
    file_at = np.concatenate([[0], np.cumsum(entries[:, 0])])
    # A frame without text must follow one with text; its content is checked when that one is read.
    holds_text = np.flatnonzero(entries[:, 1])
    if file_at[-1] != start or not entries[:, 0].all() or not len(holds_text) or holds_text[0] != 0:
        raise InputOutputError(f"the seek table of {path} is damaged", _DAMAGED)
    lengths = entries[holds_text, 1]
    table = SeekTable(np.append(file_at[holds_text], start), entries[holds_text, 0],
                      np.concatenate([[0], np.cumsum(lengths)]))
    longest = max(int(lengths.max()), int(np.diff(table.file_at).max()))
    if longest > MAX_FRAME_BYTES:
        #: As for "… has … frames, more than …".
        raise InputOutputError(f"{path} has frames of {longest} bytes, more than {MAX_FRAME_BYTES}",
                               "decompress it first with `zstd -d`")
    return table


class ZstReader:
    """The text of a zstandard file with a seek table, of which only the frames that are needed are decompressed.

    Raises the errors of `read_table`.
    """

    base = None
    """A text does not say what base its digits have."""
    piece_bytes = FRAME_BYTES

    def __init__(self, size_bytes: int, read: Callable[[int, int], bytes], path: str):
        self._read, self._path = read, path
        self._table = read_table(size_bytes, read, path)
        self.text_bytes = self._table.text_bytes
        self._last: tuple[int, bytes] = (-1, b"")       # the last frame read, since neighbours lie in one

    def read_into(self, buffer: np.ndarray, offset: int) -> None:
        """Fill a uint8 buffer from `offset` of the text; safe from several threads at once.

        Raises InputOutputError when a frame is damaged or not what the table says.
        """
        table = self._table
        index, done = int(np.searchsorted(table.text_at, offset, side="right")) - 1, 0
        while done < len(buffer):
            if offset + done >= self.text_bytes:
                raise ValueError("beyond the end of the text")
            text = self._frame(index)
            part = np.frombuffer(text, dtype=np.uint8)[offset + done - int(table.text_at[index]):][:len(buffer) - done]
            buffer[done:done + len(part)] = part
            done += len(part)
            index += 1

    def _frame(self, index: int) -> bytes:
        at, text = self._last
        if at != index:
            text = self._decompress(index)
            self._last = index, text
        return text

    def _decompress(self, index: int) -> bytes:
        table = self._table
        data = memoryview(self._read(int(table.file_at[index]), int(table.file_at[index + 1])))
        frame, skipped = data[:int(table.frame_bytes[index])], data[int(table.frame_bytes[index]):]
        first, last = int(table.text_at[index]), int(table.text_at[index + 1])
        try:
            told = zstandard.get_frame_parameters(frame).content_size
            # zstandard allocates as much memory as the frame says.
            if told not in (last - first, zstandard.CONTENTSIZE_UNKNOWN):
                raise self._damaged(first, last)
            text = zstandard.ZstdDecompressor().decompress(frame, max_output_size=last - first, allow_extra_data=False)
        except zstandard.ZstdError as error:
            raise self._damaged(first, last) from error
        if len(text) != last - first or not _is_skippable(skipped):
            raise self._damaged(first, last)
        return text

    def _damaged(self, first: int, last: int) -> InputOutputError:
        #: As for "the seek table of … is damaged".
        return InputOutputError(f"{self._path} is damaged in bytes {first} to {last - 1} of its text", _DAMAGED)


def _is_skippable(data: memoryview) -> bool:
    """Whether `data` is skippable frames and nothing else, so that all programs read the same text."""
    while len(data) >= _HEAD_BYTES and int.from_bytes(data[:4], "little") in _SKIPPABLE:
        length = int.from_bytes(data[4:8], "little")
        if length > len(data) - _HEAD_BYTES:
            return False
        data = data[_HEAD_BYTES + length:]
    return not len(data)
