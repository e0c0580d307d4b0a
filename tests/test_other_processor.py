"""A run that goes on with other threads on another processor."""

import os
import subprocess
import sys

import pytest
from interrupted_runs import at_moment, kill
from test_cli import ENVIRONMENT

from bigconst.cli import main

ARGUMENTS = "phi --digits 1e6 --workspace 1MiB --disk ssd".split()


@pytest.mark.slow
def test_killed_with_two_threads_and_resumed_with_one_on_a_processor_without_avx512(tmp_path):
    """The kernels are compiled for it, half a minute; the digits and the certificate are the same."""
    files, lane = tmp_path / "files", tmp_path / "lane"
    files.mkdir()
    lane.mkdir()
    assert main([*ARGUMENTS[:3], "--output", f"{tmp_path}/whole.txt"]) == 0
    kill(f"{' '.join(ARGUMENTS)} --threads 2 --swap {lane} --output {files}/phi.txt", at_moment(500))
    assert os.listdir(lane)
    resumed = subprocess.run([sys.executable, "-m", "bigconst", "resume", str(lane), "--threads", "1"],
                             env=ENVIRONMENT | {"NUMBA_CPU_NAME": "haswell"}, capture_output=True, text=True)
    assert resumed.returncode == 0, resumed.stderr
    for suffix in ("", ".cert"):
        assert (files / f"phi.txt{suffix}").read_bytes() == (tmp_path / f"whole.txt{suffix}").read_bytes()
    assert os.listdir(lane) == []
