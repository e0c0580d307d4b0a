"""Kills, bad blocks and wrong results, on purpose, many times: no wrong file may come out.

    python benchmarks/torture.py [kills] [flips] [corruptions] [--count N] [--digits N] [--seed S] [--swap DIR]
                                 [--json FILE]

kills        (100) SIGKILL at random moments of runs in memory and on disk, resumed until they finish: their files
             against those of an undisturbed run, and what every kill cost
flips        (200) one bit of a block on disk is turned over after it was written and before it is read; three a run
corruptions  (200) one bit (or a vector, or a number) of the output of a kernel is spoilt in memory; one a run

Without a name all three.  Exit code 1 when a file is wrong, a flip is not noticed, or a killed run cannot be resumed.
A trial is repeated with --seed S --trial I.
"""

import argparse
import statistics
import sys
import tempfile
from collections import Counter
from pathlib import Path

import _damage
import _kills
from _common import Column, Report, make_parser

from bigconst.base.units import parse_count

COUNTS = {"kills": 100, "flips": 200, "corruptions": 200}
QUICK = {"kills": 3, "flips": 3, "corruptions": 4}


def kills(arguments: argparse.Namespace, report: Report, folder: Path, count: int) -> bool:
    """Print a row for every run; whether all was right."""
    cases = _kills.CASES[:1] if arguments.quick else _kills.CASES
    if arguments.digits:
        cases = tuple(_kills.Case(arguments.digits, case.options, case.lanes, case.constant) for case in cases)
    section = report.section("kills", "runs killed and resumed; units and seconds computed again after a kill", [
        Column("run", "run", "", 48), Column("elapsed_s", "undisturbed s", ".2f"), Column("kills", "kills", "d"),
        Column("units", "units, median", ".1f"), Column("units_worst", "worst", "d"),
        Column("again_s", "s, median", ".3f"), Column("again_worst_s", "worst", ".2f"),
        Column("percent_worst", "worst %", ".1f"), Column("files", "files")])
    found = []
    for life in _kills.lives(cases, folder, arguments.seed, count):
        found.append(life)
        units, seconds = [kill.units for kill in life.kills] or [0], [kill.seconds for kill in life.kills] or [0.0]
        section.add(run=str(life.case), elapsed_s=life.elapsed_s, kills=len(life.kills),
                    units=float(statistics.median(units)), units_worst=max(units),
                    again_s=statistics.median(seconds), again_worst_s=max(seconds),
                    percent_worst=100 * max(seconds) / life.elapsed_s,
                    files=life.failure or ", ".join(life.differ) or "right",
                    killed=[vars(kill) for kill in life.kills])
    _all_kills(report, found)
    return not any(life.failure or life.differ for life in found)


def _all_kills(report: Report, lives: list[_kills.Life]) -> None:
    """One row for all kills on disk, one for those in memory."""
    section = report.section("all_kills", "all kills; seconds computed again, and their part of the undisturbed run", [
        Column("where", "where", "", 9), Column("kills", "kills", "d"), Column("units", "units, median", ".1f"),
        Column("units_worst", "worst", "d"), Column("again_s", "s, median", ".3f"),
        Column("again_worst_s", "worst", ".2f"), Column("percent", "%, median", ".2f"),
        Column("percent_worst", "worst", ".1f")])
    for where, on_disk in (("on disk", True), ("in memory", False)):
        kills_ = [(kill, life.elapsed_s) for life in lives if (life.case.lanes > 0) == on_disk for kill in life.kills]
        if kills_:
            units, seconds = [kill.units for kill, _ in kills_], [kill.seconds for kill, _ in kills_]
            parts = [100 * kill.seconds / elapsed for kill, elapsed in kills_]
            section.add(where=where, kills=len(kills_), units=float(statistics.median(units)), units_worst=max(units),
                        again_s=statistics.median(seconds), again_worst_s=max(seconds),
                        percent=statistics.median(parts), percent_worst=max(parts))


def flips(arguments: argparse.Namespace, report: Report, folder: Path, count: int) -> bool:
    """Print what was hit and what became of it; whether all was noticed and no file wrong."""
    trials = _damage.trials("flips", arguments, folder, count)
    _tell(report, trials)
    found = [flip for trial in trials for flip in trial.get("flips", [])]
    section = report.section("flips", f"{len(found)} bits turned over on disk in {len(trials)} runs", [
        Column("what", "what was hit", "", 14), Column("repair", "what became of it", "", 44),
        Column("flips", "flips", "d")])
    for (what, repair), number in sorted(Counter((flip["what"], flip["repair"]) for flip in found).items()):
        section.add(what=what, repair=repair, flips=number)
    _outcomes(report, "flips_runs", trials)
    return not any(trial["outcome"] in _damage.BAD for trial in trials)


def corruptions(arguments: argparse.Namespace, report: Report, folder: Path, count: int) -> bool:
    """Print kernels and checks by outcome; whether no file was wrong."""
    trials = _damage.trials("corruptions", arguments, folder, count)
    _tell(report, trials)
    for key, title in (("kernel", "what was spoilt"), ("check", "what noticed it")):
        rows = Counter((trial.get(key) or "-", trial["outcome"]) for trial in trials)
        section = report.section(f"corruptions_{key}", title, [
            Column("name", title, "", 44), *(Column(outcome, outcome, "d") for outcome in _damage.OUTCOMES)])
        for name in sorted({name for name, _ in rows}):
            section.add(name=name, **{o: rows[name, o] for o in _damage.OUTCOMES if rows[name, o]})
    _outcomes(report, "corruptions_runs", trials)
    return not any(trial["outcome"] in _damage.BAD for trial in trials)


def _tell(report: Report, trials: list[dict]) -> None:
    """Name the trials that ought not to be."""
    for trial in trials:
        if trial["outcome"] not in (_damage.HARMLESS, _damage.REPAIRED):
            what = "; ".join(trial[key] for key in ("plan", "kernel", "detail", "message") if trial.get(key))
            report.note(f"trial {trial['trial']}, {trial['outcome']}: {what}")


def _outcomes(report: Report, name: str, trials: list[dict]) -> None:
    section = report.section(name, "runs by outcome", [
        Column("outcome", "outcome", "", 10), Column("runs", "runs", "d")])
    for outcome, number in Counter(trial["outcome"] for trial in trials).items():
        section.add(outcome=outcome, runs=number,
                    trials=[trial for trial in trials if trial["outcome"] == outcome])


def main() -> None:
    """Torture and print."""
    parser = make_parser(__doc__)
    parser.add_argument("parts", nargs="*", metavar="PART", help="kills, flips, corruptions (default: all)")
    parser.add_argument("--count", type=parse_count, metavar="N", help="kills, flips or corruptions")
    parser.add_argument("--digits", type=parse_count, metavar="N", help="of all runs (default: a mix; 1e6)")
    parser.add_argument("--seed", type=int, default=1, metavar="S", help="of all chance (default 1)")
    parser.add_argument("--trial", type=int, metavar="I", help="of flips or corruptions, this one alone")
    parser.add_argument("--swap", metavar="DIR", help="where scratch and files are (default: a temporary directory)")
    arguments = parser.parse_args()
    if unknown := set(arguments.parts) - COUNTS.keys():
        parser.error(f"{', '.join(sorted(unknown))}: the parts are {', '.join(COUNTS)}")
    report = Report("torture", arguments)
    right = True
    for part, run in (("kills", kills), ("flips", flips), ("corruptions", corruptions)):
        if part in (arguments.parts or COUNTS):
            count = arguments.count or (QUICK if arguments.quick else COUNTS)[part]
            with tempfile.TemporaryDirectory(prefix=f"bigconst-{part}-", dir=arguments.swap) as name:
                right = run(arguments, report, Path(name), count) and right
    report.close()
    sys.exit(0 if right else 1)


if __name__ == "__main__":
    main()
