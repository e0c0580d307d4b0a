"""The cost of journal, checksums, parity and residues: the golden ratio on disk with and without them.

    python benchmarks/checks.py [--digits 1e9] [--memory 512MiB] [--swap DIR ...] [--pairs 3] [--each] [--json FILE]

Fresh processes in turn, one with everything and one without

    journal    nothing is recorded, or synced for it
    tiles      no checksums of transform data
    chunks     no checksum, residue and parity of packed words, which are made in one sweep
    residues   no residues of anything else, and no identity is checked

and with --each also without some of them; without those of chunks, no identity can be checked.  Seconds are
total - kernels_ready of the report.  "same digits" says whether all outputs are those of the process with everything,
byte for byte.
"""

import argparse
import filecmp
import json
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from _common import Column, Report, make_parser

from bigconst.base.units import format_bytes, parse_count, parse_size

PARTS = ("journal", "tiles", "chunks", "residues")
SOME = (("journal",), ("tiles",), ("residues",), ("chunks", "residues"))


# --- without them ------------------------------------------------------------------


def replace(owner, name: str, value) -> None:
    """Replace an attribute that exists in the program."""
    getattr(owner, name)
    setattr(owner, name, value)


def without_journal() -> None:
    """Use a recorder that records nothing, as the engine does where there is no journal."""
    from bigconst.runtime.checkpoint import Checkpoint
    from bigconst.runtime.recorder import Recorder

    replace(Checkpoint, "recorder", lambda self, *arguments, **named: Recorder())


def without_tiles() -> None:
    """Give all tiles the checksum 0, without reading them."""
    from bigconst.arithmetic.disk.rowpasses import RowPasses

    def sums(self, tasks: int, tiles: int) -> np.ndarray:
        self.tiles = tiles
        return np.zeros((tasks, 0), np.uint64)

    replace(RowPasses, "_sums", sums)
    replace(RowPasses, "_folded", lambda self, sums: np.zeros(self.tiles, np.uint64))
    replace(RowPasses, "_computed", lambda self, compute, fetches: compute())


def without_chunks() -> None:
    """Pack and unpack chunks without checksum, residue and parity; the packed words are compared with the words."""
    from bigconst.arithmetic.disk.number import Number
    from bigconst.kernels.pack import is_packed, pack, packed_limbs, unpack

    def store(self, chunk: int, words: np.ndarray, packed: np.ndarray) -> None:
        limbs, count = packed.view(np.uint64), packed_limbs(len(words), self.radix)
        pack(limbs[:count], words, self.radix)
        limbs[count:] = 0
        assert is_packed(limbs, words, self.radix)

    def load(self, packed: np.ndarray, out: np.ndarray) -> tuple[int, int]:
        return unpack(out, packed.view(np.uint64)[:packed_limbs(len(out), self.radix)], self.radix), 0

    replace(Number, "_store", store)
    replace(Number, "_load", load)


def without_residues() -> None:
    """Replace the modulus by 1: every identity holds, and no residue has to be computed."""
    from bigconst.arithmetic import packed, residues, words
    from bigconst.arithmetic.disk import number

    tables = residues.Modulus(words.MERSENNE_61).tables     # those of chunks stay, unless `chunks` are without

    class NoModulus:
        p = 1

        def tables(self, radix: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
            return tables(radix)

        def residue_words(self, data, radix: int) -> int:
            return 0

    replace(residues, "residues_text", lambda moduli, text, base: (0,) * len(moduli))
    replace(words, "Modulus", lambda p: NoModulus())
    # A chunk of largest words has the residue power - 1, which must not be negative.
    replace(words.Words, "power", lambda self, exponent: 1)
    for module in (words, number, packed):
        replace(module, "MERSENNE_61", 1)


def child(without: list[str], command: list[str]) -> int:
    """Run the command without some of its checks; return its exit code."""
    from bigconst.cli import main

    for part in without:
        globals()[f"without_{part}"]()
    return main(command)


# --- measuring ------------------------------------------------------------------------


def run(without: tuple[str, ...], arguments: argparse.Namespace, folder: Path) -> tuple[float, float, Path]:
    """Seconds of a fresh process, seconds of all its processors together, and the path of its digits."""
    name = "-".join(without) or "all"
    output = folder / f"{name}.txt"
    lanes = arguments.swap or [str(folder / "swap")]
    for lane in lanes:
        Path(lane).mkdir(exist_ok=True)
    options = [part for lane in lanes for part in ("--swap", lane)]
    for option in ("memory", "workspace", "disk", "threads"):
        if getattr(arguments, option) is not None:
            options += [f"--{option}", str(getattr(arguments, option))]
    command = [sys.executable, __file__, "--without", ",".join(without), "phi", "--digits", str(arguments.digits),
               *options, "--output", str(output), "--json", str(folder / "report.json"), "--force"]
    done = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    if done.returncode != 0:
        sys.exit(f"{' '.join(command)} failed:\n{done.stderr}")
    report = json.loads((folder / "report.json").read_text())
    seconds = report["seconds"]
    return seconds["total"] - seconds["kernels_ready"], report["cpu_percent"] / 100 * seconds["total"], output


def measure(arguments: argparse.Namespace, report: Report, folder: Path) -> None:
    """Measure all contestants in turns and print the tables."""
    contestants: list[tuple[str, ...]] = [(), PARTS, *(SOME if arguments.each else ())]
    times: dict[tuple[str, ...], list[float]] = {without: [] for without in contestants}
    cpu: dict[tuple[str, ...], list[float]] = {without: [] for without in contestants}
    same = dict.fromkeys(contestants, True)
    turns = report.section("turns", "seconds of each turn", [
        Column("turn", "turn", "d"), Column("without", "without", "", 38), Column("seconds", "seconds", ".2f"),
        Column("cpu_s", "CPU s", ".2f")])
    for turn in range(1, arguments.pairs + 1):
        outputs = {}
        # The first contestant may find the disk in another state: the order alternates.
        for without in contestants if turn % 2 else contestants[::-1]:
            seconds, cpu_s, output = run(without, arguments, folder)
            times[without].append(seconds)
            cpu[without].append(cpu_s)
            outputs[without] = output
            turns.add(turn=turn, without=", ".join(without) or "nothing", seconds=seconds, cpu_s=cpu_s)
        for without, output in outputs.items():
            same[without] = same[without] and filecmp.cmp(outputs[()], output, shallow=False)
    bound = format_bytes(arguments.memory) if arguments.memory else f"workspace {format_bytes(arguments.workspace)}"
    section = report.section("checks", f"{arguments.digits:,} digits, {bound}; medians", [
        Column("without", "without", "", 38), Column("seconds", "seconds", ".2f"), Column("cpu_s", "CPU s", ".2f"),
        Column("cost", "cost %", ".2f"), Column("least", "of a pair", ".2f"), Column("most", "to", ".2f"),
        Column("same", "same digits")])
    whole = statistics.median(times[()])
    for without, found in times.items():
        costs = [100 * (all_ / seconds - 1) for all_, seconds in zip(times[()], found, strict=True)]
        middle = statistics.median(found)
        section.add(without=", ".join(without) or "nothing", seconds=middle, cost=100 * (whole / middle - 1),
                    cpu_s=statistics.median(cpu[without]), least=min(costs), most=max(costs),
                    same=("yes" if same[without] else "NO") if without else None, times_s=found)


def main() -> None:
    """Measure and print."""
    if sys.argv[1:2] == ["--without"]:
        sys.exit(child([part for part in sys.argv[2].split(",") if part], sys.argv[3:]))
    parser = make_parser(__doc__)
    parser.add_argument("--digits", type=parse_count, metavar="N", help="default 1e9")
    parser.add_argument("--memory", type=parse_size, metavar="SIZE", help="bound on the process (default 512MiB)")
    parser.add_argument("--workspace", type=parse_size, metavar="SIZE", help="bound on the working arrays")
    parser.add_argument("--threads", type=int, metavar="N", help="default: all processors")
    parser.add_argument("--swap", action="append", metavar="DIR", help="repeatable (default: a temporary directory)")
    parser.add_argument("--disk", choices=("hdd", "ssd"), help="default: what the system says")
    parser.add_argument("--dir", help="for outputs, and scratch without --swap (default: a temporary directory)")
    parser.add_argument("--pairs", type=int, metavar="N", help="turns of each (default 3)")
    parser.add_argument("--each", action="store_true", help="leave out each one alone, too")
    arguments = parser.parse_args()
    arguments.digits = arguments.digits or (10**6 if arguments.quick else 10**9)
    arguments.pairs = arguments.pairs or (1 if arguments.quick else 3)
    if arguments.quick:
        arguments.workspace = arguments.workspace or 1 << 20
    elif arguments.workspace is None:
        arguments.memory = arguments.memory or 512 << 20
    report = Report("checks", arguments)
    with tempfile.TemporaryDirectory(prefix="bigconst-", dir=arguments.dir) as name:
        measure(arguments, report, Path(name))
    report.close()


if __name__ == "__main__":
    main()
