"""Families of kernels: what is loaded for what, and how those that were never compiled are compiled."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from bigconst.kernels import cache
from bigconst.runs import kernels
from bigconst.runs.kernels import CHECKING, DIGITS, FAMILIES, READING, SQUARINGS

ROOT = Path(__file__).parents[2]


def python(code: str) -> str:
    return subprocess.run([sys.executable, "-c", code], env=os.environ | {"PYTHONPATH": str(ROOT)}, text=True,
                          capture_output=True, check=True).stdout


@pytest.mark.parametrize("families", [FAMILIES, (SQUARINGS,), (READING, CHECKING)])
def test_cold_families_are_announced_and_compiled_by_children(monkeypatch, capfd, families):
    """They find this package, compile each module once, and say nothing themselves."""
    modules = {module for family in families for step in family.steps for module in step}
    monkeypatch.setattr(cache, "is_cold", lambda module: module in modules)
    monkeypatch.setattr(cache, "mark_compiled", lambda module: None)
    shown = []
    monkeypatch.setattr(kernels.StatusLine, "show", lambda self, text: shown.append(text))
    kernels.load(*families)
    names = ", ".join(family.name for family in families)
    assert capfd.readouterr() == ("", f"compiling kernels for {names} for this machine (once, up to a minute)\n")
    assert f"{len(modules)} of {len(modules)} modules" in shown[-1]


def test_what_another_family_has_compiled_is_not_cold(capfd):
    kernels.load(DIGITS)
    kernels.load(CHECKING)
    assert capfd.readouterr() == ("", "")


def test_without_children_the_kernels_are_compiled_here(monkeypatch, capfd):
    def refuse(*_arguments, **_options):
        raise OSError(12, "no memory")

    monkeypatch.setattr(cache, "is_cold", lambda module: True)
    monkeypatch.setattr(cache, "mark_compiled", lambda module: None)
    monkeypatch.setattr(kernels.subprocess, "Popen", refuse)
    kernels.load(READING)
    assert capfd.readouterr().err.startswith("compiling kernels for reading")


@pytest.mark.parametrize("families, absent", [
    ("DIGITS", ["dwt", "search", "middle"]), ("CHECKING", ["columns", "rows", "dwt", "search"]),
    ("SQUARINGS", ["columns", "text", "search"]), ("READING", ["columns", "rows", "dwt", "residue"])])
def test_a_family_loads_no_kernels_of_others(families, absent):
    """They would cost a command a part of its start."""
    code = (f"import sys\nfrom bigconst.runs.kernels import {families}, load\nload({families})\n"
            f"print([name for name in {absent} if 'bigconst.kernels.' + name in sys.modules])")
    assert python(code) == "[]\n"


def test_families_have_all_kernels():
    entries = {path.stem for path in (ROOT / "bigconst/kernels").glob("*.py") if "\n@kernel(" in path.read_text()}
    code = ("import sys\nfrom bigconst.runs.kernels import FAMILIES, load\nload(*FAMILIES)\n"
            "print(*(name.rpartition('.')[2] for name in sys.modules if name.startswith('bigconst.kernels.')))")
    assert entries <= set(python(code).split())
