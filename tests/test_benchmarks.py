"""Every benchmark program starts, and the short ones write sound JSON with --quick; `make torture` runs all of them."""

import subprocess
import sys

import pytest
from benchmark_runs import PROGRAMS, ROOT, check_quick_run, check_without_peers

SHORT = ("memory", "multiplication", "words", "roundoff")
"""Programs whose quick runs take two or three seconds."""

SHOW_HELP = """
import contextlib, io, os, runpy, sys

paths = sys.argv[1:]
for path in paths:
    sys.argv[:], sys.path[0] = [path, "--help"], os.path.dirname(path)
    with contextlib.redirect_stdout(io.StringIO()) as text:
        try:
            runpy.run_path(path, run_name="__main__")
            code = None
        except SystemExit as end:
            code = end.code
    print(os.path.relpath(path, os.path.commonpath(paths)), code, "--json FILE" in text.getvalue())
"""
"""Shows the help of programs, all in one process; prints the path of each, its exit code, and whether it was help."""


def test_all_programs_are_known():
    assert {path.stem for path in (ROOT / "benchmarks").glob("[a-z]*.py")} == PROGRAMS.keys()


@pytest.mark.slow
def test_all_programs_start():
    names = [*(f"benchmarks/{name}.py" for name in PROGRAMS),
             *(f"tests/torture/{name}.py" for name in ("constants", "mersenne", "cluster"))]
    done = subprocess.run([sys.executable, "-c", SHOW_HELP, *(str(ROOT / name) for name in names)],
                          capture_output=True, text=True)
    assert done.stdout.splitlines() == [f"{name} 0 True" for name in names], done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("program", SHORT)
def test_a_quick_run_writes_figures(program, tmp_path):
    check_quick_run(program, tmp_path)


@pytest.mark.slow
def test_a_missing_peer_is_left_out_with_a_note(tmp_path):
    check_without_peers("multiplication", tmp_path)
