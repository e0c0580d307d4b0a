"""The kind of a disk: what the system says, what reads say when it cannot be believed, and what is assumed."""

import os

import pytest

from bigconst.storage import diskkind
from bigconst.storage.diskkind import disk_kind, random_read_s


@pytest.fixture
def system(monkeypatch, tmp_path):
    """A system of one disk with a partition that holds tmp_path; write what the disk says of itself."""
    disk = tmp_path / "devices" / "sdx"
    (disk / "queue").mkdir(parents=True)
    (disk / "sdx1").mkdir()
    (disk / "sdx1" / "partition").write_text("1\n")
    device = os.stat(tmp_path).st_dev
    blocks = tmp_path / "block"
    blocks.mkdir()
    (blocks / f"{os.major(device)}:{os.minor(device)}").symlink_to(disk / "sdx1")
    monkeypatch.setattr(diskkind, "_BLOCK_DEVICES", blocks)
    return disk / "queue" / "rotational"


def reads_take(monkeypatch, seconds):
    monkeypatch.setattr(diskkind, "random_read_s", lambda directory: seconds)


def never(*_):
    raise AssertionError("nobody should read")


def test_a_disk_that_does_not_rotate_is_believed(system, tmp_path, monkeypatch):
    system.write_text("0\n")
    monkeypatch.setattr(diskkind, "random_read_s", never)
    kind, reason = disk_kind([tmp_path])
    assert kind == "ssd" and str(tmp_path) in reason and "rotate" in reason


@pytest.mark.parametrize("says", ["1\n", None])
@pytest.mark.parametrize("seconds, kind", [(0.0001, "ssd"), (0.00099, "ssd"), (0.001, "hdd"), (0.008, "hdd")])
def test_others_are_tried(system, tmp_path, monkeypatch, says, seconds, kind):
    if says:
        system.write_text(says)
    reads_take(monkeypatch, seconds)
    found, reason = disk_kind([tmp_path])
    assert found == kind and f"{seconds * 1e3:.3g} ms" in reason


def test_a_whole_disk_without_partitions(system, tmp_path, monkeypatch):
    (system.parent.parent / "sdx1" / "partition").unlink()
    queue = system.parent.parent / "sdx1" / "queue"
    queue.mkdir()
    (queue / "rotational").write_text("0\n")
    monkeypatch.setattr(diskkind, "random_read_s", never)
    assert disk_kind([tmp_path])[0] == "ssd"


def test_what_cannot_be_tried_is_a_hard_disk(system, tmp_path, monkeypatch):
    def refuse(directory):
        raise OSError(22, "Invalid argument")

    monkeypatch.setattr(diskkind, "random_read_s", refuse)
    kind, reason = disk_kind([tmp_path])
    assert kind == "hdd" and "Invalid argument" in reason
    assert disk_kind([tmp_path / "nowhere"])[0] == "hdd"


@pytest.mark.parametrize("slow", [0, 1, 2])
def test_the_slowest_lane_decides(monkeypatch, slow):
    monkeypatch.setattr(diskkind, "_is_in_memory", lambda directory: False)
    monkeypatch.setattr(diskkind, "_rotational", lambda directory: None)
    monkeypatch.setattr(diskkind, "random_read_s", lambda directory: 0.009 if directory == f"/{slow}" else 1e-4)
    kind, reason = disk_kind(["/0", "/1", "/2"])
    assert kind == "hdd" and f"/{slow} " in reason
    assert disk_kind([f"/{lane}" for lane in range(3) if lane != slow])[0] == "ssd"


def test_a_file_system_in_memory(monkeypatch):
    if not os.path.isdir("/dev/shm") or not os.access("/dev/shm", os.W_OK):
        pytest.skip("no /dev/shm here")
    monkeypatch.setattr(diskkind, "random_read_s", lambda directory: 1.0)
    assert disk_kind(["/dev/shm"]) == ("ssd", "/dev/shm is in memory")


def test_reading_leaves_nothing(tmp_path):
    try:
        assert random_read_s(str(tmp_path)) > 0
    except OSError as error:
        pytest.skip(f"no O_DIRECT here: {error}")
    finally:
        assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("seconds, median, reads", [
    ([1e-4], 1e-4, 40), ([5e-3] * 40 + [1e-4] * 40, 1e-4, 80), ([5e-3] * 40 + [8e-3] * 80, 5e-3, 120),
])
def test_slow_reads_are_tried_again(tmp_path, monkeypatch, seconds, median, reads):
    taken = []

    def read(fd, page, place):
        taken.append(place)
        return seconds[min(len(taken), len(seconds)) - 1]

    monkeypatch.setattr(diskkind, "_timed_read", read)
    monkeypatch.setattr(diskkind, "_FILE_BYTES", 1 << 20)
    monkeypatch.setattr(diskkind, "_PAUSE_S", 0)
    monkeypatch.setattr(diskkind.fcntl, "fcntl", lambda *_: 0)
    assert random_read_s(str(tmp_path)) == median
    assert len(taken) == reads and all(place % 4096 == 0 and place < 1 << 20 for place in taken)
