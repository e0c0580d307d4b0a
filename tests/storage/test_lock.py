"""Locks: one holder, no file left, and nobody fooled by a file that its owner has just removed."""

import os
import threading

import pytest

from bigconst.base.errors import InputOutputError
from bigconst.storage.lock import DirectoryLock, FileLock, is_locked


def lock(path, **options):
    return FileLock(str(path), "the thing", "take another", **options)


def test_one_holder(tmp_path):
    path = tmp_path / "a.lock"
    with lock(path):
        with pytest.raises(InputOutputError) as caught:
            lock(path)
        assert str(caught.value) == f"the thing is in use by process {os.getpid()}; wait for it to end, or take another"
        assert path.read_text() == f"{os.getpid()}\n"
    assert os.listdir(tmp_path) == []
    held = lock(path)
    assert held.release() == [] and path.exists() and held.release(delete=True) == []


def test_those_who_wait_come_one_after_the_other(tmp_path):
    """The file goes with each holder: those who wait on the old one must not come in beside those on the new one."""
    inside, most, total = [], [], []

    def work():
        for _ in range(50):
            with lock(tmp_path / "a.lock", wait=True):
                inside.append(1)
                most.append(len(inside))
                total.append(1)
                inside.pop()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert max(most) == 1 and len(total) == 200 and os.listdir(tmp_path) == []


def test_of_a_directory(tmp_path):
    assert not is_locked(str(tmp_path))
    held = DirectoryLock(str(tmp_path))
    assert is_locked(str(tmp_path))
    with pytest.raises(InputOutputError, match=f"{tmp_path} is in use by process .*--swap, --checkpoint"):
        DirectoryLock(str(tmp_path))
    held.release(delete=True)
    assert not is_locked(str(tmp_path)) and os.listdir(tmp_path) == []


def test_where_there_is_no_directory(tmp_path):
    with pytest.raises(InputOutputError, match=f"cannot use {tmp_path}/no: No such file or directory; "):
        lock(tmp_path / "no" / "a.lock")


def test_a_link_is_not_followed(tmp_path):
    (tmp_path / "a.lock").symlink_to(tmp_path / "precious")
    with pytest.raises(InputOutputError, match="cannot use"):
        lock(tmp_path / "a.lock")
    assert not (tmp_path / "precious").exists()


def test_the_lock_of_another_user(tmp_path, monkeypatch):
    """It may be read alone: it can be waited for, and a killed process leaves no directory that nobody else can use."""
    path, reopen = tmp_path / "lock", os.open

    def only_for_reading(name, flags, *rest):
        if flags & os.O_RDWR:
            raise PermissionError(13, "Permission denied")      # root is not asked
        return reopen(name, flags, *rest)

    with lock(path):
        monkeypatch.setattr(os, "open", only_for_reading)
        with pytest.raises(InputOutputError, match=f"the thing is in use by process {os.getpid()}; "):
            lock(path)
    with pytest.raises(InputOutputError, match="Permission denied"):       # there is none, and none can be made
        lock(path)
    path.touch()
    with lock(path):
        assert path.exists()
    assert not path.exists()
