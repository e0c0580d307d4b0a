"""A certificate for digits that another program computed: a run that squares them, in memory or on disk."""

from dataclasses import dataclass

from bigconst.base.constant import Constant, integer_text
from bigconst.base.errors import OperandError, UsageError, VerificationError
from bigconst.base.hardware import default_threads
from bigconst.base.units import format_count
from bigconst.runs import interrupted
from bigconst.runs.compute import compute
from bigconst.runs.request import RunRequest
from bigconst.runs.start import RunStart, start
from bigconst.storage.digitfile import open_digits


def request_for(constant: Constant, path: str, base: int = 10, lenient: bool = False, **options) -> RunRequest:
    """The request to certify the digits in a file; `options` are fields of a RunRequest.

    Raises UsageError for a constant without certificates, InputOutputError when the file cannot be read as digits,
    VerificationError when it cannot hold those of the constant.
    """
    if constant.certifier is None:
        #: Certificates are made for digits of the golden ratio and of square roots alone; those of other constants come
        #: with the digits that `bigconst` computes.
        raise UsageError(f"there are no certificates for foreign digits of {constant.name}",
                         "compute the digits again and compare")
    with open_digits(path, lenient) as text:
        text.locate(integer_text(constant.floor, base), base, None)
        return RunRequest(constant, text.digits, base, source=path, lenient=lenient, **options)


@dataclass(frozen=True)
class Certified:
    """Digits that were found right."""

    digits: int
    seconds: float


def certify(request: RunRequest, locate: bool = False) -> Certified:
    """Write the certificate of a digit file, unless the request is for none; return what was found right.

    Raises VerificationError for wrong digits; with `locate` it says from which digit on they are wrong.
    """
    return finish(start(request), locate)


def finish(begun: RunStart, locate: bool = False) -> Certified:
    """Carry out a run that certifies digits, new or resumed; as of `certify`."""
    request = begun.request
    try:
        report = compute(begun)
    except OperandError as error:
        # The remainder is longer than that of right digits may be: there is nothing to go on with.
        if begun.scratch is not None:
            interrupted.discard(begun.scratch.disks.directories)
        position = first_difference(request) if locate else None
        if position is None:
            raise VerificationError(f"{request.source} does not hold {request.constant.name}",
                                    "bigconst certify --locate says from which digit on it is wrong") from error
        #: The digits before it are right, and can be used.
        raise VerificationError(f"{request.source} is wrong from digit {format_count(position)} after the point on",
                                "the digits before it are right") from error
    return Certified(request.digits, report["seconds"]["total"] - report["seconds"]["kernels_ready"])


def first_difference(request: RunRequest) -> int | None:
    """Position (1 = first after the point) of the first wrong digit of a file; None if all are right."""
    from bigconst.proof import foreign

    return foreign.first_difference(request.source, request.constant, request.base, request.lenient,
                                    request.threads or default_threads(), request.allowed_memory_bytes)
