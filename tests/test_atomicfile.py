"""Digit files appear whole or not at all, and never over a file nobody offered."""

import errno
import os
import random
import stat
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from bigconst.base import failpoints
from bigconst.base.errors import InputOutputError, UsageError
from bigconst.runtime.arena import Arena
from bigconst.storage import atomicfile
from bigconst.storage.atomicfile import AtomicFile, StdoutText


def write(text, data, chunk=1000):
    for start in range(0, len(data), chunk):
        text.write_at(start, memoryview(data)[start : start + chunk])


def test_commit_shows_the_file(tmp_path):
    path, data = tmp_path / "phi.txt", os.urandom(12_345)
    with AtomicFile(path, len(data)) as text:
        write(text, data)
        assert not path.exists()
        text.commit()
    assert path.read_bytes() == data
    assert os.listdir(tmp_path) == ["phi.txt"]
    assert stat.S_IMODE(path.stat().st_mode) & 0o111 == 0


def test_many_threads_any_order(tmp_path):
    data = os.urandom(5_000_000)
    starts = list(range(0, len(data), 1 << 20))
    starts.reverse()
    with AtomicFile(tmp_path / "a", len(data)) as text, ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda start: text.write_at(start, memoryview(data)[start : start + (1 << 20)]), starts))
        text.commit()
    assert (tmp_path / "a").read_bytes() == data


@pytest.mark.parametrize("failure", [RuntimeError, KeyboardInterrupt])
def test_an_exception_leaves_nothing(tmp_path, failure):
    with pytest.raises(failure), AtomicFile(tmp_path / "a", 100) as text:
        text.write_at(0, memoryview(b"x" * 100))
        raise failure
    assert os.listdir(tmp_path) == []


def test_leaving_without_commit_leaves_nothing(tmp_path):
    with AtomicFile(tmp_path / "a", 100):
        assert os.listdir(tmp_path) == []
    assert os.listdir(tmp_path) == []


def test_existing_file_needs_force(tmp_path):
    path = tmp_path / "a"
    path.write_text("precious")
    with pytest.raises(UsageError, match="--force"):
        AtomicFile(path, 3)
    with AtomicFile(path, 3, force=True) as text:
        text.write_at(0, memoryview(b"new"))
        assert path.read_text() == "precious"
        text.commit()
    assert path.read_text() == "new"
    assert os.listdir(tmp_path) == ["a"]


def test_failed_run_with_force_keeps_the_old_file(tmp_path):
    path = tmp_path / "a"
    path.write_text("precious")
    with pytest.raises(RuntimeError), AtomicFile(path, 3, force=True) as text:
        text.write_at(0, memoryview(b"new"))
        raise RuntimeError
    assert path.read_text() == "precious"
    assert os.listdir(tmp_path) == ["a"]


def test_file_that_appears_during_the_run_is_kept_and_so_are_the_digits(tmp_path):
    path = tmp_path / "a"
    with pytest.raises(InputOutputError) as caught, AtomicFile(path, 3) as text:
        text.write_at(0, memoryview(b"new"))
        path.write_text("other")
        text.commit()
    assert path.read_text() == "other"
    (kept,) = [name for name in os.listdir(tmp_path) if name != "a"]
    assert (tmp_path / kept).read_text() == "new"
    assert kept in str(caught.value)


def test_directory_and_special_files(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for force in (False, True):
        with pytest.raises(UsageError, match="directory"):
            AtomicFile(tmp_path, 3, force)
        with pytest.raises(UsageError, match="regular"):
            AtomicFile(tmp_path / "pipe", 3, force)
    assert os.listdir(tmp_path) == ["pipe"]


def test_symbolic_link_is_followed(tmp_path):
    (tmp_path / "real").write_text("old")
    (tmp_path / "link").symlink_to("real")
    with AtomicFile(tmp_path / "link", 3, force=True) as text:
        text.write_at(0, memoryview(b"new"))
        text.commit()
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real").read_text() == "new"


def test_missing_directory(tmp_path):
    with pytest.raises(InputOutputError, match="No such file"):
        AtomicFile(tmp_path / "no" / "a", 3)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_directory_without_write_permission(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(InputOutputError, match="denied"):
        AtomicFile(tmp_path / "a", 3)


def test_full_disk_is_seen_at_once_with_both_numbers(tmp_path):
    disk = os.statvfs(tmp_path)
    wanted = disk.f_bavail * disk.f_frsize + 2**40
    with pytest.raises(InputOutputError, match=rf"{wanted} bytes.*free"):
        AtomicFile(tmp_path / "a", wanted)
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("name", ["ENOSPC", "EIO"])
@pytest.mark.parametrize("place, what", [("reserve", "reserve 3 B for"), ("write", "write"), ("sync", "write")])
def test_disk_errors_leave_nothing(tmp_path, name, place, what):
    message = f"cannot {what} {tmp_path / 'a'}: {os.strerror(getattr(errno, name))}; make room"
    with failpoints.active(f"output.{place}={name}"), pytest.raises(InputOutputError, match=message) as caught, \
            AtomicFile(tmp_path / "a", 3) as text:
        text.write_at(0, memoryview(b"new"))
        text.commit()
    assert caught.value.exit_code == 3
    assert os.listdir(tmp_path) == []


def test_failed_fsync_is_not_repeated(tmp_path):
    with failpoints.active("output.sync=EIO@1") as (rule,):
        with pytest.raises(InputOutputError), AtomicFile(tmp_path / "a", 3) as text:
            text.commit()
    assert rule.calls == 1


def test_failed_rename_says_where_the_file_is(tmp_path):
    with failpoints.active("output.rename=EIO"), pytest.raises(InputOutputError) as caught, \
            AtomicFile(tmp_path / "a", 3) as text:
        text.write_at(0, memoryview(b"new"))
        text.commit()
    (kept,) = tmp_path.iterdir()
    assert kept.read_bytes() == b"new" and kept == tmp_path / os.path.basename(text.part)
    assert str(caught.value) == f"cannot rename to {tmp_path / 'a'}: Input/output error; the finished file is {kept}"


def test_failed_sync_of_the_directory(tmp_path):
    with failpoints.active("output.sync=EIO@2"), AtomicFile(tmp_path / "a", 3) as text, \
            pytest.raises(InputOutputError, match=f"directory of {tmp_path / 'a'}: Input/.*the file is there"):
        text.commit()
    assert os.listdir(tmp_path) == ["a"]


def test_file_then_directory_are_synced(tmp_path, monkeypatch):
    log = []
    fsync, replace = os.fsync, os.replace
    kind = {True: "directory", False: "file"}
    monkeypatch.setattr(
        atomicfile.os, "fsync", lambda fd: log.append(kind[stat.S_ISDIR(os.fstat(fd).st_mode)]) or fsync(fd)
    )
    monkeypatch.setattr(atomicfile.os, "replace", lambda *names: log.append("rename") or replace(*names))
    with AtomicFile(tmp_path / "a", 3) as text:
        text.commit()
    assert log == ["file", "rename", "directory"]


@pytest.mark.parametrize("kind", [bytes, lambda data: Arena(len(data)).take(len(data), np.uint8)])
def test_short_writes_are_continued(tmp_path, kind):
    data = kind(os.urandom(1 << 14))        # aligned memory goes past the page cache
    with failpoints.active("output.write=short"), AtomicFile(tmp_path / "a", len(data)) as text:
        write(text, data, 1 << 13)
        text.commit()
    assert (tmp_path / "a").read_bytes() == bytes(data)


def read_pipe(size_bytes, body):
    """Run body(StdoutText) on a pipe and return what came out of it."""
    out, into = os.pipe()
    received = []
    reader = threading.Thread(target=lambda: received.append(open(out, "rb").read()))
    reader.start()
    try:
        with StdoutText(size_bytes, into) as text:
            body(text)
            text.commit()
    finally:
        os.close(into)
        reader.join()
    return received[0]


def test_stdout_in_order_and_shuffled():
    data = os.urandom(300_000)
    starts = list(range(0, len(data), 1000))

    def body(text):
        for start in starts:
            text.write_at(start, memoryview(data)[start : start + 1000])

    assert read_pipe(len(data), body) == data
    random.Random(1).shuffle(starts)
    assert read_pipe(len(data), body) == data


def test_stdout_keeps_a_copy_of_early_data():
    buffer = bytearray(b"second")

    def body(text):
        text.write_at(6, memoryview(buffer))
        buffer[:] = b"reused"
        text.write_at(0, memoryview(b"first "))

    assert read_pipe(12, body) == b"first second"


def test_stdout_incomplete_text_is_an_error():
    with pytest.raises(ValueError):
        read_pipe(10, lambda text: text.write_at(0, memoryview(b"123")))
    with pytest.raises(ValueError):
        read_pipe(6, lambda text: text.write_at(3, memoryview(b"456")))


def test_stdout_nobody_reads():
    out, into = os.pipe()
    os.close(out)
    try:
        with pytest.raises(InputOutputError, match="Broken pipe"), StdoutText(3, into) as text:
            text.write_at(0, memoryview(b"new"))
    finally:
        os.close(into)
