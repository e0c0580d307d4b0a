"""What lanes, locks and digit files say of a system that fails in rare ways."""

import errno
import fcntl
import os

import numpy as np
import pytest

from bigconst.base.errors import InputOutputError, VerificationError
from bigconst.storage.digitfile import open_digits
from bigconst.storage.lane import Lane
from bigconst.storage.lock import FileLock
from bigconst.stress import scratch as disks


def refuse(monkeypatch, owner, name, when, code):
    """Calls of a system function fail with `code` where when(*arguments)."""
    real = getattr(owner, name)

    def refused(*arguments):
        if when(*arguments):
            raise OSError(code, os.strerror(code))
        return real(*arguments)

    monkeypatch.setattr(owner, name, refused)


def test_direct_io_that_the_disk_cannot_do(tmp_path, monkeypatch):
    """A file system that knows no O_DIRECT is noted; a disk that fails is an error."""
    refuse(monkeypatch, os, "open", lambda path, flags, *mode: flags & os.O_DIRECT, errno.EIO)
    with pytest.raises(InputOutputError) as caught:
        Lane(tmp_path)
    assert str(caught.value) == (f"cannot write {tmp_path}/bigconst.scratch: Input/output error; "
                                 "choose another directory with --swap")


def test_a_file_system_without_locks(tmp_path, monkeypatch):
    refuse(monkeypatch, fcntl, "flock", lambda *_: True, errno.ENOLCK)
    before = len(os.listdir("/proc/self/fd"))
    with pytest.raises(InputOutputError) as caught:
        FileLock(str(tmp_path / "a.lock"), "the thing", "take another")
    assert str(caught.value) == f"cannot lock {tmp_path}/a.lock: No locks available; take another"
    assert len(os.listdir("/proc/self/fd")) == before


@pytest.fixture
def digits(tmp_path):
    path = tmp_path / "phi.txt"
    path.write_text("1.6180339887\n")
    with open_digits(str(path)) as file:
        file.locate("1", 10, None)
        yield file


def read_all(file):
    buffer = np.zeros(file.text_bytes, np.uint8)
    file.read(file.pieces[0], buffer)


def test_a_sector_of_a_digit_file_that_cannot_be_read(digits, monkeypatch):
    refuse(monkeypatch, os, "preadv", lambda *_: True, errno.EIO)
    with pytest.raises(InputOutputError) as caught:
        read_all(digits)
    assert str(caught.value) == f"cannot read {digits.path}: Input/output error; check its disk"


def test_a_digit_file_that_is_cut_while_it_is_read(digits):
    os.truncate(digits.path, 4)
    with pytest.raises(InputOutputError) as caught:
        read_all(digits)
    assert str(caught.value) == f"{digits.path} became shorter while it was read; let nothing write to it"


def test_a_lenient_file_that_changes_while_it_is_read(tmp_path):
    path = tmp_path / "phi.txt"
    path.write_text("1.61803\n39887\n")
    with open_digits(str(path), lenient=True) as file:
        file.locate("1", 10, None)
        path.write_text("1.61803\n3 887\n")
        with pytest.raises(InputOutputError) as caught:
            read_all(file)
    assert str(caught.value) == f"{path} changed while it was read; let nothing write to it"


def test_a_block_whose_checksum_alone_is_wrong(tmp_path, monkeypatch):
    """What was read shows no difference: so it is not the disk."""
    monkeypatch.setattr(disks, "MOST_BYTES", disks.BATCH_BLOCKS * disks.BLOCK_BYTES)
    with disks.ScratchTest([str(tmp_path)], 5) as scratch:
        read = scratch.volume.read
        monkeypatch.setattr(scratch.volume, "read", lambda requests, sums: read(requests, sums ^ np.uint64(1)))
        with pytest.raises(VerificationError, match=r"^the block of \d+ bytes .* is not what was written, but was "
                                                    r"right when it was read again; do not trust this machine: "
                                                    r"test its memory$"):
            scratch.turn(0, lambda: False, lambda: False)
    assert os.listdir(tmp_path) == []
