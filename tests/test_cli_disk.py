"""Runs on disk from the command line: the same files, a clean scratch directory, and refusals before any work.

The real engine runs here, on the smallest numbers that do not fit the smallest workspace.
"""

import functools
import json
import os
import signal
import subprocess
from types import SimpleNamespace

import pytest
from interrupted_runs import DIGITS, LARGE, LARGE_ON_DISK, ON_DISK, Process, at_moment, bigconst, check_finished, same
from test_cli import one_line

from bigconst.base.errors import DiskFull
from bigconst.plans.diskplan import DiskPlan
from bigconst.runs import compute, kernels, lanes
from bigconst.storage.lane import DATA_NAME
from bigconst.storage.lock import LOCK_NAME
from bigconst.storage.manifest import NAME
from bigconst.storage.volume import Volume

SMALL = "--workspace 280KiB --disk ssd"

pytestmark = pytest.mark.usefixtures("place")


@pytest.fixture
def engine_must_not_run(monkeypatch):
    def load(*families):
        raise AssertionError("the run should have been refused")

    monkeypatch.setattr(kernels, "load", load)


@pytest.fixture
def without_progress(monkeypatch):
    """However long a run takes on a busy machine."""
    monkeypatch.setattr(compute, "Progress", functools.partial(compute.Progress, quiet_s=1e9))


def refused(command, code, capsys, place, left=()):
    """Run `command`, which has to exit with `code` and leave nothing; its one line."""
    assert bigconst(command) == code
    line = one_line(capsys)
    assert os.listdir(place / "files") == [] and os.listdir(place / "b") == []
    assert sorted(os.listdir(place / "a")) == sorted(left)
    return line


def test_two_lanes_write_the_same_files(place, in_memory, capsys, without_progress):
    assert bigconst(f"{LARGE_ON_DISK} --swap ../b --json ../run.json") == 0
    check_finished(place, in_memory, LARGE)
    out, err = capsys.readouterr()
    assert err.count("\n") == 1 and "same disk" in err
    for text in ("on disk", "Scratch traffic", "bytes per digit", "Waiting for disks", "level 2 ", "together"):
        assert text in out, text
    check_report(json.loads((place / "run.json").read_text()), place)


def check_report(report, place):
    scratch, stages = report["scratch"], report["stages"]
    assert report["mode"] == "on disk" and report["base"] == 10
    assert scratch["disk"] == "ssd" and "--disk" in scratch["disk_reason"]
    assert [lane["directory"] for lane in scratch["lanes"]] == [str(place / "a"), str(place / "b")]
    assert all(lane["read_bytes_per_s"] > 0 and lane["write_bytes_per_s"] > 0 for lane in scratch["lanes"])
    assert scratch["planned_bytes"] <= scratch["peak_bytes"] < scratch["planned_bytes"] + 4096
    for verb in ("read", "written"):
        planned, measured = scratch[f"planned_{verb}_bytes"], scratch[f"{verb}_bytes"]
        assert abs(measured - planned) < 0.05 * planned
        assert measured == sum(stage[f"{verb}_bytes"] for stage in stages)
    assert scratch["wait_seconds"] == sum(stage["wait_seconds"] for stage in stages)
    names = [stage["name"] for stage in stages]
    assert names[0] == "ladder in memory" and names[-2:] == ["root", "files"]
    assert report["memory"]["planned_bytes"] > 0


def test_hexadecimal(place, in_memory):
    assert bigconst(f"{ON_DISK} --base 16 --output phi.txt") == 0
    check_finished(place, functools.partial(in_memory, base="16"))


def test_digits_on_stdout(place, in_memory, capfdbinary):
    assert bigconst(f"{ON_DISK} --output -") == 0
    out, err = capfdbinary.readouterr()
    assert same(out, in_memory(DIGITS)["phi.txt"])
    assert b"Scratch traffic" in err
    assert os.listdir(place / "files") == os.listdir(place / "a") == []


def test_the_default_directory(place, capsys):
    assert "--swap" in refused(f"phi --digits {DIGITS} {SMALL}", 4, capsys, place)
    (place / "files/swap").mkdir()
    assert bigconst(f"phi --digits {DIGITS} {SMALL}") == 0
    assert "on disk" in capsys.readouterr().out
    assert sorted(os.listdir(place / "files")) == ["phi.txt", "phi.txt.cert", "swap"]
    assert os.listdir(place / "files/swap") == []


def test_scratch_stays_untouched_where_memory_suffices(place, capsys):
    before = os.stat(place / "a").st_mtime_ns
    for directory in ("../a", "../nowhere"):
        assert bigconst(f"phi --digits 1000 --swap {directory} --force") == 0
        out, err = capsys.readouterr()
        assert "in memory" in out and "Scratch" not in out and err == ""
    assert os.stat(place / "a").st_mtime_ns == before


@pytest.mark.parametrize("kind, name, other",
                         [("ssd", "solid state", "--disk hdd"), ("hdd", "hard disks", "--disk ssd")])
def test_the_system_is_asked_for_the_kind_of_disk(place, capsys, monkeypatch, without_progress, kind, name, other):
    monkeypatch.setattr(lanes, "disk_kind", lambda directories: (kind, f"of {directories[0]}"))
    assert bigconst(f"phi --digits {DIGITS} --workspace 280KiB --swap ../a --json run.json") == 0
    out, err = capsys.readouterr()
    assert err.count("\n") == 1 and f"{name}: of ../a" in err and other in err
    assert f"{name}: of ../a" in out
    assert json.loads((place / "files/run.json").read_text())["scratch"]["disk"] == kind


# --- plans ---------------------------------------------------------------------------

def test_plan_of_a_large_run_touches_nothing(place, capsys):
    command = "phi --digits 2e12 --memory 57GiB --plan"
    for options in ("--swap ../a --swap /nowhere/b", "--swap ../a --swap /nowhere/b --disk ssd", "", "--base 16"):
        assert bigconst(f"{command} {options}") == 0
        out, err = capsys.readouterr()
        assert err == ""
        rows = {name: value.strip() for name, colon, value in (line.partition(":") for line in out.splitlines())}
        assert rows["Mode"] == "on disk" and "TiB" in rows["Scratch"] and "TiB read" in rows["Scratch traffic"]
        assert rows["Disks"].startswith("solid state" if "ssd" in options else "hard disks")
        assert rows["Scratch directories"] == ("../a, /nowhere/b" if "swap" in options else
                                               "none yet, name them with --swap DIR")
        assert "TiB" in rows["Digit file"] and "their own file system" in rows["Room for files"]
    for name in ("a", "files"):
        assert os.listdir(place / name) == []


def test_plan_above_the_longest_transform(place, capsys):
    line = refused("phi --digits 1e18 --memory 57GiB --swap ../a --plan", 4, capsys, place)
    assert "longest" in line and f"{1 << 48:,}" in line


# --- refusals ------------------------------------------------------------------------

@pytest.mark.parametrize("directory, said", [("../nowhere", "no such directory"), ("../a/file", "not a directory"),
                                             ("../a/closed", "not writable")])
def test_directories_that_cannot_be_used(place, capsys, monkeypatch, engine_must_not_run, directory, said):
    (place / "a/file").touch()
    (place / "a/closed").mkdir()
    access = os.access
    monkeypatch.setattr(os, "access", lambda path, mode: not str(path).endswith("closed") and access(path, mode))
    line = refused(f"phi --digits {DIGITS} {SMALL} --swap ../b --swap {directory}", 3, capsys, place,
                   ["file", "closed"])
    assert directory in line and said in line and "--swap" in line


def test_a_directory_named_twice(place, capsys, engine_must_not_run):
    line = refused(f"{ON_DISK} --swap ../a/", 2, capsys, place)
    assert "twice" in line


def test_a_directory_that_another_run_uses(place, capsys, engine_must_not_run):
    with Volume([place / "a"], 1 << 20, 1 << 16):
        line = refused(ON_DISK, 3, capsys, place, [DATA_NAME, LOCK_NAME])
    assert f"process {os.getpid()}" in line and "--swap" in line
    assert os.listdir(place / "a") == []


def test_too_little_memory(place, capsys, engine_must_not_run):
    line = refused("phi --digits 1e9 --memory 100MiB --disk ssd --swap ../a", 4, capsys, place)
    assert "at least" in line and "--memory" in line


def plan_bytes(digits):
    """(scratch with its journal, digit file, certificate) of a run like those here."""
    from bigconst.base.hardware import available_memory_bytes, default_threads
    from bigconst.constants.golden import PHI
    from bigconst.constants.planning import make_plan

    plan = make_plan(PHI, int(float(digits)), 10, default_threads(), available_memory_bytes() * 3 // 4,
                     workspace_bytes=280 << 10, disk="ssd")
    return plan.disk.scratch_bytes + plan.disk.journal_bytes, plan.text_bytes, plan.certificate_bytes


def disks_have(monkeypatch, free_bytes):
    """Every file system has so much room, rounded down to blocks of a byte."""
    monkeypatch.setattr(os, "statvfs", lambda path: SimpleNamespace(f_bavail=free_bytes, f_frsize=1))


def test_no_room_for_scratch_and_files_together(place, capsys, monkeypatch, engine_must_not_run):
    needed = sum(plan_bytes(DIGITS))
    disks_have(monkeypatch, needed - 1)
    line = refused(f"{ON_DISK} --swap ../b", 4, capsys, place)
    assert f"({needed} bytes)" in line and f"({needed - 1} bytes) free" in line
    assert "--swap" in line and "--output" in line


def test_room_that_just_suffices(place, capsys, monkeypatch):
    disks_have(monkeypatch, sum(plan_bytes(DIGITS)))
    assert bigconst(ON_DISK) == 0
    scratch, text, _ = plan_bytes(DIGITS)
    disks_have(monkeypatch, scratch + text)
    assert bigconst(f"{ON_DISK} --no-certificate --force") == 0
    disks_have(monkeypatch, scratch)
    assert bigconst(f"{ON_DISK} --output -") == 0


def test_no_room_for_a_repetition(place, capsys, monkeypatch):
    monkeypatch.setattr(DiskPlan, "repetition", (0, 1 << 20))
    for more, told in ((1 << 20, False), ((1 << 20) - 1, True)):
        disks_have(monkeypatch, sum(plan_bytes(DIGITS)) + more)
        assert bigconst(f"{ON_DISK} --force") == 0
        assert ("no room to repeat a product on smaller words, which takes up to 1.00 MiB more" in
                capsys.readouterr().err) == told


def test_no_room_for_files(place, capsys, monkeypatch, engine_must_not_run):
    _, text, certificate = plan_bytes(DIGITS)
    disks_have(monkeypatch, text + certificate - 1)
    line = refused(ON_DISK, 3, capsys, place)
    assert f"({text + certificate} bytes)" in line and f"({text + certificate - 1} bytes) free" in line
    assert "--output" in line


def test_no_room_for_the_journal(place, monkeypatch):
    """The lanes together may have room; the journal is on the first one."""
    monkeypatch.setattr(lanes, "_device", lambda directory: os.path.basename(directory))
    free = {"a": 999, "b": 10**6, "files": 10**6}
    monkeypatch.setattr(lanes, "_free_bytes", lambda named, files: free)
    lanes.check_room(10**5, 1000, ["b", "a"], 10, "files")
    lanes.check_room(10**5, 999, ["a", "b"], 10, "files")
    with pytest.raises(DiskFull, match=r"journal needs .*\(1000 bytes\), the disk of a has .*\(999 bytes\)"):
        lanes.check_room(10**5, 1000, ["a", "b"], 10, "files")


def test_what_a_killed_run_left_is_no_obstacle(place, capsys, monkeypatch):
    (place / "a" / DATA_NAME).write_bytes(b"x" * (1 << 20))
    (place / "a" / LOCK_NAME).write_text("1\n")
    disks_have(monkeypatch, sum(plan_bytes(DIGITS)) - (1 << 20))
    assert bigconst(ON_DISK) == 0
    assert os.listdir(place / "a") == []


@pytest.fixture
def small_disk(place):
    """A directory on a disk of 768 KiB."""
    path = place / "small"
    path.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=768k", "tmpfs", str(path)]
    try:
        subprocess.run(command, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("no right to mount a file system")
    yield path
    subprocess.run(["umount", str(path)], check=True, capture_output=True)


def test_a_disk_that_is_too_small(place, small_disk, capsys, engine_must_not_run):
    scratch, *_ = plan_bytes(DIGITS)
    line = refused(f"phi --digits {DIGITS} {SMALL} --swap ../small", 4, capsys, place)
    assert f"({scratch} bytes)" in line and f"({768 << 10} bytes) free" in line and "--swap" in line
    assert os.listdir(small_disk) == []


def test_a_small_disk_takes_its_share(place, small_disk, in_memory, capsys):
    assert bigconst(f"phi --digits {DIGITS} {SMALL} --swap ../small --swap ../a") == 0
    assert same((place / "files/phi.txt").read_bytes(), in_memory(DIGITS)["phi.txt"])
    assert os.listdir(small_disk) == os.listdir(place / "a") == []


def test_scratch_in_memory_is_fast_and_takes_memory(place, small_disk, capsys, monkeypatch, engine_must_not_run):
    """The disk of this test is a file system in memory."""
    command = f"phi --digits {DIGITS} --workspace 280KiB --swap ../small --swap ../a"
    monkeypatch.setattr("bigconst.runs.scratch.available_memory_bytes", lambda: 1 << 20)
    line = refused(command, 4, capsys, place)
    assert "scratch in memory takes up" in line and "leaves 1.00 MiB" in line and "--memory" in line
    assert os.listdir(small_disk) == os.listdir(place / "a") == []


# --- interrupted ---------------------------------------------------------------------

@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signals_keep_the_scratch(place, number):
    """They come from elsewhere."""
    with Process(ON_DISK, at_moment(200, signal.SIGSTOP)) as process:
        assert os.waitid(os.P_PID, process.pid, os.WSTOPPED | os.WEXITED | os.WNOWAIT).si_code == os.CLD_STOPPED
        assert {LOCK_NAME, DATA_NAME, NAME} < set(os.listdir(place / "a"))
        assert os.listdir(place / "files") == []
        os.kill(process.pid, number)
        os.kill(process.pid, signal.SIGCONT)
        code, err = process.end()
    assert code == 75
    last = err.splitlines()[-1]
    assert last.startswith("bigconst: interrupted") and f"bigconst resume {place / 'a'}" in last
    assert "Traceback" not in err
    assert {DATA_NAME, NAME} < set(os.listdir(place / "a")) and os.listdir(place / "files") == []
