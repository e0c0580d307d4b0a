"""Runs of constants that are killed again and again: what they computed twice, and whether their files are right."""

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

WATCHED = str(Path(__file__).with_name("watched.py"))
MOST_PROCESSES = 200
"""Processes of one run after which it is given up."""
SECONDS = 3600
"""Seconds after which a process hangs."""


@dataclass(frozen=True)
class Case:
    """A command with `lanes` scratch directories; 0 for a run in memory."""

    digits: int
    options: str
    lanes: int = 1
    constant: str = "phi"

    def arguments(self, folder: Path) -> list[str]:
        """Arguments of the command, with outputs and scratch below `folder`."""
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
    Case(2 * 10**6, f"--workspace 4MiB {DISK}", 1, "pi"),
    Case(6 * 10**6, f"--workspace 4MiB {DISK}", 2, "e"),
    Case(5 * 10**7, f"--workspace 16MiB {DISK}"),
    Case(10**7, "--threads 2", 0),
)


@dataclass
class Process:
    """How a process ended, and what it logged."""

    code: int
    message: str
    """its last line on standard error"""
    units: dict[tuple[str, int], float]
    """seconds of each unit of work, by name and number"""
    moments: int = 0
    """moments that it passed, if it came to its end (see watched.py)"""
    elapsed_s: float = 0.0
    """seconds from its begin to its end, if it came to it"""


@dataclass
class Killed:
    """One kill, and what was computed again after it."""

    name: str
    """name of the last unit that was computed before"""
    units: int = 0
    seconds: float = 0.0


@dataclass
class Life:
    """A run from its first process to its last."""

    case: Case
    elapsed_s: float
    """seconds of the undisturbed run"""
    kills: list[Killed]
    differ: list[str]
    """names of files that are wrong or were left behind"""
    failure: str = ""


def process(arguments: list[str], log: Path, moment: int, kill_after_s: float | None = None) -> Process:
    """Run the command until it ends, kills itself at a moment, or is killed `kill_after_s` seconds after it began."""
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
    """The run without a kill, and the path of its text."""
    _lanes(case, folder)
    whole = process(case.arguments(folder), folder / "log", -1)
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
    """Kill a run up to `most_kills` times, at random moments that are spread over the whole run, and let it finish.

    Half of the kills come after a random number of moments, half after a random time; with `counted_only`, all come
    after a number of moments.
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
        now = process(_command(case, folder), folder / "log", moment, after_s)
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


def _is_interrupted(case: Case, folder: Path) -> bool:
    """Whether there is an interrupted run on disk."""
    return case.lanes > 0 and any((folder / "lane0" / name).exists() for name in (NAME, OLD_NAME))


def _is_complete(case: Case, folder: Path) -> bool:
    names = ["digits.txt"] if "--no-certificate" in case.options else ["digits.txt", "digits.txt.cert"]
    return not _is_interrupted(case, folder) and all((folder / name).exists() for name in names)


def _command(case: Case, folder: Path) -> list[str]:
    """The command that goes on: `bigconst resume` where there is something to resume, else the first one; it replaces
    finished files."""
    if _is_interrupted(case, folder):
        return ["resume", str(folder / f"lane{case.lanes - 1}"), "--force"]
    return [*case.arguments(folder), "--force"]


def _count_again(found: Life, before: list[Process], now: Process) -> None:
    """Charge each unit that was computed before to the kill of the latest process that had computed it."""
    for unit, seconds in now.units.items():
        for index in range(len(before) - 1, -1, -1):
            if unit in before[index].units:
                found.kills[index].units += 1
                found.kills[index].seconds += seconds
                break


def _compare(found: Life, folder: Path, right: Path) -> None:
    """Note files that are not those of the undisturbed run, and what is left in scratch directories."""
    for suffix in ("", ".cert"):
        ours, theirs = Path(f"{folder}/digits.txt{suffix}"), Path(f"{right}{suffix}")
        if theirs.exists() != ours.exists() or (theirs.exists() and not filecmp.cmp(ours, theirs, shallow=False)):
            found.differ.append(ours.name)
    found.differ += [f"left {name}" for lane in range(found.case.lanes)
                     for name in os.listdir(folder / f"lane{lane}")]
    if found.case.lanes:        # unfinished files of a killed run in memory stay: nothing on disk tells of them
        found.differ += [f"left {path.name}" for path in folder.glob("*.part")]


def lives(cases: tuple[Case, ...], folder: Path, seed: int, count: int, counted_only: bool = False) -> Iterator[Life]:
    """Runs of the cases in turn until there were `count` kills, in at most `count` + 1 rounds."""
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
