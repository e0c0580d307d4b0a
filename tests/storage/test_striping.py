"""Every byte has one place, lanes have no gaps, and a lane's share is what its speed and its space allow."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bigconst.base.errors import DiskFull
from bigconst.storage.striping import PERIOD, Striping, Zone, make_pattern, make_zones

UNIT = 4096

speeds = st.floats(0.01, 100, allow_nan=False)
patterns = st.lists(st.integers(0, 3), min_size=1, max_size=20)
several_zones = st.builds(lambda below, pattern: [*below, Zone(pattern)],
                          st.lists(st.builds(Zone, patterns, st.integers(1, 3)), max_size=3), patterns)


@given(several_zones, st.integers(1, 3), st.integers(0, 70))
def test_every_page_has_one_place_and_lanes_have_no_gaps(zones, pages_per_unit, pages):
    striping = Striping(zones, pages_per_unit * UNIT)
    places = []
    for page in range(pages):
        pieces = striping.split(page * UNIT, UNIT)
        assert sum(length for _, _, length in pieces) == UNIT
        places += [(lane, offset) for lane, offset, _ in pieces]
    for lane, size in enumerate(striping.lane_bytes(pages * UNIT)):
        offsets = sorted(offset for number, offset in places if number == lane)
        assert offsets == list(range(0, size, UNIT))


@given(several_zones, st.integers(1, 3), st.integers(0, 10**6), st.integers(1, 10**5))
def test_a_range_is_split_as_its_bytes_are(zones, pages_per_unit, address, length):
    striping = Striping(zones, pages_per_unit * UNIT)
    pieces = striping.split(address, length)
    assert sum(size for _, _, size in pieces) == length
    at = address
    for lane, offset, size in pieces:
        for byte in (0, size - 1):
            assert striping.split(at + byte, 1) == [(lane, offset + byte, 1)]
        at += size


@given(st.lists(speeds, min_size=1, max_size=6), st.integers(PERIOD * UNIT, 10**9))
def test_no_unit_would_be_finished_earlier_elsewhere(speeds, total):
    pattern = make_pattern(speeds, [10**12] * len(speeds), total, UNIT)
    counts = [pattern.count(lane) for lane in range(len(speeds))]
    slowest = max(count / speed for count, speed in zip(counts, speeds, strict=True))
    assert all((count + 1) / speed >= slowest * (1 - 1e-9) for count, speed in zip(counts, speeds, strict=True))


def test_shares_of_fast_and_slow_disks():
    def share(lane, *speeds):
        return make_pattern(speeds, [10**12] * len(speeds), 10**9, UNIT).count(lane) / PERIOD

    assert share(0, 1.0, 1.0) == pytest.approx(1 / 2, abs=0.01)
    assert share(0, 3.0, 1.0) == pytest.approx(3 / 4, abs=0.01)
    assert share(1, 500.0, 1.0) == 0


@given(st.lists(speeds, min_size=2, max_size=6))
def test_the_units_of_a_lane_lie_evenly_apart(speeds):
    pattern = make_pattern(speeds, [10**12] * len(speeds), 10**9, UNIT)
    for lane in range(len(speeds)):
        share = pattern.count(lane) / len(pattern)
        seen = 0
        for i, other in enumerate(pattern):
            seen += other == lane
            assert abs(seen - share * (i + 1)) <= len(speeds) / 2


@given(st.lists(st.tuples(speeds, st.integers(0, 5000)), min_size=1, max_size=5), st.integers(1, 20000))
def test_no_lane_gets_more_than_it_can_hold(lanes, units):
    speeds, free = [lane[0] for lane in lanes], [lane[1] * UNIT for lane in lanes]
    total = units * UNIT
    try:
        zones = make_zones(speeds, free, total, UNIT)
    except DiskFull:
        # Refused only where there is no room, or next to none.
        assert sum(free) < total * 1.01 + len(lanes) * (units // 4096 + 1) * UNIT
    else:
        sizes = Striping(zones, UNIT).lane_bytes(total)
        assert sum(sizes) == total
        assert all(size <= room for size, room in zip(sizes, free, strict=False))


def test_small_volumes_may_fill_their_lanes_to_the_last_unit():
    zones = make_zones([1.0, 5.0, 1.0], [10 * UNIT, 20 * UNIT, 30 * UNIT], 60 * UNIT, UNIT)
    assert Striping(zones, UNIT).lane_bytes(60 * UNIT) == [10 * UNIT, 20 * UNIT, 30 * UNIT]


def test_a_fast_lane_that_is_small_takes_its_full_share_of_what_lies_lowest():
    total = 100 * PERIOD * UNIT
    zones = make_zones([9.0, 1.0], [20 * PERIOD * UNIT, total], total, UNIT)
    striping = Striping(zones, UNIT)
    low, _ = (striping.lane_bytes(20 * PERIOD * UNIT))
    assert low == pytest.approx(18 * PERIOD * UNIT, rel=0.01)
    fast, slow = striping.lane_bytes(total)
    assert fast == pytest.approx(20 * PERIOD * UNIT, rel=0.06) and fast + slow == total
    assert set(zones[-1].pattern) == {1}
    # Those that are large enough share one zone.
    assert len(make_zones([9.0, 1.0], [total, total], total, UNIT)) == 1


def test_no_room_names_both_numbers():
    numbers = r"needs 1.00 GiB \(1073741824 bytes\).* 16.0 KiB \(16384 bytes\) free"
    with pytest.raises(DiskFull, match=numbers) as failure:
        make_pattern([1.0, 1.0], [8192, 8192], 1 << 30, UNIT)
    assert failure.value.exit_code == 4


@pytest.mark.parametrize("stride", [2, 16, 240, 1024, 5 * 4096])
def test_strides_of_a_transform_use_all_lanes(stride):
    pattern = make_pattern([1.0] * 4, [10**12] * 4, 10**9, UNIT)
    striping = Striping([Zone(pattern)], UNIT)
    visited = [striping.split(i * stride * UNIT, UNIT)[0][0] for i in range(4 * PERIOD)]
    assert max(map(visited.count, range(4))) <= 4 * (PERIOD // 4 + 1)
