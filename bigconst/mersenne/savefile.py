"""Save files of a test: a canonical residue with its header, several generations, never half a file.

    bigconst-mersenne/1 xxh3 0123456789abcdef0123456789abcdef
    { ...header, JSON on one line... }
    residue, then the product of the Gerbicz check where there is one: ceil(p/8) bytes each, least byte first

The checksum is that of all that follows its line.  A file is named after the
chain and the iteration, as in ll57885161.0001200000.save, or .verified.save
where a check has vouched for it.  Whether a residue is right is not known here.
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
from bigconst.storage.durable import NEW, WriteFailpoints, replace_file
from bigconst.storage.lock import FileLock

FORMAT = "bigconst-mersenne/1"
GENERATIONS, VERIFIED_GENERATIONS = 3, 2
BAD = ".bad"
"""What is added to the name of a file that cannot be used."""

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
    """Of the residues at the ends of all blocks so far."""
    block: int = 0
    """Iterations from one factor of `product` to the next."""
    shift: int = 0
    """Of the transform that computed it; the residue is free of it."""
    errors: dict[str, int] = field(default_factory=dict)
    verified: bool = False


class Damaged(Exception):
    """This file is not what was written."""


def encode(saved: Saved) -> bytes:
    """The whole file."""
    head = {"kind": saved.kind, "exponent": saved.exponent, "iteration": saved.iteration, "shift": saved.shift,
            "block": saved.block, "product": saved.product is not None, "errors": saved.errors,
            "verified": saved.verified}
    size_bytes = (saved.exponent + 7) // 8
    numbers = [saved.residue] if saved.product is None else [saved.residue, saved.product]
    body = json.dumps(head).encode() + b"\n" + b"".join(int(n).to_bytes(size_bytes, "little") for n in numbers)
    return f"{FORMAT} xxh3 {xxhash.xxh3_128_hexdigest(body)}\n".encode() + body


def decode(data: bytes) -> Saved:
    """What `encode` wrote.  Raises Damaged."""
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


class SaveFiles:
    """The save files of one chain in one directory, which one process at a time may use (a `with` block).

    `stem` is the name of the chain, like ll57885161.
    """

    def __init__(self, directory: str, stem: str, kind: str, exponent: int):
        self.directory, self.stem, self._kind, self._exponent = directory, stem, kind, exponent
        self._pattern = re.compile(re.escape(stem) + r"\.(\d{10})(\.verified)?\.save")
        self._lock: FileLock | None = None

    def __enter__(self) -> "SaveFiles":
        path = os.path.join(self.directory, self.stem)
        self._lock = FileLock(f"{path}.lock", path, "name another directory with --dir")
        for name in self._listed(NEW):      # of a process that was killed
            self._remove(name)
        return self

    def __exit__(self, *_exception) -> None:
        self._lock.release(delete=True)

    def _names(self) -> list[tuple[int, bool, str]]:
        """(iteration, verified, name) of all files that are not marked as bad, newest first."""
        found = [(self._pattern.fullmatch(name), name) for name in self._listed("")]
        return sorted(((int(match[1]), match[2] is not None, name) for match, name in found), reverse=True)

    def _listed(self, suffix: str) -> list[str]:
        """Names of save files with something added."""
        try:
            names = os.listdir(self.directory)
        except OSError as error:
            raise InputOutputError(f"cannot read {self.directory}: {error.strerror}", _REMEDY) from error
        return sorted(name for name in names
                      if name.endswith(suffix) and self._pattern.fullmatch(name.removesuffix(suffix)))

    def write(self, saved: Saved) -> str:
        """Write a generation and drop what is older than those that are kept; returns its path."""
        name = f"{self.stem}.{saved.iteration:010}{'.verified' if saved.verified else ''}.save"
        path = os.path.join(self.directory, name)
        replace_file(path, encode(saved), _PLACES, _REMEDY)
        self._prune()
        return path

    def _prune(self) -> None:
        names = self._names()
        kept = names[:GENERATIONS] + [each for each in names if each[1]][:VERIFIED_GENERATIONS]
        for each in names:
            if each not in kept:
                self._remove(each[2])

    def _remove(self, name: str) -> None:
        with contextlib.suppress(OSError):      # a file too many harms nobody
            os.unlink(os.path.join(self.directory, name))

    def read(self, is_right: Callable[[Saved], bool] = lambda saved: True) -> tuple[Saved | None, list[str]]:
        """The newest file that is whole and that `is_right`, and the paths of those that became .bad before it.

        None where the test never saved.  Raises InputOutputError when every file is bad, for a file of another
        chain, or when the disk does not answer.
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
            raise InputOutputError(f"all save files of this test are bad ({os.path.basename(left[0])} and "
                                   f"{len(left) - 1} more in {self.directory})",
                                   f"put a good copy there, or remove {self.stem}.*.bad to start over")
        return None, []

    def newest_verified(self, is_right: Callable[[Saved], bool]) -> Saved | None:
        """The newest verified point that is whole and that `is_right`; no file changes its name."""
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
                                   "move it away: its name is not its own")

    def drop_after(self, iteration: int) -> None:
        """Remove the files behind a point to which the chain went back: what they hold is wrong."""
        for each, _verified, name in self._names():
            if each > iteration:
                self._remove(name)

    def finish(self) -> None:
        """Remove every file of the chain."""
        for name in self._listed("") + self._listed(BAD):
            self._remove(name)
