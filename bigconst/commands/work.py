"""`bigconst work [DIR]`: the queue of a distributed search, from worktodo.txt to results.json.txt."""

import argparse

from bigconst.base.errors import UsageError
from bigconst.base.hardware import default_threads
from bigconst.base.units import parse_count
from bigconst.commands.mersenne import add_running_options, parse_duration_s
from bigconst.commands.options import add_background_options, argument
from bigconst.plans.mersenneplan import DEFAULT_PART_S

_EPILOG = """\
worktodo.txt holds lines like these, with or without an assignment id:
  Test=57885161,74,1
  DoubleCheck=0123456789ABCDEF0123456789ABCDEF,57885161,74,1
  PRP=N/A,1,2,57885161,-1,76,0,3,1
  Cert=0123456789ABCDEF0123456789ABCDEF,1,2,57885161,-1,113055      of the residue in M57885161.cert

examples:
  bigconst work                       the queue of this directory
  bigconst work /data/gimps --workers 2 --nice
  bigconst work --cluster local --workers 16      parts of tests on a dask cluster of 16 processes
  bigconst work --cluster tls://head:8786 --tls-ca ca.pem --tls-cert me.pem --tls-key me.key
"""
MAX_WORKERS = 256


def add(commands: argparse._SubParsersAction) -> None:
    """Declare the command on an argparse subparsers object."""
    parser = commands.add_parser(
        "work",
        help="run the tests of a worktodo.txt",
        description="Run the tests of DIR/worktodo.txt in turn; results go to DIR/results.json.txt, "
                    "save files beside it. Lines that ask for other work stay.",
        epilog=_EPILOG,
    )
    parser.add_argument("dir", metavar="DIR", nargs="?", default=".", help="default: this directory")
    parser.add_argument("--workers", metavar="K", type=argument(parse_count, 1, MAX_WORKERS),
                        help="tests side by side (default 1); any of them takes any line")
    parser.add_argument("--no-proof", action="store_true",
                        help="make no proofs of PRP tests; they take disk while the test runs")
    parser.add_argument("--cluster", metavar="WHERE",
                        help="run the tests on a dask cluster: local for one of K processes here, or the address of a "
                             "scheduler, tls://HOST:PORT or tcp://HOST:PORT")
    parser.add_argument("--minutes", metavar="M", type=parse_duration_s,
                        help="with --cluster: minutes of a part of a test, after which it is saved here "
                             f"(default {DEFAULT_PART_S / 60:g})")
    for name, what in (("ca", "certificate authority"), ("cert", "certificate"), ("key", "key of the certificate")):
        parser.add_argument(f"--tls-{name}", metavar="FILE", help=f"with tls://: {what}, PEM")
    parser.add_argument("--insecure", action="store_true", help="use a scheduler on another machine without TLS")
    add_background_options(parser)
    add_running_options(parser)


def _run_on_cluster(arguments: argparse.Namespace, request) -> int:
    """`request` is a QueueRequest."""
    from bigconst.runs.cluster import LOCAL, ClusterRequest
    from bigconst.runs.clusterqueue import run_on_cluster

    if arguments.cluster != LOCAL and arguments.workers is not None:
        #: `--workers` is for `--cluster local`; those of others are begun with `dask worker`.
        raise UsageError("a cluster that is there has workers of its own", "leave out --workers")
    files = (arguments.tls_ca, arguments.tls_cert, arguments.tls_key)
    cluster = ClusterRequest(arguments.cluster, request.workers, arguments.threads, files, arguments.insecure)
    return run_on_cluster(request, cluster, arguments.minutes or DEFAULT_PART_S / 60)


def _check_alone(arguments: argparse.Namespace) -> None:
    """Raise UsageError for options that mean nothing without a cluster."""
    for name in ("minutes", "tls_ca", "tls_cert", "tls_key", "insecure"):
        if getattr(arguments, name):
            #: Without `--cluster` the tests run in processes of this machine.
            raise UsageError(f"--{name.replace('_', '-')} is about a cluster", "add --cluster, or leave it out")


def run(arguments: argparse.Namespace) -> int:
    """Run tests until no line is left that can be worked on; the exit code is 2 where lines were refused.

    Raises UsageError for options that contradict each other, and the errors of the runs.
    """
    from bigconst.runs.mersennequeue import QueueRequest, run_queue
    from bigconst.runs.priority import lower_priority

    if arguments.nice:
        lower_priority()
    workers = arguments.workers or 1
    threads = arguments.threads or max(1, default_threads() // workers)
    request = QueueRequest(arguments.dir, threads, arguments.save_every, arguments.usd_per_hour, workers,
                           not arguments.no_proof, arguments.events, arguments.cluster is not None)
    if arguments.cluster is not None:
        return 2 if _run_on_cluster(arguments, request) else 0
    _check_alone(arguments)
    return 2 if run_queue(request) else 0
