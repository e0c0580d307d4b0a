"""A queue of small tests on a cluster of this machine, beside as many workers without one.

    python benchmarks/cluster.py [--tests 40] [--workers 2] [--runs 3] [--json FILE]

Half of the tests are Lucas-Lehmer and half PRP, of primes from 60,000 on.  Both commands run in turn, from the same
work file to its end; a ratio above 1 says that the cluster did more tests an hour.  Results have to be the same.
"""

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

from _common import Column, Report, make_parser
from gmpy2 import next_prime

FIRST, QUICK_FIRST = 60_000, 2_000


def queue(count: int, first: int) -> str:
    """A work file."""
    lines, p = [], first
    for i in range(count):
        p = int(next_prime(p))
        lines.append(f"PRP=1,2,{p},-1\n" if i % 2 else f"Test={p}\n")
    return "".join(lines)


def timed(work: str, options: list[str]) -> tuple[float, list[tuple]]:
    """Seconds of `bigconst work` on this work file, and its results."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "worktodo.txt").write_text(work)
        began_s = time.perf_counter()
        subprocess.run([Path(sys.executable).with_name("bigconst"), "work", folder, "--threads", "1", *options],
                       check=True, capture_output=True)
        seconds = time.perf_counter() - began_s
        results = map(json.loads, (Path(folder) / "results.json.txt").read_text().splitlines())
        return seconds, sorted((each["exponent"], each["worktype"], each["status"], each.get("res64"))
                               for each in results)


def main() -> None:
    """Measure and print."""
    parser = make_parser(__doc__)
    parser.add_argument("--tests", type=int, default=40, help="tests in the queue (default 40)")
    parser.add_argument("--workers", type=int, default=2, help="processes (default 2)")
    parser.add_argument("--runs", type=int, default=3, help="pairs (default 3)")
    arguments = parser.parse_args()
    report = Report("cluster", arguments)
    section = report.section("throughput", f"`work --workers {arguments.workers}` beside `--cluster local`", [
        Column("tests", "tests", "d"), Column("pairs", "pairs", "d"), Column("workers_s", "workers s", ".1f"),
        Column("cluster_s", "cluster s", ".1f"), Column("ratio", "tests an hour", ".3f"),
        Column("least", "least", ".3f"), Column("most", "most", ".3f"), Column("same", "same results")])
    count, runs, first = ((4, 1, QUICK_FIRST) if arguments.quick else (arguments.tests, arguments.runs, FIRST))
    work, workers = queue(count, first), ["--workers", str(arguments.workers)]
    found = [(timed(work, workers), timed(work, [*workers, "--cluster", "local"])) for _ in range(runs)]
    ratios = [alone[0] / cluster[0] for alone, cluster in found]
    section.add(tests=count, pairs=runs, workers_s=median(alone[0] for alone, _ in found),
                cluster_s=median(cluster[0] for _, cluster in found), ratio=median(ratios), least=min(ratios),
                most=max(ratios), same="yes" if all(alone[1] == cluster[1] for alone, cluster in found) else "NO")
    report.close()


if __name__ == "__main__":
    main()
