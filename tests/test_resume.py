"""Runs on disk that are killed, stopped and resumed: the same files in the end, and nothing lost before.

A fork of this process is stopped at a moment that is counted, not timed; what goes on runs in this process.
"""

import json
import os
import random
import shutil
import signal
from types import SimpleNamespace

import pytest
from interrupted_runs import (
    COPIED,
    DIGITS,
    IN_MEMORY,
    LARGE,
    LARGE_ON_DISK,
    ON_DISK,
    Process,
    at_level,
    at_moment,
    bigconst,
    check_finished,
    contents,
    empty,
    end,
    kill,
    kill_once,
)
from test_cli import one_line

from bigconst.base import failpoints
from bigconst.cli import main
from bigconst.runs import kernels
from bigconst.runs.interrupted import discard
from bigconst.runs.statusfile import STATUS_NAME
from bigconst.runtime import drill
from bigconst.runtime.checkpoint import JOURNAL_NAME
from bigconst.storage.lane import DATA_NAME
from bigconst.storage.manifest import NAME, OLD_NAME, read_manifest, write_manifest
from bigconst.storage.striping import Striping, Zone

MIDDLE = 200
"""The moment of a kill in the middle."""
TWO_LANES = f"{ON_DISK} --swap ../b"

pytestmark = pytest.mark.usefixtures("place")


@pytest.fixture
def killed(place):
    """A run in ../a, killed in the middle."""
    kill_once(place, ON_DISK, at_moment(MIDDLE))
    assert (place / "a" / NAME).exists()
    return place / "a"


@pytest.fixture
def killed_on_two_lanes(place):
    """A run in ../a and ../b, killed in the middle."""
    kill_once(place, TWO_LANES, at_moment(MIDDLE))
    return place / "a", place / "b"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_stopped_by_a_signal(place, in_memory, capsys, number):
    code, err = end(ON_DISK, at_moment(MIDDLE, number))
    assert code == 75 and "Traceback" not in err
    assert err.splitlines()[-1].startswith("bigconst: ") and f"bigconst resume {place / 'a'}" in err.splitlines()[-1]
    assert os.listdir(place / "files") == []
    capsys.readouterr()
    assert bigconst("status ../a") == 0
    assert "stopped" in capsys.readouterr().out
    assert bigconst("resume ../a") == 0
    check_finished(place, in_memory)


@pytest.mark.parametrize("command, digits", [(ON_DISK, DIGITS),
                                             pytest.param(LARGE_ON_DISK, LARGE, marks=pytest.mark.slow)])
def test_killed_again_and_again(place, in_memory, command, digits):
    chance, kills = random.Random(7), 0
    for _ in range(6):
        code, err = end(command, at_moment(chance.randrange(20, 400)))
        if code == 0:
            break
        assert code == -signal.SIGKILL, err
        kills += 1
        if (place / "a" / NAME).exists() or (place / "a" / OLD_NAME).exists():
            command = "resume ../a"
        elif os.listdir(place / "files"):
            # It was done, and was killed while it removed its scratch.
            discard([str(place / "a")])
            break
    assert kills >= 3
    if command == "resume ../a" and os.listdir(place / "a"):
        assert bigconst(command) == 0
    check_finished(place, in_memory, digits)


def test_the_same_command_goes_on(place, killed, in_memory):
    assert os.listdir(place / "files") == []
    assert bigconst(ON_DISK) == 0
    check_finished(place, in_memory)


def test_another_command_is_refused_and_nothing_is_lost(place, killed, in_memory, capsys):
    before = contents(killed)
    for old, new in ((DIGITS, "2e6"), (DIGITS, f"{DIGITS} --base 16"), ("phi", "sqrt 2"),
                     ("../a", "../a --output other"), ("../a", "../a --no-certificate"),
                     ("../a", "../b --swap ../a --output other")):
        assert bigconst(ON_DISK.replace(old, new)) == 2
        line = one_line(capsys)
        assert f"bigconst resume {killed}" in line and "--discard" in line and ON_DISK in line
        assert contents(killed) == before
    assert bigconst("resume ../a") == 0
    check_finished(place, in_memory)


def test_discard(place, killed, in_memory):
    assert bigconst(f"{ON_DISK} --output other --discard") == 0
    check_finished(place, in_memory, names=["other", "other.cert"])


def test_other_threads(place, killed, in_memory):
    assert bigconst("resume ../a --threads 1") == 0
    check_finished(place, in_memory)


def test_too_little_memory(place, killed, in_memory, capsys):
    before = contents(killed)
    assert bigconst("resume ../a --memory 20MiB") == 4
    assert "20.0 MiB" in one_line(capsys)
    assert contents(killed) == before


def test_two_lanes(place, killed_on_two_lanes, in_memory, capsys):
    capsys.readouterr()
    assert bigconst("status ../b --short") == 0
    assert "stopped" in capsys.readouterr().out
    assert bigconst("resume ../b") == 0
    check_finished(place, in_memory)


def test_lanes_that_have_moved(place, killed_on_two_lanes, in_memory, capsys):
    for name in ("a", "b"):
        os.rename(place / name, place / f"moved {name}")
        (place / name).mkdir()
    first, second = str(place / "moved a"), str(place / "moved b")
    capsys.readouterr()
    assert main(["resume", first]) == 2
    assert "--swap" in one_line(capsys)
    assert main(["resume", first, "--swap", first]) == 2
    assert "2 scratch directories" in one_line(capsys)
    assert main(["resume", first, "--swap", first, "--swap", second]) == 0
    check_finished(place, in_memory)
    assert os.listdir(first) == os.listdir(second) == []


def test_one_lane_that_has_moved(place, killed, in_memory):
    os.rename(killed, place / "moved")
    killed.mkdir()
    assert bigconst("resume ../moved") == 0
    check_finished(place, in_memory)
    assert os.listdir(place / "moved") == []


@pytest.mark.parametrize("damage", [lambda text: text[:-5], lambda text: text + b"\xff" * 100,
                                    lambda text: text[:len(text) // 2] + bytes(len(text) - len(text) // 2)])
def test_a_damaged_end_of_the_journal(place, killed, in_memory, damage):
    path, = killed.glob(f"{JOURNAL_NAME}.*")
    path.write_bytes(damage(path.read_bytes()))
    assert bigconst("resume ../a") == 0
    check_finished(place, in_memory)


def test_missing_scratch(place, killed, capsys):
    (killed / DATA_NAME).unlink()
    capsys.readouterr()
    assert bigconst("resume ../a") == 3
    assert DATA_NAME in one_line(capsys)
    assert (killed / NAME).exists()


def test_a_damaged_manifest(place, killed, in_memory, capsys):
    (killed / NAME).write_bytes(b"nonsense")
    capsys.readouterr()
    assert bigconst("resume ../a") == 0
    check_finished(place, in_memory)


# --- parts that do not belong together ------------------------------------------------

def lose_directory(place):
    shutil.rmtree(place / "b")


def lose_scratch(place):
    (place / "b" / DATA_NAME).unlink()


def lose_manifest(place):
    (place / "b" / NAME).unlink()


def mount_another(place):
    fields = read_manifest(str(place / "b"))
    write_manifest(str(place / "b"), fields | {"run_id": "0123456789abcdef"})


def lose_first(place):
    shutil.rmtree(place / "a")


@pytest.mark.parametrize("damage, lane, said", [(lose_directory, "b", "is not there"), (lose_scratch, "b", DATA_NAME),
                                                (lose_manifest, "b", "manifest"),
                                                (mount_another, "b", "belongs to another run"),
                                                (lose_first, "a", "is not there")])
def test_a_lane_that_is_missing_or_of_another_run(place, killed_on_two_lanes, capsys, damage, lane, said):
    damage(place)
    before = [contents(place / name) for name in ("a", "b", "files") if (place / name).exists()]
    capsys.readouterr()
    for each in (TWO_LANES, "resume ../a" if lane == "b" else "resume ../b"):
        assert bigconst(each) == 3
        line = one_line(capsys)
        assert str(place / lane) in line and said in line and "--swap" in line and "--discard" in line
        assert [contents(place / name) for name in ("a", "b", "files") if (place / name).exists()] == before


def test_lanes_in_another_order(place, killed_on_two_lanes, in_memory, capsys):
    before = [contents(lane) for lane in killed_on_two_lanes]
    capsys.readouterr()
    assert bigconst("resume ../a --swap ../b --swap ../a") == 3
    assert "is directory number 2 of the run, not 1" in one_line(capsys)
    assert [contents(lane) for lane in killed_on_two_lanes] == before
    assert bigconst("resume ../a --swap ../a --swap ../b") == 0
    check_finished(place, in_memory)


def test_where_it_is_and_what_it_writes_is_remembered(place, killed, in_memory):
    os.rename(place / "a", place / "moved")
    kill("resume ../moved --output other", at_moment(100))
    assert bigconst("resume ../moved") == 0
    check_finished(place, in_memory, names=["other", "other.cert"])


# --- what it cost ---------------------------------------------------------------------

PRICE = "--usd-per-hour 1.38"


def cost_of(command, code=0):
    """The cost in the report of a command that ends, and what its own process took."""
    assert bigconst(f"{command} --json ../report.json --force") == code
    with open("../report.json") as file:
        report = json.load(file)
    return report["cost"], report["seconds"]["total"]


def check_cost(found, usd_per_hour, earlier_s):
    """`earlier_s` is what earlier processes took, None where that is not known."""
    cost, total_s = found
    seconds = total_s + (earlier_s or 0)
    assert cost["counted"] == ("this process" if earlier_s is None else "the whole run")
    assert cost["usd_per_hour"] == usd_per_hour and cost["seconds"] == pytest.approx(seconds)
    assert cost["usd"] == pytest.approx(usd_per_hour * seconds / 3600)


def set_elapsed(path, elapsed_s):
    """Have the status file say that a run took so long."""
    fields = json.loads(path.read_text())
    assert 0 <= fields["elapsed_s"] < 60
    path.write_text(json.dumps(fields | {"elapsed_s": elapsed_s}))


@pytest.mark.parametrize("again, usd_per_hour", [("resume ../a", 1.38), (ON_DISK, 1.38),
                                                 (f"{ON_DISK} --usd-per-hour 2", 2),
                                                 ("resume ../a --usd-per-hour 0.5", 0.5)])
def test_price_and_time_of_killed_processes_are_known(place, capsys, again, usd_per_hour):
    kill_once(place, f"{ON_DISK} {PRICE}", at_moment(MIDDLE))
    set_elapsed(place / "a" / STATUS_NAME, 7200)
    check_cost(cost_of(again), usd_per_hour, 7200)
    assert f" at ${usd_per_hour:.2f} an hour, " in capsys.readouterr().out


def test_a_price_that_came_later_is_remembered(place, killed):
    kill("resume ../a --usd-per-hour 0.5", at_moment(100))
    set_elapsed(place / "a" / STATUS_NAME, 60)
    check_cost(cost_of("resume ../a"), 0.5, 60)


def test_time_of_a_run_that_was_stopped(place):
    assert end(f"{ON_DISK} {PRICE}", at_moment(MIDDLE, signal.SIGINT))[0] == 75
    known_s = read_manifest(str(place / "a"))["done"]["elapsed_s"]
    cost, total_s = cost_of("resume ../a")
    assert 0 < known_s and cost["counted"] == "the whole run"
    assert cost["seconds"] - total_s == pytest.approx(known_s, abs=0.1)


def test_no_price(place, killed):
    assert cost_of("resume ../a")[0] == {}


@pytest.mark.parametrize("damage", [lambda path: path.unlink(), lambda path: path.write_bytes(b"")])
def test_a_lost_status_is_not_forgotten(place, damage, capsys):
    kill_once(place, f"{ON_DISK} {PRICE}", at_moment(MIDDLE))
    damage(place / "a" / STATUS_NAME)
    kill("resume ../a", at_moment(100))
    check_cost(cost_of("resume ../a"), 1.38, None)
    assert "this process alone" in capsys.readouterr().out


def test_cost_of_a_run_whose_scratch_was_lost(place):
    kill(f"{COPIED} {PRICE}", at_level("ladder in memory"))
    empty(place / "a")
    kill("resume ../c", at_moment(100))
    check_cost(cost_of("resume ../c"), 1.38, None)


def test_cost_of_a_run_in_memory(place):
    kill(f"{IN_MEMORY} --checkpoint ../c {PRICE}", at_level("memory", 3))
    check_cost(cost_of("resume ../c"), 1.38, None)
    check_cost(cost_of(f"{IN_MEMORY} --checkpoint ../c {PRICE}"), 1.38, 0)


# --- the drill -----------------------------------------------------------------------

@pytest.mark.parametrize("failure, code, named", [
    ("lane.write[{a}]=flip:12345@1-2", 5, DATA_NAME), ("lane.write[{b}]=flip:99@1-2", 5, f"b/{DATA_NAME}"),
    ("lane.write=EIO@2", 3, DATA_NAME), ("lane.sync=EIO", 3, DATA_NAME), ("lane.read=EIO@1", 3, DATA_NAME),
    ("lane.write=ENOSPC@2", 4, DATA_NAME), ("journal.append=EDQUOT@1", 4, JOURNAL_NAME),
    ("journal.append=truncate@1", 5, JOURNAL_NAME), ("journal.append=flip:999@1", 5, JOURNAL_NAME),
    ("journal.sync=EIO@1", 3, JOURNAL_NAME), ("manifest.write[{a}]=flip:777@1", 3, NAME),
])
def test_the_drill_finds_what_could_not_be_resumed(place, capsys, monkeypatch, failure, code, named):
    def load(*families):
        raise AssertionError("the drill should have failed")

    monkeypatch.setattr(kernels, "load", load)
    with failpoints.active(failure.format(a=place / "a", b=place / "b")):
        assert bigconst(TWO_LANES) == code
    line = one_line(capsys)
    assert "the checkpoint drill failed" in line and named in line and ";" in line
    for name in ("a", "b", "files"):
        assert os.listdir(place / name) == []


def test_the_drill_of_copies(place, capsys):
    with failpoints.active(f"manifest.write[{place / 'c'}]=flip:777@1"):
        assert bigconst(f"{ON_DISK} --checkpoint ../c") == 3
    assert str(place / "c") in one_line(capsys)
    for name in ("a", "c", "files"):
        assert os.listdir(place / name) == []


@pytest.mark.parametrize("size, lanes, stripe", [(8912896, 1, 8192), (1 << 30, 3, 1 << 20), (3 << 20, 2, 4096),
                                                 (10 * 4096, 4, 4096), (4096, 1, 4096)])
def test_blocks_of_the_drill_are_everywhere(size, lanes, stripe):
    pattern = [0] if lanes == 1 else [i * i % lanes if i % 5 else lanes - 1 for i in range(17)]
    volume = SimpleNamespace(size_bytes=size, striping=Striping([Zone([0], 1), Zone(pattern)], stripe))
    addresses, length = drill.places(volume)
    assert length <= stripe and length % 4096 == 0 and len(addresses) <= drill.SPREAD + 2 * lanes
    assert all(a + length <= b for a, b in zip(addresses, [*addresses[1:], size], strict=True))
    assert addresses[0] == 0 and addresses[-1] + length > size - 2 * length
    pieces = [volume.striping.split(address, length) for address in addresses]
    assert all(len(each) == 1 for each in pieces)
    touched = {lane for (lane, _, _), in pieces}
    stripes = -(-size // stripe)
    assert touched >= {pattern[i % len(pattern)] for i in range(min(stripes, len(pattern)))}


def test_while_it_runs(place, in_memory, capsys):
    with Process(ON_DISK, at_moment(MIDDLE, signal.SIGSTOP)) as process:
        assert os.waitid(os.P_PID, process.pid, os.WSTOPPED | os.WEXITED | os.WNOWAIT).si_code == os.CLD_STOPPED
        capsys.readouterr()
        assert bigconst("status ../a --json") == 0
        fields = json.loads(capsys.readouterr().out)
        assert fields["running"] and fields["constant"] == "phi" and fields["digits"] == float(DIGITS)
        assert bigconst("status ../a --short") == 0
        short = capsys.readouterr().out
        assert len(short) < 60 and short.count("\n") == 1 and "stopped" not in short
        for command in (ON_DISK, "resume ../a", f"{ON_DISK} --discard"):
            assert bigconst(command) == 3
            assert f"in use by process {process.pid}" in one_line(capsys)
        os.kill(process.pid, signal.SIGCONT)
        code, err = process.end()
    assert code == 0, err
    check_finished(place, in_memory)


def test_status_of_a_stopped_run(place, killed, capsys):
    before = contents(killed)
    capsys.readouterr()
    for form in ("", "--short", "--json"):
        assert bigconst(f"status ../a {form}") == 0
    out, err = capsys.readouterr()
    assert err == "" and "stopped, `bigconst resume` goes on" in out
    assert bigconst("status ../a --json") == 0
    fields = json.loads(capsys.readouterr().out)
    assert not fields["running"] and fields["base"] == 10 and fields["command"] == f"bigconst {ON_DISK}"
    assert contents(killed) == before


@pytest.mark.parametrize("command", ["status", "resume"])
def test_a_directory_without_a_run(place, capsys, command):
    for directory in ("../a", "../nowhere"):
        assert bigconst(f"{command} {directory}") == 2
        line = one_line(capsys)
        assert directory in line and "--swap" in line
    assert os.listdir(place / "a") == []
