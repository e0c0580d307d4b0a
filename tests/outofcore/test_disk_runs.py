"""Whole runs on disk: the digits are those of the engine in memory, proved, and what was planned is what happened."""

import json
import os
import subprocess
import sys

import pytest
from certificates import digit_text, floor, ladder
from disk_runs import (
    AMPLE,
    BETWEEN,
    MIB,
    ONE_LEVEL,
    TWO_LEVELS,
    are_right,
    in_memory,
    plan_on_disk,
    run_on_lanes,
    run_watched,
    same,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from plan_places import ladder_levels

from bigconst import __version__
from bigconst.constants.golden import PHI
from bigconst.constants.planning import make_plan
from bigconst.constants.sqrt import root_of

SQRT2, SQRT12345, SQRT_MAX = (root_of(d) for d in (2, 12345, 2**31 - 1))
SQUARE = root_of(46340**2)

# constant, digits, base, workspace KiB, lanes, disk, threads
MATRIX = [
    (PHI, 135_000, 10, 576, 1, "ssd", 1),
    (PHI, 270_001, 10, 768, 2, "hdd", 2),
    (PHI, 299_999, 16, 1024, 3, "ssd", 3),
    (PHI, 420_002, 10, 576, 4, "ssd", 2),
    (PHI, 510_004, 10, 576, 1, "ssd", 2),               # a pass between
    (PHI, 670_003, 10, 768, 2, "hdd", 1),               # 24 rows, and runs of two chunks
    (SQRT2, 160_003, 10, 640, 3, "hdd", 1),
    (SQRT2, 543_210, 16, 960, 4, "ssd", 3),
    (SQRT12345, 420_007, 16, 576, 2, "hdd", 2),
    (SQRT_MAX, 250_004, 10, 896, 1, "ssd", 3),
    (SQRT_MAX, 520_111, 16, 576, 2, "hdd", 2),
    (SQUARE, 900_001, 10, 576, 2, "ssd", 1),
    (SQUARE, 1_000_004, 16, 768, 1, "hdd", 2),
]


def check_accounts(found) -> None:
    """Every stage moved what the plan says, within 5 % and a few blocks."""
    disk = found.plan.disk
    assert [record["name"] for record in found.outcome.stages] == [name for name, _ in disk.stages]
    blocks = 16 * max(disk.chunk_bytes, 4096)        # a certificate looks at a dozen places
    for record in found.outcome.stages:
        for way in ("read", "written"):
            planned, measured = record[f"planned_{way}_bytes"], record[f"{way}_bytes"]
            assert abs(measured - planned) <= 0.05 * planned + blocks, (record, way)
    assert set(found.sizes) == {disk.scratch_bytes}
    assert found.faults == [] and found.outcome.faults == {}


@pytest.mark.parametrize("constant,digits,base,workspace,lanes,disk,threads", MATRIX)
def test_files_are_those_of_memory_and_accounts_are_kept(constant, digits, base, workspace, lanes, disk, threads,
                                                        tmp_path):
    plan = plan_on_disk(constant, digits, base, workspace << 10, disk, threads)
    found = run_on_lanes(plan, tmp_path, lanes)
    assert are_right(found.files(), constant, digits, base)
    check_accounts(found)
    digest = found.text.decode().strip().replace(".", "")
    assert found.outcome.last_digits == digest[-100:]


def test_the_matrix_covers_what_it_should():
    plans = [plan_on_disk(constant, digits, base, workspace << 10, disk, threads).disk
             for constant, digits, base, workspace, _, disk, threads in MATRIX]
    assert {len(ladder_levels(plan.trace)) for plan in plans} >= {0, 1, 2}
    shapes = [shape for plan in plans for shape, *_ in plan.shapes]
    assert {shape.passes for shape in shapes} == {2, 3} and {shape.rows for shape in shapes} == {8, 24}
    assert {shape.run_words // shape.chunk_words for shape in shapes} == {1, 2}
    assert {digits % 5 for _, digits, base, *_ in MATRIX if base == 10} == {0, 1, 2, 3, 4}
    assert {make_plan(c, digits, 16, 1, AMPLE).digits % 4 for c, digits, base, *_ in MATRIX if base == 16} >= {1, 2, 3}


@pytest.mark.parametrize("constant,digits,base", [(PHI, 134_999, 10), (SQRT2, 145_678, 16), (SQRT_MAX, 150_003, 10)])
def test_a_certificate_by_gmpy2(constant, digits, base):
    plan = plan_on_disk(constant, digits, base)
    found = run_watched(plan)
    text = digit_text(floor(constant.name, base, plan.digits), base, plan.digits)
    assert same(found.text, text) and len(found.certificate) == plan.certificate_bytes
    told = json.loads(found.certificate[:4096])["parameters"]
    # y is within 5 units of its limit.
    assert found.certificate in [ladder(constant.name, base, plan.digits, told["k"], told["K"], off).file(
        text, version=__version__) for off in range(-5, 6)]


@given(constant=st.sampled_from([PHI, SQRT2, root_of(3), SQRT12345, SQRT_MAX, SQUARE]),
       digits=st.integers(135_000, 450_000), base=st.sampled_from([10, 16]), seed=st.integers(0, 2**32),
       workspace=st.integers(576 << 10, MIB), disk=st.sampled_from(["hdd", "ssd"]), threads=st.integers(1, 2))
@settings(max_examples=settings.default.max_examples // 2)
def test_any_run_on_a_volume_that_watches_it(constant, digits, base, seed, workspace, disk, threads):
    """Transfers as late as they may be; nothing under way meets anything else; nothing is read that was not written."""
    plan = make_plan(constant, digits, base, threads, AMPLE, workspace_bytes=workspace, disk=disk)
    if plan.disk is not None:
        assert are_right(run_watched(plan, seed).files(), constant, digits, base)


def test_a_pass_between_on_a_volume_that_watches_it():
    plan = plan_on_disk(PHI, BETWEEN, threads=2)
    assert any(shape.passes == 3 for shape, *_ in plan.disk.shapes)
    assert are_right(run_watched(plan, 5).files(), PHI, BETWEEN)


def test_stages_are_announced_in_order():
    plan, events = plan_on_disk(PHI, TWO_LEVELS), []
    run_watched(plan, emit=events.append)
    names = [name for name, _ in plan.disk.stages]
    told = [(type(event).__name__, event.name, event.index, event.count) for event in events
            if type(event).__name__.startswith("Stage")]
    assert told == [(kind, name, i, len(names)) for i, name in enumerate(names, 1)
                    for kind in ("StageStarted", "StageDone")]
    assert type(events[0]).__name__ == "PlanMade" and type(events[-1]).__name__ == "Finished"


def test_without_a_certificate(tmp_path):
    plan = plan_on_disk(PHI, ONE_LEVEL, certified=False)
    found = run_on_lanes(plan, tmp_path)
    assert same(found.text, in_memory(PHI, ONE_LEVEL)[0]) and found.certificate == b""
    check_accounts(found)
    assert not [record["name"] for record in found.outcome.stages if "proof" in record["name"]]


@pytest.mark.parametrize("base", [10, 16])
def test_threads_lanes_and_disks_do_not_change_the_round_off(base, tmp_path):
    found = set()
    for threads, lanes in ((1, 1), (2, 2), (3, 4)):
        plan = plan_on_disk(SQRT2, TWO_LEVELS, base, threads=threads)
        where = tmp_path / f"{threads}"
        where.mkdir()
        run = run_on_lanes(plan, where, lanes)
        found.add((run.files(), run.outcome.max_roundoff, run.outcome.digit_hash))
    assert len(found) == 1 and 0 < found.pop()[1] < 0.1


# --- longer ones -------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("constant,base,workspace,disk", [
    (PHI, 16, 32, "hdd"), (SQRT_MAX, 10, 4, "ssd"),
])
def test_ten_million_digits(constant, base, workspace, disk, tmp_path):
    plan = plan_on_disk(constant, 10**7, base, workspace * MIB, disk, 2)
    found = run_on_lanes(plan, tmp_path, 2)
    assert are_right(found.files(), constant, 10**7, base)
    check_accounts(found)


@pytest.mark.slow
@pytest.mark.parametrize("workspace,disk", [(64, "ssd"), (16, "hdd")])
def test_thirty_million_digits_within_the_memory_of_the_plan(workspace, disk, tmp_path):
    program = f"""
from bigconst.base.hardware import peak_memory_bytes
from bigconst.constants.golden import PHI
from bigconst.runs.kernels import DIGITS, DISK, load
from disk_runs import FileSink, MIB, Volume, engine, plan_on_disk
load(DIGITS, DISK)
plan = plan_on_disk(PHI, 3 * 10**7, 10, {workspace} * MIB, {disk!r}, 2)
with Volume([{str(tmp_path)!r}], plan.disk.scratch_bytes, plan.disk.stripe_bytes) as volume:
    files = FileSink({str(tmp_path / "text")!r}), FileSink({str(tmp_path / "certificate")!r})
    engine.run(plan, files[0], lambda event: None, files[1], volume)
print(plan.peak_memory_bytes, peak_memory_bytes())
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True,
                          env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)})
    assert done.returncode == 0, done.stderr
    planned, peak = map(int, done.stdout.split())
    assert are_right([(tmp_path / name).read_bytes() for name in ("text", "certificate")], PHI, 3 * 10**7)
    assert peak <= planned
