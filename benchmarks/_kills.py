"""Runs that are killed again and again: what they computed twice, and whether their files are right in the end."""

import filecmp
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bigconst.storage.manifest import NAME, OLD_NAME

WATCHED = str(Path(__file__).with_name("_watched.py"))
MOST_PROCESSES = 200
"""Of one run, before it is given up."""
SECONDS = 3600
"""A process that takes longer hangs."""


@dataclass(frozen=True)
class Case:
    """A command; `lanes` scratch directories are added to it, 0 for a run in memory."""

    digits: int
    options: str
    lanes: int = 1
    constant: str = "phi"

    def arguments(self, folder: Path) -> list[str]:
        """For outputs and scratch below `folder`."""
        swap = [part for i in range(self.lanes) for part in ("--swap", str(folder / f"lane{i}"))]
        return [*self.constant.split(), "--digits", str(self.digits), *self.options.split(), *swap, "--output",
                str(folder / "digits.txt")]

    def __str__(self) -> str:
        where = {0: ", in memory", 1: ""}.get(self.lanes, f", {self.lanes} lanes")
        return f"{self.constant} {self.digits:.0e}".replace("e+0", "e").replace("e+", "e") + f" {self.options}{where}"


DISK = "--disk ssd --threads 2"
CASES = (
    Case(2 * 10**6, f"--workspace 1MiB {DISK}"),
    Case(2 * 10**6, f"--workspace 1MiB --base 16 {DISK}"),
    Case(5 * 10**6, f"--workspace 1MiB {DISK}"),                      # three passes
    Case(10**7, "--workspace 2MiB --disk hdd --threads 2", 2),
    Case(10**7, f"--workspace 4MiB --base 16 {DISK}", 2),
    Case(3 * 10**6, f"--workspace 1MiB --no-certificate {DISK}", 1, "sqrt 2"),
    Case(5 * 10**7, f"--workspace 16MiB {DISK}"),
    Case(10**7, "--threads 2", 0),
)


@dataclass
class Process:
    """What a process logged."""

    code: int
    message: str
    units: dict[tuple[str, int], float]
    """seconds of each thing computed"""
    moments: int = 0
    elapsed_s: float = 0.0
    """of one that came to its end, as its moments are"""


@dataclass
class Killed:
    """One kill, and what was computed again after it."""

    name: str
    """the last thing computed before"""
    units: int = 0
    seconds: float = 0.0


@dataclass
class Life:
    """A run from its first process to its last."""

    case: Case
    elapsed_s: float
    """undisturbed"""
    kills: list[Killed]
    differ: list[str]
    """files that are not right, things left behind"""
    failure: str = ""


def processes(arguments: list[str], log: Path, moment: int, kill_after_s: float | None = None) -> Process:
    """Run the command until it ends, kills itself, or `kill_after_s` seconds after it began."""
    log.unlink(missing_ok=True)
    child = subprocess.Popen([sys.executable, WATCHED, str(log), str(moment), *arguments], text=True,
                             stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    try:
        if kill_after_s is not None:
            while child.poll() is None and not (log.exists() and log.stat().st_size):
                time.sleep(0.005)
            time.sleep(kill_after_s)
            child.send_signal(signal.SIGKILL)
        _, message = child.communicate(timeout=SECONDS)
    finally:
        child.kill()
    return _read(log, child.returncode, message.strip().rpartition("\n")[2])


def _read(log: Path, code: int, message: str) -> Process:
    found = Process(code, message, {})
    for line in log.read_text().splitlines() if log.exists() else []:
        word, _, rest = line.partition("\t")
        if word.startswith("ended "):
            found.moments, found.elapsed_s = int(word.split()[1]), float(word.split()[2])
        elif rest:
            name, _, number = rest.partition("\t")
            found.units[name, int(number)] = found.units.get((name, int(number)), 0.0) + float(word)
    return found


def undisturbed(case: Case, folder: Path) -> tuple[Process, Path]:
    """The run without a kill, and where its files are."""
    _lanes(case, folder)
    whole = processes(case.arguments(folder), folder / "log", -1)
    if whole.code != 0:
        sys.exit(f"{case} failed without a kill: {whole.message}")
    for lane in range(case.lanes):
        (folder / f"lane{lane}").rmdir()
    return whole, folder / "digits.txt"


def _lanes(case: Case, folder: Path) -> None:
    for lane in range(case.lanes):
        (folder / f"lane{lane}").mkdir()


def life(case: Case, folder: Path, whole: Process, right: Path, chance: random.Random, most_kills: int,
         counted_only: bool = False) -> Life:
    """Kill a run up to `most_kills` times, at random moments that leave it about as many, and let it finish.

    Half of the moments are counted and half timed; `counted_only` leaves the timed ones out.
    """
    _lanes(case, folder)
    found = Life(case, whole.elapsed_s, [], [])
    before: list[Process] = []
    while len(before) < MOST_PROCESSES:
        moment, after_s = -1, None
        if len(found.kills) < most_kills:
            if counted_only or chance.random() < 0.5:
                moment = int(chance.expovariate(most_kills / whole.moments))
            else:
                after_s = chance.expovariate(most_kills / whole.elapsed_s)
        now = processes(_command(case, folder), folder / "log", moment, after_s)
        _count_again(found, before, now)
        before.append(now)
        if now.code == -signal.SIGKILL:
            found.kills.append(Killed(next(reversed(now.units), ("start", 0))[0]))
            if _is_complete(case, folder):      # only the report was still to come
                break
        elif now.code == 0:
            break
        else:
            found.failure = f"exit code {now.code}: {now.message}"
            return found
    _compare(found, folder, right)
    return found


def _is_running(case: Case, folder: Path) -> bool:
    """Whether there is an interrupted run."""
    return case.lanes > 0 and any((folder / "lane0" / name).exists() for name in (NAME, OLD_NAME))


def _is_complete(case: Case, folder: Path) -> bool:
    names = ["digits.txt"] if "--no-certificate" in case.options else ["digits.txt", "digits.txt.cert"]
    return not _is_running(case, folder) and all((folder / name).exists() for name in names)


def _command(case: Case, folder: Path) -> list[str]:
    """`bigconst resume` where there is something to resume; files that stand there already are replaced."""
    if _is_running(case, folder):
        return ["resume", str(folder / f"lane{case.lanes - 1}"), "--force"]
    return [*case.arguments(folder), "--force"]


def _count_again(found: Life, before: list[Process], now: Process) -> None:
    """What a process computed that an earlier one had, too, is charged to the kill of the latest such one."""
    for unit, seconds in now.units.items():
        for index in range(len(before) - 1, -1, -1):
            if unit in before[index].units:
                found.kills[index].units += 1
                found.kills[index].seconds += seconds
                break


def _compare(found: Life, folder: Path, right: Path) -> None:
    """Files against those of the undisturbed run, directories against empty ones."""
    for suffix in ("", ".cert"):
        ours, theirs = Path(f"{folder}/digits.txt{suffix}"), Path(f"{right}{suffix}")
        if theirs.exists() != ours.exists() or (theirs.exists() and not filecmp.cmp(ours, theirs, shallow=False)):
            found.differ.append(ours.name)
    found.differ += [f"left {name}" for lane in range(found.case.lanes)
                     for name in os.listdir(folder / f"lane{lane}")]
    if found.case.lanes:        # nobody knows of the parts of a run in memory
        found.differ += [f"left {path.name}" for path in folder.glob("*.part")]


def lives(cases: tuple[Case, ...], folder: Path, seed: int, count: int, counted_only: bool = False) -> Iterator[Life]:
    """Runs of the cases in turn until there were `count` kills; they stop early when nothing is killed any more."""
    chance, kills, rights = random.Random(seed), 0, {}
    for round_ in range(count + 1):
        for index, case in enumerate(cases):
            if kills >= count:
                return
            if index not in rights:
                (folder / f"right{index}").mkdir()
                rights[index] = undisturbed(case, folder / f"right{index}")
            place = folder / f"run{round_}.{index}"
            place.mkdir()
            most = min(count - kills, -(-count // len(cases)))
            found = life(case, place, *rights[index], chance, most, counted_only)
            kills += len(found.kills)
            yield found
            if not found.differ and not found.failure:
                shutil.rmtree(place)
