"""How numbers are stored: digits a word, packed sizes."""

from dataclasses import dataclass

HEADER_BYTES = 4096
"""Size of the first line of a certificate, in front of the packed numbers."""
TEXT_PIECE_BYTES = 2 << 20
"""Size of the pieces in which text is written, read or checked."""
PACKED_PIECE_WORDS = 1 << 19
"""Words that are packed, checked or unpacked at a time: whole groups and whole pages, 1.06 MiB of decimal words."""
ZST_SUFFIX = ".zst"
"""Suffix of digit files that are compressed as zstandard."""
YCD_SUFFIX = ".ycd"
"""Suffix of digit files in the compressed format of y-cruncher."""
YCD_WORD_DIGITS = {10: 19, 16: 16}
"""Digits of a word in such files, by base."""


@dataclass(frozen=True)
class WordFormat:
    """A format of words that hold `digits` digits of `base` each."""

    base: int
    digits: int

    @property
    def radix(self) -> int:
        """One more than the largest word."""
        return self.base**self.digits

    def smaller(self) -> tuple["WordFormat", ...]:
        """Formats to fall back to where round-off does not allow this one, largest words first."""
        return tuple(WordFormat(self.base, digits) for digits in range(self.digits - 1, 2, -1))


WORDS = {10: WordFormat(10, 5), 16: WordFormat(16, 4)}
"""Format of all stored numbers, by base."""


def packed_bytes(words: int, base: int) -> int:
    """Bytes of `words` words: groups of 64 in 136 bytes, or of 4 in 8 (kernels.pack)."""
    return -(-words // 64) * 136 if base == 10 else -(-words // 4) * 8
