"""Queues of tests on clusters of this machine: beside workers without one; what crosses the network; the coordinator.

    python benchmarks/cluster.py [--tests 40] [--first P] [--workers K] [--clusters K,K] [--runs 3] [--json FILE]

throughput   `work --workers K` and `work --cluster local` with so many workers each, in turns, from the same work file
             to its end; half of the tests are Lucas-Lehmer and half PRP, of primes from P on.  A ratio above 1 says
             that the cluster did more tests an hour.  Results have to be the same
wire         bytes of a part of a test as they are sent to a worker and back, beside two save files of the residue
coordinator  most memory of `work --cluster` with 10,000 lines of exponents from 57 million on, while nobody works
"""

import json
import pickle
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

from _common import Column, Report, make_parser
from gmpy2 import next_prime

from bigconst.plans.proofplan import default_power, kept_iterations
from bigconst.runs.clusterpart import PartOfTest, run_part

BIN = Path(sys.executable).parent
FIRST, QUICK_FIRST = 60_000, 2_000
WIRE, QUICK_WIRE = (10_000_019, 57_885_161), (110_503,)
PART_S = 1.0
LINES, QUICK_LINES, LARGE = 10_000, 100, 57_000_000
WATCHED_S = 15.0


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
        subprocess.run([BIN / "bigconst", "work", folder, "--threads", "1", *options], check=True, capture_output=True)
        seconds = time.perf_counter() - began_s
        results = map(json.loads, (Path(folder) / "results.json.txt").read_text().splitlines())
        return seconds, sorted((each["exponent"], each["worktype"], each["status"], each.get("res64"))
                               for each in results)


def throughput(report: Report, work: str, workers: int, clusters: list[int], runs: int) -> None:
    """A row for each size of a cluster."""
    section = report.section("throughput", f"`work --workers {workers}` beside `--cluster local`", [
        Column("cluster", "workers of the cluster", "d"), Column("tests", "tests", "d"), Column("pairs", "pairs", "d"),
        Column("workers_s", "without s", ".1f"), Column("cluster_s", "cluster s", ".1f"),
        Column("ratio", "tests an hour", ".3f"), Column("least", "least", ".3f"), Column("most", "most", ".3f"),
        Column("same", "same results")])
    found = [[timed(work, ["--workers", str(workers)]),
              *(timed(work, ["--workers", str(each), "--cluster", "local"]) for each in clusters)] for _ in range(runs)]
    for column, cluster in enumerate(clusters, 1):
        ratios = [row[0][0] / row[column][0] for row in found]
        section.add(cluster=cluster, tests=work.count("\n"), pairs=runs, workers_s=median(row[0][0] for row in found),
                    cluster_s=median(row[column][0] for row in found), ratio=median(ratios), least=min(ratios),
                    most=max(ratios), same="yes" if all(row[0][1] == row[column][1] for row in found) else "NO")


def wire(report: Report, exponents: tuple[int, ...]) -> None:
    """A row for each kind of test and exponent."""
    section = report.section("wire", "bytes of the second part of a test; a save file of a PRP test has two numbers", [
        Column("kind", "test", "", 5), Column("exponent", "exponent", ",d"), Column("saves", "two save files", ",d"),
        Column("sent", "to the worker and back", ",d"), Column("more", "more", ",d")])
    for p in exponents:
        for kind, start in (("LL", 4), ("PRP-3", 3)):
            first = PartOfTest(kind, p, start, None, b"", PART_S, 1, (), "run")
            save = run_part(first).save
            kept = tuple(kept_iterations(p, default_power(p))) if kind != "LL" else ()
            part = PartOfTest(kind, p, start, None, save, PART_S, 1, kept, "run")
            done = run_part(part)
            sent = len(pickle.dumps((run_part, part))) + len(pickle.dumps(done))
            section.add(kind=kind, exponent=p, saves=len(save) + len(done.save), sent=sent,
                        more=sent - len(save) - len(done.save))


def coordinator(report: Report, lines: int) -> None:
    """A row with the memory of a coordinator without workers."""
    section = report.section("coordinator", "memory of a coordinator", [
        Column("lines", "lines", ",d"), Column("memory_mb", "MB", ".0f")])
    with socket.socket() as each:
        each.bind(("127.0.0.1", 0))
        address = f"tcp://127.0.0.1:{each.getsockname()[1]}"
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "worktodo.txt").write_text(queue(lines, LARGE))
        scheduler = subprocess.Popen([BIN / "dask", "scheduler", "--host", address, "--no-dashboard"], **quiet)
        time.sleep(3)
        work = subprocess.Popen([BIN / "bigconst", "work", folder, "--cluster", address, "--no-proof"], **quiet)
        try:
            time.sleep(WATCHED_S)
            status = Path(f"/proc/{work.pid}/status").read_text()
            section.add(lines=lines, memory_mb=int(status.partition("VmHWM:")[2].split()[0]) * 1024 / 1e6)
        finally:
            work.terminate()        # a shell that runs this in the background has Ctrl-C ignored
            work.wait()
            scheduler.kill()
            scheduler.wait()


def main() -> None:
    """Measure and print."""
    parser = make_parser(__doc__)
    parser.add_argument("--tests", type=int, default=40, help="tests in the queue (default 40)")
    parser.add_argument("--first", type=int, default=FIRST, metavar="P", help=f"(default {FIRST:,})")
    parser.add_argument("--workers", type=int, default=2, metavar="K", help="processes without a cluster (default 2)")
    parser.add_argument("--clusters", default="2,4", metavar="K,K", help="workers of clusters (default 2,4)")
    parser.add_argument("--runs", type=int, default=3, help="turns (default 3)")
    arguments = parser.parse_args()
    report = Report("cluster", arguments)
    count, runs, first = (4, 1, QUICK_FIRST) if arguments.quick else (arguments.tests, arguments.runs, arguments.first)
    throughput(report, queue(count, first), arguments.workers, list(map(int, arguments.clusters.split(","))), runs)
    wire(report, QUICK_WIRE if arguments.quick else WIRE)
    coordinator(report, QUICK_LINES if arguments.quick else LINES)
    report.close()


if __name__ == "__main__":
    main()
