"""One suite for every kind of lane, and what a lane says when its directory or its disk is no good."""

import contextlib
import errno
import fcntl
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from functools import partial

import numpy as np
import pytest

from bigconst.base import failpoints
from bigconst.base.errors import DiskFull, InputOutputError
from bigconst.runtime.arena import Arena
from bigconst.storage.lane import DATA_NAME, Lane, Transfer
from bigconst.storage.lock import LOCK_NAME

PAGE = 4096
SHORT = "lane.read[{0}]=short, lane.write[{0}]=short"
KINDS = {
    "direct": Lane,
    "buffered": partial(Lane, direct=False),
    "refused": Lane,
    "shm": Lane,
    "short": Lane,
    "short buffered": partial(Lane, direct=False),
}


def pages(count):
    """`count` random pages, aligned as O_DIRECT wants them."""
    out = Arena(count * PAGE).take(count * PAGE, np.uint8)
    out[:] = np.random.default_rng(count).integers(0, 256, len(out), dtype=np.uint8)
    return out


def finish(transfer):
    """wait, but a transfer that hangs is a failure and not the end of the tests."""
    assert transfer._unfinished.acquire(timeout=30)
    transfer._unfinished.release()
    assert transfer.done()
    transfer.wait()


def refuse_direct(monkeypatch):
    real = os.open

    def without(path, flags, *mode):
        if flags & os.O_DIRECT:
            raise OSError(errno.EINVAL, "Invalid argument")
        return real(path, flags, *mode)

    monkeypatch.setattr(os, "open", without)


@pytest.fixture
def lane(request, tmp_path, monkeypatch):
    folder = tmp_path
    if request.param == "shm":
        if not os.path.isdir("/dev/shm"):
            pytest.skip("no /dev/shm")
        folder = tempfile.mkdtemp(dir="/dev/shm")
    if request.param == "refused":
        refuse_direct(monkeypatch)
    with failpoints.active(SHORT.format(folder)) if "short" in request.param else contextlib.nullcontext():
        lane = KINDS[request.param](folder)
        yield lane
        lane.close()
    assert os.listdir(folder) == []
    if request.param == "shm":
        os.rmdir(folder)


every_kind = pytest.mark.parametrize("lane", KINDS, indirect=True)


# --- the conformance suite ---------------------------------------------------------

@every_kind
def test_bytes_come_back(lane):
    data, back = pages(50), pages(51)[:50 * PAGE]
    lane.resize(60 * PAGE)
    cuts = np.cumsum([1, 3, 1, 20]) * PAGE
    lane.write(7 * PAGE, [memoryview(piece) for piece in np.split(data, cuts)])
    lane.read(7 * PAGE, [memoryview(piece) for piece in np.split(back, cuts[::2])])
    assert np.array_equal(data, back)
    assert lane.read_bytes == lane.written_bytes == 50 * PAGE


@every_kind
def test_more_views_than_a_system_call_takes(lane):
    count = os.sysconf("SC_IOV_MAX") + 10
    data, back = pages(count), pages(count + 1)[:count * PAGE]
    lane.resize(count * PAGE)
    lane.write(0, [memoryview(piece) for piece in np.split(data, count)])
    lane.read(0, [memoryview(piece) for piece in np.split(back, count)])
    assert np.array_equal(data, back)


@every_kind
def test_resize_reserves_keeps_and_gives_back(lane):
    data = pages(4)
    lane.resize(100 * PAGE)
    assert lane.allocated_bytes == os.path.getsize(lane.path) == 100 * PAGE
    assert os.stat(lane.path).st_blocks * 512 >= 100 * PAGE
    lane.write(0, [memoryview(data)])
    lane.resize(200 * PAGE)
    lane.resize(4 * PAGE)
    assert lane.allocated_bytes == os.path.getsize(lane.path) == 4 * PAGE
    back = pages(5)[:4 * PAGE]
    lane.read(0, [memoryview(back)])
    assert np.array_equal(data, back)
    lane.resize(0)
    assert lane.allocated_bytes == 0 and lane.free_bytes() > 0


@every_kind
def test_reading_beyond_the_end_is_an_error(lane):
    lane.resize(4 * PAGE)
    with pytest.raises(InputOutputError, match=rf"cannot read .*{DATA_NAME} at offset {4 * PAGE}: the file ends"):
        lane.read(2 * PAGE, [memoryview(pages(4))])


@every_kind
def test_tasks_run_at_the_same_time_and_their_first_error_is_raised(lane):
    together = threading.Barrier(4, timeout=30)
    transfer = Transfer(4)
    for submit in (lane.submit_read, lane.submit_write):
        for _ in range(2):
            submit(transfer, together.wait)
    finish(transfer)
    for failure in (OSError("bad"), SystemExit(3), KeyboardInterrupt()):
        transfer, slept = Transfer(300), []

        def fail(failure=failure):
            raise failure

        def sleep(slept=slept):
            time.sleep(0.001)
            slept.append(1)

        lane.submit_read(transfer, fail)
        for _ in range(299):
            lane.submit_read(transfer, sleep)
        with pytest.raises(type(failure)):
            finish(transfer)
        assert len(slept) < 299
    finish(Transfer(0))


@every_kind
def test_measured_speed(lane):
    assert all(speed > 0 for speed in lane.measure(3 * PAGE + 5))
    assert lane.read_bytes == lane.written_bytes == 0


@every_kind
def test_what_waits_when_the_lane_is_closed_fails(lane):
    lane.resize(PAGE)
    transfer, begun = Transfer(100), threading.Event()

    def task():
        begun.set()
        time.sleep(0.01)
        lane.read(0, [memoryview(pages(1))])

    for _ in range(100):
        lane.submit_read(transfer, task)
    assert begun.wait(30)
    lane.close()
    with pytest.raises(InputOutputError, match="was closed"):
        finish(transfer)


# --- opening and closing -----------------------------------------------------------

def test_refused_direct_io_is_noted(tmp_path, monkeypatch):
    refuse_direct(monkeypatch)
    notes = []
    lane = Lane(tmp_path, notes.append)
    lane.close()
    assert not lane.direct and len(notes) == 1 and str(tmp_path) in notes[0] and "page cache" in notes[0]


def test_direct_io_that_fails_only_when_used_is_noted(tmp_path, monkeypatch):
    def refuse(fd, data, offset):
        raise OSError(errno.EINVAL, "Invalid argument")

    notes = []
    monkeypatch.setattr(os, "pwrite", refuse)
    monkeypatch.setattr(os, "open", lambda path, flags, *mode, real=os.open: real(path, flags & ~os.O_DIRECT, *mode))
    lane = Lane(tmp_path, notes.append)
    lane.close()
    assert not lane.direct and len(notes) == 1


def test_a_second_process_is_told_who_is_first(tmp_path):
    script = ("import sys; from bigconst.storage.lane import Lane; lane = Lane(sys.argv[1]); "
              "print('open', flush=True); input(); lane.close()")
    first = subprocess.Popen([sys.executable, "-c", script, tmp_path], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                             text=True)
    try:
        assert first.stdout.readline() == "open\n"
        with pytest.raises(InputOutputError, match=f"{tmp_path} is in use by process {first.pid};") as failure:
            Lane(tmp_path)
        assert failure.value.exit_code == 3
    finally:
        first.communicate("\n", timeout=30)
    Lane(tmp_path).close()
    assert os.listdir(tmp_path) == []


def test_files_of_a_dead_process_are_replaced(tmp_path):
    (tmp_path / DATA_NAME).write_bytes(bytes(10_000))
    (tmp_path / LOCK_NAME).write_text("1234567\n")
    lane = Lane(tmp_path)
    assert os.path.getsize(lane.path) == 0
    assert (tmp_path / LOCK_NAME).read_text() == f"{os.getpid()}\n"
    lane.close(delete=False)
    assert sorted(os.listdir(tmp_path)) == sorted([DATA_NAME, LOCK_NAME])
    assert lane.close() == []


def test_a_lock_on_a_removed_file_is_worth_nothing(tmp_path, monkeypatch):
    real, removed = fcntl.flock, []

    def flock(fd, how):
        if not removed:
            removed.append(os.unlink(tmp_path / LOCK_NAME))
        real(fd, how)

    monkeypatch.setattr(fcntl, "flock", flock)
    lane = Lane(tmp_path)
    assert (tmp_path / LOCK_NAME).exists()
    lane.close()


def test_a_directory_that_vanishes_is_no_trouble_at_the_end(tmp_path):
    lane = Lane(tmp_path)
    shutil.rmtree(tmp_path)
    assert lane.close() == []


def test_what_cannot_be_removed_is_told(tmp_path, monkeypatch):
    lane = Lane(tmp_path)

    def refuse(path):
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(os, "unlink", refuse)
    names = (DATA_NAME, LOCK_NAME)
    assert lane.close() == [f"cannot remove {tmp_path / name}: Read-only file system" for name in names]


@pytest.mark.parametrize("name, reason", [("missing", "No such file"), ("file", "Not a directory")])
def test_a_directory_that_is_none(tmp_path, name, reason):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputOutputError, match=rf"cannot use {tmp_path / name}: {reason}.*; name a directory"):
        Lane(tmp_path / name)


def test_a_read_only_directory(tmp_path):
    tmp_path.chmod(0o500)
    if os.access(tmp_path, os.W_OK):
        pytest.skip("this user may write anywhere")
    with pytest.raises(InputOutputError, match=f"cannot use {tmp_path}: Permission denied"):
        Lane(tmp_path)


@pytest.mark.parametrize("kind", ["folder", "link"])
def test_a_scratch_file_that_is_something_else_is_left_alone(tmp_path, kind):
    if kind == "folder":
        (tmp_path / DATA_NAME).mkdir()
    else:
        (tmp_path / "precious").write_text("precious")
        (tmp_path / DATA_NAME).symlink_to(tmp_path / "precious")
    with pytest.raises(InputOutputError, match=f"cannot create {tmp_path / DATA_NAME}"):
        Lane(tmp_path)
    assert kind == "folder" or (tmp_path / "precious").read_text() == "precious"
    assert not (tmp_path / LOCK_NAME).exists()


# --- failing disks -----------------------------------------------------------------

FULL = ("ENOSPC", "EDQUOT")


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_names_both_numbers(tmp_path, monkeypatch, code):
    lane = Lane(tmp_path)
    lane.resize(PAGE)

    def refuse(fd, offset, length):
        os.ftruncate(fd, offset + length // 2)
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(os, "posix_fallocate", refuse)
    monkeypatch.setattr(lane, "free_bytes", lambda: 2 * PAGE)
    numbers = rf"{lane.path} to 64.0 KiB \(65536 bytes\).* 12.0 KiB \(12288 bytes\)"
    with pytest.raises(DiskFull, match=numbers) as failure:
        lane.resize(16 * PAGE)
    assert failure.value.exit_code == 4
    assert lane.allocated_bytes == os.path.getsize(lane.path) == PAGE
    lane.close()


@pytest.mark.parametrize("operation", ["read", "write"])
@pytest.mark.parametrize("name", ["EIO", "ENODEV", "EROFS", *FULL])
def test_an_error_names_file_and_offset(tmp_path, operation, name):
    lane = Lane(tmp_path)
    lane.resize(8 * PAGE)
    message = (rf"cannot {operation} {lane.path} at offset {4 * PAGE}: {os.strerror(getattr(errno, name))}; "
               + ("make room there, then run the same command again" if name in FULL else
                  r".*\(dmesg\), then run it again"))
    with failpoints.active(f"lane.{operation}=short@1, lane.{operation}={name}@2-"), \
            pytest.raises(InputOutputError, match=message) as failure:
        getattr(lane, operation)(2 * PAGE, [memoryview(pages(4))])
    assert failure.value.exit_code == (4 if name in FULL else 3)
    lane.close()


@pytest.mark.parametrize("direct", [True, False])
@pytest.mark.parametrize("operation", ["read", "write"])
@pytest.mark.parametrize("bit", [0, 8 * PAGE + 1, 4 * 8 * PAGE - 1, 4 * 8 * PAGE + 5])
def test_a_flipped_bit_leaves_what_is_written_alone(tmp_path, operation, bit, direct):
    lane = Lane(tmp_path, direct=direct)
    lane.resize(4 * PAGE)
    data, back = pages(4), pages(5)[:4 * PAGE]
    with failpoints.active(f"lane.{operation}=flip:{bit}"):
        lane.write(0, [memoryview(piece) for piece in np.split(data, [PAGE, 3 * PAGE])])
        lane.read(0, [memoryview(piece) for piece in np.split(back, [2 * PAGE])])
    assert np.array_equal(data, pages(4))
    wrong = np.flatnonzero(np.unpackbits(data ^ back, bitorder="little"))
    assert wrong.tolist() == [bit % (4 * 8 * PAGE)]
    on_disk = np.fromfile(lane.path, np.uint8)
    assert np.array_equal(on_disk, back if operation == "write" else data)
    lane.close()


@pytest.mark.parametrize("direct", [True, False])
def test_a_write_that_lies_is_found_on_the_disk(tmp_path, direct):
    lane = Lane(tmp_path, direct=direct)
    lane.resize(4 * PAGE)
    with failpoints.active("lane.write=truncate@1"):
        lane.write(0, [memoryview(pages(4))])
    assert np.fromfile(lane.path, np.uint8).tobytes() == pages(4)[:2 * PAGE].tobytes() + bytes(2 * PAGE)
    lane.close()


def test_a_disk_that_is_full_when_space_is_reserved(tmp_path):
    lane = Lane(tmp_path)
    lane.resize(PAGE)
    with failpoints.active("lane.reserve=ENOSPC@1, lane.reserve=EFBIG@2"):
        lane.resize(0)          # needs no room
        with pytest.raises(DiskFull, match=rf"cannot resize {lane.path} to .*No space left.*--swap"):
            lane.resize(16 * PAGE)
        with pytest.raises(InputOutputError, match=rf"cannot resize {lane.path} to .*File too large; .*ulimit -f"):
            lane.resize(16 * PAGE)
        lane.resize(2 * PAGE)
    assert lane.allocated_bytes == os.path.getsize(lane.path) == 2 * PAGE
    lane.close()


def test_a_failed_sync_is_not_repeated(tmp_path):
    lane = Lane(tmp_path)
    with failpoints.active("lane.sync=EIO@2") as (rule,):
        lane.sync()
        for _ in range(3):
            with pytest.raises(InputOutputError, match=f"cannot write {lane.path}: Input/output error; .*dmesg"):
                lane.sync()
        assert rule.calls == 2
    lane.close(delete=False)
    assert sorted(os.listdir(tmp_path)) == sorted([DATA_NAME, LOCK_NAME])


def test_what_is_moved_to_measure_is_not_counted(tmp_path):
    lane = Lane(tmp_path)
    with failpoints.active("lane.read=EIO, lane.write=EIO, lane.reserve=sleep:0") as rules:
        lane.measure(8 * PAGE)
    assert [rule.calls for rule in rules] == [0, 0, 1]
    lane.close()
