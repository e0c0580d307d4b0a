"""What Python programs call: `import bigconst`.

    compute_digits, compute_integer   digits that fit comfortably into memory
    compute_file                      any number of them into a file with its certificate, on disk where need be
    verify                            a digit file against its certificate
    iterate                           squarings modulo 2^p - 1
    estimate, estimate_test           how long a computation takes

Constants are named as on the command line: "phi" or "sqrt 2".  Whatever goes wrong is raised as a class of
`bigconst.base.errors`, whose text is the line that the command line prints.  The first call on a machine compiles the
kernels, once, and says so on stderr.  docs/python.md shows more.
"""

from __future__ import annotations

import operator
import os
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from bigconst.base.constant import parse_constant
from bigconst.base.errors import UsageError
from bigconst.base.hardware import MAX_THREADS, default_threads
from bigconst.base.units import MAX_COUNT

if TYPE_CHECKING:
    from bigconst.base.events import Event
    from bigconst.estimates.model import Estimate
    from bigconst.proof.verification import Verdict

MAX_SUBTRACT = 1000
"""Of `iterate`: what is subtracted must not disturb the transform."""


def compute_digits(constant: str, digits: int, base: int = 10, *, threads: int | None = None) -> str:
    """The constant to `digits` decimal digits after the point, truncated.

    In base 16, as many hexadecimal digits as these are worth.  `threads`: all processors by default.
    Raises UsageError for what makes no sense, DoesNotFit for more than three quarters of the free memory.

    >>> compute_digits("phi", 20)
    '1.61803398874989484820'
    >>> compute_digits("sqrt 2", 20, base=16)
    '1.6a09e667f3bcc908b'
    """
    from bigconst.base.hardware import available_memory_bytes
    from bigconst.runs.kernels import load_engine

    what = parse_constant(constant)
    _check("digits", digits, 1, MAX_COUNT)
    if base not in (10, 16):
        raise UsageError(f"base is {str(base)[:80]}", "it is 10 or 16")
    threads = _threads(threads)
    return load_engine().compute(what, digits, base, threads, available_memory_bytes() * 3 // 4)


def compute_integer(constant: str, digits: int, base: int = 10, *, threads: int | None = None) -> int:
    """floor(constant * base^n), n the digits after the point that `compute_digits` returns; raises what it raises.

    >>> compute_integer("sqrt 2", 10)
    14142135623
    """
    from gmpy2 import mpz

    return int(mpz(compute_digits(constant, digits, base, threads=threads).replace(".", ""), base))


def compute_file(constant: str, digits: int, output: str | os.PathLike, base: int = 10, *, threads: int | None = None,
                 memory_bytes: int | None = None, workspace_bytes: int | None = None,
                 swap: Sequence[str | os.PathLike] = (), certificate: bool = True, force: bool = False,
                 emit: Callable[[Event], None] = lambda event: None) -> dict[str, Any]:
    """The digits into a file, compressed if its name ends in .zst, and FILE.cert beside it; returns the report.

    Sizes and directories are those of `bigconst phi`: `memory_bytes` bounds the process, `workspace_bytes` its working
    arrays; what they do not hold goes to the directories `swap` (swap/, if it is there), where an interrupted run is
    gone on with by the same call or by `bigconst resume`.  `emit` hears the events of `bigconst.base.events`.
    Raises UsageError, DoesNotFit, InputOutputError, FaultError, Interrupted.
    """
    from bigconst.commands.compute import compute

    path = os.fspath(output)
    if path == "-":
        raise UsageError("the digits need a file", "name it, like phi.txt")
    command = [*_named(constant, digits, base), *_limits(threads, memory_bytes, swap), f"--output={path}"]
    if workspace_bytes is not None:
        command += ["--workspace", str(workspace_bytes)]
    command += ["--no-certificate"] * (not certificate) + ["--force"] * force
    return compute(_parsed(command), emit)


def verify(file: str | os.PathLike, certificate: str | os.PathLike | None = None, *, primes: int = 3,
           threads: int | None = None) -> Verdict:
    """Check every digit of a file against its certificate (FILE.cert by default) modulo `primes` random primes.

    One pass over both files; what is proved stands in docs/certificate.md.  Returns what was checked: `header` says
    constant, base and number of digits.  Raises VerificationError where they are not the digits, InputOutputError.
    """
    from bigconst.commands.verify import MAX_PRIMES
    from bigconst.runs.kernels import load_engine

    _check("primes", primes, 1, MAX_PRIMES)
    threads = _threads(threads)
    load_engine()
    from bigconst.proof.verification import verify as verify_file

    return verify_file(os.fspath(file), None if certificate is None else os.fspath(certificate), primes, threads)


def iterate(p: int, value: int, count: int, subtract: int = 0, *, threads: int | None = None) -> int:
    """`count` times x -> x^2 - `subtract` modulo 2^p - 1 from x = `value`; 0 <= result < 2^p - 1.

    Round-off is watched, and a batch with too much of it repeated; unlike `bigconst ll` nothing notices what a broken
    machine gets wrong otherwise.  Raises UsageError where p is too large, 0 <= `subtract` <= 1000 does not hold.

    A Lucas-Lehmer test: 2^1279 - 1 is prime.

    >>> iterate(1279, 4, 1279 - 2, subtract=2)
    0
    """
    from bigconst.runs.kernels import load_test_kernels

    _check("p", p, 2)
    _check("count", count, 0)
    _check("subtract", subtract, 0, MAX_SUBTRACT)
    threads = _threads(threads)
    load_test_kernels()
    from bigconst.mersenne.squarings import iterate as squarings

    return squarings(p, value, count, subtract, threads)


def estimate(constant: str, digits: int, base: int = 10, *, threads: int | None = None,
             memory_bytes: int | None = None, swap: Sequence[str | os.PathLike] = ()) -> Estimate:
    """How long `compute_file` takes on this machine: `seconds`, their relative `error`, and those of the `stages`.

    Takes the speeds that `bigconst bench` measured; where there are none, a short benchmark runs first.  Raises
    DoesNotFit where the run would be refused, UsageError.
    """
    return _estimated([*_named(constant, digits, base), *_limits(threads, memory_bytes, swap)])


def estimate_test(p: int, kind: str = "ll", *, threads: int | None = None, memory_bytes: int | None = None,
                  swap: Sequence[str | os.PathLike] = ()) -> Estimate:
    """The same of testing 2^p - 1 as `bigconst ll` or `bigconst prp` does, which `kind` names."""
    if kind not in ("ll", "prp"):
        raise UsageError(f"unknown test {str(kind)[:80]!r}", "it is ll or prp")
    _check("p", p, 2)
    return _estimated([kind, str(p), *_limits(threads, memory_bytes, swap)])


def _estimated(command: list[str]) -> Estimate:
    from bigconst.commands.estimate import jobs
    from bigconst.runs.estimatehere import estimate_here

    arguments = _parsed(["estimate", *command])
    return estimate_here(arguments, jobs(arguments)[0]).whole


# -- as on the command line --------------------------------------------------------------


def _named(constant: str, digits: int, base: int) -> list[str]:
    """Arguments that name a constant."""
    _check("digits", digits, 1)
    return [*parse_constant(constant).name.split(), "--digits", str(digits), "--base", str(base)]


def _limits(threads: int | None, memory_bytes: int | None, swap: Sequence[str | os.PathLike]) -> list[str]:
    """Arguments that say what may be used."""
    if isinstance(swap, str | os.PathLike):
        raise UsageError("swap is one name, not a list of directories", f"write swap=[{os.fspath(swap)!r}]")
    words = [] if threads is None else ["--threads", str(threads)]
    words += [] if memory_bytes is None else ["--memory", str(memory_bytes)]
    return words + [f"--swap={os.fspath(directory)}" for directory in swap]


def _parsed(command: list[str]) -> Any:
    """Their namespace, as `bigconst.cli.main` would hand it on."""
    from bigconst.cli import build_parser

    arguments = build_parser(command[0]).parse_args(command)
    arguments.argv, arguments.started_s = command, time.perf_counter()
    return arguments


def _threads(threads: int | None) -> int:
    if threads is None:
        return default_threads()
    _check("threads", threads, 1, MAX_THREADS)
    return threads


def _check(name: str, value: int, low: int, high: int | None = None) -> None:
    """Raise UsageError unless low <= value <= high and it is an integer."""
    try:
        fits = operator.index(value) >= low and (high is None or value <= high)
    except TypeError:
        fits = False
    if not fits:
        bounds = f"at least {low}" if high is None else f"from {low} to {high}"
        raise UsageError(f"{name} is {str(value)[:80]}", f"it must be an integer {bounds}")
