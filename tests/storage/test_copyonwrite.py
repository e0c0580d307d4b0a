"""Reserved scratch is held: copy on write is switched off, or a line says that it is not."""

import fcntl
import os
import struct

import pytest

from bigconst.storage import copyonwrite
from bigconst.storage.lane import DATA_NAME, Lane

BTRFS, ZFS, EXT4 = 0x9123683E, 0x2FC12FC1, 0xEF53
OTHER_FLAG = 0x00000800


@pytest.fixture
def disk(monkeypatch):
    """A file system that says of itself what the test wants; returns what is asked of it."""
    class Disk:
        number, takes, flags, sizes = BTRFS, True, OTHER_FLAG, []

    disk = Disk()
    disk.sizes = []

    def ioctl(fd, request, argument):
        if request == copyonwrite._GET_FLAGS:
            return struct.pack("=i", disk.flags)
        disk.sizes.append(os.fstat(fd).st_size)
        if disk.takes is None:
            raise OSError(95, "Operation not supported")
        if disk.takes:
            disk.flags, = struct.unpack("=i", argument)
        return argument

    monkeypatch.setattr(fcntl, "ioctl", ioctl)
    monkeypatch.setattr(copyonwrite, "type_number", lambda fd: disk.number)
    return disk


def opened(directory, keep=False):
    """The lines that a lane says when it is opened."""
    lines = []
    lane = Lane(directory, lines.append, keep=keep)
    lane.resize(4096)
    lane.close(delete=False)
    return [line for line in lines if "O_DIRECT" not in line]


def test_it_is_switched_off_before_the_first_write(tmp_path, disk):
    (tmp_path / DATA_NAME).write_bytes(b"left by another run")
    assert opened(tmp_path) == []
    assert disk.flags == OTHER_FLAG | 0x00800000 and disk.sizes == [0]
    assert opened(tmp_path, keep=True) == [] and disk.sizes == [0]


@pytest.mark.parametrize("number, takes, name", [(BTRFS, False, "btrfs"), (ZFS, None, "ZFS")])
def test_where_that_is_impossible_a_line_says_so(tmp_path, disk, number, takes, name):
    disk.number, disk.takes = number, takes
    line, = opened(tmp_path)
    assert line == (f"{tmp_path} is on {name}, which does not hold the space that is reserved there: if others fill "
                    "the disk, the run stops until there is room again")


def test_a_scratch_that_was_begun_without_it(tmp_path, disk):
    """A file with data cannot be changed any more."""
    disk.number = EXT4
    assert opened(tmp_path) == [] and disk.sizes == []
    disk.number = BTRFS
    line, = opened(tmp_path, keep=True)
    assert "is on btrfs" in line and disk.sizes == []


def test_other_file_systems_are_left_alone(tmp_path):
    """The real calls, whatever this directory lies on."""
    with open(tmp_path / "a", "wb") as file:
        number = copyonwrite.type_number(file.fileno())
        assert number > 0
        if number not in copyonwrite.COPYING:
            assert copyonwrite.switch_off(file.fileno()) is None
