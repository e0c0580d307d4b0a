"""The command line: files, streams, exit codes and one-line errors.

Most tests run `main` in this process on the small engine of fake_engine.py;
those about start-up and pipes start a fresh process.
"""

import json
import math
import os
import signal
import subprocess
import sys
import time

import fake_engine
import pytest
from interrupted_runs import end

import bigconst
from bigconst.base import errors, failpoints
from bigconst.base.hardware import default_threads
from bigconst.cli import main
from bigconst.constants.registry import CONSTANTS, parse
from bigconst.runs import kernels, selftest
from bigconst.storage import atomicfile

PYTHON = [sys.executable, "-m", "bigconst"]
ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
ENVIRONMENT = {**os.environ, "PYTHONPATH": ROOT}
"""For programs started elsewhere: they run this tree, installed or not."""


@pytest.fixture
def engine(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    return fake_engine.install(monkeypatch)


def one_line(capsys):
    """The single line on stderr; stdout must be empty."""
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("bigconst: ") and err.count("\n") == 1 and err.endswith("\n"), err
    return err


def text_of(name, digits, base=10):
    return fake_engine.expected_text(fake_engine.Plan(parse(name), digits, base, 1, 0))


@pytest.mark.parametrize(
    "command, name, content",
    [
        ("phi --digits 30", "phi.txt", text_of("phi", 30)),
        ("phi --digits 30 --base 16", "phi.hex.txt", text_of("phi", 30, 16)),
        ("sqrt 2 --digits 1e2", "sqrt2.txt", text_of("sqrt 2", 100)),
        ("sqrt 2147483647 --digits 30", "sqrt2147483647.txt", text_of("sqrt 2147483647", 30)),
        ("sqrt 10 --digits 30 --base 16", "sqrt10.hex.txt", text_of("sqrt 10", 30, 16)),
        ("phi --digits 30 --output other", "other", text_of("phi", 30)),
    ],
)
def test_files(engine, tmp_path, capsys, command, name, content):
    assert main(command.split()) == 0
    assert sorted(os.listdir(tmp_path)) == [name, f"{name}.cert"]
    assert (tmp_path / name).read_bytes() == content
    out, err = capsys.readouterr()
    assert err == ""
    assert f"{tmp_path / name}" in out and "Multi-core efficiency" in out


def test_fake_digits_are_the_golden_ratio():
    assert text_of("phi", 30) == b"1.618033988749894848204586834365\n"
    assert text_of("phi", 10, 16) == b"1.9e3779b97\n"


def test_stdout_gets_the_digits_and_nothing_else(engine, tmp_path, capfdbinary):
    assert main("phi --digits 200 --output -".split()) == 0
    out, err = capfdbinary.readouterr()
    assert out == text_of("phi", 200)
    assert b"Golden Ratio" in err
    assert os.listdir(tmp_path) == []


def test_options_reach_the_plan(engine, capsys):
    seen = []
    engine.run = lambda plan, *rest: seen.append(plan) or fake_engine.run(plan, *rest)
    assert main("phi --digits 7 --threads 3 --memory 1GiB --output -".split()) == 0
    assert main("phi --digits 7 --output -".split()) == 0
    assert (seen[0].threads, seen[0].memory_bytes) == (3, 1 << 30)
    assert seen[1].threads == default_threads()
    physical = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    assert 0 < seen[1].memory_bytes <= 3 * physical // 4


def test_json_report(engine, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(kernels, "load", lambda *families: time.sleep(0.05))
    assert main("phi --digits 300 --json report.json".split()) == 0
    report = json.loads((tmp_path / "report.json").read_text())
    assert report["schema"] == "bigconst-report/1"
    assert report["command"] == "bigconst phi --digits 300 --json report.json"
    assert report["digits"] == 300 and report["constant"] == "phi" and report["mode"] == "in memory"
    paths = [str(tmp_path / "phi.txt"), str(tmp_path / "phi.txt.cert")]
    assert report["files"] == [{"path": paths[0], "bytes": 303}, {"path": paths[1], "bytes": 7}]
    assert report["certificate"] == paths[1]
    assert 0.05 <= report["seconds"]["kernels_ready"] <= report["seconds"]["total"] < 5
    assert report["memory"]["peak_bytes"] > 5 << 20
    assert report["start"] <= report["end"]
    assert sorted(os.listdir(tmp_path)) == ["phi.txt", "phi.txt.cert", "report.json"]


@pytest.mark.parametrize("price, usd_per_hour", [("1.38", 1.38), ("0.045", 0.045), ("1000000", 1e6), ("007", 7)])
def test_what_it_cost(engine, tmp_path, capsys, price, usd_per_hour):
    assert main(f"phi --digits 300 --base 16 --json report.json --usd-per-hour {price}".split()) == 0
    report = json.loads((tmp_path / "report.json").read_text())
    cost, total_s = report["cost"], report["seconds"]["total"]
    assert (cost["usd_per_hour"], cost["seconds"], cost["counted"]) == (usd_per_hour, total_s, "the whole run")
    assert cost["usd"] == pytest.approx(usd_per_hour * total_s / 3600)
    assert cost["digits_per_usd"] == pytest.approx(300 * 3600 / total_s / usd_per_hour)
    assert cost["usd_per_1e12_digits"] == pytest.approx(usd_per_hour * total_s / 3600 / 300 * 1e12)
    assert "Cost:" in capsys.readouterr().out


@pytest.mark.parametrize("price", ["0", "-1", "-1.5", "nan", "inf", "1e3", "$1.38", "1,38", "1.", ".5", "", "1000001",
                                   "1000000.1", "0.0000001", "\u0661", "9" * 400])
def test_bad_prices(engine, tmp_path, capsys, price, command="phi --digits 9"):
    assert main([*command.split(), "--usd-per-hour", price]) == 2
    line = one_line(capsys)
    assert "--usd-per-hour" in line and "1.38" in line and len(line) < 300
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("command", ["sqrt 2 --digits 9", "resume swap", "ll 11", "prp 11", "work", "estimate ll 2203"])
def test_commands_that_take_a_price(engine, tmp_path, capsys, command):
    test_bad_prices(engine, tmp_path, capsys, "1e3", command)


def test_plan_prints_and_computes_nothing(engine, tmp_path, capsys, monkeypatch):
    engine.run = None
    monkeypatch.setattr(kernels, "load", None)
    assert main("phi --digits 30 --plan".split()) == 0
    assert "Golden Ratio" in capsys.readouterr().out
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize(
    "command, said",
    [
        ("", "COMMAND"),
        ("tau --digits 9", "tau"),
        ("phi", "--digits"),
        ("phi --digits", "--digits"),
        ("phi --digits 0", "at least 1"),
        ("phi --digits -5", "'-5'"),
        ("phi --digits 1.5", "whole"),
        ("phi --digits many", "1e8"),
        ("phi --digits nan", "1e8"),
        ("phi --digits 1e99", "1e18"),
        ("phi --digits 9 --base 7", "10, 16"),
        ("phi --digits 9 --base x", "--base"),
        ("phi --digits 9 --threads 0", "from 1 to 1024"),
        ("phi --digits 9 --threads -1", "--threads"),
        ("phi --digits 9 --threads 1e6", "from 1 to 1024"),
        ("phi --digits 9 --memory 8G", "8GiB"),
        ("phi --digits 9 --memory 0", "at least 1"),
        ("phi --digits 9 --workspace 1023KiB", "at least 1.00 MiB"),
        ("phi --digits 9 --workspace x", "8GiB"),
        ("phi --digits 9 --disk tape", "hdd"),
        ("phi --digits 9 --swap", "--swap"),
        ("phi --digits 9 --dig 3", "--dig"),
        ("phi 5 --digits 9", "5"),
        ("sqrt --digits 9", "D"),
        ("sqrt 0 --digits 9", "from 1 to 2147483647"),
        ("sqrt -4 --digits 9", "'-4'"),
        ("sqrt 2.5 --digits 9", "whole"),
        ("sqrt 2147483648 --digits 9", "from 1 to 2147483647"),
        ("sqrt two --digits 9", "'two'"),
        ("log --digits 9", "A/B"),
        ("log 1 --digits 9", "log 1 is none that can be had"),
        ("log 2/3 --digits 9", "A/B > 1"),
        ("log two --digits 9", "log two is none"),
        ("log 4294967296 --digits 9", "below 2^31"),
        ("log 34 --digits 9", "2, 3, 5, 7, 11 and 13"),
        ("log 7 --digits 9 --formula single", "leave --formula out"),
        ("zeta3 --digits 9 --formula single", "wedeniwski"),
        ("phi --digits 9 --json -", "--json"),
        ("phi --digits 9 --output a --json ./a", "same file"),
        ("phi --digits 9 --plan --json a", "--plan"),
        ("phi --digits 9 --output .", "directory"),
        ("phi --digits 9 --output /dev/null --force", "regular"),
        ("warmup 5", "5"),
    ],
)
def test_usage_errors(engine, tmp_path, capsys, command, said):
    assert main(command.split()) == 2
    assert said in one_line(capsys)
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("place", ["write", "sync", "rename"])
def test_a_report_that_cannot_be_written_is_on_the_screen(engine, tmp_path, capsys, place):
    """The disk is full when all is computed, or fails; the digits are there."""
    with failpoints.active(f"output.{place}[{tmp_path / 'report.json'}]=ENOSPC"):
        assert main("phi --digits 300 --json report.json".split()) == 3
    out, err = capsys.readouterr()
    assert "Decimal digits:         300\n" in out and str(tmp_path / "phi.txt") in out
    assert f"{tmp_path / 'report.json'}: No space left on device; " in err.splitlines()[-1]
    assert (tmp_path / "phi.txt").read_bytes() == text_of("phi", 300)


def test_a_report_is_written_where_nobody_reads_the_screen(engine, tmp_path, capsys, monkeypatch):
    with open("/dev/full", "w", buffering=1) as full:
        monkeypatch.setattr(sys, "stdout", full)
        assert main("phi --digits 300 --json report.json".split()) == 3
    assert json.loads((tmp_path / "report.json").read_text())["digits"] == 300


@pytest.mark.parametrize("taken", ["phi.txt", "phi.txt.cert", "report.json"])
def test_existing_files_are_refused_before_any_work(engine, tmp_path, capsys, taken):
    (tmp_path / taken).write_text("precious")
    run, engine.run = engine.run, None
    command = "phi --digits 9 --json report.json".split()
    assert main(command) == 2
    assert "--force" in one_line(capsys)
    assert os.listdir(tmp_path) == [taken] and (tmp_path / taken).read_text() == "precious"
    engine.run = run
    assert main([*command, "--force"]) == 0
    assert (tmp_path / "phi.txt").read_bytes() == text_of("phi", 9)
    assert sorted(os.listdir(tmp_path)) == ["phi.txt", "phi.txt.cert", "report.json"]


def test_missing_directory(engine, tmp_path, capsys):
    assert main("phi --digits 9 --output no/phi.txt".split()) == 3
    assert "No such file" in one_line(capsys)
    assert os.listdir(tmp_path) == []


def test_too_large_for_memory(engine, tmp_path, capsys):
    assert main("phi --digits 1000 --memory 9999B".split()) == 4
    line = one_line(capsys)
    assert "10000 bytes" in line and "9999" in line and "fewer digits" in line
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("error, remedy", [
    (MemoryError(), "--memory"), (OSError(12, "Cannot allocate memory"), "--memory"),
    (ImportError("libx.so: failed to map segment from shared object"), "--memory")])
def test_memory_refused_by_the_system(engine, tmp_path, capsys, error, remedy):
    engine.run = raising(error)
    assert main("phi --digits 9".split()) == 4
    line = one_line(capsys)
    assert "refused" in line and remedy in line
    assert os.listdir(tmp_path) == []


def raising(error):
    def fail(*_):
        raise error

    return fail


@pytest.mark.parametrize("call, where", [("posix_fallocate", "reserve"), ("pwrite", "write"), ("fsync", "write")])
def test_full_disk(engine, tmp_path, capsys, monkeypatch, call, where):
    monkeypatch.setattr(atomicfile.os, call, raising(OSError(28, "No space left on device")))
    assert main("phi --digits 9".split()) == 3
    line = one_line(capsys)
    assert "No space left" in line and where in line
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize(
    "error, code",
    [
        (errors.FaultError("product wrong twice at level 7"), 5),
        (errors.VerificationError("remainder is negative"), 1),
        (errors.Interrupted(resumable=True), 75),
        (KeyboardInterrupt(), 130),
        (RuntimeError("a mistake\nof ours"), 5),
    ],
)
def test_errors_of_the_engine(engine, tmp_path, capsys, error, code):
    engine.run = raising(error)
    assert main("phi --digits 9".split()) == code
    assert ";" in one_line(capsys)
    assert os.listdir(tmp_path) == []


def test_debug_shows_the_traceback(engine, capsys):
    engine.run = raising(RuntimeError("a mistake"))
    assert main("phi --digits 9 --debug".split()) == 5
    assert "Traceback" in capsys.readouterr().err


def test_warmup(engine, capsys, monkeypatch):
    monkeypatch.setattr(selftest, "self_test", lambda: [("transform", True), ("carry", True)])
    assert main(["warmup"]) == 0
    assert capsys.readouterr().out.splitlines()[1:] == ["ok      transform", "ok      carry"]
    monkeypatch.setattr(selftest, "self_test", lambda: [("transform", True), ("carry", False)])
    assert main(["warmup"]) == 1
    out, err = capsys.readouterr()
    assert "FAILED  carry" in out and err.count("\n") == 1 and "1 of 2" in err and "carry" in err


def test_constants(capsys):
    assert main(["constants", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [(each["constant"], each["name"]) for each in found] == [
        (entry.usage, way.name) for entry in CONSTANTS.values() for way in entry.ways]
    assert all(0 < (each["proof_bytes_per_digit"] or 1) < 10 and each["cost"] > 0 for each in found)
    assert main(["constants"]) == 0
    shown = capsys.readouterr().out
    assert all(each[name] in shown for each in found for name in ("formula", "source", "proof"))
    assert max(map(len, shown.splitlines())) <= 120


def test_version(capsys):
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"bigconst {bigconst.__version__}\n"


@pytest.mark.parametrize("command", [[], ["phi"], ["sqrt"], ["warmup"]])
def test_help_teaches_by_example(command, capsys):
    assert main([*command, "--help"]) == 0
    out = capsys.readouterr().out
    assert f"  bigconst {command[0] if command else 'phi'}" in out.partition("example")[2]


def test_help_imports_nothing_heavy():
    program = (
        "import sys\n"
        "from bigconst.cli import main\n"
        "main(['phi', '--help'])\n"
        "heavy = ('numba', 'numpy', 'tqdm', 'gmpy2', 'bigconst.constants.engine')\n"
        "print([module for module in heavy if module in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, env=ENVIRONMENT)
    assert done.stderr == "[]\n"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signals_remove_the_temporary_file(engine, tmp_path, number):
    engine.run = lambda *_: (open("started", "x").close(), os.kill(os.getpid(), number), time.sleep(60))
    code, err = end("phi --digits 99", lambda: None)
    assert code == 130
    assert err.startswith("bigconst: interrupted") and err.count("\n") == 1
    assert os.listdir(tmp_path) == ["started"]


FAKE_MAIN = """
import sys
sys.path.insert(0, {tests!r})
import fake_engine, pytest
from bigconst.cli import main
with pytest.MonkeyPatch.context() as patch:
    fake_engine.install(patch)
    sys.set_int_max_str_digits(0)
    sys.exit(main(sys.argv[1:]))
"""


@pytest.mark.parametrize("arguments, unbuffered", [
    ("phi --digits 9", ""), ("phi --digits 9 --plan", "1"), ("phi --digits 20000 --output -", ""),
    ("phi --digits 20000 --output -", "1")])
def test_nobody_reads_stdout(tmp_path, arguments, unbuffered):
    """In an interpreter of its own, which flushes standard output once more at its end."""
    out, into = os.pipe()
    os.close(out)
    program = FAKE_MAIN.format(tests=os.path.dirname(__file__))
    with os.fdopen(into, "w") as stdout:
        done = subprocess.run([sys.executable, "-c", program, *arguments.split()], cwd=tmp_path, stdout=stdout,
                              stderr=subprocess.PIPE, text=True, env={**ENVIRONMENT, "PYTHONUNBUFFERED": unbuffered})
    assert done.returncode == 3
    assert "Traceback" not in done.stderr
    assert done.stderr.splitlines()[-1].startswith("bigconst: cannot write to standard output: Broken pipe; ")


def test_signal_handler_is_put_back(engine, capsys):
    before = signal.getsignal(signal.SIGTERM)
    assert main("phi --digits 9".split()) == 0
    assert signal.getsignal(signal.SIGTERM) is before


def test_real_program(tmp_path):
    """The installed package with its real kernels, from the outside."""
    command = [*PYTHON, "phi", "--digits", "1000", "--json", "report.json"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, env=ENVIRONMENT)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "phi.txt").read_bytes() == text_of("phi", 1000)
    report = json.loads((tmp_path / "report.json").read_text())
    scaled = (10**1000 + math.isqrt(5 * 10**2000)) // 2
    assert report["digit_hash"] == scaled % (2**61 - 1)
    assert report["last_digits"] == str(scaled)[-100:]
