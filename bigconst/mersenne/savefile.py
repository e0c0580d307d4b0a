"""Save files of a test: a residue without its shift, with header and checksum, in several generations.

    bigconst-mersenne/1 xxh3 0123456789abcdef0123456789abcdef
    { ...header, JSON on one line... }
    residue, then the product of the Gerbicz-Li check if there is one: ceil(p/8) bytes each, least byte first

The checksum is that of everything after its line.  A file appears under its
name when it is complete.  The name is made of the chain and the iteration, like
ll57885161.0001200000.save, with .verified.save if a check has confirmed the
point.  This module does not know whether a residue is right.
"""

import contextlib
import json
import os
import re
from collections.abc import Callable
from dataclasses import dataclass, field

import xxhash
from gmpy2 import mpz

from bigconst.base.errors import InputOutputError
from bigconst.storage.durable import BAD, NEW, WriteFailpoints, replace_file
from bigconst.storage.lock import FileLock

FORMAT = "bigconst-mersenne/1"
GENERATIONS, VERIFIED_GENERATIONS = 3, 2
"""The newest files and the newest verified files that are not removed."""
_NAME = re.compile(r"(.+)\.(\d{10})(\.verified)?\.save")
_PLACES = WriteFailpoints("save.write", "save.sync", "save.rename")
_REMEDY = "see that its disk is there and has room, or name another directory with --dir"


@dataclass(frozen=True)
class Saved:
    """A point of a chain of squarings modulo 2^exponent - 1, after `iteration` of them."""

    kind: str
    exponent: int
    iteration: int
    residue: mpz
    product: mpz | None = None
    """product of the first residue and of those at the ends of all blocks so far; None without a Gerbicz-Li check"""
    block: int = 0
    """iterations from one factor of `product` to the next"""
    shift: int = 0
    """shift of the transform that computed the residue; the residue itself is stored without it"""
    errors: dict[str, int] = field(default_factory=dict)
    verified: bool = False


class Damaged(Exception):
    """A save file is not as it was written."""


def encode(saved: Saved) -> bytes:
    """The content of the save file of a point."""
    head = {"kind": saved.kind, "exponent": saved.exponent, "iteration": saved.iteration, "shift": saved.shift,
            "block": saved.block, "product": saved.product is not None, "errors": saved.errors,
            "verified": saved.verified}
    size_bytes = (saved.exponent + 7) // 8
    numbers = [saved.residue] if saved.product is None else [saved.residue, saved.product]
    body = json.dumps(head).encode() + b"\n" + b"".join(int(n).to_bytes(size_bytes, "little") for n in numbers)
    return f"{FORMAT} xxh3 {xxhash.xxh3_128_hexdigest(body)}\n".encode() + body


def decode(data: bytes) -> Saved:
    """The point whose save file has this content.  Raises Damaged if the checksum is wrong."""
    first, _, body = data.partition(b"\n")
    if first != f"{FORMAT} xxh3 {xxhash.xxh3_128_hexdigest(body)}".encode():
        raise Damaged
    head, _, numbers = body.partition(b"\n")
    fields = json.loads(head)
    with_product = fields.pop("product")
    size_bytes = (fields["exponent"] + 7) // 8
    residue = mpz(int.from_bytes(numbers[:size_bytes], "little"))
    product = mpz(int.from_bytes(numbers[size_bytes:], "little")) if with_product else None
    return Saved(residue=residue, product=product, **fields)


def lock(directory: str, stem: str) -> FileLock:
    """The lock of the save files of a chain, to be released by the caller.  Raises InUse, InputOutputError."""
    return FileLock(lock_path(directory, stem), os.path.join(directory, stem), "name another directory with --dir")


def lock_path(directory: str, stem: str) -> str:
    """The file of that lock."""
    return os.path.join(directory, f"{stem}.lock")


def saved_iterations(directory: str) -> dict[str, int]:
    """The newest iteration of each chain that has save files in a directory, by stem.  Raises InputOutputError."""
    found: dict[str, int] = {}
    for name in _listdir(directory):
        if (match := _NAME.fullmatch(name)) is not None:
            found[match[1]] = max(int(match[2]), found.get(match[1], 0))
    return found


def _listdir(directory: str) -> list[str]:
    try:
        return os.listdir(directory)
    except OSError as error:
        raise InputOutputError(f"cannot read {directory}: {error.strerror}", _REMEDY) from error


class SavesInMemory:
    """The interface of `SaveFiles` that a chain uses, for a process that is given a point and gives one back."""

    def __init__(self, newest: Saved | None = None):
        self.newest = newest
        """the last point that was saved"""
        self._verified = newest if newest is not None and newest.verified else None

    def write(self, saved: Saved) -> None:
        """Remember a point."""
        self.newest = saved
        if saved.verified:
            self._verified = saved

    def read(self, is_right: Callable[[Saved], bool] = lambda saved: True) -> tuple[Saved | None, list[str]]:
        """The last point; none is bad."""
        return self.newest, []

    def newest_verified(self, is_right: Callable[[Saved], bool]) -> Saved | None:
        """The last verified point, or None."""
        return self._verified

    def drop_after(self, iteration: int) -> None:
        """Forget a later point: the chain went back to this one."""
        if self.newest is not None and self.newest.iteration > iteration:
            self.newest = self._verified


class SaveFiles:
    """The save files of one chain in one directory, which one process at a time may use (a `with` block).

    `stem` is the name of the chain, like ll57885161.  With `locked` the caller has their lock.
    """

    def __init__(self, directory: str, stem: str, kind: str, exponent: int, *, locked: bool = False):
        self.directory, self.stem, self._kind, self._exponent = directory, stem, kind, exponent
        self._locked = locked
        self._lock: FileLock | None = None

    def __enter__(self) -> "SaveFiles":
        if not self._locked:
            self._lock = lock(self.directory, self.stem)
        for name in self._listed(NEW):      # left by a process that was killed
            self._remove(name)
        return self

    def __exit__(self, *_exception) -> None:
        if self._lock is not None:
            self._lock.release(delete=True)

    def _names(self) -> list[tuple[int, bool, str]]:
        """(iteration, verified, name) of all files that are not marked as bad, newest first."""
        found = [(_NAME.fullmatch(name), name) for name in self._listed("")]
        return sorted(((int(match[2]), match[3] is not None, name) for match, name in found), reverse=True)

    def _listed(self, suffix: str) -> list[str]:
        """Names of this chain's save files with `suffix` added, sorted."""
        return sorted(name for name in _listdir(self.directory)
                      if name.endswith(suffix) and (match := _NAME.fullmatch(name.removesuffix(suffix)))
                      and match[1] == self.stem)

    def write(self, saved: Saved) -> str:
        """Write a new generation and remove those that have become too old; returns the path of the new file."""
        name = f"{self.stem}.{saved.iteration:010}{'.verified' if saved.verified else ''}.save"
        path = os.path.join(self.directory, name)
        replace_file(path, encode(saved), _PLACES, _REMEDY)
        self._prune()
        return path

    def _prune(self) -> None:
        names = self._names()
        retained = names[:GENERATIONS] + [each for each in names if each[1]][:VERIFIED_GENERATIONS]
        for each in names:
            if each not in retained:
                self._remove(each[2])

    def _remove(self, name: str) -> None:
        with contextlib.suppress(OSError):      # a superfluous file does no harm
            os.unlink(os.path.join(self.directory, name))

    def read(self, is_right: Callable[[Saved], bool] = lambda saved: True) -> tuple[Saved | None, list[str]]:
        """The newest undamaged point for which `is_right` holds, and the paths of newer files, now renamed to .bad.

        The point is None if the test has never saved.  Raises InputOutputError when every file is bad, when one
        belongs to another chain, or when one cannot be read.
        """
        bad = []
        for _iteration, _verified, name in self._names():
            path = os.path.join(self.directory, name)
            try:
                with open(path, "rb") as file:
                    saved = decode(file.read())
            except Damaged:
                saved = None
            except OSError as error:
                raise InputOutputError(f"cannot read {path}: {error.strerror}", _REMEDY) from error
            if saved is not None:
                self._check_owner(saved, path)
                if is_right(saved):
                    return saved, bad
            with contextlib.suppress(OSError):
                os.replace(path, path + BAD)
            bad.append(path)
        left = bad or self._listed(BAD)
        if left:
            #: The disk damaged them: put a copy from elsewhere there, or remove them to begin anew.
            raise InputOutputError(f"all save files of this test are bad ({os.path.basename(left[0])} and "
                                   f"{len(left) - 1} more in {self.directory})",
                                   f"put a good copy there, or remove {self.stem}.*.bad to start over")
        return None, []

    def newest_verified(self, is_right: Callable[[Saved], bool]) -> Saved | None:
        """The newest verified and undamaged point for which `is_right` holds, or None; no file is renamed."""
        for _iteration, verified, name in self._names():
            if verified:
                with contextlib.suppress(Damaged, OSError), open(os.path.join(self.directory, name), "rb") as file:
                    saved = decode(file.read())
                    if is_right(saved):
                        return saved
        return None

    def _check_owner(self, saved: Saved, path: str) -> None:
        if (saved.kind, saved.exponent) != (self._kind, self._exponent):
            raise InputOutputError(f"{path} belongs to the {saved.kind} test of M{saved.exponent}",
                                   "move it away: it was renamed, or copied to a wrong name")

    def drop_after(self, iteration: int) -> None:
        """Remove the files of later iterations, since the chain went back to this one and they may be wrong."""
        for each, _verified, name in self._names():
            if each > iteration:
                self._remove(name)

    def finish(self) -> None:
        """Remove every file of the chain."""
        for name in self._listed("") + self._listed(BAD):
            self._remove(name)
