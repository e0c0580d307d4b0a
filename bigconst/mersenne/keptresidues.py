"""The residues of a test that its proof will be made of: a file of records, each with a checksum.

Record r, 1 <= r <= 2^power, has ceil(p/8) bytes of the residue, least byte first, and the XXH3-128 checksum of r and
the residue.  A record that is missing or damaged makes the proof shorter, and does no harm to the test.
"""

import contextlib
import os

import xxhash
from gmpy2 import mpz

from bigconst.base import failpoints
from bigconst.mersenne.prooffile import residue_bytes
from bigconst.plans.proofplan import SUM_BYTES

STORE = "proof.keep"
"""Failpoint of writing a record."""


class KeptResidues:
    """The file at `path` of the residues modulo 2^p - 1 that a test keeps."""

    def __init__(self, path: str, p: int):
        self.path, self._p = path, p
        self._size_bytes = (p + 7) // 8 + SUM_BYTES

    def store(self, r: int, residue: mpz) -> None:
        """Write a record and return when it is durable.  Raises OSError."""
        data = residue_bytes(residue, self._p)
        data += self._sum(r, data)
        fd = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o666)
        try:
            os.lseek(fd, (r - 1) * self._size_bytes, os.SEEK_SET)
            view = memoryview(data)
            while view:
                if failpoints.ACTIVE:
                    count = failpoints.write(STORE, self.path, lambda views: os.write(fd, views[0]), [view])
                else:
                    count = os.write(fd, view)
                view = view[count:]
            os.fdatasync(fd)
        finally:
            os.close(fd)

    def read(self, r: int) -> mpz | None:
        """Residue r; None where it is missing, damaged or cannot be read."""
        with contextlib.suppress(OSError), open(self.path, "rb") as file:
            file.seek((r - 1) * self._size_bytes)
            record = file.read(self._size_bytes)
            data = record[:-SUM_BYTES]
            if len(record) == self._size_bytes and record[-SUM_BYTES:] == self._sum(r, data):
                return mpz(int.from_bytes(data, "little"))
        return None

    @staticmethod
    def _sum(r: int, data: bytes) -> bytes:
        digest = xxhash.xxh3_128(r.to_bytes(8, "little"))
        digest.update(data)
        return digest.digest()

    def remove(self) -> None:
        """Remove the file."""
        with contextlib.suppress(OSError):
            os.unlink(self.path)
