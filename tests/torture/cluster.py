"""Mersenne tests on a cluster whose processes are killed, and whose workers give back what is wrong.

    python tests/torture/cluster.py [--kills 50] [--flips 200] [--tests 40] [--workers 4] [--seed S] [--dir DIR]
                                    [--json FILE]

Kills: a scheduler, workers, and `bigconst work --cluster` run on this machine.  At random moments one of them ends by
SIGKILL and is begun again; once a queue a worker is stopped for longer than it is waited for, and then goes on.  Queues
follow each other until there were so many kills.  Half of the tests are Lucas-Lehmer and half PRP; residues are
compared with those of plain integers.

What is done again is seen in the events of the coordinator: the time of workers in parts of tests from which nothing
came, from the begin of the part to the kill, or to the begin of the same part elsewhere.

Flips: once in a test a bit of what a worker gives back is changed, in the save file after its checksum, or in the
residue before it.  The table says what noticed it, and whether the residue at the end is right.

The exit code is 1 if a number is not reported just once, or not right, if a process ends as it should not, or if a
flipped bit spoils a result that a check protects: all but Lucas-Lehmer tests spoiled before the checksum.
"""

import argparse
import contextlib
import io
import json
import os
import random
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import datetime
from multiprocessing import get_context
from pathlib import Path
from unittest.mock import patch

from gmpy2 import invert, mpz, next_prime
from report import Column, Report, make_parser

from bigconst.cli import main as main_of_bigconst
from bigconst.mersenne.savefile import decode, encode
from bigconst.runs import clusterqueue
from bigconst.runs.clusterpart import PartReturned

sys.path.append(str(Path(__file__).parents[1] / "mersenne"))
from fake_cluster import FakeCluster  # noqa: E402

BIN = Path(sys.executable).parent
FIRST = 60_000
PART_MINUTES = 0.02
WORKER, COORDINATOR, SCHEDULER = "worker", "coordinator", "scheduler"
CHANCES = {WORKER: 6, COORDINATOR: 3, SCHEDULER: 1}
STOPPED_S = 75.0
"""Seconds for which a worker is stopped: the coordinator waits for 60 and three parts."""
KILL_EVERY_S = 3.0
BEGIN_S = 4.0
"""Seconds in which a process begins, and is not killed."""
QUEUE_S = 1800.0
"""Seconds after which a queue hangs."""
PERMITTED = {COORDINATOR: (0, 3, -signal.SIGKILL), WORKER: (0, 1, -signal.SIGKILL), SCHEDULER: (-signal.SIGKILL,)}
"""How each may end: the coordinator with 3 after the death of the scheduler, workers then by themselves."""


def residue(kind: str, p: int) -> int:
    """The last residue of a test, by plain integers."""
    modulus, x = (mpz(1) << p) - 1, mpz(4 if kind == "LL" else 3)
    for _ in range(p - 2 if kind == "LL" else p):
        x = x * x - (2 if kind == "LL" else 0)
        while x > modulus:
            x = (x & modulus) + (x >> p)
    x %= modulus
    return int(x if kind == "LL" else x * invert(9, modulus) % modulus)


def line_of(kind: str, p: int) -> str:
    """The line of a test in a work file."""
    return f"PRP=1,2,{p},-1\n" if kind == "PRP" else f"Test={p}\n"


def tests_of(count: int, first: int) -> list[tuple[str, int]]:
    """(kind, exponent) of a queue."""
    found, p = [], first
    for number in range(count):
        p = int(next_prime(p))
        found.append(("PRP" if number % 2 else "LL", p))
    return found


def free_port() -> int:
    """A port that nobody uses now."""
    with socket.socket() as each:
        each.bind(("127.0.0.1", 0))
        return each.getsockname()[1]


@dataclass
class Life:
    """One process after the other in the same part."""

    part: str
    words: list[str]
    process: subprocess.Popen | None = None
    began_s: float = 0.0

    def begin(self, errors: Path) -> None:
        """Begin the next process."""
        with errors.open("a") as file:
            self.process = subprocess.Popen([BIN / self.words[0], *self.words[1:]], stdout=subprocess.DEVNULL,
                                            stderr=file, start_new_session=True)
        self.began_s = time.monotonic()

    @property
    def can_be_killed(self) -> bool:
        """Whether it runs, and has begun."""
        return self.process.poll() is None and time.monotonic() - self.began_s > BEGIN_S

    def end(self, number: int = signal.SIGKILL) -> None:
        """Send a signal to its process, and to its children."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, number)


@dataclass
class QueueRun:
    """A queue until its end, and what happened to it."""

    folder: Path
    tests: list[tuple[str, int]]
    workers: int
    chance: random.Random
    kills: Counter = field(default_factory=Counter)
    """by what was killed"""
    stopped: bool = False
    """whether a worker has been stopped, or none is to be"""
    ends: list[float] = field(default_factory=list)
    """seconds since 1970 at which some process did no more"""
    failures: list[str] = field(default_factory=list)

    def run(self, most_kills: int) -> None:
        """Run the queue to its end, with at most so many kills."""
        (self.folder / "worktodo.txt").write_text("".join(line_of(kind, p) for kind, p in self.tests))
        address = f"tcp://127.0.0.1:{free_port()}"
        lives = [Life(SCHEDULER, ["dask", "scheduler", "--host", address, "--no-dashboard"])]
        lives += [Life(WORKER, ["dask", "worker", address, "--no-nanny", "--nthreads", "1", "--memory-limit", "0",
                                "--no-dashboard", "--name", f"worker {number}"]) for number in range(self.workers)]
        lives.append(Life(COORDINATOR, ["bigconst", "work", str(self.folder), "--cluster", address, "--minutes",
                                        str(PART_MINUTES), "--events", str(self.folder / "events")]))
        try:
            self._watch(lives, most_kills)
        finally:
            for life in lives:
                life.end(signal.SIGCONT)
                life.end()
                life.process.wait()

    def _watch(self, lives: list[Life], most_kills: int) -> None:
        errors = self.folder / "stderr"
        for life in lives:
            life.begin(errors)
        due_s = time.monotonic() + BEGIN_S + 1
        hangs_s = time.monotonic() + QUEUE_S
        awake: tuple[float, Life] | None = None
        while True:
            time.sleep(0.1)
            now_s = time.monotonic()
            for life in lives:
                code = life.process.poll()
                if code is None:
                    continue
                if code not in PERMITTED[life.part]:
                    self.failures.append(f"a {life.part} ended with {code}")
                if life.part == COORDINATOR and code == 0:
                    return
                life.begin(errors)
            if now_s > hangs_s:
                self.failures.append(f"not ended after {QUEUE_S:.0f} s")
                return
            if awake is not None and now_s > awake[0]:
                awake[1].end(signal.SIGCONT)
                awake = None
            if now_s > due_s:
                due_s = now_s + self.chance.expovariate(1 / KILL_EVERY_S)
                awake = self._disturb([life for life in lives if awake is None or life is not awake[1]],
                                      most_kills) or awake

    def _disturb(self, lives: list[Life], most_kills: int) -> tuple[float, Life] | None:
        """Kill a process; or stop a worker, and return when it has to go on."""
        part = self.chance.choices(list(CHANCES), list(CHANCES.values()))[0]
        able = [life for life in lives if life.part == part and life.can_be_killed]
        if not able:
            return None
        life = self.chance.choice(able)
        if part == WORKER and not self.stopped:
            self.stopped = True
            life.end(signal.SIGSTOP)
            self.ends.append(time.time())
            return time.monotonic() + STOPPED_S, life
        if self.kills.total() < most_kills:
            life.end()
            self.kills[part] += 1
            self.ends.append(time.time())
        return None

    # -- what came out -------------------------------------------------------------------

    def check(self, residues: dict[tuple[str, int], int]) -> int:
        """Number of tests that are reported just once and right; the others become failures."""
        results = [json.loads(line) for line in (self.folder / "results.json.txt").read_text().splitlines()]
        count, right = Counter(each["exponent"] for each in results), 0
        for each in results:
            kind, p = each["worktype"].partition("-")[0], each["exponent"]
            if count[p] == 1 and is_right(each, residues[kind, p]):
                right += 1
            else:
                self.failures.append(f"{kind} {p}: {each}, {count[p]} times")
        self.failures += [f"{kind} {p} is not reported" for kind, p in self.tests if p not in count]
        left = (self.folder / "worktodo.txt").read_text()
        if left:
            self.failures.append(f"left in the queue: {left!r}")
        return right

    def worked(self) -> tuple[float, float]:
        """Seconds of workers in parts of tests, and those in parts of which nothing came."""
        begun: dict[int, float] = {}
        whole_s = lost_s = 0.0

        def lose(began_s: float, end_s: float) -> None:
            nonlocal whole_s, lost_s
            seconds = min([at_s for at_s in self.ends if at_s > began_s] + [end_s]) - began_s
            whole_s, lost_s = whole_s + seconds, lost_s + seconds

        at_s = 0.0
        for line in (self.folder / "events").read_text().splitlines():
            with contextlib.suppress(ValueError):       # cut by a kill
                event = json.loads(line)
                at_s = datetime.fromisoformat(event["t"]).timestamp()
                p = event.get("exponent")
                if event["event"] == "part_begun":
                    if p in begun:
                        lose(begun[p], at_s)
                    begun[p] = at_s
                elif event["event"] == "part_done" and p in begun:
                    del begun[p]
                    whole_s += event["seconds"]
        for each in begun.values():
            lose(each, at_s)
        return whole_s, lost_s


def main() -> None:
    """Torture, print, and exit with 1 if anything went wrong."""
    parser = make_parser(__doc__)
    parser.add_argument("--kills", type=int, default=50, metavar="N", help="in all queues (default 50); 0: none")
    parser.add_argument("--flips", type=int, default=200, metavar="N", help="of each kind (default 200); 0: none")
    parser.add_argument("--tests", type=int, default=40, metavar="N", help="tests of a queue (default 40)")
    parser.add_argument("--workers", type=int, default=4, metavar="K", help="workers (default 4)")
    parser.add_argument("--seed", type=int, default=1, metavar="S", help="seed of all random choices (default 1)")
    parser.add_argument("--dir", metavar="DIR", help="where queues are (default: a temporary directory)")
    arguments = parser.parse_args()
    report = Report("torture/cluster", arguments)
    right = flip_bits(arguments, report)
    right = kill_processes(arguments, report) and right
    report.close()
    sys.exit(0 if right else 1)


# -- flipped bits ----------------------------------------------------------------------------


FLIPPED = {"LL": 9941, "PRP": 9973}
FLIP_MINUTES = 2e-4


def flip_after(done: PartReturned, chance: random.Random) -> PartReturned:
    """What a worker gives back, with a bit of the save file changed."""
    save, bit = bytearray(done.save), chance.randrange(8 * len(done.save))
    save[bit // 8] ^= 1 << bit % 8
    return replace(done, save=bytes(save))


def flip_before(done: PartReturned, chance: random.Random) -> PartReturned:
    """What a worker gives back, with a bit of the residue changed before it is saved."""
    saved = decode(done.save)
    return replace(done, save=encode(replace(saved, residue=saved.residue ^ (1 << chance.randrange(saved.exponent)))))


def flipped(kind: str, flip: Callable, chance: random.Random, value: int) -> tuple[bool, bool]:
    """Whether a bit that was flipped once in a test was noticed, and whether the result is right."""
    flips = []

    def spoil(key: str, part: object, done: PartReturned) -> PartReturned:
        if not flips and not done.finished:     # of the last residue no wrong symbol can be expected
            flips.append(flip(done, chance))
            return flips[0]
        return done

    @contextlib.contextmanager
    def connected(request: object) -> Iterator[FakeCluster]:
        yield FakeCluster(spoil)

    while not flips:        # the test may have ended in one part
        with (tempfile.TemporaryDirectory() as folder, patch.object(clusterqueue, "connected", connected),
              contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()) as errors):
            Path(folder, "worktodo.txt").write_text(line_of(kind, FLIPPED[kind]))
            main_of_bigconst(["work", folder, "--cluster", "local", "--threads", "1", "--minutes", str(FLIP_MINUTES)])
            result = json.loads(Path(folder, "results.json.txt").read_text())
    return "is done again" in errors.getvalue(), is_right(result, value)


def flip_bits(arguments: argparse.Namespace, report: Report) -> bool:
    """Print a row for each kind of flip; return whether none did harm that a check should have kept off."""
    count = 8 if arguments.quick else arguments.flips
    if not count:
        return True
    section = report.section("flips", "a bit flipped in what a worker gives back of a test", [
        Column("kind", "test", "", 5), Column("where", "the bit is", "", 20), Column("trials", "trials", "d"),
        Column("noticed", "noticed", "d"), Column("right", "right at the end", "d")])
    fine, chance = True, random.Random(arguments.seed)
    for kind, p in FLIPPED.items():
        value = residue(kind, p)
        for where, flip in (("after the checksum", flip_after), ("before it", flip_before)):
            found = [flipped(kind, flip, chance, value) for _ in range(count)]
            noticed, right = (sum(column) for column in zip(*found, strict=True))
            section.add(kind=kind, where=where, trials=count, noticed=noticed, right=right)
            fine &= right == count or (kind, flip) == ("LL", flip_before)
    return fine


def is_right(result: dict, value: int) -> bool:
    """Whether a result states the last residue `value` of its test."""
    is_ll = result["worktype"] == "LL"
    return ((result["status"] == "P") == (value == (0 if is_ll else 1))
            and result.get("res64", f"{0 if is_ll else 1:016X}") == f"{value & (2**64 - 1):016X}")


# -- kills -----------------------------------------------------------------------------------


def kill_processes(arguments: argparse.Namespace, report: Report) -> bool:
    """Print a row for each queue, and one for all; return whether nothing went wrong."""
    kills, count = ((2, 12) if arguments.quick else (arguments.kills, arguments.tests))
    if not kills:
        return True
    tests = tests_of(count, FIRST)
    with ProcessPoolExecutor(mp_context=get_context("spawn")) as pool:
        residues = dict(zip(tests, pool.map(residue, *zip(*tests, strict=True)), strict=True))
    section = report.section("queues", f"queues of {count} tests on {arguments.workers} workers; a worker stopped for "
                             f"{STOPPED_S:.0f} s in each", [
        Column("queue", "queue", "", 5), *(Column(part, f"{part}s killed", "d") for part in CHANCES),
        Column("elapsed_s", "seconds", ".0f"), Column("worked_s", "of workers in parts", ".0f"),
        Column("lost_s", "done again", ".1f"), Column("percent", "%", ".1f"), Column("right", "reported once, right")])
    chance, runs, sums = random.Random(arguments.seed), [], [0.0, 0.0, 0.0]

    def row(name: str, killed: Counter, seconds: list[float], right: str) -> None:
        section.add(queue=name, **{part: killed[part] for part in CHANCES}, elapsed_s=seconds[0], worked_s=seconds[1],
                    lost_s=seconds[2], percent=100 * seconds[2] / max(seconds[1], 1e-9), right=right)

    while (left := kills - sum(run.kills.total() for run in runs)) > 0 and not (runs and runs[-1].failures):
        with tempfile.TemporaryDirectory(prefix="bigconst-cluster-", dir=arguments.dir) as name:
            run, began_s = QueueRun(Path(name), tests, arguments.workers, chance,
                                    stopped=arguments.quick), time.monotonic()
            runs.append(run)
            run.run(left)
            seconds = [time.monotonic() - began_s, *run.worked()]
            sums = [a + b for a, b in zip(sums, seconds, strict=True)]
            row(str(len(runs)), run.kills, seconds, f"{run.check(residues)} of {len(tests)}")
            if not run.kills:
                run.failures.append("it ended before anything was killed; take more --tests")
            for failure in run.failures:
                report.note(failure)
            if run.failures:
                report.note((run.folder / "stderr").read_text()[-3000:])
    row("all", sum((run.kills for run in runs), Counter()), sums, "no" if any(run.failures for run in runs) else "yes")
    return not any(run.failures for run in runs)


if __name__ == "__main__":
    main()
