"""Hashes of a digit file: its value modulo a prime, as other programs publish it, and two checksums of its text."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import xxhash

from bigconst.arithmetic.residues import ForeignCharacter, Modulus
from bigconst.arithmetic.words import MERSENNE_61
from bigconst.reading.source import DigitText, in_pieces


@dataclass(frozen=True)
class Hashes:
    """Hashes of one file; checksums are lower-case hexadecimal, and those of the text if the file is compressed."""

    digit_hash: int
    """floor(x * base^digits) mod 2^61 - 1"""
    sha256: str
    xxh3: str


def hashes(text: DigitText, threads: int, done: Callable[[int], None] = lambda digits: None) -> Hashes:
    """Read the text once and compute its hashes; `done` receives the number of digits read.

    Raises InputOutputError when a character is no digit.
    """
    modulus = Modulus(MERSENNE_61)
    checksums = hashlib.sha256(), xxhash.xxh3_128()
    value = int(text.whole, text.base) % modulus.p

    def feed(data: bytes | memoryview) -> None:
        for checksum in checksums:
            checksum.update(data)

    def make(slot: int, start: int, digits: np.ndarray) -> int | None:
        try:
            return modulus.residue_text(digits, text.base)
        except ForeignCharacter:
            return None

    def take(start: int, digits: np.ndarray, residue: int | None) -> None:
        nonlocal value
        if residue is None:
            text.check(start, digits)
        value = (value * modulus.power(text.base, len(digits)) + residue) % modulus.p
        feed(memoryview(digits))

    feed(f"{text.whole}.".encode())
    in_pieces(text, 0, text.digits, threads, make, take, done)
    feed(b"\n")
    return Hashes(value, *(checksum.hexdigest() for checksum in checksums))
