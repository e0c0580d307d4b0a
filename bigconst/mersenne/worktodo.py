"""The work file `worktodo.txt` as programs of distributed searches write it.

    [Worker #1]
    Test=0123456789ABCDEF0123456789ABCDEF,57885161,74,1         Lucas-Lehmer: id, exponent, bits factored, P-1 done
    DoubleCheck=57885161,74,1                                   a second time, without an id
    AdvancedTest=57885161                                       a first time
    PRP=N/A,1,2,57885161,-1,76,0,3,1                            id, k, b, n, c of k b^n + c, bits factored, tests
                                                                saved, base, residue type
    PRPDC=0,FFT2=3072K,1,2,57885161,-1,"1234567,7654321"        a second time; length for another program, known factors
    Cert=0123456789ABCDEF0123456789ABCDEF,1,2,57885161,-1,113055        id, k, b, n, c, squarings from M57885161.cert on

A line that does not begin with a letter is a comment.  Each other line is parsed into an assignment, or into a sentence
on why it cannot be worked on.  Whatever is not worked on stays as it is, byte by byte.

The grammar is that of Prime95 30.19 (commonc.c, parseWorkToDoLine) and AutoPrimeNet 1.2.2 (WORK_PATTERN); residue types
are those of Prime95 (primenet.h).
"""

import os
import re
import time
from dataclasses import dataclass, replace
from functools import lru_cache

from gmpy2 import is_prime, mpz, powmod

from bigconst.base.errors import InputOutputError
from bigconst.base.units import format_count
from bigconst.plans.dwtshape import lengths
from bigconst.storage.durable import WriteFailpoints, replace_file
from bigconst.storage.lock import FileLock

NAME = "worktodo.txt"
LOCK_NAME = "bigconst-work.lock"
LONGEST_LINE = 16_383
"""Most characters of a line, as in Prime95: no line keeps a queue busy with its numbers."""
REWRITING = ".lck"
"""Suffix to the name of a file that AutoPrimeNet makes beside the work file, and removes, when it rewrites that."""
PATIENCE_S = 60.0
"""Time after which that file is taken for one that a killed program has left."""
_PLACES = WriteFailpoints("work.write", "work.sync", "work.rename")
_REMEDY = "see that its disk is there and that it may be written"

_BOM = "\ufeff"
_WIDE = re.compile(rb"\xff\xfe|\xfe\xff|\0\0\xfe\xff|(?:[\t-~]\0+){2}|(?:\0+[\t-~]){2}")
"""How a text of wide characters begins, with a byte order mark or without."""
_END_OF_LINE = re.compile(r"(\r?\n)")
_SETTINGS = re.compile(r"\s*(?:(?:(?P<aid>[0-9A-F]{32})|N/A|0|)\s*,)?\s*(?:FFT2?=[0-9]+[KM]?\s*,)?\s*(?:EXT=[^,]*,)?",
                       re.IGNORECASE | re.ASCII)
_NUMBER = re.compile(r"[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)")
_WHOLE = re.compile(r"[1-9][0-9]*")

_TESTS = {"test": ("LL", False), "advancedtest": ("LL", False), "doublecheck": ("LL", True),
          "prp": ("PRP-3", False), "prpdc": ("PRP-3", True), "cert": ("Cert", False)}
"""Kind of test, and whether it is a double check, for each keyword."""
_OTHERS = {"factor": "trial factoring", "advancedfactor": "trial factoring", "pfactor": "P-1 factoring",
           "pminus1": "P-1 factoring", "pplus1": "P+1 factoring", "ecm": "factoring by elliptic curves",
           "fermat": "work on Fermat numbers"}
"""What the keywords that begin like this ask for."""
_RESIDUES = {2: "3^((N-1)/2)", 3: "3^(N+1)", 4: "3^((N+1)/2)"}
"""Residues of 2^p - 1 = N of the types that are not computed here."""


@dataclass(frozen=True)
class Assignment:
    """A line that can be worked on."""

    number: int
    """line number, from 1"""
    text: str
    kind: str
    """LL, PRP-3 or Cert"""
    exponent: int
    aid: str | None = None
    """identifier of the assignment, 32 hexadecimal digits"""
    factors: tuple[int, ...] = ()
    """known factors of 2^exponent - 1"""
    double_check: bool = False
    """whether somebody has tested the number before"""
    squarings: int = 0
    """squarings of a Cert line"""

    @property
    def work(self) -> tuple:
        """What two lines have in common that ask for the same."""
        return self.kind, self.exponent, self.factors, self.double_check, self.squarings


@dataclass(frozen=True)
class NotUnderstood:
    """A line that cannot be worked on, and why."""

    number: int
    text: str
    why: str


class _Wrong(Exception):
    pass


def parse(content: str) -> list[Assignment | NotUnderstood]:
    """The lines of a work file; sections, comments and empty ones are left out."""
    lines = ((number, _parse_line(text)) for number, text in enumerate(_split(content)[1][::2], 1))
    return [replace(found, number=number) for number, found in lines if found is not None]


def _split(content: str) -> tuple[str, list[str]]:
    """The byte order mark, if there is one; then lines and their ends in turn, a line first and last."""
    mark = _BOM if content.startswith(_BOM) else ""
    return mark, _END_OF_LINE.split(content[len(mark):])


@lru_cache(maxsize=1 << 15)     # a queue of many lines is read again for each of them
def _parse_line(text: str) -> Assignment | NotUnderstood | None:
    """What a line asks for, without its number; None for a section, a comment, or an empty line."""
    line = text.lstrip(_BOM).strip()        # marks are in the middle, too, of files that were joined
    if not (line[:1].isascii() and line[:1].isalpha()):
        return None
    try:
        return _assignment(text, line)
    except _Wrong as wrong:
        return NotUnderstood(0, text, str(wrong))


def _assignment(text: str, line: str) -> Assignment:
    if len(line) > LONGEST_LINE:
        raise _Wrong(f"its {format_count(len(line))} characters are more than the {format_count(LONGEST_LINE)} of the "
                     "longest line; shorten it")
    key, equals, rest = line.partition("=")
    key = key.strip().lower()
    if not equals:
        raise _Wrong("it has no = and is no comment; write work like Test=57885161, and # before a comment")
    if key not in _TESTS:
        raise _Wrong(_other(key, line))
    kind, double_check = _TESTS[key]
    settings = _SETTINGS.match(rest)
    rest = rest[settings.end():]
    factors, squarings = (), 0
    if kind == "LL":
        p = _exponent(_fields(rest, 1, 3, "an exponent, bits factored, P-1 done")[0])
    elif kind == "Cert":
        p, squarings = _cert(rest)
    else:
        p, factors = _prp(rest)
    return Assignment(0, text, kind, p, settings["aid"], factors, double_check, squarings)


def _other(key: str, line: str) -> str:
    for begin, name in _OTHERS.items():
        if key.startswith(begin):
            return f"{name} is not done here, only tests of primality; move the line to a program that does it"
    if key in ("b1", "b2"):
        return "P-1 factoring before a test is not done here; take away what stands before the name of the test"
    return (f"work of the kind '{shown(line.partition('=')[0].strip())}' is not done here; "
            "it is Test, DoubleCheck, AdvancedTest, PRP, PRPDC or Cert")


def _fields(text: str, least: int, most: int, what: str) -> list[str]:
    fields = [field.strip() for field in text.split(",")]
    if not least <= len(fields) <= most:
        wanted = f"{least} to {most}" if least < most else least
        raise _Wrong(f"it needs {wanted} fields, not {len(fields)}; write {what}")
    for field in fields:
        if not _NUMBER.fullmatch(field):
            raise _Wrong(f"'{shown(field)}' is not a number; write {what}")
    return fields


def _exponent(text: str) -> int:
    if not _WHOLE.fullmatch(text):
        raise _Wrong(f"{shown(text)} is no exponent; write a prime like 57885161 there")
    p, largest = mpz(text), lengths()[-1].max_exponent
    if p > largest:
        raise _Wrong(f"the exponent {shown(text)} is too large; the largest is {format_count(largest)}")
    if not is_prime(p):
        raise _Wrong(f"the exponent {shown(text)} is not a prime, so 2^{shown(text)}-1 is none; remove the line")
    return int(p)


def _mersenne(k: str, b: str, n: str, c: str) -> int:
    """The exponent n of k*b^n + c."""
    if (float(k), float(b), float(c)) != (1, 2, -1):
        raise _Wrong(f"it is about {shown(k)}*{shown(b)}^{shown(n)}{'' if c[0] in '-+' else '+'}{shown(c)}, and only "
                     "1*2^P-1 is tested here; move the line to a program that does it")
    return _exponent(n)


def _cert(text: str) -> tuple[int, int]:
    """Exponent and number of squarings."""
    *number, count = _fields(text, 5, 5, "k, b, n, c, squarings")
    p = _mersenne(*number)
    if not _WHOLE.fullmatch(count) or len(count) > 18:
        raise _Wrong(f"{shown(count)} is no number of squarings; ask for the assignment again")
    return p, int(count)


def _prp(text: str) -> tuple[int, tuple[int, ...]]:
    """Exponent and known factors."""
    text, quote, quoted = text.partition('"')
    k, b, n, c, *more = _fields(text.rstrip(", \t") if quote else text, 4, 8,
                                "k, b, n, c, bits factored, tests saved, base, residue type")
    p = _mersenne(k, b, n, c)
    base, wanted = [float(field) for field in (*more, *"0000"[len(more):])][2:]
    if base not in (0, 3):      # 0 is the default
        raise _Wrong(f"a test to base {shown(more[2])} is not done here; ask for base 3")
    factors = _factors(quoted, p) if quote else ()
    if wanted == 1 and factors:
        raise _Wrong("a residue of type 1 with known factors, 3^(N-1) modulo the cofactor N, is not computed here, "
                     "since its squarings have no Gerbicz-Li check; ask for type 5")
    if wanted in _RESIDUES:
        raise _Wrong(f"a residue of type {shown(more[3])}, {_RESIDUES[wanted]}, is not computed here; "
                     f"ask for type {5 if factors else 1}")
    if wanted not in (0, 1, 5):     # 5 without factors is 1
        raise _Wrong(f"there is no residue of type {shown(more[3])}; ask for type {5 if factors else 1}")
    return p, factors


def _factors(quoted: str, p: int) -> tuple[int, ...]:
    inside, end, after = quoted.partition('"')
    words = [word.strip() for word in inside.split(",")]
    if not end or after.strip() or not all(_WHOLE.fullmatch(word) for word in words):
        raise _Wrong('the known factors are not numbers in quotation marks; write them like "1234567,7654321" at the '
                     "end of the line")
    factors = tuple(mpz(word) for word in words)        # int() takes no more than 4300 digits
    product = mpz(1)
    for word, factor in zip(words, factors, strict=True):
        if factor < 3 or powmod(2, p, factor) != 1:
            raise _Wrong(f"{shown(word)} does not divide 2^{p}-1; correct the known factors")
        product *= factor
    if product.bit_length() >= p or powmod(2, p, product) != 1:
        raise _Wrong(f"2^{p}-1 is not a multiple of all known factors together, or nothing else; name each once")
    return factors


def shown(text: str, most: int = 40) -> str:
    """Text of a work file for a message: its first characters, those that are not printed as escapes."""
    return text[:most].encode("unicode_escape").decode() + ("..." if len(text) > most else "")


def read(path: str) -> list[Assignment | NotUnderstood]:
    """The lines of the work file at `path`, as of `parse`.  Raises InputOutputError."""
    return parse(_content(path))


def _content(path: str) -> str:
    try:
        with open(path, "rb") as file:
            data = file.read()
    except OSError as error:
        raise InputOutputError(f"cannot read {path}: {error.strerror}",
                               "write the work there, like Test=57885161") from error
    if _WIDE.match(data):
        #: Some editors of Windows write two bytes a character. Save it as UTF-8, or convert it by `iconv -f UTF-16 -t
        #: UTF-8`.
        raise InputOutputError(f"{path} is UTF-16 or UTF-32 text", "save it as UTF-8")
    return data.decode(errors="surrogateescape")


def remove(path: str, assignment: Assignment) -> None:
    """Remove the line of a finished assignment from the file, as of `without`.  Raises InputOutputError."""
    until_s = time.monotonic() + PATIENCE_S
    while os.path.exists(path + REWRITING) and time.monotonic() < until_s:
        time.sleep(0.1)         # else the other program would write the line again
    # Several directories may share it by links: one lock, where it really is.
    with locked(os.path.dirname(os.path.realpath(path))):
        left = without(_content(path), assignment)
        if left is not None:
            replace_file(path, left.encode(errors="surrogateescape"), _PLACES, _REMEDY)


def without(content: str, assignment: Assignment) -> str | None:
    """A work file without the line of an assignment, or without one that asks for the same; None where it has neither.

    The number of the line may have changed, and its text: programs fill in an id.
    """
    mark, parts = _split(content)
    lines = parts[::2]
    at = lines.index(assignment.text) if assignment.text in lines else next(
        (line.number - 1 for line in parse(content)
         if isinstance(line, Assignment) and line.work == assignment.work), None)
    if at is None:
        return None
    begin = 2 * at if at < len(lines) - 1 else max(0, 2 * at - 1)       # the last line has no end
    del parts[begin:begin + 2]
    return mark + "".join(parts)


def locked(directory: str) -> FileLock:
    """A lock, used in a `with` block, that lets workers of one directory change its files one after the other."""
    return FileLock(os.path.join(directory, LOCK_NAME), directory, _REMEDY, wait=True)
