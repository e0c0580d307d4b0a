"""Searching and counting digit files, beside grep and plain Python.

    python benchmarks/digits.py [--digits 1e9] [--dir DIR] [--threads N ...] [--runs 5] [--json FILE]

A file of random digits, read from the page cache as often as there are runs; GB/s count its bytes, imports are not
timed.  The pattern is not in the file, so that all of it is searched.  Plain Python searches by mmap.find and counts
triples by a Counter, these in the first million digits alone.
"""

import argparse
import mmap
import random
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

from _common import Column, Report, add_threads, in_turns, make_parser, medians, thread_counts

from bigconst.reading.search import find
from bigconst.reading.source import DigitText
from bigconst.reading.statistics import measure
from bigconst.units import parse_count

PATTERN = "31415926535897932384626433832795"
COUNTED = 10**6
"""Digits that plain Python counts."""
_WRITTEN = 10**7


def write_digits(path: Path, digits: int) -> None:
    """Random digits without the pattern: ten million of them, again and again turned round by one more."""
    block = "".join(random.Random(1).choices("0123456789", k=_WRITTEN)).encode()
    with open(path, "wb") as file:
        file.write(b"0.")
        for start in range(0, digits, _WRITTEN):
            turn = start // _WRITTEN
            file.write((block[turn:] + block[:turn])[:digits - start])
        file.write(b"\n")


def by_grep(path: Path) -> None:
    """grep says that it is not there."""
    done = subprocess.run(["grep", "-obF", PATTERN, path], stdout=subprocess.DEVNULL, env={"LC_ALL": "C"})
    if done.returncode != 1:
        sys.exit(f"grep ended with {done.returncode}")


def by_mmap(path: Path) -> None:
    """bytes.find of the whole file."""
    with open(path, "rb") as file, mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ) as data:
        if data.find(PATTERN.encode()) >= 0:
            sys.exit("Python found the pattern")


def by_counter(path: Path) -> Counter:
    """Triples of the first digits."""
    with open(path) as file:
        text = file.read(2 + COUNTED)[2:]
    return Counter(map("".join, zip(text, text[1:], text[2:], strict=False)))


def table(report: Report, name: str, functions: dict, sizes: dict[str, int], runs: int) -> None:
    """Measure and print one section."""
    section = report.section(name, f"{name}; medians of {runs}", [
        Column("who", "who", "", 22), Column("bytes", "bytes", ",d", 14), Column("gb_per_s", "GB/s", ".3f", 7)])
    times = in_turns(functions, runs)
    for who, middle in medians(times).items():
        section.add(who=who, bytes=sizes[who], gb_per_s=sizes[who] / middle / 1e9, times_s=times[who])


def run(arguments: argparse.Namespace, report: Report, path: Path) -> None:
    """Both tables."""
    write_digits(path, arguments.digits)
    with DigitText(str(path)) as text:

        def search(threads: int) -> None:
            if find(text, PATTERN, 0, threads) is not None:
                sys.exit("the pattern was found")

        counts = thread_counts(arguments)
        searches = {f"bigconst, {n} threads": lambda n=n: search(n) for n in counts}
        if shutil.which("grep"):
            searches["grep -obF"] = lambda: by_grep(path)
        else:
            report.note("grep is not installed and left out")
        searches["Python mmap.find"] = lambda: by_mmap(path)
        table(report, "find", searches, dict.fromkeys(searches, path.stat().st_size), arguments.runs)
        counters = {f"bigconst, {n} threads": lambda n=n: measure(text, n) for n in counts}
        sizes = dict.fromkeys(counters, path.stat().st_size)
        counters["Python Counter"] = lambda: by_counter(path)
        table(report, "stats", counters, sizes | {"Python Counter": min(COUNTED, arguments.digits)}, arguments.runs)


def main() -> None:
    """Measure and print."""
    parser = make_parser(__doc__)
    parser.add_argument("--digits", type=parse_count, metavar="N", help="in the file (default 1e9)")
    parser.add_argument("--dir", help="for the file (default: a temporary directory)")
    parser.add_argument("--runs", type=int, metavar="N", help="of each (default 5)")
    add_threads(parser)
    arguments = parser.parse_args()
    arguments.digits = arguments.digits or (10**5 if arguments.quick else 10**9)
    arguments.runs = arguments.runs or (1 if arguments.quick else 5)
    report = Report("digits", arguments)
    with tempfile.TemporaryDirectory(prefix="bigconst-", dir=arguments.dir) as folder:
        run(arguments, report, Path(folder) / "digits.txt")
    report.close()


if __name__ == "__main__":
    main()
