"""Deliberate failures: places where the package can be told to fail, so that tests see what a failure leaves behind.

    BIGCONST_FAILPOINTS="lane.read=EIO@3, lane.write[/mnt/b]=flip:12345@7-9, manifest.rename=kill@2"

is a list of rules NAME[PATH]=ACTION:ARGUMENT@FIRST-LAST; only NAME and ACTION are
required.  A rule counts the calls of the place NAME in this process from 1, with
PATH only those on files at or below it, and acts on those from FIRST to LAST:
`@3` on the third alone, `@3-` from the third on, without `@` on all.  Where
values in memory pass a place, PATH is a part of the name of what they belong
to, like ", u" in messages: "product.words[, u]=spoil:7@2".

A place asks `if failpoints.ACTIVE` before anything else: when no rule is set,
that is all it costs.  What a failure means for a run is not known here.
"""

import contextlib
import errno
import mmap
import os
import random
import re
import signal
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bigconst.base.errors import UsageError

if TYPE_CHECKING:
    import numpy as np

VARIABLE = "BIGCONST_FAILPOINTS"

CALL, READ, WRITE, VALUES = "call", "read", "write", "values"

NAMES = {
    "thread.start": (CALL, "starting a thread or a process: EAGAIN is a limit of the session or the container"),
    "lane.reserve": (CALL, "reserving disk blocks for the scratch file, first of all for the measurement of its speed: "
                           "ENOSPC is a full disk"),
    "lane.read": (READ, "a system call that reads the scratch file: EIO is a bad sector, ENODEV a disk that is gone"),
    "lane.write": (WRITE, "a system call that writes the scratch file"),
    "lane.sync": (CALL, "fdatasync of the scratch file"),
    "journal.append": (WRITE, "a system call that writes a record to the journal, as a rule a whole one"),
    "journal.sync": (CALL, "fdatasync of the journal"),
    "manifest.write": (WRITE, "writing the new manifest under its temporary name"),
    "manifest.sync": (CALL, "fsync of the new manifest; the next call is that of its directory"),
    "manifest.rename": (CALL, "renaming the present manifest to the older generation; the next call gives its name to "
                              "the new manifest, so a kill at an even number is one between both"),
    "save.write": (WRITE, "writing a save file of ll or prp under its temporary name"),
    "save.sync": (CALL, "fsync of the save file; the next call is that of its directory"),
    "save.rename": (CALL, "giving the finished save file its name"),
    "residue.append": (WRITE, "adding a line to the file of residues that --verify compares"),
    "residue.sync": (CALL, "fsync of the file of residues; the next call is that of its directory"),
    "proof.keep": (WRITE, "writing a residue of which a proof will be made"),
    "proof.write": (WRITE, "writing a proof, or what there is of one, under its temporary name"),
    "proof.sync": (CALL, "fsync of the proof; the next call is that of its directory"),
    "proof.rename": (CALL, "giving the proof its name"),
    "noted.write": (WRITE, "writing a result beside the save files, before it goes to results.json.txt"),
    "noted.sync": (CALL, "fsync of that file; the next call is that of its directory"),
    "noted.rename": (CALL, "giving it its name"),
    "result.append": (WRITE, "adding a line to results.json.txt"),
    "result.sync": (CALL, "fsync of results.json.txt; the next call is that of its directory"),
    "work.write": (WRITE, "writing worktodo.txt, a finished line removed, under its temporary name"),
    "work.sync": (CALL, "fsync of the new worktodo.txt; the next call is that of its directory"),
    "work.rename": (CALL, "putting the new worktodo.txt in the place of the old one"),
    "catalogue.write": (WRITE, "writing a refreshed catalogue of cloud machines under its temporary name"),
    "catalogue.sync": (CALL, "fsync of the new catalogue; the next call is that of its directory"),
    "catalogue.rename": (CALL, "putting the new catalogue in the place of the old one"),
    "output.reserve": (CALL, "reserving disk blocks for digits, certificate or report"),
    "output.write": (WRITE, "a system call that writes digits, certificate or report"),
    "output.sync": (CALL, "fsync of the finished file; the next call is that of its directory"),
    "output.rename": (CALL, "giving the finished file its name"),
    "transform.data": (VALUES, "coefficients of a product in memory, before its columns are transformed back"),
    "transform.spectrum": (VALUES, "the spectrum of an operand in memory"),
    "transform.carries": (VALUES, "carries out of the runs of a product in memory, before they are added"),
    "product.words": (VALUES, "words of a product in memory: e, u or v of a level, or the square of the certificate"),
    "terms.words": (VALUES, "words of the first number of some terms of a series, before they are checked"),
    "sum.words": (VALUES, "words of a sum or a multiple in memory, before it is checked"),
    "level.words": (VALUES, "words of a new approximation in memory, after it was checked"),
    "slab.data": (VALUES, "coefficients of a slab on their way to the disk, its columns transformed"),
    "slab.words": (VALUES, "words of a slab whose columns were transformed back"),
    "slab.carries": (VALUES, "carries out of the runs of a slab"),
    "row.data": (VALUES, "coefficients of a row on disk, in memory after its transform"),
    "middle.data": (VALUES, "coefficients after a pass over the middle columns of a row, or between slabs and rows"),
    "chunk.packed": (VALUES, "packed words of a chunk, after they were compared with the words"),
    "chunk.words": (VALUES, "words of a chunk that was read and unpacked"),
    "chunk.residue": (VALUES, "the residue of a new chunk"),
    "chunk.edges": (VALUES, "the first and the last word of a new chunk, as they are kept in memory"),
    "chunk.kind": (VALUES, "the kind of a new chunk: stored, or all of its words 0 or radix - 1"),
}
"""Every place by name: its kind, and the calls or the values that pass it.

Reads and writes with which a lane measures its speed do not pass, so that calls are numbered alike on every disk.
"""

ACTIONS = {
    "kill": ((CALL, READ, WRITE, VALUES), "this process receives SIGKILL before the call"),
    "sleep": ((CALL, READ, WRITE, VALUES), "the call takes ARGUMENT seconds longer; sleep:0 only counts calls"),
    "short": ((READ, WRITE), "the call moves half of the bytes, or one unit, which is no error"),
    "flip": ((READ, WRITE), "bit number ARGUMENT, modulo the number of bits in the call, is wrong: in memory after a "
                            "read, on the disk after a write"),
    "torn": ((WRITE,), "the first half of the bytes is written, then this process receives SIGKILL"),
    "truncate": ((WRITE,), "the first half of the bytes is written, and the call reports that all were"),
    "spoil": ((VALUES,), "one value is wrong, which and how follows from ARGUMENT: a coefficient by 10^3 to 10^11, a "
                         "carry by one, of packed words a bit; anything else becomes another value that is possible"),
}
"""Every action by name: the kinds of places where it can act, and what it does.

The name of any errno, such as EIO or ENOSPC, is an action, too: the call fails with it.
"""

_ARGUMENTS = {"sleep": float, "flip": int, "spoil": int}
_RULE = (r"(?P<name>[\w.]+)(?:\[(?P<path>[^\]]+)\])?=(?P<action>\w+)(?::(?P<argument>[\w.]+))?"
         r"(?:@(?P<first>\d+)(?P<range>-(?P<last>\d*))?)?")
_COMMA = r",(?![^\[]*\])"      # a comma within [PATH] separates no rules


@dataclass
class Rule:
    """One failure and the calls that it strikes; `calls` counts the calls of its name and path so far."""

    name: str
    action: str
    argument: float = 0
    path: str | None = None
    first: int = 1
    last: int | None = None
    calls: int = 0

    def counts(self, name: str, path: str) -> bool:
        """Count a call if it has this name and path; returns whether the rule acts on it."""
        if name != self.name or self.path is not None and not _belongs(path, self.path, NAMES[name][0]):
            return False
        self.calls += 1
        return self.first <= self.calls and (self.last is None or self.calls <= self.last)


def _belongs(path: str, wanted: str, kind: str) -> bool:
    """Whether a file lies at or below the path `wanted`, or the name of values contains it."""
    return wanted in path if kind == VALUES else path == wanted or path.startswith(wanted.rstrip("/") + "/")


def parse(spec: str) -> tuple[Rule, ...]:
    """The rules of a text in the form that the docstring of this module describes.

    Raises UsageError, with the reason, for any other text.
    """
    return tuple(_parse(part.strip()) for part in re.split(_COMMA, spec) if part.strip())


def _parse(text: str) -> Rule:
    match = re.fullmatch(_RULE, text, re.ASCII)
    if match is None:
        raise _wrong(text, "it is not NAME[PATH]=ACTION:ARGUMENT@FIRST-LAST")
    name, path, action, argument, first, several, last = match.group(
        "name", "path", "action", "argument", "first", "range", "last")
    if name not in NAMES:
        raise _wrong(text, f"there is no {name}")
    kind, number = NAMES[name][0], getattr(errno, action, None)
    if not isinstance(number, int):
        number = None
        if action not in ACTIONS:
            raise _wrong(text, f"there is no action {action}")
    if kind not in (ACTIONS[action][0] if number is None else (CALL, READ, WRITE)):
        raise _wrong(text, f"{action} makes no sense there")
    if argument is not None and action not in _ARGUMENTS:
        raise _wrong(text, f"{action} takes no argument")
    try:
        value = number if number is not None else _ARGUMENTS.get(action, int)(argument or 0)
    except ValueError as error:
        raise _wrong(text, f"{argument} is not a number") from error
    start = int(first or 1)
    stop = (int(last) if last else None) if several or not first else start
    if start < 1 or stop is not None and stop < start:
        raise _wrong(text, "calls are counted from 1")
    if path is not None and kind != VALUES:
        path = os.path.abspath(path)
    return Rule(name, "fail" if number is not None else action, value, path, start, stop)


def _wrong(text: str, why: str) -> UsageError:
    #: `BIGCONST_FAILPOINTS` is set, and is wrong. Unset it, unless you want failures ([faults.md](faults.md)).
    return UsageError(f"{VARIABLE}: {text!r}: {why}",
                      f"names are {', '.join(NAMES)}; actions are {', '.join(ACTIONS)} and the names of errno like EIO")


def _from_environment() -> "tuple[tuple[Rule, ...], UsageError | None]":
    spec = os.environ.get(VARIABLE, "")
    try:
        return parse(spec) if spec else (), None
    except UsageError as error:
        # An import should not fail: the first place that is reached raises the error.
        return (Rule("", "kill"),), error


ACTIVE, _unusable = _from_environment()
"""The rules that are set; while there are none, a place only asks for them."""

_counting = threading.Lock()


@contextlib.contextmanager
def active(spec: str) -> Iterator[tuple[Rule, ...]]:
    """Context manager within which the rules of `spec` are set, and no others; their counts begin anew."""
    global ACTIVE, _unusable
    before = ACTIVE, _unusable
    ACTIVE, _unusable = parse(spec), None
    try:
        yield ACTIVE
    finally:
        ACTIVE, _unusable = before


def hit(name: str, path: str) -> list[Rule]:
    """Apply the rules to a call that is about to be made on a file: sleep, raise OSError or kill this process.

    Returns all rules that act on the call; `read`, `write` and `touch` apply those that concern its bytes or values.
    """
    if _unusable is not None:
        raise _unusable
    with _counting:
        due = [rule for rule in ACTIVE if rule.counts(name, path)]
    for rule in due:
        if rule.action == "sleep":
            time.sleep(rule.argument)
        elif rule.action == "kill":
            _kill()
        elif rule.action == "fail":
            raise OSError(rule.argument, os.strerror(rule.argument))
    return due


def read(name: str, path: str, call: Callable[[list[memoryview]], int], views: list[memoryview],
         unit: int = 1) -> int:
    """Make call(views), which reads and returns the number of bytes, with the failures that are due.

    A partial read is a multiple of `unit` bytes.
    """
    due = {rule.action: rule for rule in hit(name, path)}
    if "short" in due:
        views = _half(views, unit, unit)
    count = call(views)
    if "flip" in due and count:
        byte, bit = divmod(due["flip"].argument % (8 * count), 8)
        for view in views:
            if byte < len(view):
                view[byte] ^= 1 << bit
                break
            byte -= len(view)
    return count


def write(name: str, path: str, call: Callable[[list[memoryview]], int], views: list[memoryview],
          unit: int = 1) -> int:
    """Make call(views), which writes and returns the number of bytes, with the failures that are due.

    `views` are not changed; a partial write is a multiple of `unit` bytes.
    """
    due = {rule.action: rule for rule in hit(name, path)}
    size = sum(len(view) for view in views)
    if "flip" in due and size:
        copy = mmap.mmap(-1, size)      # aligned as O_DIRECT wants it
        copy[:] = b"".join(views)
        byte, bit = divmod(due["flip"].argument % (8 * size), 8)
        copy[byte] ^= 1 << bit
        views = [memoryview(copy)]
    if "short" in due:
        views = _half(views, unit, unit)
    if "torn" in due or "truncate" in due:
        views = _half(views, unit, 0)
        if views:
            call(views)
        if "torn" in due:
            _kill()
        return size
    return call(views)


def touch(name: str, where: str, values: "np.ndarray", below: int = 0) -> None:
    """Let values in memory pass a place, with the failures that are due; `where` names what they belong to.

    A wrong value lies in 0 .. below-1 as the right ones do; without `below` it is a wrong coefficient where the values
    are floating-point, a bit where they are unsigned, and a carry that is off by one where they are signed.
    """
    for rule in hit(name, where):
        if rule.action == "spoil" and values.size:
            _spoil(values, below, random.Random(rule.argument))


def _spoil(values: "np.ndarray", below: int, chance: random.Random) -> None:
    at = chance.randrange(values.size)
    value = values.flat[at].item()
    if below:
        values.flat[at] = (value + chance.randrange(1, below)) % below
    elif values.dtype.kind == "f":
        values.flat[at] = value + 10.0 ** chance.randrange(3, 12)
    elif values.dtype.kind == "u":
        values.flat[at] = value ^ 1 << chance.randrange(8 * values.itemsize)
    else:
        values.flat[at] = value + chance.choice((-1, 1))


def _half(views: list[memoryview], unit: int, least: int) -> list[memoryview]:
    """The first half of the bytes, in whole units, at least `least` bytes."""
    left = max(least, sum(len(view) for view in views) // 2 // unit * unit)
    out = []
    for view in views:
        if left:
            out.append(view[:left])
            left -= len(out[-1])
    return out


def _kill() -> None:
    os.kill(os.getpid(), signal.SIGKILL)
