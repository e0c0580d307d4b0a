"""The short form of the torture: kills at counted moments, bits turned over on disk, results spoilt in memory."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "benchmarks"))

import _damage  # noqa: E402
import _kills  # noqa: E402

KILLS = 8
pytestmark = pytest.mark.slow


def test_a_run_that_is_killed_again_and_again_has_the_digits_of_one_that_is_not(tmp_path):
    """Several runs, if one comes to its end before; the moments are counted, not timed."""
    case = _kills.Case(7 * 10**5, f"--workspace 1MiB {_kills.DISK}")
    lives = list(_kills.lives((case,), tmp_path, 1, KILLS, counted_only=True))
    assert [(life.failure, life.differ) for life in lives] == [("", [])] * len(lives)
    kills = [kill for life in lives for kill in life.kills]
    assert len(kills) == KILLS and len({kill.name for kill in kills}) > KILLS / 4
    # What is computed again is what was not recorded, never the run.
    assert max(kill.seconds for kill in kills) < lives[0].elapsed_s


def torture(tmp_path, *arguments) -> tuple[int, dict, str]:
    """Exit code, results and stderr of the program."""
    result = tmp_path / "result.json"
    done = subprocess.run([sys.executable, str(ROOT / "benchmarks/torture.py"), *arguments, "--json", str(result)],
                          env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True)
    return done.returncode, json.loads(result.read_text())["results"] if result.exists() else {}, done.stderr


def test_flips_on_disk_are_noticed(tmp_path):
    code, results, err = torture(tmp_path, "flips", "--count", "9")
    assert code == 0, err
    assert sum(row["flips"] for row in results["flips"]) >= 9
    assert {row["outcome"] for row in results["flips_runs"]} <= {_damage.REPAIRED, _damage.HARMLESS}


def test_spoilt_results_make_no_wrong_file(tmp_path):
    code, results, err = torture(tmp_path, "corruptions", "--count", "8")
    assert code == 0, err
    assert sum(row["runs"] for row in results["corruptions_runs"]) == 8


def test_a_trial_is_repeated(tmp_path):
    found = [torture(tmp_path, "corruptions", "--seed", "3", "--trial", "2")[1]["corruptions_runs"] for _ in range(2)]
    assert found[0] == found[1]
    (row,) = found[0]
    assert row["runs"] == 1 and row["trials"][0]["trial"] == 2


def test_an_unknown_part_is_refused(tmp_path):
    code, _, err = torture(tmp_path, "flip")
    assert code == 2 and "kills, flips, corruptions" in err
