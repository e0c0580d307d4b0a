"""The volume against a bytearray, its checksums, its space, and what it does when disks fail."""

import contextlib
import errno
import os
import subprocess
import time
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from oracle_checksum import checksum

from bigconst.base import failpoints
from bigconst.base.errors import ChecksumError, DiskFull, InputOutputError, UsageError
from bigconst.runtime.arena import Arena
from bigconst.storage.lane import DATA_NAME, Lane
from bigconst.storage.volume import LONGEST_BYTES, BlockRequest, Volume

PAGE = 4096
SHORT = "lane.read=short, lane.write=short"


class Steady(Lane):
    """A lane of a speed that is known, (bytes/s read, written) by the name of its directory."""

    speeds: dict[str, tuple[float, float]] = {}

    def measure(self, size_bytes):
        return self.speeds.get(Path(self.directory).name, (1e9, 1e9))


def with_speeds(speeds, kind=Steady):
    """Lanes of these speeds."""
    return type("WithSpeeds", (kind,), {"speeds": speeds})


def memory(count, seed=0):
    """`count` random bytes at a multiple of 4096."""
    out = Arena(count).take(count, np.uint8)
    out[:] = np.random.default_rng(seed).integers(0, 256, count, dtype=np.uint8)
    return out


def finish(transfer):
    """wait, but a transfer that hangs is a failure and not the end of the tests."""
    assert transfer._unfinished.acquire(timeout=30)
    transfer._unfinished.release()
    assert transfer.done()
    transfer.wait()


@pytest.fixture
def folders(tmp_path):
    """Four directories, which must be empty afterwards."""
    out = [tmp_path / name for name in "abcd"]
    for folder in out:
        folder.mkdir()
    yield out
    assert [os.listdir(folder) for folder in out] == [[]] * 4


def one_block(count, seed=0):
    return [BlockRequest(0, [memory(count, seed)], 0)], np.zeros(1, np.uint64)


# --- data --------------------------------------------------------------------------

@pytest.mark.parametrize("count", [1, 2, 3, 4])
@pytest.mark.parametrize("failures", [None, SHORT])
def test_random_blocks_against_a_bytearray(folders, count, failures):
    random = np.random.default_rng(count)
    pages, unit = 300, int(random.integers(1, 5)) * PAGE
    speeds = {folder.name: tuple(random.uniform(1, 9, 2)) for folder in folders}
    model, sums = bytearray(pages * PAGE), np.zeros(pages, np.uint64)
    with failpoints.active(failures) if failures else contextlib.nullcontext(), \
            Volume(folders[:count], pages * PAGE, unit, lane=with_speeds(speeds)) as volume:
        moved = 0
        for turn in range(7):
            cuts = [0, *sorted(random.choice(np.arange(1, pages), 25, replace=False)), pages]
            data, requests = memory(pages * PAGE, turn), []
            for start, stop in zip(cuts, cuts[1:], strict=False):
                middle = int(random.integers(start, stop))
                views = [data[start * PAGE:middle * PAGE], data[middle * PAGE:stop * PAGE]]
                requests.append(BlockRequest(start * PAGE, [view for view in views if len(view)], start))
            some = [request for request in requests if turn == 0 or random.random() < 0.6]
            finish(volume.write(some, sums))
            for request in some:
                block = b"".join(view.tobytes() for view in request.views)
                model[request.address:request.address + len(block)] = block
                assert sums[request.index] == checksum(block)
                moved += len(block)
            # Blocks left out keep what earlier, other blocks put there: only those just written can be verified.
            for request in some:
                for view in request.views:
                    view[:] = 0
            random.shuffle(some)
            finish(volume.read(some, sums))
            for request in some:
                block = b"".join(view.tobytes() for view in request.views)
                assert block == model[request.address:request.address + len(block)]
        whole = memory(pages * PAGE)
        sums = np.array([checksum(bytes(model))], np.uint64)
        finish(volume.read([BlockRequest(0, [whole], 0)], sums))
        assert whole.tobytes() == model
        assert (volume.written_bytes, volume.read_bytes) == (moved, moved + len(model))


def test_real_lanes_read_and_write_at_the_same_time(folders):
    half, size = 2 << 20, 64 << 10
    sums, data = np.zeros(2 * half // size, np.uint64), memory(2 * half)
    with Volume(folders[:2], 2 * half, 128 << 10) as volume:
        requests = [BlockRequest(at, [data[at:at + size]], at // size) for at in range(0, 2 * half, size)]
        first, second = requests[:len(requests) // 2], requests[len(requests) // 2:]
        finish(volume.write(first, sums))
        data[:half] = 0
        transfers = [volume.read(first, sums), volume.write(second, sums)]
        for transfer in transfers:
            finish(transfer)
        assert np.array_equal(data, memory(2 * half))
        assert all(speed > 0 for speeds in volume.speeds for speed in speeds)


def test_any_contiguous_numpy_type(folders):
    data = memory(8 * PAGE).view(np.complex128).reshape(16, -1)
    sums = np.zeros(1, np.uint64)
    with Volume(folders[:1], 8 * PAGE, PAGE, lane=Steady) as volume:
        finish(volume.write([BlockRequest(0, [data], 0)], sums))
        assert sums[0] == checksum(data.tobytes())
        with pytest.raises(ValueError, match="contiguous"):
            volume.write([BlockRequest(0, [data[:, ::2]], 0)], sums)


def test_neighbours_are_merged_and_long_blocks_cut(folders):
    total, size = 2 * LONGEST_BYTES, 32 << 10
    with failpoints.active("lane.read=sleep:0, lane.write=sleep:0") as (reads, writes), \
            Volume(folders[:1], total, 64 << 10) as volume:
        data, sums = memory(total), np.zeros(total // size, np.uint64)
        finish(volume.write([BlockRequest(at, [data[at:at + size]], at // size) for at in range(0, total, size)], sums))
        assert writes.calls <= total >> 20
        finish(volume.read([BlockRequest(0, [data], 0)], np.array([checksum(data)], np.uint64)))
        assert 4 <= reads.calls <= total >> 20


def test_no_requests_are_done_at_once(folders):
    with Volume(folders[:1], PAGE, PAGE, lane=Steady) as volume:
        finish(volume.read([], np.zeros(0, np.uint64)))


@pytest.mark.parametrize("address, length, message", [
    (512, PAGE, "multiples of 4096"), (0, 512, "multiples of 4096"), (0, 0, "not within"),
    (3 * PAGE, 2 * PAGE, "not within"), (-PAGE, PAGE, "not within"),
])
def test_requests_that_make_no_sense(folders, address, length, message):
    with Volume(folders[:1], 4 * PAGE, PAGE, lane=Steady) as volume:
        with pytest.raises(ValueError, match=message):
            volume.read([BlockRequest(address, [memory(PAGE * 2)[:length]], 0)], np.zeros(1, np.uint64))
        with pytest.raises(ValueError, match="uint64"):
            volume.read([], np.zeros(1, np.int64))
        with pytest.raises(IndexError):
            finish(volume.write([BlockRequest(0, [memory(PAGE)], 5)], np.zeros(1, np.uint64)))
    with pytest.raises(ValueError, match="closed"):
        volume.read([], np.zeros(1, np.uint64))
    with pytest.raises(ValueError, match="stripe unit"):
        Volume(folders[:1], PAGE, 1000)


# --- faults ------------------------------------------------------------------------

@pytest.mark.parametrize("operation", ["read", "write"])
def test_a_damaged_block_is_named(folders, operation):
    # Lane b has every second unit: its second page holds the third block.
    with failpoints.active(f"lane.{operation}[{folders[1]}]=flip:12345@2"), \
            Volume(folders[:2], 6 * PAGE, PAGE, lane=Steady) as volume:
        data, sums = memory(6 * PAGE), np.zeros(3, np.uint64)
        requests = [BlockRequest(i * 2 * PAGE, [data[i * 2 * PAGE:(i + 1) * 2 * PAGE]], i) for i in range(3)]
        for request in requests:
            finish(volume.write([request], sums))
        finish(volume.read(requests[:1], sums))
        message = rf"block of 8192 bytes that starts at offset {PAGE} of {folders[0] / DATA_NAME} is not what was"
        with pytest.raises(ChecksumError, match=message) as failure:
            finish(volume.read(requests[1:2], sums))
        assert failure.value.exit_code == 5
        finish(volume.read(requests[2:], sums))


@pytest.mark.parametrize("operation", ["read", "write"])
@pytest.mark.parametrize("nth", [1, 6])
def test_a_bad_sector_surfaces(folders, operation, nth):
    with failpoints.active(f"lane.{operation}[{folders[1]}]=EIO@{nth}"), \
            Volume(folders[:3], 60 * PAGE, PAGE, lane=Steady) as volume:
        data, sums = memory(60 * PAGE), np.zeros(60, np.uint64)
        requests = [BlockRequest(i * PAGE, [data[i * PAGE:(i + 1) * PAGE]], i) for i in range(60)]
        with pytest.raises(InputOutputError, match=f"cannot {operation} {folders[1] / DATA_NAME} at offset") as failure:
            for i in range(0, 60, 6):
                finish(volume.write(requests[i:i + 6], sums))
                finish(volume.read(requests[i:i + 6], sums))
        assert failure.value.exit_code == 3


def test_wait_returns_only_when_no_thread_touches_the_buffers(folders):
    """An error on one lane while another is slow."""
    with failpoints.active(f"lane.read[{folders[0]}]=EIO, lane.read[{folders[1]}]=sleep:0.1"), \
            Volume(folders[:2], 2 * PAGE, PAGE, lane=Steady) as volume:
        requests, sums = one_block(2 * PAGE)
        finish(volume.write(requests, sums))
        transfer = volume.read(requests, sums)
        with pytest.raises(InputOutputError):
            transfer.wait()
        assert volume.read_bytes in (0, PAGE)
        before = volume.read_bytes
        time.sleep(0.15)
        assert volume.read_bytes == before


def test_a_disk_that_vanishes(folders):
    gone = f"lane.read[{folders[0]}]=ENODEV@2-, lane.write[{folders[0]}]=ENODEV@2-"
    with failpoints.active(gone), Volume(folders[:2], 8 * PAGE, PAGE, lane=Steady) as volume:
        requests, sums = one_block(2 * PAGE)
        finish(volume.write(requests, sums))
        finish(volume.read(requests, sums))
        for operation in (volume.write, volume.read, volume.write):
            with pytest.raises(InputOutputError, match=os.strerror(errno.ENODEV)):
                finish(operation(requests, sums))


def test_an_unforeseen_failure_of_a_thread_surfaces(folders):
    class Broken(Steady):
        def _preadv(self, views, offset):
            raise SystemExit("worker")

    with Volume(folders[:1], 8 * PAGE, PAGE, lane=Broken) as volume:
        requests, sums = one_block(8 * PAGE)
        finish(volume.write(requests, sums))
        with pytest.raises(SystemExit, match="worker"):
            finish(volume.read(requests, sums))


def test_closing_ends_what_is_under_way(folders):
    data, sums = memory(PAGE), np.zeros(200, np.uint64)
    with failpoints.active("lane.write=sleep:0.02"), Volume(folders[:1], 400 * PAGE, PAGE) as volume:
        transfer = volume.write([BlockRequest(2 * i * PAGE, [data], i) for i in range(200)], sums)
    with pytest.raises(InputOutputError, match="was closed"):
        finish(transfer)
    assert volume.written_bytes < 200 * PAGE


# --- directories and space ---------------------------------------------------------

def test_a_directory_named_twice(folders, tmp_path):
    (tmp_path / "link").symlink_to(folders[0])
    for other in (folders[0], tmp_path / "link", f"{folders[0]}/"):
        with pytest.raises(UsageError, match="named twice") as failure:
            Volume([folders[0], other], PAGE, PAGE)
        assert failure.value.exit_code == 2


def test_lanes_on_one_disk_are_noted(folders):
    notes = []
    Volume(folders[:3], 16 * PAGE, PAGE, notes.append, Steady).close()
    assert len(notes) == 2 and all("same disk" in note and str(folders[0]) in note for note in notes)


def test_a_failing_second_directory_leaves_nothing(folders):
    with pytest.raises(InputOutputError, match="missing"):
        Volume([folders[0], folders[1] / "missing"], 16 * PAGE, PAGE)


def test_a_failing_measurement_leaves_nothing(folders, monkeypatch):
    def refuse(fd, views, offset):
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(os, "preadv", refuse)
    with pytest.raises(InputOutputError, match="cannot read"):
        Volume(folders[:2], 16 * PAGE, PAGE)


def test_too_little_room_is_refused_with_both_numbers(folders):
    with pytest.raises(DiskFull, match=rf"needs .* \({1 << 60} bytes\), its disks have .* \(\d+ bytes\) free"):
        Volume(folders[:2], 1 << 60, PAGE)


def test_shares_follow_speed_and_space(folders):
    class Small(Steady):
        def free_bytes(self):
            return 4 * (2000 if self.directory.endswith("a") else 9000) * PAGE

    speeds = {"a": (5e9, 5e9), "b": (3e9, 1e9), "c": (1e9, 3e9), "d": (1e6, 1e6)}
    total = 8000 * PAGE

    def allocated(kind):
        with Volume(folders, total, PAGE, lane=with_speeds(speeds, kind)) as volume:
            assert volume.allocated_bytes == total
            return [lane.allocated_bytes / total for lane in volume._lanes]

    # Speeds of reading and writing together: 2.5, 0.75, 0.75 and next to nothing.
    assert allocated(Steady) == pytest.approx([5 / 8, 1.5 / 8, 1.5 / 8, 0], abs=0.01)
    # The fast one has room for a quarter (lanes on one disk share what is free).
    assert allocated(Small) == pytest.approx([1 / 4, 3 / 8, 3 / 8, 0], abs=0.01)


def test_resize_keeps_what_stays(folders):
    with Volume(folders[:3], 30 * PAGE, 2 * PAGE, lane=Steady) as volume:
        requests, sums = one_block(9 * PAGE)
        finish(volume.write(requests, sums))
        for size in (90 * PAGE, 9 * PAGE, 10 * PAGE + 1):
            volume.resize(size)
            rounded = -(-size // PAGE) * PAGE
            assert volume.size_bytes == volume.allocated_bytes == rounded
            assert sum(os.path.getsize(folder / DATA_NAME) for folder in folders[:3]) == rounded
            finish(volume.read(requests, sums))


def test_a_disk_without_room(tmp_path):
    folder = tmp_path / "small"
    folder.mkdir()
    mount = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", folder], capture_output=True)
    if mount.returncode:
        pytest.skip("no right to mount")
    try:
        with pytest.raises(DiskFull, match=r"\(524288 bytes\)"):
            Volume([folder], 512 << 10, PAGE)
        with Volume([folder], 128 << 10, PAGE) as volume:
            with pytest.raises(DiskFull, match=r"\(524288 bytes\).*No space left on device"):
                volume.resize(512 << 10)
            requests, sums = one_block(128 << 10)
            finish(volume.write(requests, sums))
            finish(volume.read(requests, sums))
        assert os.listdir(folder) == []
    finally:
        subprocess.run(["umount", folder], check=True)


def test_close_can_keep_the_files(tmp_path):
    volume = Volume([tmp_path], 4 * PAGE, PAGE, lane=partial(Lane, direct=False))
    requests, sums = one_block(4 * PAGE)
    finish(volume.write(requests, sums))
    volume.close(delete=False)
    assert (tmp_path / DATA_NAME).read_bytes() == requests[0].views[0].tobytes()
