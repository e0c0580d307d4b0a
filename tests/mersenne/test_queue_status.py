"""`bigconst status` of a queue: what is said of each test is what its files say, and when it ends follows by hand."""

import json
import os
import time
from math import log2
from pathlib import Path

import pytest

from bigconst.cli import main
from bigconst.mersenne import savefile
from bigconst.mersenne.events import Advanced, PartBegun, PartDone
from bigconst.plans.dwtshape import dwt_shape
from bigconst.runs.progressfile import ProgressFile


@pytest.fixture(autouse=True)
def here(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)


def write(*lines):
    Path("worktodo.txt").write_text("".join(f"{line}\n" for line in lines))


def status(capsys):
    assert main("status . --json".split()) == 0
    return json.loads(capsys.readouterr().out)


def work(p):
    words = dwt_shape(p).words
    return words * log2(words)


def test_each_test_its_worker_its_rate_and_its_end(capsys, monkeypatch):
    monkeypatch.setattr(time, "time", lambda: 1e9)
    write("Test=57885161", "PRP=1,2,30402457,-1", "Test=20996011", "Factor=123457,60,61", "DoubleCheck=13466917")
    Path("results.json.txt").write_text('{"a": 1}\n{"b": 2}\n')
    Path("ll20996011.0000000500.verified.save").write_bytes(b"")
    Path("ll20996011.0000000300.save").write_bytes(b"")
    first, second = ProgressFile(".", "ll57885161"), ProgressFile(".", "prp30402457")
    first(PartDone("LL", 57885161, 40_000_000, 57885159, "west", 900.0, 3.0))
    first(PartBegun("LL", 57885161, 40_000_000, 57885159, "tcp://10.0.0.3:4711"))
    second(Advanced(30402457, 30_000_000, 30402457, 1.5, 0.2, 5))
    monkeypatch.setattr(time, "time", lambda: 1e9 + 60)
    with savefile.lock(".", "ll57885161"), savefile.lock(".", "prp30402457"):
        found = status(capsys)
        assert main("status .".split()) == 0
        shown = capsys.readouterr().out
        assert main("status . --short".split()) == 0
        short = capsys.readouterr().out
    one, two, three, four = found["tests"]
    assert (one["state"], one["worker"], one["iteration"]) == ("running", "tcp://10.0.0.3:4711", 40_000_000)
    assert one["remaining_s"] == pytest.approx(17_885_159 * 0.003 - 60)
    assert (two["state"], two["worker"]) == ("running", f"process {os.getpid()}")
    assert two["remaining_s"] == pytest.approx(402_457 * 0.0015 - 60)
    assert (three["state"], three["iteration"]) == ("stopped", 500) and four["state"] == "waiting"
    # Two run side by side: the third follows the second, and the fourth follows that.
    rate = sorted([3.0 / work(57885161), 1.5 / work(30402457)])[1]
    ends = two["remaining_s"] + (20996009 - 500) * rate * work(20996011) / 1000
    assert three["remaining_s"] == pytest.approx(ends) and ends < one["remaining_s"]
    assert four["remaining_s"] == pytest.approx(ends + 13466915 * rate * work(13466917) / 1000)
    assert found["remaining_s"] == max(each["remaining_s"] for each in found["tests"])
    assert found["finished"] == 2 and found["running"] and found["tests_running"] == 2
    assert [each["line"] for each in found["refused"]] == [4]
    assert "LL M57885161" in shown and "69.10 %" in shown and "trial factoring" in shown
    assert short.startswith("queue 2/6 ") and short.endswith("left, 2 running\n") and len(short) < 60


def test_a_queue_that_nobody_works_on(capsys):
    write("Test=57885161", "Test=2")
    assert main("status .".split()) == 0
    assert "stopped, `bigconst work` goes on" in (out := capsys.readouterr().out) and "waiting" in out
    write()
    assert main("status . --short".split()) == 0
    assert capsys.readouterr().out == "queue 0/0 nothing left, 0 running\n"


def test_while_a_queue_is_worked_on(capsys):
    """Its events tell of both tests, and nothing that was written for the status is left."""
    write("Test=9941", "PRP=1,2,9973,-1")
    assert main("work . --workers 2 --threads 1 --events e.events".split()) == 0
    events = [json.loads(line) for line in Path("e.events").read_text().splitlines()]
    assert {each["exponent"] for each in events if each["event"] == "concluded"} == {9941, 9973}
    assert sorted(os.listdir()) == ["e.events", "results.json.txt", "worktodo.txt"]
