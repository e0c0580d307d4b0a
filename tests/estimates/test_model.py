"""Seconds of steps, by hand."""

from dataclasses import replace

import pytest

from bigconst.estimates.model import MODEL_ERROR, SCALED_ERROR, estimate
from bigconst.estimates.speeds import AccessPattern, DiskSpeeds, Rate, Speeds, faster
from bigconst.estimates.work import Move, Stage, WorkStep
from bigconst.plans.accounts import Traffic

WORDS = 10**6
RATES = {name: (Rate(1 << 16, 1, 2e-9), Rate(1 << 16, 2, 1e-9))
         for name in ("forward", "square", "inverse", "slab row", "touch")}
SPEEDS = Speeds("2026-11-21 12:00", {}, 2, RATES, 1e10, 5e8, 2.5e8, 0.75, 0.5, 1e-9, 0.0)
DISKS = DiskSpeeds((), "ssd", (), (AccessPattern(1 << 20, 1e9, 1e9, 1e9),), 0.01, 0.25)


def stage(step: WorkStep, disks=DISKS, speeds=SPEEDS, threads=2, times=1):
    """The estimate of a stage of one step."""
    start, found = estimate([Stage("some", (step,), times)], speeds, disks, threads).stages
    assert start.seconds == start.compute_s == 0.5
    return found


def test_operations_follow_each_other():
    found = stage(WorkStep((("forward", WORDS), ("square", 3 * WORDS))), None)
    assert found.seconds == found.compute_s == pytest.approx(4 * WORDS * 1e-9)
    assert found.disk_s == found.read_bytes == 0


def moved(read: int, written: int, block_bytes: int = 1 << 20) -> tuple[Move, ...]:
    """In runs of one block."""
    return (Move(Traffic(read, written), block_bytes, block_bytes),)


def test_disks_and_processors_at_once_but_for_what_they_wait_for_each_other():
    step = WorkStep((("slab row", 10 * WORDS),), moved(10**7, 10**7))
    found = stage(step)
    assert found.compute_s == pytest.approx(0.01) and found.disk_s == pytest.approx(0.02)
    assert found.seconds == pytest.approx(0.02 + 0.25 * 0.01) and found.bound == "disk"
    assert (found.read_bytes, found.written_bytes) == (10**7, 10**7)


def test_one_after_the_other():
    step = WorkStep((("slab row", 10 * WORDS),), moved(10**7, 0), at_once=False)
    assert stage(step).seconds == pytest.approx(0.02)


def test_waiting_until_data_is_safe():
    assert stage(WorkStep((("slab row", WORDS),), syncs=7)).seconds == pytest.approx(0.001 + 0.07)


def test_lanes_take_processors_too():
    disks = DiskSpeeds((), "ssd", (), (AccessPattern(1 << 20, 1e9, 1e9, 1e9, 1e-9),), 0.0)
    step = WorkStep(moves=moved(10**7, 0))
    assert stage(step, disks).compute_s == pytest.approx(1e7 * 1e-9 / 2)


def test_packed_digits_in_short_requests_cost_what_short_requests_cost_more():
    disks = DiskSpeeds((), "ssd", (), (AccessPattern(1 << 17, 1e8, 1e8, 1e8),
                       AccessPattern(1 << 20, 1e9, 1e9, 1e9)), 0.0)
    step = WorkStep(moves=(*moved(0, 10**9), *moved(10**8, 0, 1 << 17)))
    assert stage(step, disks).disk_s == pytest.approx(1.0 + 1.0)


def test_blocks_cost_processors_and_runs_cost_disks():
    disks = DiskSpeeds((), "ssd", (), (AccessPattern(1 << 17, 1e8, 1e8, 1e8, 3e-9),
                       AccessPattern(1 << 20, 1e9, 1e9, 1e9, 1e-9)), 0.0)
    found = stage(WorkStep(moves=(Move(Traffic(10**8, 0), 1 << 17, 1 << 20),)), disks)
    assert found.compute_s == pytest.approx(1e8 * 3e-9 / 2) and found.disk_s == pytest.approx(0.1)


def test_files_while_processors_are_busy():
    found = stage(WorkStep((("square", 10**9),), text_bytes=5 * 10**7), None)
    assert found.seconds == pytest.approx(1 + 0.75 * 0.1)


def test_python_takes_its_time_for_every_block_whatever_the_threads():
    slow = replace(SPEEDS, block_s=2e-3)
    step = WorkStep((("slab row", WORDS),), moved(10 << 20, 20 << 20))
    for speeds in (slow, faster(slow, 100.0)):
        found = stage(step, speeds=speeds)
        assert found.compute_s == pytest.approx(60e-3) and found.bound != "disk"


def test_a_journal_is_written_in_long_runs():
    disks = DiskSpeeds((), "ssd", (), (AccessPattern(1 << 17, 1e8, 1e8, 1e8),
                       AccessPattern(8 << 20, 1e9, 1e9, 1e9)), 0.0)
    step = WorkStep(moves=moved(10**7, 10**7, 1 << 17), journal_bytes=10**8, at_once=False)
    assert stage(step, disks).disk_s == pytest.approx(0.2 + 0.1)


def test_files_and_fresh_memory():
    step = WorkStep((("touch", 10**9),), text_bytes=10**9, certificate_bytes=5 * 10**8, at_once=False)
    found = stage(step, None)
    assert found.disk_s == pytest.approx(2 + 2) and found.compute_s == pytest.approx(1)
    assert found.seconds == pytest.approx(5)


def test_a_stage_many_times():
    assert stage(WorkStep((("square", WORDS),)), times=100).seconds == pytest.approx(0.1)


def test_memory_bounds_what_would_be_faster_in_the_caches():
    # In the caches 1 ns a word by one of two threads; 16 bytes a word from memory take 1.6 ns.
    assert stage(WorkStep((("square", WORDS),))).bound == "memory"
    in_memory = replace(SPEEDS, copy_bytes_per_s=1e11)
    assert stage(WorkStep((("square", WORDS),)), speeds=in_memory).bound == "compute"


def test_threads_that_are_not_used():
    assert stage(WorkStep((("square", WORDS),)), threads=1).seconds == pytest.approx(WORDS * 2e-9)


def test_another_machine_is_less_certain():
    work = [Stage("some", (WorkStep((("square", WORDS),)),))]
    here, there = (estimate(work, speeds, None, 2) for speeds in (SPEEDS, faster(SPEEDS, 4.0)))
    assert (here.error, there.error) == (MODEL_ERROR, SCALED_ERROR)
    assert there.stages[1].seconds == pytest.approx(here.stages[1].seconds / 4)
    assert here.seconds == pytest.approx(0.5 + 0.001) and here.bound in ("compute", "memory")


def test_errors_add_up_like_independent_ones():
    speeds = replace(SPEEDS, spread=0.3)
    disks = DiskSpeeds((), "ssd", (), DISKS.patterns, 0.0, 0.0, 0.4)
    assert estimate([], speeds, disks, 2).error == pytest.approx((MODEL_ERROR**2 + 0.3**2 + 0.4**2) ** 0.5)
