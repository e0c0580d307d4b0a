"""Mersenne tests by command line that are killed again and again: what was lost, and what came out.

What a kill costs is observed from outside: the newest save file has its iteration in its name and the time of its
last byte in its inode.  What was computed from then to the kill is computed again.  Seconds are converted to iterations
by the pace between the saves of the same process or, if it made less than two, by that of the undisturbed test.
"""

import hashlib
import random
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

SAVE = re.compile(r"\.(\d{10})(?:\.verified)?\.save")
RESUMED = re.compile(r"going on from iteration ([\d,._ ]*\d)")
KILLS_PER_TEST = 10
"""The mean time from the begin of the computation to a kill is that of the undisturbed test divided by this."""
MOST_PROCESSES = 100
"""Processes of one test after which it is given up."""
POWER = 7
"""Power of the proofs that PRP tests make."""
SECONDS = 3600
"""Seconds after which a process hangs."""


@dataclass(frozen=True)
class Case:
    """A Mersenne test of 2^p - 1: `command` is ll or prp, and `iterations` None for the whole test."""

    command: str
    p: int
    save_every_s: float
    iterations: int | None = None

    @property
    def total(self) -> int:
        """The number of its squarings."""
        return self.iterations or (self.p - 2 if self.command == "ll" else self.p)

    @property
    def arguments(self) -> list[str]:
        """Arguments of the command, without the directory."""
        some = ["--proof", str(POWER)] if self.command == "prp" else []
        if self.iterations is not None:
            some = ["--iterations", str(self.iterations)]
        return [self.command, str(self.p), *some, "--no-factor", "--save-every", f"{self.save_every_s:g}",
                "--threads", "1"]

    def __str__(self) -> str:
        return " ".join(self.arguments[:-2])


@dataclass
class Process:
    """One process of a test, from the begin of its computation."""

    code: int
    result: str
    """its last line on standard output, and the MD5 of the proof that it made"""
    message: str
    """its last line on standard error"""
    resumed: int | None
    """the iteration from which it continued, None if it began at 0"""
    elapsed_s: float
    began_s: float
    """by the clock of file times"""


@dataclass(frozen=True)
class Killed:
    """One kill."""

    after_s: float
    """seconds of computation before it"""
    iteration: int
    """iteration of the newest save, 0 without one"""
    seconds: float
    """seconds of computation that were lost"""
    iterations: float
    """iterations that were lost"""


@dataclass
class Life:
    """A Mersenne test from its first process to its last."""

    kills: list[Killed] = field(default_factory=list)
    resumes: int = 0
    older: int = 0
    """resumes from a save that was not the newest"""
    elapsed_s: float = 0.0
    """seconds from its first process to the end of its last, starts included"""
    result: str = ""
    failure: str = ""


def process(case: Case, folder: Path, kill_after_s: float | None = None) -> Process:
    """Run the command to its end, or kill it `kill_after_s` after its computation began."""
    out, err = folder.with_suffix(".out"), folder.with_suffix(".err")
    is_first = not any(folder.iterdir())
    began_s = None
    with out.open("w") as output, err.open("w") as errors:
        child = subprocess.Popen([sys.executable, "-m", "bigconst", *case.arguments, "--dir", str(folder)],
                                 stdout=output, stderr=errors)
        try:
            while child.poll() is None:
                if began_s is None:
                    # The first process makes its lock file when kernels are loaded; later ones print where they begin.
                    if any(folder.iterdir()) if is_first else RESUMED.search(err.read_text()):
                        began_s = time.time()
                elif kill_after_s is None or time.time() - began_s > SECONDS:
                    break
                elif time.time() - began_s >= kill_after_s:
                    child.send_signal(signal.SIGKILL)
                    break
                time.sleep(0.002)
            child.wait(SECONDS)
        finally:
            child.kill()
            child.wait()
    ended_s = time.time()
    message, began_s = err.read_text(), began_s or ended_s
    result = out.read_text().strip().rpartition("\n")[2]
    if child.returncode == 0:
        for path in folder.glob("*.proof"):
            result += f", proof {hashlib.md5(path.read_bytes()).hexdigest()}"
            path.unlink()
    resumed = RESUMED.search(message)
    return Process(child.returncode, result, message.strip().rpartition("\n")[2],
                   int(re.sub(r"\D", "", resumed[1])) if resumed else None, ended_s - began_s, began_s)


def undisturbed(case: Case, folder: Path) -> Process:
    """The test without a kill."""
    folder.mkdir()
    whole = process(case, folder)
    if whole.code != 0 or any(folder.iterdir()):
        sys.exit(f"{case} failed without a kill: {whole.message or 'files are left'}")
    return whole


def _killed(case: Case, folder: Path, now: Process, whole: Process) -> Killed:
    """The cost of the kill that ended the process `now`, from the save files that exist."""
    saves = sorted((int(match[1]), path.stat().st_mtime) for path in folder.iterdir()
                   if (match := SAVE.search(path.name)) and path.name.endswith("save"))
    iteration = saves[-1][0] if saves else 0
    own = [save for save in saves if save[1] >= now.began_s]
    since_s = max(0.0, now.began_s + now.elapsed_s - own[-1][1]) if own else now.elapsed_s
    pace = case.total / whole.elapsed_s
    if len(own) > 1 and own[-1][1] > own[0][1]:
        pace = (own[-1][0] - own[0][0]) / (own[-1][1] - own[0][1])
    return Killed(now.elapsed_s, iteration, since_s, since_s * pace)


def life(case: Case, folder: Path, whole: Process, chance: random.Random, most_kills: int) -> Life:
    """Kill a test up to `most_kills` times, and let it finish."""
    folder.mkdir()
    found, began_s = Life(), time.perf_counter()
    for _ in range(MOST_PROCESSES):
        mean_s = whole.elapsed_s / KILLS_PER_TEST
        after_s = chance.expovariate(1 / mean_s) if len(found.kills) < most_kills else None
        now = process(case, folder, after_s)
        if now.resumed:
            found.resumes += 1
            found.older += bool(found.kills) and now.resumed < found.kills[-1].iteration
        if now.code == -signal.SIGKILL:
            found.kills.append(_killed(case, folder, now, whole))
        else:
            found.result = now.result
            if now.code != 0:
                found.failure = f"exit code {now.code}: {now.message}"
            elif now.result != whole.result:
                found.failure = f"WRONG: {now.result}"
            elif left := sorted(path.name for path in folder.iterdir()):
                found.failure = f"left {', '.join(left)}"
            break
    else:
        found.failure = f"not finished after {MOST_PROCESSES} processes"
    found.elapsed_s = time.perf_counter() - began_s
    return found


def lives(case: Case, folder: Path, whole: Process, seed: int, count: int) -> Iterator[Life]:
    """Tests until there were `count` kills, at most `count` tests."""
    chance, kills = random.Random(f"{seed} {case.command}"), 0
    for number in range(count):
        place = folder / f"{case.command}-{number}"
        found = life(case, place, whole, chance, count - kills)
        kills += len(found.kills)
        yield found
        if not found.failure:
            shutil.rmtree(place)
        if kills >= count:
            return
