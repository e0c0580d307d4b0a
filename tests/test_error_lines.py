"""Errors that the command line itself makes of what the system says, and those of scratch before a run."""

import errno
import io
import os
import re
import signal
import sys

import fake_engine
import pytest
from interrupted_runs import ON_DISK, at_moment, bigconst, end
from test_cli import one_line

from bigconst import api
from bigconst.base import places
from bigconst.base.errors import InputOutputError, UsageError
from bigconst.cli import main
from bigconst.commands import stress
from bigconst.runs import interrupted, lanes, speeds
from bigconst.runs.statusline import StatusLine
from bigconst.runtime import drill
from bigconst.storage.manifest import write_manifest


@pytest.fixture
def engine(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    return fake_engine.install(monkeypatch)


# --- standard output -----------------------------------------------------------------

def test_a_full_disk_behind_standard_output(engine, tmp_path, capsys, monkeypatch):
    with open("/dev/full", "w") as full:
        monkeypatch.setattr(sys, "stdout", full)
        assert main("phi --digits 9 --plan".split()) == 3
    line = one_line(capsys)
    assert line == "bigconst: cannot write to standard output: No space left on device; send it elsewhere\n"


def test_nobody_reads_what_is_not_buffered(engine, tmp_path, capsys, monkeypatch):
    reading, writing = os.pipe()
    os.close(reading)
    with io.TextIOWrapper(io.FileIO(writing, "w"), write_through=True) as pipe:
        monkeypatch.setattr(sys, "stdout", pipe)
        assert main("phi --digits 9 --plan".split()) == 3
    assert one_line(capsys) == "bigconst: cannot write to standard output: Broken pipe; send it elsewhere\n"


def test_an_error_of_the_system_that_nobody_foresaw(engine, tmp_path, capsys):
    def fail(*_):
        raise OSError(errno.EMFILE, "Too many open files", "somewhere")

    engine.run = fail
    assert main("phi --digits 9".split()) == 3
    assert one_line(capsys) == ("bigconst: the system says [Errno 24] Too many open files: 'somewhere'; "
                                "mend that, or choose another place; --debug shows where\n")
    assert os.listdir(tmp_path) == []


# --- scratch -------------------------------------------------------------------------

def test_another_machine_writes_its_manifest(place, capsys, monkeypatch):
    """Between writing and reading of the drill: what comes back is whole, but is not what was written."""
    forget = drill._forget

    def written_over(path):
        write_manifest(os.path.dirname(path), {"run_id": "of another machine"})
        forget(path)

    monkeypatch.setattr(drill, "_forget", written_over)
    assert bigconst(ON_DISK) == 5
    line = one_line(capsys)
    assert "the checkpoint drill failed before anything was computed: " in line
    assert f"{place}/a/bigconst.manifest does not give back what was written; see that no other machine" in line
    assert os.listdir(place / "files") == []


def test_the_journal_takes_the_last_room(place, capsys, monkeypatch):
    """It was there when the plan was made, and is not when it is reserved."""
    reserve = os.posix_fallocate

    def full(fd, *rest):
        if os.readlink(f"/proc/self/fd/{fd}") == f"{place}/a/{interrupted.RESERVE_NAME}":
            raise OSError(errno.ENOSPC, "No space left on device")
        reserve(fd, *rest)

    monkeypatch.setattr(os, "posix_fallocate", full)
    assert bigconst(ON_DISK) == 4
    line = one_line(capsys)
    assert "the journal needs " in line and f"which {place}/a does not have; make room" in line
    assert os.listdir(place / "a") == os.listdir(place / "files") == []


def test_no_room_for_the_copies_of_levels(tmp_path):
    disk = os.statvfs(tmp_path)
    free_bytes = disk.f_bavail * disk.f_frsize
    lanes.check_copies(free_bytes // 2, str(tmp_path))
    with pytest.raises(lanes.DiskFull, match=rf"^the copies of levels need .* \({2 * free_bytes + 7} bytes\), the disk "
                                             rf"of {tmp_path} has .* free; make room there, or name another"):
        lanes.check_copies(2 * free_bytes + 7, str(tmp_path))


# --- commands ------------------------------------------------------------------------

def test_a_cache_that_cannot_be_made(tmp_path, monkeypatch, capsys):
    (tmp_path / "cache").write_text("a file")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    with pytest.raises(InputOutputError, match=r"^cannot create .*cache/bigconst: .*; set XDG_CACHE_HOME$"):
        speeds.store_speeds(None, [])
    assert (tmp_path / "cache").read_text() == "a file"


def test_speeds_that_cannot_be_stored_are_used(tmp_path, monkeypatch, capsys):
    (tmp_path / "cache").write_text("a file")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(speeds, "measured", lambda short: "speeds")
    assert speeds.known_speeds(()) == ("speeds", None)
    assert re.search("\nthe next estimate will measure again: cannot create .*; set XDG_CACHE_HOME\n$",
                     capsys.readouterr().err)


def test_a_user_without_a_home_has_no_files(monkeypatch):
    """One whom the system does not know, as in a container: nothing goes into the current directory instead."""
    def unknown():
        raise RuntimeError("Could not determine home directory.")

    for name in ("XDG_CACHE_HOME", "XDG_CONFIG_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(places.Path, "home", unknown)
    assert speeds.stored_speeds() == (None, [])
    assert str(places.cache_directory()) == "/nonexistent/.cache/bigconst"
    assert str(places.config_directory()) == "/nonexistent/.config/bigconst"


def test_a_stress_test_that_is_interrupted(capsys, monkeypatch):
    def asked(*_):
        os.kill(os.getpid(), signal.SIGINT)

    monkeypatch.setattr(StatusLine, "show", asked)
    monkeypatch.setattr("bigconst.stress.burnin.TICK_S", 0.1)
    monkeypatch.setattr(stress, "available_memory_bytes", lambda: 4 << 30)
    assert main("stress --minutes 5 --memory 500MiB --threads 1".split()) == 130
    out, err = capsys.readouterr()
    assert "Errors      0" in out and "all results were right\n" not in out
    assert err.splitlines()[-1].startswith("bigconst: interrupted after ")
    assert err.endswith(" s; all results were right until then\n")


def test_a_run_that_is_interrupted_says_how_to_go_on(place):
    code, err = end(ON_DISK, at_moment(60, signal.SIGHUP))
    assert code == 75
    assert err.splitlines()[-1] == f"bigconst: interrupted; go on with `bigconst resume {place / 'a'}`"


# --- byobu ---------------------------------------------------------------------------

@pytest.fixture
def byobu(tmp_path, monkeypatch):
    """The directory of byobu's settings."""
    directory = tmp_path / "byobu"
    directory.mkdir()
    monkeypatch.setenv("BYOBU_CONFIG_DIR", str(directory))
    return directory


def read_only(*_, **__):
    raise OSError(errno.EROFS, "Read-only file system")


def test_a_directory_whose_name_is_two_lines(byobu, tmp_path, capsys):
    directory = tmp_path / "a\nb"
    directory.mkdir()
    assert main(["byobu-install", str(directory)]) == 2
    assert one_line(capsys) == "bigconst: the directory's name has a line break; give it another name\n"
    assert os.listdir(byobu) == []


def test_settings_of_byobu_where_there_can_be_none(byobu, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(os, "makedirs", read_only)
    assert main(["byobu-install", str(tmp_path)]) == 3
    line = one_line(capsys)
    assert line.startswith(f"bigconst: cannot write {byobu}/bin/") and "BYOBU_CONFIG_DIR" in line


def test_settings_of_byobu_on_a_disk_that_is_read_only(byobu, tmp_path, capsys, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", read_only)
        assert main(["byobu-install", str(tmp_path)]) == 3
    line = one_line(capsys)
    assert line.startswith(f"bigconst: cannot write {byobu}/bin/") and "BYOBU_CONFIG_DIR" in line
    assert os.listdir(byobu / "bin") == []
    assert main(["byobu-install", str(tmp_path)]) == 0
    script, = os.listdir(byobu / "bin")
    capsys.readouterr()
    with monkeypatch.context() as patch:
        patch.setattr(os, "unlink", read_only)
        assert main(["byobu-remove"]) == 3
    assert one_line(capsys) == (f"bigconst: cannot remove {byobu}/bin/{script}: Read-only file system; "
                                "remove it by hand\n")
    assert os.listdir(byobu / "bin") == [script]


# --- from Python ---------------------------------------------------------------------

def test_a_test_of_no_kind():
    with pytest.raises(UsageError, match="^unknown test 'pepin'; it is ll or prp$"):
        api.estimate_test(127, "pepin")
