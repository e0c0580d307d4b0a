"""The torture programs exit with 1 for every wrong outcome, and what they replace in the package exists.

The torture itself is `make torture`.
"""

import subprocess
import sys

import pytest
from benchmark_runs import ROOT

sys.path.append(str(ROOT / "tests" / "torture"))

import constants  # noqa: E402
import damage  # noqa: E402
import kills  # noqa: E402
import mersenne  # noqa: E402
import mersennewords  # noqa: E402

REPLACE = """
import os, sys
sys.path[:0] = sys.argv[1:]
import checks, corruptions, flips, watched

for part in checks.PARTS:
    getattr(checks, f"without_{part}")()
corruptions.Hooks()
flips.label_requests()
watched.watch(watched.Watch(os.devnull, -1))
"""
"""Replaces everything that benchmarks and torture replace in the package."""


def exit_code(program, monkeypatch, *arguments: str) -> int:
    """The exit code of a program in this process."""
    monkeypatch.setattr(sys, "argv", [program.__file__, *arguments])
    with pytest.raises(SystemExit) as ended:
        program.main()
    return ended.value.code


@pytest.mark.parametrize("part", ["flips", "corruptions"])
@pytest.mark.parametrize("outcome", damage.OUTCOMES)
def test_a_wrong_file_a_flip_that_nobody_notices_and_a_hung_process_fail(part, outcome, monkeypatch):
    monkeypatch.setattr(damage, "trials", lambda *arguments: [{"trial": 0, "outcome": outcome, "flips": []}])
    assert exit_code(constants, monkeypatch, part) == (outcome in ("WRONG FILE", "UNNOTICED", "hung"))


def life(failure: str = "", differ: tuple[str, ...] = (), seconds: float = 0.1, lanes: int = 1) -> kills.Life:
    """A run of a second, with one kill that cost `seconds`."""
    return kills.Life(kills.Case(10**6, "", lanes), 1.0, [kills.Killed("", 1, seconds)], list(differ), failure)


@pytest.mark.parametrize("run, code", [
    (life(), 0), (life(failure="exit code 4"), 1), (life(differ=("digits.txt",)), 1), (life(seconds=1.5), 1),
    (life(seconds=1.5, lanes=0), 0),
])
def test_a_killed_run_that_does_not_end_right_fails(run, code, monkeypatch):
    monkeypatch.setattr(kills, "lives", lambda *arguments: [run])
    assert exit_code(constants, monkeypatch, "kills", "--count", "1") == code


def test_too_few_kills_fail(monkeypatch):
    monkeypatch.setattr(kills, "lives", lambda *arguments: [life()])
    assert exit_code(constants, monkeypatch, "kills", "--count", "2") == 1


@pytest.mark.parametrize("test, passing", [("LL", ("repaired", "harmless", "UNNOTICED", "stopped")),
                                           ("PRP", ("repaired", "harmless"))])
@pytest.mark.parametrize("outcome", mersennewords.OUTCOMES)
def test_a_mersenne_test_with_a_wrong_residue_fails_unless_no_check_can_see_it(test, passing, outcome, monkeypatch):
    class Target:
        p, squarings, elapsed_s, is_right = 4253, 4253, 0.1, True

        def __init__(self, *arguments):
            pass

        def trial(self, seed, number):
            return mersennewords.Trial(test, self.p, number, 1, 0.5, 1, "1", outcome=outcome)

    monkeypatch.setattr(mersennewords, "Target", Target)
    arguments = ("--kills", "0", "--corruptions", "1", "--test", test)
    assert exit_code(mersenne, monkeypatch, *arguments) == (outcome not in passing)


def test_an_unknown_part_is_refused(monkeypatch, capsys):
    assert exit_code(constants, monkeypatch, "flip") == 2
    assert "kills, flips, corruptions" in capsys.readouterr().err


def test_the_messages_of_checks_are_those_of_the_package():
    source = "".join(path.read_text() for path in (ROOT / "bigconst").rglob("*.py"))
    assert [part for part, _ in damage.CHECKS if part not in source] == []


@pytest.mark.slow
def test_what_is_replaced_in_the_package_exists():
    folders = [str(ROOT / "benchmarks"), str(ROOT / "tests" / "torture")]
    done = subprocess.run([sys.executable, "-c", REPLACE, *folders], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
