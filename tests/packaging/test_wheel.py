"""Wheel and source archive: what is in them, and that they install where nothing of the sources is."""

import importlib.metadata
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import zipfile
from pathlib import Path

import pytest

import bigconst

TOP = Path(__file__).resolve().parents[2]
WHEEL = f"bigconst-{bigconst.__version__}-py3-none-any.whl"

pytestmark = pytest.mark.slow


def call(*command, cwd) -> str:
    # What a Python finds is what is installed, not the sources beside it.
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def backend():
    """A Python that can build without a network."""
    needed = int(re.search(r'"setuptools>=(\d+)"', (TOP / "pyproject.toml").read_text())[1])
    try:
        found = importlib.metadata.version("setuptools")
    except importlib.metadata.PackageNotFoundError:
        found = "0"
    if int(found.split(".")[0]) < needed:
        pytest.skip(f"setuptools {needed} is not installed (found {found})")
    return sys.executable


@pytest.fixture(scope="module")
def archive(backend, tmp_path_factory):
    """The source archive, of a copy, so that building leaves nothing behind."""
    source = tmp_path_factory.mktemp("source") / "bigconst"
    shutil.copytree(TOP / "bigconst", source / "bigconst", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(TOP / name, source)
    folder = tmp_path_factory.mktemp("archive")
    call(backend, "-c", f"from setuptools.build_meta import build_sdist; build_sdist({str(folder)!r})", cwd=source)
    (path,) = folder.iterdir()
    return path


@pytest.fixture(scope="module")
def wheel(backend, archive, tmp_path_factory):
    """Built from nothing but the source archive."""
    folder = tmp_path_factory.mktemp("wheel")
    call(backend, "-m", "pip", "wheel", "--no-build-isolation", "--no-deps", "--no-index", "--wheel-dir", str(folder),
         str(archive), cwd=folder)
    (path,) = folder.iterdir()
    return path


def package_files() -> set[str]:
    """All that the program reads or runs."""
    return {path.relative_to(TOP).as_posix() for path in (TOP / "bigconst").rglob("*")
            if path.suffix in {".py", ".csv"} or path.name == "py.typed"}


def test_names(archive, wheel):
    assert (archive.name, wheel.name) == (f"bigconst-{bigconst.__version__}.tar.gz", WHEEL)


def test_source_archive_holds_all(archive):
    with tarfile.open(archive) as opened:
        names = {name.partition("/")[2] for name in opened.getnames()}
    assert package_files() | {"pyproject.toml", "README.md", "LICENSE"} <= names


def test_wheel_holds_the_package_and_nothing_else(wheel):
    with zipfile.ZipFile(wheel) as opened:
        names = set(opened.namelist())
        metadata = opened.read(f"bigconst-{bigconst.__version__}.dist-info/METADATA").decode()
        scripts = opened.read(f"bigconst-{bigconst.__version__}.dist-info/entry_points.txt").decode()
    assert {name for name in names if ".dist-info/" not in name} == package_files()
    assert any(name.endswith(".csv") for name in names)
    assert any(name.endswith("/LICENSE") for name in names)
    assert "bigconst = bigconst.cli:main" in scripts
    required = {re.match(r"[\w-]+", line)[0] for line in re.findall(r"Requires-Dist: (.*)", metadata)
                if "extra ==" not in line}
    assert {"numpy", "numba", "gmpy2"} <= required


def test_wheel_installs_in_a_clean_environment(wheel, tmp_path):
    """Its dependencies are those of this one: a line of a .pth file makes them, but nothing editable, visible.

    Nothing there needs kernels: they would be compiled for the new place, which `make torture` does.
    """
    clean = tmp_path / "clean"
    call(sys.executable, "-m", "venv", "--without-pip", str(clean), cwd=tmp_path)
    python = str(clean / "bin/python")
    call(sys.executable, "-m", "pip", "--python", python, "install", "--no-index", "--no-deps", str(wheel),
         cwd=tmp_path)
    places = call(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))", cwd=tmp_path).strip()
    Path(places, "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    where = call(python, "-c", "import bigconst; print(bigconst.__file__)", cwd=tmp_path).strip()
    assert Path(where).is_relative_to(clean)
    program = str(clean / "bin/bigconst")
    assert call(program, "--version", cwd=tmp_path).strip() == f"bigconst {bigconst.__version__}"
    cases = call(python, "-c", "from bigconst.mersenne.selftest import short_cases; print(len(short_cases([1])))",
                 cwd=tmp_path)
    assert int(cases) > 1       # from a table that is packed with it
    assert "Golden Ratio" in call(program, "phi", "--digits", "40", "--plan", cwd=tmp_path)
    assert call(program, "ll", "521", cwd=tmp_path) == "M521 is prime\n"       # by plain integers
