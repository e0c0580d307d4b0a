"""The digits of .ycd files as text: one file, or a set of them, written and read in any order.

After its header (storage.ycdformat) a file has little-endian words of 64 bits, without checksums: 19 decimal or 16
hexadecimal digits each, the first of them the most significant.  Every file begins a new word, and the last one of a
file may have room for more digits, which is 0 when it is written and means nothing when it is read.
"""

import contextlib
import os
import sys
import threading
from dataclasses import dataclass

import numpy as np

from bigconst.base.errors import FaultError, InputOutputError, UsageError
from bigconst.base.formats import TEXT_PIECE_BYTES, YCD_WORD_DIGITS
from bigconst.base.units import format_count
from bigconst.storage.atomicfile import AtomicFile
from bigconst.storage.regularfile import open_regular, read_exactly, unchanged
from bigconst.storage.ycdformat import (
    DAMAGED,
    FIRST_DIGITS,
    MAX_HEADER_BYTES,
    MOST_SHOWN,
    YcdHeader,
    block_path,
    decode_header,
    set_files,
    set_path,
)

MAX_FILES = 400
"""Most files of a set that is written: all are open until the end, with two descriptors each, and 1024 is usual."""
PIECE_BYTES = TEXT_PIECE_BYTES
"""Bytes of text that come at once to be written."""

WORD_BYTES = 8
_FORMAT = {10: "019d", 16: "016x"}
_RADIX = {10: 10**19, 16: 1 << 64}
_ZERO = ord("0")
_SHORT_HEADER_BYTES = 4096
_KERNELS = "bigconst.kernels.digitwords"


# -- writing --------------------------------------------------------------------------

def _blocks(digits: int, base: int, block_digits: int | None, first_digits: str) -> list[tuple[YcdHeader, int]]:
    """Header and number of digits of every file; without `block_digits` there is one file."""
    size = block_digits or digits
    counts = [min(size, digits - start) for start in range(0, digits, size)]
    return [(YcdHeader(base, first_digits, 0 if count == size else digits, size, block), count)
            for block, count in enumerate(counts)]


def _first_digits(integer_part: str, digits: int) -> str:
    """Text as long as the FirstDigits of a number that has `digits` digits after the point."""
    return f"{integer_part}.{'0' * min(FIRST_DIGITS, digits)}"


def room_bytes(integer_part: str, digits: int, base: int, block_digits: int | None) -> int:
    """Bytes of all files together."""
    if block_digits is not None and -(-digits // block_digits) > MAX_FILES:
        raise _too_many(digits, block_digits)
    return sum(len(header.encode()) + -(-count // YCD_WORD_DIGITS[base]) * WORD_BYTES
               for header, count in _blocks(digits, base, block_digits, _first_digits(integer_part, digits)))


def _too_many(digits: int, block_digits: int) -> UsageError:
    least = -(-digits // MAX_FILES)
    #: All files of a set are open while they are written: choose larger ones.
    return UsageError(f"{format_count(digits)} digits by {format_count(block_digits)} are more than {MAX_FILES} files",
                      f"choose --block-digits {least} or more")


class YcdText:
    """Files behind the interface of `AtomicFile` whose `write_at` turns the text into words.

    Integer part, point, `digits` digits in `base` and a newline come in pieces of PIECE_BYTES at multiples of it, in
    any order and from any thread; the last piece may be shorter.  A piece may be written again.  With `block_digits`
    the files are a set of so many digits each.

    Raises what `AtomicFile` raises for each file; UsageError for too many files, and without `force` where any file
    of the set exists.
    """

    def __init__(self, path: str | os.PathLike, integer_part: str, digits: int, base: int,
                 block_digits: int | None = None, force: bool = False):
        self.path = os.path.realpath(path)
        """name of the file, or that which the set has"""
        self.text_bytes = len(integer_part) + digits + 2
        self._before, self._digits, self._base, self._width = len(integer_part) + 1, digits, base, YCD_WORD_DIGITS[base]
        self._block_digits = block_digits
        self.size_bytes = room_bytes(integer_part, digits, base, block_digits)
        """bytes of all files"""
        self._blocks = _blocks(digits, base, block_digits, _first_digits(integer_part, digits))
        self._written = np.zeros(-(-self.text_bytes // PIECE_BYTES), dtype=bool)
        # Row i is the word of which digits are on both sides of the border before piece i; 0 is no character.
        self._across = np.zeros((len(self._written) + 1, self._width), dtype=np.uint8)
        self._lock = threading.Lock()
        if block_digits is not None and not force and (there := set_files(self.path)):
            raise UsageError(f"{min(there.values())} exists", "add --force to replace it, or choose another name")
        self.files: list[AtomicFile] = []
        try:
            for header, count in self._blocks:
                name = self.path if block_digits is None else block_path(self.path, header.block)
                size = len(header.encode()) + -(-count // self._width) * WORD_BYTES
                self.files.append(AtomicFile(name, size, force))
        except BaseException:
            self.abort()
            raise

    def write_at(self, offset: int, data: memoryview) -> None:
        """Turn a piece of text into words and write them; raises FaultError for a character that is no digit."""
        text = np.frombuffer(memoryview(data).cast("B"), dtype=np.uint8)
        piece, odd = divmod(offset, PIECE_BYTES)
        if odd or len(text) != min(PIECE_BYTES, self.text_bytes - offset):
            raise ValueError(f"{len(text)} bytes at {offset} are no piece")
        if offset == 0:
            self._write_headers(text[:self._before + FIRST_DIGITS].tobytes().decode("latin-1").rstrip("\n"))
        start, stop = max(0, offset - self._before), min(self._digits, offset + len(text) - self._before)
        while start < stop:
            block, at = divmod(start, self._blocks[0][0].block_digits)
            count = min(stop - start, self._blocks[block][1] - at)
            first = start + self._before - offset
            self._write_digits(piece, block, at, text[first:first + count])
            start += count
        self._written[piece] = True

    def _write_headers(self, first_digits: str) -> None:
        for header, _ in _blocks(self._digits, self._base, self._block_digits, first_digits):
            self.files[header.block].write_at(0, memoryview(header.encode()))

    def _write_digits(self, piece: int, block: int, at: int, digits: np.ndarray) -> None:
        """Write digits of a piece that stand at `at` in their file."""
        width, (_, size) = self._width, self._blocks[block]
        inside = at % width
        if inside:
            lead = digits[:width - inside]
            self._write_across(piece, block, at // width, inside, lead)
            at, digits = at + len(lead), digits[len(lead):]
        rest = len(digits) % width
        if at + len(digits) == size:
            digits = np.concatenate([digits, np.full(-rest % width, _ZERO, np.uint8)]) if rest else digits
        elif rest:
            self._write_across(piece + 1, block, (at + len(digits)) // width, 0, digits[-rest:])
            digits = digits[:-rest]
        self._write_words(block, at // width, digits)

    def _write_across(self, border: int, block: int, word: int, inside: int, digits: np.ndarray) -> None:
        """Take the digits of a word on one side of a border between pieces; write it where the others are there."""
        with self._lock:
            row = self._across[border]
            row[inside:inside + len(digits)] = digits
            row[self._blocks[block][1] - word * self._width:] = _ZERO
            if row.all():
                self._write_words(block, word, row)

    def _write_words(self, block: int, word: int, digits: np.ndarray) -> None:
        """Write whole words, from number `word` of a file on."""
        from bigconst.kernels.digitwords import read_words

        words = np.empty(len(digits) // self._width, dtype=np.uint64)
        if read_words(words, digits, self._base) >= 0:
            #: As for "the text from byte … on does not compress as digits do".
            raise FaultError("the text that is to be written as .ycd holds a character that is not a digit")
        header_bytes = len(self._blocks[block][0].encode())
        self.files[block].write_at(header_bytes + word * WORD_BYTES, memoryview(words))

    def commit(self) -> None:
        """Commit all files, the first one last: without it nobody takes the others for a set.

        What an older set of this name has besides is removed.  Raises ValueError when the text is not complete, which
        is a mistake of the caller, and what `AtomicFile.commit` raises.
        """
        if not self._written.all():
            raise ValueError(f"{np.count_nonzero(~self._written)} pieces of the text are missing")
        for file in self.files[:0:-1]:
            file.commit()
        if self._block_digits is not None:
            for old in set(set_files(self.path).values()) - {file.path for file in self.files}:
                with contextlib.suppress(OSError):      # reading the set tells that it is there
                    os.unlink(old)
        self.files[0].commit()

    def abort(self) -> None:
        """Remove the temporary files that are not committed."""
        for file in self.files:
            file.abort()

    def __enter__(self) -> "YcdText":
        return self

    def __exit__(self, *_exception) -> None:
        self.abort()


# -- reading --------------------------------------------------------------------------

@dataclass(frozen=True)
class _Block:
    """A file that can be read."""

    path: str
    info: os.stat_result
    header: YcdHeader
    data_at: int
    """offset of the first word"""

    def read(self, start: int, stop: int) -> np.ndarray:
        """Words start .. stop-1, uint64.  Raises InputOutputError, also where the file has changed since then."""
        fd, _ = open_regular(self.path)
        try:
            data = np.empty((stop - start) * WORD_BYTES, dtype=np.uint8)
            read_exactly(fd, data, self.data_at + start * WORD_BYTES, self.path)
            unchanged(self.info, fd, self.path)
        finally:
            os.close(fd)
        return data.view("<u8")


def _block(path: str) -> _Block:
    """A file by its header.  Raises InputOutputError."""
    fd, info = open_regular(path)
    try:
        for most in (_SHORT_HEADER_BYTES, MAX_HEADER_BYTES):
            raw = np.empty(min(most, info.st_size), dtype=np.uint8)
            read_exactly(fd, raw, 0, path)
            # Behind that line there is less than a word until the digits begin.
            if len(raw) < most or b"\nEndHeader" in raw[:-WORD_BYTES].tobytes():
                break
    finally:
        os.close(fd)
    return _Block(path, info, *decode_header(raw.tobytes(), path))


def _foreign(path: str, first: str, why: str) -> InputOutputError:
    #: Files of two computations have one name: they differ in base, block size or number. Move away what does not
    #: belong to the set; files behind its last digit are most often left by a longer one.
    return InputOutputError(f"{path} does not belong to the set of {first}, {why}",
                            "move it away, or copy the right one")


class YcdReader:
    """The text of a .ycd file, or of the set whose first file is at `path`.

    Raises InputOutputError where a header is damaged, and where files of the set are missing, cut off or of another
    one.  The digits are converted by kernels where the command has loaded them, else by Python: for a few digits that
    takes less time than loading the kernels.
    """

    piece_bytes = 1 << 20

    def __init__(self, path: str):
        first = _block(path)
        header = first.header
        if header.block != 0:
            #: The set is read as a whole, and its first file stands for it.
            raise InputOutputError(f"{path} is file {header.block} of a set", "name the first one, number 0")
        self._set = set_path(path)
        # Its number belongs to the name where the file is no first one of a set: log - 2.ycd.
        files = {0: path} if self._set == path else set_files(self._set) | {0: path}
        self._blocks = [first]
        for number in range(1, max(files) + 1):
            if number not in files:
                raise self._missing(number)
            self._blocks.append(self._checked(_block(files[number]), number))
        self.base, self._size, self._width = header.base, header.block_digits, YCD_WORD_DIGITS[header.base]
        self._count()
        self._head = f"{header.integer_part}.".encode()
        self.text_bytes = len(self._head) + self._digits + 1

    def _missing(self, number: int) -> InputOutputError:
        #: A set is read as a whole: put the file beside the others.
        return InputOutputError(f"{block_path(self._set, number)} is missing",
                                "copy it beside the first file of its set")

    def _checked(self, block: _Block, number: int) -> _Block:
        """The file with this number in its name, if it belongs to the set."""
        mine, first = block.header, self._blocks[0].header
        for what, found, wanted in (("Base", mine.base, first.base), ("BlockID", mine.block, number),
                                    ("Blocksize", mine.block_digits, first.block_digits),
                                    ("FirstDigits", mine.first_digits, first.first_digits)):
            if found != wanted:
                shown, right = str(found)[:MOST_SHOWN], str(wanted)[:MOST_SHOWN]
                raise _foreign(block.path, self._blocks[0].path, f"its {what} is {shown}, not {right}")
        return block

    def _count(self) -> None:
        """Find how many digits there are, and check that the files have them."""
        blocks, size = self._blocks, self._size
        self._digits = len(blocks) * size
        if totals := [block.header.total_digits for block in blocks if block.header.total_digits]:
            self._digits = min(totals)
        needed = -(-self._digits // size)
        if needed > len(blocks):
            raise self._missing(len(blocks))
        if needed < len(blocks):
            raise _foreign(blocks[needed].path, blocks[0].path,
                           f"which ends at digit {format_count(self._digits)}")
        for block in blocks:
            words = -(-self._count_of(block.header.block) // self._width)
            there = (block.info.st_size - block.data_at) // WORD_BYTES
            if there < words:
                #: The file is cut off: its copy or download was interrupted. Copy it again.
                raise InputOutputError(f"{block.path} is cut off, it has {format_count(there)} words of digits, its "
                                       f"header needs {format_count(words)}", DAMAGED)

    def _count_of(self, block: int) -> int:
        """Number of digits in a file."""
        return min(self._size, self._digits - block * self._size)

    def read_into(self, buffer: np.ndarray, offset: int) -> None:
        """Fill a uint8 buffer from `offset` of the text; safe from several threads at once.

        Raises InputOutputError where a file cannot be read, has changed, or holds a word that is no digits.
        """
        before, stop = len(self._head), offset + len(buffer)
        if offset < before:
            head = np.frombuffer(self._head, dtype=np.uint8)[offset:stop]
            buffer[:len(head)] = head
        if stop == self.text_bytes and len(buffer):
            buffer[-1] = ord("\n")
        start, end = max(0, offset - before), min(self._digits, stop - before)
        while start < end:
            block, at = divmod(start, self._size)
            count = min(end - start, self._size - at)
            first = start + before - offset
            self._read_digits(self._blocks[block], at, buffer[first:first + count])
            start += count

    def _read_digits(self, block: _Block, at: int, out: np.ndarray) -> None:
        """Fill `out` with the digits from `at` on of a file."""
        width = self._width
        low, inside = divmod(at, width)
        words = block.read(low, -(-(at + len(out)) // width))
        kernels = sys.modules.get(_KERNELS)
        if kernels is None or len(words) < 3:
            out[:] = self._spelled(block, low, words)[inside:inside + len(out)]
            return
        lead = -inside % width
        out[:lead] = self._spelled(block, low, words[:1])[width - lead:]
        words, low = words[lead > 0:], low + (lead > 0)
        count = (len(out) - lead) // width
        bad = kernels.write_words(out[lead:lead + count * width], words[:count], self.base)
        if bad >= 0:
            raise self._too_large(block, low + bad)
        rest = out[lead + count * width:]
        rest[:] = self._spelled(block, low + count, words[count:])[:len(rest)]

    def _spelled(self, block: _Block, low: int, words: np.ndarray) -> np.ndarray:
        """The characters of words, of which the first is word `low` of a file."""
        values = words.tolist()
        for number, value in enumerate(values):
            if value >= _RADIX[self.base]:
                raise self._too_large(block, low + number)
        return np.frombuffer("".join([format(value, _FORMAT[self.base]) for value in values]).encode(), dtype=np.uint8)

    def _too_large(self, block: _Block, word: int) -> InputOutputError:
        first = block.header.block * self._size + word * self._width + 1
        #: Bytes of the file have changed since it was written. Copy it again from where it came.
        return InputOutputError(f"{block.path} is damaged at digit {format_count(first)}, its word is more than 19 "
                                "digits", DAMAGED)
