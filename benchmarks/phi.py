"""N digits of the golden ratio, or of another constant, in a file, every run a fresh process, beside GMP (gmpy2) and
FLINT (python-flint).

    python benchmarks/phi.py [--constant phi] [--formula NAME] [--digits 1e8 ...] [--threads 2] [--runs 5] [--dir DIR]
        [--json FILE]

Ours is `bigconst phi --digits N --no-certificate`, or `bigconst pi --digits N` with the certificate; the figure is
total - kernels_ready of its JSON report: from parsed arguments to the renamed file, first touch of memory, tables,
arithmetic, text and fsync included, the loading of compiled kernels apart.
Beside it the wall time of the whole process, with the start of Python and that
loading, and its peak memory.  The kernels are compiled before.

Peers compute floor(phi*10^N), make decimal text, write it and fsync it; their
figure leaves out the start of Python and the import of their library:

    gmp      (10^N + isqrt(5*10^(2N))) // 2, digits(); one thread
    flint    arb: (1 + sqrt(5))/2, pi and so on with 64 bits to spare, times 10^N, floor, and the
             text of that integer; --threads threads

There is no GMP for any but phi.

Before each run a process touches and frees as much memory as the run may take, so that a
host that lends memory has lent it.  Every output is deleted before the next run, and that of a peer must equal ours,
byte for byte.
Peers take part up to --peers-up-to digits, and run once from 1e8 digits on.
Ratios are peer over ours, of medians of the figures.
"""

import argparse
import filecmp
import importlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from _common import Column, Report, make_parser, optional

from bigconst.base.hardware import available_memory_bytes, peak_memory_bytes
from bigconst.base.units import parse_count

SIZES = [10**6, 10**7, 10**8]
LARGE = 10**8
"""digits from which on peers run once; above it, ours runs three times"""


# --- the peers, each in a process of its own -------------------------------------------

def gmp(constant: str, digits: int, threads: int) -> str:
    """The digits of floor(phi*10^digits)."""
    import gmpy2

    scale = gmpy2.mpz(10) ** digits
    return ((scale + gmpy2.isqrt(5 * scale * scale)) >> 1).digits()


def arb(constant: str, digits: int, threads: int) -> str:
    """The digits of floor(x*10^digits)."""
    import flint

    flint.ctx.threads = threads
    flint.ctx.prec = digits * 3_321_928_095 // 10**9 + 64
    scale = flint.fmpz(10) ** digits
    return (ARB[constant](flint.arb) * scale).floor().unique_fmpz().str().rjust(digits + 1, "0")


ARB = {
    "phi": lambda arb: (1 + arb(5).sqrt()) / 2, "pi": lambda arb: arb.pi(), "e": lambda arb: arb(1).exp(),
    "zeta3": lambda arb: arb(3).zeta(), "catalan": lambda arb: arb.const_catalan(),
    "gamma": lambda arb: arb.const_euler(), "lemniscate": lambda arb: 2 * arb.pi() / arb(1).agm(arb(2).sqrt()),
    "log 2": lambda arb: arb.const_log2(), "log 3": lambda arb: arb(3).log(), "log 5": lambda arb: arb(5).log(),
}
"""The constants by FLINT, of its class arb."""
PEERS = {"gmp": ("gmpy2", gmp), "flint": ("flint", arb)}


def work(peer: str, constant: str, digits: int, threads: int, path: str) -> None:
    """Compute, write, and print the figures as JSON, in the process of a peer."""
    module, compute = PEERS[peer]
    importlib.import_module(module)
    start = time.perf_counter()
    text = compute(constant, digits, threads)
    computed = time.perf_counter()
    with open(path, "wb") as file:
        file.write(f"{text[0]}.".encode())
        file.write(text[1:].encode())
        file.write(b"\n")
        file.flush()
        os.fsync(file.fileno())
    end = time.perf_counter()
    print(json.dumps({"seconds": end - start, "compute_s": computed - start, "peak_bytes": peak_memory_bytes()}))


# --- fresh processes --------------------------------------------------------------------

def timed(command: list[str]) -> tuple[float, str]:
    """Wall time of a process and its standard output; exits with its message when it fails."""
    start = time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True)
    wall = time.perf_counter() - start
    if done.returncode != 0:
        sys.exit(f"{' '.join(command)} failed:\n{done.stderr}")
    return wall, done.stdout


def give_back_memory(digits: int) -> None:
    """Touch and free what a run may take, in a process of its own.

    A host that has taken unused memory from its virtual machines returns it at a fraction of the speed of a first
    touch on this machine; here it has returned it before each contestant runs.
    """
    size = min(200_000_000 + 16 * digits, available_memory_bytes() // 2)
    code = f"""
import mmap
block = mmap.mmap(-1, {size}, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
block.madvise(mmap.MADV_HUGEPAGE)
for page in range(0, {size}, 4096):
    block[page] = 1
"""
    timed([sys.executable, "-c", code])


def run_ours(constant: str, digits: int, threads: int, folder: Path, formula: str | None = None) -> dict:
    """One run of the program; leaves its output as bigconst.txt."""
    output, report = folder / "bigconst.txt", folder / "report.json"
    output.unlink(missing_ok=True)
    report.unlink(missing_ok=True)
    give_back_memory(digits)
    wall, _ = timed([sys.executable, "-m", "bigconst", *constant.split(), "--digits", str(digits), "--threads",
                     str(threads), "--output", str(output), "--force", "--json", str(report),
                     *["--no-certificate"] * (constant == "phi"), *(["--formula", formula] if formula else [])])
    told = json.loads(report.read_text())
    clock = told["seconds"]
    return {"seconds": clock["total"] - clock["kernels_ready"], "wall_s": wall, "clock": clock,
            "loading_s": clock["kernels_ready"],
            "peak_bytes": told["memory"]["peak_bytes"], "planned_bytes": told["memory"]["planned_bytes"],
            "cpu_percent": told["cpu_percent"], "max_roundoff": told["max_roundoff"], "faults": told["faults"]}


def run_peer(peer: str, constant: str, digits: int, threads: int, folder: Path) -> dict:
    """One run of a peer, whose output is compared with ours."""
    output = folder / f"{peer}.txt"
    output.unlink(missing_ok=True)
    give_back_memory(digits)
    wall, told = timed([sys.executable, __file__, "--work", peer, constant, str(digits), str(threads), str(output)])
    same = filecmp.cmp(output, folder / "bigconst.txt", shallow=False)
    output.unlink()
    return {**json.loads(told), "wall_s": wall, "same": same}


def measure(constant: str, digits: int, threads: int, runs: int, peers: list[str],
            folder: Path, formula: str | None) -> dict[str, list[dict]]:
    """Run the contestants in turns; return the runs of each."""
    out: dict[str, list[dict]] = {name: [] for name in ("bigconst", *peers)}
    for turn in range(runs):
        out["bigconst"].append(run_ours(constant, digits, threads, folder, formula))
        for peer in peers:
            if turn == 0 or digits < LARGE:
                out[peer].append(run_peer(peer, constant, digits, threads, folder))
    return out


def parse() -> argparse.Namespace:
    """The command line."""
    parser = make_parser(__doc__)
    parser.add_argument("--constant", choices=ARB, default="phi", help="default: phi")
    parser.add_argument("--formula", metavar="NAME", help="another formula than the usual one")
    parser.add_argument("--digits", type=parse_count, action="append", metavar="N",
                        help="digits, repeatable (default 1e6, 1e7 and 1e8)")
    parser.add_argument("--threads", type=int, default=2, metavar="N", help="threads (default 2)")
    parser.add_argument("--runs", type=int, default=5, help="turns; at most 3 above 1e8 digits (default 5)")
    parser.add_argument("--peers-up-to", type=parse_count, default=LARGE, metavar="N",
                        help="most digits that peers are asked for (default 1e8)")
    parser.add_argument("--dir", metavar="DIR", default=".",
                        help="where a temporary directory for the digits is made (default: here)")
    parser.add_argument("--work", nargs=5, help=argparse.SUPPRESS)
    return parser.parse_args()


def main() -> None:
    """Measure and report."""
    arguments = parse()
    if arguments.work:
        peer, constant, digits, threads, path = arguments.work
        work(peer, constant, int(digits), int(threads), path)
        return
    sizes = arguments.digits or ([10**4] if arguments.quick else SIZES)
    most = 2 if arguments.quick else arguments.runs
    report, constant, formula = Report("phi", arguments), arguments.constant, arguments.formula
    peers = [peer for peer, (module, _) in PEERS.items()
             if (peer != "gmp" or constant == "phi") and optional(module, report)]
    by = f" by {formula}" if formula else ""
    what = f"digits of {constant}{by} in a file, {arguments.threads} thread(s), seconds, medians"
    section = report.section("phi", what,
                             [Column("digits", "digits", ",d", 13), Column("who", "who", width=8),
                              Column("seconds", "seconds", ".3f", 8), Column("best_s", "best", ".3f", 8),
                              Column("loading_s", "loading", ".3f", 8), Column("wall_s", "process", ".3f", 8),
                              Column("peak_mb", "MB", ",.0f", 6),
                              Column("turns", "turns"), Column("ratio", "ratio", ".1f", 6),
                              Column("same", "same digits")])
    with tempfile.TemporaryDirectory(prefix="bigconst-", dir=arguments.dir) as name:
        folder = Path(name)
        run_ours(constant, 1000, arguments.threads, folder, formula)        # compiles what is not compiled
        for digits in sizes:
            runs = most if digits <= LARGE else min(most, 3)
            figures = measure(constant, digits, arguments.threads, runs,
                              peers if digits <= arguments.peers_up_to else [], folder, formula)
            ours = statistics.median(run["seconds"] for run in figures["bigconst"])
            for who, turns in figures.items():
                middle = {key: statistics.median(run[key] for run in turns)
                          for key in ("seconds", "loading_s", "wall_s", "peak_bytes") if key in turns[0]}
                same = None if who == "bigconst" else "yes" if all(run["same"] for run in turns) else "NO"
                section.add(digits=digits, who=who, threads=1 if who == "gmp" else arguments.threads,
                            best_s=min(run["seconds"] for run in turns), peak_mb=middle["peak_bytes"] / 1e6, **middle,
                            turns=len(turns), ratio=middle["seconds"] / ours, same=same, runs=turns)
    report.close()


if __name__ == "__main__":
    main()
