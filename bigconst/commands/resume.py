"""`bigconst resume DIR`: the continuation of an interrupted run."""

import argparse
from functools import partial

from bigconst.base.hardware import MAX_THREADS
from bigconst.base.units import parse_count, parse_size
from bigconst.commands.compute import command_line, show_report
from bigconst.commands.options import add_background_options, add_price_option, argument

_EPILOG = """\
examples:
  bigconst resume /mnt/a                         any scratch directory of the run
  bigconst resume /mnt/x --swap /mnt/x --swap /mnt/y --output /data/phi.txt
                                                 after the disks were mounted elsewhere
  bigconst resume /data --swap /mnt/new          its --checkpoint directory, after the scratch was lost
"""


def add(commands: argparse._SubParsersAction) -> None:
    """Declare the command on an argparse subparsers object."""
    parser = commands.add_parser(
        "resume", help="go on with an interrupted run", epilog=_EPILOG,
        description="Go on with the run that a directory holds: from the last unit that was finished, or, where its\n"
                    "scratch is lost, from the last level in its --checkpoint directory.")
    parser.add_argument("directory", metavar="DIR", help="a scratch or --checkpoint directory of the run")
    parser.add_argument("--swap", metavar="DIR", action="append",
                        help="all its scratch directories in their order, where they have moved or shall begin anew")
    parser.add_argument("--threads", metavar="N", type=argument(parse_count, 1, MAX_THREADS), help="default: as before")
    parser.add_argument("--memory", metavar="SIZE", type=argument(parse_size, 1), help="must hold what the plan needs")
    parser.add_argument("--output", metavar="FILE", help="default: as before (of a test: directory of its save files)")
    parser.add_argument("--force", action="store_true", help="replace files that exist")
    parser.add_argument("--json", metavar="FILE", help="write the report as JSON, too")
    add_price_option(parser, " (default: as before)")
    add_background_options(parser)


def run(arguments: argparse.Namespace) -> int:
    """Continue the run of a constant or of a Mersenne test.  Raises the errors of bigconst.base.errors."""
    from bigconst.runs import interrupted
    from bigconst.runs.priority import lower_priority

    if arguments.nice:
        lower_priority()
    found, swap = interrupted.of_directory(arguments.directory, arguments.swap)
    if interrupted.is_mersenne(found):
        from bigconst.runs.mersenne import resumed
        from bigconst.runs.mersennequeue import run_tests
        from bigconst.runs.mersennescratch import Resources

        resources = Resources(tuple(swap or found["lanes"]), arguments.memory, command=command_line(arguments))
        run_tests([resumed(found, resources, threads=arguments.threads, directory=arguments.output,
                           usd_per_hour=arguments.usd_per_hour)], arguments.events)
        return 0
    from bigconst.runs.compute import compute
    from bigconst.runs.start import resume

    begun = resume(found, swap, threads=arguments.threads, memory_bytes=arguments.memory, output=arguments.output,
                   force=arguments.force, report=arguments.json, events=arguments.events,
                   usd_per_hour=arguments.usd_per_hour, command=command_line(arguments),
                   started_s=arguments.started_s)
    if begun.request.source is not None:
        from bigconst.commands import certify
        from bigconst.runs.certify import finish

        certify.show(begun.request, finish(begun))
        return 0
    compute(begun, show=partial(show_report, to_stderr=begun.request.to_stdout))
    return 0
