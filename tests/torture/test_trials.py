"""Trials reach every kernel that they name, can be repeated, and a small number of kills has right files."""

import corruptions
import damage
import kills
import pytest
from benchmark_runs import ROOT, run

from bigconst.storage.volume import Volume

KILLS = 8


@pytest.fixture
def hooks(monkeypatch):
    """Hooks on all kernels, for one test."""
    for owner, name, _ in corruptions.KERNELS:
        monkeypatch.setattr(owner, name, getattr(owner, name))      # what is put back afterwards
    return corruptions.Hooks()


def test_runs_call_every_kernel_that_is_changed(hooks, tmp_path):
    plans = [damage.make_plan(damage.DIGITS, 10), damage.make_plan(damage.DIGITS, 16),
             damage.make_plan(damage.DIGITS, 10, narrow=True), damage.make_plan(damage.THREE_PASSES, 10)]
    hooks.begin()
    for number, plan in enumerate(plans):
        damage.carry_out(plan, tmp_path / str(number), Volume, lambda event: None)
    assert [kernel for kernel, calls in zip(corruptions.KERNELS, hooks.counts(), strict=True) if not calls] == []


def test_a_run_that_is_killed_again_and_again_has_the_digits_of_one_that_is_not(tmp_path):
    """Kills come after a number of moments, not after a time; a run that finishes early is followed by another one."""
    case = kills.Case(7 * 10**5, f"--workspace 1MiB {kills.DISK}")
    lives = list(kills.lives((case,), tmp_path, 1, KILLS, counted_only=True))
    assert [(life.failure, life.differ) for life in lives] == [("", [])] * len(lives)
    killed = [kill for life in lives for kill in life.kills]
    assert len(killed) == KILLS and len({kill.name for kill in killed}) > KILLS / 4


def test_a_trial_can_be_repeated(tmp_path):
    program = ROOT / "tests/torture/constants.py"
    options = ("corruptions", "--seed", "3", "--trial", "2")
    found = [run(program, tmp_path, *options)[0]["results"]["corruptions_runs"] for _ in range(2)]
    assert found[0] == found[1]
    (row,) = found[0]
    assert row["runs"] == 1 and row["trials"][0]["trial"] == 2
