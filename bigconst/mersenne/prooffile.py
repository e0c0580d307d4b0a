"""Files of proofs of probable prime tests, in the format that the searchers of GIMPS exchange.

    PRP PROOF
    VERSION=2
    HASHSIZE=64
    POWER=9
    NUMBER=M216091

and then, each line having ended with LF, k + 1 residues of ceil(P/8) bytes, least byte first: B = 3^(2^P), and the
middles M_0 .. M_(k-1) of `bigconst.mersenne.proof`.  The format is that of Prime95 and gpuowl.
"""

import hashlib
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass

from gmpy2 import is_prime, mpz

from bigconst.base.errors import InputOutputError, UsageError
from bigconst.base.units import format_count
from bigconst.plans.dwtshape import lengths
from bigconst.plans.proofplan import MAX_POWER

SUFFIX = ".proof"
HASH_BITS = 64
_FIRST = b"PRP PROOF\n"
_HEAD_BYTES = 1 << 16
_LINE = re.compile(rb"([A-Z]+)=([^\n]*)\n")
_NAMES = ("VERSION", "HASHSIZE", "POWER", "NUMBER")
_REMEDY = "make or fetch the proof again"


@dataclass(frozen=True)
class ProofFacts:
    """What a result says of the proof of its test."""

    power: int
    hash_bits: int
    md5: str
    """of the whole file, in hexadecimal digits"""
    path: str


@dataclass(frozen=True)
class Proof:
    """A proof that 3^(2^exponent) is `last` modulo 2^exponent - 1."""

    exponent: int
    last: mpz
    middles: tuple[mpz, ...]
    hash_bits: int = HASH_BITS

    @property
    def power(self) -> int:
        """How often the test is halved."""
        return len(self.middles)

    def challenges(self) -> Iterator[int]:
        """The exponents h_0, h_1 ... by which the residues after each middle are weighed."""
        state = hashlib.sha3_256(residue_bytes(self.last, self.exponent)).digest()
        for middle in self.middles:
            state = hashlib.sha3_256(state + residue_bytes(middle, self.exponent)).digest()
            yield int.from_bytes(state[:8], "little") & (2**self.hash_bits - 1)


def residue_bytes(residue: mpz, p: int) -> bytes:
    """A residue modulo 2^p - 1 as ceil(p/8) bytes, least byte first."""
    return int(residue).to_bytes((p + 7) // 8, "little")


def encode(proof: Proof) -> bytes:
    """The content of a file."""
    head = f"VERSION=2\nHASHSIZE={proof.hash_bits}\nPOWER={proof.power}\nNUMBER=M{proof.exponent}\n"
    return b"".join([_FIRST, head.encode(), *(residue_bytes(each, proof.exponent)
                                              for each in (proof.last, *proof.middles))])


def md5(data: bytes) -> str:
    """The MD5 of a file in hexadecimal digits, by which servers know it."""
    return hashlib.md5(data, usedforsecurity=False).hexdigest()


def read(path: str) -> tuple[Proof, str]:
    """The proof in a file, and the MD5 of the file in hexadecimal digits.

    Raises InputOutputError for a file that is damaged or cannot be read; UsageError for one that is of another kind
    than the proofs that are checked here.
    """
    try:
        with open(path, "rb") as file:
            head = file.read(_HEAD_BYTES)
            fields, begin = _head(path, head)
            p, power, hash_bits = _known(path, fields)
            size_bytes, found_bytes = begin + (power + 1) * ((p + 7) // 8), os.fstat(file.fileno()).st_size
            if found_bytes != size_bytes:
                #: It was cut, or something was added to it.
                raise InputOutputError(f"{path} has {format_count(found_bytes)} bytes, a proof of power {power} for "
                                       f"M{p} has {format_count(size_bytes)}", _REMEDY)
            file.seek(0)
            data = file.read()
    except OSError as error:
        raise InputOutputError(f"cannot read {path}: {error.strerror}", "name a file of a proof") from error
    step = (p + 7) // 8
    residues = [mpz(int.from_bytes(data[at:at + step], "little")) for at in range(begin, size_bytes, step)]
    modulus = (mpz(1) << p) - 1
    for number, residue in enumerate(residues):
        if not 0 < residue < modulus:
            #: No test leaves such a residue: the file is damaged, or was made to deceive.
            raise InputOutputError(f"{path}: residue {number} is not one of 1 .. 2^{p}-2", _REMEDY)
    return Proof(p, residues[0], tuple(residues[1:]), hash_bits), md5(data)


def _head(path: str, data: bytes) -> tuple[dict[str, str], int]:
    """The fields of the header, and where it ends."""
    if not data.startswith(_FIRST):
        #: A proof begins with this line.
        raise InputOutputError(f"{path} does not begin with 'PRP PROOF'", "name a file of a proof")
    at, fields = len(_FIRST), {}
    while "NUMBER" not in fields:
        match = _LINE.match(data, at)
        if match is None or match[1].decode() in fields:
            #: The lines after the first are VERSION, HASHSIZE, POWER, NUMBER, each once.
            raise InputOutputError(f"{path}: the header of the proof is damaged", _REMEDY)
        fields[match[1].decode()], at = match[2].decode("ascii", "replace"), match.end()
    return fields, at


def _known(path: str, fields: dict[str, str]) -> tuple[int, int, int]:
    """Exponent, power and bits of hashes."""
    remedy = "check it with the program that it is for"
    for name in fields:
        if name not in _NAMES:
            raise UsageError(f"{path}: {name}= is not known here", remedy)
    if fields.get("VERSION") != "2":
        raise UsageError(f"{path} is a proof of version {fields.get('VERSION', 'none')[:20]}, not 2", remedy)
    power = fields.get("POWER", "")
    if re.fullmatch(r"[0-9]{1,2}x[0-9]{1,2}", power):
        raise UsageError(f"{path} has a power multiplier (POWER={power})", remedy)
    if not re.fullmatch(r"[1-9][0-9]?", power) or int(power) > MAX_POWER:
        raise UsageError(f"{path}: POWER={power[:20]} is not 1 to {MAX_POWER}", remedy)
    bits = fields.get("HASHSIZE", str(HASH_BITS))
    if not re.fullmatch(r"[0-9]{2}", bits) or not 32 <= int(bits) <= 64:
        raise UsageError(f"{path}: HASHSIZE={bits[:20]} is not 32 to 64", remedy)
    number = fields["NUMBER"]
    if re.match(r"\(?M[0-9]+\)?/", number):
        raise UsageError(f"{path} is about a cofactor ({number[:40]}), a Mersenne number without known factors", remedy)
    match = re.fullmatch(r"M([1-9][0-9]{0,11})", number)
    if match is None or not is_prime(int(match[1])) or not 3 < int(match[1]) <= lengths()[-1].max_exponent:
        raise UsageError(f"{path}: NUMBER={number[:40]} is no Mersenne number with a prime exponent that fits", remedy)
    return int(match[1]), int(power), int(bits)
