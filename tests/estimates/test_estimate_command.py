"""`bigconst estimate`: what it prints and writes, which machines it compares, and what it refuses."""

import contextlib
import csv
import importlib.util
import io
import json
import os
import re
import struct
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from plausible import measured_here

from bigconst.base import failpoints
from bigconst.cli import main
from bigconst.commands import estimateplot, estimateshow
from bigconst.estimates import jobs
from bigconst.runs import speeds

ROOT = Path(__file__).parents[2]

MACHINES = """\
[[machine]]
name = "cellar"
cores = 16
memory = "64GiB"
disk = "ssd"
disk_size = "16TB"
disk_read = "4GB/s"
disk_write = "3GB/s"
usd_per_hour = 0.4
price_date = "2020-01-31"

[[machine]]
name = "attic"
cores = 64
memory = "256GiB"
disk = "ssd"
disk_size = "16TB"
disk_read = "8GB/s"
disk_write = "8GB/s"
usd_per_hour = 4.0
price_date = "2026-11-01"

[[machine]]
name = "shed"
cores = 16
memory = "64GiB"
disk = "ssd"
disk_size = "1TB"
disk_read = "4GB/s"
disk_write = "3GB/s"
usd_per_hour = 0.2
price_date = "2026-11-01"
"""


@pytest.fixture
def here(measured, monkeypatch, tmp_path):
    """A directory on a machine that was measured, and cannot be again."""
    own_machines(monkeypatch, tmp_path)
    return tmp_path / "here"


def own_machines(patch, folder):
    """There are machines of one's own, and benchmarks cannot run."""
    patch.setattr(speeds, "measured", lambda **_: pytest.fail("a benchmark ran"))
    patch.setattr(speeds, "measured_disks", lambda *_, **__: pytest.fail("a benchmark ran"))
    (folder / "config" / "bigconst").mkdir(parents=True)
    (folder / "config" / "bigconst" / "machines.toml").write_text(MACHINES)


def run(capsys, *argv, code=0):
    """What it prints, without a word on stderr; of an error the one line."""
    assert main(["estimate", *argv]) == code
    out, err = capsys.readouterr()
    if code:
        assert out == "" and err.startswith("bigconst: ") and err.count("\n") == 1, err
        return err
    assert err == ""
    return out


def fields(path):
    """The estimates of a JSON file."""
    found = json.loads(Path(path).read_text())
    assert found["schema"] == estimateshow.SCHEMA
    return found["estimates"]


# -- this machine -------------------------------------------------------------------------


def test_stages_of_a_run_in_memory(here, capsys):
    out = run(capsys, "phi", "--digits", "1e8", "--memory", "2GiB", "--usd-per-hour", "0.36", "--json", "e.json")
    (found,) = fields("e.json")
    names = [stage["name"] for stage in found["stages"]]
    assert names == ["start", "ladder", "root", "certificate"]
    assert found["seconds"] == pytest.approx(sum(stage["seconds"] for stage in found["stages"]))
    assert found["cost"]["usd"] == pytest.approx(found["seconds"] * 0.36 / 3600)
    assert found["seconds_without_certificate"] < found["seconds"]
    assert 100_000_000 < found["files_bytes"] < 150_000_000 and found["scratch_bytes"] == 0
    assert re.search(r"^Total time: .* ± 1\d %, bound by (compute|memory)$", out, re.MULTILINE)
    for part in (*names, "Working memory", "Verification", "digits a dollar", "for 1e12 digits"):
        assert part in out


def test_a_full_disk_takes_no_estimate(here, capsys):
    with failpoints.active("output.write=ENOSPC"):
        assert main("estimate phi --digits 1e8 --memory 2GiB --json e.json".split()) == 3
    out, err = capsys.readouterr()
    assert "Total time: " in out and "e.json: No space left on device; " in err and not os.path.exists("e.json")


def test_levels_of_a_run_on_disk(here, capsys):
    out = run(capsys, "sqrt", "2", "--digits", "1e8", "--workspace", "8MiB", "--swap", "scratch", "--disk", "ssd",
              "--csv", "e.csv", "--json", "e.json")
    (found,) = fields("e.json")
    rows = list(csv.DictReader(io.StringIO(Path("e.csv").read_text())))
    assert [row["stage"] for row in rows if row["stage"].startswith("level ")] == [
        "level 1", "level 2", "level 3", "level 4"]
    for column in ("seconds", "read_bytes", "written_bytes"):
        assert sum(float(row[column]) for row in rows) == pytest.approx(sum(s[column] for s in found["stages"]))
    # The disk reads 100 MB/s, writes 200 MB/s, and no faster at once.
    read, written = (sum(stage[name] for stage in found["stages"]) for name in ("read_bytes", "written_bytes"))
    assert found["seconds"] > max(read / 1e8, written / 2e8) and found["bound"] == "disk"
    assert "scratch (ssd)" in out and found["scratch_bytes"] > 3e8


def test_without_a_certificate_nothing_is_verified(here, capsys):
    assert "Verification" not in run(capsys, "phi", "--digits", "1e7", "--no-certificate", "--memory", "2GiB")


def test_a_machine_by_hand(here, capsys, measured):
    told = ["--memory", "16GiB", "--disk-read", "3GB/s", "--disk-write", "2GB/s", "--json", "e.json"]

    def compute_s(*argv):
        run(capsys, "phi", "--digits", "1e11", *argv, *told)
        (found,) = fields("e.json")
        return sum(stage["compute_s"] for stage in found["stages"] if stage["name"].startswith("level"))

    alone = compute_s()
    assert compute_s("--gflops", str(10 * measured.gflops)) == pytest.approx(alone / 10)
    assert compute_s("--cores", str(8 * measured.threads)) == pytest.approx(alone / 8, rel=0.1)
    (found,) = fields("e.json")
    assert found["threads"] == 8 * measured.threads and "8 times" in found["machine"]
    assert found["relative_error"] > 0.3 and "3.00 GB/s read, 2.00 GB/s written" in found["disks"]


def test_room_that_a_run_would_not_have(here, capsys):
    out = run(capsys, "phi", "--digits", "1e14", "--memory", "1TiB", "--swap", "scratch", "--disk", "ssd")
    assert re.search("^a run would be refused now: .* free", out, re.MULTILINE)


def test_tests_of_mersenne_numbers(here, capsys):
    out = run(capsys, "ll", "57885161", "216091", "--memory", "2GiB", "--json", "e.json")
    large, small = fields("e.json")
    assert large["digits"] is None and large["job"] == "LL test of M57885161, 57,885,159 iterations"
    assert large["seconds"] > 60_000 * small["seconds"] / 270
    assert large["verification_seconds"] > large["seconds"]         # with a longer transform
    assert "A second test" in out and "Without certificate" not in out
    assert "100 iterations" in run(capsys, "prp", "57885161", "--iterations", "100", "--memory", "2GiB")


def test_an_exponent_that_needs_no_test(here, capsys):
    assert main(["estimate", "ll", "57885162", "--memory", "2GiB"]) == 0
    assert "2^57885162-1 is divisible by 2^2-1" in capsys.readouterr().err


# -- machines of the catalogue ------------------------------------------------------------


def names_in(out):
    """Machines of the table, as it sorts them."""
    return re.findall(r"^(\S+)(?: \*)? +(?:digits|tests?) +[\d,.]+ +\$", out, re.MULTILINE)


def test_money_best_first(here, capsys):
    out = run(capsys, "phi", "--digits", "1e12", "--cloud", "own", "--csv", "e.csv", "--json", "e.json")
    assert names_in(out) == ["cellar", "attic"]
    assert re.search(r"^Infeasible:\n  shed +scratch too small by [\d.]+ TB$", out, re.MULTILINE)
    assert "the price is of 2020-01-31, more than a year ago: cellar" in out
    for part in ("verified:", "times: cores 16/", "± "):
        assert part in out
    by_time = run(capsys, "phi", "--digits", "1e12", "--cloud", "own", "--objective", "time")
    assert names_in(by_time) == ["attic", "cellar"]

    (found,) = fields("e.json")
    rows = list(csv.DictReader(io.StringIO(Path("e.csv").read_text())))
    assert [row["instance"] for row in rows] == [each["instance"] for each in found["machines"]]
    for row, each in zip(rows, found["machines"], strict=True):
        assert row.keys() == each.keys() == set(estimateshow.MARKET_COLUMNS)
        for name, value in each.items():
            if isinstance(value, float):
                assert float(row[name]) == value
    cellar = rows[0]
    assert float(cellar["usd"]) == pytest.approx(0.4 * float(cellar["hours"]))
    assert float(cellar["digits_per_usd"]) == pytest.approx(1e12 / float(cellar["usd"]))
    assert float(cellar["verified_usd_per_1e12_digits"]) == pytest.approx(float(cellar["verified_usd"]))
    assert [row["pareto"] for row in rows] == ["True", "True", ""]
    assert rows[2]["status"] == "infeasible" and rows[2]["hours"] == "" and "too small" in rows[2]["reason"]


@pytest.fixture(scope="module")
def all_clouds(tmp_path_factory):
    """An estimate for all machines there are: what it prints, its JSON, its picture, and the labels in that.

    Labels are (market, extent by text), as matplotlib has drawn them.
    """
    from matplotlib.text import Text

    folder = tmp_path_factory.mktemp("all_clouds")
    labels = []

    def watched(renderer, axes, market, points, label=estimateplot._label):
        label(renderer, axes, market, points)
        texts = {text.get_text(): Text.get_window_extent(text, renderer) for text in axes.texts}     # without lines
        labels.append((market, texts))

    with (pytest.MonkeyPatch.context() as patch, contextlib.redirect_stdout(io.StringIO()) as out,
          contextlib.redirect_stderr(io.StringIO()) as err):
        measured_here(patch, folder)
        own_machines(patch, folder)
        patch.setattr(estimateplot, "_label", watched)
        argv = ["phi", "--digits", "2e12", "--cloud", "all", "--json", "e.json", "--plot", "e.png"]
        assert main(["estimate", *argv]) == 0 and err.getvalue() == ""
        (found,) = fields("e.json")
        return SimpleNamespace(out=out.getvalue(), found=found, picture=Path("e.png").read_bytes(), labels=labels)


def test_all_clouds(all_clouds):
    out, found = all_clouds.out, all_clouds.found
    by_status = {status: [each for each in found["machines"] if each["status"] == status]
                 for status in ("feasible", "infeasible", "not estimable")}
    assert all(by_status.values()) and sum(map(len, by_status.values())) == len(found["machines"])
    feasible = by_status["feasible"]
    assert [each["verified_usd"] for each in feasible] == sorted(each["verified_usd"] for each in feasible)
    assert any(each["volumes"] for each in feasible) and {"aws", "gcp", "azure"} <= {e["provider"] for e in feasible}
    best = [(each["verified_hours"], each["verified_usd"]) for each in feasible if each["pareto"]]
    assert all(not (e["verified_hours"] <= hours and e["verified_usd"] < usd) for e in feasible for hours, usd in best)
    # Of these the catalogue says that something is assumed, or unknown.
    assert "hard disks are taken to write as fast as they read: d2.2xlarge@us-east-1" in out
    assert re.search(r"^  d2\.8xlarge@us-east-1 +disk speeds unknown$", out, re.MULTILINE)


def test_speeds_that_the_user_knows(here, capsys):
    argv = ["phi", "--digits", "2e12", "--instance", "d2.8xlarge"]
    assert names_in(run(capsys, *argv)) == []
    out = run(capsys, *argv, "--disk-read", "2GB/s", "--disk-write", "2GB/s")
    assert names_in(out) == ["d2.8xlarge@us-east-1"] and "those of --disk-read and --disk-write: d2.8xlarge" in out


def test_spot(here, capsys):
    out = run(capsys, "phi", "--digits", "2e12", "--instance", "i4i.32xlarge", "--spot", "--interruptions", "3",
              "--json", "e.json")
    (found,) = fields("e.json")
    (machine,) = found["machines"]
    assert machine["usd_per_hour"] == 4.82 and machine["interruptions"] == pytest.approx(
        3 * machine["verified_hours"] / 24)
    assert machine["volumes"][0]["name"] == "sc1" and machine["verified_volumes_usd"] > 0
    assert "interruptions expected in a day: 3 " in out and "half of the longest level" in out


def test_dollars_for_a_test(here, capsys):
    out = run(capsys, "ll", "57885161", "--cloud", "own", "--csv", "e.csv")
    assert names_in(out) == ["shed", "cellar", "attic"] and "1e12 digits" not in out
    rows = list(csv.DictReader(io.StringIO(Path("e.csv").read_text())))
    assert all(float(row["usd"]) > 0 and row["digits_per_usd"] == "" for row in rows)


# -- queues -------------------------------------------------------------------------------



def queue(*lines):
    """A directory with this work file."""
    Path("queue").mkdir(exist_ok=True)
    Path("queue/worktodo.txt").write_text("".join(f"{line}\n" for line in lines))
    return "queue"


def seconds(capsys, *argv):
    """Estimated here, without loading kernels."""
    run(capsys, *argv, "--memory", "2GiB", "--json", "e.json")
    return sum(stage["seconds"] for each in fields("e.json") for stage in each["stages"] if stage["name"] != "start")


def test_a_queue_takes_what_its_tests_take(here, capsys):
    lines = ("Test=57885161,74,1", "DoubleCheck=756839", "Test=57885161", "Test=216091", "Test=57885193", "Test=521",
             "Cert=N/A,1,2,57885161,-1,113055")
    apart = seconds(capsys, "ll", "57885161", "57885161", "57885193", "756839", "216091") + seconds(
        capsys, "prp", "57885161", "--iterations", "113055")
    assert seconds(capsys, "work", queue(*lines)) == pytest.approx(apart, rel=1e-6)
    assert "6 tests of queue/worktodo.txt\n" in run(capsys, "work", "queue", "--memory", "2GiB")


def test_proofs_of_a_queue(here, capsys):
    alone = seconds(capsys, "prp", "57885161")
    # benchmarks/mersenne.py --proofs measured 0.12 % for making a proof and 0.20 % for checking it.
    assert 1.0025 < seconds(capsys, "work", queue("PRP=1,2,57885161,-1")) / alone < 1.0035
    (found,) = fields("e.json")
    assert found["files_bytes"] == 3 * (57885161 // 8) + 512 * (7235646 + 16)       # as docs/performance.md: 3.7 GB
    # With known factors there is none.
    assert seconds(capsys, "work", queue('PRP=1,2,57885173,-1,"347311039"')) == pytest.approx(alone, rel=1e-6)


def market(capsys, *argv):
    """The only machine of an estimate of a queue."""
    out = run(capsys, "work", "queue", *argv, "--json", "e.json")
    (found,) = fields("e.json")
    (machine,) = found["machines"]
    return machine, out


def test_machines_share_a_queue(here, capsys):
    queue(*["Test=57885161", "PRP=1,2,57885161,-1"] * 20)
    one, out = market(capsys, "--instance", "cellar")
    assert "40 tests of queue/worktodo.txt on 1 machine\n" in out and names_in(out) == ["cellar"]
    assert one["usd"] == pytest.approx(0.4 * one["hours"]) and one["machines"] == 1
    twenty, out = market(capsys, "--instance", "cellar", "--machines", "20")
    assert twenty["hours"] == pytest.approx(one["hours"] / 20) and twenty["usd"] == pytest.approx(one["usd"])
    for part in ("takes the next test of the file", "last test ends", "the coordinator", "second tests"):
        assert part in out
    for part in ("disks read", "verified", "volumes are"):
        assert part not in out
    assert twenty["machines"] == 20 and twenty["volumes"] == [] and twenty["place"] == "coordinator"
    # The twenty largest of them are those with residues for proofs.
    assert twenty["files_bytes"] == 20 * (3 * (57885161 // 8) + 512 * (7235646 + 16))
    # In two rounds, in the second of which most wait for the others.
    thirty, _ = market(capsys, "--instance", "cellar", "--machines", "30")
    assert thirty["hours"] == pytest.approx(one["hours"] * 2 / 40, rel=1e-3)
    # With more machines than tests one test is the longest.
    hundred, _ = market(capsys, "--instance", "cellar", "--machines", "100", "--csv", "e.csv", "--plot", "e.png")
    assert hundred["hours"] == pytest.approx(one["hours"] / 40, rel=1e-3)
    assert hundred["usd"] == pytest.approx(0.4 * 100 * hundred["hours"])
    (row,) = csv.DictReader(io.StringIO(Path("e.csv").read_text()))
    assert (row["machines"], float(row["hours"])) == ("100", hundred["hours"])


def test_spot_machines_that_share_a_queue(here, capsys):
    queue(*["Test=57885161"] * 40)
    machine = ["--instance", "i4i.32xlarge", "--machines", "5", "--spot"]
    calm, _ = market(capsys, *machine, "--interruptions", "0")
    found, out = market(capsys, *machine, "--interruptions", "6")
    # Half of 15 minutes and five until the machine is replaced, six times a day.
    lost = (7.5 + 5) / 60
    assert found["hours_lost_each_time"] == pytest.approx(lost)
    assert found["hours"] == pytest.approx(calm["hours"] / (1 - 6 * lost / 24))
    assert found["interruptions"] == pytest.approx(5 * 6 * found["hours"] / 24)
    assert found["usd"] == pytest.approx(5 * 4.82 * found["hours"]) and found["volumes"] == []
    assert "half of a part of a test, 7 min 30 s" in out


def test_machines_of_a_cluster_need_no_disks(here, capsys):
    queue("Test=57885161")
    for name in ("d2.8xlarge", "n2-highmem-128@us-east4"):     # of unknown speed, and none
        machine, _ = market(capsys, "--instance", name)
        assert machine["status"] == "feasible" and not any("--disk-read" in note for note in machine["notes"])
    out = run(capsys, "work", "queue", "--instance", "cellar", "--memory", "250MiB")
    assert re.search("^Infeasible:\n  cellar +a test of M57885161 in memory needs", out, re.MULTILINE)


def test_lines_that_are_not_counted(here, capsys):
    queue("Test=216091", "PFactor=N/A,1,2,57885161,-1,76,2", "# Test=57885161", "Test=216092")
    assert main(["estimate", "work", "queue", "--memory", "2GiB"]) == 0
    out, err = capsys.readouterr()
    assert out.startswith("1 test of ") and "queue/worktodo.txt:2: P-1 factoring is not done here" in err
    assert "queue/worktodo.txt:4: the exponent 216092 is not a prime" in err and err.count("; not counted: ") == 2


def test_ten_thousand_lines_are_planned_once_for_each_length(here, capsys, monkeypatch):
    plans = []
    monkeypatch.setattr(jobs, "make_mersenne_plan", lambda *args, make=jobs.make_mersenne_plan, **options: (
        plans.append(args[0]), make(*args, **options))[1])
    queue(*["Test=57885161", "Test=57885193", "PRP=1,2,57885161,-1", "PRP=1,2,57885193,-1"] * 2500)
    out = run(capsys, "work", "queue", "--memory", "2GiB")
    assert out.startswith("10,000 tests of ") and plans == [57885193, 57885193]


def size_of(picture: bytes) -> tuple[int, int]:
    """The (width, height) of a PNG."""
    assert picture[:8] == b"\x89PNG\r\n\x1a\n"
    return struct.unpack(">II", picture[16:24])


def test_a_picture(all_clouds, here, capsys):
    assert size_of(all_clouds.picture) == (1000, 700)
    run(capsys, "phi", "--digits", "1e12", "--instance", "cellar", "--plot", "e.png")       # one point is enough
    found = Path("e.png").read_bytes()
    assert size_of(found) == (1000, 700) and found != all_clouds.picture


def test_the_best_machines_are_labelled_and_no_label_hides_another(all_clouds):
    ((market, texts),) = all_clouds.labels
    best = [market.offers[i].instance for i in market.front]
    assert best and all(each.name in texts or estimateshow.name_of(each) in texts for each in best)
    boxes = list(texts.values())
    assert not any(a.overlaps(b) for i, a in enumerate(boxes) for b in boxes[:i])
    assert len(texts) > len(best)


# -- what is refused ----------------------------------------------------------------------


@pytest.mark.parametrize("argv,says", [
    ("", "phi, sqrt D, pi, e, log A/B, zeta3, catalan, lemniscate, gamma, series FILE, ll P"),
    ("--refresh prices.csv phi --digits 1", "refresh the catalogue first"),
    ("phi --digits 1e9 --cores 4", "add --memory"),
    ("phi --digits 1e9 --gflops 50", "add --memory"),
    ("phi --digits 1e9 --gflops nan", "GFLOP/s"),
    ("phi --digits 1e9 --gflops 9 --cores 1 --threads 1", "leave out --cores or --threads"),
    ("phi --digits 1e9 --disk-read 1GB/s", "give both"),
    ("phi --digits 1e9 --disk-write 1GB/s --cloud all", "give both"),
    ("phi --digits 1e9 --disk-read 1Gb/s", "is not a speed"),
    ("phi --digits 1e9 --disk-read 1GB/s --disk-write 1GB/s --swap .", "leave out one or the other"),
    ("phi --digits 1e9 --plot a.png", "add --instance NAME or --cloud all"),
    ("phi --digits 1e9 --spot", "add --instance NAME or --cloud all"),
    ("phi --digits 1e9 --objective cost", "add --instance NAME or --cloud all"),
    ("phi --digits 1e9 --cloud all --interruptions 2", "add --spot"),
    ("phi --digits 1e9 --cloud all --spot --interruptions -1", "number of interruptions"),
    ("phi --digits 1e9 --cloud all --threads 2", "leave it out"),
    ("phi --digits 1e9 --cloud all --usd-per-hour 2", "leave it out"),
    ("phi --digits 1e9 --cloud oracle", "no cloud 'oracle'"),
    ("phi --digits 1e9 --instance i4i.32xlarg", "did you mean i4i.32xlarge"),
    ("phi --digits 1e9 --instance d2.2xlarge@moon", "for the region 'moon'"),
    ("phi --digits 1e9 --json -", "--json needs a file"),
    ("phi --digits 1e9 --json a --csv ./a", "name the same file"),
    ("phi --digits 1e9 --json .", "is a directory"),
    ("ll 31", "exponents from 1024 on"),
    ("ll 57885161 --iterations 57885160", "ask for no more"),
    ("ll 57885161 --fft 1K", "hold exponents up to"),
    ("ll 57885161 110503 --cloud own --plot a.png", "name one exponent"),
    ("ll", "required"),
    ("work . --machines 2", "add --instance NAME or --cloud all"),
    ("work . --cloud all --machines 0", "at least 1"),
    ("work . --interruptions 2 --cloud all", "add --spot"),
    ("phi --digits 1e9 --cloud all --machines 2", "unrecognized arguments: --machines"),
])
def test_requests_that_make_no_sense(here, capsys, argv, says):
    before = sorted(path.name for path in here.iterdir())
    assert says in run(capsys, *argv.split(), code=2)
    assert sorted(path.name for path in here.iterdir()) == before


def test_no_machine_of_ones_own(here, capsys, tmp_path):
    (tmp_path / "config" / "bigconst" / "machines.toml").unlink()
    assert "docs/machines.md" in run(capsys, "phi", "--digits", "1e9", "--cloud", "own", code=2)


def test_what_does_not_fit(here, capsys):
    assert "--swap" in run(capsys, "phi", "--digits", "1e12", "--memory", "8GiB", code=4)
    assert "--memory" in run(capsys, "ll", "57885161", "--memory", "250MiB", code=4)
    argv = ["phi", "--digits", "1e12", "--instance", "shed", "--plot", "e.png"]
    assert "leave out --plot" in run(capsys, *argv, code=4)
    assert not Path("e.png").exists()


def test_queues_without_work(here, capsys):
    assert "write the work there" in run(capsys, "work", "nowhere", code=3)
    for lines in ((), ("Test=521", "# Test=57885161")):
        assert "no work that takes any time; write it there" in run(capsys, "work", queue(*lines), code=2)


def test_places_that_are_not_there(here, capsys):
    assert "nowhere" in run(capsys, "phi", "--digits", "1e9", "--csv", "nowhere/e.csv", code=3)
    assert "--swap" in run(capsys, "phi", "--digits", "1e12", "--memory", "8GiB", "--swap", "nowhere", code=3)


def test_without_matplotlib(here, capsys, monkeypatch):
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "matplotlib" else find(name))
    assert "pip install 'bigconst[plot]'" in run(capsys, "phi", "--digits", "1e9", "--cloud", "own", "--plot", "e.png",
                                                 code=2)


def test_newer_prices(here, capsys):
    Path("prices.csv").write_text(
        "provider,region,type,vcpus,smt,cpu,ram_gib,disk_kind,disk_count,disk_gb_each,disk_gb,seq_read_mb_s,"
        "seq_write_mb_s,network_gbit_s,usd_per_hour,price_date,source\n"
        "aws,us-east-1,z9.large,64,2,Some Processor,512,NVMe,4,4000,16000,8000,6000,50,3.21,2026-11-20,made up\n")
    assert "1 instance from prices.csv" in run(capsys, "--refresh", "prices.csv")
    out = run(capsys, "phi", "--digits", "1e12", "--instance", "Z9.large", "--json", "e.json")
    assert names_in(out) == ["z9.large@us-east-1"]
    assert fields("e.json")[0]["machines"][0]["usd_per_hour"] == 3.21
    assert "stays in use" in run(capsys, "--refresh", "nowhere.csv", code=3)


def test_files_are_replaced_by_newer_estimates(here, capsys):
    for digits in ("1e7", "2e7"):
        run(capsys, "phi", "--digits", digits, "--memory", "2GiB", "--json", "e.json")
    assert fields("e.json")[0]["digits"] == 2 * 10**7


def test_help_is_quick():
    """It loads nothing that takes long."""
    code = ("import sys\nfrom bigconst.cli import main\n"
            "main(['estimate', 'phi', '--help'])\n"
            "assert not {'numba', 'numpy', 'matplotlib', 'csv'} & set(sys.modules), sys.modules.keys()\n")
    found = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert "--disk-read" in found.stdout and "examples:" in found.stdout
