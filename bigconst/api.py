"""The functions that `import bigconst` gives to Python programs.

    compute_digits, compute_integer   digits that fit comfortably into memory
    compute_file                      any number of digits into a file with its certificate; works on scratch disks
                                      where memory is too small
    verify                            checks a digit file against its certificate
    iterate                           squarings modulo 2^p - 1
    estimate, estimate_test           estimated time of a computation

Constants are named as on the command line: "phi", "sqrt 2", "log 3/2", "zeta3 by wedeniwski", "series apery.toml".
Errors are raised as classes of `bigconst.base.errors`, whose text is the line that the command line prints.  The first
call on a machine compiles the kernels, once, and says so on stderr.  docs/python.md shows more.
"""

from __future__ import annotations

import operator
import os
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from bigconst.base.constant import Constant
from bigconst.base.errors import UsageError
from bigconst.base.hardware import MAX_THREADS, default_threads
from bigconst.base.units import MAX_COUNT
from bigconst.constants.ownseries import read_series, series_constant
from bigconst.constants.registry import parse
from bigconst.plans.diskplan import MIN_WORKSPACE_BYTES

if TYPE_CHECKING:
    from bigconst.base.events import Event
    from bigconst.estimates.jobs import Job
    from bigconst.estimates.model import Estimate
    from bigconst.proof.verification import Verdict

MAX_SUBTRACT = 1000
"""largest `subtract` of `iterate`, small enough not to disturb the transform"""


def compute_digits(constant: str, digits: int, base: int = 10, *, threads: int | None = None) -> str:
    """The constant to `digits` decimal digits after the point, truncated.

    In base 16 there are ceil(digits * log(10)/log(16)) hexadecimal digits.  Without `threads`, all processors work.
    Raises UsageError for arguments out of range, DoesNotFit where three quarters of the available memory are too
    little.

    >>> compute_digits("phi", 20)
    '1.61803398874989484820'
    >>> compute_digits("sqrt 2", 20, base=16)
    '1.6a09e667f3bcc908b'
    """
    from bigconst.base.hardware import available_memory_bytes
    from bigconst.runs.kernels import DIGITS, load

    what = _named(constant, digits, base)
    threads = _threads(threads)
    load(DIGITS)
    from bigconst.constants.engine import compute

    return compute(what, digits, base, threads, available_memory_bytes() * 3 // 4)


def compute_integer(constant: str, digits: int, base: int = 10, *, threads: int | None = None) -> int:
    """floor(constant * base^n), where n is the number of digits after the point that `compute_digits` returns.

    Raises the errors of `compute_digits`.

    >>> compute_integer("sqrt 2", 10)
    14142135623
    """
    from gmpy2 import mpz

    return int(mpz(compute_digits(constant, digits, base, threads=threads).replace(".", ""), base))


def compute_file(constant: str, digits: int, output: str | os.PathLike, base: int = 10, *, threads: int | None = None,
                 memory_bytes: int | None = None, workspace_bytes: int | None = None,
                 swap: Sequence[str | os.PathLike] = (), certificate: bool = True, force: bool = False,
                 emit: Callable[[Event], None] = lambda event: None, block_digits: int | None = None) -> dict:
    """Write the digits into a file, compressed if its name ends in .zst or .ycd, and FILE.cert; return the report.

    With `block_digits`, NAME.ycd is a set of files of so many digits each, `NAME - 0.ycd` and so on.

    Sizes and directories are those of `bigconst phi`: `memory_bytes` bounds the process, `workspace_bytes` its working
    arrays.  Numbers that do not fit are stored in the directories `swap` (by default swap/, if it exists), where an
    interrupted run is resumed by repeating the call or by `bigconst resume`.  `emit` receives the events of
    `bigconst.base.events`.  Raises UsageError, DoesNotFit, InputOutputError, FaultError, Interrupted.
    """
    from bigconst.runs.compute import compute
    from bigconst.runs.request import RunRequest
    from bigconst.runs.start import start

    path = os.fspath(output)
    if path == "-":
        #: `compute_file` writes a file, which `-` is not: name one, like `phi.txt`. `compute_digits` returns the
        #: digits.
        raise UsageError("the digits need a file", "name it, like phi.txt")
    what = _named(constant, digits, base)
    _check_limits(threads, memory_bytes, workspace_bytes)
    if block_digits is not None:
        _check("block_digits", block_digits, 1)
    return compute(start(RunRequest(
        what, digits, base, threads, memory_bytes, workspace_bytes, _directories(swap), output=path, force=force,
        with_certificate=certificate, command=f"bigconst.compute_file({constant!r}, {digits}, {path!r})",
        block_digits=block_digits)), emit)


def verify(file: str | os.PathLike, certificate: str | os.PathLike | None = None, *, primes: int = 3,
           threads: int | None = None, series: str | os.PathLike | None = None) -> Verdict:
    """Check every digit of a file against its certificate (FILE.cert by default) modulo `primes` random primes.

    It makes one pass over both files; docs/certificate.md says what is proved.  `series` is the file of a series of
    one's own, for its digits.  The `header` of the verdict names
    constant, base and number of digits.  Raises VerificationError where a digit or the certificate is wrong;
    InputOutputError; UsageError for arguments out of range.
    """
    from bigconst.plans.certificate import MAX_PRIMES
    from bigconst.runs.kernels import CHECKING, load

    _check("primes", primes, 1, MAX_PRIMES)
    threads = _threads(threads)
    load(CHECKING)
    from bigconst.proof.verification import verify as verify_file

    own = None if series is None else series_constant(read_series(os.fspath(series))).number
    return verify_file(os.fspath(file), None if certificate is None else os.fspath(certificate), primes, threads, own)


def iterate(p: int, value: int, count: int, subtract: int = 0, *, threads: int | None = None) -> int:
    """The residue after `count` steps x -> x^2 - `subtract` modulo 2^p - 1 from x = `value`; 0 <= result < 2^p - 1.

    Round-off is measured, and a batch of steps with too much of it is repeated.  There are no checks of the residues,
    unlike in `bigconst ll`: other errors of a broken machine are not noticed.  Raises UsageError where p is too large
    or 0 <= `subtract` <= 1000 does not hold, FaultError if round-off errors persist.

    A Lucas-Lehmer test shows that 2^1279 - 1 is prime:

    >>> iterate(1279, 4, 1279 - 2, subtract=2)
    0
    """
    from bigconst.runs.kernels import SQUARINGS, load

    _check("p", p, 2)
    _check("count", count, 0)
    _check("subtract", subtract, 0, MAX_SUBTRACT)
    threads = _threads(threads)
    load(SQUARINGS)
    from bigconst.mersenne.squarings import iterate as squarings

    return squarings(p, value, count, subtract, threads)


def estimate(constant: str, digits: int, base: int = 10, *, threads: int | None = None,
             memory_bytes: int | None = None, swap: Sequence[str | os.PathLike] = ()) -> Estimate:
    """The estimated time of `compute_file` on this machine: `seconds`, their relative `error`, and the `stages`.

    It uses the speeds that `bigconst bench` measured; where there are none, a short benchmark runs first.  Raises
    DoesNotFit where the run would be refused, UsageError for arguments out of range.
    """
    from bigconst.estimates.jobs import ConstantJob

    return _estimated(ConstantJob(_named(constant, digits, base), digits, base, True), threads, memory_bytes, swap)


def estimate_test(p: int, kind: str = "ll", *, threads: int | None = None, memory_bytes: int | None = None,
                  swap: Sequence[str | os.PathLike] = ()) -> Estimate:
    """The estimated time of `bigconst ll` or `bigconst prp`, which `kind` names, for a test of 2^p - 1.

    Speeds, result and errors are those of `estimate`.
    """
    from bigconst.runs.estimate import mersenne_job

    if kind not in ("ll", "prp"):
        #: The kind of a test is `"ll"` or `"prp"`.
        raise UsageError(f"unknown test {str(kind)[:80]!r}", "it is ll or prp")
    _check("p", p, 2)
    return _estimated(mersenne_job("LL" if kind == "ll" else "PRP-3", p), threads, memory_bytes, swap)


def _estimated(job: Job, threads: int | None, memory_bytes: int | None, swap: Sequence[str | os.PathLike]) -> Estimate:
    from bigconst.runs.estimate import EstimateRequest, estimate_here

    _check_limits(threads, memory_bytes)
    return estimate_here(EstimateRequest(job, threads, memory_bytes, _directories(swap))).whole


# -- checks of arguments -----------------------------------------------------------------


def _named(constant: str, digits: int, base: int) -> Constant:
    """The constant of this name.  Raises UsageError unless constant, digits and base are within their ranges."""
    what = parse(constant)
    _check("digits", digits, 1, MAX_COUNT)
    if base not in (10, 16):
        raise UsageError(f"base is {str(base)[:80]}", "it is 10 or 16")
    return what


def _check_limits(threads: int | None, memory_bytes: int | None, workspace_bytes: int | None = None) -> None:
    for name, value, low, high in (("threads", threads, 1, MAX_THREADS), ("memory_bytes", memory_bytes, 1, None),
                                   ("workspace_bytes", workspace_bytes, MIN_WORKSPACE_BYTES, None)):
        if value is not None:
            _check(name, value, low, high)


def _directories(swap: Sequence[str | os.PathLike]) -> tuple[str, ...]:
    if isinstance(swap, str | os.PathLike):
        #: Write `swap=["/mnt/a"]`.
        raise UsageError("swap is one name, not a list of directories", f"write swap=[{os.fspath(swap)!r}]")
    return tuple(os.fspath(directory) for directory in swap)


def _threads(threads: int | None) -> int:
    if threads is None:
        return default_threads()
    _check("threads", threads, 1, MAX_THREADS)
    return threads


def _check(name: str, value: int, low: int, high: int | None = None) -> None:
    """Raise UsageError unless `value` is an integer and low <= value <= high."""
    try:
        fits = operator.index(value) >= low and (high is None or value <= high)
    except TypeError:
        fits = False
    if not fits:
        bounds = f"at least {low}" if high is None else f"from {low} to {high}"
        #: The argument is an integer within the bounds that the message names; no text, no float.
        raise UsageError(f"{name} is {str(value)[:80]}", f"it must be an integer {bounds}")
