"""`bigconst resume DIR`: go on with an interrupted run."""

import argparse
import os

from bigconst.base.errors import UsageError
from bigconst.base.hardware import MAX_THREADS
from bigconst.base.units import parse_count, parse_size
from bigconst.commands import mersenne
from bigconst.commands.options import add_background_options, add_price_option, argument
from bigconst.runs import held, request
from bigconst.runs.carryout import carry_out, show_report
from bigconst.runs.continuing import continued
from bigconst.runs.priority import lower_priority

_EPILOG = """\
examples:
  bigconst resume /mnt/a                         any scratch directory of the run
  bigconst resume /mnt/x --swap /mnt/x --swap /mnt/y --output /data/phi.txt
                                                 after the disks were mounted elsewhere
  bigconst resume /data --swap /mnt/new          its --checkpoint directory, after the scratch was lost
"""


def add(commands) -> None:
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
    parser.set_defaults(run=run, checkpoint=None)


def find(directory: str, swap: list[str] | None = None) -> dict:
    """The manifest of the run that a directory, or one of those where its scratch is now, holds."""
    found = held.interrupted([*(swap or []), directory])
    if found is None:
        raise UsageError(f"{directory} holds no run", "begin one with bigconst phi --swap DIR")
    return found


def run(arguments: argparse.Namespace) -> int:
    """Raises the errors of bigconst.base.errors."""
    from bigconst.storage.manifest import read_manifest

    if arguments.nice:
        lower_priority()
    swap = arguments.swap
    here = read_manifest(arguments.directory) if os.path.isdir(arguments.directory) else None
    if here is not None and (here.get("copy") or here.get("lanes") == []):
        found = {**here, "directory": os.path.abspath(arguments.directory)}
    else:
        found = find(arguments.directory, swap)
        if here is not None and here.get("run_id") != found["run_id"]:
            raise UsageError(f"{found['directory']} and {arguments.directory} hold different runs",
                             "name the scratch directories of one run")
        swap = _moved(found, swap)
    if request.is_test(found):
        return mersenne.go_on(arguments, found, swap)
    arguments.output = arguments.output or found["output"]
    arguments.no_certificate = not found["request"]["certified"]
    show_report(carry_out(arguments, *continued(arguments, found, swap)), arguments)
    return 0


def _moved(found: dict, swap: list[str] | None) -> list[str] | None:
    """Where the scratch directories are, if that is not where they were."""
    if swap:
        if len(swap) != len(found["lanes"]):
            raise UsageError(f"the run has {len(found['lanes'])} scratch directories, {len(swap)} are named",
                             "name all of them, in the order of the first command")
        return swap
    if found["directory"] == found["lanes"][0]:
        return None
    if len(found["lanes"]) > 1:
        raise UsageError(f"{found['directory']} has moved from {found['lanes'][0]}",
                         "name all scratch directories with --swap, in the order of the first command")
    return [found["directory"]]
