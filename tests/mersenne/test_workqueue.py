"""Work files as they are found: lines that make trouble, several lines for one exponent, several processes."""

import json
import os
import signal

import pytest
from interrupted_runs import Process, at_failpoints, kill

from bigconst.base import failpoints
from bigconst.cli import main
from bigconst.mersenne import savefile, worktodo
from bigconst.runs import mersennequeue, mersennescratch
from bigconst.runs.mersenne import MersenneRequest, Start, start_of
from bigconst.runs.mersennescratch import Resources


@pytest.fixture(autouse=True)
def here(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)


def write(content):
    with open("worktodo.txt", "wb") as file:
        file.write(content)


def left():
    with open("worktodo.txt", "rb") as file:
        return file.read()


def found():
    with open("results.json.txt") as file:
        return [json.loads(line) for line in file]


def answered():
    """Exponents and kinds of the results."""
    return sorted((each["exponent"], each["worktype"]) for each in found())


def work(capsys, code=0, options=""):
    assert main(f"work --threads 1 {options}".split()) == code
    return capsys.readouterr()


# --- lines --------------------------------------------------------------------------------

@pytest.mark.parametrize("line", [
    b'PRP=N/A,1,2,2207,-1,76,0,3,5,"' + b"9" * 5000 + b'"', b"Test=" + b"9" * 5000, b"Test=1" + b"0" * 3_000_000,
    b'PRP=1,2,127,-1,"' + b"127," * 100_000 + b'"', b"Test=12\x007", b"Test=\xff\xfe127", b"Test=\x1b]0;x\x07127",
    "Test=\u0661\u0662\u0667".encode(), b"Test=127\rTest=31", b"Test=9000000001", b'PRP="', b"Cert=1,2,3"])
def test_a_line_that_is_not_understood(capsys, line):
    write(b"Test=31\n" + line + b"\nPRP=1,2,127,-1\n")
    out, err = work(capsys, 2)
    assert out == "M31 is prime\nM127 is a probable prime, base 3\n" and left() == line + b"\n"
    (said,) = err.splitlines()
    assert said.startswith("./worktodo.txt:2: ") and "; kept: " in said and said.isprintable() and len(said) < 600


def test_byte_order_mark_and_ends_of_lines(capsys):
    write(b"\xef\xbb\xbfTest=31\r\nTest=x\r\n\r\nTest=61\nPRP=1,2,127,-1")
    assert work(capsys, 2).out.count("\n") == 3
    assert left() == b"\xef\xbb\xbfTest=x\r\n"


def test_wide_characters(capsys):
    content = "Test=31\r\nTest=61\r\n".encode("utf-16")
    write(content)
    out, err = work(capsys, 3)
    assert (out, err) == ("", "bigconst: ./worktodo.txt is UTF-16 or UTF-32 text; save it as UTF-8\n")
    assert left() == content and os.listdir() == ["worktodo.txt"]


def test_residue_types(capsys):
    lines = [b"PRP=1,2,29,-1,76,0,3,5", b'PRP=1,2,29,-1,76,0,3,5,"233"', b'PRP=1,2,29,-1,76,0,3,1,"233"',
             b'PRPDC=1,2,29,-1,"1103"']
    write(b"\n".join(lines))
    err = work(capsys, 2).err
    assert left() == lines[2] and "a residue of type 1 with known factors" in err
    residue = f"{pow(3, 2**29 - 2, 2**29 - 1):016X}"
    assert [(each["residue-type"], each.get("known-factors"), each["res64"]) for each in found()] == [
        (1, None, residue), (5, ["233"], residue), (5, ["1103"], residue)]


# --- what does not fit -------------------------------------------------------------------

def test_a_test_that_does_not_fit(capsys, monkeypatch):
    """The others do."""
    monkeypatch.setattr(mersennescratch, "available_memory_bytes", lambda: 1 << 30)
    write(b"Test=1000000007\nTest=1279\nPRP=1,2,1000000007,-1\n")
    out, err = work(capsys, 2)
    assert out == "M1279 is prime\n" and left() == b"Test=1000000007\nPRP=1,2,1000000007,-1\n"
    assert [line.partition(": ")[0] for line in err.splitlines()] == ["./worktodo.txt:1", "./worktodo.txt:2"]
    assert err.count("allow more with --memory") == 2


def test_scratch_of_another_run():
    os.mkdir("a")
    here = Resources(("a",), workspace_bytes=350 << 10)
    others = MersenneRequest("LL", 150001, 1, resources=here)
    assert start_of(others) == Start(on_disk=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("bigconst.arithmetic.disk.squarer.DiskSquarer.iterate", given_up)
        assert main("ll 150001 --no-factor --workspace 350KiB --swap a --threads 1".split()) == 75
    assert start_of(others) == Start(on_disk=True)
    said = start_of(MersenneRequest("LL", 150011, 1, resources=here)).hindrance
    assert "/a holds the interrupted run `bigconst ll 150001 " in said and "; resume it with " in said


def given_up(*_):
    raise KeyboardInterrupt


def test_one_transform_on_disk_at_a_time(capfd, monkeypatch, forked_workers):
    """Also of one line that does not fit beside another."""
    ends = []

    def start(test, elsewhere):
        assert not elsewhere
        if test.exponent == 3217 and not ends:
            return Start("it does not fit; wait")
        return Start(on_disk=test.exponent in (2203, 2281))

    def finished(self, assignment, before=mersennequeue.WorkQueue.finished):
        ends.append(assignment.exponent)
        before(self, assignment)

    monkeypatch.setattr(mersennequeue, "start_of", start)
    monkeypatch.setattr(mersennequeue.WorkQueue, "finished", finished)
    write(b"Test=2203\nTest=2281\nTest=3217\nTest=1279\n")
    out, err = work(capfd, options="--workers 4")
    assert sorted(ends) == [1279, 2203, 2281, 3217] and ends.index(2203) < ends.index(2281)
    assert "fit" not in err and left() == b""


# --- lines that need the same save files -----------------------------------------------------

SAME = b"Test=1279\nDoubleCheck=1279\nTest=1279\nAdvancedTest=1279\nPRP=1,2,1279,-1\nPRPDC=1,2,1279,-1\nPRP=1,2,1279,-1"


@pytest.mark.parametrize("workers", [1, 2, 5])
def test_lines_for_one_exponent(capfd, forked_workers, workers):
    """Tests as small as to need no save files, too."""
    lines = SAME + b"\n" + SAME.replace(b"1279", b"31")
    write(lines)
    out, err = work(capfd, options=f"--workers {workers}")
    assert out.count("M1279 is ") == out.count("M31 is ") == 7 and left() == b"" and "failed" not in err
    assert answered() == sorted((p, kind) for p in (31, 1279) for kind in 4 * ["LL"] + 3 * ["PRP-3"])
    assert sorted(os.listdir()) == ["results.json.txt", "worktodo.txt"]


@pytest.mark.parametrize("first, second", [
    (b"Test=1279", b"DoubleCheck=1279"), (b"DoubleCheck=1279", b"Test=1279"),
    (b"PRP=1,2,1279,-1", b"PRPDC=1,2,1279,-1")])
def test_a_double_check_is_a_test_of_its_own(capsys, first, second):
    """Though the first test is finished but for its result."""
    write(first)
    with failpoints.active("result.append=ENOSPC"):
        work(capsys, 3)
    saved = [name for name in os.listdir() if name.endswith(".save")]
    assert saved
    write(second)
    assert "going on" not in work(capsys).err and set(saved) < set(os.listdir())
    write(first)
    assert "going on" in work(capsys).err and sorted(os.listdir()) == ["results.json.txt", "worktodo.txt"]


@pytest.mark.parametrize("place", ["noted.rename=kill@1", "result.append=kill@1", "result.sync=kill@1",
                                   "result.sync=kill@2", "work.write=kill@1", "work.sync=kill@2"])
@pytest.mark.parametrize("line", [b"Test=31", b"PRP=1,2,2207,-1"])
def test_killed_while_a_result_is_recorded(capsys, line, place):
    """It is recorded once, and what was noted of it is removed."""
    write(line + b"\nFactor=7,1,2\n")
    kill("work --threads 1", at_failpoints(place))
    with open("notes.result", "w"):     # somebody else's
        pass
    work(capsys, 2)
    assert len(answered()) == 1
    assert {each for each in os.listdir() if not each.endswith((".save", ".lock", ".new"))} == {
        "results.json.txt", "worktodo.txt", "notes.result"}
    write(line)     # who asks again gets an answer again
    work(capsys)
    assert len(answered()) == 2


# --- several processes ------------------------------------------------------------------------

@pytest.fixture
def elsewhere(monkeypatch):
    """Another process has the lock of this chain; what it does when somebody waits for it."""
    def begin(stem, then):
        lock = savefile.lock(".", stem)
        monkeypatch.setattr(mersennequeue.time, "sleep", lambda seconds: then(lock))

    return begin


def end(lock):
    lock.release(delete=True)


@pytest.mark.parametrize("workers", [1, 2])
def test_a_line_that_another_process_works_on(capfd, elsewhere, forked_workers, workers):
    """It is passed over, and taken when the lock is given back without a result."""
    write(b"Test=1279\n\x1b[1m\nTest=2203\n")
    elsewhere("ll1279", end)
    out, err = work(capfd, options=f"--workers {workers}")
    assert out == "M2203 is prime\nM1279 is prime\n"
    assert err == f"./worktodo.txt:1: process {os.getpid()} works on Test=1279; waiting for its end\n"
    assert left() == b"\x1b[1m\n"


def test_a_line_that_another_process_finishes(capsys, elsewhere):
    def finish(lock):
        worktodo.remove("./worktodo.txt", worktodo.parse("DoubleCheck=1279")[0])
        end(lock)

    write(b"DoubleCheck=1279\nTest=31")
    elsewhere("ll1279-dc", finish)
    assert work(capsys).out == "M31 is prime\n" and left() == b"" and answered() == [(31, "LL")]


def test_finished_between_two_looks(capsys, monkeypatch):
    """The other process takes its line out, and gives the lock back, after this one has read the file."""
    lock = savefile.lock

    def late(directory, stem):
        write(b"Test=61")
        return lock(directory, stem)

    write(b"Test=31\nTest=61")
    monkeypatch.setattr(savefile, "lock", late)
    assert work(capsys).out == "M61 is prime\n" and os.listdir() != [] and answered() == [(61, "LL")]


@pytest.mark.parametrize("workers", [1, 2])
def test_stopped_while_it_waits(capsys, elsewhere, workers):
    write(b"PRP=1,2,1279,-1")
    elsewhere("prp1279", lambda lock: os.kill(os.getpid(), signal.SIGTERM))
    err = work(capsys, 75, f"--workers {workers}").err
    assert err.splitlines()[-1] == "bigconst: interrupted; the same command goes on from the save files"
    assert left() == b"PRP=1,2,1279,-1" and sorted(os.listdir()) == ["prp1279.lock", "worktodo.txt"]


def test_stopped_between_small_tests(capsys, monkeypatch):
    """They are over before anybody asks whether to stop."""
    write(b"Test=31\nTest=61\n")
    monkeypatch.setattr(mersennequeue.worktodo, "remove", lambda *arguments: signal.raise_signal(signal.SIGTERM))
    assert work(capsys, 75).out == "M31 is prime\n"


def test_processes_share_a_work_file(capsys):
    exponents = [1279, 2203, 2281, 3217, 4253, 4423]
    write(b"".join(b"Test=%d\nDoubleCheck=%d\n" % (p, p) for p in exponents))
    with Process("work --threads 1", lambda: None) as one, Process("work --threads 1", lambda: None) as other:
        for process in (one, other):
            code, err = process.end()
            assert code == 0 and "bigconst: " not in err, err
    assert answered() == sorted((p, "LL") for p in exponents * 2) and left() == b""
    assert sorted(os.listdir()) == ["results.json.txt", "worktodo.txt"]
