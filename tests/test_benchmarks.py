"""The benchmark programs run with --quick, with and without their peers, and write sound JSON."""

import json
import math
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow
ROOT = Path(__file__).parents[1]
PROGRAMS = {
    "memory": ({"bandwidth", "first_touch"}, ()),
    "transforms": ({"rows", "whole", "passes"}, ("scipy", "pyfftw")),
    "multiplication": ({"multiplication"}, ("flint",)),
    "phi": ({"phi"}, ("flint",)),
    "proof": ({"proof"}, ()),
    "mersenne": ({"bandwidth", "lengths", "exponents"}, ("pyfftw",)),
    "mersenne_torture": ({"kills", "all_kills", "undisturbed", "corruptions"}, ()),
    "volume": ({"volume"}, ()),
    "outofcore": ({"outofcore"}, ()),
    "checks": ({"turns", "checks"}, ()),
    "estimates": ({"estimates", "errors"}, ()),
    "digits": ({"find", "stats", "compression", "digits"}, ()),
}
"""Sections of the results, and the packages that a program does without."""


def run(program: str, folder: Path, path: Path, *options: str) -> tuple[dict, str]:
    """JSON and terminal output of `program --quick`, with `path` searched first for modules."""
    result = folder / "result.json"
    environment = {**os.environ, "PYTHONPATH": f"{path}{os.pathsep}{ROOT}"}
    script = str(ROOT / "benchmarks" / f"{program}.py")
    done = subprocess.run([sys.executable, script, "--quick", "--json", str(result), *options], cwd=folder,
                          env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return json.loads(result.read_text(), parse_constant=pytest.fail), done.stdout


def timings(value):
    """All numbers in the lists `times_s`, wherever they stand."""
    if isinstance(value, dict):
        for key, item in value.items():
            if key != "times_s":
                yield from timings(item)
            else:
                yield from (t for ts in item.values() for t in ts) if isinstance(item, dict) else item
    elif isinstance(value, list):
        for item in value:
            yield from timings(item)


@pytest.mark.parametrize("program", PROGRAMS)
def test_quick_run_writes_figures(program, tmp_path):
    data, output = run(program, tmp_path, tmp_path)
    assert data["schema"] == "bigconst-benchmark/1" and data["program"] == program and data["quick"]
    facts = data["machine"]
    assert facts["cpu"] and facts["cores"] >= 1 and facts["memory_bytes"] > 0 and facts["kernel"]
    assert {"numba", "llvmlite", "numpy"} <= facts["packages"].keys()
    assert facts["cpu"] in output
    sections, _ = PROGRAMS[program]
    assert data["results"].keys() == sections and all(data["results"].values())
    assert all(t > 0 and math.isfinite(t) for t in timings(data["results"]))
    assert list(tmp_path.iterdir()) == [tmp_path / "result.json"]
    if program == "phi":
        rows = {row["who"]: row for row in data["results"]["phi"]}
        assert rows["gmp"]["same"] == "yes" and "NO" not in {row["same"] for row in rows.values()}
        assert all(row["ratio"] == row["seconds"] / rows["bigconst"]["seconds"] for row in rows.values())
    if program == "mersenne_torture":
        check_torture(data)


def check_torture(data: dict) -> None:
    """No killed test, and no PRP test with a spoilt word, is wrong; every one of both is in the tables."""
    results = data["results"]
    assert not data["notes"] and {row["outcome"] for row in results["kills"] + results["undisturbed"]} == {"right"}
    for row in results["all_kills"]:
        assert row["kills"] == 2 and row["resumes"] <= 2 and row["again_worst"] > 0
    rows = {row["test"]: row for row in results["corruptions"] if row["size"] == "all"}
    assert rows["LL"]["trials"] == rows["PRP"]["trials"] == rows["PRP"]["repaired"] == 6
    assert all(trial["outcome"] == "repaired" and trial["checks"] for trial in rows["PRP"]["each"])


@pytest.mark.parametrize("program", [name for name, (_, peers) in PROGRAMS.items() if peers])
def test_peers_that_are_missing_are_left_out_with_a_note(program, tmp_path):
    hidden = tmp_path / "hidden"
    hidden.mkdir()
    _, peers = PROGRAMS[program]
    for peer in peers:
        (hidden / f"{peer}.py").write_text("raise ImportError\n")
    data, output = run(program, tmp_path, hidden)
    assert len(data["notes"]) == len(peers)
    for peer in peers:
        assert any(peer in note for note in data["notes"])
        assert peer in output
    assert all(data["results"].values())


FAKE_MLUCAS = """#!/bin/sh
# With two ways to cut a length of 2K, the second faster, and none for others.
echo "$*" >> "{log}"
[ "$2" = 2 ] || exit 1
case "$*" in
*-radset*) ;;
*) echo "Using complex FFT radices        32        32"; echo "Clocks = 00:01:00.000" ;;
esac
echo "Using complex FFT radices        16         8         8" >&2
echo "Clocks = 00:00:03.500" >&2
"""
"""Prints what Mlucas 21 prints."""


def test_the_peer_of_the_squarings_is_timed_by_its_own_clock(tmp_path):
    log, peer = tmp_path / "log", tmp_path / "Mlucas"
    peer.write_text(FAKE_MLUCAS.format(log=log))
    peer.chmod(0o755)
    data, output = run("mersenne", tmp_path, tmp_path, "--peer", str(peer), "--threads", "1")
    assert "Mlucas ms" in output and "FFTW" not in output
    calls = [line.split() for line in log.read_text().splitlines()]
    rows = data["results"]["lengths"] + data["results"]["exponents"]
    assert [row["length"] for row in rows] == ["1K", "1536", "2K", "6K"]
    for row in rows:
        mine = [call for call in calls if call[3] == str(row["exponent"])]
        assert all(f"{call[1]}K" == row["length"] and len(call[7].split(",")) == 1 for call in mine)
        if row["length"] == "2K":
            timed = [int(call[5]) for call in mine if call[-2:] == ["-radset", "16,8,8"]]
            assert row["peer_ms"] == pytest.approx(3500 / timed[-1]) and len(timed) >= 2
        else:
            assert row["peer_ms"] is None and len(mine) == (row["length"] != "1536")


def test_round_off_is_calibrated(tmp_path):
    data, _ = run("mersenne", tmp_path, tmp_path, "--calibrate", "3000")
    (section, rows), = data["results"].items()
    assert section == "calibration" and [row["length"] for row in rows] == ["1K"]
    for row in rows:
        assert len(row["errors"]) == 3 and 0 < row["least"] <= row["median"] <= row["largest"] == max(row["errors"])
        assert row["largest"] < 0.5 and row["test"] >= sum(row["errors"]) / 3
