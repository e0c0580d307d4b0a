"""Files of the catalogue that are damaged: always file, line and remedy, never a traceback."""

import re
from pathlib import Path

import pytest
from catalogue_files import COLUMNS, instances_csv, record
from hypothesis import given
from hypothesis import strategies as st

import bigconst.catalogue
from bigconst.base.errors import UsageError
from bigconst.catalogue.tables import (
    INSTANCES,
    PROCESSORS,
    SPOT,
    VOLUMES,
    InstanceRow,
    SpotRow,
    day_of,
    encode,
    parse,
)

SHIPPED = {path.name: path.read_bytes() for path in Path(bigconst.catalogue.__file__).parent.glob("*.csv")}
TABLES = {"instances.csv": INSTANCES, "volumes.csv": VOLUMES, "spot.csv": SPOT, "processors.csv": PROCESSORS}
SPOT_COLUMNS = "provider,region,type,spot_min,spot_max,source"


def refused(table, data, line):
    """The message without file, line and remedy, which are checked."""
    with pytest.raises(UsageError) as caught:
        parse(table, data.encode() if isinstance(data, str) else data, "f.csv", "do this")
    match = re.fullmatch(rf"f\.csv, line {line}: (.*); do this", str(caught.value))
    assert match, str(caught.value)
    return match[1]


@pytest.mark.parametrize("cells, said", [
    ({"provider": "ibm"}, "column provider: 'ibm' is not one of aws, gcp, azure, oci"),
    ({"provider": ""}, "column provider: '' is not one of"),
    ({"region": "us east"}, "column region: 'us east' is not a name"),
    ({"type": ""}, "column type: '' is not a name"), ({"type": "-x"}, "column type: '-x' is not a name"),
    ({"type": "x" * 81}, "is not a name"), ({"type": "m5@eu"}, "is not a name"), ({"type": "٣"}, "is not a name"),
    ({"vcpus": "0"}, "column vcpus: '0' is not a whole number"), ({"vcpus": "1.5"}, "column vcpus: '1.5'"),
    ({"vcpus": "9" * 5000}, "column vcpus: '9999"), ({"smt": "-2"}, "column smt: '-2'"),
    ({"vcpus": "9", "smt": "2"}, "column smt: 9 vcpus are not 2 for each core"),
    ({"cpu": "a\x1b[31mb"}, "column cpu: 'a\\x1b[31mb' is not a line of printable text"),
    ({"ram_gib": "0"}, "column ram_gib: '0' is not above 0"), ({"ram_gib": "inf"}, "column ram_gib: 'inf' is not a"),
    ({"ram_gib": "1e999"}, "'1e999' is not a number"), ({"ram_gib": "9" * 15}, "is not above 0 and at most 1e+12"),
    ({"ram_gib": " 5"}, "' 5' is not a number"), ({"seq_read_mb_s": "nan"}, "column seq_read_mb_s: 'nan'"),
    ({"disk_kind": "tape"}, "column disk_kind: 'tape' is not one of HDD, SSD, NVMe, EBS"),
    ({"disk_count": 2, "disk_gb_each": 5, "disk_gb": 9}, "column disk_gb: 9 is not 2 times 5"),
    ({"usd_per_hour": "abc"}, "column usd_per_hour: 'abc' is not a number"),
    ({"usd_per_hour": "-1"}, "column usd_per_hour: '-1' is not a number"), ({"usd_per_hour": "0.0"}, "not above 0"),
    ({"price_date": "2026-13-01"}, "column price_date: '2026-13-01' is not a date like 2026-07-20 or 2026"),
    ({"price_date": "20260720"}, "is not a date"), ({"price_date": "1815"}, "is not a date"),
    ({"price_date": "0000"}, "is not a date"), ({"price_date": "9999"}, "is not a date"),
    ({"price_date": "2026-1-1"}, "is not a date"), ({"source": "x" * 2001}, "is not a line of printable text"),
])
def test_cells(cells, said):
    assert said in refused(INSTANCES, instances_csv(record(), record(**{"type": "y9.large", **cells})), 4)


@pytest.mark.parametrize("content, line, said", [
    ("", 1, "there is no header"), ("# only\n# comments", 2, "there is no header"),
    ("provider,region\n", 1, "the columns must be provider,region,type,spot_min,spot_max,source: type is missing"),
    (f"{SPOT_COLUMNS},x\n", 1, "'x' is unknown"), ("<!DOCTYPE html>", 1, "provider is missing"),
    ("region,provider,type,spot_min,spot_max,source", 1, "they are out of order"),
    (f"{SPOT_COLUMNS}\naws,a,b,1\n", 2, "4 columns instead of 6"),
    (f"{SPOT_COLUMNS}\n1\n", 2, "1 columns instead of 6"),
    (f"{SPOT_COLUMNS}\naws,a,b,1,2,a,b\n", 2, "7 columns instead of 6"),
    (f'{SPOT_COLUMNS}\n\n# x\naws,a,b,1,2,"cut', 4, "unexpected end of data"),
    (f'{SPOT_COLUMNS}\naws,a,b,1,2,"cut"off', 2, "',' expected after '\"'"),
    (f"{SPOT_COLUMNS}\naws,a,b,1,2,{'x' * 200_000}", 2, "field larger than field limit (131072)"),
    (f"{SPOT_COLUMNS}\naws,a,b,2,1,s", 2, "column spot_max: 1 is less than spot_min"),
    (f"{SPOT_COLUMNS}\naws,a,b,,1,s", 2, "column spot_min: '' is not a number"),
    (f"{SPOT_COLUMNS}\naws,a,b,1,1,s\naws,A,B,2,2,s", 3, "the same as line 2"),
    (f"{SPOT_COLUMNS}\naws,a,b,1,1,s\0", 2, "a NUL byte"),
    (SPOT_COLUMNS.encode() + b"\naws,a,b,1,1,\xff\n", 2, "bytes that are not UTF-8 text"),
    (SPOT_COLUMNS.encode("utf-16"), 1, "bytes that are not UTF-8 text"),
    (f"{SPOT_COLUMNS}\raws,a,b,1,1,s\r", 1, "new-line character seen in unquoted field"),
])
def test_files(content, line, said):
    assert said in refused(SPOT, content, line)


def test_two_prices_of_one_day():
    two = [record(usd_per_hour=1, price_date="2026"), record(usd_per_hour=2, price_date="2026", type="Z9.large")]
    assert refused(INSTANCES, instances_csv(*two), 4) == "the same as line 3"
    assert len(parse(INSTANCES, instances_csv(two[0], record(price_date="2025")).encode(), "f", "r")) == 2


def test_a_pattern_that_is_none():
    assert "is not a regular expression" in refused(PROCESSORS, "pattern,vector_bits,source\n(,128,s", 2)


def test_comments_quotes_byte_order_mark_and_line_ends_of_other_systems():
    text = f'\ufeff# "a\r\n\r\n{COLUMNS}\r\n# b\r\n{record(cpu=chr(34) + "a, b" + chr(34), price_date=2026)}'
    row, = parse(INSTANCES, text.encode(), "f", "r")
    assert (row.cpu, row.price_date, row.vcpus, row.ram_gib) == ("a, b", "2026", None, None)


@pytest.mark.parametrize("name", TABLES)
def test_every_line_that_is_shipped_is_a_record(name):
    rows = parse(TABLES[name], SHIPPED[name], name, "r")
    assert len(rows) == len([line for line in SHIPPED[name].splitlines() if not line.startswith(b"#")]) - 1


@given(st.sampled_from(sorted(TABLES)), st.data())
def test_damage_is_refused_with_its_line_or_harmless(name, data):
    whole = SHIPPED[name]
    at = data.draw(st.integers(0, len(whole) - 1))
    damaged = data.draw(st.sampled_from([
        whole[:at], whole[:at] + bytes([whole[at] ^ 1 << data.draw(st.integers(0, 7))]) + whole[at + 1:],
        whole[:at] + data.draw(st.binary(max_size=20)) + whole[at:], whole[:at] + whole[at + 20:], whole + whole[at:]]))
    try:
        rows = parse(TABLES[name], damaged, "f.csv", "do this")
    except UsageError as error:
        line = int(re.fullmatch(r"f\.csv, line (\d+): [^\n]*; do this", str(error))[1])
        assert 1 <= line <= damaged.count(b"\n") + 1
    else:
        assert all(isinstance(row, TABLES[name].row) for row in rows)


NUMBERS = st.none() | st.integers(1, 10**9).map(lambda n: n / 1000)
NAMES = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,20}", fullmatch=True)
TEXTS = st.text(st.characters(codec="utf-8").filter(str.isprintable), max_size=20)


@given(st.lists(st.builds(
    InstanceRow, provider=st.sampled_from(["aws", "oci"]), region=NAMES | st.just(""), type=NAMES,
    vcpus=st.none() | st.integers(1, 10**6), smt=st.just(1) | st.none(), cpu=TEXTS, ram_gib=NUMBERS,
    disk_kind=st.sampled_from(["HDD", "network PD", ""]), disk_count=st.none(), disk_gb_each=NUMBERS, disk_gb=NUMBERS,
    seq_read_mb_s=NUMBERS, seq_write_mb_s=NUMBERS, network_gbit_s=NUMBERS, usd_per_hour=NUMBERS,
    price_date=st.dates(day_of("2000-01-01"), day_of("2099-12-31")).map(str) | st.just("") | st.just("2026"),
    source=TEXTS), max_size=4, unique_by=INSTANCES.key))
def test_records_survive_writing(rows):
    assert parse(INSTANCES, encode(INSTANCES, rows, "# a\n"), "f", "r") == rows


def test_prices_of_a_fraction_of_a_cent_survive_writing():
    rows = [SpotRow("aws", "a", "b", 0.0000012, 1234567.8901234567, "s")]
    back, = parse(SPOT, encode(SPOT, rows, ""), "f", "r")
    assert (back.spot_min, back.spot_max) == (0.0000012, pytest.approx(1234567.8901234567, abs=1e-9))
