"""Results of tests: lines for people, and JSON objects in `results.json.txt` for servers of distributed searches."""

import contextlib
import hashlib
import json
import os
from datetime import UTC, datetime

from bigconst.base.units import format_seconds, format_spent, spent_usd
from bigconst.base.version import __version__
from bigconst.mersenne.prooffile import residue_bytes
from bigconst.mersenne.test import ChainOutcome
from bigconst.mersenne.worktodo import locked
from bigconst.storage.durable import WriteFailpoints, append_line, replace_file

NAME = "results.json.txt"

NOTED = ".result"
"""Ending of the name of a file that keeps a result until its line is out of the work file."""
_PLACES = WriteFailpoints("result.append", "result.sync")
_NOTED = WriteFailpoints("noted.write", "noted.sync", "noted.rename")
_REMEDY = "the result is printed and its save file kept: make room, then run it again"

_REPORTED = ("Roundoff", "Jacobi", "gerbicz")
"""Kinds of faults that the JSON object counts."""

_ERROR_FIELDS = {"Jacobi": (4, 0xF), "Roundoff": (8, 0x3F), "Zeroed": (14, 1), "gerbicz": (20, 0xF),
                 "Repeatable": (24, 0x3F)}
"""Place of each count in the error code of Prime95: (lowest bit, largest count)."""


def res64(residue: int) -> str:
    """The last 64 bits, as 16 upper-case hexadecimal digits."""
    return f"{int(residue) & (2**64 - 1):016X}"


def sentence(outcome: ChainOutcome, factors: tuple[int, ...] = ()) -> str:
    """The result line of a test."""
    return _verdict(outcome, factors) + (", verified" if outcome.verified else "")


def _verdict(outcome: ChainOutcome, factors: tuple[int, ...]) -> str:
    name = f"M{outcome.exponent}"
    if outcome.kind == "Cert":
        return f"{name}, {outcome.iterations} squarings for a certificate: sha3 {sha3(outcome)}"
    if not outcome.finished:
        return (f"{name} {outcome.kind} after {outcome.iterations} iterations: res64 {res64(outcome.residue)}, "
                f"mod 2^35-1 {outcome.residue % (2**35 - 1)}, mod 2^36-1 {outcome.residue % (2**36 - 1)}")
    if factors:
        name += "/" + "/".join(map(str, factors))
    if is_prime(outcome, factors):
        return f"{name} is {'prime' if outcome.kind == 'LL' or outcome.exponent == 2 else 'a probable prime, base 3'}"
    return f"{name} is composite, res64 {res64(outcome.residue)}"


def cost_line(usd_per_hour: float, seconds: float, workers: int = 1) -> str:
    """The line with the cost of `seconds` on a machine that `workers` share.

    The time of earlier processes is not included, since save files do not record it.
    """
    price = format_spent(spent_usd(seconds, usd_per_hour) / workers, usd_per_hour)
    shared = f" shared by {workers} workers" if workers > 1 else ""
    return f"cost: {price}{shared}, {format_seconds(seconds)} in this process"


def is_prime(outcome: ChainOutcome, factors: tuple[int, ...]) -> bool:
    """Whether M, without the known factors, is a prime or a probable prime."""
    return outcome.is_probable_cofactor(factors) if factors else bool(outcome.is_prime)


def error_code(errors: dict[str, int]) -> str:
    """The counts of faults as the error code of Prime95: eight hexadecimal digits."""
    code = 0
    for kind, (bit, most) in _ERROR_FIELDS.items():
        code |= min(errors.get(kind, 0), most) << bit
    return f"{code:08X}"


def sha3(outcome: ChainOutcome) -> str:
    """The SHA3-256 of the residue's bytes in hexadecimal digits, its last byte first."""
    return hashlib.sha3_256(residue_bytes(outcome.residue, outcome.exponent)).digest()[::-1].hex().upper()


def result_line(outcome: ChainOutcome, aid: str | None, factors: tuple[int, ...] = (),
                now: datetime | None = None) -> str:
    """The JSON object of a finished test.

    With known factors the residue is still 3^(M-1) mod M (residue type 5), but the status is that of the cofactor.
    """
    if outcome.kind == "Cert":
        fields = {"exponent": outcome.exponent, "worktype": "Cert", "sha3-hash": sha3(outcome),
                  "squarings": outcome.iterations}
    else:
        fields = _test_fields(outcome, factors)
    fields |= {"fft-length": outcome.words, "shift-count": outcome.shift, "error-code": error_code(outcome.errors),
               "program": {"name": "bigconst", "version": __version__},
               "timestamp": f"{now or datetime.now(UTC):%Y-%m-%d %H:%M:%S}"}
    if outcome.proof is not None:
        fields["proof"] = {"version": 2, "power": outcome.proof.power, "hashsize": outcome.proof.hash_bits,
                           "md5": outcome.proof.md5}
    errors = {kind: outcome.errors[kind] for kind in _REPORTED if outcome.errors.get(kind)}
    if errors:
        fields["errors"] = errors
    if aid is not None:
        fields["aid"] = aid
    return json.dumps(fields, separators=(", ", ":"))


def _test_fields(outcome: ChainOutcome, factors: tuple[int, ...]) -> dict:
    """What the object says of the result of a test."""
    prime = is_prime(outcome, factors)
    fields = {"status": "P" if prime else "C", "exponent": outcome.exponent}
    if factors:
        fields["known-factors"] = [str(factor) for factor in factors]
    fields["worktype"] = outcome.kind
    if not (prime and outcome.kind == "LL"):
        fields["res64"] = res64(outcome.residue)
    if outcome.kind != "LL":
        fields["residue-type"] = 5 if factors else 1
        fields["res2048"] = f"{int(outcome.residue) & (2**2048 - 1):0512X}"
    return fields


def append(path: str, line: str, noted: str) -> None:
    """Add a line to the file and return when it is durable.  Raises InputOutputError.

    The file `noted` keeps the line from before that on.  Where it is there already, its line is taken instead, and
    added only if it was not: a process that ended too early may have done that.  The caller removes it when nothing
    would add the line again.
    """
    with locked(os.path.dirname(os.path.realpath(path))):
        before = _lines(noted)
        if before and before[0] in _lines(path):
            return
        if not before:
            replace_file(noted, line.encode() + b"\n", _NOTED, _REMEDY)
        append_line(path, before[0] if before else line, _PLACES, _REMEDY)


def _lines(path: str) -> list[str]:
    """The lines of a file; none where it cannot be read."""
    with contextlib.suppress(OSError), open(path, encoding="utf-8", errors="replace") as file:
        return file.read().splitlines()
    return []
