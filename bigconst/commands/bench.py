"""`bigconst bench`: measurements of this machine, which estimates need."""

from __future__ import annotations

import argparse
from math import log2
from typing import TYPE_CHECKING

from bigconst.base.hardware import DISK_KINDS
from bigconst.base.screen import result
from bigconst.base.units import format_bytes, format_rate, format_seconds

if TYPE_CHECKING:
    from bigconst.estimates.speeds import DiskSpeeds, Speeds

_EPILOG = """\
examples:
  bigconst bench                              processors, memory and the disk of this directory, in a minute
  bigconst bench --swap /mnt/a --swap /mnt/b  with these scratch directories, as a run would use them together
  bigconst bench --json bench.json            the same as JSON, too

The results are kept for `bigconst estimate`.  Let nothing else run meanwhile.
"""


def add(commands: argparse._SubParsersAction) -> None:
    """Declare the command on an argparse subparsers object."""
    parser = commands.add_parser(
        "bench", help="measure this machine, for estimates",
        description="Measure transforms, memory, text and scratch disks with the code that runs use.", epilog=_EPILOG)
    parser.add_argument("--swap", metavar="DIR", action="append",
                        help="scratch directory; repeat it for more disks (default: swap/, if it is there)")
    parser.add_argument("--disk", choices=tuple(DISK_KINDS), help="kind of the scratch disks (default: ask the system)")
    parser.add_argument("--json", metavar="FILE", help="write the results as JSON, too")


def run(arguments: argparse.Namespace) -> int:
    """Measure, store the results and print them."""
    from bigconst.runs import lanes
    from bigconst.runs.speeds import bench

    bench(lanes.directories(arguments.swap), arguments.disk, arguments.json,
          lambda speeds, disks: result("\n".join(_table(speeds, disks))))
    return 0


def _table(speeds: Speeds, disks: list[DiskSpeeds]) -> list[str]:
    host = speeds.host
    lines = [f"{host['cpu'] or 'unknown processor'}, {speeds.threads} threads, {format_bytes(host['memory_bytes'])}, "
             f"{speeds.date} UTC", "",
             f"{'Transforms, GFLOP/s':<28}{'1 thread':>12}{f'{speeds.threads} threads':>12}"]
    sizes = sorted({rate.words for rate in speeds.rates["square"]})
    for words in sizes:
        row = []
        for threads in sorted({1, speeds.threads}):
            parts = [rate.seconds_per_word for name in ("forward", "square", "inverse") for rate in speeds.rates[name]
                     if rate.words == words and rate.threads == threads]
            row.append(f"{5 * log2(words // 2) / sum(parts) / 1e9:.1f}" if len(parts) == 3 else "-")
        lines.append(f"  {f'{words:,} words':<26}" + "".join(f"{cell:>12}" for cell in row))
    lines += ["", f"{'Squarings, ms':<28}{'1 thread':>12}{f'{speeds.threads} threads':>12}"]
    for words in sorted({rate.words for rate in speeds.rates["squaring"]}):
        row = [f"{1000 * speeds.seconds('squaring', words, threads):.3f}" for threads in sorted({1, speeds.threads})]
        lines.append(f"  {f'{words >> 10}K':<26}" + "".join(f"{cell:>12}" for cell in row))

    def rate(name: str, bytes_a_word: float) -> str:
        words = max(each.words for each in speeds.rates[name])
        return format_rate(words * bytes_a_word / speeds.seconds(name, words, speeds.threads))

    lines += ["", "Memory and text, all threads"]
    rows = [("copy of memory", format_rate(speeds.copy_bytes_per_s)),
            ("first touch of memory", rate("touch", 1)),
            ("checksums", rate("checksum", 4)), ("digits spelled and checked", rate("text", 5)),
            ("digits verified", rate("check text", 5)), ("digit files written", format_rate(speeds.text_bytes_per_s)),
            ("certificates written", format_rate(speeds.certificate_bytes_per_s)),
            ("loading of kernels", format_seconds(speeds.start_s)),
            ("Python for a chunk", f"{1e6 * speeds.block_s:.0f} us")]
    lines += [f"  {name:<26}{value:>12}" for name, value in rows]
    for each in disks:
        lines += ["", f"Scratch on {', '.join(each.directories)} ({each.kind})",
                  f"  {'':<26}{'read':>12}{'written':>12}{'at once':>12}{'CPU for 1 GB':>14}"]
        for directory, (read, written) in zip(each.directories, each.lanes, strict=True):
            lines.append(f"  {'lane ' + directory:<26}{format_rate(read):>12}{format_rate(written):>12}")
        for p in each.patterns:
            cells = (p.read_bytes_per_s, p.write_bytes_per_s, p.both_bytes_per_s)
            lines.append(f"  {'requests of ' + format_bytes(p.request_bytes):<26}"
                         + "".join(f"{format_rate(cell):>12}" for cell in cells)
                         + f"{format_seconds(1e9 * p.cpu_s_per_byte):>14}")
        lines += [f"  {'made safe in':<26}{1000 * each.sync_s:>9.2f} ms",
                  f"  {'lost while computing':<26}{100 * each.overlap_loss:>10.0f} %"]
    return lines
