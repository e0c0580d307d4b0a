"""The user's own machines: what machines.toml may hold, and the line of what it may not."""

import re
from pathlib import Path

import pytest
from catalogue_files import machines, write
from hypothesis import given
from hypothesis import strategies as st

from bigconst.base.errors import UsageError
from bigconst.catalogue.instances import load_catalogue
from bigconst.catalogue.machines import parse_machines
from bigconst.catalogue.model import Instance

DOCS = Path(__file__).parents[2] / "docs" / "machines.md"
HDD = "hard disks are taken to write as fast as they read"


def example():
    """The one of the documentation, its indentation taken off."""
    lines = DOCS.read_text().split("\n")
    first, last = lines.index("    [[machine]]"), lines.index('    name = "attic"')
    return "\n".join(line.removeprefix("    ") for line in lines[first:last + 1])


def refused(text, line):
    """The message without file and line, which are checked."""
    with pytest.raises(UsageError) as caught:
        parse_machines(text if isinstance(text, bytes) else text.encode(), "m.toml", [])
    match = re.fullmatch(rf"m\.toml, line {line}: (.*)", str(caught.value))
    assert match, str(caught.value)
    return match[1]


def test_the_example_of_the_documentation(home):
    path = write(machines(home), example())
    catalogue = load_catalogue()
    cellar = catalogue.find("Cellar")
    assert catalogue.of("own") == (cellar, catalogue.find("attic@")) and path in catalogue.files
    assert cellar == Instance(
        provider="own", region="home", name="cellar", vcpus=16, smt=1, cpu="AMD EPYC 9354 (Genoa)", clock_ghz=3.25,
        vector_bits=512, memory_bytes=256 * 2**30, disk_kind="hdd", disk_bytes=16 * 10**12, read_bytes_per_s=1.2e9,
        write_bytes_per_s=1.1e9, network_bits_per_s=None, usd_per_hour=0.35, price_date="2026-11-01", spot_usd=None,
        source=path, notes=())
    attic = catalogue.find("attic")
    assert set(vars(attic).values()) == {"own", "attic", "", None, path, ()}


def test_what_is_left_out_is_unknown_or_said():
    text = '[[machine]]\nname = "a"\nvcpus = 32\nsmt = 2\ndisk = "hdd"\ndisk_read = "594MB/s"\ncpu = "Xeon @ 2.4GHz"\n'
    machine, = parse_machines(text.encode(), "m", [])
    assert (machine.cores, machine.clock_ghz, machine.vector_bits, machine.notes) == (16, 2.4, None, (HDD,))
    assert machine.read_bytes_per_s == machine.write_bytes_per_s == 594 * 10**6
    machine, = parse_machines(text.replace("hdd", "ssd").encode(), "m", [])
    assert (machine.write_bytes_per_s, machine.notes) == (None, ())
    assert parse_machines(b"", "m", []) == parse_machines(b"# nothing\n", "m", []) == ()


def test_vectors_by_the_name_of_the_processor(home):
    write(machines(home), '[[machine]]\nname = "a"\ncpu = "some Haswell @ 3GHz"\n')
    assert (load_catalogue().find("a").vector_bits, load_catalogue().find("a").clock_ghz) == (256, 3)


def test_a_machine_takes_the_place_of_instances_of_its_name(home):
    write(machines(home), '[[machine]]\nname = "N2-highmem-128"\nusd_per_hour = 1\n')
    catalogue = load_catalogue()
    assert (catalogue.find("n2-highmem-128").provider, catalogue.find("n2-highmem-128").usd_per_hour) == ("own", 1)
    assert [i.provider for i in catalogue.instances if i.name.lower() == "n2-highmem-128"] == ["own"]
    assert "n2-highmem-16" in {i.name for i in catalogue.of("gcp")}


def test_one_name_in_two_regions():
    text = '[[machine]]\nname = "a"\nregion = "x"\n[[machine]]\nname = "A"\nregion = "y"\n'
    assert len(parse_machines(text.encode(), "m", [])) == 2
    assert "there are two machines 'A' in one region" in refused(text.replace("y", "X"), 5)


@pytest.mark.parametrize("line, said", [
    ("colour = 1", "'colour' is unknown, there are name, cores, vcpus,"), ("'' = 1", "'' is unknown"),
    ("name = 5", "name: 5 is not a text in quotation marks"), ('name = ""', "name: '' is not a name"),
    ('name = "a b"', "is not a name"), ('name = "a@b"', "is not a name"),
    ("cores = 0", "cores: 0 is not a whole number from 1 on"), ("cores = 1.0", "cores: 1.0 is not"),
    ("cores = true", "cores: True is not"), ('cores = "4"', "cores: '4' is not"),
    ("memory = 256", "memory: 256 is not a text in quotation marks"),
    ('memory = "256G"', "memory: '256G' is not a size; write it like 512MiB, 8GiB or 8GB"),
    ('memory = "0"', "memory: '0' is not a size"), ('disk = "tape"', "disk: 'tape' is not one of ssd, hdd"),
    ("disk = 1", "disk: 1 is not one of"), ('disk_size = "16"\ndisk_size = "17"', "Cannot overwrite a value"),
    ('disk_read = "594MB"', "disk_read: '594MB' is not a speed; write it like 594MB/s, 1.2GB/s or 3GiB/s"),
    ('disk_write = "0MB/s"', "disk_write: '0MB/s' is not a speed"),
    ("disk_read = [594]", "disk_read: [594] is not a text"),
    ("usd_per_hour = -1", "usd_per_hour: -1 is not a number above 0"),
    ("usd_per_hour = inf", "usd_per_hour: inf is not"),
    ("usd_per_hour = nan", "usd_per_hour: nan is not"), ('usd_per_hour = "1"', "usd_per_hour: '1' is not"),
    ("price_date = 2026-11-01", "price_date: datetime.date(2026, 11, 1) is not a text in quotation"),
    ('price_date = "soon"', "price_date: 'soon' is not a date like 2026-07-20 or 2026"),
    ('cpu = "a\\u001Bb"', "cpu: 'a\\x1bb' is not a line of printable text"),
    ("vector_bits = 300", "vector_bits: 300 is not one of 128, 256, 512"),
    ("vector_bits = 512.0", "512.0 is not one of"),
    ("clock_ghz = 0", "clock_ghz: 0 is not a number above 0"), ('region = "a b"', "region: 'a b' is not a name"),
    ("vcpus = 9\nsmt = 2", "smt: 9 vcpus are not 2 for each core"), ("cores = [", "Unescaped|Invalid|Unclosed"),
    (f"cores = {'9' * 5000}", "what it holds cannot be read"),
    (f"cores = {'[' * 5000}", "what it holds cannot be read"),
    ("x.y = 1", "'x' is unknown"), ("cpu = \"\x01\"", "Illegal character"), ("= 5", "Invalid"),
])
def test_what_is_wrong_is_named_with_its_line(line, said):
    text = f'# mine\n[[machine]]\nname = "one"\ncpu = "x"\n\n[[machine]]\n{line}\n'
    if not line.startswith("name"):
        text = text.replace(f"\n{line}", f'\nname = "two"\n{line}')
    number = text[:text.index(line)].count("\n") + 1 + line.count("\n")
    got = refused(text, r"\d+" if line == "cores = [" else number)
    assert re.search(said, got) if "|" in said else said in got
    assert "; correct it; docs/machines.md has an example" in got or "; write it like" in got or "; give what" in got


@pytest.mark.parametrize("text, line, said", [
    ("name = 'a'\n", 1, "'name' is unknown, machines begin with [[machine]]"),
    ("\n[machines]\nname = 'a'\n", 2, "'machines' is unknown"),
    ("\n[machine]\nname = 'a'\n", 2, "machines begin with [[machine]]"), ("machine = [1]", 1, "machines begin with"),
    ("[[machine]]\n[[machine]]\nname = 'a'\n", 1, "a machine without a name"),
    ("[[machine]]\nname = 'a'\n[[machine]]\nname = 'A'\n", 4, "there are two machines 'A' in one region"),
    ("[[machine]]\nname = 'a'\ncores = 4\nsmt = 2", 3,
     "cores: there are vcpus or smt, too; give cores, or vcpus and smt"),
    ("machine = [{name = 'a', colour = 1}]", 1, "'colour' is unknown"), ("a = '''", 1, ""), ("[[machine]", 1, ""),
    (b"[[machine]]\nname = '\xff'\n", 2, "bytes that are not UTF-8 text"), ("[[machine]]\n\0", 2, "a NUL byte"),
])
def test_files_that_are_wrong(text, line, said):
    assert said in refused(text, line)


@given(st.data())
def test_damage_is_refused_with_its_line_or_harmless(data):
    whole = example().encode()
    at = data.draw(st.integers(0, len(whole) - 1))
    damaged = data.draw(st.sampled_from([
        whole[:at], whole[:at] + bytes([whole[at] ^ 1 << data.draw(st.integers(0, 7))]) + whole[at + 1:],
        whole[:at] + data.draw(st.binary(max_size=9)) + whole[at:], whole[:at] + whole[at + 9:], whole + whole[at:]]))
    try:
        found = parse_machines(damaged, "m.toml", [])
    except UsageError as error:
        line = int(re.fullmatch(r"m\.toml, line (\d+): [^\n]*; [^\n]*", str(error))[1])
        assert 1 <= line <= damaged.count(b"\n") + 1
    else:
        assert all(isinstance(machine, Instance) for machine in found)
