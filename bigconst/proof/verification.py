"""Checking a digit file against its certificate: one streaming pass over both, no transform; for series their terms.

Memory is bounded by the pieces in flight.  The primes are drawn when both
files are open, from the operating system's entropy; nothing in them depends on
the files.  docs/certificate.md explains why this is enough.
"""

import os
import time
from dataclasses import dataclass

import numpy as np
import xxhash
from gmpy2 import mpz

from bigconst.arithmetic.filetext import absorb_file
from bigconst.arithmetic.limits import quotient_residues
from bigconst.arithmetic.packed import page_buffer, pieces
from bigconst.arithmetic.residues import Modulus, Prefixes, random_prime, residues_words
from bigconst.base.constant import Limit, integer_text
from bigconst.base.errors import VerificationError
from bigconst.base.formats import HEADER_BYTES, PACKED_PIECE_WORDS, WORDS, packed_bytes
from bigconst.kernels.pack import GROUP, unpack
from bigconst.plans.certificate import (
    Header,
    Packed,
    Remainder,
    certificate_path,
    decode_header,
    error_probability,
    within_bound,
)
from bigconst.plans.quotient import Quotient
from bigconst.runtime.stream import in_order, slots
from bigconst.storage.digitfile import DigitFile, open_digits
from bigconst.storage.regularfile import open_regular, read_exactly, unchanged

COMPARED_WORDS = 2000
"""Words that are compared at a time to decide whether r is within its bound."""


@dataclass(frozen=True)
class Verdict:
    """A successful verification."""

    header: Header
    primes: tuple[int, ...]
    sides: tuple[tuple[int, int], ...]
    """both sides of the statement's identity modulo each prime"""
    error_probability: float
    """bound on the probability that a false identity passes"""
    seconds: float


class _Certificate:
    """An open certificate file: header and numbers."""

    def __init__(self, path: str):
        self.path = path
        self.fd, self._info = open_regular(path)
        self.size_bytes = self._info.st_size

    def __enter__(self) -> "_Certificate":
        return self

    def __exit__(self, *_exception) -> None:
        os.close(self.fd)

    def read_header(self, own: Limit | None) -> tuple[Header, str, bytes]:
        """Header, checksum and zeroed block, as of `plans.certificate.decode_header`.

        Raises VerificationError also when the file does not have the size that its header needs.
        """
        block = np.empty(min(HEADER_BYTES, self.size_bytes), dtype=np.uint8)
        read_exactly(self.fd, block, 0, self.path)
        header, told, zeroed = decode_header(block.tobytes(), own)
        if self.size_bytes != header.size_bytes:
            #: The certificate is damaged, most often cut off. Copy it again, or make one with `bigconst certify`.
            raise VerificationError(f"{self.path} has {self.size_bytes} bytes, its header needs {header.size_bytes}",
                                    "the certificate is damaged")
        return header, told, zeroed

    def words(self, base: int, offset: int, start: int, stop: int,
              buffer: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Words start .. stop-1, start a multiple of a group, of the number at `offset`: (packed bytes, int32 words).

        Raises VerificationError for words outside 0 .. radix-1, and for words other than 0 that fill up the last group.
        """
        radix = WORDS[base].radix
        group = GROUP[radix]
        data = buffer[:packed_bytes(stop - start, base)]
        read_exactly(self.fd, data, offset + packed_bytes(start, base), self.path)
        words = np.empty(-(-(stop - start) // group) * group, dtype=np.int32)
        if unpack(words, data.view(np.uint64), radix) >= radix or words[stop - start:].any():
            raise self.out_of_range()
        return data, words[:stop - start]

    def out_of_range(self) -> VerificationError:
        """The error that a word is larger than it may be."""
        #: As for "… has … bytes, its header needs …".
        return VerificationError(f"{self.path} holds a word out of range", "the certificate is damaged")

    def check_unchanged(self) -> None:
        """Raise InputOutputError when the file was written to since it was opened."""
        unchanged(self._info, self.fd, self.path)


def verify(text_path: str, proof: str | None = None, primes: int = 3, threads: int = 1,
           own: Limit | None = None) -> Verdict:
    """Check that the digits in `text_path` are floor(x*b^n) for the constant that the certificate names.

    `proof` is the path of the certificate, by default the one beside the text; `own` is the number of a series of one's
    own (plans.ownseries), which the certificate has to be for.
    Raises VerificationError when anything is wrong with the claim,
    InputOutputError when a file cannot be read, as digits too, or changes meanwhile.
    """
    began = time.perf_counter()
    proof = proof or certificate_path(text_path)
    with _Certificate(proof) as certificate:
        header, told, zeroed = certificate.read_header(own)
        with open_digits(text_path, header.lenient) as text:
            whole = header.constant.floor
            text.locate(integer_text(whole, header.base), header.base, header.digits)
            moduli = tuple(Modulus(random_prime()) for _ in range(primes))
            prefixes, text_hash = _text_residues(threads, text, header, moduli)
            numbers, file_hash = _certificate_residues(threads, certificate, header, moduli, zeroed)
            if file_hash != told:
                #: As for "… has … bytes, its header needs …".
                raise VerificationError(f"{proof} does not have the checksum in its header",
                                        "the certificate is damaged")
            if text_hash != header.text_xxh3:
                #: Its text has another checksum: it was changed, or the two files do not belong together. Copy it
                #: again.
                raise VerificationError(f"{text_path} is not the file that the certificate was made for",
                                        "it was changed, or the certificate belongs to another file")
            if isinstance(header.statement, Quotient):
                parts, missing = quotient_residues(header.claim, header.statement, moduli, threads)
                numbers |= parts
                if not header.statement.is_long(header.claim, missing):
                    #: As for "the certificate's parameters are out of their bounds: not …".
                    raise VerificationError("the certificate's h is not what its X needs",
                                            "it is damaged or made by something else")
            pairs = [header.statement.sides(header.claim, modulus.p, [found[k] for found in prefixes],
                                            {name: found[k] for name, found in numbers.items()})
                     for k, modulus in enumerate(moduli)]
            if any(left != right for left, right in pairs):
                #: The digits are wrong, or the certificate is of another number. `bigconst certify --locate` says where
                #: the first wrong digit is.
                raise VerificationError("the identity is false: these are not the digits, or not the certificate")
            if isinstance(header.statement, Remainder) and not _within_bound(text, certificate, header, whole):
                #: As for "the identity is false: these are not the digits, or not the certificate".
                raise VerificationError("r is larger than its bound: the last digit is too small")
            text.check_unchanged()
            certificate.check_unchanged()
    return Verdict(header, tuple(m.p for m in moduli), tuple(pairs),
                   error_probability(header.claim, header.statement, primes), time.perf_counter() - began)


def _text_residues(threads: int, text: DigitFile, header: Header,
                   moduli: tuple[Modulus, ...]) -> tuple[list[tuple[int, ...]], str]:
    """The prefixes that the statement needs modulo each prime, and the checksum of the whole text."""
    hasher, counts = xxhash.xxh3_128(), header.statement.prefixes(header.claim)
    prefixes = Prefixes(moduli, header.base, counts, header.constant.floor)
    absorb_file(text, header.base, prefixes, hasher, threads)
    return [prefixes.found[count] for count in counts], hasher.hexdigest()


def _certificate_residues(threads: int, certificate: _Certificate, header: Header, moduli: tuple[Modulus, ...],
                          zeroed: bytes) -> tuple[dict[str, list[int]], str]:
    """All numbers modulo each prime, and the checksum of the whole certificate file."""
    hasher, offset, found = xxhash.xxh3_128(zeroed), HEADER_BYTES, {}
    for number in header.numbers:
        found[number.name] = _number_residues(threads, certificate, header.base, number, offset, moduli, hasher)
        offset += packed_bytes(number.words(header.base), header.base)
    return found, hasher.hexdigest()


def _number_residues(threads: int, certificate: _Certificate, base: int, number: Packed, offset: int,
                     moduli: tuple[Modulus, ...], hasher) -> list[int]:
    """A number of the certificate modulo each prime; `hasher` receives its bytes."""
    radix, length = WORDS[base].radix, number.words(base)
    ranges = pieces(length)
    size = packed_bytes(min(length, PACKED_PIECE_WORDS), base)
    buffers = [page_buffer(size) for _ in range(min(slots(threads), len(ranges)))]
    totals = [0] * len(moduli)

    def make(i: int, slot: int) -> tuple:
        start, stop = ranges[i]
        data, words = certificate.words(base, offset, start, stop, buffers[slot])
        if stop == length and number.top is not None and words[-1] >= number.top:
            raise certificate.out_of_range()
        return data, residues_words(moduli, words, radix), start

    def take(result: tuple) -> None:
        data, residues, start = result
        hasher.update(memoryview(data))
        for k, (modulus, residue) in enumerate(zip(moduli, residues, strict=True)):
            totals[k] = (totals[k] + residue * pow(radix, start, modulus.p)) % modulus.p

    in_order(threads, len(ranges), make, take)
    return totals


def _within_bound(text: DigitFile, certificate: _Certificate, header: Header, whole: int) -> bool:
    """Whether r <= 2P - b^n (phi) or r <= 2P."""
    fmt = WORDS[header.base]
    group = GROUP[fmt.radix]
    step = COMPARED_WORDS // group * group
    buffer = page_buffer(packed_bytes(step, header.base))

    def r_value(low: int, high: int) -> int:
        value = 0
        for word in certificate.words(header.base, HEADER_BYTES, low, high, buffer)[1][::-1].tolist():
            value = value * fmt.radix + word
        return value

    return within_bound(header.claim, step, r_value,
                        lambda low, high: _value(text, header, whole, low * fmt.digits, high * fmt.digits))


def _value(text: DigitFile, header: Header, whole: int, low: int, high: int) -> int:
    """The integer in digits low .. high-1 of P, counted from its last digit."""
    n = header.digits
    digits = text.digits_at(max(0, n - high), n - low - max(0, n - high)) if low < n else b""
    value = int(mpz(digits.decode(), header.base)) if digits else 0
    if high > n:
        shifted = whole * header.base ** max(0, n - low) if low <= n else whole // header.base ** (low - n)
        value += shifted % header.base ** (high - low)
    return value
