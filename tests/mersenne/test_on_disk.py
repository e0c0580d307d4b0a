"""Tests with the transform on scratch: killed, interrupted, resumed, looked at, discarded."""

import json
import os
import random
import re
import signal

import pytest
from gmpy2 import mpz
from interrupted_runs import at_failpoints, at_moment, end, kill

from bigconst.base import failpoints
from bigconst.base.errors import DoesNotFit
from bigconst.cli import main
from bigconst.plans.mersenneplan import make_mersenne_plan
from bigconst.storage import diskkind

P, COUNT = 86_027, 40
ON_DISK = f"{P} --no-factor --iterations {COUNT} --workspace 200KiB --swap a --swap b --dir saves"
"""A transform of 4096 words, the shortest that has more than one slab and more than one unit of rows."""


@pytest.fixture(autouse=True)
def place(tmp_path, monkeypatch):
    """Directories for scratch, a and b, and for save files.  The kind of their disk is not measured."""
    for name in ("a", "b", "saves"):
        (tmp_path / name).mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(diskkind, "random_read_s", lambda directory: 1e-4)
    return tmp_path


def expected(start, subtract, p=P, count=COUNT):
    x = mpz(start)
    for _ in range(count):
        x = (x * x - subtract) % ((mpz(1) << p) - 1)
    return f"{int(x & (2**64 - 1)):016X}"


LL, PRP = expected(4, 2), expected(3, 0)


def empty(place):
    return not any(os.listdir(place / name) for name in ("a", "b", "saves"))


def begun_at(err: str) -> int:
    """The iteration from which a process went on, as it said."""
    found = re.search(rf"^M{P}: going on from iteration (\d+)$", err, re.MULTILINE)
    return int(found[1]) if found else 0


@pytest.mark.parametrize("command, residue", [("ll", LL), ("prp", PRP)])
def test_equals_the_integers(place, command, residue, capsys):
    assert main([command, *ON_DISK.split()]) == 0
    out, err = capsys.readouterr()
    assert f"res64 {residue}" in out and "of scratch" in err
    assert empty(place)


@pytest.mark.parametrize("command, residue", [("ll", LL), ("prp", PRP)])
def test_killed_and_resumed(place, command, residue, capsys):
    """Each process goes on behind the iteration from which the one before it went on."""
    rng, points = random.Random(command), []
    for again in (f"{command} {ON_DISK} --threads 1", "resume b", f"resume a --threads 2 --output {place / 'saves'}"):
        code, err = end(again, at_failpoints(f"lane.write=kill@{rng.randrange(60, 90)}"))
        assert code == -signal.SIGKILL
        points.append(begun_at(err))
    assert main(["status", "b", "--json"]) == 0
    fields = json.loads(capsys.readouterr().out)
    assert fields["constant"] == f"M{P}" and not fields["running"] and fields["iterations"] == COUNT
    assert main(["status", "a"]) == main(["status", "a", "--short"]) == 0
    assert f"M{P}" in capsys.readouterr().out
    assert main([command, *ON_DISK.split()]) == 0
    out, err = capsys.readouterr()
    points.append(begun_at(err))
    assert f"res64 {residue}" in out
    assert points[0] == 0 and points == sorted(set(points))
    assert empty(place)


def test_verified(place, capsys):
    """With the next longer transform, on disk as well."""
    p, count = 200_003, 20
    options = ON_DISK.replace(str(P), str(p)).replace(str(COUNT), str(count)).replace("200KiB", "560KiB")
    assert main(["ll", *options.split(), "--verify"]) == 0
    out, err = capsys.readouterr()
    assert f"res64 {expected(4, 2, p, count)}" in out and "verified" in out and err.count("of scratch") == 2
    assert empty(place)


def test_interrupted(place, capsys):
    code, err = end(f"ll {ON_DISK}", at_moment(150, signal.SIGINT))
    assert code == 75 and err.splitlines()[-1].startswith("bigconst: interrupted in iteration ")
    assert main(["ll", *ON_DISK.split()]) == 0
    out, err = capsys.readouterr()
    assert f"res64 {LL}" in out and begun_at(err) > 0
    assert empty(place)


def test_another_test_is_refused_and_discarded(place, capsys):
    kill(f"ll {ON_DISK}", at_failpoints("lane.write=kill@60"))
    for other in (f"prp {ON_DISK}", "phi --digits 4e6 --workspace 1MiB --memory 1GiB --swap a --swap b --output x"):
        assert main(other.split()) == 2
        assert "holds the interrupted run `bigconst ll" in capsys.readouterr().err
    assert main(["prp", *ON_DISK.split(), "--discard"]) == 0
    assert f"res64 {PRP}" in capsys.readouterr().out
    assert not os.listdir("a") and not os.listdir("b")


def test_a_bad_block_goes_back(place, capsys):
    """Blocks that are bad twice cannot be rebuilt: the chain begins again from its last save."""
    with failpoints.active("lane.write=flip@100"):
        assert main(["ll", *ON_DISK.split()]) == 0
    out, err = capsys.readouterr()
    assert f"res64 {LL}" in out and "fault" in err and "is not what was written" in err
    assert empty(place)


def test_a_lane_is_missing(place, capsys):
    kill(f"ll {ON_DISK}", at_failpoints("lane.write=kill@60"))
    os.rename("b", "c")
    assert main(["resume", "a"]) == 3
    assert "b is not there" in capsys.readouterr().err
    assert main(["resume", "a", "--swap", "a", "--swap", "c"]) == 0
    assert f"res64 {LL}" in capsys.readouterr().out


def test_a_second_run_that_does_not_fit_is_refused_before_the_first(place, capsys):
    assert main(["ll", *ON_DISK.split(), "--verify"]) == 4
    out, err = capsys.readouterr()
    assert out == "" and "4608 words is too short for passes over disk" in err
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
