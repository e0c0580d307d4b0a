"""The words of a finished number as digit text, written piece by piece and checked on the way out."""

from collections.abc import Callable

import numpy as np

from bigconst.arithmetic.packed import page_buffer
from bigconst.arithmetic.residues import ForeignCharacter, Prefixes
from bigconst.arithmetic.words import Words
from bigconst.base.errors import FaultError, UsageError
from bigconst.base.formats import TEXT_PIECE_BYTES
from bigconst.base.units import format_count
from bigconst.constants.bounds import Bounds
from bigconst.kernels.text import write_text
from bigconst.plans.plan import Plan
from bigconst.runtime.stream import in_order, slots
from bigconst.runtime.threads import split

PAGE_BYTES = 4096


class _Buffer:
    """A buffer for a piece of text at a page boundary, with margins for the words that reach beyond its ends.

    Pieces begin at multiples of TEXT_PIECE_BYTES in the file.
    """

    def __init__(self):
        self._bytes = page_buffer(TEXT_PIECE_BYTES + 2 * PAGE_BYTES)

    def at(self, start: int, stop: int) -> np.ndarray:
        """Bytes start..stop-1 of the piece; the margins are below 0 and above TEXT_PIECE_BYTES."""
        return self._bytes[PAGE_BYTES + start:PAGE_BYTES + stop]


def undecided(digits: int, name: str) -> UsageError:
    """The error that digits behind the last one leave it open."""
    #: The digits behind the last one are nearly all 0, or nearly all 9, so that it could be one more or less. With
    #: one digit more the number ends elsewhere.
    return UsageError(f"the last of {format_count(digits)} digits of {name} is undecided", "ask for one digit more")


def write_digits(plan: Plan, bounds: Bounds, words: Words, read: Callable[[int, int], np.ndarray], x_residue: int,
                 text, hasher, prefixes: Prefixes) -> tuple[str, int]:
    """Write integer part, point, digits and newline by text.write_at(offset, bytes).

    read(start, stop) returns words start .. stop-1 of x, and is called by several threads at once;
    `hasher` receives all bytes in order, and `prefixes`, which are modulo 2^61 - 1, all digits.
    Returns the last 100 digits (fewer if there are fewer) and the digit hash
    floor(value * base^digits) modulo 2^61 - 1, which is taken from the
    characters themselves.  Raises FaultError when they do not agree with
    `x_residue`, which the computation carried along; UsageError where the error
    of a number that no remainder proves leaves its last digit open.
    """
    fmt, p, n = plan.format, words.modulus.p, plan.digits
    head, low = plan.integer_part.encode() + b".", words.to_int(read(0, bounds.guard_words))
    if plan.constant.number is None and bounds.correction(low) is not None:
        raise undecided(plan.digits, plan.constant.name)
    if int(read(plan.words, plan.words + 1)[0]) != plan.constant.floor:
        #: The digits or the certificate came out wrong while they were written, again and again. The number itself was
        #: right: resume, on a machine whose memory is tested.
        raise FaultError("the integer part is wrong")
    pieces = split(plan.text_bytes, -(-plan.text_bytes // TEXT_PIECE_BYTES), TEXT_PIECE_BYTES)
    buffers = [_Buffer() for _ in range(min(slots(words.pool.threads), len(pieces)))]
    tail = bytearray(min(100, n))

    def make(i: int, slot: int) -> tuple:
        """Write piece i of the file; returns its bytes, and the residue and number of its digits."""
        (start, stop), buffer = pieces[i], buffers[slot]
        first, end = max(0, start - len(head)), min(n, stop - len(head))
        at = first + len(head) - start          # where the first digit of the piece stands in it
        low, high = first // fmt.digits, -(-end // fmt.digits)
        spelled = at - (first - low * fmt.digits)
        write_text(buffer.at(spelled, spelled + (high - low) * fmt.digits),
                   read(plan.words - high, plan.words - low), fmt.base)
        digits = buffer.at(at, at + max(0, end - first))
        if start == 0:
            buffer.at(0, len(head))[:] = np.frombuffer(head, dtype=np.uint8)
        if stop == plan.text_bytes:
            buffer.at(stop - start - 1, stop - start)[0] = ord("\n")
        last = max(first, n - len(tail))
        if last < end:
            tail[last - n + len(tail):end - n + len(tail)] = bytes(digits[last - first:])
        piece = memoryview(buffer.at(0, stop - start))
        text.write_at(start, piece)
        try:
            return piece, prefixes.parts(digits, first)
        except ForeignCharacter as error:
            #: As for "the integer part is wrong".
            raise FaultError("the text holds a character that is not a digit") from error

    def take(made: tuple) -> None:
        piece, parts = made
        prefixes.take(parts)
        hasher.update(piece)

    in_order(words.pool.threads, len(pieces), make, take)
    value = prefixes.found[n][0]
    if (value * bounds.guard_range + bounds.guard(low) - x_residue) % p != 0:
        #: As for "the integer part is wrong".
        raise FaultError("the text does not have the residue of the number", value=value)
    return tail.decode(), value
