"""Tests of Mersenne numbers that are killed, and tests in which a word is spoilt: no wrong residue may come out.

    python benchmarks/mersenne_torture.py [--kills N] [--corruptions N] [--test LL|PRP] [--iterations N]
                                          [--seed S] [--dir DIR] [--json FILE]

kills        (100 of each command) SIGKILL at random moments of `bigconst ll` and `bigconst prp`, begun again with the
             same command until they finish: their residues against that of an undisturbed test and gmpy2's, and the
             iterations that each kill cost
corruptions  (100 of each test) one word of the residue is changed between two squarings, by 1 or much more: which
             check notices it first, and what the test ends with, against gmpy2's residue

Exit code 1 when a killed test ends wrongly or not at all, or when a PRP test does not repair itself.  Of LL tests that
is too much to ask: a Jacobi symbol misses half of all errors.  What they missed is in the table.
"""

import argparse
import statistics
import sys
import tempfile
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import _testkills
import _testwords
from _common import Column, Report, make_parser

from bigconst.base.units import parse_count
from bigconst.mersenne.results import res64

EXPONENT, QUICK_EXPONENT = 200_003, 30_011
SAVE_EVERY_S, QUICK_SAVE_EVERY_S = 0.2, 0.01
COUNT, QUICK_COUNT = 100, {"kills": 2, "corruptions": 6}


def kills(arguments: argparse.Namespace, report: Report, folder: Path, count: int) -> bool:
    """Print a row for every test; whether all was right."""
    p, save_every_s = ((QUICK_EXPONENT, QUICK_SAVE_EVERY_S) if arguments.quick else (EXPONENT, SAVE_EVERY_S))
    cases = {name: _testkills.Case(name.lower(), p, save_every_s, arguments.iterations)
             for name in arguments.test or _testwords.KINDS}
    section = report.section("kills", "tests killed and begun again; iterations computed twice for a kill", [
        Column("test", "test", "", 44), Column("whole_s", "undisturbed s", ".2f"), Column("kills", "kills", "d"),
        Column("resumes", "resumes", "d"), Column("again", "iterations, median", ",.0f"),
        Column("again_worst", "worst", ",.0f"), Column("outcome", "residue")])
    right, found = True, {}
    with ProcessPoolExecutor(1, get_context("spawn")) as pool:      # gmpy2 needs minutes, too
        oracles = {name: pool.submit(_testwords.expected, _testwords.KINDS[name], p, arguments.iterations)
                   for name in cases}
        for name, case in cases.items():
            whole = _testkills.undisturbed(case, folder / case.command)
            found[name] = list(_shown(section, case, whole, arguments.seed, folder, count))
            right &= not any(life.failure for life in found[name])
            value = oracles[name].result()
            if res64(value) not in whole.result:
                right = False
                report.note(f"{case}: gmpy2 has res64 {res64(value)}, the undisturbed test said: {whole.result}")
    _all_kills(report, cases, found)
    return right


def _shown(section, case: _testkills.Case, whole: _testkills.Process, seed: int, folder: Path, count: int):
    """The lives of a case, each printed."""
    for life in _testkills.lives(case, folder, whole, seed, count):
        again = [kill.iterations for kill in life.kills] or [0]
        section.add(test=str(case), whole_s=whole.elapsed_s, kills=len(life.kills), resumes=life.resumes,
                    again=statistics.median(again), again_worst=max(again), outcome=life.failure or "right",
                    older=life.older, elapsed_s=life.elapsed_s, result=life.result,
                    killed=[vars(kill) for kill in life.kills])
        yield life


def _all_kills(report: Report, cases: dict, found: dict) -> None:
    """One row for all tests of a command."""
    section = report.section("all_kills", "all kills; what was computed twice, also in per cent of the test", [
        Column("test", "test"), Column("tests", "tests", "d"), Column("kills", "kills", "d"),
        Column("resumes", "resumes past 0", "d"), Column("older", "from an older save", "d"),
        Column("again", "iterations, median", ",.0f"), Column("again_worst", "worst", ",.0f"),
        Column("again_s", "s, median", ".3f"), Column("again_worst_s", "worst", ".3f"),
        Column("percent", "%, median", ".2f"), Column("percent_worst", "worst", ".2f")])
    for name, lives in found.items():
        killed = [kill for life in lives for kill in life.kills]
        again, seconds = [kill.iterations for kill in killed] or [0], [kill.seconds for kill in killed] or [0.0]
        part = 100 / cases[name].total
        section.add(test=name, tests=len(lives), kills=len(killed), resumes=sum(life.resumes for life in lives),
                    older=sum(life.older for life in lives), again=statistics.median(again), again_worst=max(again),
                    again_s=statistics.median(seconds), again_worst_s=max(seconds),
                    percent=part * statistics.median(again), percent_worst=part * max(again))


def corruptions(arguments: argparse.Namespace, report: Report, folder: Path, count: int) -> bool:
    """Print checks and outcomes by the size of the change; whether every PRP test was right."""
    exponents = _testwords.EXPONENTS[:1] if arguments.quick else _testwords.EXPONENTS
    right, trials = True, []
    undisturbed = report.section("undisturbed", "tests that nobody spoils", [
        Column("test", "test", "", 4), Column("exponent", "exponent", ",d"), Column("squarings", "squarings", ",d"),
        Column("elapsed_s", "seconds", ".2f"), Column("saves", "saves up to", "d"), Column("jacobi", "symbols up to"),
        Column("outcome", "residue")])
    for name in arguments.test or _testwords.KINDS:
        targets = [_testwords.Target(name, p, folder) for p in exponents]
        for target in targets:
            undisturbed.add(test=name, exponent=target.p, squarings=target.squarings, elapsed_s=target.elapsed_s,
                            saves=int(target.elapsed_s / _testwords.SAVE_EVERY_S),
                            jacobi=int(target.elapsed_s / _testwords.JACOBI_EVERY_S) if name == "LL" else None,
                            outcome="right" if target.is_right else "WRONG")
            right &= target.is_right
        trials += [targets[number % len(targets)].trial(arguments.seed, number) for number in range(count)]
    checks = sorted({trial.check for trial in trials if trial.check})
    columns = [Column("test", "test", "", 4), Column("size", "change of a word", "", 16), Column("trials", "trials"),
               *(Column(check, check, "d") for check in checks),
               *(Column(outcome, outcome, "d") for outcome in _testwords.OUTCOMES)]
    section = report.section(
        "corruptions", f"words spoilt, the check that noticed first, and what came out; a save every "
        f"{_testwords.SAVE_EVERY_S} s, a Jacobi symbol every {_testwords.JACOBI_EVERY_S} s", columns)
    for name in arguments.test or _testwords.KINDS:
        ours = [trial for trial in trials if trial.test == name]
        for size in [*(label for _, label in _testwords.SIZES), "all"]:
            some = [trial for trial in ours if size in ("all", trial.size)]
            tally = Counter(trial.check for trial in some if trial.check) + Counter(trial.outcome for trial in some)
            section.add(test=name, size=size, trials=len(some), **tally,
                        each=[vars(trial) for trial in some] if size == "all" else [])
    for trial in trials:
        if trial.outcome in (_testwords.WRONG, _testwords.STOPPED) or trial.test == "PRP" and not trial.is_repaired:
            report.note(f"{trial.test} {trial.exponent}, trial {trial.number}, {trial.outcome}: word {trial.place:.4f} "
                        f"changed by {trial.change} after squaring {trial.at}, {', '.join(trial.checks) or 'no check'}"
                        f" {trial.message}")
    return right and all(trial.is_repaired for trial in trials if trial.test == "PRP")


def main() -> None:
    """Torture and print."""
    parser = make_parser(__doc__)
    for part in QUICK_COUNT:
        parser.add_argument(f"--{part}", type=int, metavar="N", help=f"of each kind of test (default {COUNT}); 0: none")
    parser.add_argument("--test", action="append", choices=_testwords.KINDS, help="only this one (default: both)")
    parser.add_argument("--iterations", type=parse_count, metavar="N", help="of tests that are killed (default: all)")
    parser.add_argument("--seed", type=int, default=1, metavar="S", help="of all chance (default 1)")
    parser.add_argument("--dir", metavar="DIR", help="where save files are (default: a temporary directory)")
    arguments = parser.parse_args()
    report = Report("mersenne_torture", arguments)
    right = True
    for part, run in (("kills", kills), ("corruptions", corruptions)):
        count = getattr(arguments, part)
        if count is None:
            count = QUICK_COUNT[part] if arguments.quick else COUNT
        if count:
            with tempfile.TemporaryDirectory(prefix=f"bigconst-{part}-", dir=arguments.dir) as name:
                right = run(arguments, report, Path(name), count) and right
    report.close()
    sys.exit(0 if right else 1)


if __name__ == "__main__":
    main()
