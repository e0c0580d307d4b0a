"""Kernels that are compiled anew: for another processor, and in a package that was installed."""

import os
import shutil
import subprocess
import sys

import pytest
from benchmark_runs import ROOT
from interrupted_runs import at_moment, kill

from bigconst.cli import main

ARGUMENTS = "phi --digits 1e6 --workspace 1MiB --disk ssd".split()


def program(folder, *arguments: str, **environment: str) -> str:
    """Run the package that is in `folder`; return what it prints."""
    done = subprocess.run([sys.executable, "-m", "bigconst", *arguments], cwd=folder, capture_output=True, text=True,
                          env={**os.environ, "PYTHONPATH": str(folder), **environment})
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_killed_with_two_threads_and_resumed_with_one_on_a_processor_without_avx512(tmp_path):
    """The digits and the certificate are the same."""
    files, lane = tmp_path / "files", tmp_path / "lane"
    files.mkdir()
    lane.mkdir()
    assert main([*ARGUMENTS[:3], "--output", f"{tmp_path}/whole.txt"]) == 0
    kill(f"{' '.join(ARGUMENTS)} --threads 2 --swap {lane} --output {files}/phi.txt", at_moment(500))
    assert os.listdir(lane)
    program(ROOT, "resume", str(lane), "--threads", "1", NUMBA_CPU_NAME="haswell")
    for suffix in ("", ".cert"):
        assert (files / f"phi.txt{suffix}").read_bytes() == (tmp_path / f"whole.txt{suffix}").read_bytes()
    assert os.listdir(lane) == []


def test_an_installed_package_computes(tmp_path):
    """Without the sources beside it, and with a cache that is empty."""
    pytest.importorskip("setuptools", "77")
    source, installed = tmp_path / "source", tmp_path / "installed"
    shutil.copytree(ROOT / "bigconst", source / "bigconst", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    subprocess.run([sys.executable, "-m", "pip", "install", "--no-index", "--no-deps", "--no-build-isolation",
                    "--target", str(installed), str(source)], check=True, capture_output=True)
    shutil.rmtree(source)
    assert program(installed, "phi", "--digits", "40", "--output", "-", BIGCONST_CACHE=str(tmp_path / "cache")) == (
        "1.6180339887498948482045868343656381177203\n")
    assert list((tmp_path / "cache" / "bigconst").glob("kernels-*/columns.kernels"))
