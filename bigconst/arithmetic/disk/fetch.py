"""Reading from the volume with repair: a bad block is read again, and rebuilt if it stays bad and that is possible."""

from collections.abc import Callable

import numpy as np

from bigconst.base.errors import ChecksumError, InputOutputError, ReadError
from bigconst.storage.volume import BlockRequest, Volume


def give_up(_request: BlockRequest, error: Exception) -> None:
    """Raise the error: `rebuild` for blocks that cannot be rebuilt."""
    raise error


class Fetch:
    """A read under way.

    note(kind, message) is called for every bad block; rebuild(request, error) fills the views of a block that is bad
    twice, or raises.
    """

    def __init__(self, volume: Volume, requests: list[BlockRequest], sums: np.ndarray, note: Callable[[str, str], None],
                 rebuild: Callable[[BlockRequest, Exception], None] = give_up):
        self._volume, self._requests, self._sums = volume, requests, sums
        self._note, self._rebuild = note, rebuild
        self._transfer = volume.read(requests, sums)

    def wait(self) -> None:
        """Return when all views are filled; raises ChecksumError or ReadError."""
        try:
            self._transfer.wait()
            return
        except (ChecksumError, InputOutputError) as error:
            first = error
        lasting = False
        # After an error the rest of a transfer is skipped, so everything is read again.
        for request in self._requests:
            try:
                self._volume.read([request], self._sums).wait()
            except (ChecksumError, InputOutputError) as error:
                lasting = True
                known = error if isinstance(error, ChecksumError) else _read_error(error)
                self._rebuild(request, known)
                self._note(kind_of(known), f"{_what(known)}, rebuilt")
        if not lasting:
            self._note(kind_of(first), f"{_what(first)}, right when it was read again")


def kind_of(error: Exception) -> str:
    """Kind of the fault that an error is: checksum or read."""
    return "checksum" if isinstance(error, ChecksumError) else "read"


def _what(error: Exception) -> str:
    return str(error).partition(";")[0]


def _read_error(error: InputOutputError) -> ReadError:
    what, _, remedy = str(error).partition("; ")
    return ReadError(what, remedy)
