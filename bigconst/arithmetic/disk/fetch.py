"""Reading from the volume with repair: a bad block is read again, and rebuilt if it stays bad and that is possible.

Whoever computes with the data takes its checksums on the way, and compares them afterwards (`Fetch.difference`).
"""

from collections.abc import Callable

import numpy as np

from bigconst.base.errors import ChecksumError, InputOutputError, ReadError
from bigconst.storage.volume import BlockRequest, Volume


def give_up(_request: BlockRequest, error: Exception) -> None:
    """Raise the error: `rebuild` for blocks that cannot be rebuilt."""
    raise error


class Fetch:
    """A read, which `start` begins.

    note(kind, message) is called for every bad block; rebuild(request, error) fills the views of a block that is bad
    twice, or raises.  With `checked`, `wait` compares checksums itself.
    """

    def __init__(self, volume: Volume, requests: list[BlockRequest], sums: np.ndarray, note: Callable[[str, str], None],
                 rebuild: Callable[[BlockRequest, Exception], None] = give_up, checked: bool = False):
        self._volume, self._requests, self._sums = volume, requests, sums
        self._note, self._rebuild = note, rebuild
        self._checked, self._transfer = checked, None

    def start(self) -> "Fetch":
        """Begin to read; returns itself."""
        self._transfer = self._volume.read(self._requests, self._sums if self._checked else None)
        return self

    def wait(self) -> None:
        """Return when all views are filled; raises ChecksumError or ReadError."""
        try:
            self._transfer.wait()
        except (ChecksumError, InputOutputError) as error:
            # After an error the rest of a transfer is skipped, so everything is read again.
            self.again(error)

    def difference(self, found: np.ndarray) -> ChecksumError | None:
        """The error for the first block that does not have its checksum of those `found` (uint64), in the order of the
        requests; None if all do."""
        wrong = np.flatnonzero(self._sums[[request.index for request in self._requests]] != found)
        if not wrong.size:
            return None
        request = self._requests[wrong[0]]
        return self._volume.changed(request.address, sum(view.nbytes for view in request.views), request.index)

    def again(self, first: Exception | None = None) -> None:
        """Read all blocks once more, after the error `first` if there was one, check them, and have those rebuilt that
        are bad.  Raises ChecksumError or ReadError."""
        lasting = False
        for request in self._requests:
            try:
                self._volume.read([request], self._sums).wait()
            except (ChecksumError, InputOutputError) as error:
                lasting = True
                known = error if isinstance(error, ChecksumError) else _read_error(error)
                self._rebuild(request, known)
                self._note(kind_of(known), f"{_what(known)}, rebuilt")
        if first is not None and not lasting:
            self._note(kind_of(first), f"{_what(first)}, right when it was read again")


def kind_of(error: Exception) -> str:
    """Kind of the fault that an error is: checksum or read."""
    return "checksum" if isinstance(error, ChecksumError) else "read"


def _what(error: Exception) -> str:
    return str(error).partition(";")[0]


def _read_error(error: InputOutputError) -> ReadError:
    what, _, remedy = str(error).partition("; ")
    return ReadError(what, remedy)
