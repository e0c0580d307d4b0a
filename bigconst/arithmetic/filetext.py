"""One pass over a digit file: the residues of its digits, and the checksum of its bytes."""

from bigconst.arithmetic.packed import page_buffer
from bigconst.arithmetic.residues import ForeignCharacter, Prefixes
from bigconst.base.formats import TEXT_PIECE_BYTES
from bigconst.runtime.stream import in_order, slots
from bigconst.storage.digitfile import DigitFile
from bigconst.storage.layouts import foreign


def absorb_file(text: DigitFile, base: int, prefixes: Prefixes, hasher, threads: int) -> None:
    """Read a file whose digits are located: `hasher` receives all bytes, `prefixes` all digits.

    Raises InputOutputError for a character that is no digit of `base`, and where the file cannot be read.
    """
    buffers = [page_buffer(TEXT_PIECE_BYTES) for _ in range(min(slots(threads), len(text.pieces)))]

    def make(i: int, slot: int) -> tuple:
        piece = text.pieces[i]
        raw, digits = text.read(piece, buffers[slot])
        try:
            return raw, prefixes.parts(digits, piece.first)
        except ForeignCharacter as error:
            raise foreign(text.path, digits, error.index, piece.first + error.index + 1, base) from None

    def take(made: tuple) -> None:
        raw, parts = made
        hasher.update(memoryview(raw))
        prefixes.take(parts)

    in_order(threads, len(text.pieces), make, take)
    hasher.update(text.rest())
