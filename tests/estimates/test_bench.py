"""The benchmark: what it measures, what it keeps, what it leaves alone."""

import dataclasses
import json
import math

import numpy as np
import pytest

from bigconst.base import failpoints
from bigconst.base.errors import DiskFull, UsageError
from bigconst.base.hardware import default_threads, processor
from bigconst.bench import measure as measuring
from bigconst.bench import measuredisks, measureslabs, measureterms, turns
from bigconst.bench.measuredisks import Sweep, measure_disks
from bigconst.cli import main
from bigconst.estimates.speeds import from_json
from bigconst.estimates.work import OPERATIONS
from bigconst.runs import speeds as kept
from bigconst.runtime.arena import Arena
from bigconst.storage.manifest import write_manifest
from bigconst.storage.volume import Volume


@pytest.fixture
def small(monkeypatch, tmp_path):
    """A benchmark of a second, kept apart."""
    monkeypatch.setattr(measuring, "TRANSFORM_WORDS", (1 << 13, 1 << 16))
    monkeypatch.setattr(measuring, "LINEAR_WORDS", (1 << 13, 1 << 16))
    monkeypatch.setattr(measuring, "SQUARING_WORDS", (1 << 10, 1 << 13))
    monkeypatch.setattr(measuring, "SQUARED_WORDS", 1 << 16)
    monkeypatch.setattr(measuring, "JACOBI_BITS", (1 << 10, 1 << 12))
    monkeypatch.setattr(measuring, "TOUCH_BYTES", 1 << 20)
    monkeypatch.setattr(measuring, "FILE_DIGITS", 10**5)
    monkeypatch.setattr(measureslabs, "SIZES", ((1 << 24, 128 << 20),))
    monkeypatch.setattr(measureslabs, "DIGITS_SIZE", 1 << 24)
    monkeypatch.setattr(measureslabs, "LONG_ROWS", (1 << 26, 256 << 20))
    monkeypatch.setattr(measureslabs, "SUM_WORDS", 1 << 20)
    monkeypatch.setattr(measureslabs, "PASS_WORDS", 1 << 20)
    monkeypatch.setattr(measureterms, "TERMS", {"pi": (200, 3000), "e": (500, 5000)})
    monkeypatch.setattr(measureterms, "CHECKED_DIGITS", 10**4)
    monkeypatch.setattr(measuredisks, "VOLUME_BYTES", 64 << 20)
    monkeypatch.setattr(measuredisks, "MEMORY_BYTES", 64 << 20)
    monkeypatch.setattr(measuredisks, "SWEEP_S", 0.02)
    monkeypatch.setattr(turns, "TURNS", 2)
    monkeypatch.setattr(turns, "LEAST_S", 0.001)
    # A child process would compile all kernels for the other cache.
    monkeypatch.setattr(measuring, "start_s", lambda turns: 0.5)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def quick(small, monkeypatch, speeds):
    """The same with speeds of processors that were never measured."""
    made = []

    def measured(*, short):
        made.append(short)
        return dataclasses.replace(speeds, threads=default_threads(), host={**speeds.host, **processor()})

    monkeypatch.setattr(kept, "measured", measured)
    return made


@pytest.mark.slow
def test_every_operation_of_the_model_is_measured(small, capsys):
    (small / "swap").mkdir()
    assert main(["bench", "--json", "bench.json"]) == 0
    speeds, (disks,) = from_json((small / "bench.json").read_text())
    assert speeds.rates.keys() == OPERATIONS.keys()
    for rates in speeds.rates.values():
        assert {rate.threads for rate in rates} == {1, speeds.threads}
        assert len({(rate.words, rate.threads) for rate in rates}) == len(rates)
        assert all(0 < rate.seconds_per_word < 1 for rate in rates)
    assert speeds.gflops > 0 and 0 <= speeds.spread < 10
    assert disks.directories == (str(small / "swap"),) and len(disks.lanes) == 1
    assert [p.request_bytes for p in disks.patterns] == list(measuredisks.REQUEST_BYTES)
    assert all(p.cpu_s_per_byte > 0 for p in disks.patterns) and disks.sync_s >= 0
    out = capsys.readouterr().out
    for part in ("GFLOP/s", "Squarings", "copy of memory", "requests of 8.00 MiB", str(small / "swap")):
        assert part in out
    assert kept.known_speeds(["swap"]) == (speeds, disks)
    assert list((small / "swap").iterdir()) == []
    assert sorted(path.name for path in small.iterdir()) == ["bench.json", "cache", "swap"]


@pytest.mark.slow
def test_a_short_benchmark_measures_all_of_it_too(small):
    speeds, _ = kept.known_speeds([])
    assert speeds.rates.keys() == OPERATIONS.keys()


def test_a_full_disk_takes_no_benchmark(small, quick, capsys):
    with failpoints.active(f"output.write[{small / 'bench.json'}]=ENOSPC"):
        assert main(["bench", "--json", "bench.json"]) == 3
    out, err = capsys.readouterr()
    assert "Transforms, GFLOP/s" in out and "bench.json: No space left on device; " in err


def test_without_a_benchmark_a_short_one_runs_and_says_so(small, quick, capsys):
    (small / "scratch").mkdir()
    speeds, disks = kept.known_speeds(["scratch"])
    said = capsys.readouterr().err
    assert "no benchmark of this machine yet: a short one runs" in said
    assert "no benchmark of scratch yet" in said
    assert kept.known_speeds(["scratch"]) == (speeds, disks)
    assert capsys.readouterr().err == ""
    assert kept.known_speeds([]) == (speeds, None)
    assert quick == [True]


@pytest.mark.parametrize("changed", [
    lambda fields: {"host": {**fields["host"], "cpu": "another"}}, lambda fields: {"schema": "bigconst-speeds/1"}])
def test_what_another_machine_or_version_measured_is_measured_anew(small, quick, capsys, changed):
    kept.known_speeds([])
    path = small / "cache" / "bigconst" / "speeds.json"
    fields = json.loads(path.read_text())
    path.write_text(json.dumps(fields | changed(fields)))
    capsys.readouterr()
    assert kept.known_speeds([])[0].host["cpu"] != "another"
    assert "a short one runs" in capsys.readouterr().err


def test_a_damaged_file_is_named(small, quick, capsys):
    path = small / "cache" / "bigconst" / "speeds.json"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"\xff\x00 no benchmark")
    with pytest.raises(UsageError, match="speeds.json is damaged.*run `bigconst bench`, which replaces it"):
        kept.known_speeds([])
    assert main(["bench"]) == 0
    capsys.readouterr()
    assert kept.known_speeds([])[0].rates.keys() == OPERATIONS.keys()
    assert capsys.readouterr().err == "" and quick == [False]


def test_an_interrupted_run_is_not_written_over(small, capsys):
    (small / "swap").mkdir()
    write_manifest(str(small / "swap"), {"run_id": "x", "command": "bigconst phi --digits 5", "request": {}})
    before = sorted(path.name for path in (small / "swap").iterdir())
    assert main(["bench"]) == 2
    assert "holds the interrupted run `bigconst phi --digits 5`" in capsys.readouterr().err
    assert sorted(path.name for path in (small / "swap").iterdir()) == before


@pytest.mark.parametrize("options,code", [
    (["--swap", "nowhere"], 3), (["--json", "nowhere/x.json"], 3), (["--bad"], 2)])
def test_bad_places_are_one_line(small, quick, capsys, options, code):
    assert main(["bench", *options]) == code
    said = capsys.readouterr().err.splitlines()
    assert said[-1].startswith("bigconst: ") and len([line for line in said if line.startswith("bigconst:")]) == 1


def test_two_lanes_and_no_room(small, monkeypatch):
    for name in ("a", "b"):
        (small / name).mkdir()
    found = measure_disks([str(small / "a"), str(small / "b")], "ssd", short=True)
    assert len(found.lanes) == 2 and all(math.isfinite(rate) and rate > 0 for lane in found.lanes for rate in lane)
    monkeypatch.setattr(measuredisks, "_free_bytes", lambda directories: 100 << 20)
    with pytest.raises(DiskFull):
        measure_disks([str(small / "a")], "ssd")


def test_blocks_that_were_not_written_are_not_read(small):
    with Volume([small], 32 << 20, 1 << 20) as volume:
        sweep = Sweep(volume, Arena(4 << 20).take(4 << 20, np.uint8), 1 << 20, 4)
        assert sweep.run("read") == 0
        assert sweep.run("both") == 16 << 20
        assert sweep.run("read") == 16 << 20
        assert sweep.run("write") == sweep.run("read") == sweep.total_bytes == 32 << 20


def test_loading_of_kernels_is_timed_in_a_fresh_process():
    assert 0 < measuring.start_s(1) < 600
