"""Whole runs on disk: the files are those of the engine in memory, and what was planned is what happened."""

import os
import subprocess
import sys

import pytest
from certificates import certificate as certificate_by_gmpy2
from certificates import digit_text, floor
from disk_runs import AMPLE, MIB, PHI, in_memory, plan_on_disk, run_on_lanes, run_watched, same
from hypothesis import given, settings
from hypothesis import strategies as st

from bigconst import __version__
from bigconst.base.constant import Constant
from bigconst.plans.plan import make_plan

SQRT2, SQRT12345, SQRT_MAX = (Constant("sqrt", d) for d in (2, 12345, 2**31 - 1))
SQUARE = Constant("sqrt", 46340**2)

# constant, digits, base, workspace MiB, lanes, disk, threads
MATRIX = [
    (PHI, 300_000, 10, 1, 1, "ssd", 1),
    (PHI, 300_001, 10, 1, 2, "hdd", 2),
    (PHI, 299_999, 16, 1, 3, "ssd", 3),
    (PHI, 1_234_567, 10, 1, 4, "ssd", 2),
    (PHI, 1_000_003, 10, 2, 2, "hdd", 1),
    (PHI, 3_000_002, 10, 8, 1, "ssd", 2),
    (PHI, 3_000_000, 16, 7, 2, "hdd", 2),
    (PHI, 3_950_004, 10, 1, 1, "ssd", 2),               # a pass between
    (SQRT2, 345_678, 10, 1, 1, "hdd", 1),
    (SQRT2, 543_210, 16, 2, 4, "ssd", 3),
    (SQRT2, 2_000_001, 10, 4, 3, "hdd", 2),
    (SQRT12345, 299_998, 10, 1, 2, "ssd", 2),
    (SQRT12345, 1_500_007, 16, 3, 1, "hdd", 1),
    (SQRT_MAX, 250_003, 10, 1, 1, "ssd", 3),
    (SQRT_MAX, 1_111_111, 16, 1, 2, "hdd", 2),
    (SQUARE, 500_001, 10, 1, 2, "ssd", 1),
    (SQUARE, 1_000_000, 16, 1, 1, "hdd", 2),
]


def check_accounts(found) -> None:
    """Every stage moved what the plan says, within 5 % and a few blocks."""
    disk = found.plan.disk
    assert [record["name"] for record in found.outcome.stages] == [name for name, _ in disk.stages]
    blocks = 8 * max(disk.chunk_bytes, 4096)
    for record in found.outcome.stages:
        for way in ("read", "written"):
            planned, measured = record[f"planned_{way}_bytes"], record[f"{way}_bytes"]
            assert abs(measured - planned) <= 0.05 * planned + blocks, (record, way)
    assert found.sizes[0] == max(found.sizes) == disk.scratch_bytes
    assert found.sizes[-1] <= disk.kept_bytes
    assert found.faults == [] and found.outcome.faults == {}


@pytest.mark.parametrize("constant,digits,base,workspace,lanes,disk,threads", MATRIX)
def test_files_are_those_of_memory_and_accounts_are_kept(constant, digits, base, workspace, lanes, disk, threads,
                                                        tmp_path):
    plan = plan_on_disk(constant, digits, base, workspace * MIB, disk, threads)
    found = run_on_lanes(plan, tmp_path, lanes)
    assert same(found.files(), in_memory(constant, digits, base))
    check_accounts(found)
    digest = found.text.decode().strip().replace(".", "")
    assert found.outcome.last_digits == digest[-100:]


def test_the_matrix_covers_what_it_should():
    plans = [plan_on_disk(constant, digits, base, workspace * MIB, disk, threads).disk
             for constant, digits, base, workspace, _, disk, threads in MATRIX]
    assert {len(plan.levels) for plan in plans} >= {0, 1, 2}
    assert {shape.passes for plan in plans for shape in plan.shapes} == {2, 3}
    assert {digits % 5 for _, digits, base, *_ in MATRIX if base == 10} == {0, 1, 2, 3, 4}
    assert {make_plan(c, digits, 16, 1, AMPLE).digits % 4 for c, digits, base, *_ in MATRIX if base == 16} >= {1, 2, 3}


@pytest.mark.parametrize("constant,digits,base", [(PHI, 300_000, 10), (SQRT2, 345_678, 16), (SQRT_MAX, 250_003, 10)])
def test_a_certificate_by_gmpy2(constant, digits, base):
    plan = plan_on_disk(constant, digits, base)
    found = run_watched(plan)
    text = digit_text(floor(constant.name, base, plan.digits), base, plan.digits)
    certificate = certificate_by_gmpy2(constant.name, base, plan.digits, text, version=__version__)
    assert same(found.files(), (text, certificate))


@given(constant=st.sampled_from([PHI, SQRT2, Constant("sqrt", 3), SQRT12345, SQRT_MAX, SQUARE]),
       digits=st.integers(250_000, 600_000), base=st.sampled_from([10, 16]), seed=st.integers(0, 2**32),
       workspace=st.integers(MIB, 2 * MIB), disk=st.sampled_from(["hdd", "ssd"]), threads=st.integers(1, 2))
@settings(deadline=None, max_examples=15)
def test_any_run_on_a_volume_that_watches_it(constant, digits, base, seed, workspace, disk, threads):
    """Transfers as late as they may be; nothing under way meets anything else; nothing is read that was not written."""
    plan = make_plan(constant, digits, base, threads, AMPLE, workspace_bytes=workspace, disk=disk)
    if plan.disk is not None:
        assert same(run_watched(plan, seed).files(), in_memory(constant, digits, base))


def test_a_pass_between_on_a_volume_that_watches_it():
    plan = plan_on_disk(PHI, 3_950_004, 10, MIB, "ssd", 2)
    assert any(shape.passes == 3 for shape in plan.disk.shapes)
    assert same(run_watched(plan, 5).files(), in_memory(PHI, 3_950_004))


def test_stages_are_announced_in_order():
    plan, events = plan_on_disk(PHI, 2_000_000, 10, 2 * MIB), []
    run_watched(plan, emit=events.append)
    names = [name for name, _ in plan.disk.stages]
    told = [(type(event).__name__, event.name, event.index, event.count) for event in events
            if type(event).__name__.startswith("Stage")]
    assert told == [(kind, name, i, len(names)) for i, name in enumerate(names, 1)
                    for kind in ("StageStarted", "StageDone")]
    assert type(events[0]).__name__ == "PlanMade" and type(events[-1]).__name__ == "Finished"


def test_without_a_certificate(tmp_path):
    plan = plan_on_disk(PHI, 400_000, certified=False)
    found = run_on_lanes(plan, tmp_path)
    assert same(found.text, in_memory(PHI, 400_000)[0]) and found.certificate == b""
    check_accounts(found)
    assert "remainder" not in [record["name"] for record in found.outcome.stages]


@pytest.mark.parametrize("base", [10, 16])
def test_threads_lanes_and_disks_do_not_change_the_round_off(base, tmp_path):
    found = set()
    for threads, lanes in ((1, 1), (2, 2), (3, 4)):
        plan = plan_on_disk(SQRT2, 500_003, base, MIB, "ssd", threads)
        where = tmp_path / f"{threads}"
        where.mkdir()
        run = run_on_lanes(plan, where, lanes)
        found.add((run.files(), run.outcome.max_roundoff, run.outcome.digit_hash))
    assert len(found) == 1 and 0 < found.pop()[1] < 0.1


# --- longer ones -------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("constant,base,workspace,disk", [
    (PHI, 10, 4, "ssd"), (PHI, 16, 32, "hdd"), (SQRT2, 10, 1, "hdd"), (SQRT_MAX, 10, 8, "ssd"),
])
def test_ten_million_digits(constant, base, workspace, disk, tmp_path):
    plan = plan_on_disk(constant, 10**7, base, workspace * MIB, disk, 2)
    found = run_on_lanes(plan, tmp_path, 2)
    assert same(found.files(), in_memory(constant, 10**7, base))
    check_accounts(found)


@pytest.mark.slow
@pytest.mark.parametrize("workspace,disk", [(64, "ssd"), (16, "hdd")])
def test_a_hundred_million_digits_within_the_memory_of_the_plan(workspace, disk, tmp_path):
    program = f"""
from bigconst.base.hardware import peak_memory_bytes
from disk_runs import FileSink, MIB, PHI, Volume, engine, plan_on_disk
engine.load_kernels()
plan = plan_on_disk(PHI, 10**8, 10, {workspace} * MIB, {disk!r}, 2)
with Volume([{str(tmp_path)!r}], plan.disk.scratch_bytes, plan.disk.stripe_bytes) as volume:
    files = FileSink({str(tmp_path / "text")!r}), FileSink({str(tmp_path / "certificate")!r})
    engine.run(plan, files[0], lambda event: None, files[1], volume)
print(plan.peak_memory_bytes, peak_memory_bytes())
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True,
                          env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)})
    assert done.returncode == 0, done.stderr
    planned, peak = map(int, done.stdout.split())
    text, certificate = in_memory(PHI, 10**8)
    assert same((tmp_path / "text").read_bytes(), text)
    assert same((tmp_path / "certificate").read_bytes(), certificate)
    assert peak <= planned
