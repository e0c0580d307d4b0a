"""A file of digits as the words of a number, lowest first, and its whole text once more when they have been used."""

import numpy as np

from bigconst.arithmetic.filetext import absorb_file
from bigconst.arithmetic.residues import Prefixes
from bigconst.arithmetic.words import Words
from bigconst.base.errors import InputOutputError
from bigconst.base.formats import WORDS
from bigconst.constants.bounds import Bounds
from bigconst.kernels.text import read_text
from bigconst.storage.digitfile import DigitFile
from bigconst.storage.layouts import foreign


class DigitSource:
    """The digits of an open file, which `locate` has found, with their integer part."""

    def __init__(self, text: DigitFile, whole: int, base: int):
        self._text, self._whole, self._base, self._width = text, whole, base, WORDS[base].digits

    @property
    def is_lenient(self) -> bool:
        """Whether the text may have white space, a byte order mark, and upper case."""
        return self._text.lenient

    def words(self, fraction_words: int, start: int, stop: int) -> np.ndarray:
        """Words start .. stop-1 of the number with `fraction_words` words after the point: int32, zeros behind the last
        digit.  Threads may call it.  Raises InputOutputError for a character that is no digit."""
        out = np.zeros(stop - start, np.int32)
        if start <= fraction_words < stop:
            out[fraction_words - start] = self._whole
        low, high = min(start, fraction_words), min(stop, fraction_words)
        first, count = (fraction_words - high) * self._width, (high - low) * self._width
        characters = np.full(count, ord("0"), dtype=np.uint8)
        found = np.frombuffer(self._text.digits_at(first, count), dtype=np.uint8)
        characters[:len(found)] = found
        if count and (at := read_text(out[low - start:high - start], characters, self._base)) >= 0:
            raise foreign(self._text.path, characters, at, first + at + 1, self._base)
        return out

    def check(self, residue: int, bounds: Bounds, words: Words, hasher, prefixes: Prefixes) -> tuple[str, int]:
        """Read the whole text; returns the last 100 digits and the digit hash, floor(x*b^n) modulo 2^61 - 1.

        `hasher` receives all bytes, and `prefixes` all digits.  Raises InputOutputError when they do not have the
        residue of the number that was made of them: the file has changed meanwhile.
        """
        text = self._text
        absorb_file(text, self._base, prefixes, hasher, words.pool.threads)
        text.check_unchanged()
        value = prefixes.found[text.digits][0]
        if (value * bounds.guard_range - residue) % words.modulus.p:
            #: As for "… changed while it was read".
            raise InputOutputError(f"{text.path} changed while it was certified",
                                   "let nothing write to it, and begin again")
        return text.digits_at(max(0, text.digits - 100), 100).decode(), value
