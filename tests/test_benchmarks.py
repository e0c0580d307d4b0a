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
    "mersenne": ({"lengths", "exponents"}, ("pyfftw",)),
    "volume": ({"volume"}, ()),
    "outofcore": ({"outofcore"}, ()),
    "checks": ({"turns", "checks"}, ()),
}
"""Sections of the results, and the packages that a program does without."""


def run(program: str, folder: Path, path: Path) -> tuple[dict, str]:
    """JSON and terminal output of `program --quick`, with `path` searched first for modules."""
    result = folder / "result.json"
    environment = {**os.environ, "PYTHONPATH": f"{path}{os.pathsep}{ROOT}"}
    script = str(ROOT / "benchmarks" / f"{program}.py")
    done = subprocess.run([sys.executable, script, "--quick", "--json", str(result)], cwd=folder, env=environment,
                          capture_output=True, text=True)
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
