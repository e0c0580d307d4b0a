"""The Python functions, against gmpy2, and their examples."""

import doctest
import inspect
import os
from pathlib import Path

import gmpy2
import pytest
from gmpy2 import isqrt, mpz
from plausible import keep_speeds

import bigconst
from bigconst import api
from bigconst.base import errors

ROOT = Path(__file__).parents[1]


@pytest.mark.parametrize("name, d", [("phi", 5), ("sqrt 2", 2), ("sqrt 2147483647", 2**31 - 1), ("sqrt 144", 144)])
@pytest.mark.parametrize("base", [10, 16])
def test_digits_and_integers(name, d, base):
    value = bigconst.compute_integer(name, 1000, base)
    text = bigconst.compute_digits(name, 1000, base, threads=1)
    scale = mpz(base) ** (len(text) - text.index(".") - 1)
    expected = isqrt(d * scale * scale)
    assert value == ((scale + expected) // 2 if name == "phi" else expected)
    assert mpz(text.replace(".", ""), base) == value and isinstance(value, int)


@pytest.mark.parametrize("p, count, subtract", [(3, 5, 2), (521, 30, 7), (1024, 20, 0), (9941, 99, 1000), (1279, 0, 2)])
def test_squarings(p, count, subtract):
    modulus = mpz(2) ** p - 1
    state = gmpy2.random_state(p)
    start = x = gmpy2.mpz_random(state, modulus)
    for _ in range(count):
        x = (x * x - subtract) % modulus
    assert bigconst.iterate(p, int(start), count, subtract, threads=2) == x


@pytest.mark.parametrize("call, what", [
    (lambda: bigconst.compute_digits("tau", 10), "unknown constant"),
    (lambda: bigconst.compute_digits("sqrt", 10), "unknown constant 'sqrt'"),
    (lambda: bigconst.compute_digits("pi by gauss", 10), "pi has no formula 'gauss'"),
    (lambda: bigconst.compute_digits("log 2/3", 10), "log 2/3 is none"),
    (lambda: bigconst.compute_digits("phi", 0), "digits"),
    (lambda: bigconst.compute_digits("phi", 10.5), "digits"),
    (lambda: bigconst.compute_digits("phi", 10, 7), "base"),
    (lambda: bigconst.compute_digits("phi", 10, threads=0), "threads"),
    (lambda: bigconst.iterate(1, 3, 5), "p is 1"),
    (lambda: bigconst.iterate(31, 3, -5), "count"),
    (lambda: bigconst.iterate(31, 3, 5, 1001), "subtract"),
    (lambda: bigconst.iterate(10**12, 3, 5), "too large"),
    (lambda: bigconst.verify("phi.txt", primes=0), "primes"),
    (lambda: bigconst.compute_file("phi", 10, "-"), "a file"),
    (lambda: bigconst.compute_file("phi", 10, "phi.txt", swap="mnt"), "directories"),
])
def test_what_makes_no_sense_is_refused(call, what, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(errors.UsageError, match=what):
        call()
    assert os.listdir(tmp_path) == []


def test_more_than_memory_is_refused(monkeypatch):
    monkeypatch.setattr("bigconst.base.hardware.available_memory_bytes", lambda: 1 << 24)
    with pytest.raises(errors.DoesNotFit):
        bigconst.compute_digits("phi", 10**8)


def test_a_file_its_proof_and_a_wrong_digit(tmp_path, capfd):
    path = tmp_path / "phi.txt"
    heard = []
    report = bigconst.compute_file("phi", 5000, path, emit=heard.append)
    assert path.read_text() == bigconst.compute_digits("phi", 5000) + "\n"
    assert report["digits"] == 5000 and report["files"][0]["path"] == str(path) and report["schema"] in (
        "bigconst-report/1",)
    assert {type(event).__name__ for event in heard} >= {"PlanMade", "StageStarted", "StageDone", "Finished"}
    assert bigconst.verify(path).header.digits == 5000
    with pytest.raises(errors.UsageError, match="exists"):
        bigconst.compute_file("phi", 100, path)
    data = path.read_bytes()
    path.write_bytes(data[:1000] + (b"1" if data[1000:1001] != b"1" else b"2") + data[1001:])
    with pytest.raises(errors.VerificationError):
        bigconst.verify(path)
    assert capfd.readouterr() == ("", "")


def test_names_that_look_like_options(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    bigconst.compute_file("phi", 100, "--digits", swap=["-scratch"])
    assert (tmp_path / "--digits").read_text() == bigconst.compute_digits("phi", 100) + "\n"


def test_a_file_from_disk_in_a_thread(tmp_path, monkeypatch):
    """Signals can be heard in the main thread alone; a run elsewhere does without."""
    from concurrent.futures import ThreadPoolExecutor

    (tmp_path / "scratch").mkdir()
    monkeypatch.setattr(api, "MIN_WORKSPACE_BYTES", 1 << 18)
    with ThreadPoolExecutor(1) as pool:
        report = pool.submit(bigconst.compute_file, "sqrt 2", 10**5, tmp_path / "a.txt", workspace_bytes=280 << 10,
                             swap=[tmp_path / "scratch"], certificate=False).result()
    assert report["mode"] == "on disk"
    expected = str(isqrt(mpz(2) * mpz(10) ** (2 * 10**5)))
    assert (tmp_path / "a.txt").read_text() == f"1.{expected[1:]}\n"
    assert os.listdir(tmp_path / "scratch") == [] and sorted(os.listdir(tmp_path)) == ["a.txt", "scratch"]


def test_examples_of_the_functions_and_the_readme():
    for result in (doctest.testmod(api), doctest.testfile(str(ROOT / "README.md"), module_relative=False)):
        assert result.failed == 0 and result.attempted >= 2


@pytest.mark.slow
def test_examples_of_the_page(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    (tmp_path / "scratch").mkdir()
    keep_speeds(tmp_path / "cache", tmp_path / "scratch")
    result = doctest.testfile(str(ROOT / "docs" / "python.md"), module_relative=False)
    assert result.failed == 0 and result.attempted > 8


def test_everything_public_is_typed_and_explained():
    assert (ROOT / "bigconst" / "py.typed").exists()
    for name in bigconst.__all__:
        function = getattr(bigconst, name)
        signature = inspect.signature(function)
        assert inspect.getdoc(function), name
        assert signature.return_annotation is not signature.empty, name
        assert all(each.annotation is not each.empty for each in signature.parameters.values()), name
