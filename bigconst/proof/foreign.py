"""Digit files of other programs: their first wrong digit."""

import numpy as np

from bigconst.base.constant import Constant, integer_text
from bigconst.base.formats import TEXT_PIECE_BYTES
from bigconst.constants import engine
from bigconst.storage.digitfile import open_digits


def first_difference(path: str, constant: Constant, base: int, lenient: bool, threads: int,
                     memory_bytes: int) -> int | None:
    """Position (1 = first after the point) of the first wrong digit; None if all are right.

    The digits are computed for comparison.  Raises VerificationError and InputOutputError for a file that cannot hold
    them, DoesNotFit where they need more memory.
    """
    with open_digits(path, lenient) as text:
        text.locate(integer_text(constant.floor, base), base, None)
        # The engine counts decimal digits, and five of them are worth more than four hexadecimal ones.
        wanted = text.digits if base == 10 else text.digits * 5 // 4 + 1
        own = np.frombuffer(engine.compute(constant, wanted, base, threads, memory_bytes).partition(".")[2].encode(),
                            dtype=np.uint8)
        buffer = np.empty(TEXT_PIECE_BYTES, dtype=np.uint8)
        for piece in text.pieces:
            _, digits = text.read(piece, buffer)
            different = np.flatnonzero(digits != own[piece.first:piece.first + piece.count])
            if len(different):
                return piece.first + int(different[0]) + 1
    return None
