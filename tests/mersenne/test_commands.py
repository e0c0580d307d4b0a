"""The commands on the real squarer: lines, exit codes, interruption, work files."""

import contextlib
import json
import os
import re
import signal
from dataclasses import replace

import gmpy2
import pytest
from gmpy2 import mpz
from interrupted_runs import Process, at_failpoints, end, kill

from bigconst.cli import main
from bigconst.mersenne import selftest
from bigconst.mersenne.results import res64
from bigconst.mersenne.savefile import SaveFiles
from bigconst.storage import diskkind


@pytest.fixture(autouse=True)
def here(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)


def chain(p, start, subtract, count):
    modulus, x = (mpz(1) << p) - 1, mpz(start)
    for _ in range(count):
        x = (x * x - subtract) % modulus
    return x


def output(capsys, command, code=0):
    assert main(command.split()) == code
    return capsys.readouterr()


def test_primes_and_composites(capsys):
    out = output(capsys, "ll 2 3 5 11 1279 2207 --no-factor --threads 2").out.splitlines()
    assert [line.split(",")[0] for line in out] == [
        "M2 is prime", "M3 is prime", "M5 is prime", "M11 is composite", "M1279 is prime", "M2207 is composite"]
    assert out[-1] == f"M2207 is composite, res64 {res64(chain(2207, 4, 2, 2205))}"
    assert os.listdir() == []


def test_prp(capsys):
    out = output(capsys, "prp 2 3 5 11 1279 2207 --no-factor --threads 1").out.splitlines()
    assert out[0] == "M2 is prime" and out[1] == "M3 is a probable prime, base 3"
    assert out[3] == f"M11 is composite, res64 {res64(pow(3, 2**11 - 2, 2**11 - 1))}"
    assert out[4] == "M1279 is a probable prime, base 3"
    assert out[5] == f"M2207 is composite, res64 {res64(gmpy2.powmod(3, mpz(2)**2207 - 2, mpz(2)**2207 - 1))}"


def test_what_needs_no_test(capsys):
    out = output(capsys, "ll 15 16 25 2039").out.splitlines()
    assert out[:3] == ["M15 is composite: 2^15-1 is divisible by 2^3-1 = 7",
                       "M16 is composite: 2^16-1 is divisible by 2^2-1 = 3",
                       "M25 is composite: 2^25-1 is divisible by 2^5-1 = 31"]
    assert out[3] == "M2039 is composite: 2^2039-1 is divisible by 4079"


@pytest.mark.parametrize("command", [
    "ll", "ll 1", "ll 0", "ll -5", "ll abc", "ll 1.5", "ll 1e17", "ll 1279 --iterations 0", "ll 1279 --iterations 1278",
    "ll 1279 --shift -1", "ll 1279 --fft 3000K", "ll 1279 --fft x", "ll 1279 --save-every 0", "ll 216091 --fft 1K",
    "ll 1279 --threads 0", "prp 1279 --iterations 1280", "work --workers 0", "work --nice=20"])
def test_bad_input(capsys, command):
    out, err = output(capsys, command, 2)
    assert out == "" and err.startswith("bigconst: ") and err.count("\n") == 1
    assert os.listdir() == []


def test_no_such_directory(capsys):
    assert "nowhere" in output(capsys, "ll 1279 --dir nowhere --no-factor", 3).err


@pytest.mark.parametrize("options", ["", "--shift 0", "--shift 999999999 --threads 1", "--fft 6K --threads 2"])
@pytest.mark.parametrize("name, kind", [("ll", "LL"), ("prp", "PRP-3")])
def test_iterations_give_published_residues(capsys, options, name, kind):
    for row in selftest.rows():
        if row.kind == kind and row.exponent == 22679 and row.iterations <= 1000:
            line = output(capsys, f"{name} 22679 --iterations {row.iterations} {options}").out
            assert line == (f"M22679 {kind} after {row.iterations} iterations: res64 {row.res64:016X}, "
                            f"mod 2^35-1 {row.mod_2_35_1}, mod 2^36-1 {row.mod_2_36_1}\n")


def test_selftest(capsys, monkeypatch):
    assert len(selftest.rows()) > 100
    monkeypatch.setattr(selftest, "SHORT_EXPONENT", 400_000)
    out = output(capsys, "selftest --threads 2").out.splitlines()
    assert out[-1] == f"all {len(out) - 1} residues are right" and len(out) == 21
    good, bad = (row for row in selftest.rows()[:4] if row.iterations == 100)
    rows = [good, replace(bad, res64=bad.res64 ^ 1)]
    monkeypatch.setattr(selftest, "rows", lambda: rows)
    found = output(capsys, "selftest --threads 1", 1)
    assert found.out.count("FAILED") == 1 and "1 of 2" in found.err


def test_warmup_tests_squarings(capsys):
    out = output(capsys, "warmup").out.splitlines()
    assert "ok      300 squarings modulo 2^4253-1" in out and not [line for line in out if "FAILED" in line]


def check_cost(line, usd_per_hour, shared=""):
    """The dollars are those of the seconds on the same line: both are rounded."""
    found = re.fullmatch(r"cost: \$([\d.]+) at \$36\.00 an hour" + shared + r", ([\d.]+) s in this process", line)
    assert found, line
    assert float(found[1]) == pytest.approx(usd_per_hour * float(found[2]) / 3600, rel=0.06, abs=1e-5)


@pytest.mark.parametrize("name", ["ll", "prp"])
def test_cost_below_every_result(capsys, name):
    """Of one that needs no test, one without a transform, and one with."""
    command = f"{name} 15 11 1279 --verify --threads 1"
    plain = output(capsys, command).out.splitlines()
    lines = output(capsys, f"{command} --usd-per-hour 36").out.splitlines()
    assert lines[::2] == plain and len(plain) == 3
    for line in lines[1::2]:
        check_cost(line, 36)


def test_price_of_a_test_on_disk_is_remembered(capsys, tmp_path, monkeypatch):
    (tmp_path / "a").mkdir()
    monkeypatch.setattr(diskkind, "random_read_s", lambda directory: 1e-4)
    command = "ll 86027 --no-factor --iterations 20 --workspace 200KiB --swap a --usd-per-hour 36"
    for again, price in (("", "36.00"), (" --usd-per-hour 7.5", "7.50")):
        kill(command, at_failpoints("lane.write=kill@60"))
        out = output(capsys, f"resume a{again}").out.splitlines()
        assert len(out) == 2 and re.fullmatch(rf"cost: \$[\d.]+ at \${price} an hour, .* in this process", out[1])


def save_files(directory="."):
    return sorted(name for name in os.listdir(directory) if name.endswith(".save"))


def at_save(count, number):
    """What prepares a process to get a signal when it has written so many save files."""
    def prepare():
        left, write = count, SaveFiles.write

        def written(self, saved):
            nonlocal left
            path = write(self, saved)
            left -= 1
            if left == 0:
                os.kill(os.getpid(), number)
            return path

        SaveFiles.write = written

    return prepare


@pytest.mark.parametrize("name, number", [("ll", signal.SIGTERM), ("prp", signal.SIGINT)])
def test_interrupted_and_resumed(capsys, name, number):
    command = f"{name} 9941 --save-every 1e-6 --threads 1 --no-factor"
    with Process(command, at_save(2, number)) as process:
        code, err = process.end()
        assert code == 75 and process.printed() == "" and "the same command goes on" in err, err
    assert save_files()
    out, err = output(capsys, command)
    assert "going on from iteration" in err
    assert out == f"M9941 is {'prime' if name == 'll' else 'a probable prime, base 3'}\n"
    assert os.listdir() == []


def test_work(capsys, tmp_path):
    lines = ["[Worker #1]", "Test=0123456789ABCDEF0123456789ABCDEF,1279,60,1", "Nonsense=1", "DoubleCheck=2203,60,1",
             "[Worker #2]", "PRP=N/A,1,2,2207,-1,60,0,3,1", 'PRP=N/A,1,2,2039,-1,60,0,3,5,"4079"',
             "Test=9000000001"]
    (tmp_path / "worktodo.txt").write_text("\n".join(lines) + "\n")
    out, err = output(capsys, "work --threads 1", 2)
    assert out.splitlines()[:2] == ["M1279 is prime", "M2203 is prime"]
    assert (tmp_path / "worktodo.txt").read_text().split("\n") == [lines[0], lines[2], lines[4], lines[-1], ""]
    assert "worktodo.txt:3: work of the kind 'Nonsense'" in err and "too large" in err
    results = [json.loads(line) for line in (tmp_path / "results.json.txt").read_text().splitlines()]
    assert [(each["status"], each["exponent"], each["worktype"]) for each in results] == [
        ("P", 1279, "LL"), ("P", 2203, "LL"), ("C", 2207, "PRP-3"), ("C", 2039, "PRP-3")]
    assert results[0]["aid"] == "0123456789ABCDEF0123456789ABCDEF"
    assert sorted(os.listdir()) == ["results.json.txt", "worktodo.txt"]


def test_cost_of_work(capfd, tmp_path, forked_workers):
    lines = "Test=1279\nTest=2203\n"
    (tmp_path / "worktodo.txt").write_text(lines)
    out = output(capfd, "work --threads 1 --usd-per-hour 36").out.splitlines()
    assert out[::2] == ["M1279 is prime", "M2203 is prime"]
    for line in out[1::2]:
        check_cost(line, 36)
    (tmp_path / "worktodo.txt").write_text(lines)
    out = output(capfd, "work --workers 2 --threads 1 --usd-per-hour 36").out.splitlines()
    assert sorted(out[::2]) == ["M1279 is prime", "M2203 is prime"]
    for line in out[1::2]:
        check_cost(line, 18, " shared by 2 workers")
    assert "cost" not in (tmp_path / "results.json.txt").read_text()


def test_no_work(capsys, tmp_path):
    assert "worktodo.txt" in output(capsys, "work", 3).err
    for nothing in ("", "# mine\n\n[Worker #1]\n"):
        (tmp_path / "worktodo.txt").write_text(nothing)
        out, err = output(capsys, "work")
        assert out == "" and err == "./worktodo.txt has no work; write it there, a line each, like Test=57885161\n"


def test_a_result_that_cannot_be_written_is_not_lost(capsys, tmp_path):
    (tmp_path / "worktodo.txt").write_text("PRP=1,2,2203,-1\n")
    (tmp_path / "results.json.txt").mkdir()
    out, err = output(capsys, "work", 3)
    assert json.loads(out.splitlines()[-1])["status"] == "P" and "save file" in err
    assert (tmp_path / "worktodo.txt").read_text() == "PRP=1,2,2203,-1\n" and save_files()
    (tmp_path / "results.json.txt").rmdir()
    out, err = output(capsys, "work")
    assert "going on from iteration 2,203" in err and not save_files()
    assert (tmp_path / "worktodo.txt").read_text() == ""


def test_workers(tmp_path, forked_workers):
    """In a process of its own, which stays slow."""
    exponents = [1279, 2203, 2281, 3217, 4253, 4423]
    (tmp_path / "worktodo.txt").write_text("".join(f"Test={p}\n" for p in exponents) + "Test=9000000001\n")
    with Process("work --workers 2 --threads 1 --nice", lambda: None) as process:
        code, err = process.end()
        assert code == 2, err
        assert sorted(process.printed().splitlines()) == sorted(f"M{p} is prime" for p in exponents)
    assert (tmp_path / "worktodo.txt").read_text() == "Test=9000000001\n"
    assert len((tmp_path / "results.json.txt").read_text().splitlines()) == len(exponents)


def test_workers_are_interrupted(tmp_path, forked_workers):
    """The first save of a worker has their parent get a signal; a second signal would end it at once."""
    lines = "Test=216091\nPRP=1,2,132049,-1\n"
    (tmp_path / "worktodo.txt").write_text(lines)

    def prepare():
        write = SaveFiles.write

        def written(self, saved):
            path = write(self, saved)
            with contextlib.suppress(FileExistsError):
                open("asked", "x").close()
                os.kill(os.getppid(), signal.SIGTERM)
            return path

        SaveFiles.write = written

    code, err = end("work --workers 2 --threads 1 --save-every 0.05", prepare)
    assert code == 75, err
    assert {name.split(".")[0] for name in save_files()} <= {"ll216091", "prp132049"} and save_files()
    assert (tmp_path / "worktodo.txt").read_text() == lines
