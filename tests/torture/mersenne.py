"""Mersenne tests that are killed, and Mersenne tests in which a word is changed: no wrong residue may come out.

    python tests/torture/mersenne.py [--kills N] [--corruptions N] [--test LL|PRP] [--iterations N]
                                     [--seed S] [--dir DIR] [--json FILE]

kills        (100 of each command) `bigconst ll` and `bigconst prp` end by SIGKILL at random moments and are started
             again with the same command until they finish; their residues are compared with those of an undisturbed
             test and of gmpy2, and the iterations that each kill cost are shown; PRP tests make proofs, which have to
             be the same byte for byte
corruptions  (100 of each kind) one word of the residue is changed between two squarings, by 1 up to 2^30; the tables
             show which check noticed it first, and whether the residue at the end is that of gmpy2

The exit code is 1 if a killed test ends with a wrong residue or not at all, if fewer tests were killed than asked for,
if a residue is wrong although a check noticed the change, or if a PRP test with a changed word does not end right.  An
LL test may end wrong without notice, since a Jacobi symbol misses half of all errors, and it may stop; the tables
count both.
"""

import argparse
import statistics
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import mersennekills
import mersennewords
from report import Column, Report, Section, make_parser

from bigconst.base.units import parse_count
from bigconst.mersenne.results import res64

EXPONENT, QUICK_EXPONENT = 200_003, 30_011
SAVE_EVERY_S, QUICK_SAVE_EVERY_S = 0.2, 0.01
COUNT, QUICK_COUNT = 100, {"kills": 2, "corruptions": 6}


def kill_tests(arguments: argparse.Namespace, report: Report, folder: Path, count: int) -> bool:
    """Print a row for every Mersenne test; return whether all are right and `count` of each kind were killed."""
    p, save_every_s = ((QUICK_EXPONENT, QUICK_SAVE_EVERY_S) if arguments.quick else (EXPONENT, SAVE_EVERY_S))
    cases = {name: mersennekills.Case(name.lower(), p, save_every_s, arguments.iterations)
             for name in arguments.test or mersennewords.KINDS}
    section = report.section("kills", "Mersenne tests killed and started again; iterations computed twice", [
        Column("test", "command", "", 44), Column("whole_s", "undisturbed s", ".2f"), Column("kills", "kills", "d"),
        Column("resumes", "resumes", "d"), Column("again", "iterations, median", ",.0f"),
        Column("again_worst", "worst", ",.0f"), Column("outcome", "residue")])
    right, found = True, {}
    with ProcessPoolExecutor(1, get_context("spawn")) as pool:      # gmpy2 needs minutes, too
        oracles = {name: pool.submit(mersennewords.expected, mersennewords.KINDS[name], p, arguments.iterations)
                   for name in cases}
        for name, case in cases.items():
            whole = mersennekills.undisturbed(case, folder / case.command)
            found[name] = list(_printed(section, case, whole, arguments.seed, folder, count))
            right &= not any(life.failure for life in found[name])
            killed = sum(len(life.kills) for life in found[name])
            if killed < count:
                right = False
                report.note(f"{case}: only {killed} of {count} kills took place")
            value = oracles[name].result()
            if res64(value) not in whole.result:
                right = False
                report.note(f"{case}: gmpy2 has res64 {res64(value)}, the undisturbed test said: {whole.result}")
    _print_all_kills(report, cases, found)
    return right


def _printed(section: Section, case: mersennekills.Case, whole: mersennekills.Process, seed: int, folder: Path,
             count: int) -> Iterator[mersennekills.Life]:
    """Kill the tests of a case, and print a row for each."""
    for life in mersennekills.lives(case, folder, whole, seed, count):
        again = [kill.iterations for kill in life.kills] or [0]
        section.add(test=str(case), whole_s=whole.elapsed_s, kills=len(life.kills), resumes=life.resumes,
                    again=statistics.median(again), again_worst=max(again), outcome=life.failure or "right",
                    older=life.older, elapsed_s=life.elapsed_s, result=life.result,
                    killed=[vars(kill) for kill in life.kills])
        yield life


def _print_all_kills(report: Report, cases: dict, found: dict) -> None:
    """One row for all kills of each kind of test."""
    section = report.section("all_kills", "all kills; what was computed twice, also in per cent of a test", [
        Column("test", "kind", "", 4), Column("tests", "tests", "d"), Column("kills", "kills", "d"),
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


def change_words(arguments: argparse.Namespace, report: Report, folder: Path, count: int) -> bool:
    """Print checks and outcomes by the size of the change; return whether no trial is a failure."""
    exponents = mersennewords.EXPONENTS[:1] if arguments.quick else mersennewords.EXPONENTS
    right, trials = True, []
    undisturbed = report.section("undisturbed", "Mersenne tests without a change", [
        Column("test", "kind", "", 4), Column("exponent", "exponent", ",d"), Column("squarings", "squarings", ",d"),
        Column("elapsed_s", "seconds", ".2f"), Column("saves", "saves up to", "d"), Column("jacobi", "symbols up to"),
        Column("outcome", "residue")])
    for name in arguments.test or mersennewords.KINDS:
        targets = [mersennewords.Target(name, p, folder) for p in exponents]
        for target in targets:
            undisturbed.add(test=name, exponent=target.p, squarings=target.squarings, elapsed_s=target.elapsed_s,
                            saves=int(target.elapsed_s / mersennewords.SAVE_EVERY_S),
                            jacobi=int(target.elapsed_s / mersennewords.JACOBI_EVERY_S) if name == "LL" else None,
                            outcome="right" if target.is_right else "WRONG")
            right &= target.is_right
        trials += [targets[number % len(targets)].trial(arguments.seed, number) for number in range(count)]
    checks = sorted({trial.check for trial in trials if trial.check})
    columns = [Column("test", "kind", "", 4), Column("size", "change of a word", "", 16), Column("trials", "trials"),
               *(Column(check, check, "d") for check in checks),
               *(Column(outcome, outcome, "d") for outcome in mersennewords.OUTCOMES)]
    section = report.section(
        "corruptions", f"changed words, the check that noticed first, and what came out; a save every "
        f"{mersennewords.SAVE_EVERY_S} s, a Jacobi symbol every {mersennewords.JACOBI_EVERY_S} s", columns)
    for name in arguments.test or mersennewords.KINDS:
        ours = [trial for trial in trials if trial.test == name]
        for size in [*(label for _, label in mersennewords.SIZES), "all"]:
            some = [trial for trial in ours if size in ("all", trial.size)]
            tally = Counter(trial.check for trial in some if trial.check) + Counter(trial.outcome for trial in some)
            section.add(test=name, size=size, trials=len(some), **tally,
                        each=[vars(trial) for trial in some] if size == "all" else [])
    for trial in trials:
        if trial.is_failure or trial.outcome == mersennewords.STOPPED:
            report.note(f"{trial.test} {trial.exponent}, trial {trial.number}, {trial.outcome}: word {trial.place:.4f} "
                        f"changed by {trial.change} after squaring {trial.at}, {', '.join(trial.checks) or 'no check'}"
                        f" {trial.message}")
    return right and not any(trial.is_failure for trial in trials)


def main() -> None:
    """Torture, print, and exit with 1 if anything went wrong."""
    parser = make_parser(__doc__)
    for part in QUICK_COUNT:
        parser.add_argument(f"--{part}", type=int, metavar="N", help=f"of each kind of test (default {COUNT}); 0: none")
    parser.add_argument("--test", action="append", choices=mersennewords.KINDS, help="this kind alone (default: both)")
    parser.add_argument("--iterations", type=parse_count, metavar="N", help="of tests that are killed (default: all)")
    parser.add_argument("--seed", type=int, default=1, metavar="S", help="seed of all random choices (default 1)")
    parser.add_argument("--dir", metavar="DIR", help="where save files are (default: a temporary directory)")
    arguments = parser.parse_args()
    report = Report("torture/mersenne", arguments)
    right = True
    for part, run in (("kills", kill_tests), ("corruptions", change_words)):
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
