"""Runs of constants that are killed, read flipped bits, or have kernels with wrong results: no wrong file may come out.

    python tests/torture/constants.py [kills] [flips] [corruptions] [--count N] [--digits N] [--seed S] [--trial I]
                                      [--swap DIR] [--json FILE]

kills        (100) runs in memory and on disk end by SIGKILL at random moments and are resumed until they finish; their
             files are compared with those of an undisturbed run, and what had to be computed again is shown
flips        (200) one bit of a block on disk is flipped after the block was written and before it is read; three flips
             in each run
corruptions  (200) the output of one call of a kernel is changed in memory, as a rule by one bit; one change in each run

Without a name all three parts run.  The exit code is 1 if a file is wrong, a flip was not noticed, a process hung, a
killed run could not be resumed, a kill cost a run on disk all of its work, or fewer kills took place than asked for.
--seed S --trial I repeats a single trial.
"""

import argparse
import statistics
import sys
import tempfile
from collections import Counter
from pathlib import Path

import damage
import kills
from report import Column, Report, make_parser

from bigconst.base.units import parse_count

COUNTS = {"kills": 100, "flips": 200, "corruptions": 200}
QUICK = {"kills": 3, "flips": 3, "corruptions": 4}


def kill_runs(arguments: argparse.Namespace, report: Report, folder: Path, count: int) -> bool:
    """Print a row for every run; return whether all files are right and `count` processes were killed."""
    cases = kills.CASES[:1] if arguments.quick else kills.CASES
    if arguments.digits:
        cases = tuple(kills.Case(arguments.digits, case.options, case.lanes, case.constant) for case in cases)
    section = report.section("kills", "runs killed and resumed; units and seconds computed again after a kill", [
        Column("run", "run", "", 48), Column("elapsed_s", "undisturbed s", ".2f"), Column("kills", "kills", "d"),
        Column("units", "units, median", ".1f"), Column("units_worst", "worst", "d"),
        Column("again_s", "s, median", ".3f"), Column("again_worst_s", "worst", ".2f"),
        Column("percent_worst", "worst %", ".1f"), Column("files", "files")])
    found = []
    for life in kills.lives(cases, folder, arguments.seed, count):
        found.append(life)
        units, seconds = [kill.units for kill in life.kills] or [0], [kill.seconds for kill in life.kills] or [0.0]
        section.add(run=str(life.case), elapsed_s=life.elapsed_s, kills=len(life.kills),
                    units=float(statistics.median(units)), units_worst=max(units),
                    again_s=statistics.median(seconds), again_worst_s=max(seconds),
                    percent_worst=100 * max(seconds) / life.elapsed_s,
                    files=life.failure or ", ".join(life.differ) or "right",
                    killed=[vars(kill) for kill in life.kills])
    _print_all_kills(report, found)
    killed = sum(len(life.kills) for life in found)
    if killed < count:
        report.note(f"only {killed} of {count} kills took place")
    lost = [life for life in found if life.case.lanes and any(kill.seconds >= life.elapsed_s for kill in life.kills)]
    for life in lost:
        report.note(f"{life.case}: as much as the whole run was computed again after one kill")
    return killed >= count and not lost and not any(life.failure or life.differ for life in found)


def _print_all_kills(report: Report, lives: list[kills.Life]) -> None:
    """One row for all kills on disk, one for those in memory."""
    section = report.section("all_kills", "all kills; seconds computed again, and their part of the undisturbed run", [
        Column("where", "where", "", 9), Column("kills", "kills", "d"), Column("units", "units, median", ".1f"),
        Column("units_worst", "worst", "d"), Column("again_s", "s, median", ".3f"),
        Column("again_worst_s", "worst", ".2f"), Column("percent", "%, median", ".2f"),
        Column("percent_worst", "worst", ".1f")])
    for where, on_disk in (("on disk", True), ("in memory", False)):
        some = [(kill, life.elapsed_s) for life in lives if (life.case.lanes > 0) == on_disk for kill in life.kills]
        if some:
            units, seconds = [kill.units for kill, _ in some], [kill.seconds for kill, _ in some]
            parts = [100 * kill.seconds / elapsed for kill, elapsed in some]
            section.add(where=where, kills=len(some), units=float(statistics.median(units)), units_worst=max(units),
                        again_s=statistics.median(seconds), again_worst_s=max(seconds),
                        percent=statistics.median(parts), percent_worst=max(parts))


def flip_bits(arguments: argparse.Namespace, report: Report, folder: Path, count: int) -> bool:
    """Print which blocks had a flipped bit and how it was repaired; return whether nothing in damage.BAD happened."""
    trials = damage.trials("flips", arguments, folder, count)
    _note_unusual(report, trials)
    found = [flip for trial in trials for flip in trial.get("flips", [])]
    section = report.section("flips", f"{len(found)} bits flipped on disk in {len(trials)} runs", [
        Column("what", "what was hit", "", 14), Column("repair", "what became of it", "", 44),
        Column("flips", "flips", "d")])
    for (what, repair), number in sorted(Counter((flip["what"], flip["repair"]) for flip in found).items()):
        section.add(what=what, repair=repair, flips=number)
    _print_outcomes(report, "flips_runs", trials)
    return not any(trial["outcome"] in damage.BAD for trial in trials)


def corrupt_results(arguments: argparse.Namespace, report: Report, folder: Path, count: int) -> bool:
    """Print kernels and checks by outcome; return whether nothing in damage.BAD happened."""
    trials = damage.trials("corruptions", arguments, folder, count)
    _note_unusual(report, trials)
    for key, title in (("kernel", "what was changed"), ("check", "what noticed it")):
        rows = Counter((trial.get(key) or "-", trial["outcome"]) for trial in trials)
        section = report.section(f"corruptions_{key}", title, [
            Column("name", title, "", 44), *(Column(outcome, outcome, "d") for outcome in damage.OUTCOMES)])
        for name in sorted({name for name, _ in rows}):
            section.add(name=name, **{o: rows[name, o] for o in damage.OUTCOMES if rows[name, o]})
    _print_outcomes(report, "corruptions_runs", trials)
    return not any(trial["outcome"] in damage.BAD for trial in trials)


def _note_unusual(report: Report, trials: list[dict]) -> None:
    """A note for every trial that was neither repaired nor harmless."""
    for trial in trials:
        if trial["outcome"] not in (damage.HARMLESS, damage.REPAIRED):
            what = "; ".join(trial[key] for key in ("plan", "kernel", "detail", "message") if trial.get(key))
            report.note(f"trial {trial['trial']}, {trial['outcome']}: {what}")


def _print_outcomes(report: Report, name: str, trials: list[dict]) -> None:
    section = report.section(name, "runs by outcome", [
        Column("outcome", "outcome", "", 10), Column("runs", "runs", "d")])
    for outcome, number in Counter(trial["outcome"] for trial in trials).items():
        section.add(outcome=outcome, runs=number,
                    trials=[trial for trial in trials if trial["outcome"] == outcome])


def main() -> None:
    """Torture, print, and exit with 1 if anything went wrong."""
    parser = make_parser(__doc__)
    parser.add_argument("parts", nargs="*", metavar="PART", help="kills, flips, corruptions (default: all)")
    parser.add_argument("--count", type=parse_count, metavar="N", help="kills, flips or corruptions")
    parser.add_argument("--digits", type=parse_count, metavar="N", help="of all runs (default: a mix; 1e6)")
    parser.add_argument("--seed", type=int, default=1, metavar="S", help="seed of all random choices (default 1)")
    parser.add_argument("--trial", type=int, metavar="I", help="run this trial of flips or corruptions alone")
    parser.add_argument("--swap", metavar="DIR", help="where scratch and files are (default: a temporary directory)")
    arguments = parser.parse_args()
    if unknown := set(arguments.parts) - COUNTS.keys():
        parser.error(f"{', '.join(sorted(unknown))}: the parts are {', '.join(COUNTS)}")
    report = Report("torture/constants", arguments)
    right = True
    for part, run in (("kills", kill_runs), ("flips", flip_bits), ("corruptions", corrupt_results)):
        if part in (arguments.parts or COUNTS):
            count = arguments.count or (QUICK if arguments.quick else COUNTS)[part]
            with tempfile.TemporaryDirectory(prefix=f"bigconst-{part}-", dir=arguments.swap) as name:
                right = run(arguments, report, Path(name), count) and right
    report.close()
    sys.exit(0 if right else 1)


if __name__ == "__main__":
    main()
