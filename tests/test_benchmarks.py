"""Every benchmark program starts, and the short ones write sound JSON with --quick; `make torture` runs all of them."""

import subprocess
import sys

import pytest
from benchmark_runs import PROGRAMS, ROOT, check_quick_run, check_without_peers

SHORT = ("memory", "multiplication", "words", "roundoff", "volume")
"""Programs whose quick runs take two or three seconds."""

HELP = """
import contextlib, io, runpy, sys
for path in sys.argv[2:]:
    text = io.StringIO()
    sys.argv, sys.path[0] = [path, "--help"], sys.argv[1]
"""


def test_all_programs_are_known():
    assert {path.stem for path in (ROOT / "benchmarks").glob("[a-z]*.py")} == PROGRAMS.keys()
