"""--checkpoint: what finished levels alone bring back is the same files, and nothing is left."""

import json
import os
import random
import shutil
import signal

import pytest
from interrupted_runs import (
    COPIED,
    DIGITS,
    LARGE,
    LARGE_COPIED,
    ON_DISK,
    at_level,
    at_moment,
    bigconst,
    check_finished,
    contents,
    empty,
    end,
    kill,
    kill_once,
    levels,
)
from test_cli import one_line

from bigconst.base import failpoints
from bigconst.runs import lanes
from bigconst.runtime.checkpoint import FAULTS_KEPT, Checkpoint
from bigconst.runtime.levelstore import LevelStore
from bigconst.storage.lane import DATA_NAME
from bigconst.storage.lock import DirectoryLock
from bigconst.storage.manifest import NAME, read_manifest

pytestmark = pytest.mark.usefixtures("place")


# --- runs on disk --------------------------------------------------------------------

@pytest.fixture
def killed(place):
    """A run in ../a with copies in ../c, killed before its level on disk."""
    kill_once(place, COPIED, at_level("ladder in memory"))


def counted_levels(monkeypatch):
    """The names of stages that a run in this process goes through."""
    from bigconst.arithmetic.disk.stages import Stages

    names, stage = [], Stages.stage
    monkeypatch.setattr(Stages, "stage", lambda self, name: names.append(name) or stage(self, name))
    return names


@pytest.mark.parametrize("command", ["resume ../c", COPIED, "resume ../c --swap ../b"])
def test_the_scratch_is_lost(place, killed, in_memory, capsys, monkeypatch, command):
    assert levels(place / "c") and read_manifest(str(place / "c"))["copy"]
    empty(place / "a")
    names = counted_levels(monkeypatch)
    capsys.readouterr()
    assert bigconst(command) == 0
    assert "the scratch of the run is gone" in capsys.readouterr().err
    assert names[0] == "level 1, e"
    check_finished(place, in_memory)


@pytest.mark.parametrize("level, first", [("memory", "ladder in memory"), ("ladder in memory", "level 1, e"),
                                          ("root", "files")])
def test_the_scratch_is_lost_earlier_or_later(place, in_memory, monkeypatch, level, first):
    kill_once(place, COPIED, at_level(level))
    empty(place / "a")
    names = counted_levels(monkeypatch)
    assert bigconst("resume ../c") == 0
    assert names[0] == first
    check_finished(place, in_memory)


def test_the_scratch_of_two_levels_is_lost(place, in_memory, monkeypatch):
    kill(LARGE_COPIED, at_level("level 1"))
    empty(place / "a")
    names = counted_levels(monkeypatch)
    assert bigconst("resume ../c") == 0
    assert names[0] == "level 2, e"
    check_finished(place, in_memory, LARGE)


def test_the_newest_copy_is_damaged(place, in_memory, monkeypatch):
    kill_once(place, COPIED, at_level("level 1"))
    empty(place / "a")
    newest = place / "c" / levels(place / "c")[-1]
    newest.write_bytes(newest.read_bytes()[:-1000])
    names = counted_levels(monkeypatch)
    assert bigconst("resume ../c") == 0
    assert names[0] == "level 1, e"
    check_finished(place, in_memory)


def test_the_scratch_is_lost_twice(place, killed, in_memory):
    empty(place / "a")
    kill("resume ../c --swap ../a --swap ../b", at_level("level 1"))
    assert read_manifest(str(place / "c"))["lanes"] == [str(place / "a"), str(place / "b")]
    empty(place / "a")
    empty(place / "b")
    assert bigconst("resume ../c") == 0
    check_finished(place, in_memory)


@pytest.mark.parametrize("command", ["resume ../c", "resume ../a", COPIED, ON_DISK])
def test_the_scratch_is_there(place, killed, in_memory, capsys, monkeypatch, command):
    names = counted_levels(monkeypatch)
    capsys.readouterr()
    assert bigconst(command) == 0
    assert "gone" not in capsys.readouterr().err
    assert names[0] == "level 1, e"
    check_finished(place, in_memory)


def test_one_of_two_lanes_is_lost(place, in_memory, capsys):
    kill(f"{COPIED} --swap ../b", at_level("ladder in memory"))
    empty(place / "b")
    before = contents(place / "a", place / "b", place / "c")
    capsys.readouterr()
    # Nobody gives up the scratch by itself: the disk may only not be mounted.
    for command in (f"{COPIED} --swap ../b", "resume ../a"):
        assert bigconst(command) == 3
        line = one_line(capsys)
        assert str(place / "b") in line or "../b" in line
        assert f"bigconst resume {place / 'c'}" in line
        assert contents(place / "a", place / "b", place / "c") == before
    assert bigconst("resume ../c") == 0
    assert "not whole" in capsys.readouterr().err
    check_finished(place, in_memory)


def test_the_old_scratch_is_not_taken_for_a_part_of_the_new_one(place, killed, capsys):
    os.rename(place / "a", place / "old")
    (place / "a").mkdir()
    kill("resume ../c", at_level("level 1"))
    empty(place / "a")
    os.rmdir(place / "a")
    os.rename(place / "old", place / "a")
    before = contents(place / "a", place / "c")
    capsys.readouterr()
    assert bigconst(f"{COPIED}") == 2
    one_line(capsys)
    assert bigconst("resume ../c") == 2
    assert str(place / "a") in one_line(capsys)
    assert contents(place / "a", place / "c") == before


def test_directories_of_the_scratch_that_are_gone(place, killed, capsys):
    shutil.rmtree(place / "a")
    before = contents(place / "c")
    capsys.readouterr()
    for command in ("resume ../c", COPIED):
        assert bigconst(command) == 3
        line = one_line(capsys)
        assert "no such directory" in line and "--swap" in line
        assert contents(place / "c") == before


def test_another_command_is_refused(place, killed, capsys):
    empty(place / "a")
    before = contents(place / "c")
    capsys.readouterr()
    for command in (COPIED.replace(DIGITS, "2e6"), "sqrt 2 --digits 1000 --checkpoint ../c"):
        assert bigconst(command) == 2
        line = one_line(capsys)
        assert f"bigconst resume {place / 'c'}" in line and "--discard" in line and COPIED in line
        assert contents(place / "c") == before


@pytest.mark.parametrize("named", ["--swap ../a --checkpoint ../c", "--swap ../a", "--checkpoint ../c"])
def test_discard_removes_all(place, killed, capsys, named):
    assert bigconst(f"sqrt 2 --digits 1000 {named} --discard") == 0
    assert os.listdir(place / "a") == os.listdir(place / "c") == []
    assert sorted(os.listdir(place / "files")) == ["sqrt2.txt", "sqrt2.txt.cert"]


def test_status_of_a_checkpoint_directory(place, capsys):
    kill_once(place, COPIED, at_level("level 1"))
    before = contents(place / "a", place / "c")
    for scratch in ("there", "gone"):
        capsys.readouterr()
        assert bigconst("status ../c") == 0
        out = capsys.readouterr().out
        assert "stopped" in out and COPIED in out
        assert "Last level saved:       ladder in memory" in out      # not yet level 1
        assert contents(place / "a", place / "c") == before
        assert ("the scratch is not there" in out) == (scratch == "gone")
        if scratch == "there":
            empty(place / "a")
            before = contents(place / "a", place / "c")


@pytest.mark.parametrize("directory, code, said", [("../a", 2, "lies in the scratch directory"),
                                                   ("../a/inside", 2, "lies in the scratch directory"),
                                                   ("../nowhere", 3, "no such directory"),
                                                   ("../a/closed", 3, "not writable")])
def test_directories_that_are_refused(place, capsys, monkeypatch, directory, code, said):
    for name in ("inside", "closed"):
        (place / "a" / name).mkdir()
    access = os.access
    monkeypatch.setattr(os, "access", lambda path, mode: not str(path).endswith("closed") and access(path, mode))
    assert bigconst(COPIED.replace("../c", directory)) == code
    line = one_line(capsys)
    assert directory in line and said in line
    assert sorted(os.listdir(place / "a")) == ["closed", "inside"] and os.listdir(place / "files") == []


def test_no_room_for_copies(place, capsys, monkeypatch):
    def full(size_bytes, directory):
        raise lanes.DiskFull(f"{size_bytes} {directory}")

    monkeypatch.setattr(lanes, "check_copies", full)
    assert bigconst(COPIED) == 4
    size = int(one_line(capsys).split()[1])
    assert 1.20 < size / float(DIGITS) < 1.45       # 3 times 0.425 byte a digit, in whole chunks
    for name in "ac":
        assert os.listdir(place / name) == []


def test_a_checkpoint_on_the_same_disk_is_noted(place, in_memory, capsys):
    assert bigconst(COPIED) == 0
    assert capsys.readouterr().err.count("on the same disk") == 1
    check_finished(place, in_memory)


def test_a_checkpoint_that_another_process_uses(place, capsys):
    lock = DirectoryLock(str(place / "c"))
    try:
        assert bigconst(COPIED) == 3
        assert f"in use by process {os.getpid()}" in one_line(capsys)
    finally:
        lock.release(delete=True)
    for name in ("a", "c", "files"):
        assert os.listdir(place / name) == []


def test_copies_that_fail_do_not_stop_the_run(place, in_memory, capsys, monkeypatch):
    def failing(self, *arguments):
        raise lanes.InputOutputError("cannot write: no space left")

    monkeypatch.setattr(LevelStore, "save", failing)
    assert bigconst(COPIED) == 0
    assert "a finished level is not saved" in capsys.readouterr().err
    check_finished(place, in_memory)


def test_a_checkpoint_directory_that_is_lost(place, killed, in_memory, capsys):
    shutil.rmtree(place / "c")
    capsys.readouterr()
    assert bigconst("resume ../a") == 0
    assert "not copied any more" in capsys.readouterr().err
    (place / "c").mkdir()
    check_finished(place, in_memory)


def test_another_checkpoint_directory(place, killed, capsys):
    capsys.readouterr()
    assert bigconst(COPIED.replace("../c", "../b")) == 2
    assert str(place / "c") in one_line(capsys)


@pytest.mark.parametrize("command, digits, most", [(COPIED, DIGITS, 6),
                                                   pytest.param(LARGE_COPIED, LARGE, 8, marks=pytest.mark.slow)])
def test_killed_again_and_again_and_its_scratch_lost(place, in_memory, command, digits, most):
    """The same command every time, killed at any moment, of which some are between a file and its manifest."""
    chance = random.Random(0)
    kills = 0
    while kills < most:
        code, err = end(command, at_moment(chance.randrange(1, 40 if chance.random() < 0.3 else 330)))
        if code == 0:
            break
        assert code == -signal.SIGKILL, err
        kills += 1
        if chance.random() < 0.5:
            empty(place / "a")
    else:
        assert bigconst(command) == 0
    assert kills >= 3
    check_finished(place, in_memory, digits)


# --- faults of all processes ----------------------------------------------------------

@pytest.mark.parametrize("lost", [False, True])
def test_faults_of_all_processes(place, in_memory, capsys, lost):
    with failpoints.active("lane.read=flip:7@100"):
        kill(COPIED, at_level("level 1"))
    fault, = read_manifest(str(place / "a"))["faults"]
    assert set(fault) == {"time", "kind", "where", "message"}
    capsys.readouterr()
    for directory in "ac":
        assert bigconst(f"status ../{directory} --json") == 0
        assert json.loads(capsys.readouterr().out)["fault_counts"] == {fault["kind"]: 1}
    if lost:
        empty(place / "a")
    with failpoints.active("lane.read=flip:7@20"):
        assert bigconst("resume ../c --json ../report") == 0
    assert sum(json.loads((place / "report").read_text())["faults"].values()) == 2
    check_finished(place, in_memory)


# --- the manifest of the first lane ---------------------------------------------------

def test_faults_are_listed_and_counted(place):
    directory = str(place / "a")
    checkpoint = Checkpoint.create(directory, {"digits": 5})
    assert checkpoint.fault_counts == {}
    for i in range(FAULTS_KEPT + 20):
        checkpoint.fault("residue" if i % 3 else "checksum", f"level {i}", "wrong")
    checkpoint.close()
    checkpoint = Checkpoint.load(directory)
    checkpoint.fault("read", "level x", "message")
    checkpoint.close()
    assert checkpoint.fault_counts == {"checksum": 40, "residue": 80, "read": 1}
    fields = json.loads((place / "a" / NAME).read_text().partition("\n")[2])
    assert len(fields["faults"]) == FAULTS_KEPT and fields["digits"] == 5
    assert fields["faults"][0]["where"] == "level 21"
    last = fields["faults"][-1]
    assert last.pop("time").startswith("20")
    assert last == {"kind": "read", "where": "level x", "message": "message"}
    assert DATA_NAME not in os.listdir(directory)
