"""A certificate for digits that another program computed, by one squaring in memory."""

import time
from dataclasses import dataclass

import numpy as np

from bigconst.base.constant import Constant
from bigconst.base.errors import UsageError, VerificationError
from bigconst.base.hardware import default_threads
from bigconst.base.units import format_count
from bigconst.base.version import __version__
from bigconst.plans.certificate import Claim, Header, Remainder, certificate_path
from bigconst.runs.kernels import DIGITS, load
from bigconst.storage.atomicfile import AtomicFile


@dataclass(frozen=True)
class CertifyRequest:
    """A digit file from elsewhere, and the constant that it is said to hold."""

    path: str
    constant: Constant
    base: int = 10
    lenient: bool = False
    """whether white space, a byte order mark and upper case are allowed"""
    threads: int | None = None
    force: bool = False
    """whether a certificate that exists is replaced"""
    locate: bool = False
    """whether the digits are computed and compared where they are wrong"""


@dataclass(frozen=True)
class Rebuilt:
    """What the certificate of a digit file needs, from digits that were found right."""

    digits: int
    text_xxh3: str
    r: np.ndarray
    """the remainder as words, int32"""
    r_residue: int
    """the remainder modulo 2^61 - 1"""
    seconds: float


def rebuild(request: CertifyRequest) -> Rebuilt:
    """Read a digit file and compute its remainder.

    Raises UsageError for a constant without certificates, VerificationError when its digits are wrong, InputOutputError
    when it cannot be read as digits.
    """
    if request.constant.root is None:
        #: Only the golden ratio and square roots have certificates, from which the digits are known to be right.
        raise UsageError(f"there are no certificates for {request.constant.name}",
                         "compute the digits again and compare")
    load(DIGITS)
    from bigconst.proof.foreign import rebuild_remainder

    began = time.perf_counter()
    digits, text_xxh3, r, r_residue = rebuild_remainder(
        request.path, request.constant.root, request.base, request.lenient, request.threads or default_threads())
    return Rebuilt(digits, text_xxh3, r, r_residue, time.perf_counter() - began)


def certify(request: CertifyRequest) -> tuple[str, Rebuilt]:
    """Write the certificate of a digit file; return its path and what it was made from.

    Raises VerificationError for wrong digits; with `request.locate` it says from which digit on they are wrong.
    """
    path = certificate_path(request.path)
    with AtomicFile(path, 0, request.force) as file:
        try:
            rebuilt = rebuild(request)
        except VerificationError as error:
            position = _first_difference(request) if request.locate else None
            if position is None:
                raise
            #: The digits before it are right, and can be used.
            raise VerificationError(f"{request.path} is wrong from digit {format_count(position)} after the point on",
                                    "the digits before it are right") from error
        from bigconst.arithmetic.words import Words
        from bigconst.base.formats import WORDS
        from bigconst.constants.remainder import write_certificate
        from bigconst.runtime.threads import Pool

        header = Header(Claim(request.constant.root, request.base, rebuilt.digits), Remainder(), request.lenient,
                        __version__, rebuilt.text_xxh3)
        write_certificate(Words(WORDS[request.base], Pool(1)), header,
                          [(lambda start, stop: rebuilt.r[start:stop], rebuilt.r_residue)], file)
        file.commit()
    return path, rebuilt


def _first_difference(request: CertifyRequest) -> int | None:
    from bigconst.proof.foreign import first_difference

    return first_difference(request.path, request.constant, request.base, request.lenient,
                            request.threads or default_threads())
