"""Families of kernels: what is loaded for what, and how those that were never compiled are compiled."""

import itertools
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from bigconst.base.errors import DoesNotFit
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


def test_kernels_that_cannot_be_stored_are_compiled_here(monkeypatch, capfd):
    """With the place and the reason, in no child, whose work would be lost."""
    monkeypatch.setattr(cache, "is_cold", lambda module: True)
    monkeypatch.setattr(cache, "mark_compiled", lambda module: None)
    monkeypatch.setattr(cache, "can_store", lambda: False)
    monkeypatch.setattr(cache, "refusal", "/cache: Read-only file system")
    monkeypatch.setattr(kernels, "_child", None)
    kernels.load(READING)
    assert capfd.readouterr().err == (
        "compiling kernels for reading digits in memory: they cannot be stored in /cache: Read-only file system; "
        "set BIGCONST_CACHE to a directory that can be written\n")


def test_kernels_that_could_not_be_stored_after_all(monkeypatch, capfd):
    """Something else filled the disk meanwhile."""
    monkeypatch.setattr(cache, "refusal", "")
    monkeypatch.setattr(cache, "mark_compiled", lambda module: setattr(cache, "refusal", "/cache: full"))
    kernels.load(READING)
    assert capfd.readouterr().err == ("kernels were compiled in memory: they cannot be stored in /cache: full; "
                                      "set BIGCONST_CACHE to a directory that can be written\n")


def test_limits_of_the_session_leave_no_room_for_kernels(monkeypatch):
    """Where memory is refused, the compiler aborts the process."""
    monkeypatch.setattr(cache, "is_cold", lambda module: True)
    monkeypatch.setattr(kernels, "addresses_left_bytes", lambda: {"v": 1 << 40, "d": 300 << 20})
    with pytest.raises(DoesNotFit, match="^compiling kernels takes 384 MiB, ulimit -d leaves 300 MiB; allow more"):
        kernels.load(READING)
    monkeypatch.setattr(kernels, "addresses_left_bytes", lambda: {"v": 200 << 20})
    monkeypatch.delitem(sys.modules, "numba")
    with pytest.raises(DoesNotFit, match="^loading kernels takes 384 MiB, ulimit -v leaves 200 MiB; allow more"):
        kernels.load(READING)


def test_a_family_has_all_kernels_that_its_modules_load():
    """A module that were missing would be compiled without a word."""
    for family in FAMILIES:
        steps = set(itertools.chain(*family.steps))
        for module in steps:
            text = (ROOT / f"bigconst/kernels/{module}.py").read_text()
            assert set(re.findall(r"^from \.(\w+) import", text, re.MULTILINE)) & ENTRIES <= steps, module


ENTRIES = {path.stem for path in (ROOT / "bigconst/kernels").glob("*.py")
           if re.search(r"^ *@kernel\(", path.read_text(), re.MULTILINE)}


@pytest.mark.parametrize("families, absent", [
    ("DIGITS", ["dwt", "search", "middle"]), ("CHECKING", ["columns", "rows", "dwt", "search"]),
    ("SQUARINGS", ["columns", "text", "search"]), ("READING", ["columns", "rows", "dwt", "residue"])])
def test_a_family_loads_no_kernels_of_others(families, absent):
    """They would cost a command a part of its start."""
    code = (f"import sys\nfrom bigconst.runs.kernels import {families}, load\nload({families})\n"
            f"print([name for name in {absent} if 'bigconst.kernels.' + name in sys.modules])")
    assert python(code) == "[]\n"


def test_families_have_all_kernels():
    assert ENTRIES == {module for family in FAMILIES for step in family.steps for module in step}
