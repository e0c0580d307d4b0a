"""Small files of the catalogue, written as a person would write them."""

import os

COLUMNS = ("provider,region,type,vcpus,smt,cpu,ram_gib,disk_kind,disk_count,disk_gb_each,disk_gb,seq_read_mb_s,"
           "seq_write_mb_s,network_gbit_s,usd_per_hour,price_date,source")


def record(**cells):
    """A line of instances.csv: these cells, the others blank."""
    cells = {"provider": "aws", "type": "z9.large", **cells}
    assert set(cells) <= set(COLUMNS.split(","))
    return ",".join(str(cells.get(name, "")) for name in COLUMNS.split(","))


def instances_csv(*records):
    return "\n".join(["# a comment", COLUMNS, *records, ""])


def write(path, content):
    """A file, and the directories it is in; returns its path as a text."""
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as file:
        file.write(content.encode() if isinstance(content, str) else content)
    return str(path)


def refreshed(home, name="instances.csv"):
    return home / "cache" / "bigconst" / "catalogue" / name


def machines(home):
    return home / "config" / "bigconst" / "machines.toml"
