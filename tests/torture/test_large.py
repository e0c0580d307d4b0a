"""Sizes that the other tests do not reach: digits in memory, on disk and by gmpy2, the same byte for byte."""

import filecmp
import os
import subprocess
import sys
from pathlib import Path

import gmpy2
import pytest

LARGE = 10**8


def bigconst(folder: Path, *arguments: str) -> str:
    """Run a command in `folder`; return what it prints."""
    done = subprocess.run([sys.executable, "-m", "bigconst", *arguments], cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def phi(tmp_path_factory):
    """A folder with LARGE digits of phi and their certificate, computed in memory."""
    folder = tmp_path_factory.mktemp("phi")
    bigconst(folder, "phi", "--digits", str(LARGE), "--output", "phi.txt")
    return folder


def test_digits_in_memory_are_those_of_gmpy2(phi):
    scale = gmpy2.mpz(10) ** LARGE
    digits = ((scale + gmpy2.isqrt(5 * scale * scale)) >> 1).digits()
    assert (phi / "phi.txt").read_text() == f"{digits[0]}.{digits[1:]}\n"


def test_digits_are_proved_and_read(phi):
    bigconst(phi, "verify", "phi.txt")
    last = bigconst(phi, "digits", "phi.txt", "--raw", "--from", str(LARGE - 99)).strip()
    assert last == (phi / "phi.txt").read_text()[-101:].strip()


@pytest.mark.parametrize("options", ["--workspace 16MiB", "--workspace 64MiB --disk hdd", "--memory 512MiB"])
def test_files_of_a_run_on_disk_are_those_of_memory(options, phi, tmp_path):
    (tmp_path / "scratch").mkdir()
    bigconst(tmp_path, "phi", "--digits", str(LARGE), *options.split(), "--swap", "scratch", "--output", "phi.txt")
    for name in ("phi.txt", "phi.txt.cert"):
        assert filecmp.cmp(tmp_path / name, phi / name, shallow=False)
    assert os.listdir(tmp_path / "scratch") == []


def test_a_compressed_file_holds_the_same_digits(phi, tmp_path):
    bigconst(tmp_path, "phi", "--digits", str(LARGE), "--output", "phi.txt.zst")
    bigconst(tmp_path, "compare", "phi.txt.zst", str(phi / "phi.txt"))


@pytest.mark.parametrize("digits,options,last", [
    (10**8, "", "9948682556 3967530560 3352869667 7734610718 4471868529"
                "7572203175 2074898161 1683139375 1497058112 0187751592"),
    (10**9, "--memory 4GiB --swap scratch",
     "6434543524 2766553567 4357021939 6394581990 5483278746"
     "7139868209 3196353628 2046127557 1517139511 5275045519")])
def test_digits_of_pi_are_the_published_ones(digits, options, last, tmp_path):
    """The last hundred, from validation files of y-cruncher (A. Yee)."""
    (tmp_path / "scratch").mkdir()
    bigconst(tmp_path, "pi", "--digits", str(digits), *options.split(), "--output", "pi.txt")
    with open(tmp_path / "pi.txt", "rb") as file:
        file.seek(-101, os.SEEK_END)
        assert file.read().strip().decode() == last.replace(" ", "")
