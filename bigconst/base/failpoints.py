"""Failures on purpose: places where the package can be told to fail, so that tests see what a failure leaves.

    BIGCONST_FAILPOINTS="lane.read=EIO@3, lane.write[/mnt/b]=flip:12345@7-9, manifest.rename=kill@2"

is a list of NAME[PATH]=ACTION:ARGUMENT@FIRST-LAST, of which all but name and
action may be missing.  Each counts the calls of its name from 1 in this process,
on files at or below PATH where there is one, and acts on those from FIRST to
LAST: `@3` on the third alone, `@3-` from the third on, without `@` on all.

A place asks `if failpoints.ACTIVE` before anything else: when nothing is set,
that is all it costs.  What a failure means for a run is not known here.
"""

import contextlib
import errno
import mmap
import os
import re
import signal
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from bigconst.base.errors import UsageError

VARIABLE = "BIGCONST_FAILPOINTS"

CALL, READ, WRITE = "call", "read", "write"

NAMES = {
    "lane.reserve": (CALL, "reserving the blocks of the scratch file, those first where its speed is measured: ENOSPC "
                           "is a full disk"),
    "lane.read": (READ, "a system call that reads scratch: EIO is a bad sector, ENODEV a disk that is gone"),
    "lane.write": (WRITE, "a system call that writes scratch"),
    "lane.sync": (CALL, "fdatasync of the scratch file"),
    "journal.append": (WRITE, "a system call that writes a record, as a rule the whole of it"),
    "journal.sync": (CALL, "fdatasync of the journal"),
    "manifest.write": (WRITE, "writing the new manifest under its temporary name"),
    "manifest.sync": (CALL, "fsync of the new manifest, then, in the next call, of its directory"),
    "manifest.rename": (CALL, "the old manifest becomes the older generation, then, in the next call, the new one "
                              "takes its name: a kill at an even number is one between both"),
    "save.write": (WRITE, "writing a save file of ll or prp under its temporary name"),
    "save.sync": (CALL, "fsync of the save file, then, in the next call, of its directory"),
    "save.rename": (CALL, "the save file takes its name"),
    "residue.append": (WRITE, "adding a line to the residues that --verify compares"),
    "residue.sync": (CALL, "fsync of them, then, in the next call, of their directory"),
    "result.append": (WRITE, "adding a line to results.json.txt"),
    "result.sync": (CALL, "fsync of it, then, in the next call, of its directory"),
    "work.write": (WRITE, "writing worktodo.txt without a line that is done, under its temporary name"),
    "work.sync": (CALL, "fsync of it, then, in the next call, of its directory"),
    "work.rename": (CALL, "it takes the place of the old one"),
    "catalogue.write": (WRITE, "writing a refreshed catalogue of cloud machines under its temporary name"),
    "catalogue.sync": (CALL, "fsync of it, then, in the next call, of its directory"),
    "catalogue.rename": (CALL, "it takes the place of the old one"),
    "output.reserve": (CALL, "reserving the blocks of digits, certificate or report"),
    "output.write": (WRITE, "a system call that writes digits, certificate or report"),
    "output.sync": (CALL, "fsync of the finished file, then, in the next call, of its directory"),
    "output.rename": (CALL, "the finished file takes its name"),
}
"""Every place: what it does with bytes, and what it is for.

What a lane reads and writes to measure its speed is left out, so that calls are numbered alike on every disk.
"""

ACTIONS = {
    "kill": ((CALL, READ, WRITE), "SIGKILL to this process before the call"),
    "sleep": ((CALL, READ, WRITE), "the call takes so many seconds longer; sleep:0 only counts"),
    "short": ((READ, WRITE), "at most half of the bytes are moved, which is no error"),
    "flip": ((READ, WRITE), "bit number ARGUMENT, modulo the bits of the call, is wrong: in memory when it is read, on "
                            "the disk when it is written"),
    "torn": ((WRITE,), "the first half of the bytes is written, then SIGKILL"),
    "truncate": ((WRITE,), "the first half of the bytes is written, and the call claims that all were"),
}
"""Beside the name of any errno, EIO or ENOSPC, with which the call fails: where an action can be, and what it does."""

_ARGUMENTS = {"sleep": float, "flip": int}
_RULE = (r"(?P<name>[\w.]+)(?:\[(?P<path>[^\]]+)\])?=(?P<action>\w+)(?::(?P<argument>[\w.]+))?"
         r"(?:@(?P<first>\d+)(?P<range>-(?P<last>\d*))?)?")
_COMMA = r",(?![^\[]*\])"      # a path may hold some, too


@dataclass
class Rule:
    """One failure, and on which calls; `calls` counts those of its name and path."""

    name: str
    action: str
    argument: float = 0
    path: str | None = None
    first: int = 1
    last: int | None = None
    calls: int = 0

    def counts(self, name: str, path: str) -> bool:
        """Count a call if it is one of these; whether it is to fail."""
        if name != self.name or self.path is not None and not _is_below(path, self.path):
            return False
        self.calls += 1
        return self.first <= self.calls and (self.last is None or self.calls <= self.last)


def _is_below(path: str, directory: str) -> bool:
    return path == directory or path.startswith(directory.rstrip("/") + "/")


def parse(spec: str) -> tuple[Rule, ...]:
    """The rules of a text; UsageError says what is wrong with it."""
    return tuple(_parse(part.strip()) for part in re.split(_COMMA, spec) if part.strip())


def _parse(text: str) -> Rule:
    match = re.fullmatch(_RULE, text, re.ASCII)
    if match is None:
        raise _wrong(text, "it is not NAME[PATH]=ACTION:ARGUMENT@FIRST-LAST")
    name, path, action, argument, first, several, last = match.group(
        "name", "path", "action", "argument", "first", "range", "last")
    if name not in NAMES:
        raise _wrong(text, f"there is no {name}")
    number = getattr(errno, action, None)
    if not isinstance(number, int):
        number = None
        if action not in ACTIONS:
            raise _wrong(text, f"there is no action {action}")
        if NAMES[name][0] not in ACTIONS[action][0]:
            raise _wrong(text, f"{action} makes no sense there")
    if argument is not None and action not in _ARGUMENTS:
        raise _wrong(text, f"{action} takes no argument")
    try:
        value = number if number is not None else _ARGUMENTS.get(action, int)(argument or 0)
    except ValueError as error:
        raise _wrong(text, f"{argument} is no number") from error
    start = int(first or 1)
    stop = (int(last) if last else None) if several or not first else start
    if start < 1 or stop is not None and stop < start:
        raise _wrong(text, "calls are counted from 1")
    return Rule(name, "fail" if number is not None else action, value, path and os.path.abspath(path), start, stop)


def _wrong(text: str, why: str) -> UsageError:
    return UsageError(f"{VARIABLE}: {text!r}: {why}",
                      f"names are {', '.join(NAMES)}; actions are {', '.join(ACTIONS)} and the names of errno like EIO")


def _from_environment() -> "tuple[tuple[Rule, ...], UsageError | None]":
    spec = os.environ.get(VARIABLE, "")
    try:
        return parse(spec) if spec else (), None
    except UsageError as error:
        # An import is no place for a message: the first place that is reached raises it.
        return (Rule("", "kill"),), error


ACTIVE, _unusable = _from_environment()
"""The rules that are set; a place does nothing else while there are none."""

_counting = threading.Lock()


@contextlib.contextmanager
def active(spec: str) -> Iterator[tuple[Rule, ...]]:
    """Within the block the rules of `spec` are set, and no others; counts begin anew."""
    global ACTIVE, _unusable
    before = ACTIVE, _unusable
    ACTIVE, _unusable = parse(spec), None
    try:
        yield ACTIVE
    finally:
        ACTIVE, _unusable = before


def hit(name: str, path: str) -> list[Rule]:
    """A call is about to be made on a file: wait, raise OSError or end as the rules say; those left are returned."""
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
    """call(views), which reads and returns the number of bytes, with the failures that are due.

    What is moved in part is moved in multiples of `unit` bytes.
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
    """The same for a call that writes; `views` are left alone."""
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


def _half(views: list[memoryview], unit: int, least: int) -> list[memoryview]:
    """The first half of the bytes, in whole units."""
    left = max(least, sum(len(view) for view in views) // 2 // unit * unit)
    out = []
    for view in views:
        if left:
            out.append(view[:left])
            left -= len(out[-1])
    return out


def _kill() -> None:
    os.kill(os.getpid(), signal.SIGKILL)
