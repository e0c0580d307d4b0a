"""The cost of a proof: phi with its certificate, and the check of both files, in fresh processes.

    python benchmarks/proof.py [--digits 1e8 ...] [--threads 2] [--runs 5] [--dir DIR] [--json FILE]

Figures are total - kernels_ready of the program's own report (see phi.py), with
the parts of it, and for `verify` the time from open files to the verdict, in a
process of its own.  The files are freshly written: what the system still has
of them in its cache is read from there, as it would be for a user.  A second run,
the usual way to believe a result, costs the computation again.
"""

import json
import sys
import tempfile
from pathlib import Path
from statistics import median

from _common import Column, Report, make_parser
from phi import give_back_memory, timed

from bigconst.base.hardware import peak_memory_bytes
from bigconst.base.units import parse_count
from bigconst.runs import kernels

SIZES = [10**6, 10**7, 10**8]


def check(path: str, threads: int) -> None:
    """Verify, and print the figures as JSON, in the process of a verification."""
    from bigconst.proof.verification import verify

    kernels.load(kernels.CHECKING)
    verdict = verify(path, path + ".cert", threads=threads)
    print(json.dumps({"seconds": verdict.seconds, "peak_bytes": peak_memory_bytes()}))


def run(digits: int, threads: int, folder: Path) -> dict:
    """Run one computation and one verification; return their figures."""
    output, report = folder / "phi.txt", folder / "report.json"
    for path in (output, report, folder / "phi.txt.cert"):
        path.unlink(missing_ok=True)
    give_back_memory(digits)
    timed([sys.executable, "-m", "bigconst", "phi", "--digits", str(digits), "--threads", str(threads),
           "--output", str(output), "--json", str(report)])
    clock = json.loads(report.read_text())["seconds"]
    wall_s, told = timed([sys.executable, __file__, "--check", str(output), str(threads)])
    told = json.loads(told)
    return {"compute_s": clock["compute"], "certificate_s": clock["certificate"], "output_s": clock["output"],
            "total_s": clock["total"] - clock["kernels_ready"], "verify_s": told["seconds"], "verify_wall_s": wall_s,
            "verify_mb": told["peak_bytes"] / 1e6}


def main() -> None:
    """Measure and print."""
    if sys.argv[1:2] == ["--check"]:
        check(sys.argv[2], int(sys.argv[3]))
        return
    parser = make_parser(__doc__)
    parser.add_argument("--digits", type=parse_count, action="append", metavar="N", help="repeatable")
    parser.add_argument("--threads", type=int, default=2, metavar="N", help="threads (default 2)")
    parser.add_argument("--runs", type=int, default=5, help="runs of each size (default 5)")
    parser.add_argument("--dir", default=".", help="where the files go for a while (default: here)")
    arguments = parser.parse_args()
    report = Report("proof", arguments)
    columns = [Column("digits", "digits", ",", 13), Column("compute_s", "compute", ".3f", 8),
               Column("certificate_s", "certificate", ".3f", 11), Column("output_s", "output", ".3f", 7),
               Column("total_s", "total", ".3f", 7), Column("verify_s", "verify", ".3f", 7),
               Column("verify_wall_s", "process", ".2f", 7), Column("verify_mb", "MB", ".0f", 5)]
    section = report.section("proof", f"phi with certificate, {arguments.threads} thread(s), seconds, medians", columns)
    sizes = arguments.digits or ([10**5] if arguments.quick else SIZES)
    with tempfile.TemporaryDirectory(dir=arguments.dir, prefix="bigconst-") as name:
        for digits in sizes:
            runs = [run(digits, arguments.threads, Path(name)) for _ in range(1 if arguments.quick else arguments.runs)]
            section.add(digits=digits, **{key: median(one[key] for one in runs) for key in runs[0]}, runs=runs)
    report.close()


if __name__ == "__main__":
    main()
