"""`bigconst estimate`: the time and the cost of a computation, here or on a machine for hire."""

from __future__ import annotations

import argparse
import contextlib
import os
from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING

from bigconst.base.errors import UsageError
from bigconst.base.hardware import DISK_KINDS, MAX_THREADS
from bigconst.base.screen import note, write
from bigconst.base.units import format_bytes, parse_count, parse_rate, parse_size
from bigconst.commands.mersenne import parse_length
from bigconst.commands.options import (
    add_constant,
    add_price_option,
    add_threads_option,
    argument,
    constant_of,
)
from bigconst.constants.registry import CONSTANTS
from bigconst.plans.diskplan import MIN_WORKSPACE_BYTES

if TYPE_CHECKING:
    from bigconst.constants.entry import Entry
    from bigconst.estimates.jobs import Job
    from bigconst.runs.estimate import EstimateRequest
    from bigconst.runs.market import Market

_EPILOG = """\
examples:
  bigconst estimate phi --digits 1e9                  hours on this machine, stage by stage, and what bounds each
  bigconst estimate phi --digits 1e11 --swap /mnt/a --usd-per-hour 0.3
                                                      with the disk of that directory, and in dollars
  bigconst estimate sqrt 2 --digits 2e12 --memory 57GiB --cores 4 --disk-read 594MB/s --disk-write 594MB/s
                                                      on a machine described by hand
  bigconst estimate phi --digits 2e12 --instance d2.2xlarge --instance n2-highmem-128@us-east4
  bigconst estimate phi --digits 2e12 --cloud all --plot cost.png --csv cost.csv
                                                      on all machines of the catalogue: cost against time
  bigconst estimate phi --digits 2e12 --cloud aws --spot --interruptions 2
  bigconst estimate ll 1000000007 --cloud all --objective time
  bigconst estimate work queue                        the queue of `bigconst work queue`, here
  bigconst estimate work queue --instance z3-highmem-8-highlssd --machines 20 --spot
                                                      by `work --cluster`, with 20 such machines
  bigconst estimate --refresh https://instances.vantage.sh/instances.json
                                                      newer prices for the catalogue (docs/machines.md)

Speeds are those that `bigconst bench` measured on this machine; where there are none, a short benchmark runs first.
With --cores or --gflops, all that computes is scaled by them, and --memory is needed; --cores, unless there is
--threads, is the number of threads, too.  --disk-read and --disk-write take the place of --swap.
With --instance or --cloud they are taken for disks whose speed the catalogue does not know, and for network volumes
beside machines whose own disks are too small; the memory is --memory, or three quarters of what the machine has.
"""

_RATE = argument(parse_rate, 1)


def add(commands: argparse._SubParsersAction) -> None:
    """Declare the command on an argparse subparsers object."""
    parser = commands.add_parser(
        "estimate", help="how long it takes and what it costs, here or on machines for hire",
        description="Estimate hours, memory, scratch and dollars of a computation, from its plan and a benchmark.",
        epilog=_EPILOG)
    parser.add_argument("--refresh", metavar="FILE-OR-URL", help="take newer prices into the catalogue, and stop")
    parser.set_defaults(run=_without_job)
    kinds = parser.add_subparsers(title="computations", metavar="WHAT")
    tests = {"ll": "Lucas-Lehmer test of 2^P - 1", "prp": "probable prime test of 2^P - 1"}
    others = tests | {"work": "tests of a worktodo.txt"}
    for name, what in ({word: entry.help for word, entry in CONSTANTS.items()} | others).items():
        kind = kinds.add_parser(name, help=what, description=f"Estimate: {what}.", epilog=_EPILOG)
        if name in tests:
            _add_test_options(kind, "LL" if name == "ll" else "PRP-3")
        elif name == "work":
            _add_queue_options(kind)
        else:
            _add_constant_options(kind, CONSTANTS[name])
        _add_machine_options(kind)
        _add_catalogue_options(kind)
        kind.add_argument("--json", metavar="FILE", help="write all of it as JSON, too")
        kind.add_argument("--csv", metavar="FILE", help="write the table as CSV, too")


def _add_constant_options(parser: argparse.ArgumentParser, entry: Entry) -> None:
    add_constant(parser, entry)
    parser.add_argument("--digits", metavar="N", required=True, type=argument(parse_count, 1),
                        help="decimal digits after the point: 100000000, 1e8, 100_000_000 or 100M")
    parser.add_argument("--base", type=int, choices=(10, 16), default=10, help="of the digits (default 10)")
    parser.add_argument("--no-certificate", action="store_true", help="without the proof of the digits")
    parser.set_defaults(run=run)


def _add_test_options(parser: argparse.ArgumentParser, kind: str) -> None:
    parser.add_argument("exponents", metavar="P", nargs="+", type=argument(parse_count, 2), help="exponent")
    parser.add_argument("--iterations", metavar="N", type=argument(parse_count, 1), help="of so many squarings")
    parser.add_argument("--fft", metavar="LENGTH", type=argument(parse_length, 1),
                        help="transform length in doubles, like 3072K (default: the shortest safe one)")
    parser.set_defaults(run=run, kind=kind)


def _add_queue_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("dir", metavar="DIR", nargs="?", default=".", help="of worktodo.txt; default: this directory")
    parser.add_argument("--machines", metavar="N", type=argument(parse_count, 1),
                        help="machines of the catalogue, all alike, that `work --cluster` uses (default: 1)")
    parser.set_defaults(run=run)


def _add_machine_options(parser: argparse.ArgumentParser) -> None:
    add_threads_option(parser)
    parser.add_argument("--memory", metavar="SIZE", type=argument(parse_size, 1),
                        help="most memory to use (default: three quarters of what is available)")
    parser.add_argument("--workspace", metavar="SIZE", help="most memory for the working arrays alone",
                        type=argument(parse_size, MIN_WORKSPACE_BYTES, show=format_bytes))
    parser.add_argument("--swap", metavar="DIR", action="append",
                        help="scratch directory; repeat it for more disks (default: swap/, if it is there)")
    parser.add_argument("--disk", choices=tuple(DISK_KINDS), help="kind of the scratch disks (default: ask the "
                        "system; hdd for those of --disk-read)")
    parser.add_argument("--disk-read", metavar="RATE", type=_RATE, help="of all disks together, like 594MB/s")
    parser.add_argument("--disk-write", metavar="RATE", type=_RATE, help="the same; both are needed")
    parser.add_argument("--cores", metavar="C", type=argument(parse_count, 1, MAX_THREADS),
                        help="of a machine whose cores are like those of this one")
    parser.add_argument("--gflops", metavar="G", type=_gflops,
                        help="of a machine, all cores together, as `bigconst bench` shows it for 16,777,216 words")
    add_price_option(parser)


def _add_catalogue_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--instance", metavar="NAME", action="append",
                        help="machine of the catalogue, NAME or NAME@REGION; repeat it for more")
    parser.add_argument("--cloud", metavar="CLOUD", help="all machines of aws, gcp, azure, oci, own (your own), or all")
    parser.add_argument("--objective", choices=("cost", "time"), help="what comes first (default: cost)")
    parser.add_argument("--spot", action="store_true", help="at spot prices, with interruptions")
    parser.add_argument("--interruptions", metavar="N", type=_interruptions, help="expected a day (default: 1)")
    parser.add_argument("--plot", metavar="FILE", help="cost against time as PNG; needs matplotlib")


def _gflops(text: str) -> float:
    #: Write it like `85.5`: what `bigconst bench` shows for 16,777,216 words.
    return _number(text, 1e-3, 1e9, "a number of GFLOP/s; write it like 85.5")


def _interruptions(text: str) -> float:
    #: How many are expected a day, like `1` or `0.25`.
    return _number(text, 0.0, 1e6, "a number of interruptions; write it like 1 or 0.25")


def _number(text: str, low: float, high: float, what: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not low <= value <= high:
        raise argparse.ArgumentTypeError(f"{text[:80]!r} is not {what}")
    return value


def _without_job(arguments: argparse.Namespace) -> int:
    """Run `bigconst estimate --refresh`, which has no computation.  Raises UsageError, InputOutputError."""
    if arguments.refresh is None:
        names = ", ".join(entry.usage for entry in CONSTANTS.values())
        #: Name a constant, `ll P`, `prp P` or `work DIR`, or `--refresh` the catalogue.
        raise UsageError("estimate what?", f"name {names}, ll P, prp P or work DIR, or --refresh the catalogue")
    from bigconst.catalogue.refresh import refresh

    write(refresh(arguments.refresh, note))
    return 0


def run(arguments: argparse.Namespace) -> int:
    """Estimate, write files and print.  Raises UsageError, DoesNotFit, InputOutputError."""
    from bigconst.commands import estimateshow
    from bigconst.runs.estimate import estimate_here
    from bigconst.storage.atomicfile import AtomicFile

    _check(arguments)
    with contextlib.ExitStack() as stack:
        # Opened before a benchmark, so that what cannot be written costs none.
        files = {name: stack.enter_context(AtomicFile(path, force=True)) for name, path in _outputs(arguments).items()}
        if arguments.instance or arguments.cloud:
            results = [_market(arguments, job) for job in _jobs(arguments)]
        else:
            results = [estimate_here(_request(arguments, job)) for job in _jobs(arguments)]
        content = {}
        if "plot" in files:
            from bigconst.commands.estimateplot import plot_png

            content["plot"] = plot_png(results[0])
        if "csv" in files:
            content["csv"] = estimateshow.as_csv(results).encode()
        if "json" in files:
            content["json"] = estimateshow.as_json(results).encode()
        try:
            write("\n\n".join("\n".join(estimateshow.lines(result)) for result in results))
        finally:        # neither a full disk nor a closed pipe takes both
            for name, data in content.items():
                files[name].write_at(0, data)
            for file in files.values():
                file.commit()
    return 0


def _request(arguments: argparse.Namespace, job: Job) -> EstimateRequest:
    from bigconst.runs.estimate import EstimateRequest, check_machine

    request = EstimateRequest(
        job, arguments.threads, arguments.memory, tuple(arguments.swap or ()), arguments.disk, arguments.disk_read,
        arguments.disk_write, arguments.cores, arguments.gflops, arguments.usd_per_hour)
    check_machine(request)
    return request


def _market(arguments: argparse.Namespace, job: Job) -> Market:
    from bigconst.estimates.offers import Wishes
    from bigconst.runs.market import estimate_market

    interruptions = 1.0 if arguments.interruptions is None else arguments.interruptions
    wishes = Wishes(date.today(), arguments.memory, arguments.disk_read, arguments.disk_write, arguments.spot,
                    interruptions, arguments.objective == "time")
    return estimate_market(job, wishes, arguments.instance or (), arguments.cloud)


def _jobs(arguments: argparse.Namespace) -> list[Job]:
    """The computations to estimate."""
    from bigconst.estimates.jobs import ConstantJob
    from bigconst.runs.estimate import mersenne_job, queue_job

    if "machines" in arguments:
        is_hired = arguments.instance or arguments.cloud
        return [queue_job(arguments.dir, (arguments.machines or 1) if is_hired else None, arguments.workspace)]
    if "exponents" in arguments:
        return [mersenne_job(arguments.kind, p, arguments.iterations, arguments.fft, arguments.workspace)
                for p in arguments.exponents]
    return [ConstantJob(constant_of(arguments), arguments.digits, arguments.base,
                        not arguments.no_certificate, arguments.workspace)]


def _outputs(arguments: argparse.Namespace) -> dict[str, str]:
    """Paths of the files to write, by option.  Raises UsageError unless they are different files."""
    named = {name: getattr(arguments, name) for name in ("json", "csv", "plot")}
    named = {name: path for name, path in named.items() if path is not None}
    for name, path in named.items():
        if path == "-":
            #: As for "--json needs a file".
            raise UsageError(f"--{name} needs a file", f"name it, like --{name} estimate.{name}")
    if len({os.path.realpath(path) for path in named.values()}) < len(named):
        #: As for "--json and --output name the same file".
        raise UsageError("two of --json, --csv and --plot name the same file", "give each another name")
    return named


# -- checks -----------------------------------------------------------------------------


def _check(arguments: argparse.Namespace) -> None:
    """Raise UsageError for options that contradict each other."""
    if arguments.refresh is not None:
        raise UsageError("--refresh estimates nothing", "refresh the catalogue first, then estimate")
    if (arguments.disk_read is None) != (arguments.disk_write is None):
        #: Give both; for one disk they may be the same.
        raise UsageError("--disk-read and --disk-write belong together", "give both")
    if arguments.instance or arguments.cloud:
        #: With `--instance` or `--cloud` the machine is known: leave the option out.
        _refuse(arguments, ("threads", "swap", "disk", "cores", "gflops", "usd_per_hour"),
                "describes a machine that is not of the catalogue", "leave it out, or --instance and --cloud")
        if arguments.interruptions is not None and not arguments.spot:
            raise UsageError("only spot machines are interrupted", "leave out --interruptions, or add --spot")
    else:
        _refuse(arguments, ("objective", "spot", "interruptions", "plot", "machines"),
                "is about machines of the catalogue", "add --instance NAME or --cloud all")
    if arguments.plot is not None:
        from bigconst.commands.picture import check_library

        if len(getattr(arguments, "exponents", ())) > 1:
            raise UsageError("--plot shows one computation", "name one exponent")
        check_library("--plot")


def _refuse(arguments: argparse.Namespace, names: Sequence[str], what: str, remedy: str) -> None:
    for name in names:
        if getattr(arguments, name, None) not in (None, False):
            raise UsageError(f"--{name.replace('_', '-')} {what}", remedy)
