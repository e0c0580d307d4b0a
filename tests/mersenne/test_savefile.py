"""Save files: what is written comes back, and nothing else is ever taken for it."""

import errno
import os
import random

import pytest
from gmpy2 import mpz

from bigconst.base import failpoints
from bigconst.base.errors import InputOutputError
from bigconst.mersenne.savefile import Damaged, Saved, SaveFiles, decode, encode

P = 1009


def saved(iteration, verified=False, **more):
    return Saved("LL", P, iteration, mpz(random.getrandbits(P - 1)), verified=verified, **more)


def files(tmp_path, kind="LL", exponent=P):
    return SaveFiles(str(tmp_path), f"ll{P}", kind, exponent)


@pytest.mark.parametrize("product", [None, mpz(0), mpz(2)**P - 2])
def test_round_trip(product):
    one = saved(7, True, product=product, block=10, shift=3, errors={"Roundoff": 2})
    assert decode(encode(one)) == one


def test_every_damage_is_seen():
    data = encode(saved(7))
    for bit in range(0, 8 * len(data), 5):
        broken = bytearray(data)
        broken[bit // 8] ^= 1 << bit % 8
        with pytest.raises(Damaged):
            decode(bytes(broken))
    for end in range(len(data)):
        with pytest.raises(Damaged):
            decode(data[:end])


def test_generations(tmp_path):
    with files(tmp_path) as all_:
        assert all_.read() == (None, [])
        for iteration in range(1, 20):
            last = saved(iteration, iteration in (3, 5, 8))
            all_.write(last)
        kept = sorted(int(name.split(".")[1]) for name in os.listdir(tmp_path) if name.endswith(".save"))
        assert kept == [5, 8, 17, 18, 19]
        assert all_.read() == (last, [])
        all_.drop_after(8)
        assert all_.read()[0].iteration == 8
        all_.finish()
        assert all_.read() == (None, [])
    assert os.listdir(tmp_path) == []


def test_a_bad_one_is_put_aside_and_the_next_used(tmp_path):
    with files(tmp_path) as all_:
        for iteration in (1, 2, 3):
            path = all_.write(saved(iteration))
        os.truncate(path, os.path.getsize(path) // 2)
        found, bad = all_.read(lambda each: each.iteration != 2)
        assert found.iteration == 1 and len(bad) == 2
        assert os.path.exists(path + ".bad") and not os.path.exists(path)


def test_all_bad_never_starts_over(tmp_path):
    with files(tmp_path) as all_:
        for iteration in (1, 2):
            os.truncate(all_.write(saved(iteration)), 10)
        for _ in range(2):
            with pytest.raises(InputOutputError, match="all save files"):
                all_.read()


def test_of_another_exponent(tmp_path):
    with files(tmp_path) as all_:
        all_.write(saved(1))
    with files(tmp_path, exponent=P + 4) as other, pytest.raises(InputOutputError, match="M1009"):
        other.read()


def test_one_process_at_a_time(tmp_path):
    taken = f"{tmp_path}/ll{P} is in use by process {os.getpid()}; wait for it to end, or name another directory"
    with files(tmp_path), pytest.raises(InputOutputError, match=taken), files(tmp_path):
        pass


@pytest.mark.parametrize("failure", ["save.write=ENOSPC", "save.write=short@1, save.write=EIO@2", "save.sync=EIO@1",
                                     "save.sync=EDQUOT@1", "save.rename=EIO"])
def test_a_failed_write_leaves_the_older_ones(tmp_path, failure):
    with files(tmp_path) as all_:
        for iteration in (1, 2, 3):
            all_.write(saved(iteration))
        before = sorted(os.listdir(tmp_path))
        with failpoints.active(failure), pytest.raises(InputOutputError) as caught:
            all_.write(saved(4))
        error = getattr(errno, failure.rpartition("=")[2].partition("@")[0])
        path = tmp_path / f"ll{P}.0000000004.save"
        assert str(caught.value) == (f"cannot write {path}: {os.strerror(error)}; "
                                     "see that its disk is there and has room, or name another directory with --dir")
        assert caught.value.exit_code == 3 and sorted(os.listdir(tmp_path)) == before
        assert all_.read()[0].iteration == 3
        all_.write(saved(4))
        assert all_.read()[0].iteration == 4


def test_what_was_refused_is_written_anew(tmp_path, monkeypatch):
    """The kernel may forget what an fsync has refused: asking it again, or renaming the file, would lose it."""
    synced = []
    with files(tmp_path) as all_:
        monkeypatch.setattr(os, "fsync", lambda fd, fsync=os.fsync: (synced.append(os.fstat(fd).st_ino), fsync(fd)))
        with failpoints.active("save.sync=EIO@1") as (rule,):
            with pytest.raises(InputOutputError):
                all_.write(saved(4))
            assert rule.calls == 1 and not synced and os.listdir(tmp_path) == [f"ll{P}.lock"]
            path = all_.write(saved(4))
        assert synced == [os.stat(path).st_ino, os.stat(tmp_path).st_ino]


def test_short_writes_are_continued(tmp_path):
    with files(tmp_path) as all_, failpoints.active("save.write=short"):
        one = saved(5)
        all_.write(one)
        assert all_.read() == (one, [])


@pytest.mark.parametrize("damage", ["flip:0", "flip:99", "flip:1999", "truncate"])
def test_a_disk_that_writes_something_else(tmp_path, damage):
    with files(tmp_path) as all_:
        all_.write(saved(1))
        with failpoints.active(f"save.write={damage}"):
            path = all_.write(saved(2))
        found, bad = all_.read()
        assert found.iteration == 1 and bad == [path] and os.path.exists(path + ".bad")


def test_what_a_killed_process_left_is_removed(tmp_path):
    (tmp_path / f"ll{P}.0000000004.save.new").touch()
    (tmp_path / f"ll{P + 2}.0000000004.save.new").touch()
    with files(tmp_path):
        assert sorted(os.listdir(tmp_path)) == [f"ll{P}.lock", f"ll{P + 2}.0000000004.save.new"]


def test_no_directory(tmp_path):
    with pytest.raises(InputOutputError, match="cannot use .*/nowhere: No such file or directory; "):
        files(tmp_path / "nowhere").__enter__()
