"""Speeds between what was measured, and the file that keeps them."""

import json
import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bigconst.estimates.speeds import (
    AccessPattern,
    DiskSpeeds,
    Rate,
    Speeds,
    as_json,
    faster,
    from_json,
    sequential_disks,
)
from bigconst.plans.accounts import Traffic

HOST = {"cpu": "some processor", "cores": 4, "memory_bytes": 1 << 30, "vector_bits": 256, "clock_ghz": None,
        "name": "here", "version": "0"}


def speeds(**rates) -> Speeds:
    given_rates = {name: (Rate(1 << 24, 1, 4e-9), Rate(1 << 24, 4, 1e-9)) for name in ("forward", "square", "inverse")}
    given_rates |= rates
    return Speeds("2026-11-21 12:00", HOST, 4, given_rates, 2e10, 1e9, 1.1e9, 0.5, 0.6, 1e-4, 0.02)


def test_between_two_sizes_the_rate_is_straight_in_the_logarithm():
    found = speeds(residue=(Rate(1024, 4, 1e-9), Rate(4096, 4, 3e-9), Rate(1024, 1, 1e-9), Rate(4096, 1, 3e-9)))
    assert found.seconds("residue", 2048, 4) == pytest.approx(2048 * 2e-9)
    assert found.seconds("residue", 4096, 4) == pytest.approx(4096 * 3e-9)
    assert found.seconds("residue", 1 << 20, 4) == pytest.approx((1 << 20) * 3e-9)


def test_small_numbers_take_as_long_as_the_smallest_that_was_measured():
    found = speeds(residue=(Rate(1024, 4, 1e-9), Rate(1024, 1, 1e-9)))
    assert found.seconds("residue", 1, 4) == found.seconds("residue", 1024, 4) == pytest.approx(1.024e-6)


def test_but_no_longer_than_a_call_where_only_large_ones_were_measured():
    found = speeds(touch=(Rate(1 << 29, 4, 2e-9), Rate(1 << 29, 1, 4e-9)))
    assert found.seconds("touch", 1 << 25, 4) == pytest.approx(2e-9 * (1 << 25))
    assert found.seconds("touch", 1, 4) == pytest.approx(1e-4)


@pytest.mark.parametrize("threads,share", [(1, 1.0), (2, 1 / 3 + 2 / 6), (4, 0.5), (8, 0.5)])
def test_threads_share_what_becomes_faster_with_them(threads, share):
    # 6 ns with one, 3 ns with four: 2 ns that all share nothing of, 4 ns that they divide (Amdahl).
    found = speeds(residue=(Rate(1024, 1, 6e-9), Rate(1024, 4, 3e-9)))
    assert found.seconds("residue", 1024, threads) == pytest.approx(1024 * 6e-9 * share)


def test_a_size_that_only_all_threads_were_measured_with():
    found = speeds(residue=(Rate(1024, 1, 6e-9), Rate(1024, 4, 3e-9), Rate(1 << 20, 4, 5e-9)))
    assert found.seconds("residue", 1 << 20, 1) == pytest.approx((1 << 20) * 10e-9)


def test_gflops_are_five_n_log_n_for_two_transforms():
    # 3 * 1 ns * 2^24 words for 2^23 points there and back
    assert speeds().gflops == pytest.approx(2 * 5 * 2**23 * 23 / (3 * 2**24))


def test_a_faster_machine_takes_less_of_everything():
    found = faster(speeds(), 2.5)
    assert found.seconds("square", 1 << 24, 4) == pytest.approx((1 << 24) * 1e-9 / 2.5)
    assert found.gflops == pytest.approx(2.5 * speeds().gflops)


# -- disks --------------------------------------------------------------------------

def test_a_disk_that_takes_turns_needs_the_sum():
    disks = sequential_disks(4e8, 2e8, "hdd")
    assert disks.seconds(Traffic(8 * 10**8, 6 * 10**8), 1 << 20) == pytest.approx(2 + 3)
    assert disks.cpu_s(Traffic(1, 1), 4096) == 0


def test_a_disk_that_reads_while_it_writes_needs_the_longer():
    pattern = AccessPattern(1 << 20, 1e9, 1e9, 2e9)       # together as fast as both alone
    assert pattern.seconds(Traffic(10**9, 10**9)) == pytest.approx(1)
    assert pattern.seconds(Traffic(3 * 10**9, 10**9)) == pytest.approx(3)


@given(st.floats(1e6, 1e10), st.floats(1e6, 1e10), st.floats(0.3, 1.9))
def test_what_was_measured_is_what_comes_out(read, write, together):
    # Half of 2 bytes is read while the other half is written.
    both = 2 / (1 / read + 1 / write) * together
    pattern = AccessPattern(1, read, write, both)
    assert pattern.seconds(Traffic(10**9, 10**9)) == pytest.approx(2e9 / both, rel=1e-6)
    assert pattern.seconds(Traffic(10**9, 0)) == pytest.approx(1e9 / read)
    assert pattern.seconds(Traffic(0, 10**9)) == pytest.approx(1e9 / write)


def test_between_two_request_sizes():
    disks = DiskSpeeds((), "ssd", (), (AccessPattern(1 << 10, 1e6, 1e6, 1e6, 4e-9),
                       AccessPattern(1 << 12, 3e6, 3e6, 3e6, 2e-9)), 0.001)
    traffic = Traffic(3 * 10**6, 0)
    assert disks.seconds(traffic, 1 << 11) == pytest.approx((3 + 1) / 2)
    assert disks.seconds(traffic, 1) == pytest.approx(3) and disks.seconds(traffic, 1 << 30) == pytest.approx(1)
    assert disks.cpu_s(traffic, 1 << 11) == pytest.approx(3e6 * 3e-9)


# -- the file -----------------------------------------------------------------------

DISKS = DiskSpeeds(("/mnt/a", "/mnt/b"), "hdd", ((1e8, 2e8), (1e8, 1.5e8)),
                   (AccessPattern(4096, 1.0, 2.0, 3.0, 1e-9),), 0.01, 0.2, 0.1)


def test_the_file_gives_back_what_it_was_given():
    assert from_json(as_json(speeds(), [DISKS])) == (speeds(), [DISKS])


@pytest.mark.parametrize("damage", [
    lambda text: text[:len(text) // 2], lambda text: "", lambda text: "[]", lambda text: "null",
    lambda text: text.replace("bigconst-speeds/3", "bigconst-speeds/2"),
    lambda text: text.replace('"threads"', '"thread"'), lambda text: text.replace('"forward"', '"fourward"'),
    lambda text: json.dumps({**json.loads(text), "rates": {}}),
    lambda text: json.dumps({**json.loads(text), "rates": 3}),
    lambda text: json.dumps({**json.loads(text), "disks": [{}]}),
    lambda text: json.dumps({**json.loads(text), "more": 1}),
    lambda text: text.replace("4e-09", '"fast"'), lambda text: text.replace("4e-09", "null"),
    lambda text: text.replace("1e-09", "0.0"), lambda text: text.replace("1e-09", "-1.0"),
    lambda text: text.replace("1e-09", "NaN"),
])
def test_a_damaged_file_is_refused(damage):
    text = as_json(speeds(), [DISKS])
    assert damage(text) != text
    with pytest.raises(ValueError):
        from_json(damage(text))


def test_a_factor_is_not_kept():
    assert from_json(as_json(replace(speeds(), factor=3.0), []))[0].factor is None
    assert math.isfinite(speeds().gflops)
