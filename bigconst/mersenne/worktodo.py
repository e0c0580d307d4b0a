"""The work file `worktodo.txt` as distributed searches write it.

    [Worker #1]
    Test=0123456789ABCDEF0123456789ABCDEF,57885161,74,1         Lucas-Lehmer: id, exponent, bits factored, P-1 done
    DoubleCheck=57885161,74,1                                   the same, without an id
    PRP=N/A,1,2,57885161,-1,76,0,3,1,"127"                      id, k, b, n, c of k b^n + c, bits factored, tests
                                                                saved, base, residue type, known factors

Sections, comments and lines that cannot be understood are left as they are.
"""

import os
import re
from dataclasses import dataclass

from gmpy2 import is_prime, powmod

from bigconst.base.errors import InputOutputError
from bigconst.storage.durable import WriteFailpoints, replace_file
from bigconst.storage.lock import FileLock

NAME = "worktodo.txt"
LOCK_NAME = "bigconst-work.lock"
_PLACES = WriteFailpoints("work.write", "work.sync", "work.rename")
_REMEDY = "see that its disk is there and that it may be written"
_AID = re.compile(r"(?:[0-9A-F]{32}|N/A),", re.IGNORECASE)
_NUMBER = re.compile(r"-?\d{1,12}(?:\.\d{1,6})?")
_WHOLE = re.compile(r"-?\d{1,12}")


@dataclass(frozen=True)
class Assignment:
    """A line that can be worked on."""

    number: int
    """line number, from 1"""
    text: str
    kind: str
    """LL or PRP-3"""
    exponent: int
    aid: str | None = None
    """identifier of the assignment, 32 hexadecimal digits"""
    factors: tuple[int, ...] = ()
    """known factors of 2^exponent - 1"""


@dataclass(frozen=True)
class NotUnderstood:
    """A line that cannot be worked on, and why."""

    number: int
    text: str
    why: str


class _Wrong(Exception):
    pass


def parse(content: str) -> list[Assignment | NotUnderstood]:
    """The lines of a work file, sections, comments and empty ones left out."""
    found: list[Assignment | NotUnderstood] = []
    for number, line in enumerate(content.split("\n"), 1):
        text = line.strip()
        if not text or text[0] in "#;" or text[0] == "[" and text[-1] == "]":
            continue
        try:
            found.append(Assignment(number, line, *_parse_line(text)))
        except _Wrong as wrong:
            found.append(NotUnderstood(number, line, str(wrong)))
    return found


def _parse_line(text: str) -> tuple:
    key, equals, rest = text.partition("=")
    if not equals:
        raise _Wrong("no =")
    match = _AID.match(rest)
    aid = None if match is None or match[0].upper() == "N/A," else match[0][:-1]
    rest = rest[match.end():] if match else rest
    match key.strip().lower():
        case "test" | "doublecheck":
            fields = _fields(rest, 1, 3)
            return "LL", _exponent(fields[0]), aid
        case "prp" | "prpdc":
            return ("PRP-3", *_prp(rest, aid))
        case _:
            raise _Wrong(f"work of the kind {key[:40]!r} is not done here")


def _fields(text: str, least: int, most: int) -> list[str]:
    fields = [field.strip() for field in text.split(",")]
    if not least <= len(fields) <= most:
        raise _Wrong(f"{len(fields)} fields")
    for field in fields:
        if not _NUMBER.fullmatch(field):
            raise _Wrong(f"{field[:40]!r} is not a number")
    return fields


def _exponent(text: str) -> int:
    if not _WHOLE.fullmatch(text) or not is_prime(int(text)):
        raise _Wrong(f"the exponent {text} is not a prime")
    return int(text)


def _prp(text: str, aid: str | None) -> tuple:
    text, quote, quoted = text.partition('"')
    fields = _fields(text.rstrip(", "), 4, 8)
    if (fields[0], fields[1], fields[3]) != ("1", "2", "-1"):
        raise _Wrong("only 1*2^P-1 is tested here")
    p = _exponent(fields[2])
    if len(fields) > 6 and fields[6] != "3":
        raise _Wrong(f"only base 3 is tested here, not {fields[6]}")
    factors = _factors(quoted, p) if quote else ()
    wanted = fields[7] if len(fields) > 7 else "1"
    if wanted != "1" and not (wanted == "5" and factors):
        raise _Wrong(f"residues of type {wanted} are not computed here")
    return p, aid, factors


def _factors(quoted: str, p: int) -> tuple[int, ...]:
    inside, end, after = quoted.partition('"')
    words = [word.strip() for word in inside.split(",")]
    if not end or after.strip() or not all(word.isascii() and word.isdigit() for word in words):
        raise _Wrong("the known factors are not numbers in quotation marks")
    factors = tuple(int(word) for word in words)
    product = 1
    for factor in factors:
        if factor < 3 or powmod(2, p, factor) != 1:
            raise _Wrong(f"{factor} does not divide 2^{p}-1")
        product *= factor
    if product.bit_length() >= p or powmod(2, p, product) != 1:
        raise _Wrong("the known factors do not leave a cofactor")
    return factors


def read(path: str) -> list[Assignment | NotUnderstood]:
    """The lines of the work file at `path`, as of `parse`.  Raises InputOutputError."""
    return parse(_content(path))


def _content(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="surrogateescape", newline="") as file:
            return file.read()
    except OSError as error:
        raise InputOutputError(f"cannot read {path}: {error.strerror}",
                               "write the work there, like Test=57885161") from error


def remove(path: str, assignment: Assignment) -> None:
    """Remove the line of a finished assignment from the file, even if its line number has changed.

    Raises InputOutputError.
    """
    with locked(os.path.dirname(path)):
        lines = _content(path).split("\n")
        if assignment.text not in lines:
            return
        lines.remove(assignment.text)
        replace_file(path, "\n".join(lines).encode("utf-8", "surrogateescape"), _PLACES, _REMEDY,
                     mode=os.stat(path).st_mode & 0o777)


def locked(directory: str) -> FileLock:
    """A lock, used in a `with` block, that lets workers of one directory change its files one after the other."""
    return FileLock(os.path.join(directory, LOCK_NAME), directory, _REMEDY, wait=True)
