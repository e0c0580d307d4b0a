"""The catalogue that is shipped, against the lists it was made from; which price counts; names that are looked up."""

import os
import re
from datetime import date
from pathlib import Path

import pytest
from catalogue_files import instances_csv, machines, record, refreshed, write

import bigconst.catalogue
from bigconst.base.errors import InputOutputError, UsageError
from bigconst.catalogue.instances import CLOUDS, load_catalogue, price_warning

HDD = "hard disks are taken to write as fast as they read"


@pytest.fixture
def catalogue(home):
    """Makes a catalogue of what is shipped and these records."""
    def load(*records):
        write(refreshed(home), instances_csv(*records))
        return load_catalogue()
    return load


# --- what is shipped --------------------------------------------------------------------


def test_a_speed_of_another_row_and_an_assumption():
    # The price of 2026 has no speeds; 594 MB/s were measured in 2015 on a machine without a region.
    found = load_catalogue().find("d2.2xlarge")
    assert (found.region, found.usd_per_hour, found.price_date) == ("us-east-1", 1.38, "2026-07-20")
    assert (found.disk_kind, found.disk_bytes, found.memory_bytes) == ("hdd", 12 * 10**12, 61 * 2**30)
    assert found.read_bytes_per_s == found.write_bytes_per_s == 594e6
    assert (found.vcpus, found.smt, found.cores, found.clock_ghz, found.vector_bits) == (8, 2, 4, 2.4, 256)
    assert set(found.notes) == {"read speed from the row of 2015-06-28", "clock from the row of 2015-06-28", HDD}
    assert [i.name for i in load_catalogue().instances].count("d2.2xlarge") == 1


def test_what_is_not_known_stays_unknown():
    found = load_catalogue().find("d2.4xlarge")
    assert (found.read_bytes_per_s, found.write_bytes_per_s, found.clock_ghz, found.notes) == (None, None, None, ())
    found = load_catalogue().find("VM.DenseIO.E5.Flex-48")
    assert (found.usd_per_hour, found.price_date, found.memory_bytes, found.cores) == (None, "", None, None)
    assert (found.read_bytes_per_s, found.write_bytes_per_s) == (43794e6, 21628e6)
    found = load_catalogue().find("Standard_L88is_v2")
    assert (found.disk_kind, found.disk_bytes, found.vcpus, found.usd_per_hour) == ("", None, None, 6.864)
    # One speed is stated for a solid state disk: of writing nothing is.
    found = load_catalogue().find("Standard_L80s_v3")
    assert (found.read_bytes_per_s, found.write_bytes_per_s, found.notes) == (20000e6, None, ())


def test_local_disks_and_network_volumes():
    found = load_catalogue().find("i4i.32xlarge")
    assert (found.read_bytes_per_s, found.write_bytes_per_s, found.disk_bytes) == (24766e6, 18373e6, 30 * 10**12)
    assert (found.cores, found.vector_bits, found.spot_usd, found.notes) == (64, 512, (4.16, 4.82), ())
    assert found.network_bits_per_s == 75e9
    found = load_catalogue().find("m7i.48xlarge")
    assert (found.disk_kind, found.disk_bytes, found.read_bytes_per_s) == ("network", 0, 5e9)
    volumes = {volume.name: volume for volume in load_catalogue().volumes_for(found)}
    assert set(volumes) == {"gp3", "io2", "st1", "sc1"}
    assert (volumes["gp3"].usd_per_gb_month, volumes["gp3"].free_mb_s, volumes["st1"].free_iops) == (0.08, 125, None)


@pytest.mark.parametrize("name, disk_bytes", [
    ("i4i.24xlarge", 22500), ("i7i.48xlarge", 45000), ("r8id.96xlarge", 22800), ("z3-highmem-88-highlssd", 36000),
    ("c4d-standard-192-lssd", 6000), ("d3en.12xlarge", 24 * 13980)])
def test_sizes_that_the_sources_state(name, disk_bytes):
    assert load_catalogue().find(name).disk_bytes == disk_bytes * 10**9


@pytest.mark.parametrize("name, bits", [
    ("h1.16xlarge", 256), ("i3en.24xlarge", 512), ("d3.8xlarge", 512), ("i4g.16xlarge", 128), ("i8g.24xlarge", None),
    ("Standard_L96as_v4", 512), ("Standard_L96s_v4", 512), ("i7i.24xlarge", None), ("r7a.48xlarge", None),
    ("n2-highmem-128", 512), ("n2-highmem-16", None)])
def test_width_of_vectors_only_of_named_architectures(name, bits):
    assert load_catalogue().find(name).vector_bits == bits


def test_regions():
    catalogue = load_catalogue()
    east = catalogue.find("n2-highmem-128@us-east4")
    assert (east.region, east.usd_per_hour, east.spot_usd) == ("us-east4", 8.679584, (2.081536, 2.081536))
    assert catalogue.find("N2-HighMem-128@US-East4") == east
    assert (cheapest := catalogue.find("n2-highmem-128")).region == "us-central1" and cheapest.usd_per_hour == 7.706976
    assert {volume.region for volume in catalogue.volumes_for(cheapest)} == {"us-central1"}
    assert catalogue.volumes_for(east) == ()
    azure = catalogue.find("Standard_L8as_v4")
    assert [volume.name for volume in catalogue.volumes_for(azure)] == ["ultra"]


def test_clouds():
    catalogue = load_catalogue()
    assert len(catalogue.of("all")) == len(catalogue.instances) == sum(len(catalogue.of(name)) for name in CLOUDS[:-1])
    assert {i.provider for i in catalogue.of("gcp")} == {"gcp"} and catalogue.of("own") == ()
    assert [i.name.rpartition("-")[2] for i in catalogue.of("oci")] == ["8", "16", "32", "48"]
    with pytest.raises(UsageError, match="choose aws, gcp, azure, oci, own or all"):
        catalogue.of("ibm")


def test_files_are_dated_and_name_no_directory():
    folder = Path(bigconst.catalogue.__file__).parent
    assert {path.name for path in folder.glob("*.csv")} == {"instances.csv", "volumes.csv", "spot.csv",
                                                            "processors.csv"}
    assert set(load_catalogue().files) == {str(path) for path in folder.glob("*.csv")}
    for path in folder.glob("*.csv"):
        comments = [line for line in path.read_text().splitlines() if line.startswith("#")]
        assert re.search(r"Compiled 20\d\d-\d\d-\d\d", " ".join(comments)), path
        assert not re.search(r"(?<![\w.])/\w", path.read_text()), path


# --- names ------------------------------------------------------------------------------


def test_unknown_names(home):
    with pytest.raises(UsageError) as caught:
        load_catalogue().find("i4i.33xlarge")
    what, _, remedy = str(caught.value).partition("; ")
    assert what == "there is no instance 'i4i.33xlarge' in the catalogue"
    assert re.match(r"did you mean i4i.32xlarge(, [\w.-]+){0,2}( or [\w.-]+)?\? ", remedy)
    assert remedy.endswith(f"own machines go into {machines(home)}") and caught.value.exit_code == 2
    with pytest.raises(UsageError, match="catalogue; own machines go into"):
        load_catalogue().find("?")
    with pytest.raises(UsageError) as caught:
        load_catalogue().find("x" * 5000 + "\n")
    assert len(str(caught.value)) < 400 and "\n" not in str(caught.value)


def test_unknown_regions():
    with pytest.raises(UsageError, match="choose n2-highmem-128@us-central1 or n2-highmem-128@us-east4$"):
        load_catalogue().find("n2-highmem-128@mars")
    with pytest.raises(UsageError, match="choose n2-highcpu-16$"):
        load_catalogue().find("n2-highcpu-16@us-east4")


# --- which price counts -----------------------------------------------------------------


def test_the_newest_price_wins_and_is_lent_what_it_lacks(catalogue):
    found = catalogue(record(type="i4i.32xlarge", region="us-east-1", usd_per_hour=9, price_date="2026-09-01"))
    found = found.find("i4i.32xlarge")
    assert (found.usd_per_hour, found.price_date, found.read_bytes_per_s, found.cores) == (9, "2026-09-01", 24766e6, 64)
    assert {"read speed from the row of 2026-07-20 (us-east-1)", "write speed from the row of 2026-07-20 (us-east-1)",
            "memory from the row of 2026-07-20 (us-east-1)"} <= set(found.notes)


def test_an_older_price_changes_nothing(catalogue):
    before = load_catalogue().find("i4i.32xlarge")
    after = catalogue(record(type="i4i.32xlarge", region="us-east-1", usd_per_hour=1, price_date="2020"))
    assert after.find("i4i.32xlarge") == before


def test_of_the_same_date_the_refreshed_price_wins(catalogue):
    found = catalogue(record(type="I4I.32xlarge", region="us-east-1", usd_per_hour=7, price_date="2026-07-20"))
    assert found.find("i4i.32xlarge").usd_per_hour == 7


def test_its_own_facts_come_first(catalogue):
    row = {"disk_kind": "NVMe", "seq_read_mb_s": 5, "ram_gib": 0.5}
    found = catalogue(record(region="a", usd_per_hour=2, price_date="2025-01-02", **row),
                      record(region="a", usd_per_hour=1, price_date="2024", seq_read_mb_s=7, seq_write_mb_s=3,
                             disk_kind="NVMe")).find("z9.large")
    assert (found.read_bytes_per_s, found.write_bytes_per_s, found.memory_bytes) == (5e6, 3e6, 2**29)
    assert found.notes == ("write speed from the row of 2024 (a)",)


def test_speeds_of_other_disks_are_not_lent(catalogue):
    found = catalogue(record(region="a", usd_per_hour=2, price_date="2025", disk_kind="HDD"),
                      record(region="b", usd_per_hour=2, price_date="2026", disk_kind="EBS", seq_read_mb_s=7))
    assert (found.find("z9.large@a").read_bytes_per_s, found.find("z9.large@a").disk_bytes) == (None, None)
    assert found.find("z9.large@b").read_bytes_per_s == 7e6


def test_an_hdd_whose_writing_was_measured_is_not_assumed(catalogue):
    found = catalogue(record(disk_kind="HDD", seq_read_mb_s=7, usd_per_hour=1, price_date="2026"),
                      record(disk_kind="HDD", seq_write_mb_s=6)).find("z9.large")
    assert (found.write_bytes_per_s, found.notes) == (6e6, ("write speed from an undated row",))


@pytest.mark.parametrize("anywhere, here, regions", [
    ("2026", "2025-01-01", {"", "a"}), ("2025-01-01", "2025-01-01", {"a"}), ("", "2025", {"a"}),
    ("2024", "2025", {"a"}), ("2025", "2025-12-30", {"", "a"}), ("", "", {"a"})])
def test_a_price_without_a_region_gives_way_to_newer_ones_with_one(catalogue, anywhere, here, regions):
    found = catalogue(record(usd_per_hour=1, price_date=anywhere),
                      record(region="a", usd_per_hour=2, price_date=here)).instances
    assert {i.region for i in found if i.name == "z9.large"} == regions


def test_without_a_price(catalogue):
    found = catalogue(record(region="a"), record(region="b", usd_per_hour=1, price_date="2026"),
                      record(type="y9.large", region="c"), record(type="y9.large"))
    assert [(i.region, i.usd_per_hour) for i in found.instances if i.name == "z9.large"] == [("b", 1)]
    assert [(i.region, i.usd_per_hour) for i in found.instances if i.name == "y9.large"] == [("c", None)]


def test_without_a_region_the_cheapest_of_the_newest_date(catalogue):
    found = catalogue(*(record(region=region, usd_per_hour=usd, price_date=day)
                        for region, usd, day in [("a", 1, "2025"), ("b", 5, "2026-05-01"), ("c", 4, "2026-05-01")]))
    assert found.find("Z9.large").region == "c"
    found = catalogue(record(region="b"), record(region="a"))
    assert found.find("z9.large").region == "a"


@pytest.mark.parametrize("cpu, clock, bits", [
    ("Xeon @ 3.25 GHz", 3.25, None), ("Xeon @2GHz (Haswell)", 2, 256), ("Xeon up to 3GHz", None, None),
    ("Xeon @ 0GHz", None, None), ("Haswell or Broadwell", None, 256), ("Haswell or Ice Lake", None, None),
    ("Core i7-6700 (Skylake)", None, None), ("Xeon Gold 6148 (Skylake-SP)", None, 512),
    ("something (AVX-512)", None, 512)])
def test_what_the_name_of_a_processor_says(catalogue, cpu, clock, bits):
    found = catalogue(record(cpu=cpu)).find("z9.large")
    assert (found.cpu, found.clock_ghz, found.vector_bits) == (cpu, clock, bits)


@pytest.mark.parametrize("price_date, today, warning", [
    ("2025-11-20", "2026-11-20", None),
    ("2025-11-20", "2026-11-21", "the price is of 2025-11-20, more than a year ago"),
    ("2025", "2026-12-31", None), ("2025", "2027-01-01", "the price is of 2025, more than a year ago"),
    ("2024-02-29", "2025-02-28", None),
    ("2024-02-29", "2025-03-01", "the price is of 2024-02-29, more than a year ago"),
    ("2026-12-31", "2026-11-21", None), ("", "2026-11-21", "the price is undated")])
def test_price_warning(price_date, today, warning):
    assert price_warning(price_date, date.fromisoformat(today)) == warning


# --- refreshed files that cannot be used ------------------------------------------------


def test_a_damaged_refreshed_file_is_named_with_its_line(home, catalogue):
    with pytest.raises(UsageError) as caught:
        catalogue(record(usd_per_hour="free"))
    assert str(caught.value) == (f"{refreshed(home)}, line 3: column usd_per_hour: 'free' is not a number; refresh the "
                                 "catalogue again with bigconst estimate --refresh, or remove this file")


def test_a_file_that_cannot_be_read(home):
    os.makedirs(refreshed(home))
    with pytest.raises(InputOutputError, match=r"cannot read .*instances.csv: Is a directory; refresh"):
        load_catalogue()


def test_a_damaged_or_missing_shipped_file(monkeypatch, home):
    path = home / "instances.csv"
    monkeypatch.setattr("bigconst.catalogue.files.packaged_path", lambda name: str(home / name))
    with pytest.raises(InputOutputError, match="instances.csv is not there; install bigconst again"):
        load_catalogue()
    write(path, instances_csv(record(smt="two")))
    with pytest.raises(UsageError, match="line 3: column smt: 'two' is not a whole number.*; install bigconst again"):
        load_catalogue()


def test_refreshed_spot_prices(home):
    write(refreshed(home, "spot.csv"), "provider,region,type,spot_min,spot_max,source\n"
                                       "aws,us-east-1,i4i.32xlarge,1.5,2.5,today\n")
    catalogue = load_catalogue()
    assert catalogue.find("i4i.32xlarge").spot_usd == (1.5, 2.5)
    assert catalogue.find("i3en.24xlarge").spot_usd == (3.09, 4.13)
    assert str(refreshed(home, "spot.csv")) in catalogue.files
