"""Quick runs of the benchmark programs in processes of their own, and what their results must have in common."""

import json
import math
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PROGRAMS = {
    "memory": ({"bandwidth", "first_touch"}, ()),
    "transforms": ({"rows", "whole", "passes"}, ("scipy", "pyfftw")),
    "multiplication": ({"multiplication"}, ("flint",)),
    "words": ({"words"}, ()),
    "roundoff": ({"roundoff"}, ()),
    "phi": ({"phi"}, ("flint",)),
    "proof": ({"proof"}, ()),
    "mersenne": ({"bandwidth", "lengths", "exponents"}, ("pyfftw",)),
    "volume": ({"volume"}, ()),
    "outofcore": ({"outofcore"}, ()),
    "checks": ({"turns", "checks"}, ()),
    "dispatch": ({"dispatch"}, ()),
    "estimates": ({"estimates", "errors"}, ()),
    "digits": ({"find", "stats", "compression", "digits"}, ()),
    "versions": ({"commands"}, ()),
    "cluster": ({"throughput", "wire", "coordinator"}, ()),
}
"""Sections of the results of each program, and the packages that it can do without."""


def run(program: Path, folder: Path, *options: str, modules: Path | None = None) -> tuple[dict, str]:
    """Run a program in `folder`; return its JSON and its terminal output.  Modules are searched in `modules` first."""
    result = folder / "result.json"
    path = [str(each) for each in (modules, ROOT) if each is not None]
    done = subprocess.run([sys.executable, str(program), *options, "--json", str(result)], cwd=folder,
                          env={**os.environ, "PYTHONPATH": os.pathsep.join(path)}, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return json.loads(result.read_text(), parse_constant=pytest.fail), done.stdout


def quick(program: str, folder: Path, *options: str, modules: Path | None = None) -> tuple[dict, str]:
    """`run` of a benchmark program with --quick."""
    return run(ROOT / "benchmarks" / f"{program}.py", folder, "--quick", *options, modules=modules)


def timings(value: dict | list) -> Iterator[float]:
    """All numbers in the lists named `times_s` of JSON data."""
    if isinstance(value, dict):
        for key, item in value.items():
            if key != "times_s":
                yield from timings(item)
            else:
                yield from (t for ts in item.values() for t in ts) if isinstance(item, dict) else item
    elif isinstance(value, list):
        for item in value:
            yield from timings(item)


def check_quick_run(program: str, folder: Path) -> dict:
    """Run a program in the empty `folder`, check what all programs write, and return the results."""
    data, output = quick(program, folder)
    assert data["schema"] == "bigconst-benchmark/1" and data["program"] == program and data["quick"]
    facts = data["machine"]
    assert facts["cpu"] and facts["cores"] >= 1 and facts["memory_bytes"] > 0 and facts["kernel"]
    assert {"numba", "llvmlite", "numpy"} <= facts["packages"].keys()
    assert facts["cpu"] in output
    results, (sections, _) = data["results"], PROGRAMS[program]
    assert results.keys() == sections and all(results.values())
    assert all(t > 0 and math.isfinite(t) for t in timings(results))
    assert "NO" not in {row.get("same") for rows in results.values() for row in rows}
    assert [path.name for path in folder.iterdir()] == ["result.json"]
    return results


def check_without_peers(program: str, folder: Path) -> None:
    """Run a program that finds none of its peers: it leaves each out with a note."""
    hidden = folder / "hidden"
    hidden.mkdir()
    _, peers = PROGRAMS[program]
    for peer in peers:
        (hidden / f"{peer}.py").write_text("raise ImportError\n")
    data, output = quick(program, folder, modules=hidden)
    assert len(data["notes"]) == len(peers) and all(data["results"].values())
    for peer in peers:
        assert any(peer in note for note in data["notes"]) and peer in output
