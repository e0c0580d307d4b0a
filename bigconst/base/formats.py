"""How numbers are stored: digits a word, packed sizes, the size of a certificate file."""

from dataclasses import dataclass

HEADER_BYTES = 4096
"""Of a certificate: its first line, in front of the packed r."""
TEXT_PIECE_BYTES = 2 << 20
"""Text that is written, read or checked in one piece."""
PACKED_PIECE_WORDS = 1 << 19
"""Words that are packed, checked or unpacked in one piece: whole groups and whole pages, 1.06 MiB of decimal words."""
ZST_SUFFIX = ".zst"
"""Of the names of digit files that are written as zstandard."""


@dataclass(frozen=True)
class WordFormat:
    """`digits` digits of `base` in a word."""

    base: int
    digits: int

    @property
    def radix(self) -> int:
        """One more than the largest word."""
        return self.base**self.digits

    def smaller(self) -> tuple["WordFormat", ...]:
        """Formats to fall back to where round-off does not allow this one."""
        return tuple(WordFormat(self.base, digits) for digits in range(self.digits - 1, 2, -1))


WORDS = {10: WordFormat(10, 5), 16: WordFormat(16, 4)}
"""Of all stored numbers, by base."""


def packed_bytes(words: int, base: int) -> int:
    """Bytes of `words` words: groups of 64 in 136 bytes, or of 4 in 8 (kernels.pack)."""
    return -(-words // 64) * 136 if base == 10 else -(-words // 4) * 8


def remainder_words(base: int, digits: int) -> int:
    """Words that r of a certificate is stored in: r <= 2P < base^(digits + 6)."""
    return -(-(digits + 6) // WORDS[base].digits)


def certificate_bytes(base: int, digits: int) -> int:
    """Size of a certificate file."""
    return HEADER_BYTES + packed_bytes(remainder_words(base, digits), base)
