"""What machines offer: hours and dollars of plans, facts that are missing, room that is, interruptions."""

import re
from dataclasses import replace
from datetime import date

import pytest

from bigconst.catalogue.model import Instance, NetworkVolume
from bigconst.constants.golden import PHI
from bigconst.estimates import offers
from bigconst.estimates.jobs import ConstantJob, MersenneJob, pieces
from bigconst.estimates.model import SCALED_ERROR, estimate
from bigconst.estimates.offers import INFEASIBLE, NOT_ESTIMABLE, Offer, Refusal, Wishes, offer

TODAY = Wishes(date(2026, 11, 21))
LARGE = ConstantJob(PHI, 2 * 10**12, 10, True)
ON_DISK = ConstantJob(PHI, 10**11, 10, True)
IN_MEMORY = ConstantJob(PHI, 10**9, 10, True)
TEST = MersenneJob("LL", 57_885_161, 57_885_159, None, 600.0)
MACHINE = Instance("aws", "us-east-1", "z9.large", 16, 2, "Some Processor", 3.0, 512, 64 << 30, "ssd", 20 * 10**12, 4e9,
                   2e9, None, 2.0, "2026-07-20", (0.5, 0.8), "", ("said of it",))
GP3 = NetworkVolume("aws", "", "gp3", 0.08, 0.005, 3000, 0.04, 125, 1000, 16_000, "2026-07-20", "")
NETWORK = replace(MACHINE, disk_kind="network", disk_bytes=0, read_bytes_per_s=3e9, write_bytes_per_s=2e9)


def needs_of(job, machine=MACHINE):
    """As planned for the machine: 8 cores, 48 GiB."""
    return job.needs(8, 48 << 30, machine.disk_kind)


# -- dollars ------------------------------------------------------------------------------


@pytest.mark.parametrize("job", [ON_DISK, IN_MEMORY, TEST])
def test_hours_by_price(speeds, job):
    found = offer(job, MACHINE, (), speeds, TODAY)
    assert isinstance(found, Offer) and found.place == offers.LOCAL and found.threads == 8
    assert found.bare.usd == pytest.approx(2.0 * found.bare.hours) and found.bare.volumes_usd == 0
    assert found.checked.hours > found.bare.hours and found.whole is found.checked
    assert found.needs == needs_of(job) and found.needs.is_on_disk == (job is ON_DISK)
    assert found.error >= SCALED_ERROR and (found.interruptions, found.loss_hours) == (0, 0)
    assert "said of it" in found.notes


def test_nothing_is_verified_without_a_certificate(speeds):
    found = offer(replace(ON_DISK, certified=False), MACHINE, (), speeds, TODAY)
    assert found.checked is None and found.whole is found.bare
    certified = offer(ON_DISK, MACHINE, (), speeds, TODAY)
    assert found.bare == certified.bare and found.needs.files_bytes < certified.needs.files_bytes


def test_scaled_by_cores_clock_and_vectors(speeds):
    # Two cores of 2.5 GHz and 256 bits here.
    assert offers.scale(speeds, MACHINE)[0] == pytest.approx(8 / 2 * 3.0 / 2.5 * 512 / 256)
    factor, said = offers.scale(speeds, replace(MACHINE, clock_ghz=None, vector_bits=None))
    assert factor == 4 and said == "cores 8/2, clock unknown, vectors unknown"
    found = offer(IN_MEMORY, replace(MACHINE, smt=None, vcpus=10), (), speeds, TODAY)
    assert found.threads == 5 and offers.TAKEN_HALF in found.notes


def test_twice_the_cores_take_half_as_long(speeds):
    def hours(vcpus):
        return offer(TEST, replace(MACHINE, vcpus=vcpus), (), speeds, TODAY).bare.hours - 0.5 / 3600

    assert hours(16) == pytest.approx(2 * hours(32))


def test_disks_that_are_slower_cost_more(speeds):
    found, slower = (offer(LARGE, replace(MACHINE, write_bytes_per_s=rate), (), speeds, TODAY) for rate in (2e9, 5e8))
    # 33 to 40 bytes a digit, about half of them written.
    least_s = 2e12 * 15 / 5e8
    assert slower.bound == "disk" and slower.whole.hours * 3600 > least_s
    assert slower.whole.usd > found.whole.usd


# -- room ---------------------------------------------------------------------------------


def test_scratch_that_is_too_small(speeds):
    needs = needs_of(LARGE)
    all_ = needs.scratch_bytes + needs.files_bytes
    assert isinstance(offer(LARGE, replace(MACHINE, disk_bytes=all_), (), speeds, TODAY), Offer)
    found = offer(LARGE, replace(MACHINE, disk_bytes=all_ - 1_240_000_000_000), (GP3,), speeds, TODAY)
    assert (found.status, found.reason) == (INFEASIBLE, "scratch too small by 1.24 TB")
    assert isinstance(offer(LARGE, replace(MACHINE, disk_bytes=all_ - 1), (), speeds, TODAY), Refusal)


def test_files_need_room_where_memory_holds_the_rest(speeds):
    found = offer(IN_MEMORY, replace(MACHINE, disk_bytes=10**9), (), speeds, TODAY)
    assert (found.status, found.reason) == (INFEASIBLE, "scratch too small by 0.000142 TB")


def test_memory_that_is_too_small(speeds):
    found = offer(LARGE, replace(MACHINE, memory_bytes=1 << 30), (), speeds, TODAY)
    assert found.status == INFEASIBLE and re.search("at least .*of memory", found.reason)
    found = offer(IN_MEMORY, MACHINE, (), speeds, replace(TODAY, memory_bytes=65 << 30))
    assert (found.status, found.reason) == (INFEASIBLE, "--memory allows 65.0 GiB, it has 64.0 GiB")


# -- network volumes ----------------------------------------------------------------------


def test_network_volumes_reach_what_the_machine_can_take(speeds):
    found = offer(ON_DISK, NETWORK, (GP3,), speeds, TODAY)
    (volumes,) = found.volumes
    assert found.place == "2 x gp3" and volumes.mb_s == 2000
    assert volumes.size_gb * 10**9 >= found.needs.scratch_bytes + found.needs.files_bytes
    assert found.whole.volumes_usd == pytest.approx(volumes.usd_per_month / 730 * found.whole.hours)
    assert found.whole.usd == pytest.approx(found.whole.machine_usd + found.whole.volumes_usd)


def test_the_cheapest_volumes_of_which_enough_is_known(speeds):
    dear, dark = replace(GP3, name="dear", usd_per_gb_month=0.5), replace(GP3, name="dark", gb_max=None)
    found = offer(ON_DISK, NETWORK, (dear, dark, GP3), speeds, TODAY)
    assert found.place == "2 x gp3"
    assert any("dark (largest size unknown)" in note for note in found.notes)
    found = offer(ON_DISK, NETWORK, (dark,), speeds, TODAY)
    assert found.status == NOT_ESTIMABLE and "no network volume of which enough is known" in found.reason


def test_hard_disks_on_the_network_have_plans_for_hard_disks(speeds):
    st1 = replace(GP3, name="st1", usd_per_iops_month=None, usd_per_mb_s_month=None, mb_s_max=500)
    found = offer(ON_DISK, NETWORK, (st1,), speeds, TODAY)
    assert found.place == "4 x st1" and found.needs.plan.disk.kind == "hdd" and offers.FULL_SIZE in found.notes
    assert offer(ON_DISK, NETWORK, (GP3,), speeds, TODAY).needs.plan.disk.kind == "ssd"


def test_network_volumes_beside_disks_that_are_too_small(speeds):
    small = replace(MACHINE, disk_bytes=10**10)
    assert offer(ON_DISK, small, (GP3,), speeds, TODAY).status == INFEASIBLE
    told = replace(TODAY, read_bytes_per_s=1e9, write_bytes_per_s=1e9)
    found = offer(ON_DISK, small, (GP3,), speeds, told)
    assert found.place == "1 x gp3" and offers.TOLD_SPEEDS in found.notes
    assert offer(ON_DISK, small, (), speeds, told).reason.startswith("scratch too small by ")


# -- facts that are missing ---------------------------------------------------------------


@pytest.mark.parametrize("field,reason", [
    ("vcpus", "vCPUs unknown"), ("memory_bytes", "memory unknown"), ("usd_per_hour", "price unknown"),
    ("read_bytes_per_s", "read speed of its disks unknown"), ("disk_bytes", "size of its disks unknown")])
def test_nothing_is_filled_in(speeds, field, reason):
    found = offer(ON_DISK, replace(MACHINE, **{field: None}), (GP3,), speeds, TODAY)
    assert isinstance(found, Refusal)
    assert (found.status, found.reason) == (NOT_ESTIMABLE, reason)


def test_all_that_is_missing_is_named(speeds):
    blank = replace(MACHINE, vcpus=None, memory_bytes=None, read_bytes_per_s=None, write_bytes_per_s=None)
    assert offer(ON_DISK, blank, (), speeds, TODAY).reason == "vCPUs, memory and disk speeds unknown"


def test_what_the_user_says_stands_for_what_is_unknown_alone(speeds):
    told = replace(TODAY, read_bytes_per_s=4e9, write_bytes_per_s=2e9)
    dark = replace(MACHINE, read_bytes_per_s=None, write_bytes_per_s=None)
    found = offer(ON_DISK, dark, (), speeds, told)
    assert found.whole == offer(ON_DISK, MACHINE, (), speeds, TODAY).whole and offers.TOLD_SPEEDS in found.notes
    slow = replace(told, read_bytes_per_s=1e6, write_bytes_per_s=1e6)
    found = offer(ON_DISK, MACHINE, (), speeds, slow)
    assert found.whole == offer(ON_DISK, MACHINE, (), speeds, TODAY).whole and offers.TOLD_SPEEDS not in found.notes


def test_old_prices_are_said_to_be_old(speeds):
    found = offer(ON_DISK, replace(MACHINE, price_date="2025-01-31"), (), speeds, TODAY)
    assert any("2025-01-31" in note for note in found.notes)
    assert not any("2026-07-20" in note for note in offer(ON_DISK, MACHINE, (), speeds, TODAY).notes)


# -- spot ---------------------------------------------------------------------------------

SPOT = replace(TODAY, is_spot=True)


def test_half_the_longest_level_is_lost_with_the_disks(speeds):
    calm = offer(ON_DISK, MACHINE, (GP3,), speeds, replace(SPOT, interruptions_per_day=0.0))
    found = offer(ON_DISK, MACHINE, (GP3,), speeds, replace(SPOT, interruptions_per_day=2.0))
    # A level is three times as long as the one before it: the last takes two thirds of all, and the certificate's part.
    assert 0.5 * calm.bare.hours < 2 * (found.loss_hours - 300 / 3600) < 0.72 * calm.bare.hours
    assert found.whole.hours == pytest.approx(calm.whole.hours + found.interruptions * found.loss_hours)
    assert found.interruptions == pytest.approx(2 * found.whole.hours / 24)
    assert found.usd_per_hour == 0.8        # the highest
    # Copies of two levels and the root, and of what the certificate needs, of 2.125 bytes for five digits, at the price
    # of a GB alone.
    (copies,) = found.volumes
    assert copies.size_gb == pytest.approx(1e11 / 5 * 2.125 * 3 / 1e9, rel=0.02)
    assert copies.usd_per_month == pytest.approx(0.08 * copies.size_gb)
    assert found.whole.volumes_usd == pytest.approx(copies.usd(found.whole.hours))


def test_scratch_on_the_network_survives(speeds):
    found = offer(ON_DISK, NETWORK, (GP3,), speeds, SPOT)
    assert found.loss_hours == pytest.approx(5 / 60) and len(found.volumes) == 1


def test_a_test_loses_what_it_did_since_it_was_saved(speeds):
    # Every ten minutes: five on average, and five more until it goes on.
    assert offer(TEST, MACHINE, (GP3,), speeds, SPOT).loss_hours == pytest.approx(10 / 60)


def test_spot_needs_a_price_a_place_and_some_time(speeds):
    found = offer(ON_DISK, replace(MACHINE, spot_usd=None), (GP3,), speeds, SPOT)
    assert (found.status, found.reason) == (NOT_ESTIMABLE, "spot price unknown")
    found = offer(ON_DISK, MACHINE, (), speeds, SPOT)
    assert found.status == NOT_ESTIMABLE and "checkpoint" in found.reason
    found = offer(ON_DISK, MACHINE, (GP3,), speeds, replace(SPOT, interruptions_per_day=1e4))
    assert found.status == INFEASIBLE and "interrupted faster than it computes" in found.reason
    assert isinstance(offer(ON_DISK, replace(MACHINE, usd_per_hour=None), (GP3,), speeds, SPOT), Offer)


@pytest.mark.parametrize("job", [ON_DISK, IN_MEMORY, TEST])
def test_pieces_are_the_whole_run(speeds, job):
    stages = needs_of(job).stages
    parts = pieces(stages)
    steps = [step for part in parts for stage in part for step in stage.steps]
    assert steps == [step for stage in stages for step in stage.steps]
    whole, apart = (sum(estimate(each, speeds, None if job is not ON_DISK else offers.sequential_disks(1e9, 1e9, "ssd"),
                                 2).seconds - 0.5 for each in some) for some in ([stages], parts))
    assert apart == pytest.approx(whole)
