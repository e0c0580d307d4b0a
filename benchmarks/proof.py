"""The cost of a proof: phi with and without its certificate, and the check of both forms, in fresh processes.

    python benchmarks/proof.py [--digits 1e8 ...] [--threads 2] [--pairs 15] [--dir DIR] [--json FILE]
                               [--memory SIZE --swap DIR]

A pair is a run with a certificate and one without, in turn.  Figures are total - kernels_ready of the program's own
report (see phi.py), and processor seconds of the whole process; a ratio is the median of the ratios of the pairs, with
over without, with the smallest and the largest beside it.  With --memory and --swap runs are out of core, and say what
they moved.

The digits of the last run are then verified in turn against their certificate, which the ladder left behind, and
against a remainder that `certify` has made of them: seconds from open files to the verdict, in a process of its own.
The files are freshly written: what the system still has of them in its cache is read from there, as it would be for a
user.
"""

import json
import os
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


def check(path: str, certificate: str, threads: int) -> None:
    """Verify, and print the figures as JSON, in the process of a verification."""
    from bigconst.proof.verification import verify

    kernels.load(kernels.CHECKING)
    verdict = verify(path, certificate, threads=threads)
    print(json.dumps({"seconds": verdict.seconds, "peak_bytes": peak_memory_bytes()}))


def run(digits: int, arguments, output: Path, certified: bool) -> dict:
    """Run one computation; return its figures."""
    report = output.with_suffix(".json")
    for path in (output, report, Path(f"{output}.cert")):
        path.unlink(missing_ok=True)
    if not arguments.memory:
        give_back_memory(digits)
    scratch = ["--memory", arguments.memory, "--disk", "ssd", "--swap", arguments.swap] if arguments.memory else []
    timed([sys.executable, "-m", "bigconst", "phi", "--digits", str(digits), "--threads", str(arguments.threads),
           "--output", str(output), "--json", str(report), *scratch, *([] if certified else ["--no-certificate"])])
    told = json.loads(report.read_text())
    clock, scratch = told["seconds"], told["scratch"] or {"read_bytes": 0, "written_bytes": 0}
    return {"total_s": clock["total"] - clock["kernels_ready"], "cpu_s": told["cpu_percent"] / 100 * clock["total"],
            "moved": (scratch["read_bytes"] + scratch["written_bytes"]) / digits,
            "peak_mb": told["memory"]["peak_bytes"] / 1e6}


def verified(output: Path, certificate: Path, threads: int) -> dict:
    """Verify in a process of its own; return its figures."""
    wall_s, told = timed([sys.executable, __file__, "--check", str(output), str(certificate), str(threads)])
    told = json.loads(told)
    return {"verify_s": told["seconds"], "wall_s": wall_s, "verify_mb": told["peak_bytes"] / 1e6}


def ratios(pairs: list[tuple[dict, dict]], key: str) -> dict:
    """The median of the ratios of the pairs, the smallest and the largest."""
    found = [one[key] / other[key] for one, other in pairs]
    return {"ratio": median(found), "least": min(found), "most": max(found)}


def main() -> None:
    """Measure and print."""
    if sys.argv[1:2] == ["--check"]:
        check(sys.argv[2], sys.argv[3], int(sys.argv[4]))
        return
    parser = make_parser(__doc__)
    parser.add_argument("--digits", type=parse_count, action="append", metavar="N", help="repeatable")
    parser.add_argument("--threads", type=int, default=2, metavar="N", help="threads (default 2)")
    parser.add_argument("--pairs", type=int, default=15, help="pairs of runs of each size (default 15)")
    parser.add_argument("--dir", default=".", help="where the files go for a while (default: here)")
    parser.add_argument("--memory", metavar="SIZE", help="memory of runs out of core, with --swap")
    parser.add_argument("--swap", metavar="DIR", help="their scratch directory")
    arguments = parser.parse_args()
    report = Report("proof", arguments)
    spread = [Column("ratio", "ratio", ".3f", 7), Column("least", "least", ".3f", 7), Column("most", "most", ".3f", 7)]
    proofs = report.section("proof", f"phi with certificate and without, {arguments.threads} thread(s), medians", [
        Column("digits", "digits", ",", 13), Column("total_s", "with s", ".3f", 8),
        Column("without_total_s", "without s", ".3f", 9), *spread, Column("cpu_s", "CPU with", ".2f", 9),
        Column("without_cpu_s", "without", ".2f", 8), Column("moved", "byte/digit", ".2f", 10),
        Column("without_moved", "without", ".2f", 8), Column("peak_mb", "MB", ".0f", 7),
        Column("file", "cert. byte/digit", ".4f", 16)])
    sizes = arguments.digits or ([10**5] if arguments.quick else SIZES)
    count, checked = 1 if arguments.quick else arguments.pairs, []
    with tempfile.TemporaryDirectory(dir=arguments.dir, prefix="bigconst-") as name:
        output = Path(name) / "phi.txt"
        for digits in sizes:
            run(digits, arguments, output, True)        # fills the cache of kernels
            pairs = [(run(digits, arguments, output, False), run(digits, arguments, output, True))[::-1]
                     for _ in range(count)]
            size = os.path.getsize(f"{output}.cert")
            means = [{key: median(one[key] for one in runs) for key in runs[0]} for runs in zip(*pairs, strict=True)]
            proofs.add(digits=digits, **means[0], **{f"without_{key}": value for key, value in means[1].items()},
                       **ratios(pairs, "total_s"), cpu_ratio=ratios(pairs, "cpu_s"), file=size / digits, pairs=pairs)
            ladder, remainder = output.with_suffix(".ladder"), Path(f"{output}.cert")
            remainder.rename(ladder)
            timed([sys.executable, "-m", "bigconst", "certify", str(output), "--constant", "phi"])
            verified(output, remainder, arguments.threads)
            turns = [tuple(verified(output, each, arguments.threads) for each in (ladder, remainder))
                     for _ in range(count)]
            means = [{key: median(one[key] for one in runs) for key in runs[0]} for runs in zip(*turns, strict=True)]
            checked.append({"digits": digits, **means[0], "remainder_s": means[1]["verify_s"], "pairs": turns,
                            "remainder_mb": means[1]["verify_mb"], **ratios(turns, "verify_s")})
            ladder.unlink()
    checks = report.section("verify", "verify, 3 primes: the ladder's certificate and a remainder's, medians", [
        Column("digits", "digits", ",", 13), Column("verify_s", "ladder s", ".3f", 8),
        Column("remainder_s", "remainder s", ".3f", 11), *spread, Column("wall_s", "process", ".2f", 8),
        Column("verify_mb", "MB", ".0f", 5), Column("remainder_mb", "MB", ".0f", 5)])
    for row in checked:
        checks.add(**row)
    report.close()


if __name__ == "__main__":
    main()
