"""Digit files: searching and counting, beside grep and plain Python; compression; digits from any place.

    python benchmarks/digits.py [--digits 1e9] [--dir DIR] [--threads N ...] [--runs 5] [--json FILE]

A file of random digits, read from the page cache as often as there are runs; GB/s count its bytes, imports are not
timed.  The pattern is not in the file, so that all of it is searched.  Plain Python searches by mmap.find and counts
triples by a Counter, these in the first million digits alone.

Compression is of one thread, in frames or words as they are in the file and without writing it, beside levels of
zstandard.
The last hundred digits are read by whole processes, start of Python included, beside tail.
"""

import argparse
import contextlib
import mmap
import random
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

import numpy as np
import zstandard
from _common import Column, Report, add_threads, in_turns, make_parser, medians, thread_counts

from bigconst.base.formats import YCD_WORD_DIGITS
from bigconst.base.units import parse_count
from bigconst.kernels.digitwords import read_words, write_words
from bigconst.reading.search import find
from bigconst.reading.source import DigitText
from bigconst.reading.statistics import measure
from bigconst.storage.ycdfile import YcdText
from bigconst.storage.zstfile import FRAME_BYTES, ZstText, compressed

PATTERN = "31415926535897932384626433832795"
COUNTED = 10**6
"""digits that plain Python counts"""
_WRITTEN = 10**7
LEVELS = (1, 3)
"""levels of zstandard that are measured beside our frames"""
YCD = "bigconst, .ycd"
COMPRESSED_BYTES = 32 * FRAME_BYTES
"""bytes of text that are compressed to measure rates"""


def write_digits(path: Path, digits: int) -> None:
    """Write random digits without the pattern: blocks of ten million, each rotated by one digit more than the last."""
    block = "".join(random.Random(1).choices("0123456789", k=_WRITTEN)).encode()
    with open(path, "wb") as file:
        file.write(b"0.")
        for start in range(0, digits, _WRITTEN):
            turn = start // _WRITTEN
            file.write((block[turn:] + block[:turn])[:digits - start])
        file.write(b"\n")


def by_grep(path: Path) -> None:
    """Search by grep, which must not find the pattern."""
    done = subprocess.run(["grep", "-obF", PATTERN, path], stdout=subprocess.DEVNULL, env={"LC_ALL": "C"})
    if done.returncode != 1:
        sys.exit(f"grep ended with {done.returncode}")


def by_mmap(path: Path) -> None:
    """Search the whole file by mmap.find."""
    with open(path, "rb") as file, mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ) as data:
        if data.find(PATTERN.encode()) >= 0:
            sys.exit("Python found the pattern")


def by_counter(path: Path) -> Counter:
    """Count the triples of the first digits."""
    with open(path) as file:
        text = file.read(2 + COUNTED)[2:]
    return Counter(map("".join, zip(text, text[1:], text[2:], strict=False)))


def to_words(text: bytes) -> np.ndarray:
    """The words of .ycd that decimal digits are, a whole number of words."""
    words = np.empty(len(text) // YCD_WORD_DIGITS[10], dtype=np.uint64)
    if read_words(words, np.frombuffer(text, dtype=np.uint8), 10) >= 0:
        sys.exit("the text holds something else than digits")
    return words


def from_words(words: np.ndarray) -> np.ndarray:
    """The inverse of `to_words`."""
    text = np.empty(len(words) * YCD_WORD_DIGITS[10], dtype=np.uint8)
    write_words(text, words, 10)
    return text


def compression(report: Report, path: Path, runs: int) -> None:
    """Measure bytes per digit, and GB/s of text to frames and back."""
    with open(path, "rb") as file:
        text = file.read(COMPRESSED_BYTES)
    pieces = [text[i:i + FRAME_BYTES] for i in range(0, len(text), FRAME_BYTES)]
    makers = {"bigconst": compressed} | {
        f"zstandard, level {level}": zstandard.ZstdCompressor(level=level).compress for level in LEVELS}
    frames = {who: [make(piece) for piece in pieces] for who, make in makers.items()}
    actions = {who: lambda make=make: [make(piece) for piece in pieces] for who, make in makers.items()}
    undo = {who: lambda who=who: [zstandard.ZstdDecompressor().decompress(frame) for frame in frames[who]]
            for who in makers}
    size = len(pieces[0]) // YCD_WORD_DIGITS[10] * YCD_WORD_DIGITS[10]
    digits = [text[i:i + size] for i in range(2, len(text) - size, size)]
    frames[YCD] = [to_words(piece).tobytes() for piece in digits]
    actions[YCD] = lambda: [to_words(piece) for piece in digits]
    undo[YCD] = lambda: [from_words(np.frombuffer(frame, dtype=np.uint64)) for frame in frames[YCD]]
    there, back = in_turns(actions, runs), in_turns(undo, runs)
    section = report.section("compression", f"compression, 1 thread; medians of {runs}", [
        Column("who", "who", "", 22), Column("bytes_per_digit", "byte/digit", ".4f", 11),
        Column("there_gb_per_s", "GB/s there", ".3f", 11), Column("back_gb_per_s", "GB/s back", ".3f", 10)])
    to, fro = medians(there), medians(back)
    for who in actions:
        count = len(text) if who != YCD else size * len(digits)
        section.add(who=who, bytes_per_digit=sum(map(len, frames[who])) / count, times_s=there[who] + back[who],
                    there_gb_per_s=count / to[who] / 1e9, back_gb_per_s=count / fro[who] / 1e9)


def write_zst(path: Path) -> Path:
    """Write the digits as zstandard beside the file; return the path."""
    size, other = path.stat().st_size, Path(f"{path}.zst")
    with open(path, "rb") as file, ZstText(other, size, 10) as text:
        for start in range(0, size, FRAME_BYTES):
            text.write_at(start, memoryview(file.read(FRAME_BYTES)))
        text.commit()
    return other


def write_ycd(path: Path) -> Path:
    """Write the digits as .ycd beside the file; return the path."""
    size, other = path.stat().st_size, Path(f"{path}.ycd")
    with open(path, "rb") as file, YcdText(other, "0", size - 3, 10) as text:
        for start in range(0, size, FRAME_BYTES):
            text.write_at(start, memoryview(file.read(FRAME_BYTES)))
        text.commit()
    return other


def last_digits(report: Report, files: list[Path], digits: int, runs: int) -> None:
    """Measure reading of the last hundred digits by whole processes, and the sizes of the files; the first is text."""
    path = files[0]
    count = min(100, digits)
    section = report.section("digits", f"the last {count} digits, whole processes; medians of {runs}", [
        Column("who", "who", "", 24), Column("bytes_per_digit", "byte/digit", ".4f", 11),
        Column("seconds", "s", ".3f", 7), Column("same", "same digits")])
    ours = {f"bigconst, {file.name}": [sys.executable, "-m", "bigconst", "digits", str(file), "--raw", "--from",
                                       str(digits - count + 1)] for file in files}
    commands = {**ours, "tail -c": ["tail", "-c", str(count + 1), str(path)]}
    shown = {who: subprocess.run(command, capture_output=True, check=True).stdout for who, command in commands.items()}
    times = in_turns({who: lambda command=command: subprocess.run(command, capture_output=True, check=True)
                      for who, command in commands.items()}, runs)
    for who, middle in medians(times).items():
        file = next((file for file in files if who.endswith(file.name)), path)
        same = ("yes" if shown[who] == shown["tail -c"] else "NO") if who in ours else None
        section.add(who=who, bytes_per_digit=file.stat().st_size / digits, seconds=middle, same=same,
                    times_s=times[who])


def table(report: Report, name: str, functions: dict, sizes: dict[str, int], runs: int) -> None:
    """Measure and print one section."""
    section = report.section(name, f"{name}; medians of {runs}", [
        Column("who", "who", "", 24), Column("bytes", "bytes", ",d", 14), Column("gb_per_s", "GB/s", ".3f", 7)])
    times = in_turns(functions, runs)
    for who, middle in medians(times).items():
        section.add(who=who, bytes=sizes[who], gb_per_s=sizes[who] / middle / 1e9, times_s=times[who])


def run(arguments: argparse.Namespace, report: Report, path: Path) -> None:
    """Measure and print all tables."""
    write_digits(path, arguments.digits)
    files = [path, write_zst(path), write_ycd(path)]
    with contextlib.ExitStack() as stack:
        texts = {"bigconst" + "".join(file.suffixes[1:]): stack.enter_context(DigitText(str(file))) for file in files}

        def search(text: DigitText, threads: int) -> None:
            if find(text, PATTERN, 0, threads) is not None:
                sys.exit("the pattern was found")

        counts = thread_counts(arguments)
        searches = {f"{who}, {n} threads": lambda text=text, n=n: search(text, n)
                    for who, text in texts.items() for n in counts}
        if shutil.which("grep"):
            searches["grep -obF"] = lambda: by_grep(path)
        else:
            report.note("grep is not installed and left out")
        searches["Python mmap.find"] = lambda: by_mmap(path)
        table(report, "find", searches, dict.fromkeys(searches, path.stat().st_size), arguments.runs)
        counters = {f"{who}, {n} threads": lambda text=text, n=n: measure(text, n)
                    for who, text in texts.items() for n in counts}
        sizes = dict.fromkeys(counters, path.stat().st_size)
        counters["Python Counter"] = lambda: by_counter(path)
        table(report, "stats", counters, sizes | {"Python Counter": min(COUNTED, arguments.digits)}, arguments.runs)
    compression(report, path, arguments.runs)
    last_digits(report, files, arguments.digits, arguments.runs)


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
