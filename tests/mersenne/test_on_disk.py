"""Tests with the transform on scratch: killed, interrupted, resumed, looked at, discarded."""

import json
import os
import random
import signal
import subprocess
import sys
import time

import pytest
from gmpy2 import mpz

from bigconst.base import failpoints
from bigconst.base.errors import DoesNotFit
from bigconst.cli import main
from bigconst.plans.mersenneplan import make_mersenne_plan

P, COUNT = 110_503, 60
ON_DISK = f"{P} --no-factor --iterations {COUNT} --workspace 350KiB --swap a --swap b --dir saves"


@pytest.fixture(autouse=True)
def place(tmp_path, monkeypatch):
    for name in ("a", "b", "saves"):
        (tmp_path / name).mkdir()
    monkeypatch.chdir(tmp_path)
    return tmp_path


def expected(start, subtract):
    x = mpz(start)
    for _ in range(COUNT):
        x = (x * x - subtract) % ((mpz(1) << P) - 1)
    return f"{int(x & (2**64 - 1)):016X}"


LL, PRP = expected(4, 2), expected(3, 0)


def empty(place):
    return not any(os.listdir(place / name) for name in ("a", "b", "saves"))


def run(command, environment=None):
    return subprocess.Popen([sys.executable, "-m", "bigconst", *command.split()], stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE, text=True, env={**os.environ, **(environment or {})})


@pytest.mark.parametrize("command, residue", [("ll", LL), ("prp", PRP)])
def test_equals_the_integers(place, command, residue, capsys):
    assert main([command, *ON_DISK.split()]) == 0
    out, err = capsys.readouterr()
    assert f"res64 {residue}" in out and "of scratch" in err
    assert empty(place)


@pytest.mark.parametrize("command, residue", [("ll", LL), ("prp", PRP)])
def test_killed_and_resumed(place, command, residue, capsys):
    rng = random.Random(command)
    for again in (f"{command} {ON_DISK} --threads 1", "resume b", f"resume a --threads 2 --output {place / 'saves'}"):
        code = run(again, {"BIGCONST_FAILPOINTS": f"lane.write=kill@{rng.randrange(80, 140)}"}).wait()
        assert code == -signal.SIGKILL
    capsys.readouterr()
    assert main(["status", "b", "--json"]) == 0
    fields = json.loads(capsys.readouterr().out)
    assert fields["constant"] == f"M{P}" and not fields["running"] and fields["iterations"] == COUNT
    assert main(["status", "a"]) == main(["status", "a", "--short"]) == 0
    assert f"M{P}" in capsys.readouterr().out
    writes = []
    for _ in range(2):      # the rest, then all of it
        with failpoints.active("lane.write=sleep:0@1") as (rule,):
            assert main([command, *ON_DISK.split()]) == 0
        assert f"res64 {residue}" in capsys.readouterr().out
        writes.append(rule.calls)
    assert writes[0] < writes[1] - 150      # three processes had done as much before
    assert empty(place)


def test_verified(place, capsys):
    """With the next longer transform, on disk as well."""
    assert main(["ll", *ON_DISK.replace(str(P), "200003").replace("350", "560").split(), "--verify"]) == 0
    out, err = capsys.readouterr()
    x = mpz(4)
    for _ in range(COUNT):
        x = (x * x - 2) % ((mpz(1) << 200_003) - 1)
    assert f"res64 {int(x & (2**64 - 1)):016X}" in out and "verified" in out and err.count("of scratch") == 2
    assert empty(place)


def test_interrupted(place, capsys):
    process = run(f"ll {ON_DISK}", {"BIGCONST_FAILPOINTS": "lane.write=sleep:0.05@20-"})
    while not (place / "a/bigconst.manifest.old").exists():
        time.sleep(0.05)
    time.sleep(1.0)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate()
    assert process.returncode == 75 and err.splitlines()[-1].startswith("bigconst: interrupted ")
    assert main(["ll", *ON_DISK.split()]) == 0
    assert f"res64 {LL}" in capsys.readouterr().out
    assert empty(place)


def test_another_test_is_refused_and_discarded(place, capsys):
    assert run(f"ll {ON_DISK}", {"BIGCONST_FAILPOINTS": "lane.write=kill@90"}).wait() == -signal.SIGKILL
    capsys.readouterr()
    for other in (f"prp {ON_DISK}", "phi --digits 1e5 --workspace 1MiB --memory 1GiB --swap a --swap b --output x"):
        if other.startswith("phi"):
            other = other.replace("1e5", "4e6")
        assert main(other.split()) == 2
        assert "holds the interrupted run `bigconst ll" in capsys.readouterr().err
    assert main(["prp", *ON_DISK.split(), "--discard"]) == 0
    assert f"res64 {PRP}" in capsys.readouterr().out
    assert not os.listdir("a") and not os.listdir("b")


def test_a_bad_block_goes_back(place, capsys):
    """Blocks that are bad twice cannot be rebuilt: the chain begins again from its last save."""
    with failpoints.active("lane.write=flip@150"):
        assert main(["ll", *ON_DISK.split()]) == 0
    out, err = capsys.readouterr()
    assert f"res64 {LL}" in out and "fault" in err and "is not what was written" in err
    assert empty(place)


def test_a_lane_is_missing(place, capsys):
    assert run(f"ll {ON_DISK}", {"BIGCONST_FAILPOINTS": "lane.write=kill@90"}).wait() == -signal.SIGKILL
    os.rename("b", "c")
    capsys.readouterr()
    assert main(["resume", "a"]) == 3
    assert "b is not there" in capsys.readouterr().err
    assert main(["resume", "a", "--swap", "a", "--swap", "c"]) == 0
    assert f"res64 {LL}" in capsys.readouterr().out


def test_a_second_run_that_does_not_fit_is_refused_before_the_first(place, capsys):
    assert main(["ll", *ON_DISK.split(), "--verify"]) == 4
    out, err = capsys.readouterr()
    assert out == "" and "7K words is too short for passes over disk" in err
    assert empty(place)


@pytest.mark.parametrize("memory, workspace, scratch, needed", [
    (1 << 33, 1 << 18, True, "--workspace"), (1 << 33, 1 << 18, False, "--swap"), (1 << 28, None, False, "--swap"),
    (1 << 28, None, True, "--memory")])
def test_what_does_not_fit(memory, workspace, scratch, needed):
    p = 110_503 if workspace else 1_000_000_007
    with pytest.raises(DoesNotFit, match=needed):
        make_mersenne_plan(p, p - 2, 2, memory, workspace_bytes=workspace, scratch=scratch)


def test_in_memory_where_it_fits():
    assert make_mersenne_plan(57_885_161, 9, 2, 1 << 30, scratch=True).disk is None
    plan = make_mersenne_plan(57_885_161, 9, 2, 1 << 30, scratch=True, workspace_bytes=64 << 20)
    assert plan.disk.workspace_bytes <= 64 << 20 and plan.peak_memory_bytes <= 1 << 30
