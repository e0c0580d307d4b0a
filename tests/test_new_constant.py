"""A constant that the program does not have, added as docs/design.md says: one file, here one part, and its entry."""

import json
import sys
from dataclasses import replace

import provoked
import pytest
from gmpy2 import isqrt, mpz
from interrupted_runs import at_level, at_moment, kill
from plausible import measured_here
from test_cli import one_line

import bigconst
from bigconst import cli
from bigconst.arithmetic.division import DivisionBounds, divide
from bigconst.arithmetic.ladder import inverse_root
from bigconst.base.constant import Constant
from bigconst.base.units import hex_digits
from bigconst.cli import main
from bigconst.constants import engine, planning, registry
from bigconst.constants.entry import Entry, Way
from bigconst.constants.roots import ladder_algorithm, ladder_bounds, ladder_error
from bigconst.estimates.work import constant_work

sys.path.insert(0, str(provoked.ROOT / "docs"))

import generate  # noqa: E402

# --- what a file of it would hold ----------------------------------------------------


def program(machine, bounds):
    """The digits of (3 + sqrt 13)/2 - 1/7."""
    machine.text(machine.call("value", value, bounds, entered=True))


def value(machine, bounds):
    """(3 + sqrt 13)/2 - 1/7 = (19 + 7*13/sqrt 13)/14 as words."""
    y = machine.call("ladder", inverse_root, ladder_bounds(13, bounds), bounds.words)
    with machine.stage("dividend"):
        dividend = machine.sum("y", [(91, y, 0), (19, None, bounds.words)], bounds.words + 1)
        divisor = machine.integer("x", lambda: 14, 1)
    quotient, _ = divide(machine, DivisionBounds(bounds.words + 1, 1, 1), dividend, divisor, 0)
    return quotient


BRONZE = Constant("bronze", "Bronze less a seventh", ladder_algorithm(13), 3, ladder_error(13), program)
ENTRY = Entry("bronze", "digits of (3 + sqrt 13)/2 - 1/7",
              "Compute (3 + sqrt 13)/2 - 1/7 = 3.159... to N digits after the point.",
              "  bigconst bronze --digits 1e8\n",
              (Way("1/sqrt 13 by Newton's iteration, and a short division", "this test",
                   "each step triples the digits", 0.1, "none"),), lambda: BRONZE)

# -------------------------------------------------------------------------------------

DIGITS = 300_000
ON_DISK = f"bronze --digits {DIGITS} --workspace 832KiB --disk ssd --swap ../a"
MIDDLE = 120
"""The moment of a kill in the middle."""


@pytest.fixture(autouse=True)
def registered(monkeypatch):
    """The line in the registry; parsers that were made without it are not used."""
    monkeypatch.setitem(registry.CONSTANTS, ENTRY.word, ENTRY)
    cli.build_parser.cache_clear()
    yield
    cli.build_parser.cache_clear()


def expected(digits: int, base: int = 10) -> str:
    """The text by gmpy2."""
    scale = mpz(base) ** digits
    text = ((19 * scale + isqrt(49 * 13 * scale * scale)) // 14).digits(base)
    return f"{text[:-digits]}.{text[-digits:]}\n"


def check_files(place) -> None:
    """The digits are right, there is no other file, and nothing is left of the run."""
    (file,) = (place / "files").glob("*.txt*")
    assert file.name == "bronze.txt" and file.read_text() == expected(DIGITS)
    assert not [*(place / "a").iterdir(), *(place / "c").iterdir()]


@pytest.mark.parametrize("command, said", [
    ("--help", "bronze"), ("--help", "digits of (3 + sqrt 13)/2 - 1/7\n"), ("bronze --help", "3.159... to N digits"),
    ("bronze --help", "examples:\n  bigconst bronze --digits 1e8\n"),
    ("estimate --help", "digits of (3 + sqrt 13)/2 - 1/7\n"),
    ("estimate bronze --help", "Estimate: digits of (3 + sqrt 13)/2 - 1/7.\n"),
    ("completion fish", "-a bronze -d 'digits of (3 + sqrt 13)/2 - 1/7'\n"),
    ("completion bash", '"estimate bronze") options="'),
])
def test_commands_know_it(command, said, capsys):
    assert main(command.split()) == 0
    assert said in capsys.readouterr().out


@pytest.mark.parametrize("command, refusal", [
    ("verify x --without-certificate --constant brass", "unknown constant 'brass'; it is phi, \"sqrt D\" with "
                                                        "1 <= D < 2^31, pi, e, \"log A/B\" with A/B or A above 1, of "
                                                        "the primes 2, 3, 5, 7, 11 and 13, zeta3, catalan, "
                                                        "lemniscate, gamma, \"series FILE\" with a TOML file "
                                                        "(docs/series.md), or bronze\n"),
    ("certify x --constant bronze", "there are no certificates for foreign digits of bronze; compute the digits again "
                                    "and compare\n"),
    ("bronze 5 --digits 10", "unrecognized arguments: 5; bigconst --help shows examples\n"),
    ("estimate", "estimate what?; name phi, sqrt D, pi, e, log A/B, zeta3, catalan, lemniscate, "
                 "gamma, series FILE, bronze, ll P, prp P or work DIR, or --refresh the catalogue\n"),
])
def test_refusals_know_it(command, refusal, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "x").write_text(expected(50))
    assert main(command.split()) == 2
    assert one_line(capsys) == f"bigconst: {refusal}"


def test_documents_know_it():
    assert "\n| `bigconst bronze` | digits of (3 + sqrt 13)/2 - 1/7 | none |\n" in generate.constants()


def test_functions_know_it():
    for digits in (1, 2, 17, 2500, 12_345):
        assert bigconst.compute_digits("bronze", digits) + "\n" == expected(digits)
        assert bigconst.compute_digits("bronze", digits, 16) + "\n" == expected(hex_digits(digits), 16)


@pytest.mark.parametrize("options, row", [
    ("", "Mode:                   in memory\n"), ("--workspace 1MiB --swap x", "Scratch traffic: ")])
def test_its_plan(options, row, capsys):
    assert main(f"bronze --digits 1e7 {options} --plan".split()) == 0
    out = capsys.readouterr().out
    assert "Constant:               Bronze less a seventh\n" in out and row in out
    assert out.count("Certificate:") == 1 and "Certificate:            none\n" in out


def test_a_run_in_memory(place, capsys):
    assert main(f"bronze --digits {DIGITS} --json ../report.json".split()) == 0
    out = capsys.readouterr().out
    check_files(place)
    report = json.loads((place / "report.json").read_text())
    assert (report["constant"], report["certificate"], report["seconds"]["certificate"]) == ("bronze", None, 0)
    assert report["last_digits"] == expected(DIGITS)[-101:-1] and len(report["levels"]) > 4
    assert "Certificate:            none\n" in out and "Certificate time" not in out
    assert main(["verify", "bronze.txt"]) == 3
    assert one_line(capsys).startswith("bigconst: cannot read bronze.txt.cert: No such file")


@pytest.mark.parametrize("base", [10, 16])
def test_a_run_on_disk(place, base, capsys):
    assert main(f"{ON_DISK} --base {base} --json ../report.json".split()) == 0
    files = list((place / "files").iterdir())
    assert [path.read_text() for path in files] == [expected(DIGITS if base == 10 else hex_digits(DIGITS), base)]
    report = json.loads((place / "report.json").read_text())
    assert [stage["name"] for stage in report["stages"]][-2:] == ["quotient", "files"] and report["certificate"] is None
    for moved in ("read_bytes", "written_bytes"):
        assert report["scratch"][moved] == pytest.approx(report["scratch"][f"planned_{moved}"], rel=0.05)


def test_an_interrupted_run_on_disk(place, capsys):
    kill(ON_DISK, at_moment(MIDDLE))
    assert main(["status", "../a"]) == 0
    assert "Constant:               Bronze less a seventh\n" in capsys.readouterr().out
    assert main(["resume", "../a"]) == 0
    check_files(place)


def test_an_interrupted_run_in_memory(place):
    kill(f"bronze --digits {DIGITS} --checkpoint ../c", at_level("memory", 2))
    assert main(f"bronze --digits {DIGITS} --checkpoint ../c".split()) == 0
    check_files(place)


@pytest.mark.parametrize("workspace_bytes", [None, 1 << 20])
def test_its_work_is_that_of_its_trace(workspace_bytes):
    plan = planning.make_plan(BRONZE, 10**7, 10, 2, 1 << 40, workspace_bytes=workspace_bytes, disk="ssd")
    steps = [step for stage in constant_work(plan) for step in stage.steps]
    traces = [plan.trace, *(plan.disk.memory.values() if plan.disk is not None else [])]
    planned = [operation for trace in traces for step in trace.steps for operation in step.operations]
    counted = [operation for step in steps for operation in step.operations]
    assert planned and all(counted.count(operation) >= planned.count(operation) for operation in planned)
    assert sum(step.text_bytes for step in steps) == plan.text_bytes
    assert sum(step.certificate_bytes for step in steps) == 0
    if plan.disk is not None:
        moved = [move.traffic.read_bytes + move.traffic.written_bytes for step in steps for move in step.moves]
        assert sum(moved) == plan.disk.traffic.read_bytes + plan.disk.traffic.written_bytes


def test_its_estimate(monkeypatch, tmp_path, capsys):
    measured_here(monkeypatch, tmp_path)
    for options, stages in (
            ("", {"ladder", "dividend", "quotient", "text"}),
            ("--workspace 64MiB --swap scratch", {"level 1, e", "reciprocal step 1, e", "quotient", "files"})):
        assert main(f"estimate bronze --digits 1e8 {options} --json found.json".split()) == 0
        capsys.readouterr()
        (found,) = json.loads((tmp_path / "here" / "found.json").read_text())["estimates"]
        times = {stage["name"]: stage["seconds"] for stage in found["stages"]}
        assert stages <= times.keys() and min(times.values()) >= 0 and sum(times.values()) == found["seconds"]
    assert bigconst.estimate("bronze", 10**8).seconds > 0


def test_a_last_digit_that_is_undecided(place, monkeypatch, capsys):
    """With an error so large that it always is."""
    monkeypatch.setattr(engine, "bounds_of", lambda plan, certified: replace(
        planning.bounds_of(plan, certified), error=planning.bounds_of(plan, certified).guard_range))
    for command in (f"bronze --digits {DIGITS}", ON_DISK):
        assert main(f"{command} --discard".split()) == 2
        assert one_line(capsys) == ("bigconst: the last of 300,000 digits of bronze is undecided; "
                                    "ask for one digit more\n")
    assert not list((place / "files").iterdir())
