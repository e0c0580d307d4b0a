"""Dollars against arithmetic done by hand; what is best against looking at all of it."""

import random
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bigconst.catalogue.instances import load_catalogue
from bigconst.catalogue.model import NetworkVolume
from bigconst.estimates import money

BLANK = NetworkVolume("aws", "", "none", None, None, None, None, None, None, None, "", "")


@pytest.fixture
def volumes(monkeypatch, tmp_path):
    """Those that come with the package, by name."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    return {volume.name: volume for volume in load_catalogue().volumes}


# -- hours and prices -------------------------------------------------------------------


def test_a_week_on_a_machine_of_2015():
    # 2*10^12 digits in 160 h at $1.38: $220.80, 9.06*10^9 digits a dollar.
    found = money.bill(160, 1.38, ())
    assert found.usd == found.machine_usd == pytest.approx(220.8)
    assert found.volumes_usd == 0
    assert found.digits_per_usd(2 * 10**12) == pytest.approx(9.058e9, rel=1e-4)
    assert found.usd_per_1e12_digits(2 * 10**12) == pytest.approx(110.4)


def test_volumes_are_paid_by_the_hour():
    # $730 a month are $1 an hour.
    found = money.bill(10, 2.5, [money.Volumes("a", 1, 1, 0.0, 730.0), money.Volumes("b", 1, 1, 0.0, 73.0)])
    assert (found.machine_usd, found.volumes_usd) == (25, pytest.approx(11))
    assert found.usd == pytest.approx(36)


# -- network volumes ----------------------------------------------------------------------


def test_gp3_by_hand(volumes):
    # 2000 MB/s take two volumes: 6500 GB at 0.08, 2000 - 2*125 MB/s at 0.04, 7629.39 - 2*3000 operations at 0.005.
    found = money.hired(volumes["gp3"], 6_500 * 10**9, 2e9)
    assert (found.name, found.count, found.size_gb, found.mb_s) == ("gp3", 2, 6500, 2000)
    assert found.usd_per_month == pytest.approx(520 + 70 + 8.147, abs=0.001)
    # What is free costs nothing: one volume, 16000 GB, 125 MB/s.
    assert money.hired(volumes["gp3"], 16_000 * 10**9, 125e6).usd_per_month == pytest.approx(1280)
    # A byte more is a GB more and a volume more.
    found = money.hired(volumes["gp3"], 16_000 * 10**9 + 1, 125e6)
    assert (found.count, found.size_gb) == (2, 16_001)


def test_speed_that_comes_with_size(volumes):
    # st1: 500 MB/s and 16000 GB each, at 0.045.
    found = money.hired(volumes["st1"], 10**12, 1e9)
    assert (found.count, found.size_gb, found.usd_per_month) == (2, 32_000, pytest.approx(1440))
    assert money.is_speed_by_size(volumes["st1"]) and not money.is_speed_by_size(volumes["gp3"])


def test_what_is_not_known_to_be_free_is_paid_for(volumes):
    # ultra: 0.1114 a GB, 0.0496 an operation/s, 0.35 an MB/s; what is free is not known.
    found = money.hired(volumes["ultra"], 100 * 10**9, 262_144_000.0)
    assert found.usd_per_month == pytest.approx(11.14 + 1000 * 0.0496 + 262.144 * 0.35)


def test_facts_that_are_missing(volumes):
    assert money.missing_facts(volumes["gp3"]) == []
    assert money.missing_facts(volumes["pd-ssd"]) == ["largest size", "speed"]
    assert money.missing_facts(BLANK) == ["price of a GB", "largest size", "speed"]


def test_copies_go_where_a_gb_is_cheapest(volumes):
    found = money.kept_on(volumes.values(), 1_000_000_000_001)
    assert (found.name, found.size_gb, found.usd_per_month) == ("sc1", 1001, pytest.approx(1001 * 0.015))
    assert money.kept_on([BLANK], 1) is None


@given(st.integers(1, 10**15), st.floats(1e6, 1e11), st.integers(1, 64_000), st.integers(1, 10_000))
def test_volumes_are_enough_and_one_less_is_not(size_bytes, bytes_per_s, gb_max, mb_s_max):
    volume = replace(BLANK, usd_per_gb_month=0.1, usd_per_mb_s_month=0.01, gb_max=gb_max, mb_s_max=mb_s_max)
    found = money.hired(volume, size_bytes, bytes_per_s)

    def is_enough(count):
        return count * gb_max * 10**9 >= size_bytes and count * mb_s_max * 1e6 >= bytes_per_s * (1 - 1e-9)

    assert is_enough(found.count) and (found.count == 1 or not is_enough(found.count - 1 - 1e-6))
    assert 0 <= found.size_gb * 10**9 - size_bytes < 10**9


# -- interruptions ------------------------------------------------------------------------


def _simulated_hours(rng, hours, per_day, loss_hours):
    """Of a run whose work goes on with the clock, and back by `loss_hours` at moments of a Poisson process."""
    at, done = 0.0, 0.0
    while True:
        wait = rng.expovariate(per_day / 24)
        if done + wait >= hours:
            return at + hours - done
        at, done = at + wait, done + wait - loss_hours


@pytest.mark.parametrize("hours,per_day,loss", [(100, 1, 5), (30, 4, 2), (500, 0.5, 20)])
def test_expected_hours_are_those_of_many_runs(hours, per_day, loss):
    rng = random.Random(1)
    runs = 4000
    mean = sum(_simulated_hours(rng, hours, per_day, loss) for _ in range(runs)) / runs
    assert money.expected_hours(hours, per_day, loss) == pytest.approx(mean, rel=0.02)


def test_runs_that_never_end():
    assert money.expected_hours(10, 0, 100) == 10
    assert money.expected_hours(10, 2, 6) == pytest.approx(20)      # half of the time is lost
    assert money.expected_hours(10, 2, 12) is None
    assert money.expected_hours(10, 2, 13) is None


# -- the best -----------------------------------------------------------------------------


def _beats(a, b):
    return a[0] <= b[0] and a[1] <= b[1] and a != b


@given(st.lists(st.tuples(st.integers(1, 9), st.integers(1, 9)), max_size=30))
def test_the_front_is_what_nothing_beats(points):
    front = money.pareto_front(points)
    assert sorted(front) == [i for i, point in enumerate(points) if not any(_beats(other, point) for other in points)]
    assert [points[i] for i in front] == sorted(points[i] for i in front)
