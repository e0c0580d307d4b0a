"""`bigconst ll P...` and `bigconst prp P...`: tests of Mersenne numbers."""

import argparse
import contextlib
import re
import time
from collections.abc import Callable
from dataclasses import replace

from bigconst.base.errors import UsageError
from bigconst.base.events import together
from bigconst.base.hardware import default_threads
from bigconst.base.units import parse_count, parse_size
from bigconst.commands.options import add_background_options, add_price_option, add_threads_option, argument
from bigconst.runs.eventsfile import EventsFile
from bigconst.runs.priority import lower_priority
from bigconst.runs.signals import Stopper
from bigconst.runs.testrun import DEFAULT_SAVE_EVERY_S, Request, carry_out, check, known
from bigconst.runs.testscratch import Space
from bigconst.runs.testscreen import Screen

_LL_EPILOG = """\
examples:
  bigconst ll 216091                          M216091 is prime
  bigconst ll 57885161 --save-every 300       the same command goes on after an interruption
  bigconst ll 57984131 --iterations 100       residue after 100 squarings, as published tables have it
  bigconst ll 57885161 --fft 3584K --shift 0  transform length and shift chosen by hand
  bigconst ll 1000000007 --swap /mnt/a --swap /mnt/b --memory 2500MiB
                                              transform on two disks; resume, status and discard as for digits
  bigconst ll 216091 --verify                 M216091 is prime, verified: by a second test that differs
"""
_PRP_EPILOG = """\
examples:
  bigconst prp 216091                         M216091 is a probable prime, base 3
  bigconst prp 57885161 --dir /data           save files on another disk
"""


def parse_length(text: str) -> int:
    """A transform length: 3145728, 3072K or 3M, K being 1024."""
    match = re.fullmatch(r"(\d{1,12})([kKmM]?)", text, re.ASCII)
    if match is None:
        raise UsageError(f"{text[:80]!r} is not a transform length", "write it like 3072K or 3145728")
    return int(match[1]) << {"": 0, "k": 10, "m": 20}[match[2].lower()]


def parse_duration_s(text: str) -> float:
    """Seconds, more than 0."""
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 < value <= 1e9:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of seconds; write it like 600 or 0.5")
    return value


def add(commands) -> None:
    """Declare both commands on an argparse subparsers object."""
    for name, kind, what, text, epilog in (
            ("ll", "LL", "Lucas-Lehmer test of 2^P - 1",
             "Tell by the Lucas-Lehmer test whether 2^P - 1 is prime.", _LL_EPILOG),
            ("prp", "PRP-3", "probable prime test of 2^P - 1",
             "Tell whether 2^P - 1 is a probable prime to base 3, with Gerbicz-Li checking.", _PRP_EPILOG)):
        parser = commands.add_parser(name, help=what, description=text, epilog=epilog)
        parser.add_argument("exponents", metavar="P", nargs="+", type=argument(parse_count, 2), help="exponent")
        parser.add_argument("--iterations", metavar="N", type=argument(parse_count, 1),
                            help="stop after N squarings from the start and print the residue")
        parser.add_argument("--shift", metavar="S", type=argument(parse_count, 0),
                            help="shift of the residue in its transform (default: random)")
        parser.add_argument("--fft", metavar="LENGTH", type=argument(parse_length, 1),
                            help="transform length in doubles, like 3072K (default: the shortest safe one)")
        parser.add_argument("--verify", action="store_true",
                            help="test again, with another shift and length, and compare residues on the way")
        parser.add_argument("--no-factor", action="store_true", help="do not look for small factors first")
        add_running_options(parser)
        add_background_options(parser)
        parser.add_argument("--swap", metavar="DIR", action="append",
                            help="scratch directory for a transform that does not fit memory; name it again for every "
                                 "disk")
        parser.add_argument("--memory", metavar="SIZE", type=argument(parse_size, 1),
                            help="most that the process may take (default: three quarters of what is available)")
        parser.add_argument("--workspace", metavar="SIZE", type=argument(parse_size, 1),
                            help="most for transform and residues, or for the passes over a transform on disk")
        parser.add_argument("--discard", action="store_true",
                            help="remove an interrupted run from the scratch directories")
        parser.add_argument("--dir", metavar="DIR", default=".", help="directory of save files (default: this one)")
        parser.set_defaults(run=run, kind=kind)


def add_running_options(parser: argparse.ArgumentParser) -> None:
    """Those that `work` has, too."""
    add_threads_option(parser)
    parser.add_argument("--save-every", metavar="SECONDS", type=parse_duration_s, default=DEFAULT_SAVE_EVERY_S,
                        help="time between save files (default 600)")
    add_price_option(parser)


def run(arguments: argparse.Namespace) -> int:
    """Test one exponent after the other and print a line for each."""
    if arguments.nice:
        lower_priority()
    space = Space(None if arguments.swap is None else tuple(arguments.swap), arguments.memory, arguments.workspace,
                  arguments.discard, tuple(arguments.argv))
    return _carry_out([
        Request(arguments.kind, p, arguments.threads or default_threads(), arguments.iterations, arguments.shift,
                arguments.fft, not arguments.no_factor, arguments.save_every, arguments.dir, arguments.verify, space,
                arguments.usd_per_hour)
        for p in arguments.exponents], arguments.events)


def go_on(arguments: argparse.Namespace, found: dict, swap: list[str] | None) -> int:
    """The test whose manifest `bigconst resume` found, with its scratch in `swap` if that has moved."""
    request = Request(**found["request"]["again"])
    return _carry_out([replace(
        request, threads=arguments.threads or request.threads, directory=arguments.output or request.directory,
        usd_per_hour=arguments.usd_per_hour or request.usd_per_hour,
        space=Space(tuple(swap or found["lanes"]), arguments.memory, argv=tuple(arguments.argv)))], arguments.events)


def _carry_out(requests: list[Request], events_path: str | None) -> int:
    for request in requests:
        check(request)
    with contextlib.ExitStack() as stack:
        events = None if events_path is None else stack.enter_context(EventsFile(events_path))
        for request in requests:
            _test(request, events)
    return 0


def _test(request: Request, events: EventsFile | None) -> None:
    began_s = time.perf_counter()
    screen = Screen()
    emit = screen
    if events is not None:
        emit, events.say = together(screen, events), screen.say
    line = known(request)
    if line is not None:
        _conclude(line, request, began_s, emit)
        return

    def show(outcome):
        from bigconst.mersenne.results import sentence

        screen.clear()
        _conclude(sentence(outcome), request, began_s, emit)

    try:
        with Stopper(screen) as stop:
            stop.say = screen.say
            carry_out(request, stop, emit, show)
    finally:
        screen.clear()


def _conclude(line: str, request: Request, began_s: float, emit: Callable) -> None:
    """Print a result, and below it what it cost, where the price of the machine is known."""
    from bigconst.mersenne.events import Concluded

    emit(Concluded(request.exponent, line))
    if request.usd_per_hour is not None:
        from bigconst.mersenne.results import cost_line

        line += "\n" + cost_line(request.usd_per_hour, time.perf_counter() - began_s)
    print(line, flush=True)
