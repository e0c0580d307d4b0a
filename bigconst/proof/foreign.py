"""Digit files of other programs: the remainder of their certificate by one squaring, or their first wrong digit."""

import numpy as np
import xxhash

from bigconst.arithmetic.memory.products import Products
from bigconst.arithmetic.words import Words
from bigconst.base.constant import Constant, Root, integer_text
from bigconst.base.errors import FaultError, VerificationError
from bigconst.base.formats import TEXT_PIECE_BYTES, WORDS
from bigconst.constants.remainder import remainder
from bigconst.kernels.text import read_text
from bigconst.plans.certificate import Claim, Remainder
from bigconst.runtime.threads import Pool, split
from bigconst.storage.digitfile import DigitFile, open_digits
from bigconst.storage.layouts import foreign


def _characters(text: DigitFile, room: int) -> tuple[np.ndarray, str]:
    """`room` characters "0" followed by all digits after the point (uint8), and the xxh3_128 of the text."""
    characters = np.full(room + text.digits, ord("0"), dtype=np.uint8)
    buffer = np.empty(TEXT_PIECE_BYTES, dtype=np.uint8)
    hasher = xxhash.xxh3_128()
    for piece in text.pieces:
        raw, digits = text.read(piece, buffer)
        hasher.update(memoryview(raw))
        characters[room + piece.first:room + piece.first + piece.count] = digits
    hasher.update(text.rest())
    text.check_unchanged()
    return characters, hasher.hexdigest()


def rebuild_remainder(path: str, root: Root, base: int, lenient: bool,
                      threads: int) -> tuple[int, str, np.ndarray, int]:
    """The remainder r of the digits in a file: (number of digits, text checksum, r, its residue).

    r is an array of int32 words.  Raises VerificationError when the digits are not those of the root,
    InputOutputError when the file cannot be read, as digits too.
    """
    whole = integer_text(root.floor, base)
    fmt = WORDS[base]
    with open_digits(path, lenient) as text:
        text.locate(whole, base, None)
        n = text.digits
        length = Remainder().numbers(Claim(root, base, n))[0].words(base)
        characters, text_xxh3 = _characters(text, length * fmt.digits - n)
    before = length * fmt.digits - n - len(whole)
    characters[before:before + len(whole)] = np.frombuffer(whole.encode(), dtype=np.uint8)
    p_words = np.empty(length, np.int32)
    with Pool(threads) as pool:
        words = Words(fmt, pool)

        def task(start: int, stop: int) -> None:
            low, high = (length - stop) * fmt.digits, (length - start) * fmt.digits
            if (at := read_text(p_words[start:stop], characters[low:high], base)) >= 0:
                raise foreign(path, characters, low + at, low + at - (len(characters) - n) + 1, base)

        pool.run(task, split(length, -(-length // (1 << 18)), 16))
        try:
            found = remainder(Products(words, lambda event: None), root, n, p_words, words.residue(p_words))
        except FaultError:
            found = None        # the digits are too far off for the remainder to be short
    if found is None:
        raise VerificationError(f"{path} does not hold {root.name}",
                                "bigconst certify --locate says from which digit on it is wrong")
    return n, text_xxh3, found[0], found[1]


def first_difference(path: str, constant: Constant, base: int, lenient: bool, threads: int) -> int | None:
    """Position (1 = first after the point) of the first wrong digit; None if all are right.

    The digits are computed for comparison.  Raises VerificationError and InputOutputError for a file that cannot hold
    them.
    """
    from bigconst.constants import engine

    with open_digits(path, lenient) as text:
        text.locate(integer_text(constant.floor, base), base, None)
        characters, _ = _characters(text, 0)
    # The engine counts decimal digits, and five of them are worth more than four hexadecimal ones.
    wanted = text.digits if base == 10 else text.digits * 5 // 4 + 1
    own = engine.compute(constant, wanted, base, threads).partition(".")[2].encode()
    different = np.flatnonzero(characters != np.frombuffer(own, dtype=np.uint8)[:text.digits])
    return int(different[0]) + 1 if len(different) else None
